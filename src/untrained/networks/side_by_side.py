"""Several networks of one kind as one: every layer runs once, with the weights of all."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from untrained.networks.deep_decoder import DeepDecoderNetwork
from untrained.networks.dropout import Dropout
from untrained.networks.functional import as_it_is, conv2d
from untrained.networks.layers import Conv2d
from untrained.networks.plain import PlainNetwork
from untrained.networks.resnet import ResNetNetwork
from untrained.networks.skip import SkipNetwork

__all__ = ["SideBySide", "can_stand_side_by_side"]


_TESTED = (SkipNetwork, DeepDecoderNetwork, ResNetNetwork, PlainNetwork)


def can_stand_side_by_side(network: nn.Module) -> bool:
    """Whether a network keeps the items of a batch apart but for its norms, and draws nothing."""
    return type(network) in _TESTED and all(
        type(module) in (Conv2d, nn.BatchNorm2d)
        or not (isinstance(module, Dropout) or list(module.parameters(recurse=False)))
        for module in network.modules()
    )


class SideBySide(nn.Module):
    """(n, c, h, w) -> (n, C, H, W): network i maps item i; nothing is shared.

    What `Members` does by n calls of each layer takes one here: the convolutions are grouped, the
    norms see n C channels. A small map costs less than the call (docs/measurements.md). Tensors are
    contiguous: only so are (n, C, h, w) and (1, n C, h, w) the same memory.

    The networks share their memory with this one: a step of either is a step of both.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        """`networks` of one build, for each of which `can_stand_side_by_side`."""
        super().__init__()
        self.network = copy.deepcopy(networks[0])
        for name, module in list(self.network.named_modules()):
            own = [network.get_submodule(name) for network in networks]
            if isinstance(module, Conv2d):
                self._put(name, _Convolutions(own))
            elif isinstance(module, nn.BatchNorm2d):
                self._put(name, _Norms(own))
        stacked = dict(self.network.named_parameters())
        for i, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                parameter.data = stacked[name].data[i]

    def _put(self, name: str, module: nn.Module) -> None:
        parent, _, last = name.rpartition(".")
        setattr(self.network.get_submodule(parent), last, module)

    def forward(self, z: Tensor) -> Tensor:
        """Return each network's image of its own z."""
        image: Tensor = self.network(z)
        return image


class _Stacked(nn.Module):
    """Layers of one kind, their weights along a first axis."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        for name, parameter in layers[0].named_parameters():
            values = [layer.get_parameter(name).detach().contiguous() for layer in layers]
            stacked = nn.Parameter(torch.stack(values), requires_grad=parameter.requires_grad)
            self.register_parameter(name, stacked)

    def flat(self, name: str) -> Tensor | None:
        """Return a weight with the first two axes as one; None = the layers have none."""
        return self.get_parameter(name).flatten(0, 1) if name in self._parameters else None


class _Convolutions(_Stacked):
    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__(layers)
        (one,) = layers[:1]
        assert isinstance(one, Conv2d)
        self.pad, self.stride, self.mode = one.kernel_size[0] // 2, one.stride[0], one.padding_mode

    def forward(self, x: Tensor) -> Tensor:
        """Return each convolution of its own item, as `Conv2d` pads."""
        weight, pad = self.flat("weight"), self.pad
        assert weight is not None
        if self.mode != "zeros" and pad:
            small = min(x.shape[-2:]) <= pad and self.mode == "reflect"
            with as_it_is(x):
                x = F.pad(x, (pad,) * 4, mode="replicate" if small else self.mode)
            pad = 0
        y = conv2d(_as_one(x), weight, self.flat("bias"), self.stride, (pad, pad), len(x))
        return y.reshape(len(x), -1, *y.shape[-2:])


class _Norms(_Stacked):
    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__(layers)
        (one,) = layers[:1]
        assert isinstance(one, nn.BatchNorm2d)
        self.eps = one.eps

    def forward(self, x: Tensor) -> Tensor:
        """Return each item normalised by its own mean and variance, channel by channel."""
        weight, bias = self.flat("weight"), self.flat("bias")
        y = F.batch_norm(_as_one(x), None, None, weight, bias, training=True, eps=self.eps)
        return y.view(x.shape)


def _as_one(x: Tensor) -> Tensor:
    """Return (n, c, h, w) as (1, n c, h, w)."""
    return x.reshape(1, -1, *x.shape[-2:])
