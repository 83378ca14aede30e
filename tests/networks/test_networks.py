"""Networks: published parameter counts, any size, every option, seeds."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

from untrained.errors import InputError
from untrained.networks import DeepDecoder, NetworkSettings, ResNet, Skip, UNet, summarize
from untrained.recipes import find_recipe


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


PUBLISHED = [
    ("default, RGB", "denoise/paper", 3, 2_217_831),
    ("default, gray", "denoise/paper", 1, 2_217_573),
    ("JPEG", "denoise/paper-jpeg", 3, 572_827),
    ("text inpainting", "inpaint/paper-text", 3, 3_002_627),
    ("vase", "inpaint/paper-vase", 3, 2_157_955),
    ("library", "inpaint/paper-library", 3, 2_996_467),
    ("U-Net", "inpaint/paper-library-unet", 3, 1_616_315),
    ("ResNet", "inpaint/paper-library-resnet", 3, 158_979),
    ("Deep Decoder", "denoise/deep-decoder", 3, 100_224),
]


@pytest.mark.parametrize(("what", "recipe", "channels", "published"), PUBLISHED)
def test_parameter_counts_equal_the_published_code(
    what: str, recipe: str, channels: int, published: int
) -> None:
    settings = find_recipe(*recipe.split("/"))
    fed = settings.objective.in_channels(channels)
    assert count(settings.network.build(fed, channels, generator=generator())) == published


VARIANTS: list[NetworkSettings] = [
    Skip(widths=(8, 8)),
    Skip(widths=(8, 12, 16), widths_up=(6, 8, 10), widths_skip=(0, 4, 2)),
    *(Skip(widths=(8, 8), down=down) for down in ("max", "average", "lanczos")),
    Skip(widths=(8, 8), up="nearest"),
    Skip(widths=(8, 8), up_position="last"),
    Skip(widths=(8, 8), up_position="last", widths_skip=0),
    Skip(widths=(8, 8), padding="zeros", kernel_down=(7, 3), kernel_up=5),
    *(Skip(widths=(8, 8), activation=kind) for kind in ("relu", "elu", "swish", "none")),
    *(Skip(widths=(8, 8), output=kind) for kind in ("linear", "leaky_relu")),
    Skip(widths=(8, 8), kernel_refine=0, slope=0.01),
    Skip(widths=(8, 8), kernel_refine=3, norm_concat=False),
    Skip(widths=(8, 8), shuffle=2),
    UNet(widths=(4, 8, 8)),
    UNet(widths=(4, 8), up="nearest"),
    UNet(widths=(4, 8), up="bilinear", padding="reflect", output="linear"),
    ResNet(num_blocks=2, width=8),
]


@pytest.mark.parametrize("settings", VARIANTS, ids=repr)
@pytest.mark.parametrize("size", [(8, 8), (13, 37), (33, 20)])
@pytest.mark.parametrize("channels", [1, 5])
def test_every_variant_maps_any_size_and_sends_gradients_to_every_weight(
    settings: NetworkSettings, size: tuple[int, int], channels: int
) -> None:
    network = settings.build(2, channels, generator=generator())
    z = torch.rand(1, 2, *settings.input_size(*size), generator=generator(1))
    image = network(z)
    assert image.shape == (1, channels, *size)
    image.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("size", [(8, 8), (13, 37), (70, 20)])
def test_default_networks_take_pictures_smaller_than_their_depth(size: tuple[int, int]) -> None:
    for settings in (Skip(widths=(8,) * 5), UNet(widths=(4,) * 6)):
        network = settings.build(2, 3, generator=generator())
        image = network(torch.rand(1, 2, *size, generator=generator(1)))
        assert image.shape == (1, 3, *size)
        assert torch.isfinite(image).all()


def test_deep_decoder_grows_at_least_the_image_and_halves_exactly() -> None:
    settings = DeepDecoder(width=8, num_up=3)
    assert settings.input_size(64, 40) == (8, 5)
    network = settings.build(8, 3, generator=generator())
    assert network(torch.rand(1, 8, 8, 5)).shape == (1, 3, 64, 40)
    assert settings.input_size(65, 8) == (9, 2)


def test_output_activation_bounds_the_image() -> None:
    z = 100 * torch.rand(1, 2, 32, 32, generator=generator(1))
    bounded = Skip(widths=(8,)).build(2, 3, generator=generator())(z)
    assert bounded.min() >= 0
    assert bounded.max() <= 1
    linear = Skip(widths=(8,), output="linear").build(2, 3, generator=generator())(z)
    assert linear.min() < 0


def test_weights_come_from_the_generator_and_leave_the_global_one_alone() -> None:
    before = torch.random.get_rng_state()
    networks = [Skip(widths=(8,)).build(2, 3, generator=generator(s)) for s in (0, 0, 1)]
    assert torch.equal(before, torch.random.get_rng_state())
    first, same, other = (torch.cat([p.flatten() for p in n.parameters()]) for n in networks)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_initial_weights_have_the_distribution_of_torch() -> None:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)): the same bounds and variance as a fresh nn.Conv2d."""
    ours = Skip(widths=(64,)).build(32, 3, generator=generator()).encoder[0].first
    theirs = nn.Conv2d(32, 64, 3)
    bound = 1 / (32 * 9) ** 0.5
    for parameter in (ours.weight, theirs.weight):
        assert parameter.abs().max() <= bound
        assert parameter.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert ours.bias.abs().max() <= bound


def test_settings_refuse_what_makes_no_network() -> None:
    for bad in (
        {"widths": ()},
        {"widths": (8, 0)},
        {"widths": (8, 8), "widths_skip": (4,)},
        {"widths": (8, 8), "widths_up": (4,)},
        {"kernel_up": 4},
        {"kernel_refine": 2},
        {"down": "cubic"},
        {"up": "cubic"},
        {"output": "tanh"},
        {"shuffle": 0},
    ):
        with pytest.raises(InputError):
            Skip(**bad)  # type: ignore[arg-type]


def test_summary_counts_what_a_real_network_has() -> None:
    settings = Skip(widths=(8, 16), widths_skip=4)
    summary = summarize(settings, in_channels=3, out_channels=3, height=32, width=48)
    network = settings.build(3, 3, generator=generator())
    assert summary.parameters == count(network)
    assert sum(layer.parameters for layer in summary.layers) == summary.parameters
    assert summary.layers[-1].shape == (1, 3, 32, 48)
    # one 3x3 convolution by hand: the decoder's last, (16 + 4) -> 8 channels at full size, forward
    # and backward to weights and input = 3 times 2 · K² · C · C' · H · W
    by_hand = 3 * 2 * 9 * 20 * 8 * 32 * 48
    without = summarize(
        Skip(widths=(8, 16), widths_skip=4, kernel_up=(1, 3)),
        in_channels=3, out_channels=3, height=32, width=48,
    )  # fmt: skip
    assert summary.flops - without.flops == by_hand * 8 // 9
    bigger = summarize(settings, in_channels=3, out_channels=3, height=64, width=96)
    # four times the pixels; the statistics of the norms do not grow
    assert 3.9 < bigger.activation_bytes / summary.activation_bytes <= 4
