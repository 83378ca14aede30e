"""Damage made on purpose: test cases with a known truth, and an example of every task.

The module `degrade` has the kinds of damage, on arrays.
"""

from untrained.simulation.examples import (
    EXAMPLES,
    SIGMA,
    Example,
    clean_image,
    find_example,
    write_example,
)
from untrained.simulation.files import degrade_file

__all__ = [
    "EXAMPLES",
    "SIGMA",
    "Example",
    "clean_image",
    "degrade_file",
    "find_example",
    "write_example",
]
