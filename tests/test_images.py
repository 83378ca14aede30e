"""Picture files: what survives, and what is refused."""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from untrained import atomic
from untrained.errors import InputError
from untrained.images import Picture, check_writable, is_image_path, read_picture, write_picture

RNG = np.random.default_rng(0)


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return RNG.normal(100, 500, shape).astype(kind)
    return RNG.integers(0, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)


def picture(height: int, width: int, channels: int, dtype: str, *, alpha: bool) -> Picture:
    return Picture(
        pixels=values((1, height, width, channels), dtype),
        alpha=values((1, height, width), dtype) if alpha else None,
        has_channel_axis=channels > 1 or alpha,
    )


def same(one: Picture, other: Picture) -> None:
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.pixels.dtype == other.pixels.dtype
    assert (one.alpha is None) == (other.alpha is None)
    if one.alpha is not None and other.alpha is not None:
        np.testing.assert_array_equal(one.alpha, other.alpha)


LOSSLESS = [
    *(("png", d, c, a) for d in ("uint8", "uint16") for c in (1, 3) for a in (False, True)),
    *(("webp", "uint8", 3, a) for a in (False, True)),
    *(
        ("tif", d, c, a)
        for d in ("uint8", "uint16", "int16", "float32", "float64")
        for c in (1, 3)
        for a in (False, True)
    ),
    ("tif", "uint16", 5, False),
    *(("npy", d, c, False) for d in ("uint8", "uint16", "float32") for c in (1, 2, 3, 4)),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels", "alpha"), LOSSLESS)
@pytest.mark.parametrize("size", [(8, 8), (13, 9), (81, 121)])
def test_lossless_formats_keep_every_value(
    tmp_path: Path, suffix: str, dtype: str, channels: int, alpha: bool, size: tuple[int, int]
) -> None:
    path = tmp_path / f"a.{suffix}"
    written = picture(*size, channels, dtype, alpha=alpha)
    write_picture(path, written)
    read = read_picture(path)
    same(read, written)
    again = tmp_path / f"b.{suffix}"
    write_picture(again, read)
    same(read_picture(again), written)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a.{suffix}", f"b.{suffix}"]


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close(tmp_path: Path, channels: int) -> None:
    y, x = np.mgrid[0:81, 0:121] / 121
    smooth = np.stack([255 * (0.2 + 0.6 * x * y)] * channels, axis=-1).astype(np.uint8)
    write_picture(tmp_path / "a.jpg", Picture.from_array(smooth))
    read = read_picture(tmp_path / "a.jpg")
    assert read.pixels.shape == (1, 81, 121, channels)
    assert np.abs(read.pixels[0].astype(int) - smooth).max() <= 3


def with_metadata(path: Path) -> bytes:
    """Write a picture with a profile, EXIF and a resolution by libvips; return the profile."""
    image = pyvips.Image.new_from_array(values((20, 30, 3), "uint8")).copy(
        interpretation="srgb", xres=11.811, yres=11.811
    )
    icc = bytes(pyvips.Image.profile_load("srgb").get("icc-profile-data")) if False else b""
    profile = pyvips.Image.profile_load("srgb")
    icc = bytes(profile) if not isinstance(profile, pyvips.Image) else icc
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    text = "A camera (A camera, ASCII, 9 components, 9 bytes)"
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Model", text)
    image.write_to_file(str(path))
    return icc


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_profile_exif_and_resolution_survive(tmp_path: Path, suffix: str) -> None:
    icc = with_metadata(tmp_path / f"a.{suffix}")
    read = read_picture(tmp_path / f"a.{suffix}")
    assert read.pixels.shape == (1, 20, 30, 3)  # stored pixels, not turned
    changed = replace(read, pixels=read.pixels // 2)
    write_picture(tmp_path / f"b.{suffix}", changed)
    after = pyvips.Image.new_from_file(str(tmp_path / f"b.{suffix}"))
    assert after.get("icc-profile-data") == icc
    assert after.get("orientation") == 6
    assert after.get("exif-ifd0-Model").startswith("A camera")
    if suffix != "webp":  # which has no resolution of its own
        assert after.xres == pytest.approx(11.811, abs=0.01)


def test_profile_and_depth_survive_a_change_of_format(tmp_path: Path) -> None:
    icc = with_metadata(tmp_path / "a.png")
    write_picture(tmp_path / "b.tif", read_picture(tmp_path / "a.png"))
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        tags = file.pages[0].tags
        assert bytes(tags[34675].value) == icc
        assert tags[274].value == 6
    write_picture(tmp_path / "c.png", read_picture(tmp_path / "b.tif"))
    assert pyvips.Image.new_from_file(str(tmp_path / "c.png")).get("icc-profile-data") == icc
    deep = picture(9, 10, 3, "uint16", alpha=True)
    write_picture(tmp_path / "d.png", deep)
    write_picture(tmp_path / "d.tif", read_picture(tmp_path / "d.png"))
    same(read_picture(tmp_path / "d.tif"), deep)


def test_tiff_tags_survive(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", values((20, 30), "uint16"), photometric="minisblack",
        description="stained cells", resolution=(120.0, 120.0), resolutionunit="CENTIMETER",
        software="a microscope", compression="lzw", metadata=None,
        extratags=[(271, "s", 0, "Maker", True), (274, "H", 1, 3, True)],
    )  # fmt: skip
    write_picture(tmp_path / "b.tif", read_picture(tmp_path / "a.tif"))
    with tifffile.TiffFile(tmp_path / "a.tif") as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        for code in (259, 262, 270, 271, 274, 282, 283, 296, 305):
            assert b.pages[0].tags[code].value == a.pages[0].tags[code].value, code


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_stacks_keep_their_axes(tmp_path: Path, dtype: str) -> None:
    plain = values((4, 20, 30), dtype)
    tifffile.imwrite(tmp_path / "a.tif", plain, photometric="minisblack")
    read = read_picture(tmp_path / "a.tif")
    assert read.pixels.shape == (4, 20, 30, 1)
    write_picture(tmp_path / "b.tif", read)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), plain)

    hyper = values((3, 2, 20, 30), dtype)
    tifffile.imwrite(tmp_path / "h.tif", hyper, imagej=True, metadata={"axes": "TZYX", "fps": 7.0})
    read = read_picture(tmp_path / "h.tif")
    assert read.lead == (3, 2)
    write_picture(tmp_path / "i.tif", read)
    with tifffile.TiffFile(tmp_path / "i.tif") as file:
        assert file.series[0].axes == "TZYX"
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["fps"] == 7.0
        np.testing.assert_array_equal(file.asarray(), hyper)


