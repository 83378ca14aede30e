"""The XML header of ISMRMRD, which fastMRI's files have as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from untrained.images.picture import error_at

__all__ = ["Header", "Limits", "read_header"]

_MOST_TEXT = 10_000_000
_MOST_SIDE = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The range of an encoding step, and the one in the middle of k-space."""

    least: int = 0
    most: int = 0
    centre: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What the first encoding of a scan says.

    Attributes:
        encoded: size of k-space, with oversampling: readout, lines, partitions.
        encoded_mm: field of view of it.
        shown: size of the image that the scanner shows.
        shown_mm: field of view of it.
        trajectory: cartesian, epi, radial, goldenangle, spiral, other.
        lines: of kspace_encoding_step_1; None = not said.
        partitions: of kspace_encoding_step_2.
        calibration: how the calibration lines were acquired: embedded, separate …, "" = unsaid.
        bandwidth: of the noise prescan's receiver, relative to a rectangle.
    """

    encoded: tuple[int, int, int]
    encoded_mm: tuple[float, float, float]
    shown: tuple[int, int, int]
    shown_mm: tuple[float, float, float]
    trajectory: str = "cartesian"
    lines: Limits | None = None
    partitions: Limits | None = None
    calibration: str = ""
    bandwidth: float = 1.0

    @property
    def spacing(self) -> tuple[float, float] | None:
        """Size of the shown image's pixels in mm along readout and lines."""
        if min(self.shown_mm[:2]) <= 0:
            return None
        return self.shown_mm[0] / self.shown[0], self.shown_mm[1] / self.shown[1]


def read_header(path: Path, text: str) -> Header:
    """Return what a header says.

    Raises:
        InputError: it is no such header; sizes that cannot be.
    """
    if len(text) > _MOST_TEXT or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise error_at(path, "the header is no ISMRMRD header; write the scan again")
    try:
        root = ElementTree.fromstring(text.strip("\0 \r\n\t").encode())
        for element in root.iter():
            element.tag = str(element.tag).rpartition("}")[2]
        encoding = root.find("encoding")
        if encoding is None:
            raise ValueError("no encoding")
        bandwidth = root.findtext("acquisitionSystemInformation/relativeReceiverNoiseBandwidth")
        encoded, encoded_mm = _space(encoding, "encodedSpace")
        shown, shown_mm = _space(encoding, "reconSpace")
        header = Header(
            encoded=encoded, encoded_mm=encoded_mm, shown=shown, shown_mm=shown_mm,
            trajectory=(encoding.findtext("trajectory") or "cartesian").strip().lower(),
            lines=_limits(encoding, "kspace_encoding_step_1"),
            partitions=_limits(encoding, "kspace_encoding_step_2"),
            calibration=(encoding.findtext("parallelImaging/calibrationMode") or "").strip(),
            bandwidth=float(bandwidth) if bandwidth else 1.0,
        )  # fmt: skip
    except (ElementTree.ParseError, ValueError, TypeError, OverflowError) as error:
        raise error_at(
            path, f"the header cannot be understood ({error}); write the scan again"
        ) from None
    if not all(1 <= side <= _MOST_SIDE for side in (*encoded, *shown)):
        raise error_at(
            path, f"the header says a matrix of {encoded} and an image of {shown}; wanted sizes "
            f"from 1 to {_MOST_SIDE}",
        )  # fmt: skip
    return header


def _space(
    encoding: ElementTree.Element, name: str
) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    size = [int(encoding.findtext(f"{name}/matrixSize/{a}") or "") for a in "xyz"]
    view = [float(encoding.findtext(f"{name}/fieldOfView_mm/{a}") or "0") for a in "xyz"]
    return (size[0], size[1], size[2]), (view[0], view[1], view[2])


def _limits(encoding: ElementTree.Element, name: str) -> Limits | None:
    found = encoding.find(f"encodingLimits/{name}")
    if found is None:
        return None
    least, most, centre = (int(found.findtext(n) or "0") for n in ("minimum", "maximum", "center"))
    return Limits(least=least, most=most, centre=centre)
