"""What projectors of computed tomography share: exact footprints, kept as sparse matrices."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError, check_number
from untrained.operators.base import LinearOperator, Shape
from untrained.operators.filtered import Window

__all__ = ["Footprint", "Projector"]

Array = NDArray[Any]

_ENTRY = 16  # bytes: a number and its place, in A and in Aᵀ
_SLOPE = 1e-6  # of a bin: the least width of a footprint's slope


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """The shadow of every pixel on the detector in one view: trapezoids, in detector pixels.

    Attributes:
        corners: (4, pixels), where each trapezoid begins, is full, begins to fall and ends.
        height: (pixels,), the length of the ray through the middle of a pixel within it.
    """

    corners: Array
    height: Array


class Projector(LinearOperator):
    """y[v, k] = Σ_p a[v, k, p] x[p], a = the mean over the detector pixel k of the length of its
    rays within the image's pixel p: (b, c, H, W) -> (b, c, views, detectors).

    A and Aᵀ are stored as sparse matrices (CSR): both directions sum up rows in one order, so they
    are each other's adjoint exactly and give the same bits each time. Where both together would
    take more than `max_matrix` bytes, no matrix is kept: they are made again, some views at a time,
    whenever they are used, which costs some thirty times as much and gives the same numbers.

    Row 0 of the image is its top; its middle is the axis of rotation. x counts to the right, y
    upwards.

    Attributes:
        angles: of the views in radians.
        detectors: detector pixels a view.
        size: (H, W) of the image.
        centre: where the axis of rotation is on the detector, in its pixels; 0 = the middle of the
            first.
        pixel, detector: widths of the image's and of the detector's pixels, in one unit: the image
            is in units of y over that.
        max_matrix: most bytes that the matrices may take.
        nepers: what 1 in y stands for in -log of the transmission (`Transmission`): the scale by
            which y was divided, if it was; to be set by who does.
    """

    nepers: float = 1.0
    rows: Tensor
    columns: Tensor
    values: Tensor
    rows_back: Tensor
    columns_back: Tensor
    values_back: Tensor

    def __init__(
        self,
        angles: Sequence[float] | Array | Tensor,
        detectors: int,
        size: int | tuple[int, int],
        *,
        centre: float | None,
        pixel: float,
        detector: float,
        max_matrix: int,
    ) -> None:
        super().__init__()
        self.angles = np.array(angles, dtype=np.float64).reshape(-1)
        self.detectors = int(detectors)
        self.size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        if self.angles.size == 0 or not np.isfinite(self.angles).all():
            raise InputError(f"there are {self.angles.size} angles; wanted finite ones, in radians")
        if self.detectors < 1 or min(self.size) < 1:
            raise InputError(f"detectors is {detectors} and size {size}; wanted 1 or more of each")
        self.centre = (self.detectors - 1) / 2 if centre is None else centre
        for name, value in (("centre", self.centre), ("pixel", pixel), ("detector", detector)):
            check_number(name, value)
        if not (pixel > 0 and detector > 0 and np.isfinite([self.centre, pixel, detector]).all()):
            raise InputError(
                f"centre is {self.centre}, pixel {pixel}, detector {detector}; "
                "wanted finite numbers, widths above 0"
            )
        self.pixel, self.detector, self.max_matrix = pixel, detector, max_matrix
        self.stored = False

    @abstractmethod
    def footprint(self, angle: float) -> Footprint:
        """Return the pixels' shadows in the view of one angle."""

    @abstractmethod
    def fbp(self, measurement: Tensor, *, window: Window = "ramp") -> Tensor:
        """Return the filtered back-projection of (b, c, views, detectors), (b, c, H, W)."""

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (b, c, H, W)."""
        b, c, _, _ = measurement_shape
        return b, c, *self.size

    def forward(self, image: Tensor) -> Tensor:
        """Return the projections (b, c, views, detectors) of (b, c, H, W)."""
        self._check(image, self.size, "the image")
        y = _product(image.flatten(2), self, back=False)
        return y.view(*image.shape[:2], len(self.angles), self.detectors)

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return Aᵀ y, (b, c, H, W)."""
        self._check(measurement, (len(self.angles), self.detectors), "the measurement")
        x = _product(measurement.flatten(2), self, back=True)
        return x.view(*measurement.shape[:2], *self.size)

    def positions(self) -> tuple[Array, Array]:
        """Return x and y of the pixels' middles, (H · W,) each, the middle of the image at 0."""
        height, width = self.size
        x = (np.arange(width) - (width - 1) / 2) * self.pixel
        y = ((height - 1) / 2 - np.arange(height)) * self.pixel
        return np.tile(x, height), np.repeat(y, width)

    def store(self) -> None:
        """Make the matrices, if they are small enough to be kept; subclasses call it once."""
        views = len(self.angles)
        probes = self.angles[np.linspace(0, views - 1, min(views, 8)).round().astype(int)]
        spans = [np.diff(self.footprint(angle).corners[[0, 3]], axis=0).mean() for angle in probes]
        entries = self.size[0] * self.size[1] * (float(np.mean(spans)) + 1)
        self._block = max(1, int(self.max_matrix / (2 * _ENTRY) / entries))  # views at a time
        self.stored = _ENTRY * entries * views <= min(self.max_matrix, _ENTRY * 2**31)
        if self.stored:
            a, back = self._matrices(range(views))
            for name, buffer in zip(("rows", "columns", "values"), a, strict=True):
                self.register_buffer(name, buffer, persistent=False)
            for name, buffer in zip(("rows", "columns", "values"), back, strict=True):
                self.register_buffer(f"{name}_back", buffer, persistent=False)

    def multiply(self, vectors: Tensor, *, back: bool) -> Tensor:
        """Return (n, m), A times each of n vectors, or Aᵀ times each."""
        if self.stored:
            parts = (self.rows_back, self.columns_back, self.values_back)
            return _times(parts if back else (self.rows, self.columns, self.values), vectors)
        every = [
            range(first, min(first + self._block, len(self.angles)))
            for first in range(0, len(self.angles), self._block)
        ]
        if not back:
            return torch.cat([_times(self._matrices(v)[0], vectors) for v in every], dim=1)
        total = vectors.new_zeros(len(vectors), self.size[0] * self.size[1])
        for views in every:
            part = vectors[:, views.start * self.detectors : views.stop * self.detectors]
            total += _times(self._matrices(views)[1], part)
        return total

    def _check(self, values: Tensor, size: tuple[int, int], what: str) -> None:
        if values.ndim != 4 or tuple(values.shape[-2:]) != size:
            got = "x".join(map(str, values.shape))
            raise InputError(f"{what} is {got}; wanted (b, c, {size[0]}, {size[1]})")

    def _matrices(self, views: range) -> tuple[_Matrix, _Matrix]:
        """Return A and Aᵀ of some views: where each row ends, columns, numbers."""
        seen = [self._weights(self.angles[view]) for view in views]
        bins = max(weight.shape[1] for _, weight in seen)
        pixels, n = self.size[0] * self.size[1], self.detectors
        # (pixel, view, bin): the order of Aᵀ's entries
        all_weights = np.zeros((pixels, len(views), bins), np.float32)
        all_columns = np.zeros((pixels, len(views), bins), np.int32)
        columns, values, counts = [], [], []
        for i, (first, weight) in enumerate(seen):
            width = weight.shape[1]
            rows = first[:, None] + np.arange(width, dtype=first.dtype)
            all_weights[:, i, :width] = weight
            all_columns[:, i, :width] = rows + i * n
            there = np.flatnonzero(weight)
            of = rows.reshape(-1)[there]
            # numbers of 16 bits are sorted by their digits, ten times as fast
            order = there[np.argsort(of.astype(np.int16) if n < 2**15 else of, kind="stable")]
            columns.append((order // width).astype(np.int32))
            values.append(weight.reshape(-1)[order])
            counts.append(np.bincount(of, minlength=n))
        a = _matrix(np.concatenate(counts), np.concatenate(columns), np.concatenate(values))
        kept = all_weights > 0
        counts_back = np.count_nonzero(kept.reshape(pixels, -1), axis=1)
        return a, _matrix(counts_back, all_columns[kept], all_weights[kept])

    def _weights(self, angle: float) -> tuple[Array, Array]:
        """Return each pixel's first bin and its weight in that and in the following ones."""
        shape = self.footprint(angle)
        s1, s2, s3, s4 = shape.corners
        s2, s4 = np.maximum(s2, s1 + _SLOPE), np.maximum(s4, s3 + _SLOPE)
        first = np.floor(s1 + 0.5)
        bins = int((np.floor(s4 + 0.5) - first).max()) + 1
        up, down = 0.5 / (s2 - s1), 0.5 / (s4 - s3)
        before, weight = np.zeros_like(s1), np.empty((len(s1), bins), np.float32)
        for j in range(bins):  # the area of the trapezoid to the left of each edge
            edge = first + (j + 0.5)
            area = up * (_square(edge - s1) - _square(edge - s2))
            area -= down * (_square(edge - s3) - _square(edge - s4))
            weight[:, j] = (area - before) * shape.height
            before = area
        nothing = weight < 1e-7 * float(shape.height.max())
        if first.min() < 0 or first.max() + bins > self.detectors:
            rows = first[:, None] + np.arange(bins)
            nothing |= (rows < 0) | (rows >= self.detectors)
        weight[nothing] = 0
        return first.astype(np.int32), weight


_Matrix = tuple[Tensor, Tensor, Tensor]


def _square(x: Array) -> Array:
    positive: Array = np.maximum(x, 0)
    return positive * positive


def _matrix(counts: Array, columns: Array, values: Array) -> _Matrix:
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return (
        torch.from_numpy(ends),
        torch.from_numpy(np.ascontiguousarray(columns)),
        torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)),
    )


