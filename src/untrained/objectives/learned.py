"""Compressed sensing by a Deep Image Prior with what its weights were in earlier fits."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks import CodeSettings, Members, Noise
from untrained.objectives.base import Iterate, RunNetwork
from untrained.objectives.data_fit import DataFit, DataFitObjective
from untrained.objectives.problem import Problem

__all__ = ["LearnedRegularisation", "LearnedRegularisationObjective", "WeightPrior", "mean_weights"]

_PROBES = 16  # of the size of A


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightPrior:
    """Where the mean weights w̄ of a network's parameters lay in earlier fits.

    Attributes:
        mean: μ, a number for each parameter tensor in the network's order.
        covariance: Σ, its rows one after the other.
    """

    mean: tuple[float, ...]
    covariance: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.covariance) != len(self.mean) ** 2:
            raise InputError(
                f"covariance has {len(self.covariance)} numbers for a mean of {len(self.mean)}; "
                f"wanted {len(self.mean) ** 2}"
            )

    @classmethod
    def of(cls, samples: Tensor) -> WeightPrior:
        """Return μ and Σ of the mean weights of K earlier fits, (K, p).

        K is small where p is not: Σ = (1 - ρ) S + ρ diag(S), with S the covariance of the samples
        and ρ = p / (p + K), has an inverse.

        Raises:
            InputError: fewer than two samples.
        """
        if len(samples) < 2:
            raise InputError(
                f"{len(samples)} earlier fits; wanted two or more, whose weights can be compared"
            )
        samples = samples.double()
        covariance = torch.cov(samples.T).reshape(samples.shape[1], -1)
        variances = covariance.diagonal()
        variances = variances.clamp_min(1e-6 * float(variances.max()) + 1e-12)
        shrink = samples.shape[1] / (samples.shape[1] + len(samples))
        covariance = (1 - shrink) * covariance + shrink * torch.diag(variances)
        return cls(
            mean=tuple(samples.mean(0).tolist()), covariance=tuple(covariance.flatten().tolist())
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedRegularisation(DataFit):
    """‖A x̂ - y‖² + λ_TV Σ|∂x̂| + λ_LR (w̄ - μ)ᵀ Σ⁻¹ (w̄ - μ), x̂ = f_θ(z); w̄ the mean weights.

    Van Veen et al., "Compressed sensing with deep image prior and learned regularization", arXiv
    1806.06438, equation 5. The weights λ are those of its code, for images in [-1, 1] and a matrix
    with entries of N(0, 1). Ours are in [0, 1], and A is of any size g = E‖A x‖² / ‖x‖², of which
    probes tell; the loss is that of the paper times g / 4m²: mean (A x̂ - y)² + g (2 λ_TV Σ|∂x̂|
    + λ_LR (w̄ - μ)ᵀ Σ⁻¹ (w̄ - μ)) / 4m².

    Attributes:
        variation: λ_TV.
        learned: λ_LR.
        prior: μ and Σ; needed where λ_LR is not 0.
    """

    z: CodeSettings = field(
        default_factory=lambda: Noise(channels=64, scale=1.0, distribution="normal")
    )
    variation: float = 0.05
    learned: float = 0.0
    prior: WeightPrior | None = None

    def __post_init__(self) -> None:
        super(LearnedRegularisation, self).__post_init__()
        for name in ("variation", "learned"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 0 or more")

    @property
    def in_one_piece(self) -> bool:
        """Every measurement is of the whole image."""
        return True

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> LearnedRegularisationObjective:
        """Return the objective. Raises InputError: λ_LR without a prior."""
        if self.learned and self.prior is None:
            raise InputError(
                "learned regularisation needs earlier fits of yours; give two or more (prior=), "
                "folders that Result.save has written, or set learned=0"
            )
        return LearnedRegularisationObjective(problem, self, input_size, seed=seed, members=members)


class LearnedRegularisationObjective(DataFitObjective):
    """The state of a `LearnedRegularisation` on one problem."""

    settings: LearnedRegularisation

    def __init__(
        self, problem: Problem, settings: LearnedRegularisation, input_size: tuple[int, int], *,
        seed: int, members: int = 1,
    ) -> None:  # fmt: skip
        super().__init__(problem, settings, input_size, seed=seed, members=members)
        y = problem.observed
        count = y.numel() if self.weight is None else float(self.weight.expand_as(y).sum())
        self.unit = self._size(seed) / (4 * count**2)
        self.network: nn.Module | None = None
        if settings.prior is not None:
            size = len(settings.prior.mean)
            covariance = torch.tensor(settings.prior.covariance, dtype=torch.float64)
            self.mean = torch.tensor(settings.prior.mean, device=y.device)
            self.precision = torch.linalg.inv(covariance.view(size, size)).to(y)

    def _size(self, seed: int) -> float:
        """Return g = E‖A n‖² / E‖n‖², by probes."""
        generator, sizes = Generator().manual_seed(seed + 2), []
        for _ in range(_PROBES):
            probe = torch.randn(self.problem.image_shape, generator=generator)
            with torch.no_grad():
                measured = self.problem.operator(probe.to(self.problem.observed))
            seen = measured if self.weight is None else measured * self.weight
            sizes.append(float(seen.square().sum() / probe.square().sum()))
        return sum(sizes) / _PROBES

    def watch(self, network: nn.Module) -> None:
        """Keep the network. Raises InputError: the prior is of another one."""
        prior, wanted = self.settings.prior, mean_weights(network).shape[1]
        if prior is not None and len(prior.mean) != wanted:
            raise InputError(
                f"the prior is of a network of {len(prior.mean)} parameters' means, this one has "
                f"{wanted}; give fits by the same network"
            )
        self.network = network

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the iterate, its loss with both regularisers."""
        s, iterate = self.settings, super().__call__(network)
        assert self.network is not None
        image, loss = iterate.estimate, iterate.loss
        down, across = image.diff(dim=-2).abs().sum(), image.diff(dim=-1).abs().sum()
        loss = loss + self.unit * 2 * s.variation * (down + across)
        if s.learned:
            apart = mean_weights(self.network) - self.mean
            distance = torch.einsum("mi,ij,mj->m", apart, self.precision, apart).mean()
            loss = loss + self.unit * s.learned * distance
        return Iterate(estimate=image, measured=iterate.measured, loss=loss)


def mean_weights(network: nn.Module) -> Tensor:
    """Return the mean of each parameter tensor of a network, (members, p)."""
    networks = network.networks if isinstance(network, Members) else [network]
    return torch.stack([
        torch.stack([p.mean() for p in single.parameters()]) for single in networks
    ])  # fmt: skip
