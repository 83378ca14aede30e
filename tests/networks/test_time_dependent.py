"""The network of time-dependent DIP, and its codes."""

import math

import pytest
import torch
from torch import Generator

from untrained.errors import InputError
from untrained.networks import EachFrame, Helix, Plain, TimeDependent


def test_the_published_network_has_the_published_shape() -> None:
    """1 368 000 parameters, as the authors' own classes count with their default options."""
    network = TimeDependent().build(3, 2, generator=Generator().manual_seed(0))
    assert sum(p.numel() for p in network.parameters()) == 1_368_000
    assert network(torch.rand(1, 3, 1, 1)).shape == (1, 2, 128, 128)


def test_the_codes_lie_on_a_helix_from_end_to_end() -> None:
    codes = Helix(cycles=2).build(9)[..., 0, 0]
    assert codes.shape == (9, 3)
    assert torch.allclose(codes[:, :2].norm(dim=1), torch.ones(9))
    assert torch.allclose(codes[:, 2], torch.linspace(0, 1, 9))
    assert codes[1, 1] == pytest.approx(math.sin(math.pi / 2))
    # one cycle on, a frame differs by the third number alone
    assert torch.allclose(codes[0, :2], codes[4, :2], atol=1e-6)
    assert Helix(cycles=0).build(3)[1, 0] == 1, "no turns: a line"


def test_an_image_that_is_too_large_is_refused_with_the_size_that_would_do() -> None:
    assert TimeDependent().input_size(128, 100) == (1, 1)
    with pytest.raises(InputError, match=r"network\.size=12,9"):
        TimeDependent().input_size(192, 140)


def test_each_frame_is_mapped_as_if_it_were_alone() -> None:
    network = EachFrame(inner=Plain(width=4)).build(3, 2, generator=Generator().manual_seed(0))
    frames = torch.rand(2, 5 * 3, 8, 8)
    together = network(frames)
    assert together.shape == (2, 5 * 2, 8, 8)
    alone = network(frames[1:, 6:9])
    assert torch.allclose(together[1:, 4:6], alone, atol=1e-6)


def test_a_silent_network_says_nothing_at_first() -> None:
    network = Plain(silent=True).build(3, 2, generator=Generator().manual_seed(0))
    assert not network(torch.rand(1, 3, 8, 8)).any()
