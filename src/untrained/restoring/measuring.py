"""Any measurement under any operator: where it says something, how large the image is, the fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from untrained.fitting import Result
from untrained.objectives import Problem
from untrained.operators import Identity, LinearOperator, Mask
from untrained.recipes import Recipe, find_reconstruction, with_settings
from untrained.restoring.given import Execution, Given
from untrained.restoring.restore import restore

__all__ = ["reached", "restore_measurement", "typical_value"]

_STEPS = 5  # of conjugate gradients: the size of the values is there long before the picture
_TOP = 0.99  # the quantile that becomes 1


def restore_measurement(
    measurement: NDArray[Any],
    operator: Callable[[Tensor], Tensor],
    *,
    recipe: str | Recipe = "auto",
    settings: Mapping[str, Any] | None = None,
    known: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    sigma: float | None = None,
    scale: float | None = None,
    truth: NDArray[Any] | None = None,
    seed: int = 0,
    execution: Execution = Execution(),
) -> Result:
    """Fit an untrained network to y = A x + noise, whatever A and the unit of y are.

    An `Identity` is denoising, a `Mask` inpainting: y is a picture then. Under another linear
    operator y counts where A reaches (`reached`), and the image is about 1 in the fit
    (`typical_value`); its values are not clipped.

    Args:
        measurement: y, (c, h, w), real numbers; NaN and infinite ones count as missing.
        operator: A; any differentiable callable, (1, C, H, W) -> (1, c, h, w).
        recipe: "auto", a name or a recipe, as `find_reconstruction` takes them.
        settings: changes to it by name.
        known: (h, w), true where y was measured.
        groups: (h, w), whole numbers: what is held out together.
        sigma: of the noise, in the units of y.
        scale: what is about 1 in the image; None = found, of a callable that is no
            `LinearOperator` 1.
        truth: the clean image, (C, H, W), for scoring only.
        seed, execution: as for `restore`.

    Returns:
        the result; its `image` is (H, W, C).

    Raises:
        InputError: as `restore`.
    """
    hidden = operator.known if isinstance(operator, Mask) else None
    if hidden is not None and hidden.shape[1] == 1:
        here = hidden[0, 0].cpu().numpy() > 0
        known = here if known is None else here & (np.asarray(known) > 0)
        operator = Identity()
    direct = isinstance(operator, Identity)
    recipe = find_reconstruction(recipe, direct=direct, holes=known is not None, noisy=bool(sigma))
    if isinstance(operator, LinearOperator) and not direct:
        y = torch.from_numpy(np.array(measurement, dtype=np.float32))[None]
        Problem(observed=y, operator=operator).check_operator_fits()
        there = y.isfinite().all(1, keepdim=True).float()
        if known is not None:
            there = there * torch.from_numpy(np.asarray(known) > 0)
        reach = reached(operator, y)
        there = there if reach is None else there * reach
        known = None if bool(there.all()) else there[0, 0].numpy()
        if scale is None and not operator.keeps_constants:
            scale = typical_value(operator, y.nan_to_num(0, 0, 0), there)
    return restore(
        np.moveaxis(measurement, 0, -1),
        recipe=with_settings(recipe, settings or {}),
        given=Given(
            operator=operator, mask=known, groups=groups, sigma=sigma, scale=scale,
        ),
        truth=None if truth is None else np.moveaxis(truth, 0, -1),
        seed=seed,
        execution=execution,
    )  # fmt: skip


def reached(operator: LinearOperator, measurement: Tensor) -> Tensor | None:
    """Return (1, 1, h, w), 1 where A x depends on x in any channel; None = everywhere.

    A row of A that is zero measures nothing: a sample that was left out of k-space, a ray beside
    the image, a hidden pixel. What stands in y there is no measurement of 0. Found by a random x,
    whose A x is zero at no other place.
    """
    b, c, h, w = measurement.shape
    x = torch.randn(operator.image_shape((b, c, h, w)), generator=Generator().manual_seed(0))
    with torch.no_grad():
        size = operator(x.to(measurement)).abs().amax(1, keepdim=True)
    known = (size > torch.finfo(size.dtype).eps * size.max()).to(measurement.dtype)
    return None if bool(known.all()) else known


def typical_value(
    operator: LinearOperator, measurement: Tensor, known: Tensor | None = None
) -> float | None:
    """Return about the largest |x| of the image that y comes from; None = y is zero.

    The 99th percentile of what a few steps of conjugate gradients on ‖A x - y‖² make of y (Hestenes
    & Stiefel, 1952: CGLS), so that neither the unit of y nor the norm of A matters.

    Args:
        operator: A.
        measurement: y, (1, c, h, w).
        known: (1, 1, h, w), 0 where y counts for nothing.
    """
    weight = 1.0 if known is None else known
    residual = weight * measurement
    size = float(residual.abs().max())
    if not size > 0:
        return None
    residual = residual / size
    gradient = operator.adjoint(weight * residual)
    x, direction, power = torch.zeros_like(gradient), gradient, _power(gradient)
    for _ in range(_STEPS):
        with torch.no_grad():
            moved = weight * operator(direction)
        energy = _power(moved)
        if not (power > 0 and energy > 0):
            break
        step = power / energy
        x = x + step * direction
        residual = residual - step * moved
        gradient = operator.adjoint(weight * residual)
        before, power = power, _power(gradient)
        direction = gradient + power / before * direction
    found = size * float(np.quantile(x.abs().cpu().numpy(), _TOP))
    return found if found > 0 else None


def _power(values: Tensor) -> float:
    return float(values.double().square().sum())
