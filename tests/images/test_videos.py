"""Videos: what goes in comes out, in colour, time and the way up."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained import InputError
from untrained.images import read_clip, write_clip

av: Any = pytest.importorskip("av")

# Of each matrix of H.273: the weights of red and blue in Y (BT.601, BT.709, BT.2020).
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
COLOURS = np.array(
    [(220, 40, 40), (40, 200, 60), (50, 60, 210), (230, 220, 30), (128, 128, 128), (250, 250, 250)]
)


def flats(height: int = 32) -> NDArray[Any]:
    """Six flat colours side by side, 16 pixels each."""
    return np.tile(np.repeat(COLOURS, 16, axis=0)[None], (height, 1, 1)).astype(np.uint8)


def yuv(rgb: NDArray[Any], matrix: int, full: bool, white: int = 255) -> NDArray[Any]:
    """(H, W, 3) RGB -> the same in Y, Cb, Cr, by the formula of H.273."""
    red, blue = WEIGHTS[matrix]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    colour = (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)
    step, middle = (white + 1) // 256, (white + 1) / 2
    if full:
        planes = [white * y, *(white * c + middle for c in colour)]
    else:
        planes = [step * (219 * y + 16), *(step * 224 * c + middle for c in colour)]
    return np.rint(np.stack(planes)).clip(0, white)


def rgb_of(planes: NDArray[Any], matrix: int, full: bool, white: int = 255) -> NDArray[Any]:
    """Undo `yuv`."""
    red, blue = WEIGHTS[matrix]
    step, middle = (white + 1) // 256, (white + 1) / 2
    y, cb, cr = planes.astype(float)
    y, scale = (y / white, white) if full else ((y / step - 16) / 219, 224 * step)
    cb, cr = ((c - middle) / scale for c in (cb, cr))
    r, b = y + (2 - 2 * red) * cr, y + (2 - 2 * blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.stack([r, g, b], -1) * 255


def frame_of(planes: NDArray[Any], form: str) -> Any:
    """A frame whose planes are exactly these; those of colour thinned out as the form has them."""
    height, width = planes.shape[1:]
    frame = av.VideoFrame(width, height, form)
    dtype = np.uint16 if "10" in form or "12" in form else np.uint8
    for plane, values in zip(frame.planes, planes, strict=True):
        across, down = -(-width // plane.width), -(-height // plane.height)
        rows = np.zeros((plane.height, plane.line_size // dtype().itemsize), dtype)
        rows[:, : plane.width] = values[::down, ::across]
        plane.update(rows.tobytes())
    return frame


def planes_of(frame: Any) -> NDArray[Any]:
    """The planes of a frame as they are, all of full size."""
    dtype = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(bytes(plane), dtype).reshape(plane.height, -1)[:, : plane.width]
        down, across = -(-frame.height // plane.height), -(-frame.width // plane.width)
        rows = rows.repeat(down, 0).repeat(across, 1)
        planes.append(rows[: frame.height, : frame.width])
    return np.stack(planes)


def make(
    path: Path, planes: NDArray[Any], *, form: str = "yuv420p", matrix: int = 2,
    full: bool | None = None, primaries: int = 2, transfer: int = 2,
    times: tuple[int, ...] = (0, 1), codec: str = "libx264", aspect: Fraction | None = None,
) -> Path:  # fmt: skip
    """Write a video of these planes, the same at all times (in 1/25 s)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *planes.shape[1:], form
        coder = stream.codec_context
        coder.time_base, coder.colorspace = Fraction(1, 25), matrix
        coder.color_primaries, coder.color_trc = primaries, transfer
        if aspect is not None:
            coder.sample_aspect_ratio = aspect
        if full is not None:
            coder.color_range = 2 if full else 1
        for time in times:
            frame = frame_of(planes, form)
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def seen(path: Path) -> NDArray[Any]:
    """The last picture as a player shows it: by the tags, untagged by its size."""
    with av.open(str(path)) as container:
        tag = int(container.streams.video[0].codec_context.colorspace)
        frame = list(container.decode(video=0))[-1]
    if frame.format.is_rgb:
        return np.asarray(frame.to_ndarray(format="rgb24"))
    tag = tag if int(frame.colorspace) == 2 else int(frame.colorspace)
    matrix = {5: 6, 2: 1 if frame.height >= 720 else 6}.get(tag, tag)
    white = 2 ** frame.format.components[0].bits - 1
    return rgb_of(planes_of(frame), matrix, int(frame.color_range) == 2, white)


