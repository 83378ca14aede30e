"""A recipe changed by name: `--set name=value`, or values from Python."""

from __future__ import annotations

import dataclasses
import difflib
import numbers
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from untrained.errors import InputError
from untrained.fitting import StopRule
from untrained.networks import Custom, NetworkSettings
from untrained.objectives import ObjectiveSettings
from untrained.recipes.foreign import find_object
from untrained.recipes.recipe import Recipe
from untrained.recipes.registry import as_recipe
from untrained.recipes.settings import CHOICES, KINDS, flatten

__all__ = ["closest_setting", "with_settings"]

_OPEN = (NetworkSettings, ObjectiveSettings, StopRule)
"""What may also be a part from outside of the package."""


def with_settings(
    recipe: str | Recipe, changes: Mapping[str, Any], *, foreign: bool = True
) -> Recipe:
    """Return the recipe with fields changed by name: {"lr": 0.005, "network.widths": (64, 64)}.

    A name may leave out what leads up to it where that is unambiguous (lr for optimizer.lr). A
    value is of the field's type, or text as `--set` takes it: numbers may be fractions (1/30),
    lists are separated by commas, none unsets. A field that holds settings takes settings, or the
    name of a kind: {"stopper": "FixedSteps"}. A network, objective or stop rule may be one of your
    own, PACKAGE.MODULE:NAME, which is imported; a network also a torch.nn.Module or what makes one.

    Args:
        recipe: or the name of one, "TASK/NAME".
        changes: values by name.
        foreign: whether names of modules are taken; false where a stranger may have written them.

    Raises:
        InputError: an unknown name ("did you mean"), a value of the wrong type or out of range.
    """
    changed = as_recipe(recipe)
    # kinds first, so that the fields of a new kind can be set in the same breath
    for name, value in sorted(changes.items(), key=lambda item: not _is_kind(item[1])):
        path = _full_name(changed, name).split(".")
        changed = _with(changed, path, value, name, foreign)
    return changed


def closest_setting(name: str, recipe: Recipe) -> str | None:
    """Return the setting that a wrong name may mean, by what the papers' code calls it; or None."""
    names = list(flatten(recipe))
    leaves = [full.rsplit(".", 1)[-1] for full in names]
    meant = _ELSEWHERE.get(name)
    if meant and any(full == meant or full.endswith(f".{meant}") for full in names):
        return meant
    close = difflib.get_close_matches(name, [*names, *leaves], n=1, cutoff=0.5)
    return close[0] if close else None


_ELSEWHERE = {
    "learning_rate": "lr", "LR": "lr", "step_length": "lr",
    "steps": "max_steps", "num_iter": "max_steps", "iterations": "max_steps",
    "num_iterations": "max_steps", "epochs": "max_steps", "num_steps": "max_steps",
    "reg_noise_std": "jitter", "exp_weight": "average.decay", "ema": "average.decay",
    "input_depth": "z.channels", "loss": "data_term", "model": "network", "net": "network",
    "early_stopping": "stopper", "stop_rule": "stopper", "ensemble": "members",
}  # fmt: skip
"""What other code calls a setting."""


def _is_kind(value: Any) -> bool:
    if isinstance(value, str):
        return value in KINDS or ":" in value
    return dataclasses.is_dataclass(value) or callable(value)


def _full_name(recipe: Recipe, name: str) -> str:
    names = list(flatten(recipe))
    if name in names:
        return name
    ends = [full for full in names if full.endswith("." + name)]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise InputError(f"setting {name!r} is ambiguous; give one of {', '.join(ends)}")
    close = closest_setting(name, recipe)
    hint = f"did you mean {close!r}?" if close else "see them all with"
    raise InputError(
        f"no setting {name!r} in recipe {recipe.name!r}; {hint} "
        f"(untrained recipes {recipe.task}/{recipe.name})"
    )


def _with(settings: Any, path: list[str], value: Any, name: str, foreign: bool) -> Any:
    head, *rest = path
    if rest:
        value = _with(getattr(settings, head), rest, value, name, foreign)
    else:
        wanted = get_type_hints(type(settings))[head]
        take = _parse if isinstance(value, str) else _checked
        value = take(wanted, value, name, foreign)
    return dataclasses.replace(settings, **{head: value})


