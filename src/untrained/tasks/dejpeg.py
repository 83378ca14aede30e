"""Removal of JPEG artefacts: the file says between which bounds the picture lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import natural_range, read_picture, to_unit
from untrained.operators import JpegInterval, JpegTables
from untrained.tasks.base import Asked, Given, Options, Source, Task
from untrained.tasks.calling import FitKeywords, run_task

__all__ = ["Dejpeg", "dejpeg", "read_tables"]


class Dejpeg(Task):
    """y = the decoded file. Option: `agreement`, in steps, see `JpegInterval`."""

    name = "dejpeg"
    participle = "dejpegged"

    def check(self, options: Options) -> None:
        """Refuse an agreement outside of [0, 0.5]."""
        if not 0 <= options["agreement"] <= 0.5:
            raise InputError(f"agreement is {options['agreement']}; wanted 0 to 0.5 steps")

    def given(self, asked: Asked) -> Given:
        """Return the bounds that the file sets."""
        tables = read_tables(asked.source)
        return _given(asked.picture.pixels[0], tables, asked.options["agreement"])


def dejpeg(
    image: Source,
    tables: JpegTables | None = None,
    *,
    agreement: float = 0.0,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Remove the artefacts of JPEG compression.

    Each coefficient of the result is within half a quantisation step of the file's, as in every
    picture that is compressed to that file, but where black or white was clipped, and before the
    result is rounded to 8 bits: a tenth of the pixels may change when it is compressed again.

    Args:
        image: the path of a JPEG file; or what a decoder made of one, (H, W) or (H, W, 3), uint8.
        tables: how it was quantised; None = as the file says.
        agreement: how far from the decoded coefficients the fit may stray at no cost, in steps.
        **fit: as for `denoise`.

    Returns:
        the restored image, same shape and dtype.

    Raises:
        InputError: as for `denoise`; also a file that is no JPEG, or an array without tables.
    """
    pixels = image
    if isinstance(pixels, (str, Path)):
        tables = tables or read_tables(Path(pixels))
        pixels = read_picture(pixels).to_array()
    if tables is None:
        raise InputError("an array does not say how it was quantised; give tables, or a JPEG file")
    return run_task(
        "dejpeg", pixels, _given(pixels, tables, agreement), {**fit, "channel_axis": -1}
    )


def read_tables(path: Path) -> JpegTables:
    """Return the quantisation tables and the subsampling that a JPEG file states.

    Raises:
        InputError: no such file, no JPEG, or not of gray or of three colours, of which the second
            and third are quantised alike.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            layers: Any = getattr(image, "layer", ())
            steps: Any = getattr(image, "quantization", {})
            kind, mode, said = image.format, image.mode, image.info
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except (UnidentifiedImageError, OSError):
        kind = mode = None
        said = {}
    if kind not in ("JPEG", "MPO"):
        raise InputError(
            f"{path}: is no JPEG ({kind or 'unknown'}), and only a JPEG says how it was "
            "quantised; use denoise, or the original file"
        )
    if mode not in ("L", "RGB"):
        raise InputError(f"{path}: is a JPEG of {mode}; convert it to RGB or gray, and use denoise")
    first, *others = layers
    luma = tuple(steps[first[3]])
    if not others:
        return JpegTables(luma=luma, chroma=luma, sampling=(1, 1))
    (second, second_steps), (third, third_steps) = ((c[1:3], tuple(steps[c[3]])) for c in others)
    if (
        second != third
        or second_steps != third_steps
        or first[1] % second[0]
        or first[2] % second[1]
    ):
        raise InputError(
            f"{path}: its colours are sampled or quantised in a way that dejpeg does not know; "
            "use denoise"
        )
    return JpegTables(
        luma=luma, chroma=second_steps, rgb=_is_rgb(said, bytes(c[0] for c in layers)),
        sampling=(first[1] // second[0], first[2] // second[1]),
    )  # fmt: skip


def _is_rgb(said: Mapping[Any, Any], names: bytes) -> bool:
    """Whether three colours are R, G and B, as libjpeg tells: by JFIF, Adobe, then their names."""
    if "jfif" in said:
        return False
    if "adobe_transform" in said:
        return bool(said["adobe_transform"] == 0)
    return names == b"RGB"


def _given(pixels: NDArray[Any], tables: JpegTables, agreement: float) -> Given:
    if pixels.dtype.name != "uint8":
        raise InputError(f"image holds {pixels.dtype} values; a decoded JPEG holds uint8")
    observed = to_unit(pixels, value_range=natural_range(pixels.dtype))[0]
    return Given(operator=JpegInterval(observed, tables, agreement=agreement))
