"""The tasks, one a file: each turns files and options into what a fit is given.

`TASKS` has them by name; the functions do the same for arrays.
"""

from __future__ import annotations

from untrained.errors import InputError, did_you_mean
from untrained.tasks.base import (
    Asked,
    Given,
    MeasuredPages,
    Options,
    PictureShape,
    Task,
    Unread,
    read_truth,
)
from untrained.tasks.ct import prepare_ct, reconstruct_ct
from untrained.tasks.ct_file import Ct
from untrained.tasks.deblur import Deblur, deblur
from untrained.tasks.deblur_blind import DeblurBlind, deblur_blind
from untrained.tasks.decompose import Decompose, decompose
from untrained.tasks.dehaze import Dehaze, dehaze
from untrained.tasks.deinterlace import Deinterlace, deinterlace
from untrained.tasks.dejpeg import Dejpeg, dejpeg
from untrained.tasks.demosaic import Demosaic, demosaic
from untrained.tasks.denoise import Denoise, denoise
from untrained.tasks.flash import Flash, flash
from untrained.tasks.formats import Formats
from untrained.tasks.frames import restore_series
from untrained.tasks.inpaint import Inpaint, inpaint
from untrained.tasks.mri import prepare_mri, reconstruct_mri
from untrained.tasks.mri_file import Mri
from untrained.tasks.reconstruct import reconstruct
from untrained.tasks.sensing import prepare_sensing, reconstruct_sensing
from untrained.tasks.sensing_file import Sensing
from untrained.tasks.series import prepare_series, reconstruct_series
from untrained.tasks.series_file import Series
from untrained.tasks.upscale import Upscale, upscale

__all__ = [
    "TASKS",
    "Asked",
    "Formats",
    "Given",
    "MeasuredPages",
    "Options",
    "PictureShape",
    "Task",
    "Unread",
    "deblur",
    "deblur_blind",
    "decompose",
    "dehaze",
    "deinterlace",
    "dejpeg",
    "demosaic",
    "denoise",
    "find_task",
    "flash",
    "inpaint",
    "prepare_ct",
    "prepare_mri",
    "prepare_sensing",
    "prepare_series",
    "read_truth",
    "reconstruct",
    "reconstruct_ct",
    "reconstruct_mri",
    "reconstruct_sensing",
    "reconstruct_series",
    "restore_series",
    "upscale",
]

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Denoise(), Inpaint(), Upscale(), Deblur(), DeblurBlind(), Dejpeg(), Flash(), Demosaic(),
        Deinterlace(), Decompose(), Dehaze(), Mri(), Series(), Ct(), Sensing(),
    )
}  # fmt: skip
"""Every task by its name; a new one is entered here."""


def find_task(name: str) -> Task:
    """Return a task.

    Raises:
        InputError: no such task.
    """
    if name not in TASKS:
        hint = did_you_mean(name, TASKS)
        raise InputError(f"no task {name!r}; {hint}wanted one of {', '.join(TASKS)}")
    return TASKS[name]
