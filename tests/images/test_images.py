"""Picture files: what survives, and what is refused."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import struct
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from bombs import bomb
from untrained import atomic
from untrained.errors import InputError
from untrained.images import (
    Picture,
    check_writable,
    is_image_path,
    read_picture,
    with_pixels,
    write_picture,
)

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
    icc = bytes(pyvips.Image.profile_load("srgb"))
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
    np.testing.assert_array_equal(
        read_picture(tmp_path / "bits.png").pixels[0, :, :, 0], stripes * 255
    )
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


# --- what the file says beside its pixels --------------------------------------------------

SUFFIXES_WITH_EXIF = ["png", "jpg", "webp", "tif"]


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a JPEG as a camera writes it, by Pillow."""
    from PIL import Image, ImageCms
    from PIL.TiffImagePlugin import IFDRational

    exif = Image.Exif()
    exif[271], exif[274], exif[315] = "Maker", 6, "Jane"
    exif.get_ifd(34665).update({33434: IFDRational(1, 125), 40962: 41, 40963: 25, 42036: "A lens"})
    exif.get_ifd(34853).update({1: "N", 2: (52.0, 30.0, 0.0)})
    path = tmp_path_factory.mktemp("camera") / "a.jpg"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(values((25, 41, 3), "uint8")).save(
        path, exif=exif, icc_profile=profile, dpi=(300, 300), xmp=b"<x:xmpmeta xmlns:x='adobe:ns'/>"
    )
    return path


def exif_of(path: Path) -> dict[str, Any]:
    from PIL import Image

    with Image.open(path) as image:
        exif = image.getexif()
        camera, place = exif.get_ifd(34665), exif.get_ifd(34853)
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or exif.get(700)
        if path.suffix == ".png":
            assert not image.info["exif"].removeprefix(b"Exif\0\0").startswith(b"Exif")
        return {
            **{code: exif.get(code) for code in (271, 274, 315)},
            **{code: camera.get(code) for code in (33434, 40962, 40963, 42036)},
            **{code: place.get(code) for code in (1, 2)},
            "icc": image.info["icc_profile"],
            "xmp": xmp if isinstance(xmp, bytes) else xmp.encode(),
        }


@pytest.mark.parametrize("first", SUFFIXES_WITH_EXIF)
@pytest.mark.parametrize("second", SUFFIXES_WITH_EXIF)
def test_exif_survives_every_change_of_format(
    tmp_path: Path, photograph: Path, first: str, second: str
) -> None:
    wanted = exif_of(photograph)
    assert wanted[33434] == 1 / 125
    assert wanted[2] == (52.0, 30.0, 0.0)
    picture = read_picture(photograph)
    for suffix in (first, second):
        path = tmp_path / f"{suffix}.{suffix}"
        write_picture(path, picture)
        picture = read_picture(path)
        assert picture.pixels.shape == (1, 25, 41, 3)  # orientation 6 is kept, not applied
        assert exif_of(path) == wanted
        assert picture.metadata.resolution is not None
        unit = {"mm": 25.4, "cm": 2.54, "inch": 1}[picture.metadata.resolution_unit]
        np.testing.assert_allclose(np.multiply(picture.metadata.resolution, unit), 300, rtol=1e-4)


@pytest.mark.parametrize("suffix", SUFFIXES_WITH_EXIF)
def test_another_size_takes_the_resolution_with_it(
    tmp_path: Path, photograph: Path, suffix: str
) -> None:
    write_picture(tmp_path / f"a.{suffix}", read_picture(photograph))
    small = read_picture(tmp_path / f"a.{suffix}")
    large = with_pixels(small, small.pixels.repeat(4, axis=1).repeat(4, axis=2))
    write_picture(tmp_path / f"b.{suffix}", large)
    before, after = (read_picture(tmp_path / f"{n}.{suffix}").metadata for n in "ab")
    assert before.resolution is not None
    np.testing.assert_allclose(after.resolution, np.multiply(before.resolution, 4), rtol=1e-4)
    exif = exif_of(tmp_path / f"b.{suffix}")
    assert (exif[40962], exif[40963]) == (164, 100)
    assert exif[274] == 6


