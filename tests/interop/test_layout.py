"""Tensors of any axes as (1, c, h, w), and back."""

from __future__ import annotations

import pytest
import torch

from untrained import InputError
from untrained.interop.layout import Layout

SHAPES = {
    (7,): (1, 1, 1, 7),
    (3, 7): (1, 3, 1, 7),
    (3, 4, 5): (1, 3, 4, 5),
    (2, 3, 4, 5): (1, 6, 4, 5),
    (2, 3, 6, 4, 5): (1, 36, 4, 5),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_is_packed_comes_back(shape: tuple[int, ...], is_complex: bool, swapped: bool) -> None:
    sample = torch.randn(1, *shape, dtype=torch.complex64 if is_complex else torch.float32)
    layout = Layout.of(sample, swapped=swapped)
    packed = layout.pack(sample)
    b, c, h, w = SHAPES[shape]
    h, w = (w, h) if swapped else (h, w)
    assert packed.shape == layout.size == (b, c * (1 + is_complex), h, w)
    assert not packed.is_complex()
    assert torch.equal(layout.unpack(packed), sample)


def test_parts_of_a_coil_are_neighbours_and_frames_may_stand_below_each_other() -> None:
    sample = torch.randn(1, 2, 3, 4, 5)
    coils = Layout.of(sample).pack(sample)
    assert torch.equal(coils[0, 2:4], sample[0, :, 1])
    frames = Layout.of(sample, below=True)
    below = frames.pack(sample)
    assert below.shape == frames.size == (1, 2, 12, 5)
    assert torch.equal(below[0, :, 4:8], sample[0, :, 1])
    assert torch.equal(frames.unpack(below), sample)


def test_another_shape_is_refused() -> None:
    layout = Layout.of(torch.zeros(1, 3, 4, 5))
    with pytest.raises(InputError, match=r"the sample is \(2, 3, 4, 5\); wanted \(1, 3, 4, 5\)"):
        layout.pack(torch.zeros(2, 3, 4, 5))
    with pytest.raises(InputError, match="an axis for the batch"):
        Layout.of(torch.zeros(3))
