"""Networks side by side are the networks one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from untrained.networks import (
    DeepDecoder,
    Members,
    NetworkSettings,
    Plain,
    ResNet,
    SideBySide,
    Skip,
    UNet,
    can_stand_side_by_side,
)

KINDS: dict[str, NetworkSettings] = {
    "shuffled": Skip(
        widths=(8, 8), widths_skip=4, up="nearest", padding="zeros", output="linear",
        norm_concat=False, kernel_refine=3, shuffle=2,
    ),
    "published": Skip(widths=(8, 8), widths_skip=(0, 4)),
    "pooled": Skip(widths=(8, 8), widths_skip=4, padding="replicate", down="max"),
    "resnet": ResNet(width=8, num_blocks=2),
    "plain": Plain(width=8, depth=2),
    "decoder": DeepDecoder(width=8, num_up=2),
}  # fmt: skip


DOUBLED = Skip(
    widths=(4,), widths_skip=2, up="nearest", padding="zeros", norm_concat=False, kernel_refine=0
)


@pytest.mark.parametrize("kind", [*KINDS, "doubled"])
def test_images_and_gradients_are_those_of_each_alone(kind: str) -> None:
    height, width = (20, 24) if kind in KINDS else (112, 96)  # large maps have a way of their own
    settings = KINDS.get(kind, DOUBLED)
    fed = 8 if isinstance(settings, DeepDecoder) else 3
    networks = [
        settings.build(fed, 3, generator=Generator().manual_seed(i)).double() for i in range(3)
    ]
    drawn = Generator().manual_seed(9)
    size = settings.input_size(height, width)
    z = torch.randn(3, fed, *size, generator=drawn, dtype=torch.float64)
    alone = [network(z[i : i + 1]) for i, network in enumerate(networks)]
    towards = torch.randn(torch.cat(alone).shape, generator=drawn, dtype=torch.float64)
    grads = [
        torch.autograd.grad(image, list(network.parameters()), towards[i : i + 1])
        for i, (image, network) in enumerate(zip(alone, networks, strict=True))
    ]
    joint = SideBySide(networks)
    images = joint(z)
    torch.testing.assert_close(images, torch.cat(alone), rtol=0, atol=1e-12)
    stacked = torch.autograd.grad(images, list(joint.parameters()), towards)
    for i in range(3):
        for found, wanted in zip(stacked, grads[i], strict=True):
            torch.testing.assert_close(found[i], wanted, rtol=1e-9, atol=1e-12)


def test_a_step_of_one_is_a_step_of_the_other() -> None:
    networks = [KINDS["plain"].build(3, 3, generator=Generator().manual_seed(i)) for i in range(2)]
    joint = SideBySide(networks)
    z = torch.rand(2, 3, 16, 16, generator=Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in networks[1].parameters():
            parameter.add_(0.1)
        before = joint(z)
        for parameter in joint.parameters():
            parameter.mul_(0.5)
        after = networks[1](z[1:])
    torch.testing.assert_close(joint(z)[1:], after)
    assert not torch.allclose(before[1:], after)


def test_what_mixes_or_draws_stands_alone() -> None:
    def stands(settings: NetworkSettings) -> bool:
        return can_stand_side_by_side(settings.build(3, 3, generator=Generator().manual_seed(0)))

    assert stands(KINDS["shuffled"])
    assert not stands(Skip(widths=(8, 8), dropout=0.3))
    assert not stands(UNet())
    plain = KINDS["plain"].build(3, 3, generator=Generator().manual_seed(0))
    assert not can_stand_side_by_side(Members([plain]))
