"""Restore images with networks that have never been trained.

    from untrained import denoise
    clean = denoise(noisy)                     # any array, any size, any dtype

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "DivergedError": "errors",
    "InputError": "errors",
    "mse": "metrics",
    "psnr": "metrics",
    "ssim": "metrics",
    "read_picture": "images",
    "write_picture": "images",
    "LinearOperator": "operators",
    "check_operator": "operators",
    "summarize": "networks",
    "Iterate": "objectives",
    "Objective": "objectives",
    "Problem": "objectives",
    "Callback": "fitting",
    "Look": "fitting",
    "Result": "fitting",
    "StopReason": "fitting",
    "Stopper": "fitting",
    "Verdict": "fitting",
    "fit": "fitting",
    "Recipe": "recipes",
    "find_recipe": "recipes",
    "with_settings": "recipes",
    "Execution": "restoring",
    "Features": "restoring",
    "Given": "restoring",
    "LoadedFit": "restoring",
    "compress": "restoring",
    "decompress": "restoring",
    "invert_features": "restoring",
    "load_fit": "restoring",
    "maximize_activation": "restoring",
    "restore": "restoring",
    "restore_many": "restoring",
    "restore_picture": "restoring",
    "solve": "restoring",
    "deblur": "tasks",
    "deblur_blind": "tasks",
    "decompose": "tasks",
    "dehaze": "tasks",
    "deinterlace": "tasks",
    "dejpeg": "tasks",
    "demosaic": "tasks",
    "denoise": "tasks",
    "flash": "tasks",
    "inpaint": "tasks",
    "reconstruct_ct": "tasks",
    "reconstruct_mri": "tasks",
    "reconstruct_sensing": "tasks",
    "reconstruct_series": "tasks",
    "reconstruct": "tasks",
    "restore_series": "tasks",
    "upscale": "tasks",
    "ClipJob": "jobs",
    "restore_clip": "jobs",
}
"""Where the public names live, lowest layer first."""

_ROOMS = ("operators", "networks", "objectives", "noise", "fitting", "recipes")

__all__ = [
    "Callback",
    "ClipJob",
    "DivergedError",
    "Execution",
    "Features",
    "Given",
    "InputError",
    "Iterate",
    "LinearOperator",
    "LoadedFit",
    "Look",
    "Objective",
    "Problem",
    "Recipe",
    "Result",
    "StopReason",
    "Stopper",
    "Verdict",
    "__version__",
    "check_operator",
    "compress",
    "deblur",
    "deblur_blind",
    "decompose",
    "decompress",
    "dehaze",
    "deinterlace",
    "dejpeg",
    "demosaic",
    "denoise",
    "find_recipe",
    "fit",
    "fitting",
    "flash",
    "inpaint",
    "invert_features",
    "load_fit",
    "maximize_activation",
    "mse",
    "networks",
    "noise",
    "objectives",
    "operators",
    "psnr",
    "read_picture",
    "recipes",
    "reconstruct",
    "reconstruct_ct",
    "reconstruct_mri",
    "reconstruct_sensing",
    "reconstruct_series",
    "restore",
    "restore_clip",
    "restore_many",
    "restore_picture",
    "restore_series",
    "solve",
    "ssim",
    "summarize",
    "upscale",
    "with_settings",
    "write_picture",
]

if TYPE_CHECKING:
    from untrained import fitting, networks, noise, objectives, operators, recipes
    from untrained.errors import DivergedError, InputError
    from untrained.fitting import Callback, Look, Result, Stopper, StopReason, Verdict, fit
    from untrained.images import read_picture, write_picture
    from untrained.jobs import ClipJob, restore_clip
    from untrained.metrics import mse, psnr, ssim
    from untrained.networks import summarize
    from untrained.objectives import Iterate, Objective, Problem
    from untrained.operators import LinearOperator, check_operator
    from untrained.recipes import Recipe, find_recipe, with_settings
    from untrained.restoring import (
        Execution,
        Features,
        Given,
        LoadedFit,
        compress,
        decompress,
        invert_features,
        load_fit,
        maximize_activation,
        restore,
        restore_many,
        restore_picture,
        solve,
    )
    from untrained.tasks import (
        deblur,
        deblur_blind,
        decompose,
        dehaze,
        deinterlace,
        dejpeg,
        demosaic,
        denoise,
        flash,
        inpaint,
        reconstruct,
        reconstruct_ct,
        reconstruct_mri,
        reconstruct_sensing,
        reconstruct_series,
        restore_series,
        upscale,
    )


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"untrained.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'untrained' has no attribute {name!r}")
    value = getattr(import_module(f"untrained.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
