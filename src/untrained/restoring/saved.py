"""A fitted network again: what `Result.save` has written, ready to be run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.fitting import full_float32
from untrained.fitting.saving import read_fit
from untrained.networks import Custom, for_image
from untrained.recipes import Recipe, decode
from untrained.restoring.solve import load_weights, networks_of

__all__ = ["LoadedFit", "load_fit"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoadedFit:
    """A fitted network.

    Attributes:
        network: with the weights of `kept_step`; on the CPU.
        z: what it is fed, (members, c, h, w).
        estimate: the image that was kept, (1, C, H, W) in the unit range.
        kept: "iterate": `estimate` is what the network draws, but for what `Problem.finish` does
            and the rounding of a lower precision. "average": `estimate` is an average over many
            steps, which no weights draw; the network has those of the step at which the average
            was kept.
        kept_step: that step.
        recipe: the settings of the fit.
        last_weights: those after its last step, for a fit that goes on (`Execution.weights`).
    """

    network: nn.Module
    z: Tensor
    estimate: Tensor
    kept: str
    kept_step: int
    recipe: Recipe
    last_weights: Mapping[str, Tensor]

    def image(self) -> Tensor:
        """Return f_θ(z), the mean over members, cropped to the size of the estimate."""
        height, width = self.estimate.shape[-2:]
        with torch.no_grad(), full_float32():
            drawn: Tensor = self.network(self.z)
        return drawn[..., :height, :width].mean(0, keepdim=True)


def load_fit(
    folder: str | Path, *, network: nn.Module | Callable[..., nn.Module] | None = None
) -> LoadedFit:
    """Return the network of a folder that `Result.save` has written.

    Args:
        folder: that was saved into.
        network: the module, or what makes it, where the recipe's was one of the user's own that
            cannot be imported by its name.

    Raises:
        InputError: no such fit; a network that cannot be made again, or another one.
    """
    tensors, facts = read_fit(Path(folder))
    data = dict(facts["recipe"])
    if network is not None:
        del data["network"]
    try:
        recipe = decode(data)
    except InputError as error:
        raise InputError(f"{folder}: {error}; pass network=") from None
    if network is not None:
        recipe = replace(recipe, network=Custom(module=network))
    z, estimate = tensors["z"], tensors["estimate"]
    height, width = estimate.shape[-2:]
    sized = replace(recipe, network=for_image(recipe.network, height, width))
    made = networks_of(sized, z.shape[1], estimate.shape[1], generator=Generator().manual_seed(0))
    load_weights(made, tensors["weights"])
    return LoadedFit(
        network=made, z=z, estimate=estimate, kept=facts["kept"], kept_step=facts["kept_step"],
        recipe=recipe, last_weights=tensors["last_weights"],
    )  # fmt: skip
