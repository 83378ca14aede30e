"""What the numbers of a video stand for: matrix, range, primaries and transfer, way up.

Codes are those of ITU-T H.273, as FFmpeg has them. Pixels are RGB of full range, (H, W, 3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["Colours", "colours_of", "from_rgb", "to_rgb", "turned", "upright"]

_RGB, _BT709, _UNSAID, _BT601, _BT2020 = 0, 1, 2, 6, 9
_LIMITED, _FULL = 1, 2
_MATRICES = {  # the weights of red and blue in Y
    1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114),
    7: (0.212, 0.087), 9: (0.2627, 0.0593),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Colours:
    """How a video's numbers stand for colours.

    Attributes:
        matrix, primaries, transfer: as the file says, 2 = it does not.
        full: whether black is 0 and not 16 (of 8 bits).
    """

    matrix: int = _UNSAID
    full: bool = False
    primaries: int = _UNSAID
    transfer: int = _UNSAID

    def decided(self, height: int, width: int) -> int:
        """Return the matrix: as said, else BT.601 for small pictures and BT.709, as players do."""
        if self.matrix not in (_UNSAID, _RGB):
            return self.matrix
        if self.primaries == _BT2020:
            return _BT2020
        return _BT709 if height >= 720 or width >= 1280 else _BT601

    def as_yuv(self, old: tuple[int, int], new: tuple[int, int]) -> Colours:
        """Return what a video of YUV is to say, whose size was `old`.

        Unsaid stays unsaid where players then take the same matrix: the guess may be wrong, but
        the numbers are those of the source.
        """
        matrix = self.decided(*old)
        keep = self.matrix == _UNSAID and self.decided(*new) == matrix
        return self if keep else replace(self, matrix=matrix)

    def as_rgb(self) -> Colours:
        """Return what a video of RGB is to say."""
        return replace(self, matrix=_RGB, full=True)

    def put_on(self, coder: Any) -> None:
        """Write the codes into a coder's settings."""
        coder.colorspace, coder.color_range = self.matrix, _FULL if self.full else _LIMITED
        coder.color_primaries, coder.color_trc = self.primaries, self.transfer


def colours_of(frame: Any, coder: Any) -> Colours:
    """Return what a decoded frame says of its colours, and where it is silent, its container.

    Raises:
        InputError: a matrix that cannot be turned into RGB here.
    """

    def said(name: str, unsaid: int) -> int:
        values = (int(getattr(of, name)) for of in (frame, coder))
        return next((value for value in values if value != unsaid), unsaid)

    matrix = said("colorspace", _UNSAID)
    if not _is_yuv(frame):
        matrix = _RGB
    elif matrix == _RGB:  # of YUV that is no answer
        matrix = _UNSAID
    elif matrix not in (*_MATRICES, _UNSAID):
        raise InputError(
            f"the video's colours are coded by matrix {matrix} of H.273; "
            "convert it to BT.709 first, as by ffmpeg"
        )
    span = said("color_range", 0)
    return Colours(
        matrix=matrix,
        full=span == _FULL or frame.format.name.startswith("yuvj"),
        primaries=said("color_primaries", _UNSAID),
        transfer=said("color_trc", _UNSAID),
    )


