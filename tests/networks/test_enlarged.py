"""The gradient behind a nearest enlarging, added up before it is multiplied."""

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.networks import ConvDecoder, Skip, enlarged
from untrained.networks.enlarged import (
    conv_beside_doubled,
    conv_of_enlarged,
    doubling_is_short,
    has_short_gradient,
)


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


@pytest.mark.parametrize("own", [0, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 3)])
@pytest.mark.parametrize("biased", [True, False])
def test_beside_doubled_has_the_values_and_gradients_of_torch(
    own: int, size: tuple[int, int], biased: bool
) -> None:
    h, w = size
    x, beside, kernel = drawn(2, 4, h, w), drawn(2, own, 2 * h, 2 * w), drawn(6, own + 4, 3, 3)
    bias = drawn(6, seed=2) if biased else None
    joined = torch.cat([beside, F.interpolate(x, scale_factor=2.0)], dim=1)
    wanted = F.conv2d(joined, kernel, bias, padding=1)
    found = conv_beside_doubled(beside if own else None, x, kernel, bias)
    assert torch.allclose(found, wanted, rtol=0, atol=1e-12)
    onto = drawn(*wanted.shape, seed=3).detach()
    leaves = [t for t in (x, kernel, beside if own else None, bias) if t is not None]
    for a, b in zip(
        torch.autograd.grad(found, leaves, onto),
        torch.autograd.grad(wanted, leaves, onto), strict=True,
    ):  # fmt: skip
        assert torch.allclose(a, b, rtol=0, atol=1e-11)


def test_only_what_is_twice_as_large_is_doubled_short() -> None:
    large, small = torch.empty(1, 2, 56, 48), torch.empty(1, 2, 40, 40)
    assert doubling_is_short(large, (112, 96))
    assert not doubling_is_short(large, (111, 96)), "zeros beyond the edge, not copies"
    assert not doubling_is_short(small, (80, 80))
    assert not doubling_is_short(large.to("meta"), (112, 96)), "counted as it is written"


@pytest.mark.parametrize("skips", [4, (0, 4)])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_skip_network_has_the_gradients_of_its_plain_twin(
    skips: int | tuple[int, ...], precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Skip(
        widths=(8, 8), widths_skip=skips, up="nearest", padding="zeros", norm_concat=False,
        kernel_refine=3,
    )  # fmt: skip
    network = settings.build(3, 3, generator=Generator().manual_seed(0))
    z = torch.rand(1, 3, 36, 40, generator=Generator().manual_seed(1))
    z = z.contiguous(memory_format=torch.channels_last)

    def gradients() -> Tensor:
        with torch.autocast("cpu", precision, enabled=precision is torch.bfloat16):
            image = network(z)
        assert image.dtype == precision
        return torch.cat([
            g.flatten()
            for g in torch.autograd.grad(image.square().sum(), list(network.parameters()))
        ])  # fmt: skip

    exact = gradients()
    monkeypatch.setattr(enlarged, "_LEAST", 1)
    assert doubling_is_short(torch.empty(1, 8, 18, 20), (36, 40))
    short = gradients()
    assert not torch.equal(short, exact)
    if precision is torch.float32:
        assert (short - exact).norm() < 1e-5 * exact.norm()
    assert torch.cosine_similarity(short, exact, dim=0) > 0.98
