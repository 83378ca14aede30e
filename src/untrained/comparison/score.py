"""One picture file against another."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from untrained.errors import InputError
from untrained.images import Place, aligned, read_picture, to_unit
from untrained.metrics import psnr, ssim

__all__ = ["score_files"]


def score_files(estimate: Path, truth: Path) -> dict[str, float]:
    """Return PSNR (dB, over the truth's full scale) and SSIM of one picture against another.

    Raises:
        InputError: another size, number of channels or pages.
    """
    pictures = [read_picture(path) for path in (estimate, truth)]
    with suppress(InputError):  # sizes are compared below
        pictures[1], _ = aligned("truth", pictures[1], Place.of(pictures[0]))
    got, wanted = ("x".join(map(str, p.pixels.shape)) for p in pictures)
    if got != wanted:
        raise InputError(
            f"{estimate} is {got} (pages x height x width x channels), {truth} is {wanted}; "
            "wanted two pictures of one size"
        )
    scores = []
    for page, clean_page in zip(pictures[0].pixels, pictures[1].pixels, strict=True):
        clean, _, unit_range = to_unit(clean_page)
        if page.dtype != clean_page.dtype:
            raise InputError(
                f"{estimate} is {page.dtype}, {truth} is {clean_page.dtype}; wanted one type"
            )
        image, _, _ = to_unit(page, value_range=unit_range)
        peak = unit_range.peak
        scores.append((psnr(image, clean, peak=peak), ssim(image, clean, peak=peak)))
    mean_psnr, mean_ssim = np.mean(scores, axis=0)
    return {"psnr": float(mean_psnr), "ssim": float(mean_ssim)}
