"""Scans as files: k-space, sinograms, and what is made of them; one format a file."""

from untrained.scans.angles import angles_in_radians
from untrained.scans.beside import read_mask, read_numbers, with_trajectory
from untrained.scans.facts import Facts, facts_of
from untrained.scans.files import read_scan, scan_format
from untrained.scans.look import quick_look
from untrained.scans.scan import KSpace, Measurements, Scan, Sinogram, places_measured
from untrained.scans.writing import Part, Place, check_reconstruction, write_reconstruction

__all__ = [
    "Facts",
    "KSpace",
    "Measurements",
    "Part",
    "Place",
    "Scan",
    "Sinogram",
    "angles_in_radians",
    "check_reconstruction",
    "facts_of",
    "places_measured",
    "quick_look",
    "read_mask",
    "read_numbers",
    "read_scan",
    "scan_format",
    "with_trajectory",
    "write_reconstruction",
]