def test_new_pixels_need_an_alpha_of_their_size() -> None:
    old = picture(9, 10, 3, "uint8", alpha=True)
    assert with_pixels(old, old.pixels + 1).alpha is old.alpha
    assert with_pixels(old, old.pixels, None).alpha is None
    with pytest.raises(AssertionError, match="differ in size"):
        with_pixels(old, old.pixels[:, :8])


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_nothing_is_made_up(tmp_path: Path, suffix: str) -> None:
    from PIL import Image

    path = tmp_path / f"a.{suffix}"
    write_picture(path, Picture.from_array(values((9, 10, 3), "uint8")))
    assert read_picture(path).metadata.resolution is None
    with Image.open(path) as image:
        assert "dpi" not in image.info
        assert "icc_profile" not in image.info
        if suffix != "tif":
            assert len(image.getexif()) == 0
    if suffix == "jpg":
        assert pyvips.Image.new_from_file(str(path)).get("jpeg-chroma-subsample") == "4:4:4"


def test_png_texts_survive(tmp_path: Path) -> None:
    from PIL import Image, PngImagePlugin

    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "A title")
    texts.add_itxt("Comment", "Grüße", "de", "Kommentar")
    Image.fromarray(values((9, 10), "uint8")).save(tmp_path / "a.png", pnginfo=texts)
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as image:
        assert image.text == {"Title": "A title", "Comment": "Grüße"}  # type: ignore[attr-defined]


def test_iptc_survives(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", Picture.from_array(values((9, 10, 3), "uint8")))
    plain = (tmp_path / "a.jpg").read_bytes()
    caption = b"\x1c\x02\x78\0\x05Hello"
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption
    segment = b"\xff\xed" + struct.pack(">H", 2 + len(block)) + block
    (tmp_path / "a.jpg").write_bytes(plain[:2] + segment + plain[2:])
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"))
    assert block in (tmp_path / "b.jpg").read_bytes()


def test_broken_exif_does_not_cost_the_picture(tmp_path: Path, photograph: Path) -> None:
    read = read_picture(photograph)
    for exif in (b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + bytes(30)):
        broken = replace(read, metadata=replace(read.metadata, exif=exif))
        for suffix in SUFFIXES_WITH_EXIF:
            write_picture(tmp_path / f"a.{suffix}", broken)
            assert read_picture(tmp_path / f"a.{suffix}").pixels.shape == (1, 25, 41, 3)


# --- the many kinds of TIFF ----------------------------------------------------------------


def round_trip(tmp_path: Path) -> tuple[tifffile.TiffFile, Picture]:
    """Read a.tif, write it as b.tif; return that, opened, and the picture."""
    read = read_picture(tmp_path / "a.tif")
    write_picture(tmp_path / "b.tif", read)
    np.testing.assert_array_equal(read_picture(tmp_path / "b.tif").to_array(), read.to_array())
    return tifffile.TiffFile(tmp_path / "b.tif"), read


@pytest.mark.parametrize(
    "options",
    [
        {"compression": None},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib"},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_tiff_layouts(tmp_path: Path, options: dict[str, Any], dtype: str) -> None:
    array = values((21, 35, 3), dtype)
    planar = options.get("planarconfig") == "separate"
    stored = np.moveaxis(array, -1, 0) if planar else array
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="rgb", metadata=None, iccprofile=b"profile",
        resolution=(300, 150), resolutionunit="INCH", **options,
    )  # fmt: skip
    file, read = round_trip(tmp_path)
    with file:
        np.testing.assert_array_equal(read.pixels[0], array)
        np.testing.assert_array_equal(file.asarray(), stored)
        page = file.pages.first
        assert page.tags[34675].value == b"profile"
        assert page.tags[282].value == (300, 1)
        assert page.tags[283].value == (150, 1)
        assert page.tags[296].value == 2
        wanted = {"lzw": 5, "zlib": 8}.get(str(options.get("compression")), 1)
        assert page.compression == wanted
        assert page.planarconfig == (2 if planar else 1)
        assert read.pixels.dtype.isnative


def test_white_is_zero_looks_right_and_stays(tmp_path: Path) -> None:
    array = values((9, 10), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="miniswhite", metadata=None)
    file, read = round_trip(tmp_path)
    with file:
        np.testing.assert_array_equal(read.pixels[0, :, :, 0], 255 - array)
        np.testing.assert_array_equal(file.asarray(), array)
        assert file.pages.first.photometric == 0
    write_picture(tmp_path / "b.png", read)
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png").pixels, read.pixels)


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_become_eight(tmp_path: Path, bits: int) -> None:
    from PIL import Image

    levels = (np.arange(120).reshape(10, 12) % 2**bits).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", levels, bitspersample=bits, photometric="minisblack")
    wanted = levels * (255 // (2**bits - 1))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").to_array(), wanted)
    image = pyvips.Image.new_from_array(wanted).copy(interpretation="b-w")
    image.pngsave(str(tmp_path / "a.png"), bitdepth=bits)
    with Image.open(tmp_path / "a.png") as made:
        assert made.tile[0].args == ("L;%d" % bits if bits > 1 else "1")  # noqa: UP031
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").to_array(), wanted)


def test_transparent_palettes(tmp_path: Path) -> None:
    from PIL import Image

    image = Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10) % 4, mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3])
    image.save(tmp_path / "a.png", transparency=bytes([0, 255, 128, 255]))
    read = read_picture(tmp_path / "a.png")
    wanted = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read.pixels[0], wanted)
    assert read.alpha is not None
    np.testing.assert_array_equal(read.alpha[0, 0, :4], [0, 255, 128, 255])
    image.save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels[0], wanted)


