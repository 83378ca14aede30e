"""The TU Delft reproduction: eleven gray pictures with half of the pixels missing."""

from __future__ import annotations

from dataclasses import replace

from untrained.experiments.base import Experiment, shortened
from untrained.experiments.figures import filmstrip, gallery
from untrained.experiments.scenes import half_missing
from untrained.networks import Skip
from untrained.recipes import find_recipe

__all__ = ["FULL", "QUICK"]

PICTURES = ("barbara", "boat", "house", "lena", "peppers", "cameraman", "couple", "fingerprint",
            "hill", "man", "montage")  # fmt: skip
PAPYAN = (28.14, 31.44, 34.58, 35.04, 31.11, 27.90, 31.18, 31.34, 32.35, 31.92, 28.05)
DIP = (32.22, 33.06, 39.16, 36.16, 33.05, 29.80, 32.52, 32.84, 32.77, 32.20, 34.54)
FILES = tuple(f"inpaint11/{name}.png" for name in PICTURES)

paper = find_recipe("inpaint", "paper")
delft = find_recipe("inpaint", "tudelft")
as_built = Skip(down="max", up_position="last", output="leaky_relu", slope=0.01)

FULL = Experiment(
    name="inpaint-11",
    title="Half of the pixels missing: eleven gray pictures",
    text="""
Table 1 of Ulyanov et al. ("Deep Image Prior", arXiv 1711.10925): eleven gray pictures, every pixel
missing with probability 1/2, beside convolutional sparse coding (Papyan et al., ICCV 2017). The
TU Delft reproduction (without the authors' code) reads the settings from the supplementary
material, 2000 steps at .01, where the authors' code has 11000 at .001, and builds the network with
max pooling, the upsampling as the last operation of a block, and LeakyReLU as the last activation.
It prints the published rows and no figures of its own. Each of these choices is a row here, alone
and together; `fast` and `best` are ours.

Masks were never published: ours are drawn anew, so single pictures may differ by a few tenths
of a dB. Our PSNR counts all pixels of the final image; `paper` does not put the known ones back.
""",
    pictures=FILES,
    scene=half_missing,
    task="inpaint",
    methods={
        "biharmonic": "biharmonic",
        "fast": find_recipe("inpaint", "fast"),
        "best": find_recipe("inpaint", "best"),
        "paper": paper,
        "tudelft": delft,
        "max pooling": replace(delft, network=Skip(down="max")),
        "upsampling last": replace(delft, network=Skip(up_position="last")),
        "LeakyReLU output": replace(delft, network=Skip(output="leaky_relu", slope=0.01)),
        "all three": replace(delft, network=as_built),
    },
    snapshots=(0, 250, 1000, 2000, 5000, 11000),
    published={
        "Papyan et al.": {**dict(zip(FILES, PAPYAN, strict=True)), "mean": 31.19},
        "DIP": {**dict(zip(FILES, DIP, strict=True)), "mean": 33.48},
    },
    beside={"paper": "DIP", "tudelft": "DIP", "fast": "DIP", "best": "DIP"},
    reasons={
        "fast": "The network is shown the known pixels; another optimizer and average.",
        "best": "As `fast`, and the average of several networks.",
        "tudelft": "Ten times the step size for less than a fifth of the steps.",
    },
    figures=(
        filmstrip("inpaint11/peppers.png", "paper"),
        filmstrip("inpaint11/man.png", "paper"),
        filmstrip("inpaint11/peppers.png", "tudelft"),
        gallery("inpaint11/peppers.png", "inpaint11/man.png"),
    ),
)

_SHORT = 120

QUICK = replace(
    FULL,
    pictures=("inpaint11/peppers.png", "inpaint11/man.png"),
    crop=128,
    methods=shortened(
        FULL.methods,
        {
            "fast": 300,
            **dict.fromkeys(("tudelft", "max pooling", "upsampling last"), _SHORT),
            **dict.fromkeys(("LeakyReLU output", "all three"), _SHORT),
        },
    ),
    snapshots=(0, 20, 60, _SHORT),
    quick=f"Two of the eleven pictures, their central 128×128 pixels; {_SHORT} steps instead of "
    "2000 for every variant of the paper's network, 300 for `fast`. Left out: `paper`, whose 11000 "
    "steps at .001 mean nothing when cut to so few, and `best`.",
)  # fmt: skip
