"""Series from undersampled k-space: our recipes beside what needs no network, on the same lines.

    python benchmarks/series.py [SERIES …] [--recipes fast,paper] [--peers yes|no] [-o FOLDER]

Three series of shared data (`mri_dynamic`), divided by their largest value; at most 24 frames. One
coil. Columns of k-space are drawn anew for every frame: 8 in the middle, the others with a
probability that falls with the square of the distance from the edge, (1 - |k|)²; complex noise of
standard deviation .005 a part. A peer's weights are the best of a grid BY THE TRUTH; ours sees no
truth. PSNR is of magnitudes, all pixels of all frames, peak 1; SSIM the mean over the frames.
"stop gap" is how much better the best look was than the image that is kept. CPU seconds are those
of all threads. What the folder's JSON holds is not measured again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from numpy.typing import NDArray

from untrained import data
from untrained.fitting import Callback, Check, Start
from untrained.metrics import psnr, ssim
from untrained.objectives import SpaceTime
from untrained.simulation.sampling import random_lines
from untrained.tasks.series import MeasuredSeries, prepare_series, reconstruct_series

SERIES = {
    "rat_cine": (4, True),
    "pincat_perfusion": (8, False),
    "brain_t2_t1": (6, False),
}
"""The acceleration, and whether the series is one cycle."""

FRAMES = 24
LINES = 8
NOISE = 0.005

Complex = NDArray[np.complex64]


def measured(name: str, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_], Complex]:
    """Return a series, which columns each frame has, and its k-space (T, h, w)."""
    truth = np.load(data.fetch(f"mri_dynamic/{name}.npy"))[:FRAMES].astype(np.float64)
    truth /= truth.max()
    frames, _, width = truth.shape
    rng = np.random.default_rng(seed)
    mask = random_lines(frames, width, width // SERIES[name][0], middle=LINES, generator=rng)
    rng = np.random.default_rng(seed)
    axes = (-2, -1)
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(truth, axes), norm="ortho"), axes)
    k = k + NOISE * (rng.standard_normal(k.shape) + 1j * rng.standard_normal(k.shape))
    return truth, mask, np.where(mask[:, None], k, 0).astype(np.complex64)


def score(series: NDArray[Any], truth: NDArray[np.float64]) -> dict[str, float]:
    """Return PSNR and SSIM of magnitudes."""
    size = np.abs(series)
    each = [ssim(a, b, peak=1.0) for a, b in zip(size, truth, strict=True)]
    return {"psnr": psnr(size, truth, peak=1.0), "ssim": float(np.mean(each))}


def zero_filled(m: MeasuredSeries) -> NDArray[Any]:
    """Return A* y."""
    return _image(m, _operator(m).adjoint(_y(m)))


def time_mean(m: MeasuredSeries) -> NDArray[Any]:
    """Return A* y with what a frame lacks taken from the mean over the frames that have it."""
    y, known = _y(m), torch.from_numpy(np.asarray(m.given.mask)).float()
    y = y.reshape(*y.shape[:2], m.frames, -1, y.shape[-1])
    known = known.reshape(m.frames, -1, y.shape[-1])
    mean = y.sum(2, keepdim=True) / known.sum(0).clamp_min(1)
    filled = torch.where(known > 0, y, mean)
    return _image(m, _operator(m).adjoint(filled.flatten(2, 3)))


def space_time(weight: float, time_weight: float, low_rank: float, periodic: bool) -> Any:
    """Return the peer of these weights."""
    settings = SpaceTime(
        weight=weight, time_weight=time_weight, low_rank=low_rank, periodic=periodic,
        iterations=150,
    )  # fmt: skip

    def solve(m: MeasuredSeries) -> NDArray[Any]:
        known = torch.from_numpy(np.asarray(m.given.mask)).float()[None, None]
        return _image(m, settings.solve(_operator(m), _y(m), known, m.frames))

    return solve


def kt_sparse(weight: float) -> Callable[[MeasuredSeries], NDArray[Any]]:
    """Return the peer that wants few temporal frequencies: FISTA, the mean over time unpunished."""

    def solve(m: MeasuredSeries) -> NDArray[Any]:
        known = torch.from_numpy(np.asarray(m.given.mask)).float()[None, None]
        operator, y = _operator(m), _y(m)

        def spectrum(image: torch.Tensor) -> torch.Tensor:
            pairs = image.reshape(m.frames, 2, *image.shape[-2:]).permute(0, 2, 3, 1).contiguous()
            return torch.fft.fft(torch.view_as_complex(pairs), dim=0, norm="ortho")

        def image_of(c: torch.Tensor) -> torch.Tensor:
            frames = torch.view_as_real(torch.fft.ifft(c, dim=0, norm="ortho"))
            return frames.permute(0, 3, 1, 2).reshape(1, -1, *c.shape[1:])

        c = z = spectrum(operator.adjoint(y))
        t = 1.0
        for _ in range(60):
            u = z - spectrum(operator.adjoint(known * operator(image_of(z)) - y))
            size = u.abs()
            new = u * ((size - weight).clamp_min(0) / size.clamp_min(1e-12))
            new[0] = u[0]
            following = (1 + (1 + 4 * t * t) ** 0.5) / 2
            z, c, t = new + (t - 1) / following * (new - c), new, following
        return _image(m, image_of(c))

    return solve


def peers(periodic: bool) -> dict[str, dict[str, Callable[[MeasuredSeries], NDArray[Any]]]]:
    """Return each peer with its grid."""
    return {
        "zero-filled": {"": zero_filled},
        "time mean": {"": time_mean},
        "k-t sparse": {f"{w:g}": kt_sparse(w) for w in (1e-3, 3e-3, 1e-2)},
        "ST-TV": {
            f"{w:g} x{t:g}": space_time(w, t, 0.0, periodic)
            for w in (3e-4, 1e-3) for t in (1.0, 2.0, 4.0)
        },
        "ST-TV and low rank": {
            f"{w:g} x{t:g} {r:g}": space_time(w, t, r, periodic)
            for w, t in ((1e-3, 1.0), (3e-4, 2.0)) for r in (2e-4, 8e-4)
        },
    }  # fmt: skip


class Curve(Callback):
    """The PSNR of what would be kept at every so many steps; shown to nobody."""

    def __init__(self, m: MeasuredSeries, truth: NDArray[np.float64], every: int) -> None:
        self.m, self.truth, self.every = m, truth, every
        self.rows: list[tuple[int, float]] = []
        self.seconds = 0.0

    def on_start(self, start: Start) -> None:
        """Take how the image is made."""
        self.image = start.image

    def on_check(self, check: Check) -> None:
        """Score the image of now."""
        if check.step % self.every:
            return
        began = time.process_time()
        image = self.image()[0].permute(1, 2, 0).numpy() * self.m.given.scale
        series = np.abs(self.m.series(image))
        self.rows.append((check.step, psnr(series, self.truth, peak=1.0)))
        self.seconds += time.process_time() - began


def _fitted(name: str, recipe: str, k: Complex, mask: NDArray[Any], truth: Any) -> dict[str, Any]:
    m = prepare_series(k, mask)
    curve = Curve(m, truth, 20 if recipe != "paper" else 500)
    began = time.process_time()
    settings = {}
    if recipe == "paper":
        settings["network.size"] = ",".join(str(-(-n // 16)) for n in truth.shape[1:])
        settings["objective.code.cycles"] = 1.0
    result = reconstruct_series(
        k, mask, recipe=recipe, periodic=SERIES[name][1] and recipe != "paper", device="cpu",
        settings=settings, callbacks=[curve], return_result=True,
    )  # fmt: skip
    seconds = time.process_time() - began - curve.seconds
    row = score(result.image, truth)
    best = max([p for _, p in curve.rows], default=row["psnr"])
    return {
        **row, "seconds": seconds, "steps": result.stop_step, "curve": curve.rows,
        "gap": max(0.0, best - row["psnr"]),
    }  # fmt: skip


def _operator(m: MeasuredSeries) -> Any:
    return m.given.operator


def _y(m: MeasuredSeries) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(m.y, -1, 0)[None].copy())


def _image(m: MeasuredSeries, image: torch.Tensor) -> NDArray[Any]:
    return m.series(image[0].permute(1, 2, 0).numpy())


def report(rows: dict[str, Any]) -> str:
    """Return the table."""
    lines = []
    for key, row in rows.items():
        name, method = key.split(", ", 1)
        lines.append([
            name, method, str(row.get("chosen", "")), f"{row['psnr']:.2f}", f"{row['ssim']:.4f}",
            f"{row['gap']:.2f}" if "gap" in row else "", f"{row['seconds']:.0f}",
        ])  # fmt: skip
    header = ["series", "method", "weights, by the truth", "PSNR", "SSIM", "stop gap", "CPU s"]
    return common.table(header, lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("series", nargs="*", default=list(SERIES))
    parser.add_argument("-o", "--output", type=Path, default=Path("series"))
    parser.add_argument("--recipes", default="fast")
    parser.add_argument("--peers", default="yes", choices=["yes", "no"])
    options = parser.parse_args()
    path = options.output / "series.json"
    stored: dict[str, Any] = {"machine": common.machine(), "rows": {}}
    if path.exists():
        stored = json.loads(path.read_text())
    rows = stored["rows"]
    for name in options.series:
        truth, mask, k = measured(name)
        for recipe in filter(None, options.recipes.split(",")):
            if f"{name}, {recipe}" not in rows:
                rows[f"{name}, {recipe}"] = _fitted(name, recipe, k, mask, truth)
                common.save(path, stored)
                print(f"{name}, {recipe}: {rows[f'{name}, {recipe}']['psnr']:.2f}", flush=True)
        m = prepare_series(k, mask)
        for peer, grid in peers(SERIES[name][1]).items() if options.peers == "yes" else ():
            if f"{name}, {peer}" in rows:
                continue
            found = []
            for chosen, solve in grid.items():
                began = time.process_time()
                image = solve(m)
                found.append({
                    **score(image, truth), "chosen": chosen, "seconds": time.process_time() - began
                })  # fmt: skip
            rows[f"{name}, {peer}"] = max(found, key=lambda row: row["psnr"])
            common.save(path, stored)
            print(f"{name}, {peer}: {rows[f'{name}, {peer}']['psnr']:.2f}", flush=True)
    print(report(rows))


if __name__ == "__main__":
    main()
