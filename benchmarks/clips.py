"""A clip restored frame by frame: warm starts against fits from scratch, in dB and seconds.

    python benchmarks/clips.py kodim05 --side 128 --frames 6 --later 0,100,400 --work FOLDER

The runs are kept in the folder: killed, the same command goes on.
The clip is a crop of a picture that moves by --move pixels a frame, with noise of --noise (of 255)
of its own in every frame. "flicker" is the PSNR, in dB, of the change from frame to frame, the
motion taken off: higher = calmer; that of the truth has none.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from common import load, psnr

from untrained import find_recipe
from untrained.images import Picture, read_picture, write_picture
from untrained.jobs import ClipJob, restore_clip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--move", type=int, default=2)
    parser.add_argument("--noise", type=float, default=25)
    parser.add_argument("--later", default="0,100,200,400")
    parser.add_argument("--work", type=Path, default=Path("clips"))
    options = parser.parse_args()
    whole, side, move = load(options.picture), options.side, options.move
    top, left = (n // 2 - side // 2 for n in whole.shape[:2])
    generator = np.random.default_rng(0)
    source = options.work / "clip"
    source.mkdir(parents=True, exist_ok=True)
    truths = []
    for i in range(options.frames):
        at = slice(left + i * move, left + i * move + side)
        truth = whole[top : top + side, at]
        noisy = truth + generator.normal(0, options.noise / 255, truth.shape)
        picture = Picture.from_array(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8))
        if not (source / f"{i:03d}.png").exists():  # a newer file would be another clip
            write_picture(source / f"{i:03d}.png", picture)
        truths.append(truth)
    for later in map(int, options.later.split(",")):
        job = ClipJob(
            source=source, target=options.work / f"out-{later}", task="denoise",
            recipe=find_recipe("denoise", "fast"), later_steps=later, overwrite=True,
            options={"sigma": None, "sigma_in_units": False},
        )  # fmt: skip
        rows = restore_clip(job, say=print)["frames"]
        seconds = sum(row["seconds"] for row in rows)
        made = [read_picture(p).pixels[0] / 255 for p in sorted(job.target.iterdir())]
        scores = [psnr(a, b) for a, b in zip(made, truths, strict=True)]
        flicker = np.mean(
            [psnr(b[:, :-move] if move else b, a[:, move:]) for a, b in itertools.pairwise(made)]
        )
        print(
            f"later {later}: {np.mean(scores):.2f} dB (after the first "
            f"{np.mean(scores[1:]):.2f}), flicker {flicker:.2f} dB, steps "
            f"{[row['steps'] for row in rows]}, {seconds:.0f} s", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
