"""CT: the projector's speed, and a real scan in few views beside classical methods.

    python benchmarks/ct.py projector
    python benchmarks/ct.py tooth --views 30 60 --recipe fast best --peers
    python benchmarks/ct.py centre
    python benchmarks/ct.py strip

The scan is TomoPy's tooth, row 0 (`untrained.data`): no truth. Of its 181 views those are used that
`--views` says, evenly spaced; detector pixels are binned by two. Two referees:

- held-out: rms of A x (+ offsets, where a method finds them) - y over the projections that the
  method did not get. No fit sees them; the weights of TV, and our settings, were chosen by them.
- PSNR against the filtered back-projection (ramp) of all views, within the inscribed circle, peak =
  its 99.9th percentile; it has the noise and the rings of all views.

Seconds are those of the process (`time.process_time`), threads as set by OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from untrained import data
from untrained.calibration import correct_flat_field, find_centre
from untrained.fitting import Callback
from untrained.operators import Radon
from untrained.recipes import find_recipe, with_settings
from untrained.restoring import Execution, restore
from untrained.tasks.ct import ParallelBeam, prepare_ct

SIDE, CENTRE = 176, 296.4


@dataclass
class Scan:
    """The tooth: its sinogram, the angles, the projector of all views, the reference."""

    counts: np.ndarray
    flat: np.ndarray
    dark: np.ndarray
    theta: np.ndarray
    centre: float

    def __post_init__(self):
        found = correct_flat_field(self.counts, self.flat, self.dark)
        assert found.known.all()
        self.unbinned = found.values
        self.sinogram = found.values.reshape(181, 320, 2).mean(2).astype(np.float32)
        self.projector = self.made(np.arange(181))
        y = torch.from_numpy(self.sinogram)[None, None]
        self.reference = self.projector.fbp(y)[0, 0].numpy()
        x, y = self.projector.positions()
        self.inside = (x**2 + y**2 <= (SIDE / 2) ** 2).reshape(SIDE, SIDE)
        self.peak = np.percentile(self.reference[self.inside], 99.9)

    def made(self, chosen):
        return Radon(self.theta[chosen], 320, SIDE, centre=(self.centre - 0.5) / 2)

    def score(self, image, views, offsets=0.0):
        """Return the held-out rms and the PSNR of an image."""
        others = np.setdiff1d(np.arange(181), chosen_of(views))
        projected = self.projector(torch.from_numpy(np.float32(image))[None, None])[0, 0].numpy()
        rms = np.sqrt(np.mean((projected + offsets - self.sinogram)[others] ** 2))
        error = np.mean((image - self.reference)[self.inside] ** 2)
        return float(rms), float(10 * np.log10(self.peak**2 / error))


def chosen_of(views):
    return np.round(np.linspace(0, 181, views, endpoint=False)).astype(int)


def tooth(centre=CENTRE):
    with np.load(data.fetch("ct_tooth/tooth.npz")) as found:
        return Scan(
            found["data"][:, 0], found["data_white"][:, 0], found["data_dark"][:, 0],
            np.deg2rad(found["theta"]), centre,
        )  # fmt: skip


def total_variation(projector, y, weight, *, offsets=False, steps=400):
    """Return argmin ½‖A x + b - y‖² + weight ‖∇x‖₂,₁, x ≥ 0, and b (Chambolle & Pock, 2011).

    With offsets, b is the mean over the views of what is left, found in turns with x.
    """
    v = torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        v = projector.adjoint(projector(v))
        norm = v.norm()
        v = v / norm
    norm = float(norm) ** 0.5
    scale = norm / 8**0.5  # so that both parts of the operator have one norm
    size = 1 / (2**0.5 * norm)
    x = torch.zeros_like(v)
    ahead, dual, slope = x, torch.zeros_like(y), torch.zeros(2, SIDE, SIDE)
    b = torch.zeros_like(y[:, :, :1])
    for step in range(steps):
        if offsets and step and step % 50 == 0:
            left = (y - projector(x)).mean(2, keepdim=True)
            b = left - left.mean()
        dual = (dual + size * (projector(ahead) + b - y)) / (1 + size)
        slope[0, :-1] += size * scale * (ahead[0, 0, 1:] - ahead[0, 0, :-1])
        slope[1, :, :-1] += size * scale * (ahead[0, 0, :, 1:] - ahead[0, 0, :, :-1])
        slope = slope / (slope.norm(dim=0) / (weight / scale)).clamp_min(1)
        back = projector.adjoint(dual)[0, 0]
        back[:-1] -= scale * slope[0, :-1]
        back[1:] += scale * slope[0, :-1]
        back[:, :-1] -= scale * slope[1, :, :-1]
        back[:, 1:] += scale * slope[1, :, :-1]
        new = (x - size * back).clamp_min(0)
        ahead, x = 2 * new - x, new
    return x[0, 0].numpy(), b[0, 0].numpy()


def peers(scan, views):
    """Print the classical methods, several weights each: the best by the held-out views counts."""
    chosen = chosen_of(views)
    projector = scan.made(chosen)
    y = torch.from_numpy(scan.sinogram[chosen])[None, None]
    for window in ("ramp", "hann"):
        report(
            f"FBP {window}", views, scan.score(projector.fbp(y, window=window)[0, 0].numpy(), views)
        )
    for offsets in (False, True):
        for weight in (0.03, 0.05, 0.1):
            began = time.process_time()
            image, b = total_variation(projector, y, weight, offsets=offsets)
            name = f"TV {weight}" + " and offsets" * offsets
            report(name, views, scan.score(image, views, b), time.process_time() - began)


def report(name, views, score, seconds=0.0, more=""):
    print(
        f"{views} views  {name:24} held-out {score[0]:.5f}  PSNR {score[1]:.2f}  "
        f"{seconds:5.0f} CPU s  {more}", flush=True,
    )  # fmt: skip


class Watch(Callback):
    """The PSNR of what would be kept, at every look: for the stop gap alone."""

    def __init__(self, scan, views, scale):
        self.scan, self.views, self.scale, self.scores = scan, views, scale, []

    def on_check(self, check):
        image = check.image[0, 0].numpy() * self.scale
        self.scores.append((check.step, *self.scan.score(image, self.views)))


def ours(scan, views, name, changes, seed):
    recipe = with_settings(find_recipe("ct", name), changes)
    measured = prepare_ct(
        scan.unbinned, scan.theta, centre=scan.centre, size=SIDE, binning=2, views=views,
        beam=ParallelBeam(detector=0.5),
    )  # fmt: skip
    watch = Watch(scan, views, measured.given.scale)
    began = time.process_time()
    result = restore(
        measured.y, recipe=recipe, given=measured.given, channel_axis=-1, seed=seed,
        execution=Execution(device="cpu", callbacks=[watch]),
    )  # fmt: skip
    seconds = time.process_time() - began
    image = result.image[..., 0]
    offsets = 0.0
    if "offsets" in result.extras:
        offsets = result.extras["offsets"][0, 0].numpy() * measured.given.scale
    score = scan.score(image, views, offsets)
    peak = max(psnr for _, _, psnr in watch.scores)
    alone = scan.score(image, views)[0]
    report(
        f"{name} seed {seed}", views, score, seconds,
        f"without its offsets {alone:.5f}, kept {result.kept_step} of {result.stop_step}, "
        f"gap {max(0.0, peak - score[1]):.2f} dB",
    )  # fmt: skip
    return image


def projector(side=256, views=60, rounds=15):
    """Time A and Aᵀ of one image beside rotation by grid_sample, and deepinv's if it is there."""
    angles = np.linspace(0, np.pi, views, endpoint=False)
    began = time.process_time()
    own = Radon(angles, side, side)
    print(f"made in {time.process_time() - began:.2f} CPU s, {own.values.numel():,} entries")
    cos, sin = torch.tensor(np.cos(angles)).float(), torch.tensor(np.sin(angles)).float()
    turn = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)
    grid = F.affine_grid(
        torch.cat([turn, torch.zeros(views, 2, 1)], 2), (views, 1, side, side), align_corners=False
    )

    def turned(x):
        whole = x.expand(views, 1, side, side)
        return F.grid_sample(whole, grid, align_corners=False).sum(2)[:, 0]

    every = {"own": own, "grid_sample": turned}
    try:
        # its wheel of torchvision wants operators that a torch for CPUs lacks
        lacking = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            lacking.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import deepinv

        degrees = torch.linspace(0, 180 - 180 / views, views)
        every["deepinv"] = deepinv.physics.Tomography(
            angles=degrees, img_width=side, circle=True, normalize=False
        )
    except ImportError:
        print("deepinv is not installed")
    image = torch.rand(1, 1, side, side)
    times = {name: [] for name in every}
    for _ in range(rounds):
        for name, forward in every.items():  # in turns: the machine's load is that of all
            x = image.clone().requires_grad_()
            began = time.process_time()
            forward(x).square().sum().backward()
            times[name].append(time.process_time() - began)
    for name, seconds in times.items():
        low, middle = min(seconds), sorted(seconds)[len(seconds) // 2]
        print(f"{name:12} forward and gradient: median {1e3 * middle:.1f} ms, best {1e3 * low:.1f}")


def strip():
    """Compare A with ASTRA's strip kernel, and both with the areas in float64, ray by ray."""
    import astra

    for side, views in ((64, 30), (256, 60)):
        angles = np.linspace(0, np.pi, views, endpoint=False)
        image = np.random.default_rng(0).random((side, side))
        places = np.arange(side) - (side - 1) / 2
        image *= np.hypot(places, places[:, None]) < side / 2 - 1
        own = Radon(angles, side, side)(torch.from_numpy(image).float()[None, None])[0, 0].numpy()
        geometry = astra.create_proj_geom("parallel", 1.0, side, angles)
        made = astra.create_projector("strip", geometry, astra.create_vol_geom(side, side))
        theirs = astra.create_sino(image.astype(np.float32), made)[1]
        exact = np.array([areas(image, places, angle) for angle in angles])
        for name, a, b in (
            ("ours - ASTRA", own, theirs), ("ours - exact", own, exact),
            ("ASTRA - exact", theirs, exact),
        ):  # fmt: skip
            print(f"{side}², {views} views: {name}: {np.abs(a - b).max() / exact.max():.1e} of the "
                  "largest value at most", flush=True)  # fmt: skip


def areas(image, places, angle):
    """Return Σ area(pixel ∩ strip) · pixel for every strip of width 1, (detectors,), in float64."""
    wide, narrow = sorted((abs(np.cos(angle)), abs(np.sin(angle))), reverse=True)
    at = places * np.cos(angle) - places[:, None] * np.sin(angle)  # rows go down

    def left_of(u):  # the area of a pixel at 0 to the left of u: a trapezoid's integral
        if narrow < 1e-9:
            return (u / wide + 0.5).clip(0, 1)
        outer, inner = (wide + narrow) / 2, (wide - narrow) / 2
        parts = ((1, outer), (-1, inner), (-1, -inner), (1, -outer))
        return sum(s * np.maximum(u + edge, 0) ** 2 for s, edge in parts) / (2 * wide * narrow)

    edges = np.append(places - 0.5, places[-1] + 0.5)
    below = np.array([(left_of(edge - at) * image).sum() for edge in edges])
    return np.diff(below)


def centre():
    """Find the centre of rotation, and show what the held-out views say of others."""
    scan = tooth()
    began = time.process_time()
    found = find_centre(scan.unbinned, scan.theta)
    print(f"found {found:.2f} in {time.process_time() - began:.1f} CPU s")
    chosen = chosen_of(60)
    for place in (found, 295.4, 295.8, 296.1, 296.4, 296.8):
        other = tooth(place)
        y = torch.from_numpy(other.sinogram[chosen])[None, None]
        image, _ = total_variation(other.made(chosen), y, 0.05, steps=200)
        print(f"{place:.2f}: held-out {other.score(image, 60)[0]:.5f} (TV .05)", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("projector", "tooth", "centre", "strip"))
    parser.add_argument("--views", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--recipe", nargs="*", default=[])
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--centre", type=float, default=CENTRE, help="auto = 0")
    asked = parser.parse_args()
    if asked.what != "tooth":
        return {"projector": projector, "centre": centre, "strip": strip}[asked.what]()
    scan = tooth(asked.centre)
    changes = {k: eval(v, {}) if v[0] in "-.0123456789" else v for k, v in
               (c.split("=", 1) for c in asked.changes)}  # fmt: skip
    for views in asked.views if asked.peers else ():
        peers(scan, views)
    for name in asked.recipe:
        for views in asked.views:
            ours(scan, views, name, changes, asked.seed)
    return None


if __name__ == "__main__":
    main()
