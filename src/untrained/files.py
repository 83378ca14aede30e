"""Small jobs on picture files that need no fit: make a test case, compare two pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained import degrade
from untrained.arrays import to_unit
from untrained.errors import InputError
from untrained.images import Picture, check_writable, read_picture, with_pixels, write_picture
from untrained.metrics import psnr, ssim
from untrained.operators.blur import gaussian_kernel
from untrained.operators.mosaic import Pattern
from untrained.tasks.deblur import read_kernel

__all__ = ["degrade_file", "score_files"]


def degrade_file(
    source: Path,
    target: Path,
    *,
    downscale: int | None = None,
    blur: str | None = None,
    interlace: int | None = None,
    mosaic: Pattern | None = None,
    noise: float | None = None,
    poisson: float | None = None,
    jpeg: int | None = None,
    missing: float | None = None,
    text: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write a degraded copy of a picture, its mask, and its truth where that had to be cropped.

    The degradations are those of `untrained.degrade`, in the order of the arguments; `noise` is on
    the 0-255 scale, `blur` a σ in pixels or the path of a kernel. Depth, alpha and metadata are
    those of the source.

    Returns:
        the written files by what they are: degraded, kernel, mask, truth.

    Raises:
        InputError: nothing asked for, a value out of range, a target that exists.
    """
    if all(value is None for value in (
        downscale, blur, interlace, mosaic, noise, poisson, jpeg, missing, text,
    )):  # fmt: skip
        raise InputError(
            "nothing to do; give --noise, --poisson, --missing, --text, --downscale, --blur, "
            "--mosaic, --interlace or --jpeg"
        )
    picture = read_picture(source)
    if len(picture.pixels) > 1:
        raise InputError(f"{source}: is a stack of {len(picture.pixels)} pages; wanted one picture")
    if not np.isfinite(picture.pixels).all():
        raise InputError(f"{source}: has NaN pixels; wanted a clean picture")
    full = float(np.iinfo(picture.pixels.dtype).max) if _is_integer(picture.pixels) else 1.0
    image = picture.pixels[0].astype(np.float64) / full
    generator = np.random.default_rng(seed)
    written = {"degraded": target}
    outputs: dict[Path, Picture] = {}
    alpha = picture.alpha
    if downscale is not None:
        if downscale < 2:
            raise InputError(f"downscale is {downscale}; wanted a whole number from 2 up")
        if alpha is not None:
            raise InputError(f"{source}: has an alpha channel, which --downscale does not shrink")
        cropped = degrade.crop_to_multiple(image, downscale)
        if cropped.shape != image.shape:
            written["truth"] = _beside(target, "truth")
            outputs[written["truth"]] = _with_image(picture, cropped, full)
        image = degrade.downscale(cropped, downscale)
    if blur is not None:
        kernel, path = _kernel(blur), _beside(target, "kernel").with_suffix(".npy")
        image = np.clip(degrade.blur(image, kernel), 0, 1)
        written["kernel"], outputs[path] = path, Picture.from_array(kernel)
    if interlace is not None:
        image = degrade.interlace(image, interlace)
    if mosaic is not None:
        image = degrade.mosaic(image, mosaic)
    if noise is not None:
        image = degrade.gaussian_noise(image, noise / 255, generator=generator)
    if poisson is not None:
        image = degrade.poisson_noise(image, poisson, generator=generator)
    if jpeg is not None:
        image = degrade.jpeg(image, jpeg)
    known = np.ones(image.shape[:2], dtype=bool)
    if missing is not None:
        known &= degrade.missing(known.shape, missing, generator=generator)
    if text is not None:
        known &= degrade.text_mask(known.shape, text)
    if not known.all():
        image = image * known[:, :, None]
        written["mask"] = _beside(target, "mask").with_suffix(".png")
        mask = np.where(known, 255, 0).astype(np.uint8)
        outputs[written["mask"]] = Picture.from_array(mask)
    outputs[target] = _with_image(picture, image, full)
    for path, result in outputs.items():
        if path.exists() and not overwrite:
            raise InputError(f"{path}: exists; pass --overwrite to replace it")
        if path.exists() and path.samefile(source):
            raise InputError(f"{path}: is the input itself; give another output with -o")
        check_writable(path, result)
    target.parent.mkdir(parents=True, exist_ok=True)
    for path, result in outputs.items():
        write_picture(path, result)
    return written


def score_files(estimate: Path, truth: Path) -> dict[str, float]:
    """Return PSNR (dB, over the truth's full scale) and SSIM of one picture against another.

    Raises:
        InputError: another size, number of channels or pages.
    """
    pictures = [read_picture(path) for path in (estimate, truth)]
    got, wanted = ("x".join(map(str, p.pixels.shape)) for p in pictures)
    if got != wanted:
        raise InputError(
            f"{estimate} is {got} (pages x height x width x channels), {truth} is {wanted}; "
            "wanted two pictures of one size"
        )
    scores = []
    for page, clean_page in zip(pictures[0].pixels, pictures[1].pixels, strict=True):
        clean, _, unit_range = to_unit(clean_page)
        if page.dtype != clean_page.dtype:
            raise InputError(
                f"{estimate} is {page.dtype}, {truth} is {clean_page.dtype}; wanted one type"
            )
        image, _, _ = to_unit(page, value_range=unit_range)
        peak = unit_range.peak
        scores.append((psnr(image, clean, peak=peak), ssim(image, clean, peak=peak)))
    mean_psnr, mean_ssim = np.mean(scores, axis=0)
    return {"psnr": float(mean_psnr), "ssim": float(mean_ssim)}


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f"{target.stem}-{what}{target.suffix}")


def _with_image(picture: Picture, image: NDArray[Any], full: float) -> Picture:
    dtype = picture.pixels.dtype
    values = np.rint(image * full) if _is_integer(picture.pixels) else image
    return with_pixels(picture, values.astype(dtype)[None])


def _kernel(text: str) -> NDArray[np.float64]:
    """Return the kernel of a σ in pixels, or of a file, with sum 1."""
    try:
        return gaussian_kernel(float(text)).numpy()
    except ValueError as error:
        if isinstance(error, InputError):
            raise
    kernel = read_kernel(Path(text))
    return np.asarray(kernel / kernel.sum())


def _is_integer(array: NDArray[Any]) -> bool:
    return bool(np.issubdtype(array.dtype, np.integer))
