"""What is asked: y = A x + noise, and all that is known about it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.noise import NoiseModel, local_mean
from untrained.operators import Identity, LinearOperator

__all__ = ["Problem"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """y = A x + noise, with all that is known about it.

    Attributes:
        observed: y, (1, c, h, w), real numbers of any range; kept as float32. Complex ones are
            pairs of channels: `torch.cat([y.real, y.imag], 1)`.
        operator: A; any differentiable callable. The shape of the image is that which its
            `image_shape` gives for that of y; of an operator without one, that of y.
        known: (1, 1, h, w), 1 where y was measured; None = everywhere.
        groups: (1, 1, h, w), whole numbers: what belongs together (a line of k-space, a projection,
            a block, a frame) and is held out together; what is below 0 never is (the middle of
            k-space, which nothing else predicts); None = each measurement is its own group.
        held_out: (1, 1, h, w), 1 where y is kept from the fit, for a stop rule; a part of known.
        guide: another picture, (1, C', H, W), that an objective goes by: of the same scene for a z
            that is one and for `MaskedPrediction`, of where a mark may be for `Decompose`.
        noise: the noise of y by brightness, if known or estimated.
        peak: what PSNR takes as full scale, in the unit range.
        exact_known: whether the known pixels of y stand in the final image as they are; under
            another operator that `projects`, whether the image has the measurement y.
        clip: whether the final image is clipped to the unit range.
        bounded: whether the final image takes away no more than the noise; see `finish`.
    """

    observed: Tensor
    operator: Callable[[Tensor], Tensor] = field(default_factory=Identity)
    known: Tensor | None = None
    groups: Tensor | None = None
    held_out: Tensor | None = None
    guide: Tensor | None = None
    noise: NoiseModel | None = None
    peak: float = 1.0
    exact_known: bool = False
    clip: bool = False
    bounded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "observed", _as_measurement(self.observed))
        _check_place("known", self.known, self.observed)
        _check_place("groups", self.groups, self.observed)
        if self.guide is None or self.guide.shape[-2:] == self.image_shape[-2:]:
            return
        got, wanted = ("x".join(map(str, s[-2:])) for s in (self.guide.shape, self.image_shape))
        raise InputError(
            f"guide is {got}, the restored image is {wanted}; "
            "pass a guide of the restored image's height and width"
        )

    @property
    def sigma(self) -> float | None:
        """The standard deviation of the noise in the unit range, over all brightnesses."""
        return None if self.noise is None else self.noise.sigma

    @property
    def fitted(self) -> Tensor | None:
        """1 where y enters the fit: known and not held out; None = everywhere."""
        if self.held_out is None:
            return self.known
        known = torch.ones_like(self.held_out) if self.known is None else self.known
        return known * (1 - self.held_out)

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """(1, C, H, W) of the estimate."""
        b, c, h, w = self.observed.shape
        find = getattr(self.operator, "image_shape", None)
        return (b, c, h, w) if find is None else find((b, c, h, w))

    def check_operator_fits(self) -> None:
        """Make sure that A x has the shape of y.

        Raises:
            InputError: it has not, or A fails on an image of `image_shape`.
        """
        if isinstance(self.operator, Identity):
            return
        image = self.observed.new_zeros(self.image_shape)
        name = getattr(self.operator, "__name__", type(self.operator).__name__)
        try:
            with torch.no_grad():
                got = tuple(self.operator(image).shape)
        except Exception as error:  # whatever it raises, the shape is the likeliest reason
            raise InputError(
                f"operator {name} fails on an image of {_sizes(image.shape)} "
                f"({' '.join(str(error).split())}); if the image has another shape, "
                "give the operator a method image_shape(measurement_shape)"
            ) from error
        if got != tuple(self.observed.shape):
            raise InputError(
                f"operator {name} makes {_sizes(got)} of an image of {_sizes(image.shape)}, the "
                f"measurement is {_sizes(self.observed.shape)}; give the operator a method "
                "image_shape(measurement_shape) that returns the image's"
            )

    def check_direct(self, what: str, input_size: tuple[int, int]) -> None:
        """Refuse what an objective cannot do that shows the network the observation itself.

        Raises:
            InputError: an operator that is not the identity, or a network with its own input size.
        """
        if not isinstance(self.operator, Identity):
            raise InputError(
                f"{what} works on the image itself, not through "
                f"{type(self.operator).__name__}; use the DataFit objective"
            )
        self.check_image_to_image(what, input_size)

    def check_image_to_image(self, what: str, input_size: tuple[int, int]) -> None:
        """Refuse a network with its own input size for an objective that shows it an image.

        Raises:
            InputError: it has one.
        """
        if input_size != tuple(self.image_shape[-2:]):
            raise InputError(f"{what} needs a network that maps an image to an image")

    def check_all_shown(self, what: str) -> None:
        """Refuse held-out pixels for an objective that shows the network all of y to copy from.

        Raises:
            InputError: some pixels are held out.
        """
        if self.held_out is not None:
            raise InputError(
                f"{what} shows the network every pixel, so held-out ones judge nothing; "
                "use the stop rule FixedSteps"
            )

    def finish(self, estimate: Tensor) -> Tensor:
        """Return the final image that an estimate gives: bounded, known pixels put back, clipped.

        Where the residual y - x̂ is stronger than noise can be, a part of the picture is in it.
        A bounded image gives it back: x = y + w (x̂ - y), w² = min(1, 2σ² / ⟨r²⟩), with ⟨r²⟩ from
        the mean of |r| over 9x9 pixels, which single outliers hardly move. A clean picture
        comes through as it is. The bias of clipped noise is taken off then. An operator that has
        a `project` (`JpegInterval`) puts the image where it agrees with the file.
        """
        if self.bounded and self.noise is not None and isinstance(self.operator, Identity):
            estimate = self.noise.unbiased(self._bounded(estimate, self.noise))
        if self.exact_known and isinstance(self.operator, Identity):
            known = torch.ones_like(self.observed[:, :1]) if self.known is None else self.known
            estimate = torch.where(known > 0, self.observed, estimate)
        elif self.exact_known and isinstance(self.operator, LinearOperator):
            estimate = self._with_measurement(estimate, self.operator)
        project = getattr(self.operator, "project", None)
        estimate = estimate if project is None else project(estimate)
        return estimate.clamp(0, 1) if self.clip else estimate

    def _with_measurement(self, estimate: Tensor, operator: LinearOperator) -> Tensor:
        """Return x + A*(y - A x), of an operator that `projects`: hard data consistency."""
        if not operator.projects:
            return estimate
        residual = self.observed - operator(estimate)
        return estimate + operator.adjoint(
            residual if self.known is None else residual * self.known
        )

    def _bounded(self, estimate: Tensor, noise: NoiseModel) -> Tensor:
        residual = (estimate - self.observed).abs()
        allowed = 2 * noise.at(local_mean(self.observed)).square()
        if noise.channels is None:
            residual, allowed = residual.mean(1, keepdim=True), allowed.mean(1, keepdim=True)
        residual = residual if self.known is None else residual * self.known
        strength = math.pi / 2 * local_mean(residual).square()  # E|r| = √(2/π) σ
        weight = (allowed / strength.clamp_min(1e-12)).sqrt().clamp(max=1)
        if self.known is not None:
            weight = torch.where(self.known > 0, weight, 1.0)
        return torch.lerp(self.observed, estimate, weight)

    def hold_out(self, fraction: float, *, generator: Generator) -> Problem:
        """Return the problem with a random fraction of its known measurements held out.

        Of a problem with `groups`, whole groups are held out, that fraction of them.

        Raises:
            InputError: none would be left for the fit.
        """
        size = self.observed.shape[-2:]
        known = (torch.ones(1, 1, *size) if self.known is None else self.known.cpu()).flatten()
        places = known.nonzero().flatten()
        group = places if self.groups is None else self.groups.cpu().flatten()[places]
        groups = group if self.groups is None else torch.unique(group[group >= 0])
        count = max(1, round(fraction * len(groups)))
        if count >= len(groups):
            what = "known pixels" if self.groups is None else "groups of known measurements"
            raise InputError(
                f"cannot hold out {fraction:.0%} of {len(groups)} {what}; use another stop rule"
            )
        chosen = groups[torch.randperm(len(groups), generator=generator)[:count]]
        held_out = torch.zeros(known.numel())
        held_out[chosen if self.groups is None else places[torch.isin(group, chosen)]] = 1
        return replace(self, held_out=held_out.view(1, 1, *size).to(self.observed))

    def to(self, device: torch.device) -> Problem:
        """Return the problem on another device; an operator that has to move, as a copy.

        On Apple's MPS, which has no float64, the copy's numbers are float32.
        """
        operator = self.operator
        if isinstance(operator, torch.nn.Module) and _lies_elsewhere(operator, device):
            operator = copy.deepcopy(operator)  # `Module.to` works in place
            operator = (operator.float() if device.type == "mps" else operator).to(device)
        return replace(
            self,
            observed=self.observed.to(device),
            operator=operator,
            known=None if self.known is None else self.known.to(device),
            groups=None if self.groups is None else self.groups.to(device),
            held_out=None if self.held_out is None else self.held_out.to(device),
            guide=None if self.guide is None else self.guide.to(device),
        )


def _as_measurement(observed: Tensor) -> Tensor:
    """Return y as float32. Raises InputError: no tensor of one measurement of real numbers."""
    if not isinstance(observed, Tensor) or observed.ndim != 4:
        got = f"{tuple(observed.shape)}" if hasattr(observed, "shape") else type(observed).__name__
        raise InputError(f"observed is {got}; wanted a tensor (1, channels, height, width)")
    if observed.is_complex():
        raise InputError(
            f"observed is {observed.dtype}; wanted real numbers: give complex ones as pairs of "
            "channels, torch.cat([y.real, y.imag], 1), and an operator that returns such pairs"
        )
    if len(observed) != 1:
        raise InputError(
            f"observed is a batch of {len(observed)}; a problem is one measurement: "
            "give restore_many a list, of which each is fitted by itself"
        )
    if not observed.is_floating_point():
        raise InputError(f"observed is {observed.dtype}; wanted floating-point numbers")
    return observed.float()


def _check_place(name: str, values: Tensor | None, observed: Tensor) -> None:
    """Refuse a map that is not one number a place of the measurement. Raises InputError."""
    wanted = (1, 1, *observed.shape[-2:])
    if values is not None and tuple(values.shape) != wanted:
        raise InputError(f"{name} is {_sizes(values.shape)}; wanted {_sizes(wanted)}")


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _lies_elsewhere(module: torch.nn.Module, device: torch.device) -> bool:
    return any(x.device != device for x in (*module.parameters(), *module.buffers()))
