"""Compressed sensing: fewer measurements than pixels, each of them a sum over the whole image.

An image (b, C, H, W) is taken as the vector x of n = C·H·W values in reading order, channel after
channel; its measurements are y (b, 1, 1, m).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape
from untrained.operators.pairs import as_complex, as_pairs

__all__ = ["GaussianSensing", "Hadamard", "Matrix", "PartialFourier", "orthonormal_rows"]

_MOST_BYTES = 2**30  # of a dense matrix
_INDEPENDENT = 1e-2  # the least part of a row of length 1 that is no sum of those before
_RADIX = 16  # of the fast transform: a product with a 16x16 matrix costs what one pass does


class _Sensing(LinearOperator):
    """(b, C, H, W) -> (b, 1, 1, m)."""

    def __init__(self, size: tuple[int, int], channels: int) -> None:
        super().__init__()
        height, width = size
        if height < 1 or width < 1 or channels < 1:
            raise InputError(
                f"size is {height}x{width} with {channels} channels; wanted 1 or more of each"
            )
        self.size = (int(height), int(width))
        self.channels = int(channels)
        self.values = self.channels * self.size[0] * self.size[1]

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (b, C, H, W)."""
        return (measurement_shape[0], self.channels, *self.size)

    def _image(self, x: Tensor) -> Tensor:
        return x.reshape(-1, self.channels, *self.size)


