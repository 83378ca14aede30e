"""JPEG: what a file says of the picture before compression.

A baseline JPEG keeps, of every 8x8 block of Y, Cb and Cr (some files: of R, G and B), the 64
coefficients of a discrete cosine transform (DCT), each rounded to a multiple of its step in the
quantisation table. So the picture's own coefficients lie within half a step of the file's; every
picture that does is as good an explanation of the file as the one that decoders show (Zakhor, IEEE
Trans. CSVT 1992).

Shapes: c is 1 or 3; a unit of h x v blocks of Y (with one of Cb and one of Cr) covers 8v x 8h
pixels; n = 64 · (h · v + 2) coefficients a unit, 64 for gray.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["JpegCoefficients", "JpegInterval", "JpegTables"]

Table = tuple[int, ...]

_TO_YCBCR = (  # ITU-T T.871 (JFIF), equations of clause 7; the offset of Cb and Cr is left out
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class JpegTables:
    """How a JPEG file was quantised.

    Attributes:
        luma, chroma: 64 steps, row by row from the lowest frequency, on the 0-255 scale.
        sampling: (h, v), pixels to one sample of Cb and Cr, across and down: (2, 2) = 4:2:0,
            (2, 1) = 4:2:2, (1, 1) = 4:4:4.
        rgb: whether the file holds R, G and B, which then stand for Y, Cb and Cr above.
    """

    luma: Table
    chroma: Table
    sampling: tuple[int, int] = (2, 2)
    rgb: bool = False

    def __post_init__(self) -> None:
        for name in ("luma", "chroma"):
            table = getattr(self, name)
            if len(table) != 64 or min(table) < 1:
                raise InputError(f"{name} has {len(table)} steps; wanted 64, each 1 or more")
        if not set(self.sampling) <= {1, 2, 4}:
            raise InputError(f"sampling is {self.sampling}; wanted factors of 1, 2 or 4")


def _mixed(image: Tensor, matrix: Tensor) -> Tensor:
    """Return the channels mixed by a matrix (3, 3)."""
    return torch.einsum("ij,bjhw->bihw", matrix.to(image), image)


class JpegCoefficients(LinearOperator):
    """A x = the DCT coefficients of x, each in units of its step.

    (b, c, H, W) -> (b, n, ceil(H / 8v), ceil(W / 8h)). Y, Cb, Cr by JFIF; Cb and Cr averaged over
    v x h pixels; edges replicated to whole units, as encoders do. `decode` is a right inverse:
    A(decode(y)) = y.
    """

    steps: Tensor
    basis: Tensor
    to_ycbcr: Tensor
    from_ycbcr: Tensor

    def __init__(self, tables: JpegTables, channels: int) -> None:
        super().__init__()
        if channels not in (1, 3):
            raise InputError(f"image has {channels} channels; a JPEG has 1 or 3")
        self.channels = channels
        self.sampling = tables.sampling if channels == 3 else (1, 1)
        across, down = self.sampling
        steps = tables.luma * (down * across) + tables.chroma * (2 if channels == 3 else 0)
        self.register_buffer("steps", torch.tensor(steps, dtype=torch.float64).view(1, -1, 1, 1))
        self.register_buffer("basis", _dct_basis())
        # Kept where the fit is: a copy from the CPU at every step would wait for the device.
        to_ycbcr = torch.tensor(_TO_YCBCR, dtype=torch.float64)
        to_ycbcr = torch.eye(3, dtype=torch.float64) if tables.rgb else to_ycbcr
        self.register_buffer("to_ycbcr", to_ycbcr)
        self.register_buffer("from_ycbcr", to_ycbcr.inverse())

    @property
    def unit(self) -> tuple[int, int]:
        """The height and width of a unit in pixels."""
        across, down = self.sampling
        return 8 * down, 8 * across

    def forward(self, image: Tensor) -> Tensor:
        """Return the coefficients."""
        across, down = self.sampling
        rows, columns = (-side % n for side, n in zip(image.shape[-2:], self.unit, strict=True))
        image = F.pad(image, (0, columns, 0, rows), mode="replicate")
        image = image if self.channels == 1 else _mixed(image, self.to_ycbcr)
        parts = [_gather(self._dct(image[:, :1]), down, across)]
        for i in range(1, self.channels):
            small = F.avg_pool2d(image[:, i : i + 1], (down, across))
            parts.append(self._dct(small))
        return torch.cat(parts, dim=1) * 255 / self.steps.to(image.dtype)

    def decode(self, coefficients: Tensor) -> Tensor:
        """Return the picture of whole units, (b, c, 8v · rows, 8h · columns)."""
        across, down = self.sampling
        values = coefficients * self.steps.to(coefficients.dtype) / 255
        count = 64 * down * across
        planes = [self._inverse(_scatter(values[:, :count], down, across))]
        for i in range(1, self.channels):
            small = self._inverse(values[:, count + 64 * (i - 1) : count + 64 * i])
            planes.append(small.repeat_interleave(down, -2).repeat_interleave(across, -1))
        image = torch.cat(planes, dim=1)
        return image if self.channels == 1 else _mixed(image, self.from_ycbcr)

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return the shape of the picture of whole units."""
        b, _, rows, columns = measurement_shape
        height, width = self.unit
        return b, self.channels, height * rows, width * columns

    def _dct(self, plane: Tensor) -> Tensor:
        """(b, 1, 8h, 8w) -> (b, 64, h, w)."""
        return F.conv2d(plane, self.basis.to(plane.dtype), stride=8)

    def _inverse(self, values: Tensor) -> Tensor:
        """(b, 64, h, w) -> (b, 1, 8h, 8w); the basis is orthonormal."""
        return F.conv_transpose2d(values, self.basis.to(values.dtype), stride=8)


