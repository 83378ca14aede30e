"""Message passing: an untrained network denoises what random measurements say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.noise import NoisePool, white
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.problem import Problem
from untrained.objectives.turns import turned, turned_back
from untrained.operators import LinearOperator

__all__ = ["GuidedFilter", "MessagePassing", "MessagePassingObjective", "is_incoherent"]

_PROBES = 4  # of the size of A
_STEP = 0.1  # of σ: how far the denoiser's divergence is probed
_MOST = 0.9  # of α: r as it is would be no news
_ALIKE = 0.25  # correlation: of neighbours of an error that looks like noise, less
_LEAST = 1e-5  # σ: below it there is nothing to learn


class GuidedFilter(Protocol):
    """A denoiser that goes by a guide."""

    def refine(self, problem: Problem, estimate: Tensor) -> Tensor:
        """Return `problem.observed` denoised, with the estimate as the guide."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePassing:
    """Orthogonal approximate message passing, the denoiser an untrained network.

    r = u + κ Aᵀ (y - A u),  σ² = τ v,  x = D(r),  u ← (x - α r) / (1 - α),  α = div D(r) / n

    κ = n / ‖A‖²_F, v = ‖y - A u‖² / ‖A‖²_F is the error's power in u, τ = E‖(I - κ AᵀA) n‖² / n
    what r makes of it (κ - 1 where the rows of A are orthonormal). Under a random A, r is the image
    and white Gaussian noise of the standard deviation σ, whatever the image is: the term with α
    takes off what x has of r's noise, which the measurements have already been asked about (Ma &
    Ping, "Orthogonal AMP", IEEE Access 5, 2017; Xue, Ma & Yuan, "D-OAMP", 2016; after Metzler,
    Maleki & Baraniuk, "From denoising to compressed sensing", IEEE Trans. Inf. Theory 62, 2016).

    So any denoiser serves, and it can learn from r alone: at each step the network is shown r + βσn
    and compared with r - σn/β (Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021; a denoiser
    trained within AMP without clean images: Metzler et al., "Unsupervised learning with Stein's
    unbiased risk estimator", arXiv 1805.10531). D is the network's image of r, or r filtered with
    it as the guide; its divergence is probed, nᵀ(D(r + εn) - D(r)) / ε, with the weights held.
    u starts as the constant image nearest to y. The noise of y is a part of σ.

    Attributes:
        filter: what denoises r by the network's image of it; None = that image is D(r).
        first: steps of the network before the first message.
        every: steps between two messages.
        recorrupt: β.
        flips: show the picture in its eight flips and turns, one a step.
    """

    filter: GuidedFilter | None = None
    first: int = 30
    every: int = 6
    recorrupt: float = 0.5
    flips: bool = True

    def __post_init__(self) -> None:
        for name in ("first", "every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 1 or more")
        if not self.recorrupt > 0:
            raise InputError(f"recorrupt is {self.recorrupt}; wanted more than 0")

    @property
    def in_one_piece(self) -> bool:
        """Every measurement is of the whole image."""
        return True

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> MessagePassingObjective:
        """Return the objective.

        Raises:
            InputError: an operator without an adjoint, or under which errors are not like noise
                (`is_incoherent`); a network with its own input size.
        """
        if not isinstance(problem.operator, LinearOperator):
            raise InputError(
                f"message passing needs the adjoint of a LinearOperator, not of "
                f"{type(problem.operator).__name__}; use the DataFit objective"
            )
        problem.check_image_to_image("message passing", input_size)
        if not is_incoherent(problem.operator, problem):
            raise InputError(
                f"message passing needs random measurements of the whole image, under which errors "
                f"look like white noise; those of {type(problem.operator).__name__} are not: use "
                "the recipe dip"
            )
        return MessagePassingObjective(problem, self, problem.operator, seed=seed, members=members)