class Matrix(_Sensing):
    """A x = M x with a matrix M (m, n) of your own, n = C·H·W."""

    matrix: Tensor

    def __init__(self, matrix: Tensor, size: tuple[int, int], *, channels: int = 1) -> None:
        """`matrix` is (m, n), real; a column for each value of the image in reading order.

        Raises:
            InputError: no matrix of finite real numbers, or another number of columns than values.
        """
        super().__init__(size, channels)
        if matrix.ndim != 2 or matrix.is_complex():
            kind = "complex " if matrix.is_complex() else ""
            raise InputError(
                f"the matrix is a {kind}{'x'.join(map(str, matrix.shape))} array; wanted real "
                "numbers (m, n), a row a measurement"
            )
        if matrix.shape[1] != self.values:
            raise InputError(
                f"the matrix has {matrix.shape[1]} columns, an image of {_of(self)} has "
                f"{self.values} values; give the size that the matrix measures, or its transpose"
            )
        matrix = matrix if matrix.is_floating_point() else matrix.float()
        if not bool(torch.isfinite(matrix).all()):
            raise InputError("the matrix has values that are not finite; wanted finite ones")
        self.register_buffer("matrix", matrix)

    def forward(self, image: Tensor) -> Tensor:
        """Return M x, (b, 1, 1, m)."""
        return (image.flatten(1) @ self.matrix.to(image.dtype).T)[:, None, None]

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return Mᵀ y, (b, C, H, W)."""
        return self._image(measurement.flatten(1) @ self.matrix.to(measurement.dtype))


class GaussianSensing(Matrix):
    """A x = G x, G (m, n) with independent entries of N(0, 1/m), so that E‖A x‖² = ‖x‖².

    G is `numpy.random.default_rng(seed).standard_normal((m, n), dtype=numpy.float32)` / √m.
    """

    def __init__(self, m: int, size: tuple[int, int], *, seed: int = 0, channels: int = 1) -> None:
        """Draw the matrix. Raises InputError: one of more than 1 GiB, or m < 1."""
        n = channels * size[0] * size[1]
        _check_count(m)
        if 4 * m * n > _MOST_BYTES:
            raise InputError(
                f"a Gaussian matrix of {m} x {n} takes {4 * m * n / 2**30:.1f} GiB; wanted at most "
                "1 GiB: take Hadamard, which measures as well and needs no memory"
            )
        drawn = np.random.default_rng(seed).standard_normal((m, n), dtype=np.float32)
        drawn /= np.float32(math.sqrt(m))
        super().__init__(torch.from_numpy(drawn), size, channels=channels)


class Hadamard(_Sensing):
    """A x = R H S x: random signs S, the orthonormal Walsh-Hadamard transform H, m random rows R.

    x is padded by zeros to the next power of two N. A Aᵀ = I where nothing is padded; the rows hold
    no row twice. With g = `numpy.random.default_rng(seed)`, S = 1 - 2 · g.integers(0, 2, N) and
    R = g.choice(N, m, replace=False). O(N log N) and no matrix, for a measurement as good as a
    Gaussian one (Do, Gan, Nguyen & Tran, "Fast and efficient compressive sensing using structurally
    random matrices", IEEE Trans. Signal Processing 60, 2012).
    """

    signs: Tensor
    rows: Tensor

    def __init__(self, m: int, size: tuple[int, int], *, seed: int = 0, channels: int = 1) -> None:
        """Draw signs and rows. Raises InputError: m < 1 or more than there are rows."""
        super().__init__(size, channels)
        self.padded = 1 << (self.values - 1).bit_length()
        _check_count(m, self.padded)
        generator = np.random.default_rng(seed)
        signs = 1.0 - 2.0 * generator.integers(0, 2, self.padded)
        rows = generator.choice(self.padded, m, replace=False)
        self.register_buffer("signs", torch.from_numpy(signs[: self.values]).float())
        self.register_buffer("rows", torch.from_numpy(rows))

    def forward(self, image: Tensor) -> Tensor:
        """Return R H S x, (b, 1, 1, m)."""
        x = image.flatten(1) * self.signs.to(image.dtype)
        x = torch.nn.functional.pad(x, (0, self.padded - self.values))
        return walsh_hadamard(x)[:, self.rows][:, None, None]

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return S Hᵀ Rᵀ y, (b, C, H, W); H is symmetric."""
        y = measurement.flatten(1)
        spread = y.new_zeros(len(y), self.padded).index_copy(1, self.rows, y)
        x = walsh_hadamard(spread)[:, : self.values] * self.signs.to(y.dtype)
        return self._image(x)


class PartialFourier(_Sensing):
    """A x = m frequencies of the centred orthonormal Fourier transform of an image, as pairs.

    (b, 1, H, W) -> (b, 2, 1, m), real and imaginary parts. The mean (frequency 0) is measured
    first, then random others, of two that are conjugates of each other in a real image only one:
    with `places` the flat positions in the centred H x W plane of which no conjugate comes before,
    in reading order and without the middle, they are the first m - 1 of
    `numpy.random.default_rng(seed).permutation(places)`.
    """

    places: Tensor

    def __init__(self, m: int, size: tuple[int, int], *, seed: int = 0) -> None:
        """Draw the frequencies. Raises InputError: m < 1 or more than there are."""
        super().__init__(size, 1)
        height, width = self.size
        middle = (height // 2) * width + width // 2
        free = _unpaired(height, width)
        free = free[free != middle]
        _check_count(m, len(free) + 1)
        drawn = np.random.default_rng(seed).permutation(free)[: m - 1]
        self.register_buffer("places", torch.from_numpy(np.concatenate([[middle], drawn])))

    def forward(self, image: Tensor) -> Tensor:
        """Return the frequencies, (b, 2, 1, m)."""
        spectrum = torch.fft.fft2(torch.fft.ifftshift(image, dim=(-2, -1)), norm="ortho")
        spectrum = torch.fft.fftshift(spectrum, dim=(-2, -1))
        return as_pairs(spectrum.flatten(2)[:, :, None, self.places])

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return the real part of the inverse transform of the zero-filled plane, (b, 1, H, W)."""
        y = as_complex(measurement)[:, :, 0]
        plane = y.new_zeros(*y.shape[:2], self.values).index_copy(2, self.places, y)
        plane = torch.fft.ifftshift(plane.reshape(-1, 1, *self.size), dim=(-2, -1))
        image = torch.fft.ifft2(plane, norm="ortho").real
        centred: Tensor = torch.fft.fftshift(image, dim=(-2, -1))
        return centred


def orthonormal_rows(
    matrix: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return L⁻¹A and L⁻¹y with L Lᵀ = A Aᵀ: the same solutions of A x = y, orthonormal rows.

    None where rows nearly depend on each other, so that L⁻¹ would enlarge what is wrong in y.
    """
    gram = matrix @ matrix.T
    lengths = np.sqrt(gram.diagonal())
    if not (lengths > 0).all():
        return None
    try:
        factor = np.linalg.cholesky(gram / np.outer(lengths, lengths))
    except np.linalg.LinAlgError:
        return None
    if factor.diagonal().min() < _INDEPENDENT:
        return None
    both: NDArray[np.float64] = np.linalg.solve(
        factor, np.column_stack([matrix, y]) / lengths[:, None]
    ).astype(np.float64)
    return both[:, :-1], both[:, -1]


def walsh_hadamard(x: Tensor) -> Tensor:
    """Return the orthonormal Walsh-Hadamard transform (Sylvester's order) of (b, 2^k).

    H_(ab) = H_a ⊗ H_b: products with small matrices along one axis after the other.
    """
    length, done = x.shape[1], 1
    for radix in _radices(length):
        factor = _sylvester(radix).to(x)
        x = (factor @ x.reshape(len(x), done, radix, -1)).reshape(len(x), length)
        done *= radix
    return x


def _radices(length: int) -> Iterator[int]:
    while length > 1:
        radix = min(_RADIX, length)
        yield radix
        length //= radix


def _sylvester(order: int) -> Tensor:
    """Return the orthonormal Hadamard matrix: (-1)^(bits that i and j share) / √order."""
    i = np.arange(order)
    shared = np.bitwise_and(i[:, None], i)
    odd = np.zeros_like(shared)
    while shared.any():
        odd ^= shared & 1
        shared = shared >> 1
    return torch.from_numpy((1.0 - 2.0 * odd) / math.sqrt(order))


def _unpaired(height: int, width: int) -> NDArray[np.int64]:
    """Return the flat places of a centred plane that have no conjugate before them."""
    down, across = np.mgrid[:height, :width]
    mirrored = (2 * (height // 2) - down) % height * width + (2 * (width // 2) - across) % width
    flat = down * width + across
    free: NDArray[np.int64] = flat[flat <= mirrored]
    return free


def _check_count(m: int, most: int | None = None) -> None:
    if m < 1 or (most is not None and m > most):
        limit = "1 or more" if most is None else f"1 to {most}"
        raise InputError(f"{m} measurements; wanted {limit}")


def _of(operator: _Sensing) -> str:
    size = "x".join(map(str, operator.size))
    return size if operator.channels == 1 else f"{size} with {operator.channels} channels"
