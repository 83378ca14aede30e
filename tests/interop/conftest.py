"""deepinv, where it is installed; `UNTRAINED_REQUIRE_DEEPINV` makes its absence a failure."""

from __future__ import annotations

import os
import sys
from types import ModuleType

import pytest
import torch

REQUIRED = bool(os.environ.get("UNTRAINED_REQUIRE_DEEPINV"))
_kept: list[torch.library.Library] = []  # a library that is let go takes its operators with it


@pytest.fixture(scope="session")
def deepinv() -> ModuleType:
    try:
        _make_torchvision_importable()
        import deepinv
    except ModuleNotFoundError as error:
        reason = f"these tests need untrained[deepinv] ({error})"
        if REQUIRED:
            pytest.fail(f"{reason}, and UNTRAINED_REQUIRE_DEEPINV is set", pytrace=False)
        pytest.skip(reason)
    return deepinv


def _make_torchvision_importable() -> None:
    """Define two operators of torchvision beside a torch of another build.

    The wheels of torchvision on PyPI are built for CUDA; beside a CPU build of torch their compiled
    part is not loaded, and `import torchvision`, which deepinv needs, stops at the first operator
    that is missing. No test calls one.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
