"""The matrix of compressed sensing: what the user names or gives, as an operator beside its y."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.errors import InputError, did_you_mean
from untrained.operators import (
    GaussianSensing,
    Hadamard,
    LinearOperator,
    Matrix,
    PartialFourier,
)
from untrained.operators.sensing import orthonormal_rows

__all__ = ["Asked", "MatrixSource"]

MatrixSource = str | Path | NDArray[Any] | LinearOperator
"""hadamard:SEED, gaussian:SEED, fourier:SEED, a matrix (m, n) or its .npy file, an operator."""

_KINDS = ("hadamard", "gaussian", "fourier")

Numbers = NDArray[Any]
"""Measurements (m,), float64 or complex128."""

Under = tuple[LinearOperator, Numbers, NDArray[np.bool_]]
"""An operator, the measurements by it, and which of them were made."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """Measurements of which the operator is to be found.

    Attributes:
        numbers: (m,).
        there: (m,), whether each was made.
        size, channels: of the image.
    """

    numbers: Numbers
    there: NDArray[np.bool_]
    size: tuple[int, int]
    channels: int

    @property
    def values(self) -> int:
        """n, the values of the image."""
        return self.channels * math.prod(self.size)

    def under(self, source: MatrixSource) -> Under:
        """Return the operator, and y as it measures.

        Raises:
            InputError: a matrix that does not go with the measurements and the size.
        """
        operator: LinearOperator | None = None
        if isinstance(source, LinearOperator):
            operator = self._checked(source)
        elif isinstance(source, str) and source.partition(":")[0] in _KINDS:
            operator = self._random(source)
        if np.iscomplexobj(self.numbers) and not isinstance(operator, PartialFourier):
            raise InputError(
                "the measurements are complex, the matrix is real; take their real part, or give "
                "the real and imaginary rows of the matrix as rows of their own"
            )
        if operator is not None:
            return operator, self.numbers, self.there
        read = isinstance(source, (str, Path))
        return self._own(_read(cast(str, source)) if read else np.asarray(source))

    def _own(self, matrix: NDArray[Any]) -> Under:
        """Return a matrix of the user's with orthonormal rows, those of measurements that exist."""
        m = len(self.numbers)
        if matrix.ndim != 2 or matrix.dtype.kind not in "iufb":
            raise InputError(
                f"the matrix is of type {matrix.dtype} and shape {matrix.shape}; wanted real "
                "numbers (m, n), a row a measurement"
            )
        if matrix.shape != (m, self.values):
            hint = "give the size it measures"
            if matrix.shape == (self.values, m):
                hint = "give its transpose"
            raise InputError(
                f"the matrix is {matrix.shape[0]}x{matrix.shape[1]}, {m} measurements of "
                f"{'x'.join(map(str, self.size))} with {self.channels} "
                f"channel{'s' * (self.channels > 1)} need {m}x{self.values}; {hint}"
            )
        if not np.isfinite(matrix).all():
            raise InputError("the matrix has values that are not finite; wanted finite ones")
        if not matrix.any():
            raise InputError("the matrix is zero throughout; wanted one that measures something")
        rows, y = matrix[self.there].astype(np.float64), self.numbers[self.there]
        even = orthonormal_rows(rows, y)
        if even is None:
            gain = float(np.linalg.norm(rows)) / math.sqrt(self.values)
            even = rows / gain, y / gain
        operator = Matrix(torch.from_numpy(even[0]).float(), self.size, channels=self.channels)
        return operator, even[1], np.ones(len(y), dtype=bool)

    def _random(self, source: str) -> LinearOperator:
        kind, _, words = source.partition(":")
        m, seed = len(self.numbers), words or "0"
        if not seed.isdecimal():
            raise InputError(f"matrix is {source!r}; wanted {kind}:SEED, a whole number from 0 up")
        match kind:
            case "hadamard":
                return Hadamard(m, self.size, seed=int(seed), channels=self.channels)
            case "gaussian":
                return GaussianSensing(m, self.size, seed=int(seed), channels=self.channels)
        if self.channels > 1:
            raise InputError(
                "Fourier measurements are of one channel; give a size of height and width"
            )
        return PartialFourier(m, self.size, seed=int(seed))

    def _checked(self, operator: LinearOperator) -> LinearOperator:
        m, rows = len(self.numbers), 2 if isinstance(operator, PartialFourier) else 1
        shape, wanted = operator.image_shape((1, rows, 1, m)), (1, self.channels, *self.size)
        if shape != wanted:
            got, size = ("x".join(map(str, s[1:])) for s in (shape, wanted))
            raise InputError(
                f"the operator measures images of {got}, the size is {size}; give that"
            )
        with torch.no_grad():
            count = operator(torch.zeros(shape)).shape[-1]
        if count != m:
            raise InputError(
                f"the operator makes {count} measurements, y has {m}; give those of it"
            )
        return operator


def _read(source: str | Path) -> NDArray[Any]:
    path = Path(source)
    if path.suffix.lower() != ".npy":
        hint = did_you_mean(str(source).partition(":")[0], _KINDS)
        raise InputError(
            f"matrix is {str(source)!r}; {hint}wanted hadamard:SEED, gaussian:SEED, fourier:SEED "
            "or a .npy file"
        )
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; wanted a matrix (m, n)") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a .npy file ({error})") from None
