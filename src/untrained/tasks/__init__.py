"""The tasks, one a file: each turns files and options into what a fit is given.

`TASKS` has them by name; the functions do the same for arrays.
"""

from __future__ import annotations

from untrained.errors import InputError, did_you_mean
from untrained.tasks.base import Asked, Given, Options, PictureShape, Task, read_truth
from untrained.tasks.deblur import Deblur, deblur
from untrained.tasks.deblur_blind import DeblurBlind, deblur_blind
from untrained.tasks.decompose import Decompose, decompose
from untrained.tasks.dehaze import Dehaze, dehaze
from untrained.tasks.deinterlace import Deinterlace, deinterlace
from untrained.tasks.dejpeg import Dejpeg, dejpeg
from untrained.tasks.demosaic import Demosaic, demosaic
from untrained.tasks.denoise import Denoise, denoise
from untrained.tasks.flash import Flash, flash
from untrained.tasks.inpaint import Inpaint, inpaint
from untrained.tasks.reconstruct import reconstruct
from untrained.tasks.upscale import Upscale, upscale

__all__ = [
    "TASKS",
    "Asked",
    "Given",
    "Options",
    "PictureShape",
    "Task",
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
    "read_truth",
    "reconstruct",
    "upscale",
]

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Denoise(), Inpaint(), Upscale(), Deblur(), DeblurBlind(), Dejpeg(), Flash(), Demosaic(),
        Deinterlace(), Decompose(), Dehaze(),
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
