"""Video files by PyAV: frames out of them and into them, with their times, colours and sound."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.images.colours import Colours, colours_of, from_rgb, to_rgb, turned, upright
from untrained.images.frame import Frame

__all__ = ["VIDEO_SUFFIXES", "read_video", "write_video"]

_CODECS = {
    ".mkv": "ffv1", ".mp4": "libx264", ".mov": "libx264", ".m4v": "libx264", ".webm": "libvpx-vp9",
}  # fmt: skip
VIDEO_SUFFIXES = tuple(_CODECS)
"""The videos that can be written."""

_OPTIONS = {  # errors well below those of any restoration
    "libx264": {"crf": "8", "preset": "medium"},
    "libvpx-vp9": {"crf": "10", "b": "0", "deadline": "good", "cpu-used": "2", "row-mt": "1"},
}


def read_video(source: Path, start: int) -> Iterator[Frame]:
    """Yield the frames of a video from the given one on, upright, in RGB.

    Raises:
        InputError: no video, no PyAV; colours or a turn that are not understood.
    """
    av = _av()
    if not source.exists():
        raise InputError(f"{source}: no such file")
    try:
        with av.open(str(source)) as container:
            if not container.streams.video:
                raise InputError(f"{source}: has no pictures; wanted a video")
            coder = container.streams.video[0].codec_context
            for i, frame in enumerate(container.decode(video=0)):
                if i >= start:
                    pixels = to_rgb(frame, colours_of(frame, coder), deep=_bits(frame) > 8)
                    yield Frame(
                        pixels=upright(pixels, turned(frame)), name=f"{i + 1:06d}.png",
                        time=frame.pts,
                    )  # fmt: skip
    except av.error.FFmpegError as error:
        raise InputError(f"{source}: cannot be read as a video ({error.strerror})") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """What is to be kept of a video beside its frames; `size` is that of the upright ones."""

    colours: Colours
    bits: int
    form: str
    alpha: bool
    turn: tuple[int, int, int, int]
    size: tuple[int, int]
    aspect: Fraction | None
    rate: Fraction | None
    tick: Fraction

    def ticks(self, number: int) -> int:
        """Return the time of a frame where the file gives none."""
        return round(number / (self.rate or 25) / self.tick)


def _look_at(source: Path) -> _Source:
    """Return what the first frame of a video says, and its container."""
    with _av().open(str(source)) as given:
        stream = given.streams.video[0]
        frame = next(given.decode(video=0))
        turn, aspect = turned(frame), stream.sample_aspect_ratio
        size = (frame.height, frame.width)
        if turn[0] == 0:
            size, aspect = size[::-1], 1 / aspect if aspect else None
        return _Source(
            colours=colours_of(frame, stream.codec_context), bits=_bits(frame),
            form=frame.format.name, alpha=any(c.is_alpha for c in frame.format.components),
            turn=turn, size=size, aspect=aspect, rate=stream.average_rate, tick=stream.time_base,
        )  # fmt: skip


def write_video(part: Path, frames: Iterable[Frame], source: Path) -> str:
    """Write the frames of a video; return what is to be told, "" if nothing is."""
    av = _av()
    old = _look_at(source)
    codec = _CODECS[part.suffix.lower()]
    if codec not in av.codecs_available:
        raise InputError(f"{part.suffix} needs {codec}, which this PyAV lacks; use .mkv")
    new = None
    with av.open(str(source)) as given, av.open(str(part), "w") as made:
        sound, told = _add_sound(given, made)
        for number, frame in enumerate(frames):
            if new is None:
                size = frame.pixels.shape[:2]
                pixel_format, bits = _pixel_format(codec, old, size)
                rgb = codec == "ffv1"
                colours = old.colours.as_rgb() if rgb else old.colours.as_yuv(old.size, size)
                new = made.add_stream(codec, rate=old.rate, options=_OPTIONS.get(codec, {}))
                new.height, new.width, new.pix_fmt = *size, pixel_format
                new.codec_context.time_base = old.tick
                if old.aspect:
                    new.codec_context.sample_aspect_ratio = old.aspect
                colours.put_on(new.codec_context)
            picture = from_rgb(frame.pixels, pixel_format, colours)
            picture.time_base = old.tick
            picture.pts = old.ticks(number) if frame.time is None else frame.time
            for packet in new.encode(picture):
                made.mux(packet)
        assert new is not None, "a clip has frames"
        for packet in new.encode():
            made.mux(packet)
        if sound is not None:
            for packet in sound(given):
                made.mux(packet)
    return "; ".join(line for line in (told, *_losses(old, bits, part.suffix.lower())) if line)


def _losses(old: _Source, bits: int, suffix: str) -> Iterator[str]:
    if old.bits > bits:
        yield f"{old.bits} bits become {bits} (.mkv keeps them)"
    if old.aspect not in (None, 1) and suffix in (".mkv", ".webm"):  # PyAV cannot say it there
        wide = f"{old.aspect.numerator}:{old.aspect.denominator}"
        yield f"the pixels are {wide}, which {suffix} does not say here (.mp4 does)"
    if old.alpha:
        yield "transparency is left out"
    if old.turn != (1, 0, 0, 1):
        yield "the pictures are stored upright now, as players showed them"


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise InputError("videos need PyAV; pip install 'untrained[video]'") from None
    return av


def _bits(frame: Any) -> int:
    return max(int(c.bits) for c in frame.format.components)


def _add_sound(given: Any, made: Any) -> tuple[Callable[[Any], Iterator[Any]] | None, str]:
    """Return what makes the packets of the sound, as it is if possible, and what is to be told."""
    tracks = given.streams.audio
    if not tracks:
        return None, ""
    more = f"; of {len(tracks)} tracks the first" if len(tracks) > 1 else ""
    for start, told in ((_copied, "copied"), (_encoded, "encoded anew")):
        if _takes(tracks[0], made, start):
            return start(tracks[0], made), f"the sound is {told}{more}"
    return None, "the sound is left out: this kind of file cannot take it (try .mkv)"


def _copied(track: Any, made: Any) -> Callable[[Any], Iterator[Any]]:
    stream = made.add_stream_from_template(track)

    def packets(given: Any) -> Iterator[Any]:
        for packet in given.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                yield packet

    return packets


def _encoded(track: Any, made: Any) -> Callable[[Any], Iterator[Any]]:
    codec = "libopus" if made.format.name == "webm" else "aac"
    rate = 48000 if codec == "libopus" else track.rate
    stream = made.add_stream(codec, rate=rate, layout=track.layout.name)
    stream.bit_rate = 96000 * track.channels

    def packets(given: Any) -> Iterator[Any]:
        for frame in given.decode(audio=0):
            yield from stream.encode(frame)
        yield from stream.encode()

    return packets


def _takes(sound: Any, made: Any, start: Callable[[Any, Any], Any]) -> bool:
    """Whether a file of this kind takes the sound so; some fail only once it is written."""
    av = _av()
    try:
        with (
            av.open(sound.container.name) as given,
            av.open(io.BytesIO(), "w", format=made.format.name) as container,
        ):
            packets = start(given.streams.audio[0], container)
            for packet in itertools.islice(packets(given), 16):
                container.mux(packet)
    except (ValueError, OSError):  # FFmpegError is one of these
        return False
    return True


def _pixel_format(codec: str, old: _Source, size: tuple[int, int]) -> tuple[str, int]:
    """Return the format that loses least, and its bits.

    RGB in FFV1, else halved colours only if they were.
    """
    if codec == "ffv1":
        return ("gbrp16le", 16) if old.bits > 8 else ("bgr0", 8)
    even = size[0] % 2 == size[1] % 2 == 0
    halved = _halves(old.form) and (even or codec == "libvpx-vp9")
    plain = "yuv420p" if halved else "yuv444p"
    can = {form.name for form in _av().codec.Codec(codec, "w").video_formats}
    deep = [bits for bits in (10, 12) if old.bits > 8 and f"{plain}{bits}le" in can]
    bits = next((bits for bits in deep if bits >= old.bits), max(deep, default=8))
    return plain + (f"{bits}le" if bits > 8 else ""), bits


def _halves(form: str) -> bool:
    """Whether a pixel format has a quarter of the colours, as 4:2:0 has."""
    return "420p" in form or form.startswith(("nv12", "nv21", "p010", "p012", "p016"))
