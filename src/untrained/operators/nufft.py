"""The Fourier transform at any places of k-space: spirals, spokes (non-Cartesian MRI)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape
from untrained.operators.pairs import as_complex, as_pairs

__all__ = ["Nufft", "from_cycles_per_pixel", "from_radians"]

_EPS = {torch.complex64: 1e-6, torch.complex128: 1e-12}


class Nufft(LinearOperator):
    """A x = √w F x: the Fourier transform of an image where a trajectory goes.

        (F x)_j = (HW)^(-1/2) Σ_r x_r exp(-2πi (k_j1 r_1 / H + k_j2 r_2 / W)),

    r = 0 at pixel (H // 2, W // 2). At whole numbers k it is the centred orthonormal FFT. Complex
    numbers are pairs of channels, each coil by itself: (1, 2c, H, W) -> (1, 2c, spokes, points).
    The adjoint is exact to the transform's accuracy, relative 1e-6 (float32) or 1e-12 (float64).

    Barnett, Magland & af Klinteberg, "A parallel nonuniform fast Fourier transform library based on
    an 'exponential of semicircle' kernel", SIAM J. Sci. Comput. 41(5), 2019: finufft, on the CPU,
    in one thread, since sums of several in turn would not give the same bits twice; tensors of
    another device are moved there and back.

    Where samples lie close together they count more often. Weights w make up for it, as their root
    on both sides: here, and on the data, `weighted(y)`; the loss then is Σ w |F x - y|².
    """

    trajectory: Tensor
    root: Tensor | None

    def __init__(
        self, trajectory: ArrayLike, size: tuple[int, int], density: ArrayLike | None = None
    ) -> None:
        """Take the places.

        Args:
            trajectory: (points, 2) or (spokes, points, 2), k along the height and along the width
                of the image, in cycles per field of view: from -H/2 to H/2 and -W/2 to W/2.
            size: (H, W) of the image.
            density: w, (points) or (spokes, points), 0 or more: the area of k-space that a sample
                stands for, in any unit; None = 1.

        Raises:
            InputError: axes that are none of these, other units, weights below 0, no finufft.
        """
        super().__init__()
        _finufft()
        places = np.array(trajectory, dtype=np.float64)
        if places.ndim not in (2, 3) or places.shape[-1] != 2 or places.size == 0:
            raise InputError(
                f"trajectory is {places.shape}; wanted (points, 2) or (spokes, points, 2)"
            )
        places = places.reshape(-1, *places.shape[-2:])
        _check_units(places, size)
        self.size = size
        # Integers would be cast with the module; the places stay float64, whatever x is.
        self.places: NDArray[np.float64] = 2 * np.pi * places / np.array(size)
        self.register_buffer("root", None if density is None else _root(density, places.shape[:2]))
        self._plans: dict[tuple[torch.dtype, int, int], Any] = {}

    def forward(self, image: Tensor) -> Tensor:
        """Return √w F x, (1, 2c, spokes, points)."""
        samples = self._applied(as_complex(image)[0], adjoint=False)
        return self.weighted(as_pairs(samples[None]))

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return F* √w y, (1, 2c, H, W)."""
        samples = as_complex(self.weighted(measurement))[0]
        return as_pairs(self._applied(samples, adjoint=True)[None])

    def weighted(self, samples: Tensor) -> Tensor:
        """Return √w y of samples y, (1, 2c, spokes, points): what the fit is given as y."""
        return samples if self.root is None else samples * self.root.to(samples.dtype)

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (1, 2c, H, W)."""
        return 1, measurement_shape[1], *self.size

    def _applied(self, values: Tensor, *, adjoint: bool) -> Tensor:
        """Return F x or F* y, with gradients."""
        return _Transform.apply(values, self, adjoint)  # type: ignore[no-untyped-call, no-any-return]

    def transform(self, values: Tensor, *, adjoint: bool) -> Tensor:
        """Return F x of (c, H, W), or F* y of (c, spokes, points), complex; without gradients."""
        shape = self.size if adjoint else self.places.shape[:2]
        plan = self._plan(values.dtype, len(values), adjoint)
        given = values.detach().resolve_conj().cpu().contiguous().numpy()
        found = plan.execute(given.reshape(len(values), -1) if adjoint else given)
        found = torch.from_numpy(found.reshape(len(values), *shape)).to(values.device)
        return found / math.sqrt(math.prod(self.size))

    def _plan(self, dtype: torch.dtype, count: int, adjoint: bool) -> Any:
        """Return finufft's plan, made once for a precision, a number of coils and a direction."""
        kind = 1 if adjoint else 2
        key = (dtype, count, kind)
        if key not in self._plans:
            real = np.float32 if dtype == torch.complex64 else np.float64
            plan = _finufft().Plan(
                kind, self.size, n_trans=count, eps=_EPS[dtype], isign=1 if adjoint else -1,
                dtype="complex64" if real is np.float32 else "complex128", nthreads=1,
            )  # fmt: skip
            plan.setpts(
                *(np.ascontiguousarray(p.ravel(), real) for p in np.moveaxis(self.places, -1, 0))
            )
            self._plans[key] = plan
        return self._plans[key]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied: plans hold memory of a C library, and are made anew."""
        return {**self.__dict__, "_plans": {}}


class _Transform(torch.autograd.Function):
    """F or F*, each of which is the other's gradient."""

    @staticmethod
    def forward(values: Tensor, operator: Nufft, adjoint: bool) -> Tensor:
        return operator.transform(values, adjoint=adjoint)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Nufft, bool], output: Tensor) -> None:
        _, ctx.operator, ctx.adjoint = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        back = _Transform.apply(gradient, ctx.operator, not ctx.adjoint)  # type: ignore[no-untyped-call]
        return back, None, None