def _options_of(wanted: Any) -> tuple[Any, ...]:
    return get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)


def _checked(wanted: Any, value: Any, name: str, foreign: bool) -> Any:
    """Return a value that is no text, as the field has it. Raises InputError: of another type."""
    options = _options_of(wanted)
    for option in options:
        if value is None and option is type(None):
            return None
        if option in CHOICES:
            if isinstance(value, CHOICES[option]) or _is_part(option, value):
                return value
            if option is NetworkSettings and callable(value):
                return Custom(module=value)
        elif get_origin(option) is tuple and isinstance(value, (tuple, list)):
            if all(_is_whole(part) for part in value):
                return tuple(int(part) for part in value)
        elif option is bool and isinstance(value, (bool, np.bool_)):
            return bool(value)
        elif option is int and _is_whole(value):
            return int(value)
        elif option is float and not isinstance(value, bool) and isinstance(value, numbers.Real):
            return float(value)
    kinds = " or ".join(_in_words(option) for option in options)
    raise InputError(f"setting {name} is {value!r}; wanted {kinds}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_part(wanted: Any, value: Any) -> bool:
    """Whether an instance of a foreign class has the methods of the protocol that is wanted."""
    methods = [n for n, v in vars(wanted).items() if callable(v) and not n.startswith("_")]
    return not isinstance(value, type) and bool(methods) and all(hasattr(value, n) for n in methods)


def _in_words(wanted: Any) -> str:
    """Return what a type is called in an error."""
    if wanted in CHOICES:
        return f"one of {', '.join(kind.__name__ for kind in CHOICES[wanted])}"
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(get_args(wanted))}"
    if get_origin(wanted) is tuple:
        return "whole numbers"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return "none" if wanted is type(None) else words[wanted]


def _parse(wanted: Any, text: str, name: str, foreign: bool) -> Any:
    options = _options_of(wanted)
    if type(None) in options and text.lower() == "none":
        return None
    reasons = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _parse_one(option, text.strip(), foreign)
        except (ValueError, ZeroDivisionError) as error:
            reasons.append(str(error))
    raise InputError(f"setting {name} is {text!r}; wanted {' or '.join(reasons)}")


def _parse_one(wanted: Any, text: str, foreign: bool) -> Any:
    """Return the value, or raise ValueError saying what was wanted."""
    if get_origin(wanted) is Literal:
        if text in get_args(wanted):
            return text
        raise ValueError(_in_words(wanted))
    if get_origin(wanted) is tuple:
        return tuple(_number(int, part) for part in text.split(",") if part.strip())
    if wanted is bool:
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() in known:
            return known[text.lower()]
        raise ValueError(_in_words(bool))
    if wanted in (int, float):
        return _number(wanted, text)
    if wanted is str:
        return text
    kinds = {kind.__name__: kind for kind in CHOICES[wanted]}
    if text in kinds:
        return kinds[text]()
    if foreign and ":" in text and wanted in _OPEN:
        return _foreign(wanted, text)
    raise ValueError(_in_words(wanted))


def _foreign(wanted: Any, name: str) -> Any:
    """Return the part that a name from outside of the package stands for.

    Raises:
        InputError: it cannot be found, or is no such part.
    """
    found = find_object(name)
    if _is_part(wanted, found):
        return found
    if isinstance(found, type) and dataclasses.is_dataclass(found):
        try:
            made = found()
        except TypeError as error:
            raise InputError(f"{name} cannot be made without settings ({error})") from None
        if _is_part(wanted, made):
            return made
    if wanted is NetworkSettings and callable(found):
        return Custom(module=found, name=name)
    methods = ", ".join(n for n, v in vars(wanted).items() if callable(v) and n[0] != "_")
    raise InputError(f"{name} is no {wanted.__name__}; wanted frozen settings with {methods}")


def _number(wanted: type, text: str) -> Any:
    try:
        if wanted is int:
            return int(text)
        above, _, below = text.partition("/")
        return float(above) / float(below) if below else float(above)
    except ValueError:
        raise ValueError(_in_words(wanted)) from None
