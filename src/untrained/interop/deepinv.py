"""The operators of deepinv (https://deepinv.github.io) as ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from untrained.errors import InputError
from untrained.interop.layout import Layout
from untrained.operators import LinearOperator
from untrained.operators.base import Shape
from untrained.restoring import reached

__all__ = ["DeepinvOperator", "as_operator"]

_MIDDLE = 16  # a sixteenth of k-space to each side of its centre is never held out


def as_operator(
    physics: Any,
    measurement: Tensor | Sequence[Tensor] | None = None,
    *,
    image_shape: tuple[int, ...] | None = None,
) -> DeepinvOperator:
    """Return a linear physics of deepinv as an operator of a fit.

    A is `physics.A`, without its noise. Image and measurement stand as (1, c, h, w) real numbers
    (`Layout`): complex ones as pairs of channels, coils as channels, the frames of a series below
    each other in y and as channels in the image, projections as rows; measurements of several
    sizes (a `TensorList`) as one row of all their numbers.

        operator = as_operator(physics, y)
        y_here = operator.pack(y)                   # (1, c, h, w)
        image = operator.unpack_image(estimate)     # as deepinv has it

    Args:
        physics: a `deepinv.physics.LinearPhysics`; moved and changed only as the operator is.
        measurement: y as the physics gives it, of one sample or a batch of them: says the shapes.
        image_shape: of one sample, (C, H, W), instead of y or where y does not say it.

    Raises:
        InputError: a physics that is not linear, or whose shapes are unknown without y.
    """
    _check_linear(physics)
    name = type(physics).__name__
    with torch.no_grad():
        if measurement is None:
            shape = image_shape or getattr(physics, "img_size", None)
            if shape is None:
                raise InputError(
                    f"{name} does not say the size of its images; pass y, or image_shape=(C, H, W)"
                )
            image = torch.zeros(1, *shape, device=_device_of(physics))
            measurement = physics.A(image)
        else:
            measurement = _first(measurement)
            image = (
                physics.A_adjoint(measurement)
                if image_shape is None
                else torch.zeros(1, *image_shape, device=_parts(measurement)[0].device)
            )
    if len(image) != 1:
        raise InputError(
            f"{name} holds parameters of a batch of {len(image)}; wanted those of one sample"
        )
    return DeepinvOperator(physics, measurement, Layout.of(image))


class DeepinvOperator(LinearOperator):
    """A x of a deepinv physics, as (1, c, h, w) -> (1, c', h', w'); A* is exact, by autograd.

    Attributes:
        physics: of deepinv.
        image_layout: how its image stands here.
        layouts: how its measurement does; several for a `TensorList`.
    """

    def __init__(self, physics: Any, measurement: Tensor | Sequence[Tensor], image: Layout) -> None:
        """`measurement` is of one sample, as the physics gives it; `image` its image's layout."""
        super().__init__()
        name = type(physics).__name__
        self._hold(physics)
        self.image_layout = image
        self.several = not isinstance(measurement, Tensor)
        self.layouts = tuple(
            Layout.of(
                part,
                below=name in ("DynamicMRI", "SequentialMRI"),
                swapped=name == "Tomography",
            )
            for part in _parts(measurement)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return A x, (1, c, h, w)."""
        return self.pack(self.physics.A(self.image_layout.unpack(image)))

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return A* y, exact whatever the physics calls its adjoint."""
        # Not torch.func.vjp: some of deepinv's own functions have no rule for it.
        with torch.inference_mode(False), torch.enable_grad():
            image = measurement.new_zeros(self.image_layout.size).requires_grad_()
            (result,) = torch.autograd.grad(self(image), image, measurement.clone())
        return result

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (1, C, H, W), which the physics knows: y alone does not say it."""
        return self.image_layout.size

    def pack(self, measurement: Tensor | Sequence[Tensor]) -> Tensor:
        """Return y of one sample, as the physics gives it, as (1, c, h, w).

        Raises:
            InputError: y of another shape.
        """
        packed = [
            layout.pack(part)
            for layout, part in zip(self.layouts, _parts(measurement), strict=True)
        ]
        if not self.several:
            return packed[0]
        return torch.cat([part.flatten() for part in packed])[None, None, None]

    def unpack_image(self, image: Tensor) -> Tensor:
        """Return an image (1, c, h, w) with the axes that the physics takes."""
        return self.image_layout.unpack(image)

    @property
    def sigma(self) -> float | None:
        """σ of the physics' `GaussianNoise`; None = it has another noise, or none of one number.

        deepinv's default, no noise, says that nothing is known: many leave it as it is.
        """
        sigma = getattr(getattr(self.physics, "noise_model", None), "sigma", None)
        if type(getattr(self.physics, "noise_model", None)).__name__ != "GaussianNoise":
            return None
        if not isinstance(sigma, Tensor) or sigma.numel() != 1 or not float(sigma) > 0:
            return None
        # Of a complex number each part has half of the variance.
        return float(sigma) / (math.sqrt(2) if self.layouts[0].is_complex else 1)

    @property
    def groups(self) -> Tensor | None:
        """(1, 1, h, w): what to hold out together, below 0 never; None = each number by itself.

        The projections of a sinogram; the lines of k-space that a mask takes or leaves as a whole,
        but for the middle ones; of a mask of points each point, but for those in the middle.
        """
        if self.several:
            return None
        height, width = self.layouts[0].size[-2:]
        if type(self.physics).__name__ == "Tomography":
            return torch.arange(height).view(1, 1, -1, 1).expand(1, 1, height, width)
        mask = getattr(self.physics, "mask", None)
        if not isinstance(self.physics, _mri()) or mask is None or len(self.layouts[0].shape) < 3:
            return None
        rows = self.layouts[0].shape[-2]
        if mask.shape[-2:] != (rows, width):  # not of k-space on a grid
            return None
        known = reached(self, torch.zeros(self.layouts[0].size).to(mask))
        taken = torch.ones(height, width) if known is None else known[0, 0].cpu()
        frames = [_lines(frame > 0) for frame in taken.view(-1, rows, width)]
        count = rows * width
        apart = [torch.where(g < 0, g, g + i * count) for i, g in enumerate(frames)]
        return torch.cat(apart)[None, None]

    def _hold(self, physics: Any) -> None:
        self.physics = physics
        # deepinv keeps these in a plain list, where no `to(device)` finds them.
        self.stacked = nn.ModuleList(getattr(physics, "physics_list", ()))

    def __deepcopy__(self, memo: dict[int, Any]) -> DeepinvOperator:
        """Return a copy, also where the physics holds generators, which cannot be copied."""
        copied = DeepinvOperator.__new__(DeepinvOperator)
        LinearOperator.__init__(copied)
        copied._hold(self.physics.clone())
        copied.image_layout, copied.layouts = self.image_layout, self.layouts
        copied.several = self.several
        return copied


def _lines(taken: Tensor) -> Tensor:
    """Return the groups (h, w) of a mask of centred k-space: its lines, or its points."""
    height, width = taken.shape
    if bool((taken == taken[:1]).all()):
        return _but_the_middle(taken[0]).expand(height, width)
    if bool((taken == taken[:, :1]).all()):
        return _but_the_middle(taken[:, 0])[:, None].expand(height, width)
    points = torch.arange(height * width).view(height, width)
    down, across = height // _MIDDLE, width // _MIDDLE
    points[
        height // 2 - down : height // 2 + down + 1, width // 2 - across : width // 2 + across + 1
    ] = -1
    return points


def _but_the_middle(taken: Tensor) -> Tensor:
    """Return the numbers of lines, -1 for those without a gap around the middle one."""
    numbers = torch.arange(len(taken))
    middle = len(taken) // 2
    first = last = middle
    most = max(1, len(taken) // _MIDDLE)
    while first > middle - most and bool(taken[first - 1]):
        first -= 1
    while last < min(middle + most, len(taken) - 1) and bool(taken[last + 1]):
        last += 1
    numbers[first : last + 1] = -1
    return numbers


def _mri() -> tuple[type, ...]:
    import deepinv

    return deepinv.physics.MRI, deepinv.physics.MultiCoilMRI


def _check_linear(physics: Any) -> None:
    """Refuse what has no adjoint. Raises InputError."""
    import deepinv

    if not isinstance(physics, deepinv.physics.LinearPhysics):
        raise InputError(
            f"physics is a {type(physics).__name__}; wanted a deepinv.physics.LinearPhysics: "
            "give what is not linear to `solve` as a callable, lambda x: physics.A(x)"
        )


def _parts(measurement: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return [measurement] if isinstance(measurement, Tensor) else list(measurement)


def _first(measurement: Tensor | Sequence[Tensor]) -> Tensor | Sequence[Tensor]:
    """Return the first sample of a batch."""
    if isinstance(measurement, Tensor):
        return measurement[:1]
    return type(measurement)([part[:1] for part in measurement])  # type: ignore[call-arg]


def _device_of(physics: Any) -> torch.device:
    return next((buffer.device for buffer in physics.buffers()), torch.device("cpu"))
