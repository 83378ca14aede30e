"""Small pictures one after another and many in one pass: pictures a second, and what it costs.

    python benchmarks/one_pass.py PICTURES --side 64 --count 16 --together 1,8,16

Crops of the pictures with noise of σ = 25 are a batch, done once for each number that is fitted in
one pass, in turn. `core` counts the seconds of the cores, which other programs do not lengthen.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from untrained.batches import LocalEngine, Settings, run_batch
from untrained.images import Picture, read_picture, write_picture


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--together", default="1,8,16")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    changes = dict(change.split("=", 1) for change in asked.set)
    print("| in one pass | pictures/s | pictures/core s | PSNR | least, most beside alone dB |")
    print("| --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        manifest = made(asked.pictures, Path(place), asked.side, asked.count)
        for together in map(int, asked.together.split(",")):
            settings = Settings(
                output=f"{place}/{together}", task="denoise", recipe=asked.recipe, changes=changes
            )
            accounts: dict[str, Any] = {}
            began = time.monotonic()
            run_batch(
                [str(manifest)], settings,
                LocalEngine(workers=asked.workers, threads=1, together=together),
                tell=lambda entry, account, to=accounts: to.update({entry.source: dict(account)}),
            )  # fmt: skip
            rows.append(row_of(together, time.monotonic() - began, accounts, rows))
            shown = rows[-1]
            print(
                f"| {together} | {shown['rate']:.3f} | {shown['core_rate']:.3f} "
                f"| {shown['psnr']:.2f} | {shown['least']:+.2f}, {shown['most']:+.2f} |",
                flush=True,
            )
    if asked.output:
        asked.output.write_text(json.dumps(rows))


def row_of(
    together: int, seconds: float, accounts: dict[str, Any], before: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what came of one run; the first of all is the one to compare with."""
    done = {name: one for name, one in accounts.items() if one["status"] == "done"}
    assert len(done) == len(accounts), accounts
    psnr = {name: one["psnr"] for name, one in done.items()}
    base = before[0]["each"] if before else psnr
    apart = [psnr[name] - base[name] for name in psnr]
    return {
        "together": together, "rate": len(done) / seconds,
        "core_rate": len(done) / sum(one["cpu_seconds"] for one in done.values()),
        "psnr": statistics.mean(psnr.values()), "each": psnr,
        "least": min(apart), "most": max(apart),
        "said": [one.get("together") for one in done.values()],
        "steps": [one["steps"] for one in done.values()],
    }  # fmt: skip


def made(pictures: Path, place: Path, side: int, count: int) -> Path:
    """Write noisy crops, their truths and a manifest of them."""
    files = sorted(path for path in pictures.iterdir() if path.suffix in (".png", ".tif"))
    lines = ["path,sigma,truth"]
    for i in range(count):
        pixels = read_picture(files[i % len(files)]).pixels[0]
        drawn = np.random.default_rng(i)
        top, left = (drawn.integers(n - side + 1) for n in pixels.shape[:2])
        clean = pixels[top : top + side, left : left + side]
        noisy = np.clip(np.rint(clean + drawn.normal(0, 25, clean.shape)), 0, 255)
        for name, values in (("clean", clean), ("noisy", noisy)):
            write_picture(
                place / f"{name}-{i:03d}.png", Picture.from_array(values.astype(np.uint8))
            )
        lines.append(f"noisy-{i:03d}.png,25,clean-{i:03d}.png")
    manifest = place / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


if __name__ == "__main__":
    main()
