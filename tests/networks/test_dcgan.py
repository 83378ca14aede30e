"""DCGAN: the published layer tables, sizes, what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

from untrained.errors import InputError
from untrained.networks import Dcgan
from untrained.recipes import find_recipe


def generator() -> Generator:
    return Generator().manual_seed(0)


TABLES = [  # name, size, channels, parameters, parameter tensors: of the published code
    ("paper", (256, 256), 1, 804_608, 19),
    ("paper-retino", (128, 128), 3, 626_304, 16),
    ("paper-mnist", (28, 28), 1, 2_730_432, 13),
]


@pytest.mark.parametrize(("name", "size", "channels", "parameters", "tensors"), TABLES)
def test_the_published_generators_grow_from_one_place(
    name: str, size: tuple[int, int], channels: int, parameters: int, tensors: int
) -> None:
    recipe = find_recipe("sensing", name)
    fed = recipe.objective.in_channels(channels)
    assert recipe.network.input_size(*size) == (1, 1)
    network = recipe.network.build(fed, channels, generator=generator())
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(list(network.parameters())) == tensors
    image = network(torch.randn(1, fed, 1, 1, generator=generator())).detach()
    assert image.shape == (1, channels, *size)
    assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_the_layers_are_those_of_the_paper_in_their_order() -> None:
    network = Dcgan(widths=(5, 4), kernels=(2, 4, 3), strides=(1, 2, 1), paddings=(0, 1, 1),
                    enlarge=(2, 1)).build(3, 1, generator=generator())  # fmt: skip
    z = torch.randn(1, 3, 2, 1, generator=generator())
    plain = nn.Sequential(
        network.layers[0], nn.BatchNorm2d(5), nn.ReLU(), nn.Upsample(scale_factor=2),
        network.layers[1], nn.BatchNorm2d(4), nn.ReLU(), network.layers[2], nn.Tanh(),
    )  # fmt: skip
    torch.testing.assert_close(2 * network(z) - 1, plain(z))


def test_any_size_is_reached_by_a_larger_code() -> None:
    settings = Dcgan()
    code = settings.input_size(200, 300)
    assert code == (1, 2)
    image = settings.build(2, 1, generator=generator())(torch.randn(1, 2, *code))
    assert image.shape[-2] >= 200
    assert image.shape[-1] >= 300


def test_tables_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="kernels has 2 numbers for 3 layers"):
        Dcgan(widths=(4, 4), kernels=(4, 4), strides=(1, 2, 2), paddings=(0, 1, 1))
    with pytest.raises(InputError, match="enlarge has 1 numbers"):
        Dcgan(widths=(4, 4), kernels=(4, 4, 4), strides=(1, 2, 2), paddings=(0, 1, 1), enlarge=(2,))
    with pytest.raises(InputError, match="no side is left"):
        Dcgan(widths=(4,), kernels=(2, 2), strides=(1, 1), paddings=(3, 3))
