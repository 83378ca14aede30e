"""Operators A: image -> measurement, and the laws that a linear one keeps."""

from untrained.operators.base import Compose, Identity, LinearOperator
from untrained.operators.laws import check_operator
from untrained.operators.mask import Mask
from untrained.operators.resample import Resample

__all__ = ["Compose", "Identity", "LinearOperator", "Mask", "Resample", "check_operator"]
