"""Modules of the extras `cluster` and `cloud`; CI makes their absence a failure."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

EXTRAS = {"ray": "cluster", "fsspec": "cloud", "s3fs": "cloud", "moto.server": "test"}


def needed(module: str) -> Any:
    """Return a module, or skip; fail where UNTRAINED_REQUIRE_RAY or _CLOUD is set."""
    variable = "UNTRAINED_REQUIRE_RAY" if module == "ray" else "UNTRAINED_REQUIRE_CLOUD"
    reason = f"{module} is not installed (the extra `{EXTRAS[module]}`)"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        if os.environ.get(variable):
            pytest.fail(f"{reason}, and {variable} is set", pytrace=False)
        pytest.skip(reason, allow_module_level=True)
