"""Total variation in space and time, and low rank in time: a series without a network.

min_x ½ ‖A x - y‖² + λ (Σ |∇x| + w Σ |∂_t x|) + μ √(H W) ‖x‖_*, with ‖x‖_* the sum of the singular
values of x as a matrix, frames by pixels. (Montesinos et al., "Application of the compressed
sensing technique to self-gated cardiac cine sequences in small animals", MRM 72, 2014; Lingala, Hu,
DiBella & Jacob, "Accelerated dynamic MRI exploiting sparsity and low-rank structure: k-t SLR", IEEE
TMI 30(5), 2011.) By the primal-dual method of Chambolle & Pock (JMIV 40, 2011).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.operators import LinearOperator

__all__ = ["SpaceTime"]

_BALANCE = 4.0  # of the step sizes: how far the image may be from the start, in units of 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SpaceTime:
    """Settings; the image is taken to be of size 1 or so.

    Attributes:
        weight: λ.
        time_weight: w, of a change from frame to frame against one from pixel to pixel.
        low_rank: μ.
        periodic: whether the first frame follows the last (a heart cycle).
        iterations: of the primal-dual method; each applies A and A* twice, or eight times where
            A A* is not the identity (several coils).
    """

    weight: float = 1e-3
    time_weight: float = 1.0
    low_rank: float = 0.0
    periodic: bool = False
    iterations: int = 60

    def __post_init__(self) -> None:
        if not self.weight > 0 or self.time_weight < 0 or self.low_rank < 0:
            raise InputError(
                f"weight is {self.weight}, time_weight {self.time_weight}, low_rank "
                f"{self.low_rank}; wanted the first above 0, the others 0 or more"
            )
        if self.iterations < 1:
            raise InputError(f"iterations is {self.iterations}; wanted 1 or more")

    def solve(
        self, operator: LinearOperator, measured: Tensor, known: Tensor | None, frames: int
    ) -> Tensor:
        """Return the series (1, T k, H, W) of a measurement (1, c, T h, w), T = `frames`.

        Args:
            operator: A.
            measured: y; where `known` is 0 it does not count.
            known: (1, 1, T h, w) of zeros and ones; None = everywhere.
            frames: T.
        """
        weight = torch.ones_like(measured[:, :1]) if known is None else known

        def gram(x: Tensor) -> Tensor:
            return operator.gram(x.reshape(1, -1, *x.shape[-2:]), weight).reshape(x.shape)

        with torch.no_grad():
            start = operator.adjoint(measured * weight)
            back = start.reshape(frames, -1, *start.shape[-2:])  # T, k, H, W
            once = gram(back)
            inner = 1 if torch.allclose(once, back, atol=1e-4 * float(back.abs().max())) else 4
            return self._descend(gram, back, inner).reshape(start.shape)

    def _descend(self, gram: Callable[[Tensor], Tensor], back: Tensor, inner: int) -> Tensor:
        """Return the minimiser, given A*y; `inner` = conjugate gradients of the data term."""
        w, lam = self.time_weight, self.weight
        mu = self.low_rank * (back.shape[-2] * back.shape[-1]) ** 0.5
        norm = (8 + 4 * w**2 + (mu > 0)) ** 0.5
        sigma, tau = _BALANCE * lam / norm, 1 / (_BALANCE * lam * norm)
        x = ahead = back
        dual = back.new_zeros(3, *back.shape)
        rank = torch.zeros_like(back)
        for _ in range(self.iterations):
            dual = self._shrunk(dual + sigma * self._gradient(ahead))
            pull = self._divergence(dual)
            if mu > 0:
                rank = _bounded_spectrum(rank + sigma * ahead, mu)
                pull = pull + rank
            before = x
            x = _near(gram, x - tau * pull, back, tau, inner)
            ahead = 2 * x - before
        return x

    def _gradient(self, x: Tensor) -> Tensor:
        """Return the differences across, down and in time, (3, T, k, H, W)."""
        late = torch.roll(x, -1, 0) - x
        if not self.periodic:
            late[-1] = 0
        across, down = torch.roll(x, -1, -1) - x, torch.roll(x, -1, -2) - x
        return torch.stack([across, down, self.time_weight * late])

    def _divergence(self, p: Tensor) -> Tensor:
        """Return the adjoint of `_gradient`."""
        late = p[2].clone()
        if not self.periodic:
            late[-1] = 0
        across, down = torch.roll(p[0], 1, -1) - p[0], torch.roll(p[1], 1, -2) - p[1]
        return across + down + self.time_weight * (torch.roll(late, 1, 0) - late)

    def _shrunk(self, p: Tensor) -> Tensor:
        """Return the dual within λ: of space over both directions and the channels, of time too."""
        space = p[:2].square().sum((0, 2), keepdim=True).sqrt()[0]
        late = p[2].square().sum(1, keepdim=True).sqrt()
        least = self.weight
        return torch.cat([
            p[:2] * (least / space.clamp_min(least)), (p[2] * (least / late.clamp_min(least)))[None]
        ])  # fmt: skip


def _near(
    gram: Callable[[Tensor], Tensor], v: Tensor, back: Tensor, tau: float, inner: int
) -> Tensor:
    """Return argmin_x ½‖x - v‖² + τ/2 ‖A x - y‖² by conjugate gradients from v."""
    x = v
    residual = tau * (back - gram(v))
    direction, size = residual, residual.square().sum()
    for step in range(inner):
        moved = direction + tau * gram(direction)
        along = size / (direction * moved).sum().clamp_min(1e-30)
        x = x + along * direction
        if step + 1 < inner:
            residual = residual - along * moved
            new = residual.square().sum()
            direction, size = residual + new / size.clamp_min(1e-30) * direction, new
    return x


def _bounded_spectrum(p: Tensor, most: float) -> Tensor:
    """Return (T, k, H, W) with its singular values, frames by pixels, cut at `most`.

    Pairs of channels count as pixels: complex coefficients in time are not used.
    """
    flat = p.reshape(len(p), -1)
    values, vectors = torch.linalg.eigh(flat.double() @ flat.double().T)
    scale = (most / values.clamp_min(1e-30).sqrt()).clamp(max=1)
    cut = ((vectors * scale) @ vectors.T).to(p.dtype)
    result: Tensor = (cut @ flat).reshape(p.shape)
    return result
