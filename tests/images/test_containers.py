"""Containers that need an extra: raw, HEIC, FITS, a microscope's; each is named where it lacks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from untrained import InputError
from untrained import demosaic as demosaiced
from untrained.cli import main
from untrained.images import read_picture, with_pixels, write_picture


def numbers(height: int = 40, width: int = 48, low: int = 200, high: int = 4000) -> NDArray[Any]:
    y, x = np.mgrid[:height, :width]
    return (low + (high - low) * (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 7))).astype(np.uint16)


def write_dng(path: Path, mosaic: NDArray[Any], pattern: str = "RGGB", turn: int = 1) -> None:
    """Write a DNG as a camera would: black 64, white 4095."""

    def fractions(*values: float) -> tuple[int, ...]:
        return tuple(n for value in values for n in (round(10000 * value), 10000))

    tags: list[tuple[Any, ...]] = [
        (33421, 3, 2, (2, 2), True), (33422, 1, 4, bytes("RGB".index(c) for c in pattern), True),
        (50706, 1, 4, bytes((1, 4, 0, 0)), True), (50707, 1, 4, bytes((1, 1, 0, 0)), True),
        (50708, 2, 0, "Test Camera", True), (271, 2, 0, "Test", True), (272, 2, 0, "Camera", True),
        (274, 3, 1, turn, True), (50714, 3, 1, 64, True), (50717, 4, 1, 4095, True),
        (50721, 10, 9, fractions(0.7, 0, 0, 0, 1, 0, 0, 0, 0.8), True),
        (50728, 5, 3, fractions(0.5, 1, 0.6), True), (50778, 3, 1, 21, True),
    ]  # fmt: skip
    tifffile.imwrite(path, mosaic, photometric=32803, extratags=tags, metadata=None, software="")


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_the_mosaic_of_a_raw_file_is_the_sensors(tmp_path: Path, pattern: str) -> None:
    pytest.importorskip("rawpy")
    write_dng(tmp_path / "a.dng", numbers(), pattern)
    mosaic = read_picture(tmp_path / "a.dng", mosaic=True)
    assert np.array_equal(mosaic.to_array(), numbers())
    assert mosaic.metadata.pattern == pattern
    (note,) = mosaic.notes
    for said in (pattern, "black 64", "white 4095", "white balance 2 1 1.66667"):
        assert said in note
    picture = read_picture(tmp_path / "a.dng")
    assert picture.pixels.shape == (1, 40, 48, 3)
    assert picture.pixels.dtype == np.uint16
    assert "white balance" in picture.notes[0]


def test_a_raw_file_goes_through_demosaic_and_denoise_into_tiff(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rawpy")
    source = tmp_path / "a.dng"
    write_dng(source, numbers(), "GBRG")
    quick = ["--set", "network.widths=8,8", "--steps", "8", "--run-dir", str(tmp_path / "runs")]
    for command in ("demosaic", "denoise"):
        assert main([command, str(source), *quick]) == 0
        made = tifffile.imread(tmp_path / f"a-{command}.tif")
        assert made.shape == (40, 48, 3)
        assert made.dtype == np.uint16
        assert "white balance" in capsys.readouterr().out
    with pytest.raises(InputError, match="the raw file says GBRG"):
        demosaiced(source, "RGGB")


def test_a_turned_raw_file_keeps_its_orientation(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    write_dng(tmp_path / "a.dng", numbers(), turn=6)
    assert read_picture(tmp_path / "a.dng").pixels.shape == (1, 48, 40, 3)  # upright
    mosaic = read_picture(tmp_path / "a.dng", mosaic=True)
    write_picture(tmp_path / "b.tif", mosaic)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].tags["Orientation"].value == 6


def test_a_raw_file_by_another_name_is_told_how_to_be_named(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.tif", numbers())
    with pytest.raises(InputError, match=r"Name it as the camera did"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_heic_is_read(tmp_path: Path, deep: bool, alpha: bool) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    channels = 4 if alpha else 3
    flat = np.empty((32, 48, channels), np.uint16 if deep else np.uint8)
    flat[:] = np.array([200, 90, 40, 255][:channels]) * (257 if deep else 1)
    mode = ("RGBA" if alpha else "RGB") + (";16" if deep else "")
    file = pillow_heif.from_bytes(mode=mode, size=(48, 32), data=flat.tobytes())
    file.save(tmp_path / "a.heic", quality=-1)
    picture = read_picture(tmp_path / "a.heic")
    assert picture.pixels.dtype == flat.dtype
    assert picture.pixels.shape == (1, 32, 48, 3)
    assert (picture.alpha is not None) == alpha
    assert np.abs(picture.pixels.astype(float) - flat[..., :3]).max() <= (800 if deep else 3)


def test_an_upright_heic_says_no_orientation_any_more(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    from PIL import Image

    exif = Image.Exif()
    exif[274], exif[271] = 6, "Maker"
    file = pillow_heif.from_pillow(Image.new("RGB", (48, 32), (200, 90, 40)))
    file.save(tmp_path / "a.heic", exif=exif.tobytes())
    picture = read_picture(tmp_path / "a.heic")
    assert picture.pixels.shape == (1, 48, 32, 3)
    write_picture(tmp_path / "b.png", picture)
    with Image.open(tmp_path / "b.png") as image:
        assert image.getexif().get(274, 1) == 1
        assert image.getexif()[271] == "Maker"


FITS_TYPES = ["uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]


@pytest.mark.parametrize("dtype", FITS_TYPES)
def test_fits_keeps_numbers_header_and_missing_pixels(tmp_path: Path, dtype: str) -> None:
    fits = pytest.importorskip("astropy.io.fits")
    array = numbers(high=250, low=3).astype(dtype)
    if dtype.startswith("float"):
        array[3, 4] = np.nan
    unit = fits.PrimaryHDU(array)
    unit.header["OBJECT"], unit.header["CRPIX1"], unit.header["CDELT1"] = "M 31", 3.5, 0.25
    unit.header["HISTORY"] = "bias taken off"
    unit.writeto(tmp_path / "a.fits")
    picture = read_picture(tmp_path / "a.fits")
    assert picture.pixels.dtype == np.dtype(dtype)
    write_picture(tmp_path / "b.fits", picture)
    with fits.open(tmp_path / "b.fits") as again:
        assert np.array_equal(again[0].data, array, equal_nan=dtype.startswith("float"))
        assert again[0].header["OBJECT"] == "M 31"
        assert again[0].header["CRPIX1"] == 3.5
        assert again[0].header["HISTORY"][0] == "bias taken off"
    larger = with_pixels(picture, picture.pixels.repeat(2, 1).repeat(2, 2))
    write_picture(tmp_path / "c.fits", larger)
    with fits.open(tmp_path / "c.fits") as twice:
        assert (twice[0].header["CRPIX1"], twice[0].header["CDELT1"]) == (6.5, 0.125)


def test_scaled_numbers_of_fits_and_blank_ones(tmp_path: Path) -> None:
    fits = pytest.importorskip("astropy.io.fits")
    header = fits.Header({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -32768})
    stored = np.arange(640, dtype=np.int16).reshape(20, 32)
    stored[2, 2] = -32768
    unit = fits.PrimaryHDU(stored, header=header, do_not_scale_image_data=True)
    unit.header.update(header)
    unit.writeto(tmp_path / "a.fits")
    picture = read_picture(tmp_path / "a.fits")
    expected = stored * 0.5 + 10.0
    expected[2, 2] = np.nan
    assert np.array_equal(picture.to_array(), expected, equal_nan=True)
    write_picture(tmp_path / "b.fits", picture)
    again = read_picture(tmp_path / "b.fits").to_array()
    assert np.array_equal(again, expected, equal_nan=True)


def test_of_several_extensions_the_first_picture_is_taken_and_told(tmp_path: Path) -> None:
    fits = pytest.importorskip("astropy.io.fits")
    first = fits.ImageHDU(numbers().astype(np.float32), name="SCI")
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(3.0))])
    primary = fits.PrimaryHDU()
    primary.header["TELESCOP"] = "big"
    fits.HDUList([primary, table, first, fits.ImageHDU(numbers())]).writeto(tmp_path / "a.fits")
    picture = read_picture(tmp_path / "a.fits")
    assert picture.notes == ("extension 2 is taken, 2 further ones are not kept",)
    write_picture(tmp_path / "b.fits", picture)
    with fits.open(tmp_path / "b.fits") as again:
        assert np.array_equal(again[0].data, numbers())
        assert again[0].header["TELESCOP"] == "big"
        assert again[0].header["EXTNAME"] == "SCI"
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "c.fits")
    with pytest.raises(InputError, match="holds no picture"):
        read_picture(tmp_path / "c.fits")


class FakeImage:
    """What is used of `bioio.BioImage`."""

    def __init__(self, path: Path) -> None:
        self.data = np.arange(2 * 3 * 16 * 24, dtype=np.uint16).reshape(1, 2, 3, 16, 24)
        self.shape, self.dims = self.data.shape, SimpleNamespace(order="TCZYX")
        self.physical_pixel_sizes = SimpleNamespace(X=0.2, Y=0.3, Z=None)
        self.channel_names, self.scenes = ["DAPI", "GFP"], ("first", "second")


def test_a_microscope_s_stack_becomes_ome_tiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bioio = ModuleType("bioio")
    bioio.BioImage = FakeImage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bioio", bioio)
    (tmp_path / "a.czi").write_bytes(b"ZISRAWFILE" + bytes(100))
    picture = read_picture(tmp_path / "a.czi")
    assert picture.notes == ("of 2 scenes the first is taken",)
    write_picture(tmp_path / "b.tif", with_pixels(picture, picture.pixels.repeat(2, 1)))
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.is_ome
        assert (file.series[0].axes, file.series[0].shape) == ("CZYX", (2, 3, 32, 24))
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == (0.2, 0.15)
        assert [channel["Name"] for channel in pixels["Channel"]] == ["DAPI", "GFP"]


HEADS = {
    ".dng": (b"II*\0", "raw"), ".nef": (b"MM\0*", "raw"), ".raf": (b"FUJIFILMCCD-RAW ", "raw"),
    ".cr3": (b"\0\0\0\x18ftypcrx ", "raw"), ".heic": (b"\0\0\0\x18ftypheic", "heif"),
    ".fits": (b"SIMPLE  =          ", "astro"), ".czi": (b"ZISRAWFILE", "microscopy"),
    ".nd2": (b"\xda\xce\xbe\x0a", "microscopy"), ".lif": (b"p\0\0\0" + bytes(8), "microscopy"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", HEADS)
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    for module in ("rawpy", "pillow_heif", "astropy", "astropy.io", "bioio"):
        monkeypatch.setitem(sys.modules, module, None)
    head, extra = HEADS[suffix]
    (tmp_path / f"a{suffix}").write_bytes(head + bytes(200))
    assert main(["denoise", str(tmp_path / f"a{suffix}"), "-o", str(tmp_path / "b.tif")]) == 2
    told = capsys.readouterr().err
    assert f"pip install 'untrained[{extra}]'" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("suffix", HEADS)
def test_a_broken_one_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str
) -> None:
    (tmp_path / f"a{suffix}").write_bytes(HEADS[suffix][0] + bytes(200))
    assert main(["denoise", str(tmp_path / f"a{suffix}"), "-o", str(tmp_path / "b.tif")]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1
