"""What a layer of somebody's network knows: pictures found by their features.

Ulyanov, Vedaldi & Lempitsky, "Deep Image Prior", arXiv 1711.10925, sections "natural pre-image" and
"activation maximization". Any `nn.Module` and any layer of it will do; it is neither trained nor
changed. With torchvision, two lines:

    vgg = torchvision.models.vgg19(weights="DEFAULT").features.eval()
    result = invert_features(vgg, "28", normalised_image)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from untrained.errors import InputError, did_you_mean
from untrained.fitting import Callback, Result
from untrained.objectives import DataFit, DataFitObjective, Iterate, Problem, RunNetwork
from untrained.recipes import Recipe
from untrained.recipes.inversion import INVERT, MAXIMIZE, find_inversion
from untrained.restoring.given import Execution
from untrained.restoring.solve import solve

__all__ = ["Features", "invert_features", "maximize_activation"]

_NAMED = 20  # layers that an error names


class Features:
    """Φ: what a layer of a model makes of an image, (1, C, H, W) -> (1, k, h, w).

    A layer that gives vectors, (1, k), gives (1, k, 1, 1). The values are divided by `scale`.
    """

    def __init__(self, model: nn.Module, layer: str | nn.Module, *, scale: float = 1.0) -> None:
        """`layer` is a submodule or its name, as in `model.named_modules()`.

        Raises:
            InputError: the model has no such layer.
        """
        self.model = model
        self.layer = _find_layer(model, layer)
        self.scale = scale

    def __call__(self, image: Tensor) -> Tensor:
        """Return the features of an image.

        Raises:
            InputError: the layer does not run on it, or gives something other than one tensor.
        """
        caught: list[object] = []

        def keep(module: nn.Module, args: object, output: object) -> None:
            # A copy: a ReLU that works in place would overwrite the features after the layer.
            caught.append(output.clone() if isinstance(output, Tensor) else output)

        handle = self.layer.register_forward_hook(keep)
        try:
            self.model(image)
        finally:
            handle.remove()
        if not caught:
            raise InputError("the model ran without the layer; wanted one that it uses")
        output = caught[-1]
        if not isinstance(output, Tensor) or output.ndim not in (2, 4):
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InputError(f"the layer gives {shape}; wanted (1, k) or (1, k, h, w)")
        return (output[..., None, None] if output.ndim == 2 else output) / self.scale


def invert_features(
    model: nn.Module,
    layer: str | nn.Module,
    image: Tensor,
    *,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Result:
    """Find an image with the features of a given one: min ‖Φ(f_θ(z)) - Φ(x)‖² / ‖Φ(x)‖².

    What the layer has forgotten of x, the untrained network fills in.

    Args:
        model: any differentiable module on (1, C, H, W) in [0, 1]; put what it wants done to its
            images, a normalisation, in front of it with `nn.Sequential`. It is run in evaluation
            mode, on the device where it is, and left as it was.
        layer: a submodule of the model, or its name.
        image: x, (1, C, H, W) in [0, 1].
        recipe: its name, or all settings; its objective is a `DataFit`.
        seed: of every random number.
        callbacks: observers.

    Returns:
        the result; the image is `Result.estimate`, the squares of the relative errors are
        `Result.history.loss`.

    Raises:
        InputError: no such recipe or layer, a model that does not run on the image, or features
            that are all zero.
    """
    recipe = find_inversion(recipe, INVERT)
    with _frozen(model) as device:
        image = _checked(image).to(device)
        features = _tried(Features(model, layer), image)
        scale = float(features.square().mean().sqrt())
        if not scale > 0:
            raise InputError("the layer's features of the image are all zero; wanted another layer")
        problem = _ImageProblem(
            observed=features / scale, operator=Features(model, layer, scale=scale),
            shape=(1, *image.shape[1:]),
        )  # fmt: skip
        return solve(problem, recipe, seed=seed, execution=Execution(callbacks=callbacks))


def maximize_activation(
    model: nn.Module,
    layer: str | nn.Module,
    unit: int,
    *,
    size: tuple[int, int] = (224, 224),
    channels: int = 3,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Result:
    """Find an image that a unit of a layer answers to most: max mean Φ(f_θ(z))[unit].

    Args:
        model, layer, recipe, seed, callbacks: as for `invert_features`.
        unit: the channel of the layer; of a map of features, its mean is maximised.
        size: height and width of the image.
        channels: of the image.

    Returns:
        the result; `Result.history.loss` is minus the activation.

    Raises:
        InputError: no such recipe, layer or unit, a model that does not run on images of this size.
    """
    recipe = find_inversion(recipe, MAXIMIZE)
    with _frozen(model) as device:
        shape = (1, channels, *size)
        features = Features(model, layer)
        count = _tried(features, torch.full(shape, 0.5, device=device)).shape[1]
        if not 0 <= unit < count:
            raise InputError(f"unit is {unit}; the layer has 0 to {count - 1}")
        if not isinstance(recipe.objective, DataFit):
            raise InputError(
                "the recipe's objective is no DataFit; wanted one of MAXIMIZE or like it"
            )
        old = recipe.objective
        problem = _ImageProblem(
            observed=torch.zeros(1, 1, 1, 1, device=device),
            operator=lambda image: features(image)[:, unit : unit + 1],
            shape=shape,
        )
        objective = _Maximize(
            z=old.z, jitter=old.jitter, data_term=old.data_term,
            total_variation=old.total_variation,
        )  # fmt: skip
        return solve(
            problem,
            replace(recipe, objective=objective),
            seed=seed,
            execution=Execution(callbacks=callbacks),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _ImageProblem(Problem):
    """A problem whose image has nothing of the measurement's shape."""

    shape: tuple[int, int, int, int]

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        return self.shape

    def check_operator_fits(self) -> None:
        """The features are those of the model itself, of whatever shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Maximize(DataFit):
    """-mean A f_θ(z + jitter), and the total variation if there is one."""

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DataFitObjective:
        return _MaximizeObjective(problem, self, input_size, seed=seed, members=members)


class _MaximizeObjective(DataFitObjective):
    def __call__(self, network: RunNetwork) -> Iterate:
        iterate = DataFitObjective.__call__(self, network)
        loss = -iterate.measured.mean()
        if self.settings.total_variation is not None:
            loss = loss + self.settings.total_variation(iterate.estimate)
        return Iterate(estimate=iterate.estimate, measured=iterate.measured, loss=loss)

    def residual(self, measured: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return 0: there is nothing observed to be near to."""
        return measured.new_zeros(())


