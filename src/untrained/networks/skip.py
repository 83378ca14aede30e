"""The encoder-decoder with skip connections (Ulyanov et al., arXiv 1711.10925, figure 21).

Shapes: C_i = widths[i], D_i = widths_up[i], S_i = widths_skip[i], at scale i of
(H / 2^i, W / 2^i), rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.dropout import Dropout, seed_dropouts
from untrained.networks.enlarged import conv_beside_doubled, doubling_is_short
from untrained.networks.functional import concatenate
from untrained.networks.layers import (
    Activation,
    Output,
    Padding,
    UpMode,
    activation,
    batch_norm,
    check_choice,
    check_widths,
    conv,
    crop_to,
    initialize,
    pad_to,
    per_scale,
    upsample,
)
from untrained.operators import Resample

__all__ = ["Skip", "SkipNetwork"]

DownMode = Literal["stride", "max", "average", "lanczos"]
UpPosition = Literal["before_concat", "last"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """Settings of the encoder-decoder; the defaults are the paper's denoising network.

    Attributes:
        widths: channels of the encoder, one a scale; their number is the number of scales.
        widths_up: channels of the decoder; empty = as the encoder.
        widths_skip: channels of the skip connections, one number or one a scale; 0 = none.
        kernel_down: kernel size of the encoder, one number or one a scale.
        kernel_up: kernel size of the decoder, likewise.
        kernel_skip: kernel size of the skip connections.
        down: halve by a strided convolution, or by a convolution followed by max pooling,
            average pooling or a Lanczos2 filter.
        up: nearest or bilinear.
        up_position: upsample before the concatenation (the published code), or as the last
            operation of a block (the figure in the supplementary material).
        padding: reflect, zeros or replicate.
        activation: after every normalisation.
        slope: of LeakyReLU below zero.
        norm_concat: normalise what a decoder's block is given, as the published code does.
        kernel_refine: kernel size of a second convolution in the decoder's blocks: the published
            optional 1x1; 0 = none.
        output: sigmoid, linear or leaky_relu.
        shuffle: work on pixels folded into channels: 2 = a quarter of the positions, four times
            the channels in and out (pixel-unshuffle, pixel-shuffle); 1 = at full resolution.
        dropout: the share of values dropped before every convolution of the decoder, always: also
            when the image is read (Self2Self averages over it).
    """

    widths: tuple[int, ...] = (128, 128, 128, 128, 128)
    widths_up: tuple[int, ...] = ()
    widths_skip: int | tuple[int, ...] = 4
    kernel_down: int | tuple[int, ...] = 3
    kernel_up: int | tuple[int, ...] = 3
    kernel_skip: int = 1
    down: DownMode = "stride"
    up: UpMode = "bilinear"
    up_position: UpPosition = "before_concat"
    padding: Padding = "reflect"
    activation: Activation = "leaky_relu"
    slope: float = 0.2
    norm_concat: bool = True
    kernel_refine: int = 1
    output: Output = "sigmoid"
    shuffle: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        if len(self.widths_up) not in (0, len(self.widths)):
            raise InputError(
                f"widths_up has {len(self.widths_up)} numbers for {len(self.widths)} scales; "
                "give one each or none"
            )
        check_widths("widths_skip", self.skips, least=0)
        for name in ("kernel_down", "kernel_up"):
            for kernel in per_scale(getattr(self, name), len(self.widths), name):
                if kernel < 1 or kernel % 2 == 0:
                    raise InputError(f"{name} is {kernel}; wanted an odd number")
        if self.kernel_refine != 0 and self.kernel_refine % 2 != 1:
            raise InputError(f"kernel_refine is {self.kernel_refine}; wanted 0 or an odd number")
        check_choice("down", self.down, get_args(DownMode))
        check_choice("up", self.up, get_args(UpMode))
        check_choice("up_position", self.up_position, get_args(UpPosition))
        check_choice("padding", self.padding, get_args(Padding))
        check_choice("activation", self.activation, get_args(Activation))
        check_choice("output", self.output, get_args(Output))
        if self.shuffle < 1:
            raise InputError(f"shuffle is {self.shuffle}; wanted 1 or more")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; wanted 0 up to but not including 1")

    @property
    def skips(self) -> tuple[int, ...]:
        """The widths of the skip connections, one a scale."""
        return per_scale(self.widths_skip, len(self.widths), "widths_skip")

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z: the size of the image."""
        return height, width

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> SkipNetwork:
        """Return the network with random weights drawn from the generator."""
        return SkipNetwork(in_channels, out_channels, self, generator=generator)