def from_radians(trajectory: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return a trajectory in cycles per field of view of one in radians a pixel, -π to π."""
    return from_cycles_per_pixel(np.asarray(trajectory, dtype=np.float64) / (2 * np.pi), size)


def from_cycles_per_pixel(trajectory: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return a trajectory in cycles per field of view of one in cycles a pixel, -.5 to .5."""
    places: NDArray[np.float64] = np.asarray(trajectory, dtype=np.float64) * np.array(size)
    return places


def _check_units(places: NDArray[np.float64], size: tuple[int, int]) -> None:
    """Refuse a trajectory that is not in cycles per field of view. Raises InputError."""
    if not np.isfinite(places).all():
        raise InputError("trajectory has NaN or infinite values; leave those samples out")
    farthest = np.abs(places).max(axis=(0, 1))
    what = f"trajectory reaches {farthest[0]:.4g} and {farthest[1]:.4g}"
    wanted = f"cycles per field of view, up to {size[0] / 2:g} and {size[1] / 2:g}"
    if (farthest > np.array(size) / 2 * 1.001).any():
        raise InputError(f"{what}; wanted {wanted}: for finer details pass a larger size")
    if farthest.max() <= 1.001 * np.pi and min(size) > 4 * np.pi:
        raise InputError(
            f"{what}; wanted {wanted}: convert with from_radians or from_cycles_per_pixel"
        )


def _root(density: ArrayLike, shape: tuple[int, ...]) -> Tensor:
    """Return √w, (1, 1, spokes, points), with a mean of w of 1. Raises InputError."""
    weights = np.array(density, dtype=np.float64)
    if weights.size != math.prod(shape) or not (weights >= 0).all() or not weights.any():
        raise InputError(
            f"density is {weights.shape} with values from {weights.min(initial=0):.3g}; wanted a "
            f"weight of 0 or more for each of the {'x'.join(map(str, shape))} samples"
        )
    return torch.from_numpy(np.sqrt(weights / weights.mean()).reshape(1, 1, *shape)).float()


def _finufft() -> Any:
    try:
        import finufft
    except ModuleNotFoundError:
        raise InputError("finufft is not installed; pip install 'untrained[science]'") from None
    return finufft
