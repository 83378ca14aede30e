"""What the weights of earlier fits have in common, for the learned regularisation of a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from untrained.errors import InputError
from untrained.objectives import LearnedRegularisation, WeightPrior, mean_weights
from untrained.recipes import Recipe, encode
from untrained.restoring.saved import load_fit

__all__ = ["weight_prior", "with_prior"]


def weight_prior(fits: Sequence[str | Path]) -> WeightPrior:
    """Return the mean and covariance of the mean weights of earlier fits by one network.

    The weights are those of the image that was kept. Fits of other images of the same kind, with
    as many measurements as the new one has, say most about it.

    Args:
        fits: folders that `Result.save` has written, two or more. Each member of a fit counts.

    Raises:
        InputError: fewer than two, no such fit, or fits by different networks.
    """
    samples, networks = [], []
    for folder in fits:
        fit = load_fit(folder)
        networks.append(encode(fit.recipe.network))
        with torch.no_grad():
            samples.append(mean_weights(fit.network))
        if networks[-1] != networks[0] or samples[-1].shape[1] != samples[0].shape[1]:
            raise InputError(
                f"{folder} is a fit by another network than {fits[0]}; wanted fits by one recipe"
            )
    if not samples:
        raise InputError("no earlier fits; wanted two or more folders that Result.save has written")
    return WeightPrior.of(torch.cat(samples))


def with_prior(recipe: Recipe, fits: Sequence[str | Path]) -> Recipe:
    """Return the recipe with the weights of earlier fits as its prior (`weight_prior`).

    Raises:
        InputError: as `weight_prior`; a recipe without learned regularisation.
    """
    if not isinstance(recipe.objective, LearnedRegularisation):
        raise InputError(
            f"recipe {recipe.name!r} takes no earlier fits; use paper-learned, or leave out prior"
        )
    return replace(recipe, objective=replace(recipe.objective, prior=weight_prior(fits)))
