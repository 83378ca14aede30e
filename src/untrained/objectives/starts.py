"""The image from which a fit starts that needs one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from untrained.objectives.problem import Problem
from untrained.operators import LinearOperator

__all__ = ["back_projected"]


def back_projected(problem: Problem) -> Tensor:
    """Return A*y, (1, C, H, W), with y zero where it does not enter the fit.

    For operators that have no adjoint, y at the size of the image.
    """
    observed, shown = problem.observed, problem.fitted
    observed = observed if shown is None else observed * shown
    if isinstance(problem.operator, LinearOperator):
        return problem.operator.adjoint(observed)
    size = problem.image_shape[-2:]
    return F.interpolate(observed, size=size, mode="bilinear", align_corners=False)