class SkipNetwork(nn.Module):
    """f_θ: (b, in_channels, H, W) -> (b, out_channels, H, W) for any H and W from 1 up."""

    def __init__(
        self, in_channels: int, out_channels: int, settings: Skip | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings or Skip()
        scales = len(s.widths)
        widths_up = s.widths_up or s.widths
        kernels_down = per_scale(s.kernel_down, scales, "kernel_down")
        kernels_up = self.kernels_up = per_scale(s.kernel_up, scales, "kernel_up")
        before_concat = s.up_position == "before_concat"

        self.encoder = nn.ModuleList()
        self.skip = nn.ModuleList()
        self.decoder = nn.ModuleList()
        width_in = in_channels * s.shuffle**2
        for i, (width, width_skip) in enumerate(zip(s.widths, s.skips, strict=True)):
            self.encoder.append(_Down(width_in, width, kernels_down[i], s))
            skip_from = width_in if before_concat else width
            self.skip.append(
                _block(skip_from, width_skip, s.kernel_skip, s) if width_skip else _Nothing()
            )
            below = widths_up[i + 1] if i + 1 < scales else width
            self.decoder.append(_up(below + width_skip, widths_up[i], kernels_up[i], s))
            width_in = width
        self.head = nn.Sequential(
            conv(widths_up[0], out_channels * s.shuffle**2, 1, padding=s.padding),
            activation(s.output, slope=s.slope),
        )
        # The deepest map keeps enough pixels to pad and to normalise.
        self.minimum = (
            (max(*kernels_down, *kernels_up, s.kernel_refine) // 2 + 1) * 2**scales * s.shuffle
        )
        initialize(self, generator)
        seed_dropouts(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image (b, out_channels, H, W) of z (b, in_channels, H, W)."""
        s = self.settings
        size = _size(z)
        x = pad_to(z, minimum=self.minimum, multiple=s.shuffle)
        x = F.pixel_unshuffle(x, s.shuffle) if s.shuffle > 1 else x
        inputs = []
        for down in self.encoder:  # (b, C_{i-1}, H/2^i, W/2^i) -> (b, C_i, H/2^{i+1}, W/2^{i+1})
            inputs.append(x)
            x = down(x)
        outputs = [*inputs[1:], x]
        for i in reversed(range(len(inputs))):
            if s.up_position == "before_concat":
                x = self._decoded_beside(i, x, inputs[i])
            else:
                x = self.decoder[i](self._concat(i, x, outputs[i]))
                x = upsample(x, s.up, _size(inputs[i]))
        x = self.head(x)
        x = F.pixel_shuffle(x, s.shuffle) if s.shuffle > 1 else x
        return crop_to(x, size)

    def _decoded_beside(self, i: int, x: Tensor, source: Tensor) -> Tensor:
        """Return the decoder's block of the skip connection and x at twice its size."""
        s, skip, size = self.settings, self.skip[i], _size(source)
        bare = s.up == "nearest" and s.padding == "zeros" and not s.norm_concat and not s.dropout
        block = self.decoder[i]
        assert isinstance(block, nn.Sequential)
        if bare and self.kernels_up[i] == 3 and doubling_is_short(x, size):
            first = block[0]
            assert isinstance(first, nn.Sequential)
            if isinstance(first[0], nn.Conv2d):  # else that of several networks (`SideBySide`)
                beside = None if isinstance(skip, _Nothing) else skip(source)
                x = conv_beside_doubled(beside, x, first[0].weight, first[0].bias)
                return block[1:](first[1:](x))  # type: ignore[no-any-return]
        return block(self._concat(i, upsample(x, s.up, size), source))  # type: ignore[no-any-return]

    def _concat(self, i: int, x: Tensor, source: Tensor) -> Tensor:
        skip = self.skip[i]
        return x if isinstance(skip, _Nothing) else concatenate(skip(source), x)


class _Nothing(nn.Module):
    """The place of a skip connection of width 0."""


class _Down(nn.Module):
    """Halve the size: conv, (pool,) norm, activation, conv, norm, activation."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, s: Skip) -> None:
        super().__init__()
        stride = 2 if s.down == "stride" else 1
        self.first = conv(in_channels, out_channels, kernel, stride=stride, padding=s.padding)
        self.pool: nn.Module
        match s.down:
            case "stride":
                self.pool = nn.Identity()
            case "max":
                self.pool = nn.MaxPool2d(2, ceil_mode=True)
            case "average":
                self.pool = nn.AvgPool2d(2, ceil_mode=True)
            case "lanczos":
                self.pool = Resample(2, kernel="lanczos2")
        self.norm = batch_norm(out_channels)
        self.act = activation(s.activation, slope=s.slope)
        self.second = _block(out_channels, out_channels, kernel, s)

    def forward(self, x: Tensor) -> Tensor:
        """(b, in, h, w) -> (b, out, ceil(h/2), ceil(w/2))."""
        x = self.act(self.norm(self.pool(self.first(x))))
        return self.second(x)  # type: ignore[no-any-return]


def _block(in_channels: int, out_channels: int, kernel: int, s: Skip) -> nn.Sequential:
    return nn.Sequential(
        conv(in_channels, out_channels, kernel, padding=s.padding),
        batch_norm(out_channels),
        activation(s.activation, slope=s.slope),
    )


def _up(in_channels: int, out_channels: int, kernel: int, s: Skip) -> nn.Sequential:
    blocks: list[nn.Module] = [batch_norm(in_channels)] if s.norm_concat else []
    blocks += [Dropout(s.dropout)] if s.dropout else []
    blocks.append(_block(in_channels, out_channels, kernel, s))
    if s.kernel_refine:
        blocks += [Dropout(s.dropout)] if s.dropout else []
        blocks.append(_block(out_channels, out_channels, s.kernel_refine, s))
    return nn.Sequential(*blocks)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]
