"""The page "With deepinv": its code runs, and finds the pictures."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from untrained import psnr

pytest.importorskip("skimage")
pytest.importorskip("finufft", reason="needs untrained[science]")

PAGE = Path(__file__).parents[2] / "docs" / "deepinv.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
STEPS = 110


@pytest.fixture(scope="module")
def ran(deepinv: ModuleType) -> dict[str, Any]:
    """Return what is defined after all blocks, run with few steps."""
    names: dict[str, Any] = {"steps": STEPS}
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_the_model_is_above_the_adjoint(ran: dict[str, Any]) -> None:
    assert ran["estimate"].shape == (1, 1, 64, 64)
    assert ran["scores"]["PSNR"] > ran["scores"]["PSNR no learning"] + 5


def test_the_operator_and_the_one_call_fill_the_lines(ran: dict[str, Any]) -> None:
    zero_filled = psnr(ran["mri"].A_adjoint(ran["k_space"]), ran["still"])
    assert psnr(ran["A"].unpack_image(ran["result"].estimate), ran["still"]) > zero_filled + 1
    assert psnr(ran["image"], ran["still"]) > zero_filled + 1


def test_the_spokes_give_the_picture(ran: dict[str, Any]) -> None:
    back = ran["radial"].adjoint(ran["radial"].weighted(ran["samples"]))
    back = back * (back * ran["still"]).sum() / back.square().sum()
    assert psnr(ran["found"], ran["still"]) > psnr(back, ran["still"]) + 2