def _times(matrix: _Matrix, vectors: Tensor) -> Tensor:
    """Return (n, rows): a sparse matrix times each of n vectors (n, columns)."""
    rows, columns, values = (part.to(vectors.device) for part in matrix)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR")  # torch calls it a beta
        sparse = torch.sparse_csr_tensor(
            rows, columns, values.to(vectors.dtype), (len(rows) - 1, vectors.shape[1]),
            check_invariants=False,
        )  # fmt: skip
    if len(vectors) == 1:
        return sparse.mv(vectors[0].contiguous())[None]
    return (sparse @ vectors.T.contiguous()).T.contiguous()


class _Product(torch.autograd.Function):
    """A x, whose gradient is Aᵀ, and the other way round."""

    @staticmethod
    def forward(vectors: Tensor, projector: Projector, back: bool) -> Tensor:
        product = projector.multiply(vectors.flatten(0, 1), back=back)
        return product.view(*vectors.shape[:2], -1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.projector, ctx.back = inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _product(gradients[0], ctx.projector, back=not ctx.back), None, None


def _product(vectors: Tensor, projector: Projector, *, back: bool) -> Tensor:
    """Return (b, c, m): A times each vector, or Aᵀ."""
    product: Tensor = _Product.apply(vectors, projector, back)  # type: ignore[no-untyped-call]
    return product
