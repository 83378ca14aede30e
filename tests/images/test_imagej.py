"""What ImageJ wrote into a file stands in what is made of it: the statements of docs/imagej.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

ROI = b"Iout" + bytes(60)
LUTS = np.zeros((2, 3, 256), np.uint8)
LUTS[0, 1] = LUTS[1, 0] = LUTS[1, 2] = np.arange(256)
SAID: dict[str, Any] = {
    "unit": "\\u00B5m", "spacing": 0.3, "finterval": 2.5, "mode": "composite", "loop": True,
    "min": 100.0, "max": 3000.0, "Ranges": (100.0, 3000.0, 0.0, 2500.0),
    "Info": "Objective = 63×\nAt = 37 °C\n", "Labels": ["DAPI", "GFP"],
    "ROI": ROI, "Overlays": ROI,
}  # fmt: skip


def written(path: Path, dtype: str) -> np.ndarray:
    ramp = np.linspace(50, 200, 32) + np.random.default_rng(0).normal(0, 10, (1, 1, 2, 24, 32))
    data = ramp.clip(0, 255).astype(dtype)
    tifffile.imwrite(
        path, data, imagej=True, resolution=(1 / 0.0645, 1 / 0.0645),
        metadata={"axes": "TZCYX", "LUTs": list(LUTS), **SAID},
    )  # fmt: skip
    return data


def read(path: Path) -> tuple[Any, dict[str, Any], list[float], np.ndarray]:
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        per_unit = [float(np.divide(*tags[name].value)) for name in ("XResolution", "YResolution")]
        assert tags["ResolutionUnit"].value == 1  # the unit is ImageJ's
        said = dict(file.imagej_metadata or {})
        return file.series[0].axes, said, per_unit, file.asarray()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_denoised_it_says_what_it_said(
    tmp_path: Path, untrained: Callable[..., Any], dtype: str
) -> None:
    source, target = tmp_path / "cells.tif", tmp_path / "clean.tif"
    data = written(source, dtype)
    untrained("denoise", source, "-o", target, "--steps", "2", "--quiet")
    axes, said, per_unit, pixels = read(target)
    before = read(source)
    assert axes == before[0]
    assert pixels.shape == data[0, 0].shape
    assert pixels.dtype == data.dtype
    assert (pixels != data[0, 0]).any()
    assert per_unit == before[2]
    luts = said.pop("LUTs")
    assert (np.array(luts) == LUTS).all()
    for name, value in SAID.items():
        assert said[name] == value, name
    assert said.keys() == before[1].keys() - {"LUTs"}


def test_enlarged_its_pixels_are_smaller_and_regions_are_left_out(
    tmp_path: Path, untrained: Callable[..., Any]
) -> None:
    source, target = tmp_path / "cells.tif", tmp_path / "large.tif"
    written(source, "uint16")
    untrained("upscale", source, "-o", target, "--factor", "2", "--steps", "2", "--quiet")
    _, said, per_unit, pixels = read(target)
    assert pixels.shape == (2, 48, 64)
    assert per_unit == pytest.approx([2 / 0.0645] * 2)
    assert said["unit"] == SAID["unit"]
    assert said["spacing"] == SAID["spacing"]
    assert "ROI" not in said
    assert "Overlays" not in said
