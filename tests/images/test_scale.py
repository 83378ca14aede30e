"""Another size of the same scene: what the file says of its pixels' size goes with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from untrained.images import read_picture, with_pixels, write_picture


def enlarged(path: Path, target: Path, down: int = 2, across: int = 2) -> tifffile.TiffFile:
    """The file, enlarged by repeating pixels, as it is read again."""
    picture = read_picture(path)
    pixels = picture.pixels.repeat(down, 1).repeat(across, 2)
    write_picture(target, with_pixels(picture, pixels))
    return tifffile.TiffFile(target)


def stack(*shape: int) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)


@pytest.mark.parametrize("axes", ["YX", "CYX", "TZCYX"])
def test_ome_states_smaller_pixels_and_keeps_the_rest(tmp_path: Path, axes: str) -> None:
    shape = {"YX": (16, 24), "CYX": (2, 16, 24), "TZCYX": (3, 2, 2, 16, 24)}[axes]
    said: dict[str, Any] = {
        "axes": axes, "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3, "PhysicalSizeXUnit": "µm",
        "PhysicalSizeYUnit": "µm",
    }  # fmt: skip
    if "C" in axes:
        said["Channel"] = {"Name": ["DAPI", "size"]}
    if "Z" in axes:
        said |= {"PhysicalSizeZ": 1.5, "PhysicalSizeZUnit": "µm"}
    tifffile.imwrite(tmp_path / "in.ome.tif", stack(*shape), ome=True, metadata=said)
    with enlarged(tmp_path / "in.ome.tif", tmp_path / "out.ome.tif", 3, 2) as file:
        assert file.is_ome
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert pixels["PhysicalSizeX"] == pytest.approx(0.1)
        assert pixels["PhysicalSizeY"] == pytest.approx(0.1)
        assert pixels.get("PhysicalSizeZ") == (1.5 if "Z" in axes else None)
        assert (pixels["SizeX"], pixels["SizeY"]) == (48, 48)
        assert file.series[0].axes == axes
        assert file.series[0].shape == (*shape[:-2], 48, 48)
        if "C" in axes:
            assert [channel["Name"] for channel in pixels["Channel"]] == ["DAPI", "size"]
    again = read_picture(tmp_path / "out.ome.tif").to_array()
    assert np.array_equal(again, stack(*shape).repeat(3, -2).repeat(2, -1))


def test_regions_of_ome_are_left_out(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.ome.tif", stack(16, 24), ome=True, metadata={"axes": "YX"})
    with tifffile.TiffFile(tmp_path / "in.ome.tif") as file:
        xml = file.ome_metadata
    region = '<ROI ID="ROI:0"><Union><Point ID="Shape:0" X="3" Y="4"/></Union></ROI></OME>'
    xml = xml.replace("</OME>", region).replace("</Image>", '<ROIRef ID="ROI:0"/></Image>')
    tifffile.imwrite(tmp_path / "b.ome.tif", stack(16, 24), description=xml, metadata=None)
    assert "ROI" in tifffile.TiffFile(tmp_path / "b.ome.tif").ome_metadata
    with enlarged(tmp_path / "b.ome.tif", tmp_path / "out.ome.tif") as file:
        assert file.is_ome
        assert "ROI" not in file.ome_metadata


@pytest.mark.parametrize("kind", ["plain", "imagej"])
def test_the_resolution_of_a_tiff_follows(tmp_path: Path, kind: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "plain": {"resolutionunit": 3, "metadata": None},
        "imagej": {"imagej": True, "metadata": {"unit": "um"}},
    }
    tifffile.imwrite(tmp_path / "in.tif", stack(16, 24), resolution=(5, 4), **kinds[kind])
    with enlarged(tmp_path / "in.tif", tmp_path / "out.tif", 3, 2) as file:
        tags = file.pages[0].tags
        x, y = (tags[name].value for name in ("XResolution", "YResolution"))
        assert (x[0] / x[1], y[0] / y[1]) == (10, 12)


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("by", ["scale", "matrix"])
def test_the_place_on_earth_follows(tmp_path: Path, points: bool, by: str) -> None:
    keys = (1, 1, 0, 1, 1025, 0, 1, 2 if points else 1)
    extratags: list[tuple[Any, ...]] = [(34735, 3, len(keys), keys, True)]
    if by == "scale":
        extratags.append((33550, 12, 3, (2.0, 3.0, 0.0), True))
        extratags.append((33922, 12, 6, (4.0, 5.0, 0.0, 1000.0, 2000.0, 0.0), True))
    else:
        matrix = (2.0, 0.5, 0.0, 992.0, 0.25, -3.0, 0.0, 2015.0, 0, 0, 0, 0, 0, 0, 0, 1.0)
        extratags.append((34264, 12, 16, matrix, True))
    tifffile.imwrite(tmp_path / "in.tif", stack(16, 24), extratags=extratags, metadata=None)

    def place(page: Any, column: float, row: float) -> NDArray[np.float64]:
        """Where on Earth a corner of the grid of pixels is."""
        tags = page.tags
        shift = 0.5 if points else 0.0
        i, j = column - shift, row - shift
        if by == "scale":
            (sx, sy, _), (at, below, _, x, y, _) = tags[33550].value, tags[33922].value
            return np.array([x + (i - at) * sx, y - (j - below) * sy])
        whole = np.array(tags[34264].value).reshape(4, 4) @ (i, j, 0, 1)
        return np.asarray(whole[:2])

    with (
        tifffile.TiffFile(tmp_path / "in.tif") as before,
        enlarged(tmp_path / "in.tif", tmp_path / "out.tif", 3, 2) as after,
    ):
        for column, row in ((0, 0), (24, 16), (7, 3)):
            there = place(after.pages[0], 2 * column, 3 * row)
            assert place(before.pages[0], column, row) == pytest.approx(there)


def test_a_microscope_s_own_words_of_the_old_size_are_left_out_and_told(tmp_path: Path) -> None:
    tags = [(51123, 2, 0, '{"PixelSizeUm": 0.1}', True)]
    tifffile.imwrite(tmp_path / "in.tif", stack(16, 24), extratags=tags, metadata=None)
    picture = read_picture(tmp_path / "in.tif")
    larger = with_pixels(picture, picture.pixels.repeat(2, 1).repeat(2, 2))
    assert any("Micro-Manager" in note for note in larger.notes)
    write_picture(tmp_path / "out.tif", larger)
    assert 51123 not in tifffile.TiffFile(tmp_path / "out.tif").pages[0].tags
