"""A change that is not meant to change images changes none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from same_bytes import RECORD, cases, described, machine

BEFORE = json.loads(RECORD.read_text())


@pytest.mark.parametrize("name", BEFORE["images"])
def test_images_are_what_they_were(name: str) -> None:
    before, now = BEFORE["images"][name], described(cases()[name]())
    if machine() == BEFORE["machine"]:
        assert now["sha256"] == before["sha256"]
    else:
        difference = np.abs(np.array(now["blocks"]) - before["blocks"])
        assert difference.max() < 0.02


def test_every_case_has_a_record() -> None:
    assert list(cases()) == list(BEFORE["images"])