def tags(path: Path) -> tuple[int, ...]:
    with av.open(str(path)) as container:
        coder = container.streams.video[0].codec_context
        names = ("colorspace", "color_range", "color_primaries", "color_trc")
        return tuple(int(getattr(coder, name)) for name in names)


def at_centres(picture: NDArray[Any]) -> NDArray[Any]:
    return picture[len(picture) // 2, 8::16].astype(float)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "primaries", "transfer"), [(1, 1, 1), (6, 6, 6), (9, 9, 14)])
def test_colours_come_out_as_they_went_in(
    tmp_path: Path, suffix: str, full: bool, matrix: int, primaries: int, transfer: int
) -> None:
    source = make(
        tmp_path / "in.mp4", yuv(flats(), matrix, full), matrix=matrix, full=full,
        primaries=primaries, transfer=transfer,
    )  # fmt: skip
    read = list(read_clip(source))
    assert np.abs(at_centres(read[-1].pixels) - COLOURS).max() <= 2
    target = tmp_path / f"out{suffix}"
    write_clip(target, read, source=source)
    assert np.abs(at_centres(seen(target)) - COLOURS).max() <= 2
    again = list(read_clip(target))
    assert np.abs(at_centres(again[-1].pixels) - COLOURS).max() <= 2
    lossless = suffix == ".mkv"
    wanted = (0, 2) if lossless else (matrix, 2 if full else 1)
    assert tags(target) == (*wanted, primaries, transfer)
    if lossless:
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(read, again, strict=True))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize(("height", "matrix"), [(480, 6), (720, 1)])
def test_an_untagged_video_has_the_colours_that_players_show(
    tmp_path: Path, suffix: str, height: int, matrix: int
) -> None:
    source = make(tmp_path / "in.mp4", yuv(flats(height), matrix, False))
    read = list(read_clip(source))
    assert np.abs(at_centres(read[-1].pixels) - COLOURS).max() <= 2
    write_clip(tmp_path / f"out{suffix}", read, source=source)
    assert np.abs(at_centres(seen(tmp_path / f"out{suffix}")) - COLOURS).max() <= 2


