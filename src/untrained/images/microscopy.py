"""CZI, ND2 and LIF of microscopes, by bioio: a stack, its pixel sizes and the channels' names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from untrained.errors import InputError
from untrained.images.picture import Metadata, Picture, TiffLayout, check_shape, to_picture

__all__ = ["read_microscopy"]


def read_microscopy(path: Path, max_pixels: int) -> Picture:
    """Return the first scene of a microscope's file: axes of length one are left out.

    Written as TIFF it is an OME-TIFF.
    """
    missing = f"{path}: {path.suffix} needs bioio; pip install 'untrained[microscopy]'"
    try:
        from bioio import BioImage
    except ImportError:
        raise InputError(missing) from None
    try:
        image = BioImage(path)
    except Exception as error:  # by its name: it comes from a module of bioio's base package
        if type(error).__name__ == "UnsupportedFileFormatError":
            raise InputError(missing) from None
        raise
    lengths = dict(zip(image.dims.order, image.shape, strict=True))
    axes = "".join(a for a, n in lengths.items() if n > 1 or a in "YX")
    axis = axes.index("S") if "S" in axes else None
    axis = check_shape(path, tuple(lengths[a] for a in axes), axis, max_pixels, itemsize=2)
    array = np.asarray(image.data)[tuple(slice(None) if a in axes else 0 for a in lengths)]
    samples = array.shape[axis] if axis is not None else 1
    layout = TiffLayout(
        axes=axes,
        options={"photometric": "rgb" if samples in (3, 4) else "minisblack"},
        flavour="ome",
        ome_xml=_ome_xml(image, array, axes),
        shape=array.shape,
        dtype=array.dtype.name,
    )
    others = len(image.scenes) - 1
    notes = (f"of {others + 1} scenes the first is taken",) if others else ()
    return replace(to_picture(array, axis, Metadata(tiff=layout)), notes=notes)


def _ome_xml(image: Any, array: np.ndarray[Any, Any], axes: str) -> bytes:
    """Return OME-XML that states the axes, the sizes of pixels in µm and the channels' names."""
    from tifffile import OmeXml

    said: dict[str, Any] = {}
    for axis in "XYZ":
        size = getattr(image.physical_pixel_sizes, axis)
        if size:
            said |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if "C" in axes and image.channel_names:
        said["Channel"] = {"Name": [str(name) for name in image.channel_names]}
    samples = array.shape[-1] if "S" in axes else 1
    height, width = (array.shape[axes.index(a)] for a in "YX")
    stored = (array.size // (height * width * samples), 1, 1, height, width, samples)
    xml = OmeXml()
    xml.addimage(array.dtype, array.shape, stored, axes=axes, **said)
    text: str = xml.tostring(declaration=True)
    return text.encode()
