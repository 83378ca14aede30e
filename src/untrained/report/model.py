"""A run's folder as the viewer sees it; the same names as in studio-ui/src/model.ts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from untrained.errors import InputError
from untrained.fitting import HeldOut
from untrained.fitting.callbacks.jsonl import read_json_lines
from untrained.jobs import accounts_in
from untrained.recipes import Recipe, decode, explain
from untrained.report.facts import facts_of, pages_in_words
from untrained.report.pictures import Map, RunPictures, Shown
from untrained.report.reproducing import command_of, python_of
from untrained.report.scans import open_run

__all__ = [
    "Fact",
    "HistoryView",
    "Layer",
    "Layers",
    "Link",
    "Overlay",
    "Peak",
    "Setting",
    "Snapshot",
    "Status",
    "Stop",
    "View",
    "ViewRun",
    "describe_settings",
    "summary_of_page",
    "view_of_run",
]

Link = Callable[[Shown], str]
"""Returns the address of a picture: a data: URI in a report, a URL in the studio."""

Status = Literal["queued", "running", "finished", "stopped", "failed"]


class Layer(TypedDict):
    """A picture; `profile` = the file at `src` says with one what its colours are."""

    label: str
    src: str
    width: int
    height: int
    note: NotRequired[str]
    profile: NotRequired[bool]


class Overlay(Layer):
    """A gray map over the picture: 0 = `low`, 255 = `high`, in `unit`.

    `marks` = it says yes (255) and no (0) alone; where it says no, nothing is drawn.
    """

    name: str
    low: float
    high: float
    unit: str
    marks: bool


class Snapshot(TypedDict):
    """The image at a step; smaller than the estimate = shown enlarged."""

    step: int
    src: str
    width: int
    height: int
    profile: NotRequired[bool]


class Layers(TypedDict):
    """The three pictures; sizes may differ."""

    observed: NotRequired[Layer]
    estimate: NotRequired[Layer]
    truth: NotRequired[Layer]


class HistoryView(TypedDict):
    """The curves, thinned; a number that is not finite is None.

    `held_out` is the error at what the fit never saw, where a stop rule watched it.
    """

    step: list[int]
    loss: list[float | None]
    psnr_observed: list[float | None]
    truth_step: list[int]
    psnr_truth: list[float | None]
    psnr_truth_iterate: list[float | None]
    held_out_step: NotRequired[list[int]]
    held_out: NotRequired[list[float | None]]


class Stop(TypedDict):
    """Where the fit ended, why, and what was kept; `refined` = y was then filtered with it."""

    step: int
    kept_step: int
    kept: str
    refined: bool
    reason: str
    advice: str
    taken: NotRequired[bool]


class Peak(TypedDict):
    """The best that the fit passed through; only the truth shows it."""

    step: int
    psnr: float


class Fact(TypedDict):
    """A line of the account."""

    label: str
    value: str


class Setting(TypedDict):
    """A setting of the recipe, its value as `--set` takes it, and what it means."""

    name: str
    value: str
    help: str


class ViewRun(TypedDict):
    """A run (one page of it); `pixel_mm` is the height and width of the estimate's pixels."""

    id: str
    title: str
    task: str
    recipe: str
    status: Status
    layers: Layers
    overlays: list[Overlay]
    pixel_mm: NotRequired[list[float]]
    snapshots: list[Snapshot]
    history: HistoryView
    stop: Stop | None
    peak: Peak | None
    facts: list[Fact]
    settings: list[Setting]
    notes: list[str]
    command: str
    python: str


class View(TypedDict):
    """Several runs. In a report, a `src` of "@3" is the picture in the element `source-3`."""

    runs: list[ViewRun]


def view_of_run(folder: Path, *, link: Link, page: int = 1, points: int = 1000) -> ViewRun:
    """Return what the viewer shows of a run: finished, stopped or still running.

    Args:
        folder: the run's.
        link: picture -> its address; asked once for every picture, in the order of their worth:
            estimate, observed, truth, overlays, snapshots.
        page: of a stack, from 1.
        points: at most so many of a curve.

    Raises:
        InputError: no run, or no such page, or a record that makes no sense.
    """
    try:
        view: ViewRun = _printable(_view(folder, link, page, points))
        return view
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{folder}: cannot be shown ({type(error).__name__}: {str(error)[:200]}); its record "
            "was edited, or is of another version of untrained"
        ) from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from error


