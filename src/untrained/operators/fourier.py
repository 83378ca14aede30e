"""What an MRI scanner measures: the Fourier transform of an image as each receiver coil sees it.

Complex numbers are pairs of channels (`operators.pairs`): an image is (b, 2, H, W), what c coils
see of it, and its k-space, (b, 2c, h, w). With the coils' maps S and the mask of what was sampled,
`Mask(m) @ Fourier() @ Coils(S)` is SENSE (Pruessmann et al., Magn. Reson. Med. 42, 1999);
`Mask(m) @ Sense(S)` is the same, faster.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape
from untrained.operators.pairs import as_complex, as_pairs

__all__ = ["Coils", "Fourier", "Sense"]

Transform = Callable[..., Tensor]
_BOTH = (-2, -1)


class Fourier(LinearOperator):
    """The centred, unitary Fourier transform of pairs of channels: A* = A⁻¹.

    (F x)[k] = n^-½ Σ_r x[r] exp(-2πi (k - ⌊n/2⌋)(r - ⌊n/2⌋) / n) along each of the axes. A scan
    whose lines were sampled whole along an axis can be transformed back along it once and for all;
    what is left to explain is the transform along the other axis.
    """

    unitary = True
    projects = True

    def __init__(self, axes: tuple[int, ...] = _BOTH) -> None:
        """`axes` are (-2, -1), or one of them.

        Raises:
            InputError: other axes.
        """
        super().__init__()
        if not axes or not set(axes) <= set(_BOTH) or len(set(axes)) != len(axes):
            raise InputError(f"axes is {axes}; wanted (-2, -1), (-2,) or (-1,)")
        self.axes = axes

    def forward(self, image: Tensor) -> Tensor:
        """Return the k-space (b, 2c, h, w) of (b, 2c, h, w)."""
        return as_pairs(_centred(torch.fft.fftn, as_complex(image), self.axes))

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return the inverse transform."""
        return as_pairs(_centred(torch.fft.ifftn, as_complex(measurement), self.axes))

    def gram(self, image: Tensor, weight: Tensor) -> Tensor:
        """Return F* W F x. It is a convolution, so the image need not be shifted for it."""
        if weight.shape[1] != 1:
            return super().gram(image, weight)
        return as_pairs(_convolved(as_complex(image), weight, self.axes))


class Coils(LinearOperator):
    """(S x)_c = Σ_s S_sc x_s: what each coil sees of an image, by maps of its sensitivity.

    With several sets of maps the image has as many pairs of channels ("soft SENSE", Uecker et al.,
    ESPIRiT, Magn. Reson. Med. 71, 2014).
    """

    maps: Tensor

    def __init__(self, maps: Tensor) -> None:
        """`maps` are complex, (c, H, W), or (sets, c, H, W).

        Raises:
            InputError: of another shape, or real.
        """
        super().__init__()
        if maps.ndim not in (3, 4) or not maps.is_complex():
            raise InputError(
                f"coil maps are {maps.dtype} of shape {tuple(maps.shape)}; "
                "wanted complex ones, (coils, H, W) or (sets, coils, H, W)"
            )
        self.register_buffer("maps", maps if maps.ndim == 4 else maps[None])

    def forward(self, image: Tensor) -> Tensor:
        """Return what the coils see, (b, 2c, H, W), of (b, 2 sets, H, W)."""
        return as_pairs(_seen(as_complex(image), self.maps))

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return x_s = Σ_c conj(S_sc) y_c."""
        return as_pairs(_combined(as_complex(measurement), self.maps))

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return a pair of channels for each set of maps. Raises InputError: other coils."""
        b, channels, h, w = measurement_shape
        sets, coils = self.maps.shape[:2]
        if channels != 2 * coils:
            raise InputError(
                f"the measurement has {channels} channels, the maps are of {coils} coils; "
                "wanted two channels a coil"
            )
        return b, 2 * sets, h, w


class Sense(Coils):
    """F S in one: equal to `Fourier(axes) @ Coils(maps)`, without the copies between the two."""

    def __init__(self, maps: Tensor, axes: tuple[int, ...] = _BOTH) -> None:
        """As for `Coils` and `Fourier`."""
        super().__init__(maps)
        self.axes = Fourier(axes).axes

    def forward(self, image: Tensor) -> Tensor:
        """Return the k-space of the coils, (b, 2c, h, w), of (b, 2 sets, h, w)."""
        seen = _seen(as_complex(image), self.maps)
        return as_pairs(_centred(torch.fft.fftn, seen, self.axes))

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return S* F* y."""
        seen = _centred(torch.fft.ifftn, as_complex(measurement), self.axes)
        return as_pairs(_combined(seen, self.maps))

    def gram(self, image: Tensor, weight: Tensor) -> Tensor:
        """Return S* F* W F S x, without a shift of the coils' images."""
        if weight.shape[1] != 1:
            return super().gram(image, weight)
        seen = _seen(as_complex(image), self.maps)
        return as_pairs(_combined(_convolved(seen, weight, self.axes), self.maps))


def _seen(image: Tensor, maps: Tensor) -> Tensor:
    """Return Σ_s S_sc x_s, complex (b, c, H, W)."""
    if len(maps) == 1:
        return image * maps
    return (image[:, :, None] * maps).sum(1)


def _combined(seen: Tensor, maps: Tensor) -> Tensor:
    """Return Σ_c conj(S_sc) y_c, complex (b, sets, H, W)."""
    if len(maps) == 1:
        return (seen * maps.conj()).sum(1, keepdim=True)
    return (seen[:, None] * maps.conj()).sum(2)


def _centred(transform: Transform, values: Tensor, axes: tuple[int, ...]) -> Tensor:
    shifted = torch.fft.ifftshift(values, dim=axes)
    result: Tensor = torch.fft.fftshift(transform(shifted, dim=axes, norm="ortho"), dim=axes)
    return result


def _convolved(values: Tensor, weight: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return F* W F of complex numbers: shifted or not, a convolution is the same."""
    weight = torch.fft.ifftshift(weight, dim=axes)
    spectrum = torch.fft.fftn(values, dim=axes, norm="ortho") * weight
    result: Tensor = torch.fft.ifftn(spectrum, dim=axes, norm="ortho")
    return result
