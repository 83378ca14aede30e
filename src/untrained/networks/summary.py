"""What a network costs: layers, shapes, parameters, FLOPs and memory for an image size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from untrained.networks.layers import NetworkSettings, for_image

__all__ = ["LayerSummary", "NetworkSummary", "summarize"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSummary:
    """One layer in the order of the forward pass."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSummary:
    """A network at an image size.

    Attributes:
        layers: every leaf module, in the order in which it runs.
        parameters: trainable parameters.
        flops: floating-point operations of one step (forward and backward; a multiply-add is two).
        activation_bytes: what the forward pass keeps for the backward pass, in float32.
        memory_bytes: activations, weights, gradients, Adam's two moments and the last good copy.
    """

    layers: tuple[LayerSummary, ...]
    parameters: int
    flops: int
    activation_bytes: int
    memory_bytes: int


def summarize(
    settings: NetworkSettings, *, in_channels: int, out_channels: int, height: int, width: int
) -> NetworkSummary:
    """Return the summary of a network for an image of this size, without any arithmetic.

    The network runs on torch's "meta" device: shapes only, so an image of any size is instant.
    """
    settings = for_image(settings, height, width)
    with torch.device("meta"):
        network = settings.build(in_channels, out_channels, generator=_generator()).to("meta")
    z = torch.empty(1, in_channels, *settings.input_size(height, width), device="meta")
    layers: list[LayerSummary] = []

    def record(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, _: Any, output: Tensor) -> None:
            parameters = sum(p.numel() for p in module.parameters())
            kind = type(module).__name__
            layers.append(
                LayerSummary(name=name, kind=kind, shape=tuple(output.shape), parameters=parameters)
            )

        return hook

    handles = [
        module.register_forward_hook(record(name))
        for name, module in network.named_modules()
        if not list(module.children())
    ]
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved[id(tensor.untyped_storage())] = tensor.untyped_storage().nbytes()
        kept.append(tensor)  # so that no id is used twice
        return tensor

    kept: list[Tensor] = []
    with (
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        network(z).sum().backward()
    for handle in handles:
        handle.remove()
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    weights = 4 * sum(p.numel() for p in network.parameters())
    activations = max(0, sum(saved.values()) - weights)
    return NetworkSummary(
        layers=tuple(layers),
        parameters=parameters,
        flops=counter.get_total_flops(),
        activation_bytes=activations,
        memory_bytes=activations + 7 * weights,
    )


def _generator() -> Generator:
    return Generator().manual_seed(0)