def _view(folder: Path, link: Link, page: int, points: int) -> ViewRun:
    pictures = open_run(folder, page=page)
    record = pictures.record
    job = record["job"]
    recipe = _recipe_of(job)
    summary = summary_of_page(pictures)
    fitted = pictures.part_of((summary or {}).get("fit_of", page))
    lines = _history_lines(fitted / "metrics.jsonl")
    layers = _layers(pictures, link)
    overlays = [_overlay(entry, link) for entry in pictures.overlays.values()]
    title = Path(job["source"]).name
    size = pictures.millimetres
    view: ViewRun = {
        "id": folder.name if page == 1 else f"{folder.name}-page-{page}",
        "title": title if pictures.pages == 1 else f"{title} page {page}/{pictures.pages}",
        "task": job["task"],
        "recipe": job["recipe"].get("name", ""),
        "status": _STATUS.get(record["status"], "failed"),
        "layers": layers,
        "overlays": overlays,
        "snapshots": [_snapshot(step, shown, link) for step, shown in pictures.snapshots.items()],
        "history": _history(lines, points, held_out=_watches_held_out(recipe)),
        "stop": _stop(summary, record.get("taken_step")),
        "peak": _peak(lines),
        "facts": [
            {"label": label, "value": value}
            for label, value in facts_of(record, summary, lines).items()
        ],
        "settings": [] if recipe is None else describe_settings(recipe),
        "notes": _notes(pictures, summary),
        "command": command_of(job, recipe),
        "python": python_of(job, recipe),
    }
    if size is not None:
        view["pixel_mm"] = list(size)
    return view


