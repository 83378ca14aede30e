"""Scans as files: k-space, sinograms, and what is made of them; one format a file."""

from untrained.scans.angles import angles_in_radians
from untrained.scans.files import read_scan, scan_format
from untrained.scans.scan import KSpace, Measurements, Scan, Sinogram
from untrained.scans.writing import Part, Place, check_reconstruction, write_reconstruction

__all__ = [
    "KSpace",
    "Measurements",
    "Part",
    "Place",
    "Scan",
    "Sinogram",
    "angles_in_radians",
    "check_reconstruction",
    "read_scan",
    "scan_format",
    "write_reconstruction",
]
