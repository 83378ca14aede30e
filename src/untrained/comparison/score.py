"""One picture file against another."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from untrained.errors import InputError
from untrained.images import Place, aligned, read_picture
from untrained.restoring import score_pages

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
    try:
        scores = score_pages(*pictures)
    except InputError as error:
        raise InputError(f"{estimate}: {error}") from None
    return {name: float(np.mean([page[name] for page in scores])) for name in ("psnr", "ssim")}
