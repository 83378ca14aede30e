"""How the weights descend: the optimizer and its step size over the fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from untrained.errors import InputError

__all__ = [
    "Adam",
    "Constant",
    "Cosine",
    "Halving",
    "Muon",
    "OptimizerSettings",
    "RmsProp",
    "StepSize",
    "step_all",
]


class StepSize(Protocol):
    """Settings of a step-size schedule."""

    def factor(self, step: int, max_steps: int) -> float:
        """Return the factor on the base step size after `step` of `max_steps` steps."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """The base step size throughout."""

    def factor(self, step: int, max_steps: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosine:
    """Constant up to `hold` of the steps, then down to `final` along half a cosine.

    Attributes:
        hold: the share of the steps at the full step size.
        final: the step size at the end, as a share of the full one.
    """

    hold: float = 0.0
    final: float = 0.02

    def factor(self, step: int, max_steps: int) -> float:
        """Return final + (1 - final)(1 + cos πt)/2, t from 0 to 1 after the hold."""
        t = min(1.0, max(0.0, (step / max_steps - self.hold) / max(1e-9, 1 - self.hold)))
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * t)) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Halving:
    """Half the step size after every `every` steps, counted from step `after` on."""

    every: int = 1000
    after: int = 0

    def factor(self, step: int, max_steps: int) -> float:
        """Return 2^-(number of full periods)."""
        return 0.5 ** (max(0, step - self.after) // self.every)


class OptimizerSettings(Protocol):
    """Settings of an optimizer."""

    @property
    def step_size(self) -> StepSize:
        """The schedule of the step size."""
        ...

    def build(self, parameters: Iterable[nn.Parameter], *, seed: int = 0) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters; `seed` of its random numbers, if it has."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (Kingma & Ba, arXiv 1412.6980), its update fused into one kernel.

    Attributes:
        lr: step size.
        beta1, beta2: decay of the running means of the gradient and of its square.
        weight_decay: λ of λ ‖θ‖²/2.
        step_size: how lr changes over the fit.
    """

    lr: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    step_size: StepSize = Constant()

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise InputError(f"lr is {self.lr}; wanted a number above 0")

    def build(self, parameters: Iterable[nn.Parameter], *, seed: int = 0) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters; it draws no random numbers."""
        return torch.optim.Adam(
            parameters,
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
            fused=True,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RmsProp:
    """RMSprop with momentum: the gradient over the root of its running mean square (Hinton 2012).

    Attributes:
        lr: step size.
        alpha: decay of the running mean square.
        momentum: of the steps.
        step_size: how lr changes over the fit.
    """

    lr: float = 0.001
    alpha: float = 0.99
    momentum: float = 0.9
    step_size: StepSize = Constant()

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise InputError(f"lr is {self.lr}; wanted a number above 0")
        for name in ("alpha", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                value = getattr(self, name)
                raise InputError(f"{name} is {value}; wanted 0 up to but not including 1")

    def build(self, parameters: Iterable[nn.Parameter], *, seed: int = 0) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters; it draws no random numbers."""
        return torch.optim.RMSprop(
            parameters, lr=self.lr, alpha=self.alpha, momentum=self.momentum, foreach=True
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Muon:
    """Momentum orthogonalised: every kernel moves by a matrix with all singular values near one.

    W ← W - lr · max(1, rows/columns)^½ · U Vᵀ, with U S Vᵀ the momentum of the kernel taken as a
    (C', C·K·K) matrix; biases and norms are left to Adam. The rare directions of the gradient,
    which a fit to one image needs most, move as fast as the common ones. (Jordan et al., "Muon: an
    optimizer for hidden layers in neural networks", 2024.)

    Attributes:
        lr: step size of the kernels.
        momentum: decay of the gradient's running mean (Nesterov).
        vector_lr: Adam's step size for biases and norms.
    """

    lr: float = 0.015
    momentum: float = 0.9
    vector_lr: float = 0.01
    step_size: StepSize = Constant()

    def __post_init__(self) -> None:
        for name in ("lr", "vector_lr"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted a number above 0")
        if not 0 <= self.momentum < 1:
            raise InputError(f"momentum is {self.momentum}; wanted 0 up to but not including 1")

    def build(self, parameters: Iterable[nn.Parameter], *, seed: int = 0) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters; it draws no random numbers."""
        return _Muon(parameters, self)


def step_all(optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Take the steps that are faster together, and their gradients off; the rest is as it was."""
    together = [optimizer for optimizer in optimizers if isinstance(optimizer, _Muon)]
    _Muon.step_all(together)
    for optimizer in together:
        optimizer.zero_grad(set_to_none=True)


class _Muon(torch.optim.Optimizer):
    """Two groups: kernels, by orthogonalised momentum, and vectors, by Adam."""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: Muon) -> None:
        everything = list(parameters)
        groups = [
            {"params": [p for p in everything if p.ndim > 1], "lr": settings.lr},
            {"params": [p for p in everything if p.ndim <= 1], "lr": settings.vector_lr},
        ]
        super().__init__(groups, {"momentum": settings.momentum, "betas": (0.9, 0.999)})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step."""
        self.step_all([self])

    @staticmethod
    @torch.no_grad()
    def step_all(optimizers: Sequence[_Muon]) -> None:
        """Take one step of each, the kernels of all orthogonalised together."""
        ahead = [optimizer._look_ahead(optimizer.param_groups[0]) for optimizer in optimizers]
        updates = iter(_orthogonalised([a.reshape(len(a), -1) for each in ahead for a in each[1]]))
        for optimizer, (parameters, _) in zip(optimizers, ahead, strict=True):
            kernels, vectors = optimizer.param_groups
            for p in parameters:
                update = next(updates)
                rows, columns = update.shape
                p.add_(update.view(p.shape), alpha=-kernels["lr"] * max(1.0, rows / columns) ** 0.5)
            optimizer._step_vectors(vectors)

    def _look_ahead(self, group: dict[str, Any]) -> tuple[list[Tensor], Sequence[Tensor]]:
        """Return the kernels that have a gradient, and the momentum of each one step ahead."""
        parameters, grads = _with_gradients(group)
        if not parameters:
            return [], []
        for p in parameters:
            if not self.state[p]:
                self.state[p]["mean"] = torch.zeros_like(p)
        means = [self.state[p]["mean"] for p in parameters]
        torch._foreach_lerp_(means, grads, 1 - group["momentum"])
        return parameters, torch._foreach_lerp(grads, means, group["momentum"])

    def _step_vectors(self, group: dict[str, Any]) -> None:
        parameters, _ = _with_gradients(group)
        for p in parameters:
            if not self.state[p]:
                zeros = {"mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
                self.state[p] |= {"step": 0, **zeros}
            self.state[p]["step"] += 1
        by_step: dict[int, list[int]] = {}
        for i, p in enumerate(parameters):
            by_step.setdefault(self.state[p]["step"], []).append(i)
        for step, places in by_step.items():
            self._step_alike(group, step, [parameters[i] for i in places])

    def _step_alike(self, group: dict[str, Any], step: int, vectors: list[Tensor]) -> None:
        """Take Adam's step of vectors of the same age, laid end to end."""
        means, squares = (
            [self.state[p][name].view(-1) for p in vectors] for name in ("mean", "square")
        )
        grads = [p.grad.reshape(-1) for p in vectors if p.grad is not None]
        grad, mean, square = torch.cat(grads), torch.cat(means), torch.cat(squares)
        beta1, beta2 = group["betas"]
        mean.lerp_(grad, 1 - beta1)
        square.lerp_(grad * grad, 1 - beta2)
        root = (square / (1 - beta2**step)).sqrt_().add_(1e-8)
        update = (mean / (1 - beta1**step)).mul_(group["lr"]).div_(root)
        sizes = [p.numel() for p in vectors]
        torch._foreach_copy_(means, torch.split(mean, sizes))
        torch._foreach_copy_(squares, torch.split(square, sizes))
        torch._foreach_sub_([p.view(-1) for p in vectors], torch.split(update, sizes))


def _with_gradients(group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the parameters of a group that have a gradient, and the gradients."""
    parameters = [p for p in group["params"] if p.grad is not None]
    return parameters, [p.grad for p in parameters]


def _orthogonalised(matrices: list[Tensor]) -> list[Tensor]:
    """Return nearly U Vᵀ of each matrix's U S Vᵀ, singular values in about [0.7, 1.2].

    Five quintic Newton-Schulz iterations X ← aX + b(XXᵀ)X + c(XXᵀ)²X. They only ever multiply X
    from the left by polynomials of XXᵀ, so they run on that small square matrix alone, and on all
    those of a size at once.
    """
    by_shape: dict[tuple[int, int], list[int]] = {}
    for i, matrix in enumerate(matrices):
        by_shape.setdefault((len(matrix), matrix.shape[1]), []).append(i)
    wide: dict[int, list[tuple[list[int], Tensor]]] = {}  # by the rows of the square matrix
    for (rows, columns), places in by_shape.items():
        x = torch.stack([matrices[i] for i in places])
        x = x if rows <= columns else x.mT
        x = x / (torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True) + 1e-12)
        wide.setdefault(x.shape[1], []).append((places, x))
    updates = list(matrices)
    for stacks in wide.values():
        totals = _polynomials(torch.cat([x @ x.mT for _, x in stacks]))
        parts = torch.split(totals, [len(x) for _, x in stacks])
        for (places, x), total in zip(stacks, parts, strict=True):
            update = total @ x
            for i, one in zip(places, update, strict=True):
                updates[i] = one if one.shape == matrices[i].shape else one.T
    return updates


def _polynomials(gram: Tensor) -> Tensor:
    """Return P (n, r, r) of XXᵀ (n, r, r): P X is X after the iterations."""
    a, b, c = 3.4445, -4.7750, 2.0315
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    total = identity
    for _ in range(5):
        factor = a * identity + b * gram + c * (gram @ gram)
        total = factor @ total
        gram = factor @ gram @ factor
    return total
