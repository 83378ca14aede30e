"""What run.json holds, and whether it does: it may have been cut, edited, or be a stranger's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from untrained.atomic import DamagedError
from untrained.errors import InputError

__all__ = ["accounts_in", "as_text", "checked", "read_json"]

_LARGEST = 2**26  # bytes

Check = Callable[[Any], bool]


def as_text(record: Mapping[str, Any]) -> str:
    """Return a record as JSON; names of files that are no UTF-8 stay what they are."""
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(record, indent=2, default=str)
    return text


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        FileNotFoundError: there is none.
        DamagedError: it is no such file.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DamagedError(f"{path}: is far too large for a run's record")
        data = json.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise DamagedError(f"{path}: cannot be read as a run's record; it is damaged") from None
    if not isinstance(data, dict):
        raise DamagedError(f"{path}: is not the record of a run")
    return data


def accounts_in(record: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Return what a record says of the pages that were restored, by page from 0.

    It names them where they were not restored in their order.
    """
    results: list[dict[str, Any]] = record.get("results", [])
    pages = record.get("result_pages", range(1, len(results) + 1))
    return {page - 1: result for page, result in zip(pages, results, strict=False)}


def checked(record: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the record if all that is used of it is there and of the right type.

    Raises:
        InputError: it is not.
    """
    if "job" not in record:
        raise InputError(f"{path}: is not the record of a run")
    wrong = _wrong(record, _RECORD, required=("job", "status"))
    if not wrong:
        required = tuple(_JOB.keys() - _NEWER)
        wrong = _wrong(record["job"], _JOB, required=required, only=True, before="job.")
    for i, result in enumerate(record.get("results", []) if not wrong else []):
        wrong = wrong or _wrong(result, _RESULT, required=_OF_ALL, before=f"results[{i}].")
        if not wrong and "score" in result:
            score = result["score"]
            wrong = _wrong(score, _SCORE, required=tuple(_SCORE), before=f"results[{i}].score.")
    if wrong:
        raise InputError(
            f"{path}: {wrong}; it was edited, or is of another version of untrained: "
            "restore the file again instead"
        )
    return record


def _wrong(
    data: Mapping[str, Any], checks: Mapping[str, Check], *, required: tuple[str, ...],
    only: bool = False, before: str = "",
) -> str:  # fmt: skip
    """Return what is wrong with an object, "" if nothing; `only` = there may be nothing else."""
    for name in required:
        if name not in data:
            return f"{before}{name} is missing"
    for name, value in data.items():
        if name not in checks and only:
            return f"{before}{name[:40]} is unknown"
        if name in checks and not checks[name](value):
            text = json.dumps(value, default=str)
            return f"{before}{name} is {text if len(text) < 40 else text[:40] + '…'}"
    return ""


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(least: int, most: int = 2**53) -> Check:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v <= most


def _number(value: Any) -> bool:
    """Whether this is a number that a float holds; infinite ones and NaN are."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**1000
    return isinstance(value, float)


def _seconds(value: Any) -> bool:
    return _number(value) and math.isfinite(value) and value >= 0


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _none(value: Any) -> bool:
    return value is None


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _object_of(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


_plain = _either(_text, _number, _flag, _none)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


_RECORD: dict[str, Check] = {
    "status": _text, "command": _text, "started": _text, "ended": _text, "job": _object,
    "source_sha256": _text, "result_sha256": _text, "fingerprint": _text,
    "outputs": _object_of(_text),
    "versions": _object_of(_text), "system": _text, "processor": _text, "cpu_capability": _text,
    "threads": _whole(1, 4096), "gpu": _either(_text, _none), "size": _list_of(_whole(1)),
    "scan": _object_of(_text), "scales": _object_of(lambda v: _seconds(v) and v > 0),
    "spacing_mm": _list_of(lambda v: _seconds(v) and v > 0),
    "results": _list_of(_object), "result_pages": _list_of(_whole(1)), "notes": _list_of(_text),
    "failed": _list_of(lambda v: _object(v) and _whole(1)(v.get("page")) and _text(v.get("error"))),
}  # fmt: skip

_JOB: dict[str, Check] = {
    "task": _text, "source": _text, "target": _text, "recipe": _object, "files": _object_of(_text),
    "options": _object_of(_either(_plain, _list_of(_plain))), "truth": _either(_text, _none),
    "seed": _whole(0), "device": _text, "run_dir": _either(_text, _none), "keep_run": _flag,
    "snapshots": _list_of(_whole(0)), "tensorboard": _flag, "keep_network": _flag,
    "overwrite": _flag, "max_pixels": _whole(1), "checkpoint_every": _seconds,
    "nodata": _either(_number, _none),
}  # fmt: skip

_NEWER = {"keep_network"}
"""What older runs do not have."""

_OF_ALL = (
    "stop_step", "stop_reason", "stop_advice", "kept", "kept_step", "recoveries", "seconds",
    "steps_per_second", "max_steps", "device", "precision", "tiles", "missing_pixels", "impulses",
    "sigma_255", "sigma_estimated", "correlated_noise",
)  # fmt: skip

_RESULT: dict[str, Check] = {
    "stop_reason": _text, "stop_advice": _text, "kept": _text, "device": _text, "precision": _text,
    "nothing_done": _text, "refined": _flag, "correlated_noise": _flag, "sigma_estimated": _flag,
    "stop_step": _whole(0), "kept_step": _whole(0), "max_steps": _whole(0), "tiles": _whole(1),
    "recoveries": _whole(0), "missing_pixels": _whole(0), "impulses": _whole(0),
    "filled_tiles": _whole(0), "seconds": _seconds, "steps_per_second": _seconds,
    "sigma_255": _either(_number, _none), "psnr_observed": _number, "score": _object,
    "extras": _list_of(_text), "together": _list_of(_whole(1)), "fit_of": _whole(1),
}  # fmt: skip

_SCORE: dict[str, Check] = {
    "psnr": _number, "ssim": _number, "psnr_degraded": _either(_number, _none),
    "peak_psnr": _number, "peak_step": _whole(0), "gap_to_peak": _number,
}  # fmt: skip