def test_imagej_files_keep_what_microscopists_need(tmp_path: Path) -> None:
    stack = values((3, 2, 20, 30), "uint16")
    said = {
        "axes": "ZCYX", "unit": "micron", "spacing": 0.5, "Labels": list("abcdef"),
        "mode": "composite", "Info": "kept", "Ranges": (0.0, 9.0, 0.0, 99.0), "ROI": b"Iout" * 20,
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, resolution=(6.25, 6.25), metadata=said)
    file, read = round_trip(tmp_path)
    with file, tifffile.TiffFile(tmp_path / "a.tif") as original:
        assert file.imagej_metadata == original.imagej_metadata
        assert file.series[0].axes == "ZCYX"
        assert file.pages.first.tags[282].value == original.pages.first.tags[282].value
        assert read.metadata.resolution == (6.25, 6.25)
    large = with_pixels(read, read.pixels.repeat(2, axis=1).repeat(2, axis=2))
    write_picture(tmp_path / "c.tif", large)
    with tifffile.TiffFile(tmp_path / "c.tif") as larger:
        assert larger.imagej_metadata is not None
        assert larger.imagej_metadata["unit"] == "micron"
        assert "ROI" not in larger.imagej_metadata
        assert larger.pages.first.tags[282].value == (25, 2)


def test_compressed_imagej_files(tmp_path: Path) -> None:
    said = b"ImageJ=1.53t\nimages=2\nslices=2\n"
    stack = values((2, 20, 30), "uint16")
    tifffile.imwrite(
        tmp_path / "a.tif", stack, photometric="minisblack", description=said, metadata=None,
        compression="zlib",
    )  # fmt: skip
    file, read = round_trip(tmp_path)
    with file:
        assert read.lead == (2,)
        assert file.is_imagej
        assert file.pages.first.compression == 1
        np.testing.assert_array_equal(file.asarray(), stack)


