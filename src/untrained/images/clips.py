"""Clips, frame by frame: video files by PyAV, or folders of pictures in the order of their names.

A frame is (H, W, 3), uint8, or uint16 where the file has more than 8 bits.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import make_folder
from untrained.errors import InputError
from untrained.images.files import is_image_path, read_picture, write_picture
from untrained.images.picture import Picture

__all__ = ["Frame", "read_clip", "write_clip"]

_CODECS = {".mkv": "ffv1", ".mp4": "libx264", ".mov": "libx264", ".m4v": "libx264"}
_CRF = "12"  # H.264: errors well below those of any restoration


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """One picture of a clip; `name` is that of its file in a folder, `time` (ticks) in a video."""

    pixels: NDArray[Any]
    name: str
    time: int | None = None


def read_clip(source: Path, *, start: int = 0) -> Iterator[Frame]:
    """Return the frames of a video file, or of a folder of pictures, from the given one on.

    Raises:
        InputError: no video, no PyAV; a folder without pictures, with two of one name, or with
            pictures that are no frames of one clip.
    """
    return _read_folder(source, start) if source.is_dir() else _read_video(source, start)


def write_clip(target: Path, frames: Iterable[Frame], *, source: Path) -> str:
    """Write frames, with the times, the colour tags and the sound of the source if that is a video.

    A target with a suffix is a video: .mkv without loss (FFV1), .mp4, .mov or .m4v as H.264 of high
    quality, with colours at half the size only where the source has them so and both sides are
    even. Else it is a folder of PNG files.

    Returns:
        what became of the sound, "" where there was none.

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
        told = _write_video(part, frames, source)
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
    if target.suffix.lower() not in _CODECS:
        raise InputError(
            f"{target}: cannot be written; wanted {', '.join(_CODECS)} or a folder (no suffix)"
        )
    if source.is_dir():
        raise InputError(f"{source}: is a folder of pictures; wanted a folder (no suffix) for -o")


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise InputError("videos need PyAV; pip install 'untrained[video]'") from None
    return av


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


def _read_video(source: Path, start: int) -> Iterator[Frame]:
    av = _av()
    if not source.exists():
        raise InputError(f"{source}: no such file")
    try:
        with av.open(str(source)) as container:
            if not container.streams.video:
                raise InputError(f"{source}: has no pictures; wanted a video")
            for i, frame in enumerate(container.decode(video=0)):
                if i >= start:
                    deep = any(c.bits > 8 for c in frame.format.components)
                    yield Frame(
                        pixels=frame.to_ndarray(format="rgb48le" if deep else "rgb24"),
                        name=f"{i + 1:06d}.png", time=frame.pts,
                    )  # fmt: skip
    except av.error.FFmpegError as error:
        raise InputError(f"{source}: cannot be read as a video ({error.strerror})") from None


def _write_video(part: Path, frames: Iterable[Frame], source: Path) -> str:
    av = _av()
    with av.open(str(source)) as given, av.open(str(part), "w") as made:
        old = given.streams.video[0]
        sound, told = _add_sound(given, made)
        new = None
        for frame in frames:
            deep = frame.pixels.dtype == np.uint16
            if new is None:
                new = made.add_stream(_CODECS[part.suffix.lower()], rate=old.average_rate)
                height, width = frame.pixels.shape[:2]
                new.width, new.height = width, height
                new.pix_fmt = _pixel_format(new.name, old.pix_fmt, (height, width), deep)
                new.codec_context.time_base = old.time_base
                new.codec_context.colorspace = old.codec_context.colorspace
                new.codec_context.color_primaries = old.codec_context.color_primaries
                new.codec_context.color_trc = old.codec_context.color_trc
                if new.name == "libx264":
                    new.options = {"crf": _CRF, "preset": "medium"}
            picture = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(frame.pixels), format="rgb48le" if deep else "rgb24"
            )
            picture.pts, picture.time_base = frame.time, old.time_base
            for packet in new.encode(picture):
                made.mux(packet)
        assert new is not None, "a clip has frames"
        for packet in new.encode():
            made.mux(packet)
        if sound is not None:
            for packet in given.demux(audio=0):
                if packet.dts is not None:
                    packet.stream = sound
                    made.mux(packet)
    return told


def _add_sound(given: Any, made: Any) -> tuple[Any, str]:
    """Return the stream that takes the sound as it is, and what is to be told of it."""
    if not given.streams.audio:
        return None, ""
    tracks = given.streams.audio
    if not _takes(tracks[0], made):
        return None, "the sound is left out: this kind of file cannot take it as it is (try .mkv)"
    more = f"; of {len(tracks)} tracks the first" if len(tracks) > 1 else ""
    return made.add_stream_from_template(tracks[0]), f"the sound is copied{more}"


def _takes(sound: Any, made: Any) -> bool:
    """Whether a file of this kind takes the sound as it is; some fail only once it is written."""
    av = _av()
    trial = io.BytesIO()
    try:
        with (
            av.open(sound.container.name) as given,
            av.open(trial, "w", format=made.format.name) as container,
        ):
            stream = container.add_stream_from_template(given.streams.audio[0])
            for packet in itertools.islice(given.demux(audio=0), 16):
                if packet.dts is not None:
                    packet.stream = stream
                    container.mux(packet)
    except (ValueError, OSError):  # FFmpegError is one of these
        return False
    return True


def _pixel_format(codec: str, old: str, size: tuple[int, int], deep: bool) -> str:
    """Return the format that loses least: RGB in FFV1, and in H.264 halved colours if they were."""
    if codec == "ffv1":
        return "gbrp16le" if deep else "bgr0"
    halved = "420p" in old and size[0] % 2 == size[1] % 2 == 0
    return ("yuv420p" if halved else "yuv444p") + ("10le" if deep else "")
