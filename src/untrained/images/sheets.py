"""Pictures side by side with their names, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["central", "sheet"]

_MARGIN = 6


def central(image: NDArray[Any], side: int) -> NDArray[Any]:
    """Return the central square of an image (H, W, C), no larger than the image; 0 = all of it."""
    if not side:
        return image
    top, left = (max(0, (n - side) // 2) for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def sheet(
    tiles: Sequence[tuple[str, NDArray[np.float64]]], *, columns: int = 4, letters: int = 12
) -> NDArray[np.uint8]:
    """Return the tiles (name, image in [0, 1]) in rows, each pixel as it is, names above.

    Images are (H, W, 1 or 3) and may differ in size. A name may have several lines.
    """
    from PIL import Image, ImageDraw, ImageFont

    font: Any = ImageFont.load_default(size=letters)
    lines = max(name.count("\n") + 1 for name, _ in tiles)
    head = round(lines * 1.35 * letters) + 4
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    text = max(int(ruler.multiline_textbbox((0, 0), name, font=font)[2]) for name, _ in tiles)
    width = max(text, *(image.shape[1] for _, image in tiles)) + _MARGIN
    height = max(image.shape[0] for _, image in tiles) + head + _MARGIN
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    page = Image.new("RGB", (columns * width + _MARGIN, rows * height + _MARGIN), "white")
    draw = ImageDraw.Draw(page)
    for i, (name, image) in enumerate(tiles):
        left = _MARGIN + i % columns * width
        top = _MARGIN + i // columns * height
        draw.multiline_text((left, top), name, fill="black", font=font)
        page.paste(Image.fromarray(_rgb8(image)), (left, top + head))
    return np.asarray(page)


def _rgb8(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    values = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))
