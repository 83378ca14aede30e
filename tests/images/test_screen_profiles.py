"""Which colour profile a picture for the screen carries."""

from __future__ import annotations

import pytest

pyvips = pytest.importorskip("pyvips")

from untrained.images import screen_profile  # noqa: E402

P3, SRGB = (bytes(pyvips.Operation.call("profile_load", name)) for name in ("p3", "srgb"))


def test_a_profile_is_kept_where_colours_would_be_others_without_it() -> None:
    assert screen_profile(P3, 3) == P3
    assert screen_profile(SRGB, 3) is None, "a screen takes numbers for sRGB anyway"
    assert screen_profile(P3, 1) is None, "it is of colours"
    assert screen_profile(None, 3) is None


@pytest.mark.parametrize("damaged", [b"", b"no profile", P3[:127], P3[:130], P3[:20] + bytes(200)])
def test_a_damaged_profile_is_none(damaged: bytes) -> None:
    assert screen_profile(damaged, 3) is None
