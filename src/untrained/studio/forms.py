"""The files and options of every task as a form: labels, kinds, limits, what is required.

A new task is entered here; a test compares the names and defaults with the command line's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from untrained.errors import InputError
from untrained.images import READABLE
from untrained.studio.models import FileForm, OptionForm, Value
from untrained.tasks import find_task

__all__ = ["FILES", "TITLES", "complete_options", "option_forms"]

TITLES: dict[str, tuple[str, str]] = {
    "denoise": ("Remove noise", "Grain and sensor noise go, the picture's own detail stays."),
    "inpaint": ("Remove scratches, text and spots", "They are filled from what is around them."),
    "upscale": ("Enlarge", "A small picture gets more pixels, with edges that stay sharp."),
    "deblur": ("Sharpen a known blur", "Undoes a blur whose kernel is known."),
    "deblur-blind": (
        "Sharpen an unknown blur",
        "Finds the picture and the blur together; look at both, and try another size.",
    ),
    "dejpeg": ("Remove JPEG artefacts", "Blocks and ringing go; it stays what the file allows."),
    "flash": ("Join flash and no-flash", "The light of one picture with the detail of another."),
    "demosaic": ("Develop a raw mosaic", "Finds the two colours that each pixel has not seen."),
    "deinterlace": ("Deinterlace", "Makes a whole picture of one field of an interlaced frame."),
    "decompose": ("Take layers apart", "Two layers, one seen through the other; look at both."),
    "dehaze": ("Remove haze", "Finds the scene behind the haze and how much of it comes through."),
    "mri": ("Reconstruct MRI", "An image from k-space of which only some lines were measured."),
    "series": ("Reconstruct a series", "Frames that lend each other what was not measured."),
    "ct": ("Reconstruct CT", "An image from few views, from counts or line integrals."),
    "sensing": ("Compressed sensing", "An image from fewer measurements than it has pixels."),
}  # fmt: skip
"""Title and one sentence by task."""

_PICTURES = ",".join(READABLE)
_ARRAYS = ".npy,.npz,.tif,.tiff,.png"

FILES = {
    "mask": FileForm(
        name="mask", label="Mask", required=False, accepts=_PICTURES,
        help="White = known, black = to fill. Without one, transparent and NaN pixels are filled.",
    ),
    "guide": FileForm(
        name="guide", label="Picture with flash", required=True, accepts=_PICTURES,
        help="Another picture of the same scene and size: with flash, a depth map, a channel.",
    ),
    "hint": FileForm(
        name="hint", label="Where the mark is", required=False, accepts=_PICTURES,
        help="For the recipe watermark: white = where the mark may be, black = left as it is.",
    ),
    "kernel": FileForm(
        name="kernel", label="Blur kernel", required=True, accepts=".png,.npy,.tif,.tiff",
        help="The blur of a single point, of odd height and width; its sum is made 1.",
    ),
    "series/mask": FileForm(
        name="mask", label="What was measured", required=False, accepts=_ARRAYS,
        help="Of the columns, of all places, or of every frame; empty = as the file says.",
    ),
    "mri/mask": FileForm(
        name="mask", label="What was measured", required=False, accepts=_ARRAYS,
        help="Of the columns or of all places; empty = as the file says, or what is not zero.",
    ),
    "maps": FileForm(
        name="maps", label="Coil maps", required=False, accepts=_ARRAYS,
        help="Sensitivities of the coils, (coils, height, width); empty = from the data.",
    ),
    "noise": FileForm(
        name="noise", label="Noise scan", required=False, accepts=_ARRAYS,
        help="A scan without a signal, (coils, samples).",
    ),
    "angles": FileForm(
        name="angles", label="Angles", required=False, accepts=_ARRAYS,
        help="Of the views, one for each; empty = as the file says.",
    ),
    "flat": FileForm(
        name="flat", label="Flat field", required=False, accepts=_ARRAYS,
        help="Counts without the object; empty = as the file says.",
    ),
    "dark": FileForm(
        name="dark", label="Dark field", required=False, accepts=_ARRAYS,
        help="Counts without the beam; empty = as the file says.",
    ),
    "matrix": FileForm(
        name="matrix", label="Matrix", required=False, accepts=_ARRAYS,
        help="Of the measurement, (measurements, pixels); empty = the random one named below.",
    ),
}  # fmt: skip
"""The files beside the picture, by name."""

_SLICE = OptionForm(
    name="slice", kind="integer", default=None, min=0, label="Slice",
    help="Only this one, counted from 0; empty = all.",
)  # fmt: skip

_BARE = (
    OptionForm(
        name="kind", kind="choice", default=None, choices=["kspace", "images"],
        label="A bare array is", help="What .npy holds: k-space, or the images of coils or frames.",
    ),
    OptionForm(
        name="axes", kind="choice", default=None, choices=["coils", "slices", "frames"],
        label="Its first axis counts", help="Of a bare array of three axes.",
    ),
)  # fmt: skip

_OPTIONS: dict[str, tuple[OptionForm, ...]] = {
    "denoise": (
        OptionForm(
            name="sigma", kind="number", default=None, min=0, label="Noise level",
            help="Standard deviation of the noise on the 0-255 scale; empty = estimated.",
        ),
        OptionForm(
            name="sigma_in_units", kind="boolean", default=False,
            label="In the units of the file",
            help="The noise level is in the units of the file's values, not on the 0-255 scale.",
        ),
        OptionForm(
            name="photons", kind="number", default=None, min=0, label="Photons at white",
            help="Instead of the noise level, for pictures of little light: how many photons "
            "white stands for.",
        ),
        OptionForm(
            name="strength", kind="number", default=None, min=0, max=1, label="Strength",
            help="How much of the noise is taken away, 0 to 1; empty = all that was found.",
        ),
        OptionForm(
            name="colour_strength", kind="number", default=None, min=0, max=1,
            label="Strength in the colours",
            help="Likewise, of the noise in the colours; empty = as the strength.",
        ),
        OptionForm(
            name="joint", kind="choice", default=None, choices=["z", "t", "c"],
            label="Pages together",
            help="Of a stack: restore the pages along this axis (slices, times, channels) "
            "together, up to eight by one fit; empty = each by itself.",
        ),
    ),
    "inpaint": (
        OptionForm(
            name="mask_invert", kind="boolean", default=False, label="Black is known",
            help="The mask is black where the picture is known.",
        ),
    ),
    "upscale": (
        OptionForm(
            name="factor", kind="integer", default=4, min=2, max=16, label="Factor",
            help="How many times the height and width.",
        ),
    ),
    "deblur-blind": (
        OptionForm(
            name="kernel_size", kind="integer", default=15, min=3, max=255, label="Kernel size",
            help="The side of the square that holds the blur, odd, somewhat larger than the blur.",
        ),
    ),
    "dejpeg": (
        OptionForm(
            name="agreement", kind="number", default=0.0, min=0, max=0.5, label="Agreement",
            help="How far from the decoded coefficients the fit may stray at no cost, in "
            "quantisation steps.",
        ),
    ),
    "demosaic": (
        OptionForm(
            name="pattern", kind="choice", default="auto",
            choices=["auto", "RGGB", "BGGR", "GRBG", "GBRG"], label="Pattern",
            help="The colours of the top left 2x2 pixels, row by row. auto = as a raw file says, "
            "or RGGB.",
        ),
    ),
    "deinterlace": (
        OptionForm(
            name="field", kind="choice", default="top", choices=["top", "bottom"], label="Field",
            help="The field that is kept: top = lines 0, 2, 4 …, bottom = lines 1, 3, 5 ….",
        ),
    ),
    "mri": (
        OptionForm(
            name="accelerate", kind="number", default=None, min=1, label="Leave lines out",
            help="For experiments with a full scan, which is the truth then: so many times less is "
            "measured; empty = nothing is left out.",
        ),
        OptionForm(
            name="maps", kind="choice", default="auto", choices=["auto", "none"],
            label="Coil maps from the data",
            help="auto = from the middle of k-space; none = each coil has an image of its own.",
        ),
        _SLICE,
        OptionForm(
            name="frame", kind="integer", default=None, min=0, label="Frame",
            help="Only this frame, repetition or echo, counted from 0; empty = all.",
        ),
        *_BARE,
    ),
    "series": (
        OptionForm(
            name="accelerate", kind="number", default=None, min=1, label="Leave lines out",
            help="For experiments with a full series, which is the truth then: so many times less "
            "is measured of each frame; empty = nothing is left out.",
        ),
        OptionForm(
            name="maps", kind="choice", default="auto", choices=["auto"],
            label="Coil maps from the data", help="From the mean over time.",
        ),
        _SLICE,
        OptionForm(
            name="real", kind="boolean", default=False, label="No phase",
            help="A magnitude series of one coil.",
        ),
        OptionForm(
            name="periodic", kind="boolean", default=False, label="A cycle",
            help="The first frame follows the last: one cycle of a heart.",
        ),
        *_BARE,
    ),
    "ct": (
        OptionForm(
            name="unit", kind="choice", default=None, choices=["deg", "rad"],
            label="Unit of the angles", help="Degrees or radians.",
        ),
        OptionForm(
            name="centre", kind="text", default="auto", label="Axis of rotation",
            help="Its detector pixel, 0 = the middle of the first; auto = found.",
        ),
        OptionForm(
            name="views", kind="integer", default=None, min=2, label="Views",
            help="For experiments: use only so many, evenly spaced; empty = all.",
        ),
        OptionForm(
            name="binning", kind="integer", default=1, min=1, max=64, label="Binning",
            help="So many detector pixels become one.",
        ),
        OptionForm(
            name="size", kind="integer", default=None, min=8, label="Size of the image",
            help="Height and width; empty = what the projections show.",
        ),
        _SLICE,
        OptionForm(
            name="kind", kind="choice", default=None, choices=["sinogram", "counts"],
            label="Bare numbers are", help="What .npy or TIFF holds: line integrals, or counts.",
        ),
        OptionForm(
            name="axes", kind="choice", default=None, choices=["views", "slices"],
            label="The first axis counts", help="Of a bare array of three axes.",
        ),
        OptionForm(
            name="photons", kind="number", default=None, min=1, label="Photons",
            help="Counts of an open beam: the loss is then that of photons; empty = the recipe's.",
        ),
        OptionForm(
            name="rings", kind="choice", default=None, choices=["fitted", "ignored"],
            label="Rings", help="Find an offset for every detector pixel with the image, or none.",
        ),
    ),
    "sensing": (
        OptionForm(
            name="matrix", kind="text", default=None, label="Random matrix",
            help="hadamard:SEED, gaussian:SEED or fourier:SEED, where there is no file.",
        ),
        OptionForm(
            name="size", kind="text", default=None, label="Size of the image",
            help="HEIGHTxWIDTH, such as 256x256.",
        ),
        OptionForm(
            name="white", kind="number", default=None, min=0, label="White",
            help="The value of white in the image; empty = 1, or as the measurements say.",
        ),
    ),
}  # fmt: skip


_LEFT_OUT = {"denoise": {"photons", "strength", "colour_strength", "joint"}}
# Options that a job has only where they are given: the command leaves them out, too, so that both
# have one fingerprint.


def option_forms(task: str) -> tuple[OptionForm, ...]:
    """Return the options of a task."""
    return _OPTIONS.get(task, ())


def complete_options(task: str, given: Mapping[str, Value]) -> dict[str, Any]:
    """Return all options of a task, those not given with their defaults.

    Raises:
        InputError: an unknown task or option, or a value of another kind or out of range.
    """
    find_task(task)
    forms = {form.name: form for form in option_forms(task)}
    for name in given:
        if name not in forms:
            has = f"it has {', '.join(forms)}" if forms else "it has none"
            raise InputError(f"no option {name!r} for {task}; {has}")
    options = {
        name: _checked(form, given[name]) if name in given else form.default
        for name, form in forms.items()
        if name not in _LEFT_OUT.get(task, ()) or given.get(name) is not None
    }
    find_task(task).check(options)
    return options


def _checked(form: OptionForm, value: Value) -> Value:
    if value is None and form.default is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "boolean": isinstance(value, bool),
        "integer": number and float(value or 0).is_integer(),
        "number": number and math.isfinite(float(value or 0)),
        "choice": value in form.choices,
        "text": isinstance(value, str),
    }[form.kind]
    wanted = "one of " + ", ".join(form.choices) if form.kind == "choice" else f"a {form.kind}"
    if not fits:
        raise InputError(f"{form.name} is {value!r}; wanted {wanted}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = form.min, form.max
        if (low is not None and value < low) or (high is not None and value > high):
            limits = f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
            raise InputError(f"{form.name} is {value}; wanted {limits}")
        return int(value) if form.kind == "integer" else float(value)
    return value
