"""What a fit is given beside the image and the recipe, and how it is run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError, check_number
from untrained.fitting import Callback
from untrained.operators import Identity, Resample

__all__ = ["Execution", "Given", "Measured", "MeasuredPages", "Weights"]

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Given:
    """What is known of a measurement.

    Attributes:
        operator: A, any differentiable callable on (1, C, H, W); None = the identity.
        mask: (h, w), true = measured, numbers as `images.masks` reads them; None = everywhere, but
            for NaN and infinite values.
        groups: (h, w), whole numbers: what is held out together, below 0 never (`Problem.groups`).
        sigma: standard deviation of the noise in the units of the values given; None = estimated
            where y is a picture, else unknown.
        photons: the noise is that of light, with so many photons at white (a value of 1, or the
            dtype's largest), and clipped there; instead of `sigma`.
        guide: another picture, (H, W) or (H, W, C), of the restored image's height and width, any
            dtype and range: of the scene for a z that is a `Guide` and `MaskedPrediction`, a hint
            for `Decompose`.
        scale: y and the image are divided by it for the fit, and the image multiplied by it after:
            what is about 1 in the image, so that no unit of y is too small or too large. For a
            linear operator that is none of a picture; None = 1, of integers the dtype's white. PSNR
            of A x against y is then over the root of the mean square of y.
        clip: whether the image is clipped to black and white; None = where y is a picture.
        look: what of the image is looked at and compared with a truth, (1, C, H, W) ->
            (1, c, H, W): the magnitude of complex numbers; None = the image itself.
        first: the image by a simple method, as it is looked at, (H, W) or (H, W, c), in its own
            units: to be shown and scored beside the fit's, which does not see it.
        notes: what was made of the files and arrays that the user gave, where it may not be what
            they expect: one sentence each, which the result hands on.

    Raises:
        InputError: a `sigma`, `photons` or `scale` that is no single number, or a scale of 0.
    """

    operator: Callable[[Tensor], Tensor] | None = None
    mask: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None
    sigma: float | None = None
    photons: float | None = None
    guide: NDArray[Any] | None = None
    scale: float | None = None
    clip: bool | None = None
    look: Callable[[Tensor], Tensor] | None = None
    first: NDArray[Any] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("sigma", "photons", "scale"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise InputError(f"scale is {self.scale}; wanted more than 0, and finite")

    @property
    def is_alike_everywhere(self) -> bool:
        """Whether A acts alike everywhere, so that a part of y is a measurement of a part."""
        return self.operator is None or isinstance(self.operator, (Identity, Resample))

    @property
    def of_a_picture(self) -> bool:
        """Whether y is a picture in the image's own units (`LinearOperator.keeps_constants`)."""
        return self.operator is None or bool(getattr(self.operator, "keeps_constants", False))


class Measured(Protocol):
    """A measurement, ready for `restore`."""

    @property
    def y(self) -> NDArray[Any]:
        """The numbers, (h, w, c) float32."""
        ...

    @property
    def given(self) -> Given:
        """What is known of them."""
        ...


MeasuredPages = Callable[[int], Measured]
"""What was measured of a page, from 0, where each has what is given of its own: maps, a scale."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Execution:
    """Where and how a fit runs, who watches, and what it goes on from.

    Attributes:
        device: auto, cpu, cuda, cuda:N or mps.
        callbacks: observers. Put a `Scoring` first to let the others show its numbers.
        cancelled: polled during the fit; true = stop and keep the best so far.
        state: the state of an interrupted fit of the same image and settings to go on from.
        weights: of the fit of a like image with the same recipe to start from
            (`Result.last_weights`); None = random ones.
        z: the code to feed the network (`Result.z`); None = drawn from the seed.
        together: let the steps be taken with those of other pictures, in a thread that has a seat
            beside theirs (`fitting.Together`).
    """

    device: str = "auto"
    callbacks: Sequence[Callback] = ()
    cancelled: Callable[[], bool] = lambda: False
    state: dict[str, Any] | None = None
    weights: Weights | None = None
    z: Tensor | None = None
    together: bool = False