class MessagePassingObjective(Objective):
    """The state of a `MessagePassing` on one problem."""

    draws_code = False
    x: Tensor
    measured: Tensor
    r: Tensor
    sigma: Tensor

    def __init__(
        self, problem: Problem, settings: MessagePassing, operator: LinearOperator, *,
        seed: int, members: int = 1,
    ) -> None:  # fmt: skip
        y = problem.observed
        self.problem, self.settings, self.operator = problem, settings, operator
        self.members = members
        self.generator = Generator(y.device).manual_seed(seed + 1)
        weight = torch.ones_like(y) if problem.fitted is None else problem.fitted.expand_as(y)
        self.weight, self.y = weight, torch.where(weight > 0, y, 0.0)
        self.pool = NoisePool((members, *problem.image_shape[1:]), generator=self.generator)
        with torch.no_grad():
            self.kappa, self.tau = _sizes(operator, problem, weight, self.generator)
            one = y.new_ones(problem.image_shape)
            flat = operator(one) * weight
            level = (flat * self.y).sum() / flat.square().sum().clamp_min(1e-12)
            self.x = level * one
            self.measured = operator(self.x)
            self.r, self.sigma = self._message(self.x)
        self.step = 0
        self.turn = 0

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the image of the last message, and the network's loss on that message."""
        s = self.settings
        if self.step >= s.first and (self.step - s.first) % s.every == 0:
            self._pass_on(network)
        self.step += 1
        noise = self.sigma * self.pool.draw()
        drawn = network(turned(self.r + s.recorrupt * noise, self.turn))
        drawn = turned_back(drawn, self.turn)
        self.turn = (self.turn + 1) % 8 if s.flips else 0
        loss = (drawn - self.r + noise / s.recorrupt).square().mean()
        return Iterate(estimate=self.x, measured=self.measured, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the image of the last message; the network's own before the first."""
        if self.step > self.settings.first:
            return self.x
        with torch.no_grad():
            return self._drawn(network, self.r).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(self._drawn(network, self.r))

    def _pass_on(self, network: RunNetwork) -> None:
        """Denoise the message, and form the next one."""
        with torch.no_grad():
            x = self._denoised(network, self.r)
            probe = torch.empty_like(x).normal_(generator=self.generator)
            step = _STEP * self.sigma
            moved = self._denoised(network, self.r + step * probe)
            alpha = ((probe * (moved - x)).sum() / step / x.numel()).clamp(0, _MOST)
            self.x, self.measured = x, self.operator(x)
            self.r, self.sigma = self._message((x - alpha * self.r) / (1 - alpha))

    def _message(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return r and σ."""
        missed = (self.y - self.operator(u)) * self.weight
        r = u + self.kappa * self.operator.adjoint(missed)
        power = self.kappa * missed.square().sum() / u.numel()
        return r, (self.tau * power).sqrt().clamp_min(_LEAST)

    def _denoised(self, network: RunNetwork, r: Tensor) -> Tensor:
        drawn = self._drawn(network, r).mean(0, keepdim=True)
        if self.settings.filter is None:
            return drawn
        problem = Problem(observed=r, noise=white(float(self.sigma)))
        return self.settings.filter.refine(problem, drawn)

    def _drawn(self, network: RunNetwork, r: Tensor) -> Tensor:
        return network(r.expand(self.members, -1, -1, -1))

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers and the message."""
        return {
            **super().state_dict(),
            "pool": self.pool.state_dict(),
            "step": self.step,
            "turn": self.turn,
            **{name: getattr(self, name).clone() for name in _MESSAGE},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.pool.load_state_dict(state["pool"])
        self.step, self.turn = state["step"], state["turn"]
        for name in _MESSAGE:
            setattr(self, name, state[name].clone())


def is_incoherent(operator: LinearOperator, problem: Problem) -> bool:
    """Whether a smooth error e comes out of (I - κ AᵀA) e as white noise, alike at every place.

    So it does of random matrices, and not of random frequencies, pixels or lines; by one probe.
    """
    generator = Generator(problem.observed.device).manual_seed(0)
    weight = torch.ones_like(problem.observed)
    with torch.no_grad():
        kappa, _ = _sizes(operator, problem, weight, generator)
        probe = weight.new_empty(problem.image_shape).normal_(generator=generator)
        smooth = _smooth(_smooth(probe))
        smooth = smooth - smooth.mean((-2, -1), keepdim=True)
        error = smooth - kappa * operator.adjoint(operator(smooth))
    strength, where = error.square(), smooth.square()
    alike = [
        _correlation(error[..., 1:, :], error[..., :-1, :]),
        _correlation(error[..., 1:], error[..., :-1]),
        _correlation(strength, where),
    ]
    return bool(torch.stack(alike).abs().max() < _ALIKE)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b = a - a.mean(), b - b.mean()
    return (a * b).mean() / (a.square().mean() * b.square().mean()).sqrt().clamp_min(1e-12)


def _smooth(image: Tensor) -> Tensor:
    return F.avg_pool2d(image, 5, stride=1, padding=2, count_include_pad=False)


def _sizes(
    operator: LinearOperator, problem: Problem, weight: Tensor, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return κ and τ over the weighted measurements, by probes of A."""
    shape = (_PROBES, 1, *problem.image_shape[1:])
    probes = weight.new_empty(shape).normal_(generator=generator)
    measured = [operator(probe) * weight for probe in probes]
    size = torch.stack([x.square().sum() for x in measured]).sum().clamp_min(1e-12)
    kappa = probes.square().sum() / size
    left = [p - kappa * operator.adjoint(x) for p, x in zip(probes, measured, strict=True)]
    return kappa, torch.stack(left).square().mean()


_MESSAGE = ("x", "measured", "r", "sigma")
