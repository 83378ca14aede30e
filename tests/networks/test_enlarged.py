"""The gradient behind a nearest enlarging, added up before it is multiplied."""

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.networks import ConvDecoder, enlarged
from untrained.networks.enlarged import conv_of_enlarged, has_short_gradient


def drawn(*shape: int, seed: int = 0) -> Tensor:
    values = torch.randn(shape, dtype=torch.float64, generator=Generator().manual_seed(seed))
    return values.requires_grad_()


@pytest.mark.parametrize(
    "sizes", [((13, 11), (20, 22)), ((8, 4), (15, 8)), ((16, 16), (31, 17)), ((9, 7), (9, 14))]
)
@pytest.mark.parametrize("block", [2**21, 2000], ids=["one block", "blocks"])
def test_values_and_gradients_are_those_of_torch(
    sizes: tuple[tuple[int, int], tuple[int, int]], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enlarged, "_BLOCK", block)
    small, large = sizes
    x, kernel, bias = drawn(1, 5, *small), drawn(6, 5, 3, 3, seed=1), drawn(6, seed=2)
    wanted = F.conv2d(F.interpolate(x, size=large), kernel, bias, padding=1)
    found = conv_of_enlarged(x, kernel, bias, large)
    assert torch.equal(found, wanted)
    onto = drawn(*wanted.shape, seed=3).detach()
    for a, b in zip(
        torch.autograd.grad(found, (x, kernel, bias), onto),
        torch.autograd.grad(wanted, (x, kernel, bias), onto), strict=True,
    ):  # fmt: skip
        assert torch.allclose(a, b, rtol=0, atol=1e-10)


def test_only_what_gains_goes_that_way() -> None:
    large, small = torch.empty(1, 2, 64, 64), torch.empty(1, 2, 16, 16)
    assert has_short_gradient(large, (100, 128))
    assert not has_short_gradient(small, (32, 32))
    assert not has_short_gradient(large, (140, 128)), "three copies of a pixel"
    assert not has_short_gradient(large, (66, 66)), "hardly enlarged"
    assert not has_short_gradient(large.expand(2, -1, -1, -1), (128, 128))


def test_a_decoder_has_the_gradients_of_its_plain_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ConvDecoder(width=8, layers=4, in_size=(20, 16), bias=False).of_size(130, 101)
    network = settings.build(8, 4, generator=Generator().manual_seed(0))
    z = torch.rand(1, 8, 20, 16, generator=Generator().manual_seed(1))
    assert has_short_gradient(torch.empty(1, 8, 70, 55), (130, 101))

    def gradients() -> tuple[Tensor, list[Tensor]]:
        image = network(z)
        return image, list(torch.autograd.grad(image.square().sum(), list(network.parameters())))

    image, short = gradients()
    monkeypatch.setattr(enlarged, "_LEAST", 10**9)
    plain_image, plain = gradients()
    assert torch.equal(image, plain_image)
    for a, b in zip(short, plain, strict=True):
        assert (a - b).abs().max() <= 2e-5 * b.abs().max()
