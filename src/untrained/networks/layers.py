"""What the networks share: seeded layers, activations, sizes, padding of small inputs."""

from __future__ import annotations

import math
from typing import Literal, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.functional import as_it_is, conv2d, conv_reflect, double_bilinear

__all__ = [
    "Activation",
    "Conv2d",
    "ConvTranspose2d",
    "NetworkSettings",
    "Output",
    "Padding",
    "UpMode",
    "activation",
    "batch_norm",
    "crop_to",
    "for_image",
    "initialize",
    "pad_to",
    "upsample",
]

Activation = Literal["leaky_relu", "relu", "elu", "swish", "none"]
Output = Literal["sigmoid", "linear", "leaky_relu"]
Padding = Literal["reflect", "zeros", "replicate"]
UpMode = Literal["nearest", "bilinear"]


Settings = TypeVar("Settings")

_LARGE = 200**2  # pixels: on smaller maps, padding is faster than the calls of `conv_reflect`


class NetworkSettings(Protocol):
    """Frozen settings of a network: a recipe names them, `build` makes the module."""

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> nn.Module:
        """Return the network with random weights drawn from the generator."""
        ...

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width of the z from which an image of this size grows."""
        ...


def for_image(settings: Settings, height: int, width: int) -> Settings:
    """Return the settings of a network for an image of this size (`of_size`, where it has it)."""
    find = getattr(settings, "of_size", None)
    return settings if find is None else find(height, width)


class Conv2d(nn.Conv2d):
    """A convolution whose weights wait for `initialize`, so that no global random number is drawn.

    Reflection padding falls back to replication on a map too small to reflect.
    """

    def reset_parameters(self) -> None:
        """Leave the weights to `initialize`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of (b, c, h, w)."""
        pad = self.kernel_size[0] // 2
        if self.padding_mode == "zeros" or pad == 0:
            return conv2d(x, self.weight, self.bias, self.stride[0], (pad, pad))
        small, large = min(x.shape[-2:]) <= pad, x.shape[-2] * x.shape[-1] >= _LARGE
        if self.padding_mode == "reflect" and large and not small and x.device.type == "cpu":
            weight, bias = self.weight, self.bias
            if torch.is_autocast_enabled("cpu"):
                dtype = torch.get_autocast_dtype("cpu")
                x, weight = x.to(dtype), weight.to(dtype)
                bias = None if bias is None else bias.to(dtype)
            return conv_reflect(x, weight, bias, self.stride[0])
        with as_it_is(x):
            x = F.pad(x, (pad,) * 4, mode="replicate" if small else self.padding_mode)
        return conv2d(x, self.weight, self.bias, self.stride[0])


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose weights wait for `initialize`."""

    def reset_parameters(self) -> None:
        """Leave the weights to `initialize`."""


def initialize(network: nn.Module, generator: Generator) -> None:
    """Draw every convolution's weights and biases from U(-1/√n, 1/√n), n = fan-in.

    This is torch's default for convolutions (Kaiming uniform, a = √5), from a generator of ours.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters(recurse=False):
                nn.init.uniform_(parameter, -bound, bound, generator=generator)


def conv(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, padding: Padding,
    bias: bool = True,
) -> Conv2d:  # fmt: skip
    """Return a convolution that keeps the size (divided by the stride, rounded up)."""
    return Conv2d(
        in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=bias,
        padding_mode=padding,
    )  # fmt: skip


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Return a batch normalisation that always uses the statistics of the image itself.

    There is one image; running averages for an inference mode would only be a trap.
    """
    return nn.BatchNorm2d(channels, track_running_stats=False)


def activation(kind: Activation | Output, *, slope: float = 0.2) -> nn.Module:
    """Return the activation; `slope` is LeakyReLU's below zero."""
    match kind:
        case "leaky_relu":
            return nn.LeakyReLU(slope, inplace=True)
        case "relu":
            return nn.ReLU(inplace=True)
        case "elu":
            return nn.ELU(inplace=True)
        case "swish":
            return nn.SiLU(inplace=True)
        case "sigmoid":
            return nn.Sigmoid()
        case "none" | "linear":
            return nn.Identity()
    raise InputError(f"activation is {kind!r}; wanted leaky_relu, relu, elu, swish or none")


def upsample(x: Tensor, mode: UpMode, size: tuple[int, int] | None = None) -> Tensor:
    """Return x at twice its size, cropped at the right and bottom to `size`."""
    with as_it_is(x):
        if mode == "nearest":
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        elif x.device.type == "cpu" and min(x.shape[-2:]) > 1:
            x = double_bilinear(x)
        else:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    return x if size is None else crop_to(x, size)


def crop_to(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the top left `size` of x."""
    return x[..., : size[0], : size[1]]


def pad_to(x: Tensor, *, minimum: int, multiple: int = 1) -> Tensor:
    """Replicate the right and bottom edge up to `minimum` pixels and to a `multiple`."""
    height, width = (max(s, minimum) for s in x.shape[-2:])
    bottom = height + -height % multiple - x.shape[-2]
    right = width + -width % multiple - x.shape[-1]
    if bottom == right == 0:
        return x
    return F.pad(x, (0, right, 0, bottom), mode="replicate")


def per_scale(value: int | tuple[int, ...], scales: int, name: str) -> tuple[int, ...]:
    """Spread one number over all scales, or check that a tuple has one for each."""
    values = (value,) * scales if isinstance(value, int) else tuple(value)
    if len(values) != scales:
        raise InputError(f"{name} has {len(values)} numbers for {scales} scales; give one each")
    return values


def check_widths(name: str, widths: tuple[int, ...], *, least: int = 1) -> None:
    """Raise InputError unless there is a width and every one is at least `least`."""
    if not widths or min(widths) < least:
        raise InputError(f"{name} is {widths}; wanted whole numbers from {least} up")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InputError unless the value is one of the choices."""
    if value not in choices:
        raise InputError(f"{name} is {value!r}; wanted one of {', '.join(choices)}")
