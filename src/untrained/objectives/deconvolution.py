"""Deblurring: a picture somewhat larger than the photograph, blurred, against it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untrained.errors import InputError
from untrained.objectives.base import Iterate, RunNetwork
from untrained.objectives.data_fit import DataFit, DataFitObjective
from untrained.objectives.problem import Problem
from untrained.operators import Blur
from untrained.operators.blur import convolve

__all__ = ["Deconvolution", "DeconvolutionObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deconvolution(DataFit):
    """E(k * f_θ(z + jitter); y) + R, the image of f_θ larger than y by the kernel (less one).

    Light from beyond the frame has been blurred into it. The network paints that light too, so
    that every pixel of y is explained by the convolution alone and no boundary is invented (Ren et
    al., "SelfDeblur", CVPR 2020, section 3); of its image, the frame is kept. The operator must be
    a `Blur`, whatever its boundary.
    """

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DeconvolutionObjective:
        """Return the objective.

        Raises:
            InputError: an operator that is no blur, or a network with its own input size.
        """
        if not isinstance(problem.operator, Blur):
            raise InputError(
                f"deconvolution needs a blur kernel, the operator is "
                f"{type(problem.operator).__name__}; give the kernel (--kernel)"
            )
        if input_size != tuple(problem.image_shape[-2:]):
            raise InputError("deconvolution needs a network whose z has the size of the image")
        return self._objective(problem, input_size, seed=seed, members=members)

    def _objective(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int
    ) -> DeconvolutionObjective:
        return DeconvolutionObjective(problem, self, input_size, seed=seed, members=members)


class DeconvolutionObjective(DataFitObjective):
    """The state of a `Deconvolution` on one problem."""

    def __init__(
        self, problem: Problem, settings: Deconvolution, input_size: tuple[int, int], *,
        seed: int, members: int = 1,
    ) -> None:  # fmt: skip
        assert isinstance(problem.operator, Blur)
        self.kernel = problem.operator.kernel
        down, across = (side - 1 for side in self.kernel.shape)
        size = (input_size[0] + down, input_size[1] + across)
        super().__init__(problem, settings, size, seed=seed, members=members)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the iterate at a freshly jittered z."""
        s = self.settings
        whole = network(self.jittered())
        measured = convolve(whole, self.kernel)
        loss = s.data_term(measured, self.problem.observed, self.weight)
        if s.total_variation is not None:
            loss = loss + s.total_variation(whole)
        mean = self._frame(whole).mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=measured.mean(0, keepdim=True), loss=loss)

    def _image(self, network: RunNetwork, z: Tensor) -> Tensor:
        return self._frame(network(z))

    def _frame(self, whole: Tensor) -> Tensor:
        height, width = self.problem.observed.shape[-2:]
        top, left = (side // 2 for side in self.kernel.shape)
        return whole[..., top : top + height, left : left + width]
