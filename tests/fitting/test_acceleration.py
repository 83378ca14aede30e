"""Law 11: fast and plain agree, network by network, and each repeats itself to the bit."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch
from torch import Generator, Tensor

from untrained import find_recipe
from untrained.fitting import PLAIN, Acceleration, freed_memory_kept, full_float32
from untrained.networks import DeepDecoder, Members, ResNet, Skip, UNet
from untrained.noise import white
from untrained.objectives import Problem
from untrained.restoring import solve

CPU = torch.device("cpu")
LAYOUT = Acceleration(precision="float32", channels_last=True)
HALF = Acceleration(precision="bfloat16", channels_last=True)


def narrow(task: str) -> Any:
    settings: Any = find_recipe(task, "fast").network
    return replace(settings, widths=(16, 16))


NETWORKS: dict[str, Any] = {
    "paper": Skip(widths=(16, 16, 16), widths_skip=4),
    "fast denoise": narrow("denoise"),
    "fast inpaint": narrow("inpaint"),
    "fast upscale": find_recipe("upscale", "fast").network,
    "resnet": ResNet(num_blocks=2, width=16),
    "unet": UNet(widths=(8, 16, 16)),
    "deep decoder": DeepDecoder(width=16, num_up=2),
}


def pass_through(settings: Any, acceleration: Acceleration) -> tuple[Tensor, Tensor]:
    """Return the image and the gradient of a fixed loss."""
    network = settings.build(3, 3, generator=Generator().manual_seed(0))
    z = torch.rand(1, 3, *settings.input_size(44, 52), generator=Generator().manual_seed(1))
    image = acceleration.prepare(network, CPU)(z)
    goal = torch.rand(image.shape, generator=Generator().manual_seed(2))
    (image - goal).square().mean().backward()  # type: ignore[no-untyped-call]
    grads = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return image.detach(), torch.cat(grads)


@pytest.mark.parametrize("name", NETWORKS)
def test_law_11_forward_and_backward_agree(name: str) -> None:
    plain, layout, half = (pass_through(NETWORKS[name], a) for a in (PLAIN, LAYOUT, HALF))
    torch.testing.assert_close(layout[0], plain[0], atol=1e-5, rtol=1e-4)
    assert (layout[1] - plain[1]).norm() < 1e-3 * plain[1].norm()
    # bfloat16 has 8 bits of precision: 0.4 % a rounding
    assert (half[0] - plain[0]).norm() < 0.03 * plain[0].norm()
    assert float(torch.cosine_similarity(half[1], plain[1], dim=0)) > 0.98


@pytest.mark.parametrize("acceleration", [PLAIN, LAYOUT, HALF], ids=["plain", "layout", "half"])
def test_each_engine_repeats_itself_to_the_bit(acceleration: Acceleration) -> None:
    observed = torch.rand(1, 3, 40, 44, generator=Generator().manual_seed(0))
    recipe = replace(
        find_recipe("denoise", "fast"),
        network=NETWORKS["fast denoise"],
        acceleration=acceleration,
        members=2,
        max_steps=30,
    )
    problem = Problem(observed=observed, noise=white(0.1))
    one, two = (solve(problem, recipe, seed=3).estimate for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, solve(problem, recipe, seed=4).estimate)


def test_members_run_alike_on_both_engines() -> None:
    generator = Generator().manual_seed(0)
    network = Members([NETWORKS["paper"].build(3, 3, generator=generator) for _ in range(2)])
    z = torch.rand(2, 3, 32, 32, generator=Generator().manual_seed(1))
    with torch.no_grad():
        plain = PLAIN.prepare(network, CPU)(z)
        fast = HALF.prepare(network, CPU)(z)
    assert (fast - plain).norm() < 0.03 * plain.norm()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns memory eagerly")
def test_freed_memory_is_kept_inside_and_returned_after() -> None:
    def resident() -> int:
        return psutil.Process().memory_info().rss

    size = 16 * 2**20
    with freed_memory_kept():
        sizes = []
        with freed_memory_kept():
            for _ in range(16):  # glibc sets the crumbs of the first seven aside
                torch.ones(size, dtype=torch.uint8)
                sizes.append(resident())
        torch.ones(size, dtype=torch.uint8)
        sizes.append(resident())
    assert max(sizes[10:]) - sizes[10] < size / 4  # the same pages again
    assert sizes[-1] - resident() > size / 2


def test_law_11_float32_is_no_tf32_in_a_fit_and_what_it_was_after() -> None:
    before = torch.backends.cudnn.conv.fp32_precision
    seen = []

    def operator(image: Tensor) -> Tensor:
        seen.append(torch.backends.cudnn.conv.fp32_precision)
        return image

    recipe = replace(find_recipe("denoise", "paper"), network=NETWORKS["paper"], max_steps=1)
    solve(Problem(observed=torch.rand(1, 3, 32, 32), operator=operator), recipe)
    assert set(seen) == {"ieee"}
    one, two = full_float32(), full_float32()
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)  # as fits overlap in two threads
    assert torch.backends.cudnn.conv.fp32_precision == "ieee"
    two.__exit__(None, None, None)
    assert torch.backends.cudnn.conv.fp32_precision == before == "tf32"
    assert torch.backends.cudnn.allow_tf32