@pytest.mark.parametrize("unit", [b"\xb5m", b"\\u00B5m"])
def test_the_micron_of_imagej_survives(tmp_path: Path, unit: bytes) -> None:
    said = b"ImageJ=1.53t\nimages=2\nslices=2\nunit=" + unit + b"\nspacing=0.3\nroi=1\nrgb=1\n"
    stack = values((2, 20, 30), "uint16")
    tifffile.imwrite(
        tmp_path / "a.tif", stack, photometric="minisblack", description=said, metadata=None
    )
    file, read = round_trip(tmp_path)
    with file:
        assert read.lead == (2,)
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["unit"] == "\\u00B5m"
        assert file.imagej_metadata["spacing"] == 0.3
        np.testing.assert_array_equal(file.asarray(), stack)


def test_imagej_false_colours_are_not_the_values(tmp_path: Path) -> None:
    array = values((20, 30), "uint8")
    colours = np.zeros((3, 256), np.uint16)
    colours[1] = np.arange(256) * 257
    tifffile.imwrite(
        tmp_path / "a.tif", array, imagej=True, photometric="palette", colormap=colours
    )
    file, read = round_trip(tmp_path)
    with file:
        np.testing.assert_array_equal(read.to_array(), array)
        np.testing.assert_array_equal(file.asarray(), array)
        np.testing.assert_array_equal(file.pages.first.colormap, colours)


def test_named_axes_and_own_words_survive(tmp_path: Path) -> None:
    array = values((2, 3, 20, 30), "float32")
    said = {"axes": "TZYX", "dose": 4.5}
    tifffile.imwrite(
        tmp_path / "a.tif", array, photometric="minisblack", description="mine", metadata=said
    )
    file, _ = round_trip(tmp_path)
    with file:
        assert file.series[0].axes == "TZYX"
        assert file.shaped_metadata is not None
        assert file.shaped_metadata[0]["dose"] == 4.5
        assert file.pages.first.description == "mine"
        np.testing.assert_array_equal(file.asarray(), array)


def test_ome_is_kept_and_follows_the_size(tmp_path: Path) -> None:
    array = values((2, 3, 20, 30), "uint16")
    said = {"axes": "CZYX", "PhysicalSizeX": 0.1, "Channel": {"Name": ["red", "green"]}}
    tifffile.imwrite(tmp_path / "a.tif", array, ome=True, metadata=said)
    file, read = round_trip(tmp_path)
    with file, tifffile.TiffFile(tmp_path / "a.tif") as original:
        assert file.is_ome
        assert file.ome_metadata == original.ome_metadata
        assert file.series[0].axes == "CZYX"
        np.testing.assert_array_equal(file.asarray(), array)
    large = with_pixels(read, read.pixels.repeat(2, axis=1).repeat(2, axis=2))
    write_picture(tmp_path / "c.tif", large)
    with tifffile.TiffFile(tmp_path / "c.tif") as larger:
        assert larger.is_ome
        assert 'PhysicalSizeX="0.05"' in (larger.ome_metadata or "")
        assert larger.series[0].axes == "CZYX"
        np.testing.assert_array_equal(larger.asarray(), large.to_array())


def test_ome_that_names_other_files_is_not_kept(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values((2, 20, 30), "uint16"), ome=True)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.ome_metadata is not None
        uuid = re.search('UUID="([^"]*)"', file.ome_metadata)
        assert uuid is not None
        names = rf'<TiffData \1><UUID FileName="a.tif">{uuid[1]}</UUID></TiffData>'
        named = re.sub("<TiffData ([^>]*)/>", names, file.ome_metadata)
        assert "FileName" in named
    stack = tifffile.imread(tmp_path / "a.tif")
    tifffile.imwrite(
        tmp_path / "a.tif", stack, photometric="minisblack", description=named, metadata=None
    )
    file, read = round_trip(tmp_path)
    with file:
        assert read.lead == (2,)
        assert not file.is_ome
        np.testing.assert_array_equal(file.asarray(), stack)


