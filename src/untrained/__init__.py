"""Restore images with networks that have never been trained.

    from untrained import denoise
    clean = denoise(noisy)                     # any array, any size, any dtype

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "ClipJob": "restore_clip",
    "DivergedError": "errors",
    "Features": "inversion",
    "InputError": "errors",
    "Problem": "objectives",
    "Recipe": "recipes",
    "Result": "result",
    "StopReason": "result",
    "check_operator": "operators",
    "compress": "compression",
    "deblur": "tasks",
    "deblur_blind": "tasks",
    "decompose": "tasks",
    "decompress": "compression",
    "dehaze": "tasks",
    "deinterlace": "tasks",
    "dejpeg": "tasks",
    "demosaic": "tasks",
    "denoise": "tasks",
    "find_recipe": "recipes",
    "fit": "fit",
    "flash": "tasks",
    "inpaint": "tasks",
    "invert_features": "inversion",
    "maximize_activation": "inversion",
    "psnr": "metrics",
    "read_picture": "images",
    "restore": "restore",
    "restore_clip": "restore_clip",
    "restore_picture": "restore",
    "ssim": "metrics",
    "summarize": "networks",
    "upscale": "tasks",
    "with_settings": "recipes",
    "write_picture": "images",
}

__all__ = [
    "ClipJob",
    "DivergedError",
    "Features",
    "InputError",
    "Problem",
    "Recipe",
    "Result",
    "StopReason",
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
    "flash",
    "inpaint",
    "invert_features",
    "maximize_activation",
    "psnr",
    "read_picture",
    "restore",
    "restore_clip",
    "restore_picture",
    "ssim",
    "summarize",
    "upscale",
    "with_settings",
    "write_picture",
]

if TYPE_CHECKING:
    from untrained.compression import compress, decompress
    from untrained.errors import DivergedError, InputError
    from untrained.fit import fit
    from untrained.images import read_picture, write_picture
    from untrained.inversion import Features, invert_features, maximize_activation
    from untrained.metrics import psnr, ssim
    from untrained.networks import summarize
    from untrained.objectives import Problem
    from untrained.operators import check_operator
    from untrained.recipes import Recipe, find_recipe, with_settings
    from untrained.restore import restore, restore_picture
    from untrained.restore_clip import ClipJob, restore_clip
    from untrained.result import Result, StopReason
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
        upscale,
    )


class _Package(ModuleType):
    """Find public names when they are asked for.

    The functions `fit` and `restore` share their names with the modules that they live in, and
    importing a submodule sets its name here: the function wins.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'untrained' has no attribute {name!r}")
        value = getattr(import_module(f"untrained.{_HOMES[name]}"), name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(__all__)


sys.modules[__name__].__class__ = _Package
