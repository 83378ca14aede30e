"""Formats that are read and not written, told by their content: GIF, BMP, Netpbm; JPEG by name."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from untrained.errors import InputError
from untrained.images import Picture, is_image_path, picture_kind, read_picture, write_picture

Bytes = NDArray[np.uint8]


@pytest.fixture
def colours() -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (11, 17, 3)).astype(np.uint8)


def same(path: Path, wanted: Bytes) -> None:
    """Assert that the one page of a file is this array, with or without colours."""
    picture = read_picture(path)
    got = picture.pixels[0] if wanted.ndim == 3 else picture.pixels[0, :, :, 0]
    np.testing.assert_array_equal(got, wanted)
    assert picture.alpha is None


@pytest.mark.parametrize("suffix", [".bmp", ".ppm"])
def test_colours_gray_and_bits(tmp_path: Path, colours: Bytes, suffix: str) -> None:
    gray, bits = colours[..., 0], colours[..., 0] > 99
    for name, values in (("c", colours), ("g", gray), ("b", bits)):
        Image.fromarray(values).save(tmp_path / f"{name}{suffix}")
    same(tmp_path / f"c{suffix}", colours)
    same(tmp_path / f"g{suffix}", gray)
    same(tmp_path / f"b{suffix}", (255 * bits).astype(np.uint8))


def test_palettes_and_resolution(tmp_path: Path, colours: Bytes) -> None:
    few = Image.fromarray(colours).quantize(8)
    few.save(tmp_path / "a.bmp", dpi=(300, 150))
    few.save(tmp_path / "a.gif")
    for name in ("a.bmp", "a.gif"):
        same(tmp_path / name, np.asarray(few.convert("RGB")))
    metadata = read_picture(tmp_path / "a.bmp").metadata
    assert metadata.resolution == pytest.approx((300, 150), rel=1e-3)
    assert metadata.resolution_unit == "inch"


def test_what_is_transparent_in_a_gif_is_alpha(tmp_path: Path, colours: Bytes) -> None:
    few = Image.fromarray(colours).quantize(4)
    few.save(tmp_path / "a.gif", transparency=1)
    picture = read_picture(tmp_path / "a.gif")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha[0] == 0, np.asarray(few) == 1)


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_of_a_moving_picture_the_first_frame_is_taken_and_told(
    tmp_path: Path, colours: Bytes, suffix: str
) -> None:
    frames = [Image.fromarray(np.roll(colours, i)).quantize(16).convert("RGB") for i in range(3)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(picture.pixels[0], np.asarray(frames[0]))
    assert picture.notes == ("the first of 3 frames was taken",)
    frames[0].save(tmp_path / f"b{suffix}")
    assert read_picture(tmp_path / f"b{suffix}").notes == ()


@pytest.mark.parametrize("kind", [2, 3, 5, 6])
@pytest.mark.parametrize("white", [255, 100, 65535, 1023])
def test_netpbm_of_any_depth(tmp_path: Path, kind: int, white: int) -> None:
    shape = (9, 8, 3) if kind in (3, 6) else (9, 8)
    values = np.random.default_rng(1).integers(0, white + 1, shape)
    header = f"P{kind} # a remark\n#another\n8\t9\n{white}\n".encode()
    raw = values.astype(np.uint8 if white < 256 else ">u2").tobytes()
    text = "\n".join(f"{v} # v" if v == 3 else str(v) for v in values.ravel()).encode()
    path = tmp_path / "a.pnm"
    path.write_bytes(header + (raw if kind in (5, 6) else text))
    full = 255 if white < 256 else 65535
    picture = read_picture(path)
    assert picture.pixels.dtype == (np.uint8 if white < 256 else np.uint16)
    found = picture.pixels[0].reshape(shape)
    np.testing.assert_array_equal(found, np.floor(values * full / white + 0.5))
    if kind in (5, 6):
        path.write_bytes(2 * (header + raw))
        assert read_picture(path).notes == ("the first of several pictures was taken",)


def test_plain_and_raw_bitmaps(tmp_path: Path) -> None:
    bits = np.random.default_rng(2).integers(0, 2, (9, 11)).astype(np.uint8)
    rows = "\n".join("".join(map(str, row)) for row in bits)
    (tmp_path / "a.pbm").write_text(f"P1\n11 9\n{rows}\n")
    (tmp_path / "b.pbm").write_bytes(b"P4 11 9\n" + np.packbits(bits, axis=1).tobytes())
    for name in ("a.pbm", "b.pbm"):
        same(tmp_path / name, 255 * (1 - bits))  # 1 is black


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P6 33 24 255 abc", "PNM is damaged"),
        (b"P5 33 24", "PNM is damaged"),
        (b"P5 9 9 70000 " + bytes(200), "PNM is damaged"),
        (b"P5 9 9 0 " + bytes(200), "PNM is damaged"),
        (b"P5 9 9 100 " + bytes([200]) * 81, "PNM is damaged"),
        (b"P2 9 9 9 " + b"10 " * 81, "PNM is damaged"),
        (b"P2 9 9 9 " + b"-1 " * 81, "PNM is damaged"),
        (b"P2 9 9 9 " + b"x1 " * 81, "PNM is damaged"),
        (b"P3 9 9 9 1 2", "PNM is damaged"),
        (b"P6 99999 99999 255 ", "more than the 250,000,000 pixels"),
        (b"P5 4 4 255 " + bytes(16), "wanted at least 8x8"),
        (b"P5 0 9 255 ", "empty"),
        (b"BM" + bytes(60), "BMP is damaged"),
        (b"GIF89a" + bytes(60), "GIF is damaged"),
        (b"P7\nWIDTH 9", "is not a picture"),
        (b"BMxxxxxxxxxxxx", "is not a picture"),
    ],
)
def test_damaged_files_are_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read_picture(path)
    assert "\n" not in str(error.value)


def test_a_bmp_of_any_size_is_held_against_our_limit_alone(tmp_path: Path, colours: Bytes) -> None:
    Image.fromarray(colours).save(tmp_path / "a.bmp")
    data = bytearray((tmp_path / "a.bmp").read_bytes())
    data[18:26] = (20000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(data)
    with pytest.raises(InputError, match="20000x20000 is more than"):
        read_picture(tmp_path / "a.bmp")


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPE"])
def test_jpeg_has_many_names(tmp_path: Path, colours: Bytes, suffix: str) -> None:
    assert is_image_path(f"a{suffix}")
    for name in (f"a{suffix}", "a.jpg"):
        write_picture(tmp_path / name, Picture.from_array(colours))
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / "a.jpg").read_bytes()


@pytest.mark.parametrize("suffix", [".gif", ".BMP", ".ppm", ".pgm", ".pnm", ".pbm"])
def test_what_is_read_is_not_always_written(tmp_path: Path, colours: Bytes, suffix: str) -> None:
    assert is_image_path(f"a{suffix}")
    with pytest.raises(InputError, match="for an output; wanted PNG"):
        write_picture(tmp_path / f"a{suffix}", Picture.from_array(colours))
    assert picture_kind(tmp_path / f"a{suffix}") is None  # there is none
