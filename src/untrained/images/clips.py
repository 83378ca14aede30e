"""Clips, frame by frame: video files by PyAV, or folders of pictures in the order of their names.

A frame is (H, W, 3), uint8, or uint16 where the file has more than 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from untrained.atomic import make_folder
from untrained.errors import InputError
from untrained.images.files import is_image_path, read_picture, write_picture
from untrained.images.frame import Frame
from untrained.images.picture import Picture
from untrained.images.videos import VIDEO_SUFFIXES, read_video, write_video

__all__ = ["Frame", "read_clip", "write_clip"]


def read_clip(source: Path, *, start: int = 0) -> Iterator[Frame]:
    """Return the frames of a video file, or of a folder of pictures, from the given one on.

    Raises:
        InputError: no video, no PyAV; a folder without pictures, with two of one name, or with
            pictures that are no frames of one clip.
    """
    return _read_folder(source, start) if source.is_dir() else read_video(source, start)


def write_clip(target: Path, frames: Iterable[Frame], *, source: Path) -> str:
    """Write frames, with the times, the colour tags and the sound of the source if that is a video.

    A target with a suffix is a video: .mkv without loss (FFV1), .mp4, .mov or .m4v as H.264 and
    .webm as VP9 of high quality, with colours at half the size only where the source has them so
    (and, in H.264, both sides are even). Else it is a folder of PNG files.

    Returns:
        what is to be told: what became of the sound, fewer bits; "" where there is nothing.

    Raises:
        InputError: a suffix that is none of these, a video of a folder's pictures.
    """
    if not target.suffix:
        make_folder(target)
        for frame in frames:
            picture = Picture.from_array(frame.pixels)
            write_picture(target / Path(frame.name).with_suffix(".png"), picture)
        return "" if source.is_dir() else "a folder of pictures has no sound"
    check_target(target, source)
    # The library writes by name: the rename at the end is what makes it whole or not at all.
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        told = write_video(part, frames, source)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return told


def check_target(target: Path, source: Path) -> None:
    """Refuse a target that cannot be written, before anything is done.

    Raises:
        InputError: another suffix, or a folder's pictures, which have no frame rate, as a video.
    """
    if not target.suffix:
        return
    if target.suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(
            f"{target}: cannot be written; "
            f"wanted {', '.join(VIDEO_SUFFIXES)} or a folder (no suffix)"
        )
    if source.is_dir():
        raise InputError(f"{source}: is a folder of pictures; wanted a folder (no suffix) for -o")


def _read_folder(source: Path, start: int) -> Iterator[Frame]:
    paths = sorted(p for p in source.iterdir() if p.is_file() and is_image_path(p))
    if not paths:
        raise InputError(f"{source}: holds no picture; wanted the frames of a clip")
    size, names = None, dict[str, str]()
    for path in paths:
        other = names.setdefault(path.stem, path.name)
        if other != path.name:
            raise InputError(
                f"{source}: {other} and {path.name} would both become {path.stem}.png; rename one"
            )
    for path in paths[start:]:
        picture = read_picture(path)
        pixels = picture.pixels[0]
        if len(picture.pixels) > 1 or picture.alpha is not None:
            raise InputError(f"{path}: is a stack or has an alpha channel; wanted plain frames")
        if pixels.dtype not in (np.uint8, np.uint16):
            raise InputError(f"{path}: holds {pixels.dtype} values; wanted frames of 8 or 16 bits")
        shape = "x".join(map(str, pixels.shape))
        if size is not None and shape != size:
            raise InputError(f"{path}: is {shape}, frames before it {size}; wanted one size")
        size = shape
        yield Frame(pixels=pixels, name=path.name)
