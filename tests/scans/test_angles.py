"""Angles come out in radians, and a unit that cannot be meant is refused."""

from __future__ import annotations

import numpy as np
import pytest

from untrained.errors import InputError
from untrained.scans import angles_in_radians

HALF = np.linspace(0, 180, 181, endpoint=False)


@pytest.mark.parametrize(
    ("values", "said", "unit"),
    [
        (HALF, None, None),
        (HALF, b"degrees", None),
        (HALF, "deg", None),
        (np.deg2rad(HALF), "rad", None),
        (np.deg2rad(HALF), None, None),
        (HALF, "rad", "deg"),
        (np.deg2rad(HALF), "degrees", "rad"),
    ],
)
def test_both_units_are_one(values: object, said: object, unit: str) -> None:
    found, told = angles_in_radians(values, said=said, unit=unit)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, np.deg2rad(HALF), atol=1e-12)
    assert "degrees" in told or "radians" in told


@pytest.mark.parametrize("turn", [180, 360])
@pytest.mark.parametrize("ends", [True, False])
def test_a_unit_against_the_range_is_refused(turn: float, ends: bool) -> None:
    degrees = np.linspace(0, turn, 91, endpoint=ends)
    with pytest.raises(InputError, match="radians; say which"):
        angles_in_radians(np.deg2rad(degrees), said="degrees")
    with pytest.raises(InputError, match="degrees; say which"):
        angles_in_radians(degrees, said="radians")
    with pytest.raises(InputError, match="radians; say which"):  # a wedge of 3 or 6 degrees
        angles_in_radians(np.deg2rad(degrees), unit="deg")
    with pytest.raises(InputError, match="degrees; say which"):
        angles_in_radians(degrees, unit="rad")


def test_many_turns_of_golden_angles_are_radians_if_said() -> None:
    golden = np.arange(200) * np.deg2rad(111.246)
    found, _ = angles_in_radians(golden, said="radians")
    np.testing.assert_array_equal(found, golden)


@pytest.mark.parametrize(
    ("values", "said", "message"),
    [
        (np.linspace(0, 5.5, 30), None, "may be of either"),
        (HALF, "gon", "unknown unit"),
        ([0.0], None, "without a unit"),
        ([0.0, np.nan], "deg", "finite"),
        (HALF.reshape(1, -1), "deg", "a number for each view"),
        (np.array(["a", "b"]), "deg", "a number for each view"),
    ],
)
def test_what_are_no_angles(values: object, said: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        angles_in_radians(values, said=said)  # type: ignore[arg-type]
