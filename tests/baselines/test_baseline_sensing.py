"""Classical compressed sensing: what the methods are sure to find, and what they need."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from untrained.baselines import BASELINES, Image, Known, find_baseline
from untrained.errors import InputError
from untrained.operators import Hadamard


def blocks() -> Image:
    image = np.zeros((32, 32, 1))
    image[6:20, 4:17] = 0.6
    image[12:28, 20:26] = 0.9
    return image


def measured(image: Image, share: float) -> tuple[Image, Known]:
    operator = Hadamard(int(share * image.size), image.shape[:2])
    y = operator(torch.from_numpy(image[None, None, ..., 0]))[0].permute(1, 2, 0).numpy()
    return y, Known(operator=operator)


def test_total_variation_finds_blocks_from_a_third_of_their_pixels() -> None:
    y, known = measured(blocks(), 1 / 3)
    found = find_baseline("sensing", "tv")(y, known)
    assert known.operator is not None
    again = known.operator(torch.from_numpy(found[None, None, ..., 0]))[0].permute(1, 2, 0)
    np.testing.assert_allclose(again.numpy(), y, atol=1e-6)  # A x = y
    np.testing.assert_allclose(found, blocks(), atol=0.02)


def test_wavelets_are_better_than_the_nearest_image() -> None:
    y, known = measured(blocks(), 0.5)
    assert known.operator is not None
    nearest = known.operator.adjoint(torch.from_numpy(y[None, None, ..., 0]))[0, 0, ..., None]
    found = find_baseline("sensing", "wavelet")(y, known)
    truth = blocks()
    assert np.mean((found - truth) ** 2) < 0.5 * np.mean((nearest.numpy() - truth) ** 2)


@pytest.mark.parametrize("name", BASELINES["sensing"])
def test_the_operator_is_asked_for(name: str) -> None:
    with pytest.raises(InputError, match="operator is missing"):
        find_baseline("sensing", name)(np.ones((1, 9, 1)), Known())
