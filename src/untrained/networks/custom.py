"""A module of the user's own as the network."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, nn

from untrained.errors import InputError

__all__ = ["Custom"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Custom:
    """Any torch.nn.Module that maps z (1, c, H, W) to an image (1, C, H, W).

    Attributes:
        module: the module, whose weights are where the fit starts; or a class or function that
            makes one, called with (in_channels, out_channels) or with nothing: its weights are
            drawn from the fit's seed.
        name: what stands for it in records, PACKAGE.MODULE:NAME; found again by this name.
    """

    module: nn.Module | Callable[..., nn.Module]
    name: str = ""

    def __post_init__(self) -> None:
        if not callable(self.module):
            raise InputError(
                f"network is {self.module!r}; wanted a torch.nn.Module, or what makes one"
            )
        if not self.name:
            made = type(self.module) if isinstance(self.module, nn.Module) else self.module
            name = f"{getattr(made, '__module__', '?')}:{getattr(made, '__qualname__', repr(made))}"
            object.__setattr__(self, "name", name)

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of the image: z has it too."""
        return height, width

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> nn.Module:
        """Return a copy of the module, or a new one with weights from the generator.

        Raises:
            InputError: what makes the module fails, or makes something else.
        """
        if isinstance(self.module, nn.Module):
            return copy.deepcopy(self.module)
        numbers = (in_channels, out_channels)[: _asked_for(self.module)]
        # Its layers draw from the global generator: that is lent a seed, and left as it was.
        with torch.random.fork_rng(devices=[]):
            seed = torch.randint(2**31, (1,), generator=generator, device="cpu")
            torch.default_generator.manual_seed(int(seed))
            try:
                network = self.module(*numbers)
            except Exception as error:  # the user's code may raise whatever it likes
                raise InputError(
                    f"network {self.name} fails ({type(error).__name__}: {error}); wanted what "
                    "takes (in_channels, out_channels), or nothing, and returns a torch.nn.Module"
                ) from error
        if not isinstance(network, nn.Module):
            raise InputError(
                f"network {self.name} makes {type(network).__name__}; wanted a torch.nn.Module"
            )
        return network


def _asked_for(factory: Callable[..., Any]) -> int:
    """Return how many positional arguments a factory must be given, at most two."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return min(2, len(required))