def _checked(image: Tensor) -> Tensor:
    if image.ndim != 4 or image.shape[0] != 1:
        raise InputError(f"image is {tuple(image.shape)}; pass a (1, C, H, W) tensor")
    return image


def _tried(features: Features, image: Tensor) -> Tensor:
    """Return the features of an image.

    Raises:
        InputError: whatever the model, which is the user's, has against the image.
    """
    try:
        with torch.no_grad():
            return features(image)
    except InputError:
        raise
    except Exception as error:
        channels, height, width = image.shape[1:]
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"the model does not run on a picture of {height}x{width} with {channels} "
            f"channel{'s' * (channels != 1)} ({reason}); wanted the size and channels that it takes"
        ) from error


def _find_layer(model: nn.Module, layer: str | nn.Module) -> nn.Module:
    modules: dict[str, nn.Module] = dict(model.named_modules())
    if isinstance(layer, nn.Module):
        if all(module is not layer for module in modules.values()):
            raise InputError("the layer is no part of the model; pass one of model.modules()")
        return layer
    if layer not in modules:
        names = [name for name in modules if name]
        more = f", … {len(names)} in all" if len(names) > _NAMED else ""
        hint = did_you_mean(layer, modules, cutoff=0.3)
        raise InputError(
            f"no layer {layer!r} in the model; {hint}there are {', '.join(names[:_NAMED])}{more}"
        )
    return modules[layer]


@contextmanager
def _frozen(model: nn.Module) -> Iterator[torch.device]:
    """Hold a model in evaluation mode without gradients of its own, then put all back as it was."""
    modes = [(module, module.training) for module in model.modules()]
    wanted = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.eval()
    for parameter, _ in wanted:
        parameter.requires_grad_(False)
    try:
        yield wanted[0][0].device if wanted else torch.device("cpu")
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in wanted:
            parameter.requires_grad_(requires_grad)