def _printable(value: Any) -> Any:
    """Return a view whose texts are all UTF-8, which names of files need not be."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _printable(inside) for name, inside in value.items()}
    return [_printable(inside) for inside in value] if isinstance(value, list) else value


def describe_settings(recipe: Recipe) -> list[Setting]:
    """Return every setting of a recipe in words."""
    return [{"name": n, "value": v, "help": h} for n, v, h in explain(recipe)]


_STATUS: dict[str, Status] = {
    "running": "running", "finished": "finished", "interrupted": "stopped",
}  # fmt: skip


def _layers(pictures: RunPictures, link: Link) -> Layers:
    layers: Layers = {}
    if pictures.estimate is not None:
        layers["estimate"] = _layer(pictures.estimate, "restored", link)
    if pictures.observed is not None:
        layers["observed"] = _layer(pictures.observed, pictures.observed_label, link)
    if pictures.truth is not None:
        layers["truth"] = _layer(pictures.truth, "truth", link)
    return layers


def _layer(shown: Shown, label: str, link: Link) -> Layer:
    layer: Layer = {
        "label": label, "src": link(shown), "width": shown.width, "height": shown.height,
    }  # fmt: skip
    if shown.note:
        layer["note"] = shown.note
    if shown.profile is not None:
        layer["profile"] = True
    return layer


def _snapshot(step: int, shown: Shown, link: Link) -> Snapshot:
    snapshot: Snapshot = {
        "step": step, "src": link(shown), "width": shown.width, "height": shown.height,
    }  # fmt: skip
    if shown.profile is not None:
        snapshot["profile"] = True
    return snapshot


def _overlay(entry: Map, link: Link) -> Overlay:
    layer = _layer(entry.shown, entry.label, link)
    name = entry.shown.name.partition("/")[2]
    return {
        **layer, "name": name, "low": entry.low, "high": entry.high, "unit": entry.unit,
        "marks": entry.marks,
    }  # fmt: skip


def _recipe_of(job: dict[str, Any]) -> Recipe | None:
    try:
        recipe = decode(job["recipe"])
    except Exception:  # another version's, or edited: settings raise what they like
        return None
    return recipe if isinstance(recipe, Recipe) else None


def _history_lines(path: Path) -> list[dict[str, Any]]:
    return read_json_lines(path) if path.exists() else []


def _watches_held_out(recipe: Recipe | None) -> bool:
    """Whether the number that the stop rule watches is the error at what was held out."""
    return recipe is not None and isinstance(recipe.stopper, HeldOut)


def _history(lines: Sequence[dict[str, Any]], points: int, *, held_out: bool) -> HistoryView:
    steps = _thinned(lines, points)
    scored = _thinned([line for line in lines if "psnr_truth" in line], points)
    history: HistoryView = {
        "step": [line["step"] for line in steps],
        "loss": [_finite(line["loss"]) for line in steps],
        "psnr_observed": [_finite(line["psnr_observed"]) for line in steps],
        "truth_step": [line["step"] for line in scored],
        "psnr_truth": [_finite(line["psnr_truth"]) for line in scored],
        "psnr_truth_iterate": [_finite(line["psnr_truth_iterate"]) for line in scored],
    }
    if held_out:
        watched = [line for line in lines if isinstance(line.get("value"), float)]
        watched = _thinned(watched, points)
        history["held_out_step"] = [line["step"] for line in watched]
        history["held_out"] = [_finite(line["value"]) for line in watched]
    return history


def _thinned(lines: Sequence[dict[str, Any]], points: int) -> list[dict[str, Any]]:
    """Return at most so many lines, evenly spread, first and last among them."""
    if len(lines) <= points:
        return list(lines)
    last = len(lines) - 1
    return [lines[round(i * last / (points - 1))] for i in range(points)]


def _finite(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def summary_of_page(pictures: RunPictures) -> dict[str, Any] | None:
    """Return what the record says of this page; an older one of a stack knows the last only."""
    results: list[dict[str, Any]] = pictures.record.get("results", [])
    if "result_pages" in pictures.record:
        return accounts_in(pictures.record).get(pictures.page - 1)
    last = pictures.pages if pictures.record["status"] == "finished" else len(results)
    index = pictures.page - 1 - (last - len(results))
    return results[index] if 0 <= index < len(results) else None


def _stop(summary: dict[str, Any] | None, taken: int | None) -> Stop | None:
    if summary is None:
        return None
    stop: Stop = {
        "step": summary["stop_step"], "kept_step": summary["kept_step"], "kept": summary["kept"],
        "refined": bool(summary.get("refined")),
        "reason": summary["stop_reason"], "advice": summary["stop_advice"],
    }  # fmt: skip
    if taken is not None and taken != stop["kept_step"]:  # by hand
        stop |= {"kept_step": taken, "kept": "image", "refined": False, "taken": True}
    return stop


def _peak(lines: Sequence[dict[str, Any]]) -> Peak | None:
    scored = [line for line in lines if math.isfinite(line.get("psnr_truth", math.nan))]
    if not scored:
        return None
    best = max(scored, key=lambda line: float(line["psnr_truth"]))
    return {"step": best["step"], "psnr": float(f"{best['psnr_truth']:.6g}")}


def _notes(pictures: RunPictures, summary: dict[str, Any] | None) -> list[str]:
    """Return what the reader may not expect, one sentence each; asked last."""
    job = pictures.record["job"]
    told = (
        ()
        if summary is None
        else (f"{note[:1].upper()}{note[1:]}." for note in summary.get("notes", ()))
    )
    notes = list(dict.fromkeys((*pictures.notes, *told)))
    if summary is not None and summary["kept"] == "iterate" and "score" in summary:
        notes.append(
            "An iterate was kept: its PSNR in the account is of the image after the step, without "
            "jitter; the curves are of the images that the steps themselves were taken from."
        )
    if pictures.range is not None:
        low, scale = pictures.range.offset, pictures.range.scale
        notes.append(
            f"The {pictures.range.dtype} values are shown in 8 bits: black is {low:g}, white "
            f"{low + scale:g}, in all pictures of this run."
        )
    if pictures.pages > 1:
        notes.append(f"This is page {pictures.page} of {pictures.pages} of a stack.")
    if summary is not None and "together" in summary:
        notes.append(
            f"It was restored by one fit with the pages {pages_in_words(summary['together'])}; the "
            "curves are of all of them."
        )
    if not pictures.snapshots:
        notes.append("No images were saved during the fit; --snapshots auto does that.")
    notes.append(
        f"The command and the lines of Python are for the folder that holds "
        f"{Path(job['source']).name}."
    )
    return notes
