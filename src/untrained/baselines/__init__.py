"""Classical methods by task under one interface: BASELINES[task][name](observed, known) -> image.

Arrays are (H, W, C) floats in [0, 1]; results are not clipped. `known` says what a method may
know of the degradation. None of these methods learns anything from any picture.
"""

from __future__ import annotations

from untrained.baselines.applications import (
    bilinear,
    dark_channel_prior,
    guided_filter,
    jpeg_again,
    jpeg_tv,
    line_averaging,
)
from untrained.baselines.base import Baseline, Image, Known
from untrained.baselines.photographs import (
    bicubic,
    bicubic_torch,
    biharmonic,
    bm3d,
    median,
    nearest_known,
    nlm,
    pixels,
    richardson_lucy,
    tv,
    wavelet,
)
from untrained.baselines.sensing import tv_exact, wavelet_sparse
from untrained.errors import InputError, did_you_mean

__all__ = ["BASELINES", "Baseline", "Image", "Known", "find_baseline"]

BASELINES: dict[str, dict[str, Baseline]] = {
    "denoise": {"nlm": nlm, "tv": tv, "wavelet": wavelet, "median": median, "bm3d": bm3d},
    "inpaint": {"biharmonic": biharmonic, "nearest": nearest_known},
    "upscale": {"bicubic": bicubic, "bicubic-torch": bicubic_torch, "nearest": pixels},
    "deblur": {"richardson-lucy": richardson_lucy},
    "dejpeg": {"jpeg-again": jpeg_again, "tv": jpeg_tv},
    "flash": {"guided-filter": guided_filter, "nlm": nlm},
    "demosaic": {"bilinear": bilinear},
    "deinterlace": {"line-averaging": line_averaging},
    "dehaze": {"dark-channel": dark_channel_prior},
    "sensing": {"tv": tv_exact, "wavelet": wavelet_sparse},
}
"""Every method by task and name; deblur-blind and decompose have none."""


def find_baseline(task: str, name: str) -> Baseline:
    """Return a classical method of a task.

    Raises:
        InputError: no such task or method; names the closest one.
    """
    if task not in BASELINES:
        raise InputError(f"no baselines for {task!r}; wanted one of {', '.join(BASELINES)}")
    methods = BASELINES[task]
    if name not in methods:
        hint = did_you_mean(name, methods)
        raise InputError(f"no baseline {name!r} for {task}; {hint}it has {', '.join(methods)}")
    return methods[name]