@pytest.mark.parametrize("shape", [(9, 10), (9, 10, 3), (5, 9, 10), (5, 9, 10, 3), (9, 10, 1)])
def test_npy_layouts(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = values(shape, "float32")
    np.save(tmp_path / "a.npy", array)
    read = read_picture(tmp_path / "a.npy")
    np.testing.assert_array_equal(read.to_array(), array)
    write_picture(tmp_path / "b.npy", read)
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), array)


def test_nan_passes_through(tmp_path: Path) -> None:
    array = values((9, 10), "float32")
    array[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", array)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").to_array(), array)


def test_one_bit_and_palette_pictures(tmp_path: Path) -> None:
    from PIL import Image

    stripes = (np.arange(100).reshape(10, 10) % 2).astype(bool)
    Image.fromarray(stripes).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "bits.png").pixels[0, :, :, 0], stripes * 255)
    colours = Image.fromarray(values((10, 10, 3), "uint8")).quantize(8)
    colours.save(tmp_path / "palette.png")
    read = read_picture(tmp_path / "palette.png")
    np.testing.assert_array_equal(read.pixels[0], np.asarray(colours.convert("RGB")))
    tifffile.imwrite(tmp_path / "bits.tif", stripes)
    assert set(np.unique(read_picture(tmp_path / "bits.tif").pixels)) == {0, 255}


