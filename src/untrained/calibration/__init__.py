"""What a scanner is, from its own data: coil maps, noise, centre of rotation, flat field."""

from untrained.calibration.angles import AngleUnit, as_radians
from untrained.calibration.compression import ENOUGH_COILS, virtual_coils
from untrained.calibration.flat_field import Sinogram, correct_flat_field, find_missing
from untrained.calibration.maps import MapMethod, coil_maps
from untrained.calibration.noise import mix_coils, noise_covariance, noise_from_kspace, whitening
from untrained.calibration.region import Region, calibration_region, time_average
from untrained.calibration.rotation import MakeProjector, find_centre

__all__ = [
    "ENOUGH_COILS",
    "AngleUnit",
    "MakeProjector",
    "MapMethod",
    "Region",
    "Sinogram",
    "as_radians",
    "calibration_region",
    "coil_maps",
    "correct_flat_field",
    "find_centre",
    "find_missing",
    "mix_coils",
    "noise_covariance",
    "noise_from_kspace",
    "time_average",
    "virtual_coils",
    "whitening",
]
