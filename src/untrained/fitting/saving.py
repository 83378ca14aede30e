"""A fitted network in a folder: fit.pt has the tensors, fit.json what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from untrained.atomic import make_folder, write_atomically
from untrained.errors import InputError

if TYPE_CHECKING:
    from untrained.fitting.result import Result

__all__ = ["read_fit", "write_fit"]


def write_fit(result: Result, folder: Path) -> Path:
    """Write what `read_fit` returns. Raises InputError as `Result.save`."""
    if result.z is None or not result.weights:
        raise InputError(
            "this result has no network to save (it was fitted in tiles, or by `fit` alone); "
            "save that of a picture fitted in one piece"
        )
    tensors = {
        "z": result.z.cpu(),
        "estimate": result.estimate.cpu(),
        "weights": {name: value.cpu() for name, value in result.weights.items()},
        "last_weights": {name: value.cpu() for name, value in result.last_weights.items()},
    }
    facts = {
        "recipe": result.recipe,
        "kept": result.kept,
        "kept_step": result.kept_step,
        "stop_step": result.stop_step,
        "reason": result.reason.value,
    }
    make_folder(folder)
    write_atomically(folder / "fit.pt", lambda file: torch.save(tensors, file))
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    write_atomically(folder / "fit.json", lambda file: file.write(text.encode()))
    return folder


def read_fit(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tensors and the facts of a folder that `write_fit` has filled.

    Raises:
        InputError: no such folder, or files that are not whole.
    """
    try:
        facts = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
        tensors = torch.load(folder / "fit.pt", map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename}: no such file; wanted a folder that Result.save has written"
        ) from None
    except Exception as error:  # torch raises what it likes on broken files
        raise InputError(f"{folder}: cannot be read as a saved fit ({error})") from None
    return tensors, facts
