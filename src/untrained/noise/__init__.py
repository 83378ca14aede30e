"""What noise is at each brightness and between neighbours, and how it is found in a picture."""

from untrained.noise.estimation import estimate_noise
from untrained.noise.impulses import find_impulses
from untrained.noise.model import (
    Doubt,
    NoiseModel,
    clipped_gaussian,
    clipped_poisson,
    gaussian_taps,
    is_piled_up,
    local_mean,
    white,
)
from untrained.noise.opponent import from_opponent, to_opponent
from untrained.noise.pool import NoisePool

__all__ = [
    "Doubt",
    "NoiseModel",
    "NoisePool",
    "clipped_gaussian",
    "clipped_poisson",
    "estimate_noise",
    "find_impulses",
    "from_opponent",
    "gaussian_taps",
    "is_piled_up",
    "local_mean",
    "to_opponent",
    "white",
]
