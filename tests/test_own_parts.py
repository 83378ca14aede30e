"""The page "Your own operator, network, stop rule": its code runs, and does what it says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from untrained import StopReason, psnr

pytest.importorskip("skimage")

PAGE = Path(__file__).parent.parent / "docs" / "own-parts.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.fixture(scope="module")
def ran() -> Iterator[list[dict[str, Any]]]:
    """Yield what is defined after each block, all run in one module."""
    home = ModuleType("own_parts_page")  # dataclasses look their module up
    sys.modules[home.__name__] = home
    states = []
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), vars(home))
        states.append(dict(vars(home)))
    yield states
    del sys.modules[home.__name__]


def code_lines(block: str) -> int:
    return sum(bool(line.strip()) for line in block.splitlines())


def test_compressed_sensing_takes_fifteen_lines_and_finds_the_picture(ran: Any) -> None:
    names = ran[0]
    assert code_lines(BLOCKS[0]) <= 15
    assert psnr(names["result"].estimate, names["truth"]) > 26
    # far above the minimum-norm solution, which knows no prior
    pseudo_inverse = names["A"].matrix.pinverse()
    plain = (pseudo_inverse @ names["A"](names["truth"]).flatten()).view(1, 1, 64, 64)
    assert psnr(names["result"].estimate, names["truth"]) > psnr(plain, names["truth"]) + 6


def test_a_fourier_problem_takes_twenty_lines_and_fills_the_lines(ran: Any) -> None:
    names = ran[2]
    assert code_lines(BLOCKS[2]) <= 20
    zero_filled = names["Fourier"]().adjoint(names["scan"].observed)
    gain = psnr(names["result"].estimate, names["truth"]) - psnr(zero_filled, names["truth"])
    assert gain > 5


def test_a_measurement_comes_back_as_the_image_it_is_of(ran: Any) -> None:
    names = ran[3]
    assert names["result"].image.shape == (64, 64)
    assert names["first"].image.shape == (64, 64)
    assert names["second"].image.shape == (96, 48)


def test_a_rule_of_ones_own_gives_its_own_reason(ran: Any) -> None:
    result = ran[5]["result"]
    assert result.reason is StopReason("loss_below")
    assert "fell below" in result.reason.advice
    assert result.stop_step < 100


def test_a_saved_fit_draws_the_image_that_was_kept(ran: Any) -> None:
    names = ran[6]
    drawn = names["fitted"].image()
    assert names["fitted"].kept == "iterate"
    kept = ran[5]["result"].estimate
    assert float((drawn - kept).abs().max()) < 0.01  # the fit may compute with 16 bits
    assert float(kept.std()) > 0.1
    # it went on from there: the first loss is that of a fitted network
    assert names["result"].history.loss[0] < 0.5 * ran[4]["result"].history.loss[0]


def test_a_network_of_ones_own_denoises(ran: Any) -> None:
    names = ran[4]
    gain = psnr(names["result"].estimate, names["truth"]) - psnr(names["noisy"], names["truth"])
    assert gain > 3
