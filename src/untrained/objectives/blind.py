"""Blind deblurring: the picture by one network, the kernel by another, fitted together.

Ren, Zhang, Wang, Hu & Zuo, "Neural blind deconvolution using deep priors" (SelfDeblur), CVPR 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.objectives.base import Iterate, RunNetwork
from untrained.objectives.deconvolution import Deconvolution, DeconvolutionObjective
from untrained.objectives.problem import Problem
from untrained.operators import Blur
from untrained.operators.blur import convolve

__all__ = ["BlindDeconvolution", "BlindDeconvolutionObjective"]

_CODE = 200  # numbers that the kernel's network is fed
_HIDDEN = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class BlindDeconvolution(Deconvolution):
    """E(g_φ * f_θ(z + jitter); y) + R: the kernel g_φ is the softmax of a small network's output.

    The softmax makes it what a blur is, not negative and of sum 1; the network, fully connected
    with one hidden layer, finds it sooner than its pixels would be found. The operator of the
    problem is a `Blur` of the size that the kernel may have; its values are not used. All channels
    are blurred alike.

    A kernel moved one way and a picture moved the other give the same y. The frame is cut out of
    the picture so that the kernel's centre of mass lies in its middle.

    Attributes:
        kernel_rate: step size of the kernel's network as a share of the optimizer's.
        similarity_after: from this step on, E is 1 - SSIM; None = never.
    """

    kernel_rate: float = 0.01
    similarity_after: int | None = None

    def __post_init__(self) -> None:
        Deconvolution.__post_init__(self)
        if not self.kernel_rate > 0:
            raise InputError(f"kernel_rate is {self.kernel_rate}; wanted a number above 0")

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> BlindDeconvolutionObjective:
        """Return the objective with a kernel's network of its own.

        Raises:
            InputError: as `Deconvolution`; also several members, each of which would find another
                kernel.
        """
        if members != 1:
            raise InputError("a blind deconvolution has one kernel and one member; set members=1")
        objective = Deconvolution.build(self, problem, input_size, seed=seed)
        assert isinstance(objective, BlindDeconvolutionObjective)
        return objective

    def _objective(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int
    ) -> BlindDeconvolutionObjective:
        return BlindDeconvolutionObjective(problem, self, input_size, seed=seed)


class BlindDeconvolutionObjective(DeconvolutionObjective):
    """The state of a `BlindDeconvolution` on one problem."""

    settings: BlindDeconvolution

    def __init__(
        self, problem: Problem, settings: BlindDeconvolution, input_size: tuple[int, int], *,
        seed: int,
    ) -> None:  # fmt: skip
        assert isinstance(problem.operator, Blur)
        # The operator follows the fit, for all who ask what the image is measured as.
        own = Blur(problem.operator.kernel.clone(), boundary=problem.operator.boundary)
        super().__init__(replace(problem, operator=own), settings, input_size, seed=seed)
        self.kernel_network = _KernelNetwork(
            (own.kernel.shape[0], own.kernel.shape[1]), rate=settings.kernel_rate,
            generator=Generator().manual_seed(seed + 3),
        ).to(problem.observed.device)  # fmt: skip
        self.step = 0
        self._follow(self.kernel_network())

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the iterate at a freshly jittered z."""
        s = self.settings
        kernel = self.kernel_network()
        self._follow(kernel)
        whole = network(self.jittered())
        measured = convolve(whole, kernel)
        observed = self.problem.observed
        if s.similarity_after is not None and self.step >= s.similarity_after:
            seen = measured
            if self.weight is not None:
                seen = torch.where(self.weight > 0, measured, observed)
            loss = 1 - _similarity(seen, observed)
        else:
            loss = s.data_term(measured, observed, self.weight)
        if s.total_variation is not None:
            loss = loss + s.total_variation(whole)
        self.step += 1
        return Iterate(estimate=self._frame(whole), measured=measured, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return f_θ(z), cut to the frame that the kernel of now gives."""
        with torch.no_grad():
            self._follow(self.kernel_network())
        return super().estimate(network)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the kernel, (1, 1, kh, kw), its centre of mass in the middle."""
        return {"kernel": _centred(self.kernel_network().detach())[None, None]}

    def parameters(self) -> list[nn.Parameter]:
        """Return the weights of the kernel's network."""
        return [*super().parameters(), *self.kernel_network.parameters()]

    def _follow(self, kernel: Tensor) -> None:
        kernel = kernel.detach()
        self.kernel.copy_(_centred(kernel))  # the image is framed as the kernel lies
        # With the kernel a point at row a, y[i] = x[i + kh - 1 - a].
        centres = zip(kernel.shape, _centre_of_mass(kernel), strict=True)
        self.corner = [side - 1 - centre for side, centre in centres]

    def _frame(self, whole: Tensor) -> Tensor:
        for dim, start in zip((-2, -1), self.corner, strict=True):
            whole = _cut(whole, dim, start, self.problem.observed.shape[dim])
        return whole

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers, the step, and the kernel's network."""
        weights = {k: v.clone() for k, v in self.kernel_network.state_dict().items()}
        return {**super().state_dict(), "step": self.step, "kernel_network": weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.step = state["step"]
        self.kernel_network.load_state_dict(state["kernel_network"])


class _Slow(nn.Module):
    """W x + b with (W, b) = (W₀, b₀) + rate · (the parameters): they start at 0 and move slowly.

    Adam's steps do not depend on the scale of the gradient, so this is a step size of its own.
    """

    def __init__(self, fed: int, given: int, *, rate: float, generator: Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(fed)
        start = torch.empty(given, fed + 1).uniform_(-bound, bound, generator=generator)
        self.rate = rate
        self.register_buffer("start", start)
        self.change = nn.Parameter(torch.zeros_like(start))
        self.start: Tensor

    def forward(self, x: Tensor) -> Tensor:
        weights = self.start + self.rate * self.change
        return F.linear(x, weights[:, :-1], weights[:, -1])


class _KernelNetwork(nn.Module):
    """g_φ: 200 fixed numbers -> 1000 hidden, ReLU6 -> softmax over (kh, kw)."""

    def __init__(self, size: tuple[int, int], *, rate: float, generator: Generator) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("code", 0.1 * torch.rand(_CODE, generator=generator))
        self.code: Tensor
        self.first = _Slow(_CODE, _HIDDEN, rate=rate, generator=generator)
        self.second = _Slow(_HIDDEN, size[0] * size[1], rate=rate, generator=generator)

    def forward(self) -> Tensor:
        hidden = F.relu6(self.first(self.code))
        kernel: Tensor = self.second(hidden).softmax(0).view(self.size)
        return kernel


def _centre_of_mass(kernel: Tensor) -> list[Tensor]:
    """Return the row and the column of the centre of mass, rounded; on the device."""
    centres = []
    for dim, side in enumerate(kernel.shape):
        profile = kernel.detach().sum(1 - dim)
        centre = (profile * torch.arange(side, device=kernel.device)).sum() / profile.sum()
        centres.append(centre.round().long())
    return centres


def _cut(image: Tensor, dim: int, start: Tensor, length: int) -> Tensor:
    """Return `length` rows or columns of an image, the first a number on the device."""
    return image.index_select(dim, start + torch.arange(length, device=image.device))


def _centred(kernel: Tensor) -> Tensor:
    """Return the kernel moved until its centre of mass is in its middle, of sum 1."""
    moved = kernel
    for dim, centre in enumerate(_centre_of_mass(kernel)):
        side = kernel.shape[dim]
        margin = [0, 0] * (1 - dim) + [side // 2] * 2
        moved = _cut(F.pad(moved, margin), dim, centre, side)
    return moved / moved.sum()


def _similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean SSIM (Wang et al. 2004) with a Gaussian window of 11x11, differentiable."""
    channels = x.shape[1]
    side = min(11, *((s - 1) // 2 * 2 + 1 for s in x.shape[-2:]))
    offsets = torch.arange(side, device=x.device, dtype=x.dtype) - side // 2
    window = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = (window / window.sum()).view(1, 1, -1, 1).expand(channels, 1, -1, 1)

    def blurred(image: Tensor) -> Tensor:
        image = F.conv2d(image, window, groups=channels)
        return F.conv2d(image, window.transpose(2, 3), groups=channels)

    mean_x, mean_y = blurred(x), blurred(y)
    var_x, var_y = blurred(x * x) - mean_x.square(), blurred(y * y) - mean_y.square()
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    return (luminance * (2 * covariance + c2) / (var_x + var_y + c2)).mean()
