"""What a fit will cost, before it starts."""

from __future__ import annotations

import torch

from untrained.errors import InputError
from untrained.networks import NetworkSummary, summarize
from untrained.objectives import Problem
from untrained.recipes import Recipe

__all__ = ["available_memory", "check_memory", "predict_memory", "summarize_recipe"]


def summarize_recipe(recipe: Recipe, height: int, width: int, channels: int) -> NetworkSummary:
    """Return the summary of a recipe's network for an image of this size."""
    return summarize(
        recipe.network,
        in_channels=recipe.objective.in_channels(channels),
        out_channels=channels,
        height=height,
        width=width,
    )


def predict_memory(recipe: Recipe, problem: Problem) -> int:
    """Return the bytes that a fit needs: the network's (`summarize`) and a dozen images."""
    _, channels, height, width = problem.image_shape
    summary = summarize_recipe(recipe, height, width, channels)
    return summary.memory_bytes + 12 * 4 * channels * height * width


def available_memory(device: torch.device) -> int | None:
    """Return the free memory of a device in bytes; None if it cannot be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


def check_memory(recipe: Recipe, problem: Problem, device: torch.device) -> None:
    """Refuse a fit that would not fit.

    Raises:
        InputError: more memory is needed than is free; says how much and what to do.
    """
    needed, free = predict_memory(recipe, problem), available_memory(device)
    if free is not None and needed > free:
        _, _, height, width = problem.image_shape
        raise InputError(
            f"fitting {height}x{width} with recipe {recipe.name!r} needs about "
            f"{needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free on {device}; "
            "use a smaller picture, a smaller network (--set network.widths=…) or another device"
        )
