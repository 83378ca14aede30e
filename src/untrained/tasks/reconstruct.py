"""Any measurement with any operator, as one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError, did_you_mean
from untrained.fitting import Callback, Progress, Scoring
from untrained.operators import as_pairs
from untrained.restoring import Execution, restore_measurement
from untrained.tasks.calling import FitKeywords

__all__ = ["reconstruct"]


def reconstruct(
    measurement: NDArray[Any] | Tensor,
    operator: Callable[[Tensor], Tensor],
    *,
    known: NDArray[Any] | Tensor | None = None,
    groups: NDArray[Any] | Tensor | None = None,
    sigma: float | None = None,
    scale: float | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Find the image x of a measurement y = A x + noise by a network that was never trained.

        image = reconstruct(y, operator)            # y (c, h, w), image (C, H, W)

    Channels come first, as the operator has them: y is (m), (h, w), (c, h, w) or (1, c, h, w).
    Complex numbers become pairs of channels, real, imaginary, real … (`operators.as_pairs`), which
    is what the operator has to return; so does an image of complex numbers.

    Args:
        measurement: y, an array or a tensor; NaN counts as missing. Never modified.
        operator: A, a `LinearOperator` or any differentiable callable.
        known: (h, w), true where y was measured; None = wherever y is finite and A reaches.
        groups: (h, w), whole numbers: what belongs together (a line, a projection) and is held out
            together to find out when to stop; None = each measurement is its own group.
        sigma: standard deviation of the noise of y, if known.
        scale: a large value of the image, which the fit takes as 1; None = found from y.
        **fit: recipe (default "auto": denoise/fast for an `Identity`, inpaint/fast for a `Mask`,
            else one that needs nothing of A; "fast", "paper", or "TASK/NAME"), steps, settings,
            truth (C, H, W), seed, device, callbacks, progress, return_result.

    Returns:
        the image, (C, H, W), or (H, W) of an array without channels; of a tensor a tensor
        (1, C, H, W) on its device; or the `Result` with `return_result`.

    Raises:
        InputError: as `restore`; a batch; axes that are none of these.
    """
    _check_keywords(fit)
    y = _channels_first(measurement, "measurement")
    truth = fit.get("truth")
    device = str(measurement.device) if isinstance(measurement, Tensor) else "auto"
    settings = dict(fit.get("settings") or {})
    if fit.get("steps") is not None:
        settings["max_steps"] = fit["steps"]
    result = restore_measurement(
        y, operator, recipe=fit.get("recipe", "auto"), settings=settings, known=_of_places(known),
        groups=_of_places(groups), sigma=sigma, scale=scale, seed=fit.get("seed", 0),
        truth=None if truth is None else _channels_first(truth, "truth"),
        execution=Execution(device=fit.get("device", device), callbacks=_observers(fit)),
    )  # fmt: skip
    assert result.image is not None
    if fit.get("return_result"):
        return result
    image = np.moveaxis(result.image, -1, 0)
    if isinstance(measurement, Tensor):
        return torch.from_numpy(np.ascontiguousarray(image))[None].to(measurement.device)
    return image[0] if np.ndim(measurement) < 3 and len(image) == 1 else image


def _channels_first(values: Any, name: str) -> NDArray[Any]:
    """Return (c, h, w) real numbers. Raises InputError: of other axes, or a file's name."""
    array = _as_array(values)
    if array.dtype.kind not in "biufc":
        raise InputError(f"{name} is a {type(values).__name__}; wanted an array or a tensor")
    got = array.shape
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if not 1 <= array.ndim <= 3:
        more = ": a batch is reconstructed one by one" if len(got) == 4 else ""
        raise InputError(f"{name} is {got}; wanted (m), (h, w), (c, h, w) or (1, c, h, w){more}")
    array = array.reshape((1,) * (3 - array.ndim) + array.shape)
    if np.iscomplexobj(array):
        pairs: NDArray[Any] = as_pairs(torch.from_numpy(np.array(array))[None])[0].numpy()
        return pairs
    return array


def _of_places(values: NDArray[Any] | Tensor | None) -> NDArray[Any] | None:
    """Return a map (h, w) of one that may also be (1, h, w) or (1, 1, h, w)."""
    if values is None:
        return None
    array = _as_array(values)
    while array.ndim > 2 and len(array) == 1:
        array = array[0]
    return array


def _as_array(values: Any) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asanyarray(values)


def _observers(fit: FitKeywords) -> list[Callback]:
    callbacks = list(fit.get("callbacks", ()))
    if not fit.get("progress"):
        return callbacks
    scoring = Scoring()
    return [scoring, Progress("reconstruct", scoring=scoring), *callbacks]


def _check_keywords(fit: FitKeywords) -> None:
    """Refuse what the function does not take. Raises InputError."""
    known = [name for name in FitKeywords.__annotations__ if name != "channel_axis"]
    for name in fit:
        if name == "channel_axis":
            raise InputError("reconstruct takes no channel_axis: its arrays are (c, h, w)")
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"reconstruct takes no {name!r}; {hint}it takes {', '.join(known)}")
