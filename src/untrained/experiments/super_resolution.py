"""Four times super-resolution of Set5 and Set14."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from untrained.data import names_in
from untrained.experiments.base import Experiment, shortened
from untrained.experiments.figures import gallery
from untrained.experiments.scenes import shrunk
from untrained.recipes import find_recipe

__all__ = ["SET5", "SET5_QUICK", "SET14", "SET14_QUICK"]


def _experiment(group: str, published: Mapping[str, float], shown: str) -> Experiment:
    title = group.capitalize()
    return Experiment(
        name=f"sr-{group}",
        title=f"{title} enlarged four times",
        text=f"""
Ulyanov et al. ("Deep Image Prior", arXiv 1711.10925) enlarge the pictures of {title} four times,
beside bicubic interpolation, ZSSR (Shocher et al., CVPR 2018; also untrained) and LapSRN (trained).
PSNR is of the luma (Y of BT.601) without a border of four pixels. The small pictures are made by
bicubic filtering and rounded to 8 bits, as is customary; `fast` and `paper` are given that filter.
Peaks and gaps are of all channels.
""",
        pictures=tuple(names_in(group)),
        scene=shrunk(4),
        task="upscale",
        methods={
            "bicubic": "bicubic",
            "paper": find_recipe("upscale", "paper"),
            "fast": find_recipe("upscale", "fast"),
            "best": find_recipe("upscale", "best"),
        },
        published={name: {"mean": value} for name, value in published.items()},
        beside={"bicubic": "bicubic", "paper": "DIP", "fast": "ZSSR", "best": "ZSSR"},
        reasons={
            "paper": "The paper's small pictures are made by another filter (Lanczos2).",
            "fast": "Another method than ZSSR, in less time.",
            "best": "Another method than ZSSR.",
        },
        figures=(gallery(shown),),
    )


SET5 = _experiment(
    "set5", {"bicubic": 28.43, "DIP": 29.90, "ZSSR": 31.13, "LapSRN": 31.54}, "set5/butterfly.png"
)
SET14 = _experiment(
    "set14", {"bicubic": 26.05, "DIP": 27.00, "ZSSR": 28.01, "LapSRN": 28.19}, "set14/zebra.png"
)


def _quick(experiment: Experiment, crop: int, steps: int) -> Experiment:
    return replace(
        experiment,
        crop=crop,
        methods=shortened(experiment.methods, {"fast": steps}),
        quick=f"The central {crop}×{crop} pixels of every picture and at most {steps} steps of "
        "`fast`; `paper` and `best` are left out. Crops are not whole pictures: compare with "
        "bicubic interpolation of the same crops.",
    )


SET5_QUICK = _quick(SET5, 128, 200)
SET14_QUICK = _quick(SET14, 128, 100)
