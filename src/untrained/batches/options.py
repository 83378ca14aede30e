"""The options of every task with their defaults, and what an entry changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from untrained.errors import InputError, did_you_mean
from untrained.tasks import find_task

__all__ = ["OPTIONAL", "OPTIONS", "complete"]

_SCAN: dict[str, Any] = {"accelerate": None, "maps": "auto", "slice": None}
_BARE: dict[str, Any] = {"kind": None, "axes": None}

OPTIONS: dict[str, dict[str, Any]] = {
    "denoise": {"sigma": None, "sigma_in_units": False},
    "inpaint": {"mask_invert": False},
    "upscale": {"factor": 4},
    "deblur-blind": {"kernel_size": 15},
    "dejpeg": {"agreement": 0.0},
    "demosaic": {"pattern": "auto"},
    "deinterlace": {"field": "top"},
    "mri": {**_SCAN, "frame": None, **_BARE},
    "series": {**_SCAN, "real": False, "periodic": False, **_BARE},
    "ct": {
        "unit": None, "centre": "auto", "views": None, "binning": 1, "size": None, "slice": None,
        **_BARE, "photons": None, "rings": None,
    },
    "sensing": {"matrix": None, "size": None, "white": None},
}  # fmt: skip
"""The defaults by task; a test compares them with those of the studio."""

OPTIONAL = {"denoise": ("photons", "strength", "colour_strength", "joint")}
"""Options that a job has only where they are given."""


def complete(task: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a task, those not given with their defaults.

    Raises:
        InputError: an unknown task or option, or a value that the task refuses.
    """
    asked = find_task(task)
    known = OPTIONS.get(task, {})
    names = (*known, *OPTIONAL.get(task, ()))
    for name, value in given.items():
        if name not in names:
            has = f"it has {', '.join(names)}" if names else "it has none"
            raise InputError(f"no option {name!r} for {task}; {did_you_mean(name, names)}{has}")
        if not _fits(value, known.get(name)):
            raise InputError(f"{name} is {value!r}; wanted something like {known[name]!r}")
    options = {**known, **given}
    try:
        asked.check(options)
    except TypeError as error:  # a text where a number is wanted
        raise InputError(f"the options {dict(given)} do not do for {task} ({error})") from None
    return options


def _fits(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of a default; whole numbers do for others, not conversely."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))
