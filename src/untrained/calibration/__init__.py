"""What a scanner is, from its own data: coil maps, noise, centre of rotation, flat field."""

from untrained.calibration.angles import AngleUnit, as_radians
from untrained.calibration.flat_field import Sinogram, correct_flat_field, find_missing
from untrained.calibration.rotation import MakeProjector, find_centre

__all__ = [
    "AngleUnit",
    "MakeProjector",
    "Sinogram",
    "as_radians",
    "correct_flat_field",
    "find_centre",
    "find_missing",
]