def test_places_on_earth_survive_and_follow_the_size(tmp_path: Path) -> None:
    scale, keys = (0.5, 0.5, 0.0), (1, 1, 0, 0)
    tifffile.imwrite(
        tmp_path / "a.tif", values((20, 30), "int16"), metadata=None,
        extratags=[(33550, "d", 3, scale, True), (34735, "H", 4, keys, True)],
    )  # fmt: skip
    file, read = round_trip(tmp_path)
    with file:
        assert file.pages.first.tags[33550].value == scale
        assert file.pages.first.tags[34735].value == keys
    write_picture(tmp_path / "c.tif", with_pixels(read, read.pixels.repeat(2, axis=1)))
    with tifffile.TiffFile(tmp_path / "c.tif") as larger:
        assert larger.pages.first.tags[33550].value == (0.5, 0.25, 0.0)


def test_premultiplied_alpha_stays_in_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", values((9, 10, 4), "uint8"), photometric="rgb", extrasamples=[1],
        metadata=None,
    )  # fmt: skip
    file, read = round_trip(tmp_path)
    with file:
        assert file.pages.first.extrasamples == (1,)
    with pytest.raises(InputError, match=r"premultiplied transparency; use \.tif"):
        check_writable(tmp_path / "a.png", read)


@pytest.mark.parametrize("axes", ["TZYX", "TZYXS"])
def test_an_interrupted_stack_is_written_with_the_pages_it_has(tmp_path: Path, axes: str) -> None:
    stack = values((3, 2, 20, 30, 3)[: len(axes)], "uint8")
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": axes})
    read = read_picture(tmp_path / "a.tif")
    assert read.lead == (3, 2)
    for suffix in ("tif", "npy"):
        write_picture(tmp_path / f"b.{suffix}", replace(read, pixels=read.pixels[:4]))
        part = read_picture(tmp_path / f"b.{suffix}").to_array()
        np.testing.assert_array_equal(part, stack.reshape(6, *stack.shape[2:])[:4])


@pytest.mark.parametrize("suffix", ["tif", "npy"])
def test_the_channel_axis_can_be_given(tmp_path: Path, suffix: str) -> None:
    array, path = values((3, 20, 30), "uint16"), tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, array)
    else:
        tifffile.imwrite(path, array, photometric="minisblack", metadata={"axes": "CYX"})
    assert read_picture(path).pixels.shape == (3, 20, 30, 1)
    read = read_picture(path, channel_axis=0)
    assert read.lead == ()
    np.testing.assert_array_equal(read.pixels[0], np.moveaxis(array, 0, -1))
    write_picture(tmp_path / f"b.{suffix}", read)
    again = read_picture(tmp_path / f"b.{suffix}", channel_axis=-3)
    np.testing.assert_array_equal(again.to_array(), array)
    with pytest.raises(InputError, match="no axis 3"):
        read_picture(path, channel_axis=3)


def test_npy_colours_become_tiff_colours(tmp_path: Path) -> None:
    for shape in ((9, 10), (9, 10, 1), (9, 10, 2), (9, 10, 3), (5, 9, 10), (5, 9, 10, 3)):
        np.save(tmp_path / "a.npy", values(shape, "float32"))
        read = read_picture(tmp_path / "a.npy")
        write_picture(tmp_path / "a.tif", read)
        same(read_picture(tmp_path / "a.tif"), read)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.photometric == 2


def test_npy_types(tmp_path: Path) -> None:
    for dtype in ("bool", "int8", ">u2", "int64", "float16", ">f8"):
        array = np.asfortranarray(np.arange(90).reshape(9, 10) % 2).astype(dtype)
        np.save(tmp_path / "a.npy", array)
        read = read_picture(tmp_path / "a.npy")
        wanted = array * np.uint8(255) if dtype == "bool" else array
        np.testing.assert_array_equal(read.to_array(), wanted)
        assert read.pixels.dtype == (np.uint8 if dtype == "bool" else array.dtype.newbyteorder("="))
        write_picture(tmp_path / "b.npy", read)
        np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), wanted)


