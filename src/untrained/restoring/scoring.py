"""One picture against another, page by page."""

from __future__ import annotations

from untrained.errors import InputError
from untrained.images import Picture, to_unit
from untrained.metrics import psnr, ssim

__all__ = ["score_pages"]


def score_pages(
    estimate: Picture, truth: Picture, *, scale_of: Picture | None = None
) -> list[dict[str, float]]:
    """Return PSNR (dB) and SSIM of every page against that of the truth.

    Args:
        estimate, truth: of one shape and dtype.
        scale_of: whose full scale they are over; None = the truth's.

    Raises:
        InputError: another type.
    """
    scores = []
    pages = (truth if scale_of is None else scale_of).pixels
    for page, clean_page, scaled in zip(estimate.pixels, truth.pixels, pages, strict=False):
        if page.dtype != clean_page.dtype:
            raise InputError(
                f"the picture is {page.dtype}, the truth {clean_page.dtype}; wanted one type"
            )
        unit_range = to_unit(scaled)[2]
        image, clean = (to_unit(one, value_range=unit_range)[0] for one in (page, clean_page))
        peak = unit_range.peak
        scores.append({
            "psnr": psnr(image, clean, peak=peak), "ssim": ssim(image, clean, peak=peak)
        })  # fmt: skip
    return scores
