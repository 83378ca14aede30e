"""Operators A: image -> measurement, and the laws that a linear one keeps."""

from untrained.operators.base import Compose, Identity, LinearOperator
from untrained.operators.blur import Blur
from untrained.operators.fan import Fan
from untrained.operators.fourier import Coils, Fourier, Sense
from untrained.operators.interlace import Interlace
from untrained.operators.jpeg import JpegCoefficients, JpegInterval, JpegTables
from untrained.operators.laws import check_operator
from untrained.operators.mask import Mask
from untrained.operators.mosaic import Mosaic
from untrained.operators.nufft import Nufft, from_cycles_per_pixel, from_radians
from untrained.operators.pairs import as_complex, as_pairs
from untrained.operators.projector import Projector
from untrained.operators.radon import Radon
from untrained.operators.resample import Resample
from untrained.operators.sensing import GaussianSensing, Hadamard, Matrix, PartialFourier
from untrained.operators.series import Frames, RealImage

__all__ = [
    "Blur",
    "Coils",
    "Compose",
    "Fan",
    "Fourier",
    "Frames",
    "GaussianSensing",
    "Hadamard",
    "Identity",
    "Interlace",
    "JpegCoefficients",
    "JpegInterval",
    "JpegTables",
    "LinearOperator",
    "Mask",
    "Matrix",
    "Mosaic",
    "Nufft",
    "PartialFourier",
    "Projector",
    "Radon",
    "RealImage",
    "Resample",
    "Sense",
    "as_complex",
    "as_pairs",
    "check_operator",
    "from_cycles_per_pixel",
    "from_radians",
]