# --- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("options", [{"metadata": None}, {}, {"imagej": True}], ids=str)
def test_a_stack_cut_anywhere_is_refused(
    tmp_path: Path, compression: str | None, options: dict[str, Any], capfd: Any
) -> None:
    if options.get("imagej") and compression:
        pytest.skip("ImageJ knows no compression")
    path = tmp_path / "a.tif"
    stack = values((5, 16, 20), "uint8")
    tifffile.imwrite(path, stack, photometric="minisblack", compression=compression, **options)
    data = path.read_bytes()
    assert read_picture(path).pixels.shape == (5, 16, 20, 1)
    whole = 0
    for length in range(200, len(data), 61):
        path.write_bytes(data[:length])
        try:  # what is cut off may be no more than a tag of the last page
            np.testing.assert_array_equal(read_picture(path).to_array(), stack)
            whole += 1
        except InputError as error:
            assert "damaged or cut short" in str(error)  # noqa: PT017
    assert whole <= 2
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "npy"])
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, photograph: Path, suffix: str, capfd: Any
) -> None:
    path = tmp_path / f"a.{suffix}"
    write_picture(path, read_picture(photograph))
    data = bytearray(path.read_bytes())
    generator = np.random.default_rng(1)
    for _ in range(60):
        broken = bytearray(data)
        for at in generator.integers(0, min(len(data), 600), 3):
            broken[at] = generator.integers(256)
        path.write_bytes(broken)
        try:
            read_picture(path)
        except InputError as error:
            said = str(error).removeprefix(str(path))
            assert len(said.splitlines()) == 1
            assert len(said) < 150
    assert capfd.readouterr().err == ""


def test_tiffs_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.tif", Picture.from_array(values((9, 10, 3), "uint8")))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages.first.tags["BitsPerSample"].overwrite((0, 3, 0))
    refused(tmp_path / "a.tif", "damaged or cut short")


def test_huge_claims_are_refused_at_once(tmp_path: Path) -> None:
    bomb(tmp_path / "a.png")
    write_picture(tmp_path / "a.tif", Picture.from_array(values((9, 10), "uint8")))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages.first.tags[name].overwrite(60000)
    header = {"descr": "<f8", "fortran_order": False, "shape": (60000, 60000)}
    with (tmp_path / "a.npy").open("wb") as claim:
        np.lib.format.write_array_header_1_0(claim, header)
    for name in ("a.png", "a.tif", "a.npy"):
        tracemalloc.start()
        refused(tmp_path / name, "60000x60000 is more than the 250,000,000 .*--max-pixels")
        assert tracemalloc.get_traced_memory()[1] < 20e6
        tracemalloc.stop()


def test_kinds_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    from PIL import Image

    image = Image.fromarray(values((16, 16, 3), "uint8"))
    image.convert("CMYK").save(tmp_path / "a.jpg")
    refused(tmp_path / "a.jpg", "CMYK")
    image.convert("CMYK").save(tmp_path / "a.tif")
    refused(tmp_path / "a.tif", "convert it to RGB")
    image.convert("LAB").save(tmp_path / "lab.tif")
    refused(tmp_path / "lab.tif", "CIELAB.*convert it to RGB")
    image.save(tmp_path / "a.webp", save_all=True, append_images=[image.rotate(90)], duration=9)
    refused(tmp_path / "a.webp", "animation")
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as file:
        file.write(values((16, 16), "uint8"), metadata=None)
        file.write(values((20, 16), "uint8"), metadata=None)
    refused(tmp_path / "mixed.tif", "holds 2 pictures")
    with tifffile.TiffWriter(tmp_path / "raw.tif") as file:
        file.write(values((16, 16), "uint8"), metadata=None, subfiletype=1)
    refused(tmp_path / "raw.tif", "thumbnail")
    with tifffile.TiffWriter(tmp_path / "preview.tif") as file:
        file.write(values((20, 16), "uint8"), metadata=None)
        file.write(values((10, 8), "uint8"), metadata=None, subfiletype=1)
    assert read_picture(tmp_path / "preview.tif").pixels.shape == (1, 20, 16, 1)
    tifffile.imwrite(tmp_path / "complex.tif", np.zeros((9, 9), np.complex64))
    refused(tmp_path / "complex.tif", "wanted integers or floats")
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "pipe")
    np.save(tmp_path / "line.npy", np.zeros(100))
    refused(tmp_path / "line.npy", "wanted .H, W.")


