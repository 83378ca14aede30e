"""What a file says of the size of its pixels, once the picture has another size.

The scene is the same; `across` and `down` say how many new pixels make an old one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from untrained.images.picture import Tags

__all__ = ["scaled_header", "scaled_ome", "scaled_tags"]

_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735
_RASTER_TYPE, _IS_POINT = 1025, 2
# Pixel sizes in the words of electron microscopes and Micro-Manager.
_OWN_WORDS = {34118: "Zeiss SEM", 34680: "FEI SFEG", 34682: "FEI Helios", 51123: "Micro-Manager"}
_DOUBLE = 12


def scaled_tags(tags: Tags, across: float, down: float) -> tuple[Tags, tuple[str, ...]]:
    """Return the private tags of a TIFF for the new size, and what is to be told of those left out.

    GeoTIFF places the picture by tie points and a pixel size, or by a matrix; both follow.
    """
    factors = np.array([across, down, 1.0])
    # Of a raster of points, (0, 0) is the centre of the first pixel and not its corner.
    centre = np.array([0.5, 0.5, 0.0]) if _is_of_points(tags) else np.zeros(3)
    scaled: Tags = {}
    for code, (kind, value) in tags.items():
        if code in _OWN_WORDS:
            continue
        if isinstance(value, bytes) and kind == _DOUBLE and len(value):
            numbers = np.frombuffer(value, "<f8").copy()
            if code == _PIXEL_SCALE and numbers.size == 3:
                value = (numbers / factors).tobytes()
            elif code == _TIE_POINTS and numbers.size % 6 == 0:
                points = numbers.reshape(-1, 6)
                points[:, :3] = (points[:, :3] + centre) * factors - centre
                value = points.tobytes()
            elif code == _TRANSFORMATION and numbers.size == 16:
                back = np.diag([*(1 / factors), 1.0])
                back[:3, 3] = centre / factors - centre
                value = (numbers.reshape(4, 4) @ back).tobytes()
        scaled[code] = (kind, value)
    lost = [name for code, name in _OWN_WORDS.items() if code in tags]
    return scaled, tuple(
        f"the notes of {name} are left out: they state the old size" for name in lost
    )


def _is_of_points(tags: Tags) -> bool:
    _, keys = tags.get(_GEO_KEYS, (3, b""))
    entries = np.frombuffer(keys if isinstance(keys, bytes) else b"", "<u2")
    entries = entries[: entries.size // 4 * 4].reshape(-1, 4)[1:]
    return any(key == _RASTER_TYPE and value == _IS_POINT for key, _, _, value in entries)


def scaled_ome(xml: bytes, new: tuple[int, int], old: tuple[int, int]) -> bytes:
    """Return OME-XML that states the new (height, width); regions of interest are left out."""

    def restated(found: re.Match[bytes]) -> bytes:
        element: bytes = found[0]
        for axis, now, before in zip((b"Y", b"X"), new, old, strict=True):
            count = rb"(\bSize" + axis + rb"\s*=\s*[\"'])\d+"
            element = re.sub(count, rb"\g<1>%d" % now, element)
            size = re.search(rb"\bPhysicalSize" + axis + rb"\s*=\s*[\"']([^\"']+)", element)
            if size is not None:
                text = b"%.12g" % (float(size[1]) * before / now)
                element = element[: size.start(1)] + text + element[size.end(1) :]
        return element

    xml = re.sub(rb"<(\w+:)?Pixels\b[^>]*>", restated, xml, count=1)
    xml = re.sub(rb"<((?:\w+:)?ROI)\b[^>]*(?:/>|>.*?</\1\s*>)", b"", xml, flags=re.DOTALL)
    return re.sub(rb"<((?:\w+:)?ROIRef)\b[^>]*(?:/>|>\s*</\1\s*>)", b"", xml)


def scaled_header(text: str, across: float, down: float) -> tuple[str, tuple[str, ...]]:
    """Return a FITS header whose coordinates are for the new size, and what is to be told.

    The coordinates of every version (CRPIX1, CRPIX1A …) follow; SIP distortions, polynomials in
    pixels, are left out.
    """
    from astropy.io import fits

    header = fits.Header.fromstring(text, sep="\n")
    factors = {"1": across, "2": down}
    distortion = re.compile(r"(A|B|AP|BP)_(ORDER|DMAX|\d+_\d+)")
    lost = [name for name in header if distortion.fullmatch(name)]
    for name in lost:
        header.remove(name, ignore_missing=True)
    for name in list(header):
        at = re.fullmatch(r"CRPIX([12])[A-Z]?", name)
        size = re.fullmatch(r"(?:CDELT|CD\d+_)([12])[A-Z]?", name)
        if at is not None:  # the middle of the first pixel is 1
            header[name] = (header[name] - 0.5) * factors[at[1]] + 0.5
        elif size is not None:
            header[name] = header[name] / factors[size[1]]
        elif lost and re.fullmatch(r"CTYPE\d+[A-Z]?", name):
            header[name] = str(header[name]).removesuffix("-SIP")
    told = ("the distortion (SIP) of the coordinates is left out: it is stated in old pixels",)
    scaled: str = header.tostring(sep="\n")
    return scaled, told if lost else ()
