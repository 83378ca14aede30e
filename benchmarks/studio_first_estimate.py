"""From dropping a photo of 12 megapixels on the page to the first estimate on the screen.

    python benchmarks/studio_first_estimate.py --rounds 5 --source src OTHER/src

Every source tree (of another checkout, to compare) is served in turn, in one run, and asked by
Chromium: first on a machine that knows no pace (cold), then once more with another photo of the
size (again). The clock is the page's: from the event of the drop to the first number of the
estimate, and to the picture. Wants playwright and chromium.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from studio_common import served

LOOK = """() => {
  window.seen = {};
  const look = () => {
    const now = performance.now();
    if (!seen.estimate && document.querySelector(".estimate dd")) seen.estimate = now;
    const picture = document.querySelector(".preview img");
    if (!seen.picture && picture?.complete && picture.naturalWidth > 0) seen.picture = now;
    requestAnimationFrame(look);
  };
  look();
}"""
HOLD = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  return transfer;
}"""
FALL = """(transfer) => {
  window.fell = performance.now();
  document.querySelector(".drop").dispatchEvent(
    new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def photo(seed: int, width: int = 4000, height: int = 3000) -> bytes:
    """Return a JPEG with something in it, and noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    scene = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float32)
    noise = rng.normal(0, 12, (height, width, 3)).astype(np.float32)
    buffer = io.BytesIO()
    pixels = (scene * 0.8 + 25 + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def dropped(page: Any, address: str, name: str, content: bytes) -> tuple[float, float]:
    """Return the seconds from a drop to the estimate and to the picture."""
    page.goto(address)
    page.locator(".drop").wait_for()
    page.wait_for_timeout(500)  # what is loaded behind the first look
    transfer = page.evaluate_handle(HOLD, [name, base64.b64encode(content).decode()])
    page.evaluate(LOOK)
    page.evaluate(FALL, transfer)
    page.wait_for_function("() => seen.estimate && seen.picture", timeout=300_000)
    seen = page.evaluate("() => [seen.estimate - fell, seen.picture - fell]")
    return seen[0] / 1000, seen[1] / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", nargs="+", type=Path, default=[Path("src")])
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    photos = [photo(seed) for seed in range(2)]
    taken: dict[tuple[Path, str], list[tuple[float, float]]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for turn in range(chosen.rounds):
            for source in chosen.source[:: 1 if turn % 2 == 0 else -1]:
                with tempfile.TemporaryDirectory() as folder:
                    env = {
                        **os.environ, "PYTHONPATH": str(source.resolve()),
                        "UNTRAINED_CACHE": folder, "XDG_CACHE_HOME": folder,
                    }  # fmt: skip
                    with served(Path(folder) / "workspace", env=env) as studio:
                        page = browser.new_context().new_page()
                        for state, content in zip(("cold", "again"), photos, strict=True):
                            found = dropped(page, studio.address, f"{state}.jpg", content)
                            taken.setdefault((source, state), []).append(found)
                            print(f"{source} {state}: estimate {found[0]:.2f} s, "
                                  f"picture {found[1]:.2f} s", flush=True)  # fmt: skip
                        page.context.close()
        browser.close()
    print(f"{len(photos[0]) / 1e6:.1f} MB of JPEG, medians of {chosen.rounds}:")
    for (source, state), found in taken.items():
        estimate, picture = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"{source} {state}: estimate {estimate:.2f} s, picture {picture:.2f} s")


if __name__ == "__main__":
    main()