def test_an_enlarged_untagged_video_says_by_which_matrix_it_is_coded(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", yuv(flats(360), 6, False))
    for frame in (frames := list(read_clip(source))):
        object.__setattr__(frame, "pixels", frame.pixels.repeat(2, 0))
    write_clip(tmp_path / "out.mp4", frames, source=source)
    assert tags(tmp_path / "out.mp4")[0] == 6
    assert np.abs(at_centres(seen(tmp_path / "out.mp4")) - COLOURS).max() <= 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_uneven_times_are_kept(tmp_path: Path, suffix: str) -> None:
    times = (0, 1, 5, 6, 15)
    source = make(tmp_path / "in.mp4", yuv(flats(), 1, False), matrix=1, times=times)
    target = tmp_path / f"out{suffix}"
    write_clip(target, read_clip(source), source=source)
    with av.open(str(target)) as container:
        shown = np.array([float(frame.time) for frame in container.decode(video=0)])
    assert shown - shown[0] == pytest.approx(np.array(times) / 25, abs=0.002)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("form", ["yuv420p10le", "yuv422p", "yuv444p"])
def test_other_forms_and_odd_sides_keep_size_and_colours(
    tmp_path: Path, suffix: str, form: str
) -> None:
    white = 1023 if "10" in form else 255
    planes = yuv(flats(), 1, False, white)
    planes = planes if form != "yuv444p" else planes[:, :31, :95]  # odd
    source = make(tmp_path / "in.mkv", planes, form=form, matrix=1, codec="ffv1")
    read = list(read_clip(source))
    assert read[0].pixels.dtype == (np.uint16 if white > 255 else np.uint8)
    target = tmp_path / f"out{suffix}"
    told = write_clip(target, read, source=source)
    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
    assert (frame.height, frame.width) == planes.shape[1:]
    bits = frame.format.components[0].bits
    assert bits >= 10 or white == 255 or told == f"10 bits become {bits} (.mkv keeps them)"
    assert np.abs(at_centres(seen(target)) - COLOURS).max() <= 2


def test_bits_that_are_lost_are_told(tmp_path: Path) -> None:
    planes = yuv(flats(), 1, False, 4095)
    source = make(tmp_path / "in.mkv", planes, form="yuv420p12le", matrix=1, codec="ffv1")
    assert "12 bits become 10" in write_clip(tmp_path / "o.mp4", read_clip(source), source=source)
    assert write_clip(tmp_path / "o.mkv", read_clip(source), source=source) == ""
    assert np.abs(at_centres(seen(tmp_path / "o.mp4")) - COLOURS).max() <= 2


@pytest.mark.parametrize(
    ("matrix", "quarters", "mirrored"),
    [((0, 1, -1, 0), -1, False), ((-1, 0, 0, -1), 2, False), ((0, -1, 1, 0), 1, False),
     ((-1, 0, 0, 1), 0, True)],
)  # fmt: skip
def test_a_turned_video_is_stored_upright(
    tmp_path: Path, matrix: tuple[int, ...], quarters: int, mirrored: bool
) -> None:
    source = make(tmp_path / "in.mp4", yuv(flats(), 1, False), matrix=1)
    plain = next(iter(read_clip(source))).pixels
    data = bytearray(source.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the matrix of the track's header
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    source.write_bytes(data)
    wanted = np.rot90(plain, quarters)
    wanted = wanted[:, ::-1] if mirrored else wanted
    read = list(read_clip(source))
    assert np.array_equal(read[0].pixels, wanted)
    told = write_clip(tmp_path / "out.mkv", read, source=source)
    assert "upright" in told
    assert np.array_equal(next(read_clip(tmp_path / "out.mkv")).pixels, wanted)


def test_oblong_pixels_stay_oblong(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", yuv(flats(), 6, False), matrix=6, aspect=Fraction(16, 11))
    for suffix in (".mp4", ".mov"):
        write_clip(tmp_path / f"o{suffix}", read_clip(source), source=source)
        with av.open(str(tmp_path / f"o{suffix}")) as container:
            assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
    for suffix in (".mkv", ".webm"):
        told = write_clip(tmp_path / f"o{suffix}", read_clip(source), source=source)
        with av.open(str(tmp_path / f"o{suffix}")) as container:
            kept = container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
        assert kept or "16:11" in told


def test_colours_that_are_not_understood_are_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", yuv(flats(), 1, False), matrix=8)  # YCgCo
    with pytest.raises(InputError, match=r"matrix 8 .* convert it"):
        list(read_clip(source))


def with_sound(path: Path, codec: str) -> NDArray[Any]:
    """Write a second of one colour with a rising tone, and return the tone."""
    seconds = np.arange(48000) / 48000
    tone = np.sin(2 * np.pi * (200 + 900 * seconds) * seconds).astype(np.float32)[None] / 4
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1" if path.suffix == ".mkv" else "libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 96, "yuv420p"
        sound = container.add_stream(codec, rate=48000, layout="mono")
        for i in range(25):
            frame = frame_of(yuv(flats(), 6, False), "yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        piece = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        piece.sample_rate, piece.pts = 48000, 0
        container.mux(sound.encode(piece))
        container.mux(sound.encode())
    return tone[0]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("source", ["aac.mp4", "libopus.mkv", "pcm_s16le.mkv"])
def test_sound_comes_along_in_time(tmp_path: Path, source: str, suffix: str) -> None:
    given = tmp_path / source
    tone = with_sound(given, given.stem)
    target = tmp_path / f"out{suffix}"
    told = write_clip(target, read_clip(given), source=given)
    assert told in ("the sound is copied", "the sound is encoded anew")
    with av.open(str(target)) as container:
        start = next(container.decode(video=0)).time
    with av.open(str(target)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48000)
        heard = [f for piece in container.decode(audio=0) for f in resampler.resample(piece)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in heard])
    begin = round((start - heard[0].time) * 48000)  # of the picture, in the sound
    alike = {
        shift: np.corrcoef(samples[begin + 12000 + shift :][:24000], tone[12000:36000])[0, 1]
        for shift in range(-960, 961, 4)
    }
    shift = max(alike, key=lambda shift: float(alike[shift]))
    assert alike[shift] > 0.9
    assert abs(shift) <= 480  # 10 ms, what encoders put before the sound
