"""The score of what was written, where that is not the image of the fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from untrained.images import Picture
from untrained.restoring import score_pages

__all__ = ["scored_as_written"]


def scored_as_written(
    results: Sequence[dict[str, Any]], truth: Picture | None, *,
    given: Picture, restored: Picture, written: Picture, pages: Sequence[int],
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what a record says of the pages, with PSNR and SSIM of the picture that was written.

    Those of the image that the fit kept, to which the peak belongs, are then in `full_strength`.

    Without a truth there is no score of what is weaker than the fit's image.

    Args:
        results: one for each of the pages.
        truth: None = there is none, or none any more.
        given, restored, written: the picture before, the fit's, and what was made of it.
        pages: which of theirs they are, from 0.
    """
    weaker = written.pixels is not restored.pixels
    scores: list[dict[str, float]] = []
    if weaker and truth is not None:
        of_all = score_pages(written, truth, scale_of=given)
        scores = [of_all[page] for page in pages]
    found = []
    for i, result in enumerate(results):
        others = dict(result)
        score = dict(others.pop("score", {}))
        if score:
            full = score.pop("full_strength", {name: score[name] for name in ("psnr", "ssim")})
            if not weaker:
                others["score"] = score | full
            elif i < len(scores):
                others["score"] = score | scores[i] | {"full_strength": full}
        found.append(others)
    return found