def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    write_picture(path, Picture.from_array(values((9, 10), "uint8")))

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", denied)
    refused(path, "cannot be read .Permission denied.")


def test_a_picture_that_does_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    np.save(tmp_path / "a.npy", values((9, 10), "uint8"))
    monkeypatch.setattr(np, "load", full)
    refused(tmp_path / "a.npy", "does not fit into memory")


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    for suffix in ("png", "tif"):
        for _ in range(3):
            written = Picture.from_array(values((9, 10, 3), "uint8"))
            write_picture(tmp_path / f"a.{suffix}", written)
            same(read_picture(tmp_path / f"a.{suffix}"), written)


@pytest.mark.parametrize("name", ["a[1].png", "a b\tc.png", "größe.tif", "a%d.webp", "a?#.tif"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    written = Picture.from_array(values((9, 10, 3), "uint8"))
    write_picture(tmp_path / "new" / "folder" / name, written)
    same(read_picture(tmp_path / "new" / "folder" / name), written)
    (tmp_path / "two\nlines.png").write_bytes(b"text")
    with pytest.raises(InputError) as caught:
        read_picture(tmp_path / "two\nlines.png")
    assert "\n" not in str(caught.value)


def test_hidden_files_are_no_pictures() -> None:
    assert not is_image_path("._photo.png")  # what macOS leaves beside a photo.png
    assert is_image_path("folder/photo.NPY")


def test_places_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Picture.from_array(values((9, 10), "uint8"))
    for name in ("a" * 250 + ".png", "a" * 300 + ".png"):
        with pytest.raises(InputError, match="name is too long"):
            check_writable(tmp_path / name, made)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_picture(tmp_path / "folder.png", made)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="no permission"):
        write_picture(tmp_path / "new" / "a.png", made)
    monkeypatch.undo()

    def denied(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(InputError, match="Read-only file system"):
        write_picture(tmp_path / "new" / "a.png", made)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def in_a_process_of_its_own(code: str, folder: Path, *arguments: str) -> None:
    """Run code with nothing imported before, and nothing of pytest's around standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True,
        check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(atomic.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_file_larger_than_the_disk_takes_leaves_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", values((200, 300), "uint8"))
    names = ["a.png", "a.jpg", "a.webp", "a.tif", "a.npy", "plain.tif"]
    code = """
import resource, sys
from pathlib import Path
from untrained.errors import InputError
from untrained.images import Picture, read_picture, write_picture
assert not {"torch", "pyvips", "tifffile", "imagecodecs"} & set(sys.modules), "heavy imports"
import numpy as np
plain = read_picture("plain.tif")
noise = Picture.from_array(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
for name in sys.argv[1:]:
    Path(name).write_bytes(b"precious")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
    try:
        write_picture(name, plain if name == "plain.tif" else noise)
    except InputError as error:
        assert "cannot be written (File too large)" in str(error), error
    else:
        raise AssertionError(f"{name} was written")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert Path(name).read_bytes() == b"precious"
"""
    in_a_process_of_its_own(code, tmp_path, *names)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_broken_files_leave_standard_error_clean(tmp_path: Path, photograph: Path) -> None:
    tifffile.imwrite(
        tmp_path / "cut.tif", values((5, 16, 20), "uint8"), photometric="minisblack", metadata=None
    )
    cut = (tmp_path / "cut.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(cut[: len(cut) // 2])
    write_picture(tmp_path / "name.png", read_picture(photograph))
    data = bytearray((tmp_path / "name.png").read_bytes())
    at = data.index(b"iCCPicc\0")
    data[at + 5] = 0xD6  # libvips names the broken profile in a warning; pyvips cannot decode it
    data[at + 100] ^= 0xFF
    (tmp_path / "name.png").write_bytes(data)
    code = """
from untrained.errors import InputError
from untrained.images import read_picture
for name in ("cut.tif", "name.png"):
    try:
        read_picture(name)
    except InputError:
        pass
"""
    in_a_process_of_its_own(code, tmp_path)
