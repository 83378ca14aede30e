"""Our recipes beside other methods on exactly the same observations.

    python benchmarks/quality.py denoise cset9 --noise gauss:25 [--recipe fast] [--crop 256]
    python benchmarks/quality.py real polyu10|fmd12 [--peers NLM=0.01,NLM=0.015,blur=1,BM3D]
    python benchmarks/quality.py pairs FOLDER    (FOLDER/noisy and FOLDER/clean, the same names)
    python benchmarks/quality.py inpaint inpaint11 [--missing 50]
    python benchmarks/quality.py upscale set5 [--factor 4]

Prints a Markdown table; with -o, also JSON and the pictures. Peers are given the true noise level
where it has one, else the true root mean square error (ours never is). NLM=h and blur=px are
non-local means and a Gaussian blur with one setting for all pictures, VST-BM3D=n is BM3D behind the
stabilised variance of n counts at white, BM3D-model is BM3D given the noise model that ours finds.
What has already been measured into the JSON is not measured again. The truth is used for scoring.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from common import Image

from untrained import find_recipe, restore
from untrained.baselines import Known, find_baseline
from untrained.images import Picture, is_image_path, read_picture, white_of, write_picture
from untrained.operators import Resample
from untrained.restoring import Given
from untrained.simulation import degrade

Row = dict[str, Any]


def denoise(name: str, options: argparse.Namespace) -> tuple[Image, Image, dict[str, Any], float]:
    truth = common.load(name)
    truth = common.central(truth, options.crop) if options.crop else truth
    observed = common.noisy(truth, options.noise)
    kind, _, value = options.noise.partition(":")
    sigma = float(value) / 255 if kind == "gauss" else _error(observed, truth)
    return truth, observed, {}, sigma


def real(name: str, options: argparse.Namespace) -> tuple[Image, Image, dict[str, Any], float]:
    names = {"_real": "_mean", "_raw": "_gt"}
    clean = next(name.replace(a, b) for a, b in names.items() if a in name)
    truth, observed = common.load(clean), common.load(name)
    if options.crop:
        truth, observed = (common.central(x, options.crop) for x in (truth, observed))
    return truth, observed, {}, _error(observed, truth)


def pairs(name: str, options: argparse.Namespace) -> tuple[Image, Image, dict[str, Any], float]:
    noisy = Path(name)
    clean = noisy.parent.parent / "clean" / noisy.name
    truth, observed = (read_picture(path).pixels[0] for path in (clean, noisy))
    full = white_of(observed.dtype)
    truth, observed = truth / full, observed / full
    if options.crop:
        truth, observed = (common.central(x, options.crop) for x in (truth, observed))
    return truth, observed, {}, _error(observed, truth)


def inpaint(name: str, options: argparse.Namespace) -> tuple[Image, Image, dict[str, Any], float]:
    truth = common.load(name)
    truth = common.central(truth, options.crop) if options.crop else truth
    generator = np.random.default_rng(0)
    known = degrade.missing(truth.shape[:2], options.missing / 100, generator=generator)
    return truth, truth * known[:, :, None], {"mask": known}, 0.0


def upscale(name: str, options: argparse.Namespace) -> tuple[Image, Image, dict[str, Any], float]:
    truth = degrade.crop_to_multiple(common.load(name), options.factor)
    operator = Resample(options.factor, kernel="bicubic")
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(truth.transpose(2, 0, 1)[None]))
    small = operator(tensor)[0].permute(1, 2, 0).numpy().clip(0, 1)
    return truth, np.rint(small * 255) / 255, {"operator": operator}, 0.0


def _error(observed: Image, truth: Image) -> float:
    return float(np.sqrt(np.mean((observed - truth) ** 2)))


def peers(task: str, observed: Image, extra: dict[str, Any], sigma: float, names: list[str],
          factor: int) -> dict[str, Image]:  # fmt: skip
    if task == "upscale":
        method = find_baseline("upscale", "bicubic-torch")
        return {"bicubic": method(observed, Known(factor=factor))}
    if task == "inpaint":
        method = find_baseline("inpaint", "biharmonic")
        return {"biharmonic": method(observed, Known(mask=extra["mask"]))}
    return {name: common.denoiser(name)(observed, sigma) for name in names}


def measure(task: str, name: str, options: argparse.Namespace, row: Row) -> Row:
    truth, observed, extra, sigma = globals()[task](name, options)
    border = options.factor

    def score(image: Image) -> float:
        if task == "upscale":
            return common.psnr_y(image, truth, border)
        return common.psnr(image, truth)

    images = {}
    if "peers" not in row:
        images = peers(task, observed, extra, sigma, options.peers, options.factor)
        row["peers"] = {peer: score(image) for peer, image in images.items()}
        row["size"] = "×".join(map(str, truth.shape))
        if observed.shape == truth.shape and task != "inpaint":
            row["input"] = score(observed)
    if options.recipe not in row:
        recipe = find_recipe("denoise" if task in ("real", "pairs") else task, options.recipe)
        began = time.monotonic()
        result = restore(observed, recipe=recipe, truth=truth, seed=0, given=Given(**extra))
        seconds = time.monotonic() - began
        if result.cut_short:
            raise KeyboardInterrupt
        assert result.score is not None
        assert result.image is not None
        row[options.recipe] = {
            "psnr": score(result.image), "ssim": result.score.ssim_kept,
            "peak": result.score.peak_psnr, "gap": result.score.gap,
            "steps": result.stop_step, "reason": result.reason.value, "seconds": seconds,
            "sigma_255": result.details["sigma_255"],
        }  # fmt: skip
        images[options.recipe] = result.image
        if options.output:
            for what, image in ({"observed": observed, "truth": truth} | images).items():
                values = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
                path = options.output / f"{Path(name).stem}-{what}.png"
                write_picture(path, Picture.from_array(values))
    return row


def report(rows: dict[str, Row], recipe: str) -> str:
    rows = {name: row for name, row in rows.items() if recipe in row}
    known = list(next(iter(rows.values()))["peers"])
    columns = {
        "input": lambda r: r.get("input"),
        **{peer: (lambda r, p=peer: r["peers"].get(p)) for peer in known},
        recipe: lambda r: r[recipe]["psnr"],
        "SSIM": lambda r: r[recipe]["ssim"],
        "gap to the peak": lambda r: r[recipe]["gap"],
        "steps": lambda r: r[recipe]["steps"],
        "seconds": lambda r: r[recipe]["seconds"],
    }
    digits = {"SSIM": 3, "steps": 0, "seconds": 0}
    columns = {c: f for c, f in columns.items() if all(f(r) is not None for r in rows.values())}

    def cells(values: dict[str, float]) -> list[str]:
        return [f"{value:.{digits.get(c, 2)}f}" for c, value in values.items()]

    lines = [
        [Path(name).stem, *cells({c: f(row) for c, f in columns.items()})]
        for name, row in rows.items()
    ]
    mean = {c: float(np.mean([f(r) for r in rows.values()])) for c, f in columns.items()}
    worst = max(row[recipe]["gap"] for row in rows.values())
    lines.append([f"mean of {len(rows)} (worst gap {worst:.2f})", *cells(mean)])
    return common.table(["picture", *columns], lines)


def _pictures_of(task: str, group: str) -> list[str]:
    if task != "pairs":
        return common.pictures_of(group)
    found = sorted(p for p in (Path(group) / "noisy").iterdir() if is_image_path(p))
    if not found:
        raise SystemExit(f"{group}/noisy holds no picture; wanted FOLDER/noisy and FOLDER/clean")
    return [str(path) for path in found]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("denoise", "real", "pairs", "inpaint", "upscale"))
    parser.add_argument("sets", nargs="+", help="a set, a file or a picture of scikit-image")
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--noise", default="gauss:25")
    parser.add_argument("--missing", type=float, default=50, help="percent")
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--crop", type=int, default=0, help="side of a central crop; 0 = all")
    parser.add_argument("--peers", default="NLM,BM3D", type=lambda text: text.split(","))
    parser.add_argument("-o", "--output", type=Path, help="folder of the JSON and the pictures")
    options = parser.parse_args()
    path = options.output and options.output / "quality.json"
    data = json.loads(path.read_text()) if path and path.exists() else {"rows": {}}
    data |= {
        "machine": common.machine(),
        "arguments": {k: str(v) for k, v in vars(options).items()},
    }
    names = [name for group in options.sets for name in _pictures_of(options.task, group)]
    names = [n for n in names if not Path(n).stem.endswith(("_gt", "_mean"))]
    for name in names:
        data["rows"][name] = measure(options.task, name, options, data["rows"].get(name, {}))
        done = data["rows"][name][options.recipe]
        print(f"{name}: {done['psnr']:.2f} dB in {done['seconds']:.0f} s", flush=True)
        if path:
            common.save(path, data)
    print(report({name: data["rows"][name] for name in names}, options.recipe))


if __name__ == "__main__":
    main()
