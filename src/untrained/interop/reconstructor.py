"""Our recipes as a reconstruction model of deepinv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import deepinv
import numpy as np
import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.fitting import Callback, Result
from untrained.interop.deepinv import DeepinvOperator, as_operator
from untrained.operators import Identity, LinearOperator, Mask
from untrained.recipes import Recipe
from untrained.restoring import Execution, restore_measurement

__all__ = ["UntrainedReconstructor"]


class UntrainedReconstructor(deepinv.models.Reconstructor):  # type: ignore[misc]
    """Any recipe as a `deepinv.models.Reconstructor`: x̂ = model(y, physics).

    Each sample of a batch has a fit of its own, from the same seed: its image is that of the sample
    alone. There is nothing to train and nothing is learned from one call to the next; it works
    under `torch.no_grad` (deepinv's `test` calls it so), on the device of y.

        model = UntrainedReconstructor()
        x = model(y, physics)
        deepinv.test(model, loader, physics)

    Which recipe `auto` is: of `Denoising` denoise/fast, of an `Inpainting` that hides whole pixels
    inpaint/fast, of every other linear physics the recipe that needs nothing of it
    (`recipes.reconstruct`). σ of the physics' `GaussianNoise` is used; deepinv's default, no noise,
    says that nothing is known. What the physics' mask hides counts as not measured, and whole lines
    and projections are held out together (`DeepinvOperator.groups`).

    Attributes:
        results: of the last call, one for each sample: scores, history, why the fit stopped.
    """

    def __init__(
        self,
        recipe: str | Recipe = "auto",
        *,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        """Take the settings of every fit.

        Args:
            recipe: "auto", "fast", "TASK/NAME" or a recipe.
            settings: changes to it by name: {"max_steps": 200}.
            seed: of every random number.
            callbacks: observers of every fit.
        """
        super().__init__()
        self.recipe = recipe
        self.settings = dict(settings or {})
        self.seed = seed
        self.callbacks = tuple(callbacks)
        self.results: list[Result] = []

    def forward(self, y: Tensor | Sequence[Tensor], physics: Any, **kwargs: Any) -> Tensor:
        """Return the images (B, C, H, W) of a batch of measurements.

        Args:
            y: as the physics gives it, with the axis of the batch in front.
            physics: a linear one; its parameters may be those of every sample.
            **kwargs: what deepinv gives its own models; not used.

        Raises:
            InputError: a physics that is not linear; as `restore`.
        """
        count = len(y if isinstance(y, Tensor) else y[0])
        self.results = []
        images = []
        with torch.inference_mode(False), torch.enable_grad():
            for index in range(count):
                one = _sample(y, index)
                images.append(self._image(one, _physics_of(physics, index, count, one)))
        return torch.cat(images)

    def _image(self, y: Tensor | Sequence[Tensor], physics: Any) -> Tensor:
        operator = as_operator(physics, y)
        packed = operator.pack(y)
        groups = operator.groups
        result = restore_measurement(
            packed[0].float().cpu().numpy(),
            _simplest(operator),
            recipe=self.recipe,
            settings=self.settings,
            groups=None if groups is None else groups[0, 0].cpu().numpy(),
            sigma=operator.sigma,
            seed=self.seed,
            execution=Execution(device=str(packed.device), callbacks=self.callbacks),
        )
        self.results.append(result)
        assert result.image is not None
        image = np.ascontiguousarray(np.moveaxis(result.image, -1, 0))
        return operator.unpack_image(torch.from_numpy(image)[None].to(packed))


def _simplest(operator: DeepinvOperator) -> LinearOperator:
    """Return our own identity or mask where the physics is one: more recipes know them."""
    physics = operator.physics
    if isinstance(physics, deepinv.physics.Denoising):
        return Identity()
    if isinstance(physics, deepinv.physics.Inpainting):
        known = operator(torch.ones(operator.image_layout.size).to(physics.mask))
        if bool((known == known[:, :1]).all()) and bool(((known == 0) | (known == 1)).all()):
            return Mask(known[:, :1])
    return operator


def _sample(y: Tensor | Sequence[Tensor], index: int) -> Tensor | Sequence[Tensor]:
    if isinstance(y, Tensor):
        return y[index : index + 1]
    return type(y)([part[index : index + 1] for part in y])  # type: ignore[call-arg]


def _physics_of(physics: Any, index: int, count: int, y: Tensor | Sequence[Tensor]) -> Any:
    """Return the physics with the parameters of one sample of the batch.

    deepinv's parameters may have an axis of the batch: another mask, σ or kernel for each sample.
    """
    if count == 1:
        return physics
    own = physics.clone()
    for module in own.modules():
        sigma = getattr(module, "sigma", None)
        if isinstance(sigma, Tensor) and len(sigma.flatten()) == count:
            module.sigma = sigma[index : index + 1]
    if _is_of_one(own, y):
        return own
    for module in own.modules():
        for name, values in module.named_buffers(recurse=False):
            if values.ndim > 1 and len(values) == count:
                setattr(module, name, values[index : index + 1])
    if _is_of_one(own, y):
        return own
    raise InputError(
        f"{type(physics).__name__} holds parameters of another batch than the {count} samples of "
        "y; wanted those of one, or of each"
    )


def _is_of_one(physics: Any, y: Tensor | Sequence[Tensor]) -> bool:
    """Whether a physics takes one sample for one: parameters of more multiply it, or do not fit."""
    try:
        with torch.no_grad():
            return len(physics.A_adjoint(y)) == 1
    except (RuntimeError, ValueError):
        return False