def to_rgb(frame: Any, colours: Colours, *, deep: bool) -> NDArray[Any]:
    """Return the pixels of a frame as it is stored; deep = uint16."""
    if not _is_yuv(frame):
        array: NDArray[Any] = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
        return array
    # swscale enlarges the colours only: its matrices are off by a level of 8 bits and more.
    bits = frame.format.components[0].bits
    span = _FULL if colours.full else _LIMITED
    whole = frame.reformat(
        format="yuv444p" + (f"{bits}le" if bits > 8 else ""),
        src_color_range=span, dst_color_range=span,
    )  # fmt: skip
    red, blue = _MATRICES[colours.decided(frame.height, frame.width)]
    black, scale, swing = _levels(bits, full=colours.full)
    planes = [_read(plane, bits).astype(np.float32) for plane in whole.planes]
    y = (planes[0] - black) / scale
    cb, cr = ((plane - 2 ** (bits - 1)) / swing for plane in planes[1:])
    r, b = y + (2 - 2 * red) * cr, y + (2 - 2 * blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    dtype = np.uint16 if deep else np.uint8
    rgb = np.stack([r, g, b], axis=-1) * np.iinfo(dtype).max
    pixels: NDArray[Any] = np.rint(rgb).clip(0, np.iinfo(dtype).max).astype(dtype)
    return pixels


def from_rgb(pixels: NDArray[Any], pixel_format: str, colours: Colours) -> Any:
    """Return a frame of these pixels in a pixel format: of RGB, or planes of Y, Cb and Cr."""
    import av

    height, width = pixels.shape[:2]
    white = np.iinfo(pixels.dtype).max
    if colours.matrix == _RGB:
        name = "rgb24" if white == 255 else "rgb48le"
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=name)
        return rgb.reformat(format=pixel_format)
    frame = av.VideoFrame(width, height, pixel_format)
    bits = frame.format.components[0].bits
    red, blue = _MATRICES[colours.decided(height, width)]
    black, scale, swing = _levels(bits, full=colours.full)
    r, g, b = np.moveaxis(pixels.astype(np.float32) / white, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)
    _write(frame.planes[0], scale * y + black, bits)
    for plane, c in zip(frame.planes[1:], (cb, cr), strict=True):
        values = swing * c + 2 ** (bits - 1)
        _write(plane, _halved(values) if plane.height < height else values, bits)
    return frame


def _levels(bits: int, *, full: bool) -> tuple[int, int, int]:
    """Return black, white less black, and how far Cb and Cr reach."""
    step, white = 2 ** (bits - 8), 2**bits - 1
    return (0, white, white) if full else (16 * step, 219 * step, 224 * step)


def _read(plane: Any, bits: int) -> NDArray[Any]:
    values: NDArray[Any] = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8)
    return values.reshape(plane.height, -1)[:, : plane.width]


def _write(plane: Any, values: NDArray[Any], bits: int) -> None:
    dtype = np.uint16 if bits > 8 else np.uint8
    rows = np.zeros((plane.height, plane.line_size // dtype().itemsize), dtype)
    rows[:, : plane.width] = np.rint(values).clip(0, 2**bits - 1)
    plane.update(rows.tobytes())


def _halved(plane: NDArray[Any]) -> NDArray[Any]:
    """Return a plane at half the size, its samples beside every second one of Y, as decoders do."""
    height, width = plane.shape
    wide = np.pad(plane, ((0, height % 2), (1, 1 + width % 2)), mode="edge")
    rows = (wide[::2] + wide[1::2]) / 2
    halved: NDArray[Any] = (rows[:, :-2:2] + 2 * rows[:, 1:-1:2] + rows[:, 2::2]) / 4
    return halved


def _is_yuv(frame: Any) -> bool:
    """Whether a matrix stands between the numbers and RGB; gray and palettes have none."""
    form = frame.format
    other = form.is_rgb or form.has_palette or form.name.startswith(("xyz", "bayer"))
    return not other and len(form.components) >= 3


def turned(frame: Any) -> tuple[int, int, int, int]:
    """Return (a, b, c, d) of what players do to the frame: x' = a x + c y, y' = b x + d y.

    Raises:
        InputError: what they do is no quarter turn.
    """
    block = frame.side_data.get("DISPLAYMATRIX")
    if block is None:
        return 1, 0, 0, 1
    a, b, _, c, d = (value / 2**16 for value in struct.unpack_from("=5i", bytes(block)))
    nearest = round(a), round(b), round(c), round(d)
    exact = all(abs(x - y) < 0.01 for x, y in zip((a, b, c, d), nearest, strict=True))
    if not exact or abs(a * d - b * c) < 0.5 or max(map(abs, nearest)) > 1:
        raise InputError("the video is shown at a slant; turn it by ffmpeg first")
    return nearest


def upright(pixels: NDArray[Any], turn: tuple[int, int, int, int]) -> NDArray[Any]:
    """Return the pixels as players show them."""
    a, b, c, d = turn
    if a == 0:  # the sides change places
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: d or 1, :: a or 1]
