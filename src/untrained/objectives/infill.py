"""Inpainting: the network is shown a part of the known pixels, smoothed, and draws the whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError
from untrained.noise import gaussian_taps
from untrained.objectives.base import Iterate, RunNetwork, spread_over_members
from untrained.objectives.jittered import JitteredObjective
from untrained.objectives.losses import DataTerm, Gaussian
from untrained.objectives.problem import Problem

__all__ = ["Infill", "InfillObjective"]

_WIDER = 0.01  # weight of the wider smoothing, as a share of a shown pixel
_REACH = 8  # pixels
_MOVED_EVERY = 3  # steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Infill:
    """E(f_θ(z_v); y) over the known pixels, z_v = [the pixels v, smoothed; how many they are].

    The Deep Image Prior writes the whole picture into the weights, starting from noise. Here the
    network is shown what is known, and has to sharpen it and to fill the gaps; how that is done is
    alike at known and at missing pixels. What z shows of a pixel alone would be copied. Therefore
    the known pixels are smoothed, and v, another random part of them at every step, leaves some
    out: those that are missing once the mask is laid on the picture at another place, so that the
    network learns to fill gaps of the kind it has to fill, and single pixels.

    z_v = (g * v y + ε w) / (g * v + ε) and g * v, with a Gaussian g, and w the same made from the
    picture at half its size, and so on: a smooth filling of any gap (normalised convolution:
    Knutsson & Westin, "Normalized and differential convolution", CVPR 1993). Deep inside a hole,
    more than 8 pixels from the next known one, nothing tells the network what to draw, and it is
    drawn to that filling: + λ Σ (x̂ - w)².

    A mask that is a grid, such as every second line, leaves out all or nothing, wherever it is
    laid. Of such a mask, every third step is of another picture x': the average of the estimates
    so far, with the known pixels put in, moved to another place. The network is shown x' through
    the mask, and the loss is E(·; x') where x' is known: the missing pixels are learned from known
    ones that have moved there (equivariant imaging: Chen, Tachella & Davies, ICCV 2021). The
    mixture is ours, measured in docs/measurements.md.

    Attributes:
        jitter: standard deviation of the Gaussian noise added to z.
        blur: standard deviation of g in pixels.
        drop: the share of the known pixels that are left out.
        smooth_holes: λ.
        data_term: E.
    """

    jitter: float = 0.03
    blur: float = 0.6
    drop: float = 0.3
    smooth_holes: float = 0.1
    data_term: DataTerm = field(default_factory=Gaussian)

    def __post_init__(self) -> None:
        for name in ("jitter", "smooth_holes"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 0 or more")
        if not self.blur > 0:
            raise InputError(f"blur is {self.blur}; wanted more than 0 pixels")
        if not 0 <= self.drop < 1:
            raise InputError(f"drop is {self.drop}; wanted 0 up to but not including 1")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image and one for the share that is shown."""
        return image_channels + 1

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> InfillObjective:
        """Return the objective.

        Raises:
            InputError: an operator that is not the identity, or a network with its own input size.
        """
        problem.check_direct("infilling", input_size)
        return InfillObjective(problem, self, seed=seed, members=members)


class InfillObjective(JitteredObjective):
    """The state of an `Infill` on one problem."""

    draws_code: ClassVar[bool] = False

    def __init__(self, problem: Problem, settings: Infill, *, seed: int, members: int = 1) -> None:
        observed = problem.observed
        self.problem = problem
        self.settings = settings
        self.generator = Generator(observed.device).manual_seed(seed + 1)
        self.places = Generator().manual_seed(seed + 2)  # read by the loop
        self.weight = problem.fitted
        known = torch.ones_like(observed[:, :1]) if self.weight is None else self.weight
        self.known = known.expand(members, -1, -1, -1)
        self.share = float(known.mean())
        self.hidden = torch.tensor(1 - self.share)
        self.deep = 1 - F.max_pool2d(known, 2 * _REACH + 1, 1, _REACH)
        self.has_holes = settings.smooth_holes > 0 and bool(self.deep.any())
        self.is_grid = _is_grid(known)
        self.average = ExponentialAverage(decay=0.98, warm_up=True).start()
        self.latest = observed  # the image of the latest step, as is the average: of grids alone
        self.step = 0
        taps = gaussian_taps(settings.blur).to(observed)
        self.taps = taps / taps.sum()
        self.take_code(self._showing(self.known), std=settings.jitter)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the image drawn from another part of the known pixels, and its loss.

        At a step of the moved estimate, the image is that of the step before.
        """
        self.step += 1
        if self.is_grid and self.step % _MOVED_EVERY == 0:
            loss = self._of_moved(network)
            return Iterate(estimate=self.latest, measured=self.latest, loss=loss)
        s = self.settings
        z = self._showing(self._part())
        estimate = network(self.jittered(z))
        loss = s.data_term(estimate, self.problem.observed, self.weight)
        if self.has_holes:
            away = (estimate - z[:, :-1]).square() * self.deep
            loss = loss + s.smooth_holes * away.mean() / self.share
        mean = estimate.mean(0, keepdim=True)
        if self.is_grid:
            self.latest = mean.detach()
            self.average.update(self.latest)
        return Iterate(estimate=mean, measured=mean, loss=loss)

    def _of_moved(self, network: RunNetwork) -> Tensor:
        """Return E(f_θ(z of x' through the mask); x'), x' the estimate moved to another place."""
        observed, known = self.problem.observed, self.known[:1]
        assert self.average.value is not None
        whole = torch.where(known > 0, observed, self.average.value)
        offset = self._offset()
        moved = torch.roll(whole, offset, dims=(-2, -1))
        estimate = network(self.jittered(self._showing(self.known, moved)))
        weight = torch.roll(known, offset, dims=(-2, -1))
        return self.settings.data_term(estimate, moved, weight)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the image drawn from all known pixels."""
        with torch.no_grad():
            return network(self.z).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(network(self.z))

    def _part(self) -> Tensor:
        """Return v: the known pixels without a random `drop` of them."""
        drop = self.settings.drop
        gaps = 1 - torch.roll(self.known, self._offset(), dims=(-2, -1))
        hidden = self.hidden
        if self.is_grid:
            hidden = ((gaps * self.known).sum() / self.known.sum()).clamp(max=1)
        random = torch.rand(gaps.shape, generator=self.generator, device=gaps.device)
        thinned = gaps * (random < drop / hidden)  # where too many are hidden
        single = (random < (drop - hidden) / (1 - hidden)).to(gaps)  # where too few are
        return self.known * (1 - torch.maximum(thinned, single))

    def _offset(self) -> list[int]:
        """Return how far to move a picture, rows and columns."""
        offset: list[int] = torch.randint(2**16, (2,), generator=self.places).tolist()
        return offset

    def _showing(self, v: Tensor, picture: Tensor | None = None) -> Tensor:
        """Return z_v of a picture (None = y), (members, C + 1, h, w)."""
        picture = self.problem.observed if picture is None else picture
        return self._smoothed(torch.cat([picture * v, v], dim=1))

    def _smoothed(self, sums: Tensor) -> Tensor:
        """Return the filling and g * v, from the sums v y and v at a scale, (members, C + 1, ·)."""
        size, channels = sums.shape[-2:], sums.shape[1]
        smooth = sums
        for kernel in (self.taps.view(1, 1, 1, -1), self.taps.view(1, 1, -1, 1)):
            kernels = kernel.expand(channels, 1, -1, -1)
            smooth = F.conv2d(smooth, kernels, padding="same", groups=channels)
        values, share = smooth[:, :-1], smooth[:, -1:]
        if max(size) == 1:
            return torch.cat([values / share.clamp_min(1e-6), share], dim=1)
        wider = self._smoothed(F.avg_pool2d(smooth, 2, ceil_mode=True))[:, :-1]
        wider = F.interpolate(wider, size=size, mode="bilinear", align_corners=False)
        return torch.cat([(values + _WIDER * wider) / (share + _WIDER), share], dim=1)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers, the average, and the image that may be moved."""
        return {
            **super().state_dict(),
            "places": self.places.get_state(),
            "average": self.average.state_dict(),
            "latest": self.latest,  # never changed in place
            "step": self.step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.places.set_state(state["places"])
        self.average.load_state_dict(state["average"])
        self.latest, self.step = state["latest"], state["step"]


def _is_grid(known: Tensor) -> bool:
    """Whether the mask's gaps hide all or nothing of what is known, laid up to 8 pixels away.

    The variance over these places of the share that they leave is k (1 - k) if it is only ever 0 or
    1, with k the share of known pixels, and almost nothing for pixels missing at random.
    """
    if bool((known > 0).all()):
        return False
    spectrum = torch.fft.rfft2(known.cpu().double())
    left = torch.fft.irfft2(spectrum.abs().square(), s=known.shape[-2:]) / known.sum().cpu()
    near = left.roll((_REACH, _REACH), dims=(-2, -1))[..., : 2 * _REACH + 1, : 2 * _REACH + 1]
    k = float(known.mean())
    return float(near.var()) > 0.4 * k * (1 - k)
