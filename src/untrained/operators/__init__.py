"""Operators A: image -> measurement, and the laws that a linear one keeps."""

from untrained.operators.base import Compose, Identity, LinearOperator
from untrained.operators.blur import Blur
from untrained.operators.interlace import Interlace
from untrained.operators.jpeg import JpegCoefficients, JpegInterval, JpegTables
from untrained.operators.laws import check_operator
from untrained.operators.mask import Mask
from untrained.operators.mosaic import Mosaic
from untrained.operators.nufft import Nufft, from_cycles_per_pixel, from_radians
from untrained.operators.pairs import as_complex, as_pairs
from untrained.operators.resample import Resample

__all__ = [
    "Blur",
    "Compose",
    "Identity",
    "Interlace",
    "JpegCoefficients",
    "JpegInterval",
    "JpegTables",
    "LinearOperator",
    "Mask",
    "Mosaic",
    "Nufft",
    "Resample",
    "as_complex",
    "as_pairs",
    "check_operator",
    "from_cycles_per_pixel",
    "from_radians",
]
