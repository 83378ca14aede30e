"""Predict a hidden part of the measurements from the others, through any linear operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.consistency import consistent, solved
from untrained.objectives.problem import Problem
from untrained.operators import LinearOperator

__all__ = ["SplitMeasurement", "SplitMeasurementObjective"]

_FIRST_GAIN = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitMeasurement:
    """Show a part Θ of the samples of y, compare the others Λ: ‖Λ(A x̂ - y)‖ / ‖Λy‖, in l1 and l2.

    The image is made of what is shown by an unrolled descent whose regulariser is the network:

        x₀ = (A*ΘA + λI)⁻¹ A*Θy;  u_k = x_{k-1} + γ_k f_θ(x_{k-1}),
        x_k = (A*ΘA + λI)⁻¹ (A*Θy + λ u_k),

    with λ and γ fitted as the weights are. At each step Θ and Λ are drawn anew of the samples that
    the fit may see, so what the network learns of one scan is how to tell what was not measured
    from what was: the k-space twin of `MaskedPrediction`. (Yaman et al., "Zero-Shot Self-Supervised
    Learning for MRI Reconstruction", ICLR 2022, arXiv 2102.07737; the unrolled descent and its
    gradient by conjugate gradients: Aggarwal et al., MoDL, IEEE TMI 38, 2019.) A must be a
    `LinearOperator`; λ is relative to the largest eigenvalue of A*A. The network maps an image to
    an image, which the scale of y should bring to about 1 (`Given.scale`).

    The image that a stop rule judges is made of all samples but those held out; the one that is
    kept, of these too. Averages are over such images.

    Attributes:
        compared: the share of the samples in Λ.
        groups_share: at so many of the steps Λ is of whole `Problem.groups`, as what was not
            measured is; 0 = always of single samples.
        unrolls: how often the network is applied.
        solver_steps: of conjugate gradients, each time.
        weight: λ at the start.
        final_weight: λ of the last solution, with all samples and the kept image for u; 0 = none.
        every: steps between two images of all samples.
    """

    compared: float = 0.4
    groups_share: float = 0.0
    unrolls: int = 3
    solver_steps: int = 4
    weight: float = 0.05
    final_weight: float = 0.05
    every: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.compared < 1:
            raise InputError(f"compared is {self.compared}; wanted a number between 0 and 1")
        if not 0 <= self.groups_share <= 1:
            raise InputError(f"groups_share is {self.groups_share}; wanted 0 to 1")
        for name in ("unrolls", "solver_steps", "every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 1 or more")
        if not self.weight > 0 or self.final_weight < 0:
            raise InputError(
                f"weight is {self.weight} and final_weight {self.final_weight}; "
                "wanted more than 0, and 0 or more"
            )

    @property
    def in_one_piece(self) -> bool:
        """Every measurement is of the whole image."""
        return True

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> SplitMeasurementObjective:
        """Return the objective.

        Raises:
            InputError: no linear operator, a network with its own input size, too few samples.
        """
        if not isinstance(problem.operator, LinearOperator):
            name = getattr(problem.operator, "__name__", type(problem.operator).__name__)
            raise InputError(f"a split of the measurements needs a LinearOperator; {name} is none")
        problem.check_image_to_image("a split of the measurements", input_size)
        return SplitMeasurementObjective(problem, self, seed=seed, members=members)


class SplitMeasurementObjective(Objective):
    """The state of a `SplitMeasurement` on one problem.

    Attributes:
        gains: γ, (members · unrolls,).
        log_weights: log λ, (members,).
    """

    def __init__(
        self, problem: Problem, settings: SplitMeasurement, *, seed: int, members: int = 1
    ) -> None:
        assert isinstance(problem.operator, LinearOperator)
        y = problem.observed
        self.problem, self.settings, self.members = problem, settings, members
        self.operator = problem.operator
        self.generator = Generator(y.device).manual_seed(seed + 1)
        self.known = torch.ones_like(y[:, :1]) if problem.known is None else problem.known
        self.fitted = self.known if problem.fitted is None else problem.fitted
        if int(self.fitted.sum()) < 2:
            raise InputError(
                "fewer than two measurements to split; wanted some to show and compare"
            )
        self.groups = _numbered(problem, self.fitted)
        self.largest = _largest_eigenvalue(self.operator, problem.image_shape, self.known, seed)
        self.gains = nn.Parameter(y.new_full((members * settings.unrolls,), _FIRST_GAIN))
        self.log_weights = nn.Parameter(y.new_full((members,), settings.weight).log())
        self.step = 0
        self.judged: Tensor | None = None  # the last image of all samples that are fitted
        self.measured: Tensor | None = None  # A of it
        self.gained: Tensor | None = None  # what those held out add to it

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the loss of a new split, and the last image of all samples."""
        shown, compared = self._split()
        loss = self._distance(self.operator(self._reconstructed(network, shown)), compared)
        if self.judged is None or self.step % self.settings.every == 0:
            self._look(network)
        self.step += 1
        assert self.judged is not None
        assert self.measured is not None
        return Iterate(estimate=self.judged, measured=self.measured, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the image of all samples that are fitted."""
        with torch.no_grad():
            return self._reconstructed(network, self.fitted).mean(0, keepdim=True)

    def finish(self, estimate: Tensor) -> Tensor:
        """Return the image with what the held-out samples add, agreeing with all samples."""
        image = estimate if self.gained is None else estimate + self.gained
        lam = self.settings.final_weight * self.largest
        if lam > 0:
            with torch.no_grad():
                back = self.operator.adjoint(self.known * self.problem.observed) + lam * image
                weight = image.new_full((1, 1, 1, 1), lam)
                image = solved(
                    self.operator, self.known, weight, back, image, self.settings.solver_steps
                )
        return self.problem.finish(image)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members, of all samples that are fitted."""
        return spread_over_members(self._reconstructed(network, self.fitted), self.problem)

    def parameters(self) -> list[nn.Parameter]:
        """Return γ and log λ."""
        return [self.gains, self.log_weights]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers, γ, λ and the last image."""
        return {
            **super().state_dict(),
            "gains": self.gains.detach().clone(),
            "log_weights": self.log_weights.detach().clone(),
            "step": self.step,
            "judged": self.judged,  # never changed in place, nor the next two
            "measured": self.measured,
            "gained": self.gained,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        with torch.no_grad():
            self.gains.copy_(state["gains"])
            self.log_weights.copy_(state["log_weights"])
        for name in ("step", "judged", "measured", "gained"):
            setattr(self, name, state[name])

    def _split(self) -> tuple[Tensor, Tensor]:
        """Draw the samples that are shown and those that are compared, (members, 1, h, w)."""
        share, device = self.settings.compared, self.fitted.device
        whole = float(torch.rand((), generator=self.generator, device=device))
        size = (self.members, 1, *self.fitted.shape[-2:])
        count = int(self.groups.max()) + 1
        if count > 1 and whole < self.settings.groups_share:
            drawn = torch.rand((self.members, count), generator=self.generator, device=device)
            drawn = torch.cat([drawn, torch.ones_like(drawn[:, :1])], 1)  # of -1: always shown
            drawn = drawn[:, self.groups.flatten()].view(size)
        else:
            drawn = torch.rand(size, generator=self.generator, device=device)
        compared = (drawn < share) * self.fitted
        return self.fitted - compared, compared

    def _distance(self, measured: Tensor, compared: Tensor) -> Tensor:
        """Return the mean over the members of ‖Λr‖₂ / ‖Λy‖₂ + ‖Λr‖₁ / ‖Λy‖₁."""
        observed = (compared * self.problem.observed).flatten(1)
        residual = (compared * measured).flatten(1) - observed
        norm = torch.linalg.vector_norm
        far = norm(residual, dim=1) / norm(observed, dim=1).clamp_min(1e-12)
        wide = residual.abs().sum(1) / observed.abs().sum(1).clamp_min(1e-12)
        loss: Tensor = (far + wide).mean()
        return loss

    def _look(self, network: RunNetwork) -> None:
        """Make the image of all samples that are fitted, and see what the others add."""
        self.judged = self.estimate(network)
        with torch.no_grad():
            self.measured = self.operator(self.judged)
            if self.problem.held_out is not None:
                whole = self._reconstructed(network, self.known).mean(0, keepdim=True)
                self.gained = whole - self.judged

    def _reconstructed(self, network: RunNetwork, shown: Tensor) -> Tensor:
        """Return the image (members, C, H, W) of what is shown, (1 or members, 1, h, w)."""
        steps = self.settings.solver_steps
        shown = shown.expand(self.members, -1, -1, -1)
        weight = (self.largest * self.log_weights.exp()).view(-1, 1, 1, 1)
        back = self.operator.adjoint(shown * self.problem.observed)
        zero = torch.zeros_like(back)
        image = solved(self.operator, shown, weight.detach(), back, zero, steps)
        for gain in self.gains.view(self.members, -1).unbind(1):
            prior = image + gain.view(-1, 1, 1, 1) * network(image)
            image = consistent(
                prior, back, weight, operator=self.operator, shown=shown, steps=steps
            )
        return image


def _numbered(problem: Problem, fitted: Tensor) -> Tensor:
    """Return the groups of the samples that are fitted as 0, 1, 2 …; -1 = always shown."""
    if problem.groups is None:
        return torch.arange(fitted.numel(), device=fitted.device).view(fitted.shape)
    places = (fitted > 0) & (problem.groups >= 0)
    numbers = torch.unique(problem.groups[places], return_inverse=True)[1]
    result = torch.full_like(problem.groups, -1)
    result[places] = numbers
    return result


def _largest_eigenvalue(
    operator: LinearOperator, shape: tuple[int, ...], known: Tensor, seed: int
) -> float:
    """Return the largest eigenvalue of A*A on the known samples, by twelve power iterations."""
    generator = Generator().manual_seed(seed)
    image = torch.randn(shape, generator=generator).to(known)
    value = 1.0
    with torch.no_grad():
        for _ in range(12):
            image = operator.gram(image / image.norm(), known)
            value = float(image.norm())
            if not value > 0:
                raise InputError("A*A is zero on what was measured; check the operator and mask")
    return value
