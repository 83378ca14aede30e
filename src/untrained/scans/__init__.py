"""Scans as files: k-space, sinograms, and what is made of them; one format a file."""

from untrained.scans.angles import angles_in_radians
from untrained.scans.files import read_scan, scan_format
from untrained.scans.scan import KSpace, Measurements, Scan, Sinogram

__all__ = [
    "KSpace",
    "Measurements",
    "Scan",
    "Sinogram",
    "angles_in_radians",
    "read_scan",
    "scan_format",
]
