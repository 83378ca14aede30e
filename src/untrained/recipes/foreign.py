"""Parts from outside of the package, by name: PACKAGE.MODULE:NAME."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from untrained.errors import InputError, did_you_mean

__all__ = ["find_object", "name_of"]


def find_object(name: str, *, wanted: str = "PACKAGE.MODULE:NAME") -> Any:
    """Return what PACKAGE.MODULE:NAME names; modules beside where the command runs are found too.

    `wanted` is the form of the name, for the error.

    Raises:
        InputError: no such module or name, or a module that fails.
    """
    where, _, what = name.partition(":")
    if not where or not what:
        raise InputError(f"{name!r} names nothing; wanted {wanted}")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(where)
    except Exception as error:  # the user's code may raise whatever it likes
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        reason = f"{kind}{error}"
        raise InputError(f"cannot import {where!r} ({reason}); check the name {name!r}") from error
    finally:
        sys.path.remove(here)
    for part in what.split("."):
        if not hasattr(found, part):
            hint = did_you_mean(part, [n for n in dir(found) if not n.startswith("_")])
            raise InputError(f"{where} has no {what!r}; {hint}check the name {name!r}")
        found = getattr(found, part)
    return found


def name_of(kind: type) -> str:
    """Return PACKAGE.MODULE:NAME of a class."""
    return f"{kind.__module__}:{kind.__qualname__}"
