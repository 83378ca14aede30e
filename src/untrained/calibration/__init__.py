"""What a scanner is, from its own data: coil maps, noise, centre of rotation, flat field."""

from untrained.calibration.compression import ENOUGH_COILS, virtual_coils
from untrained.calibration.maps import MapMethod, coil_maps
from untrained.calibration.noise import (
    mix_coils,
    noise_covariance,
    noise_from_kspace,
    whitening,
)
from untrained.calibration.region import Region, calibration_region, time_average

__all__ = [
    "ENOUGH_COILS",
    "MapMethod",
    "Region",
    "calibration_region",
    "coil_maps",
    "mix_coils",
    "noise_covariance",
    "noise_from_kspace",
    "time_average",
    "virtual_coils",
    "whitening",
]
