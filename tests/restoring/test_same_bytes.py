"""A change that is not meant to change images changes none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from same_bytes import RECORD, blocks_of, cases, hash_of, machine

BEFORE = json.loads(RECORD.read_text())


@pytest.mark.parametrize("name", BEFORE["images"])
def test_images_are_what_they_were(name: str) -> None:
    before = BEFORE["images"][name]
    if machine() == BEFORE["machine"]:
        assert hash_of(cases()[name]()) == before["sha256"]
    now = blocks_of(cases("brief")[name]())
    assert np.abs(np.array(now) - before["blocks"]).max() < 0.002


def test_every_case_has_a_record() -> None:
    assert list(cases()) == list(BEFORE["images"])