class JpegInterval(nn.Module):
    """A x = y + (x - Q x), and P x, the picture next to x that would have given the same file.

    P clips the coefficients of x to the intervals of half a step about those of y, the picture that
    the decoder shows; Q clips them to intervals of `agreement` steps. The mean squared error of
    A x to y is so the squared distance of x to what counts as agreement with the file: with 0 to
    y itself (but for details of colour that the file does not hold), with 0.5 to all pictures that
    give the same file. Not linear, but differentiable.
    """

    keeps_constants = True  # y is the picture that the decoder shows
    full_scale = True  # and its steps are of 255
    observed: Tensor
    coefficients: Tensor

    def __init__(self, observed: Tensor, tables: JpegTables, *, agreement: float = 0.5) -> None:
        """`observed` is the decoded file, (1, c, H, W) in [0, 1]."""
        super().__init__()
        if not 0 <= agreement <= 0.5:
            raise InputError(f"agreement is {agreement}; wanted 0 to 0.5 steps")
        self.transform = JpegCoefficients(tables, observed.shape[1])
        self.agreement = agreement
        self.register_buffer("observed", observed)
        self.register_buffer("coefficients", self.transform(observed))

    def excess(self, image: Tensor, half_width: float = 0.5) -> Tensor:
        """Return by how much the image's coefficients leave the intervals, in steps."""
        away = self.transform(image) - self.coefficients
        outside: Tensor = away - away.clamp(-half_width, half_width)
        return outside

    def project(self, image: Tensor) -> Tensor:
        """Return P x, the image with its coefficients clipped to half a step about the file's."""
        return image - self._moved(image, 0.5)

    def forward(self, image: Tensor) -> Tensor:
        """Return y + x - Q x."""
        result: Tensor = self.observed.to(image.dtype) + self._moved(image, self.agreement)
        return result

    def _moved(self, image: Tensor, half_width: float) -> Tensor:
        height, width = image.shape[-2:]
        moved: Tensor = self.transform.decode(self.excess(image, half_width))
        return moved[..., :height, :width]


def _dct_basis() -> Tensor:
    """Return the 64 orthonormal images of the two-dimensional DCT-II, (64, 1, 8, 8)."""
    k = torch.arange(8, dtype=torch.float64)
    rows = torch.cos(math.pi * (k[None] + 0.5) * k[:, None] / 8) / 2
    rows[0] /= math.sqrt(2)
    return torch.einsum("ui,vj->uvij", rows, rows).reshape(64, 1, 8, 8)


def _gather(blocks: Tensor, down: int, across: int) -> Tensor:
    """Put the blocks of a unit side by side: (b, 64, v h', h w') -> (b, 64 v h, h', w')."""
    b, n, rows, columns = blocks.shape
    parts = blocks.view(b, n, rows // down, down, columns // across, across)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(b, -1, rows // down, columns // across)


def _scatter(units: Tensor, down: int, across: int) -> Tensor:
    """Undo `_gather`."""
    b, _, rows, columns = units.shape
    parts = units.view(b, down, across, 64, rows, columns)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(b, 64, rows * down, columns * across)