def test_the_content_tells_the_format(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", Picture.from_array(values((9, 10, 3), "uint8")))
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").pixels.shape == (1, 9, 10, 3)
    assert is_image_path(Path("A.TIFF"))
    assert not is_image_path(Path("a.txt"))


def bomb(path: Path, side: int = 60000) -> None:
    """Write a PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def refused(path: Path, message: str, **options: Any) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_picture(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    refused(tmp_path / "none.png", "no such file")
    refused(tmp_path, "is a folder")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "is empty")
    (tmp_path / "text.png").write_text("hello, this is text")
    refused(tmp_path / "text.png", "is not a picture")
    np.save(tmp_path / "none.npy", np.zeros((0, 5)))
    refused(tmp_path / "none.npy", "is empty")
    np.save(tmp_path / "tiny.npy", np.zeros((7, 20)))
    refused(tmp_path / "tiny.npy", "at least 8x8")
    np.save(tmp_path / "complex.npy", np.zeros((9, 9), complex))
    refused(tmp_path / "complex.npy", "wanted integers or floats")
    np.save(tmp_path / "object.npy", np.array([[{}]] * 9, dtype=object), allow_pickle=True)
    refused(tmp_path / "object.npy", "wanted integers or floats")
    np.save(tmp_path / "five.npy", np.zeros((2, 2, 2, 9, 9)))
    refused(tmp_path / "five.npy", "wanted")
    bomb(tmp_path / "bomb.png")
    refused(tmp_path / "bomb.png", "--max-pixels")
    write_picture(tmp_path / "big.tif", picture(20, 30, 1, "uint8", alpha=False))
    refused(tmp_path / "big.tif", "--max-pixels", max_pixels=599)
    assert read_picture(tmp_path / "big.tif", max_pixels=600)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "npy"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_files_are_refused(
    tmp_path: Path, suffix: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a.{suffix}"
    write_picture(path, Picture.from_array(values((80, 90, 3), "uint8")))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path, "damaged or cut short|is not a picture|is empty")
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.touch(mode=0o000)
    refused(path, "cannot be read")


@pytest.mark.parametrize(
    ("name", "made", "message"),
    [
        ("a.jpg", picture(9, 9, 3, "uint16", alpha=False), "cannot hold uint16"),
        ("a.jpg", picture(9, 9, 3, "uint8", alpha=True), "transparency"),
        ("a.png", picture(9, 9, 1, "float32", alpha=False), "cannot hold float32"),
        ("a.webp", picture(9, 9, 3, "uint16", alpha=False), "use .tif or .png"),
        ("a.png", picture(9, 9, 2, "uint8", alpha=False), "2 channels"),
        ("a.bmp", picture(9, 9, 3, "uint8", alpha=False), "unknown file type .bmp"),
        ("a", picture(9, 9, 3, "uint8", alpha=False), "unknown file type"),
    ],
)
def test_formats_that_cannot_hold_a_picture(
    tmp_path: Path, name: str, made: Picture, message: str
) -> None:
    for act in (check_writable, write_picture):
        with pytest.raises(InputError, match=message):
            act(tmp_path / name, made)
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_take_a_picture(tmp_path: Path) -> None:
    made = picture(9, 9, 3, "uint8", alpha=False)
    stack = replace(made, lead=(1,))
    with pytest.raises(InputError, match="cannot hold a stack"):
        check_writable(tmp_path / "a.png", stack)
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path, made)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file, not a folder"):
        check_writable(tmp_path / "file" / "a.png", made)
    check_writable(tmp_path / "new" / "a.png", made)


@pytest.mark.parametrize("suffix", ["png", "tif", "npy"])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"precious")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_picture(path, picture(9, 9, 3, "uint8", alpha=False))
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_reading_does_not_touch_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_picture(path, picture(30, 40, 3, "uint16", alpha=True))
    before = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
    read_picture(path)
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
