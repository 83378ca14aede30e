"""Compressed sensing beside total variation and wavelets.

    UNTRAINED_DATA=… python benchmarks/sensing.py set12 --rates 0.1,0.25 --methods TV,wavelet,fast

Scrambled Hadamard measurements without noise (`Hadamard`, seed 0; --noise adds some of y). TV is
minimised under A x = y exactly; the wavelets' weight is the best of several for the truth, which a
user could not know. Ours stops by measurements that it has not seen; `peak` is the best PSNR of all
looks, known only because the truth is, `gap` what the stop is below it. CPU seconds of the process.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from common import load, machine, pictures_of, save, table

from untrained import reconstruct_sensing
from untrained.baselines import Known
from untrained.baselines.sensing import tv_exact, wavelet_sparse
from untrained.experiments.scenes import psnr
from untrained.metrics import ssim
from untrained.operators import GaussianSensing, Hadamard

THREE = ("set12/01_cameraman.png", "set12/02_house.png", "set12/03_peppers.png")
WEIGHTS = (0.0003, 0.001, 0.003, 0.01, 0.03)
OPERATORS = {"hadamard": Hadamard, "gaussian": GaussianSensing}


def measured(truth, rate, kind, noise):
    """Return the operator and y with noise of `noise` times the root of y's mean square."""
    height, width = truth.shape[:2]
    operator = OPERATORS[kind](round(rate * height * width), (height, width))
    y = operator(torch.from_numpy(truth[None, None, ..., 0]).float())[0, 0, 0].numpy()
    drawn = np.random.default_rng(0).standard_normal(y.shape).astype(np.float32)
    return operator, y + noise * np.sqrt(np.mean(y**2)) * drawn


def classical(method, operator, y, truth):
    """Return the image of a peer at its best setting, and that setting."""
    observed, known = y[None, :, None].astype(np.float64), Known(operator=operator)
    if method == "TV":
        return tv_exact(observed, known), {}
    made = {w: wavelet_sparse(observed, known, weight=w) for w in WEIGHTS}
    best = max(made, key=lambda w: psnr(made[w], truth))
    return made[best], {"weight": best}


def ours(recipe, operator, y, truth, seed, steps):
    """Return the image that a recipe stopped at, and where that was."""
    result = reconstruct_sensing(
        y, matrix=operator, size=truth.shape[:2], recipe=recipe, truth=truth[..., 0], seed=seed,
        steps=steps, device="cpu", return_result=True,
    )  # fmt: skip
    score = result.score
    return result.image[..., None], {
        "peak": score.peak_psnr, "gap": score.gap, "step": result.kept_step,
        "steps": result.stop_step, "reason": result.reason.value,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", default=list(THREE))
    parser.add_argument("--rates", default="0.1,0.25")
    parser.add_argument("--methods", default="TV,wavelet,fast")
    parser.add_argument("--matrix", choices=OPERATORS, default="hadamard")
    parser.add_argument("--noise", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="at most; what the recipe says unless given")
    parser.add_argument("--out", type=Path, default=Path("sensing.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, record = [], []
    names = [n for p in options.pictures for n in ([p] if p.endswith(".png") else pictures_of(p))]
    for name in names:
        truth = load(name)[..., :1]
        for rate in map(float, options.rates.split(",")):
            operator, y = measured(truth, rate, options.matrix, options.noise)
            for method in options.methods.split(","):
                began = time.process_time()
                if method in ("TV", "wavelet"):
                    image, more = classical(method, operator, y, truth)
                else:
                    image, more = ours(method, operator, y, truth, options.seed, options.steps)
                seconds = time.process_time() - began
                a, b = (torch.from_numpy(x.transpose(2, 0, 1)[None].clip(0, 1)).double()
                        for x in (image, truth))  # fmt: skip
                found = {"picture": name, "rate": rate, "method": method, "cpu": seconds,
                         "psnr": psnr(image, truth), "ssim": float(ssim(a, b)), **more}  # fmt: skip
                print(found, flush=True)
                record.append(found)
                save(options.out, {"machine": machine(), "options": vars(options) | {
                    "out": str(options.out)}, "record": record})  # fmt: skip
    for rate in map(float, options.rates.split(",")):
        for method in options.methods.split(","):
            chosen = [r for r in record if r["rate"] == rate and r["method"] == method]
            rows.append([
                f"{rate:.0%}", method, *(f"{r['psnr']:.2f} / {r['ssim']:.3f}" for r in chosen),
                f"{np.mean([r['psnr'] for r in chosen]):.2f}",
                f"{np.mean([r.get('gap', 0) for r in chosen]):.2f}",
                f"{np.mean([r['cpu'] for r in chosen]):.0f}",
            ])  # fmt: skip
    short = [Path(n).stem for n in names]
    print(table(["rate", "method", *short, "mean", "gap", "CPU s"], rows))


if __name__ == "__main__":
    main()
