"""Tensors in files with a checksum; a fitted network in a folder.

fit.pt has the tensors, fit.json what they are.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from untrained.atomic import (
    DamagedError,
    make_folder,
    read_sealed,
    write_atomically,
    write_sealed,
)
from untrained.errors import InputError

if TYPE_CHECKING:
    from untrained.fitting.result import Result

__all__ = ["read_fit", "read_tensors", "write_fit", "write_tensors"]


def write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    """Write nested dicts and lists of tensors and plain values, with a checksum.

    Raises:
        InputError: as `write_atomically`.
    """

    def packed() -> memoryview:
        # Not into the file itself: there torch does not say why the disk took only a part.
        buffer = io.BytesIO()
        torch.save(tensors, buffer)
        return buffer.getbuffer()

    write_sealed(path, packed)


def read_tensors(path: Path, *, unsealed: bool = False) -> dict[str, Any]:
    """Return what `write_tensors` has written, on the CPU.

    With `unsealed`, also what torch alone has written, as earlier versions did.

    Raises:
        FileNotFoundError: there is none.
        DamagedError: it is not as it was written.
    """
    try:
        data = read_sealed(path)  # torch itself takes changed bytes for numbers
    except DamagedError:
        if not (unsealed and _is_whole_zip(path)):
            raise
        data = memoryview(path.read_bytes())
    try:
        tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:  # torch raises what it likes
        raise DamagedError(f"{path}: is damaged, or of another version") from None
    if not isinstance(tensors, dict):
        raise DamagedError(f"{path}: is not what this program has written")
    return tensors


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
    write_tensors(folder / "fit.pt", tensors)
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
        tensors = read_tensors(folder / "fit.pt", unsealed=True)
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename}: no such file; wanted a folder that Result.save has written"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: cannot be read as a saved fit ({error})") from None
    if not isinstance(facts, dict):
        raise InputError(f"{folder}: cannot be read as a saved fit (fit.json is not an object)")
    return tensors, facts


def _is_whole_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False
