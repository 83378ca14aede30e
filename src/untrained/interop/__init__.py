"""Other libraries: their operators here, our recipes there.

Nothing of them is imported before a name is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from untrained.errors import InputError

__all__ = ["DeepinvOperator", "UntrainedReconstructor", "as_operator"]

_HOMES = {
    "DeepinvOperator": "deepinv",
    "as_operator": "deepinv",
    "UntrainedReconstructor": "reconstructor",
}

if TYPE_CHECKING:
    from untrained.interop.deepinv import DeepinvOperator, as_operator
    from untrained.interop.reconstructor import UntrainedReconstructor


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'untrained.interop' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"untrained.interop.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "deepinv":
            raise
        raise InputError("deepinv is not installed; pip install 'untrained[deepinv]'") from None
    globals()[name] = value
    return value
