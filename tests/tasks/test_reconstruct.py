"""Any measurement with any operator, from arrays and tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained import InputError, LinearOperator, Result, reconstruct
from untrained.operators import Identity, Mask, as_pairs
from untrained.restoring import reached, typical_value

SHORT: dict[str, Any] = {"settings": {"max_steps": 12, "widths": (8, 8)}, "device": "cpu"}


class Projections(LinearOperator):
    """y = gain · (random projections of a 16x16 image)."""

    def __init__(self, count: int = 120, gain: float = 1.0) -> None:
        super().__init__()
        drawn = torch.randn(count, 256, generator=torch.Generator().manual_seed(0))
        self.register_buffer("matrix", gain * drawn / 11)

    def image_shape(self, measurement_shape: Any) -> tuple[int, int, int, int]:
        return 1, 1, 16, 16

    def forward(self, image: Tensor) -> Tensor:
        return (image.flatten(1) @ self.matrix.T)[:, None, None]


class Lines(LinearOperator):
    """Every third line of the Fourier transform of an image of complex numbers."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        lines = torch.zeros(size, 1)
        lines[::3] = 1
        self.register_buffer("lines", lines)

    def forward(self, image: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(torch.complex(image[:, 0], image[:, 1]), norm="ortho")
        return as_pairs((self.lines * spectrum)[:, None])


def truth_of(scene: Callable[..., NDArray[np.float64]]) -> Tensor:
    return torch.from_numpy(scene(16, 16, 1)[..., 0]).float()[None, None]


def test_a_vector_gives_an_image_and_a_tensor_a_tensor(
    scene: Callable[..., NDArray[np.float64]],
) -> None:
    operator = Projections()
    y = operator(truth_of(scene))
    image = reconstruct(y.flatten().numpy(), operator, **SHORT)
    assert isinstance(image, np.ndarray)
    assert image.shape == (16, 16)
    tensor = reconstruct(y, operator, **SHORT)
    assert isinstance(tensor, Tensor)
    assert tensor.shape == (1, 1, 16, 16)
    assert np.array_equal(tensor[0, 0].numpy(), image)
    result = reconstruct(y, operator, return_result=True, **SHORT)
    assert isinstance(result, Result)


def test_the_truth_scores_and_changes_nothing(scene: Callable[..., NDArray[np.float64]]) -> None:
    operator, truth = Projections(), truth_of(scene)
    y = operator(truth)
    plain = reconstruct(y, operator, return_result=True, **SHORT)
    scored = reconstruct(y, operator, truth=truth, return_result=True, **SHORT)
    assert scored.score is not None
    assert np.array_equal(plain.image, scored.image)


@pytest.mark.parametrize("gain", [2.0**-40, 2.0**30])
def test_neither_unit_nor_norm_matters(
    gain: float, scene: Callable[..., NDArray[np.float64]]
) -> None:
    truth = truth_of(scene)
    plain = reconstruct(Projections()(truth), Projections(), **SHORT)
    unit = reconstruct(gain * Projections()(truth), Projections(), **SHORT)
    assert torch.equal(unit, gain * plain)
    loud = Projections(gain=2.0**10)
    assert typical_value(loud, loud(truth)) == typical_value(Projections(), Projections()(truth))


def test_a_typical_value_is_that_of_the_image(scene: Callable[..., NDArray[np.float64]]) -> None:
    truth = 7 * truth_of(scene)
    found = typical_value(Projections(200), Projections(200)(truth))
    assert found is not None
    assert 0.7 < found / float(truth.quantile(0.99)) < 1.4
    assert typical_value(Projections(), torch.zeros(1, 1, 1, 120)) is None


def test_complex_numbers_become_pairs_and_lines_left_out_are_not_known() -> None:
    operator = Lines()
    image = torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    y = operator(image)
    known = reached(operator, y)
    assert known is not None
    assert torch.equal(known[0, 0], operator.lines.expand(16, 16))
    complex_y = torch.complex(y[0, 0], y[0, 1])
    found = reconstruct(complex_y.numpy(), operator, **SHORT)
    assert found.shape == (2, 16, 16)
    assert torch.equal(torch.from_numpy(found), reconstruct(y, operator, **SHORT)[0])
    spoiled = torch.where(known > 0, y, torch.tensor(7.0))  # what stands there counts for nothing
    assert np.array_equal(reconstruct(spoiled[0].numpy(), operator, **SHORT), found)


def test_auto_denoises_and_inpaints(scene: Callable[..., NDArray[np.float64]]) -> None:
    truth = truth_of(scene)
    steps: dict[str, Any] = {"steps": 3, "return_result": True}
    assert reconstruct(truth, Identity(), **steps).recipe["task"] == "denoise"
    half = (torch.arange(16) % 2).expand(1, 1, 16, 16)
    inpainted = reconstruct(truth * half, Mask(half), **steps)
    assert inpainted.recipe["task"] == "inpaint"
    assert np.array_equal(inpainted.image[:, 1::2, 0], truth[0, 0, :, 1::2])
    assert reconstruct(truth, Identity(), known=half, **steps).recipe["task"] == "inpaint"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channel_axis": 0}, "takes no channel_axis: its arrays are"),
        ({"recpie": "fast"}, "takes no 'recpie'; did you mean 'recipe'"),
        ({"recipe": "fats"}, "no recipe 'fats' for any operator; did you mean 'fast'"),
        ({"recipe": "denoise/fast"}, "works on the image itself"),
        ({"groups": np.zeros((3, 3), int)}, "groups is 1x1x3x3; wanted 1x1x1x120"),
        ({"known": np.zeros((1, 120))}, "mask marks every pixel as unknown"),
    ],
)
def test_what_it_does_not_take_is_told(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        reconstruct(np.ones(120, np.float32), Projections(), **arguments)


def test_other_axes_are_told() -> None:
    with pytest.raises(InputError, match=r"is \(2, 1, 1, 120\); .* a batch is reconstructed one"):
        reconstruct(torch.zeros(2, 1, 1, 120), Projections())
    with pytest.raises(InputError, match="measurement is a str; wanted an array or a tensor"):
        reconstruct("y.npy", Projections())  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"makes 1x1x1x120 .* measurement is 1x1x1x9"):
        reconstruct(torch.zeros(9), Projections())
