"""What a job shows: its run as the viewer sees it, and the pictures of that view."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from fastapi import HTTPException

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.images import read_picture, screen_profile
from untrained.jobs import RunFolder
from untrained.recipes import explain
from untrained.report import Shown, ViewRun, as_png, make_report, open_run, view_of_run
from untrained.report.reproducing import python_of
from untrained.studio.extending import run_of
from untrained.studio.models import JobRequest
from untrained.studio.queue import Entry
from untrained.studio.screen import (
    SIDES,
    encode_png,
    screen_values,
    smaller_file,
    smaller_numbers,
)
from untrained.studio.strength import asked_of
from untrained.studio.studio import Studio
from untrained.studio.taking import result_file
from untrained.tasks import find_task

__all__ = ["eight_bits_of", "report_of", "shown_file", "smaller_of", "view_of"]


def view_of(studio: Studio, entry: Entry, page: int) -> dict[str, Any]:
    """Return a `ViewRun` whose pictures are addresses of this server.

    Raises:
        HTTPException: 404, no such page.
    """
    request = asked_of(entry)
    run = run_of(studio.workspace, entry.id)
    if run is None:
        view = _before_it_began(studio, request, entry.id)
    else:
        try:
            view = dict(view_of_run(run.path, link=_link(studio, entry, page), page=page))
            _offer_previews(view)
        except InputError:
            raise HTTPException(404, f"there is no page {page}") from None
    return _named(studio, entry, view, page)


def report_of(studio: Studio, entry: Entry, page: int) -> str:
    """Return the page of a job that needs nothing else.

    Raises:
        HTTPException: 404, the fit has not begun, or there is no such page.
    """
    run = run_of(studio.workspace, entry.id)
    try:
        if run is None:
            raise InputError(f"there is nothing to report yet; the job is {entry.status}")
        report = make_report(
            [run.path], page=page,
            named=lambda view: cast(ViewRun, _named(studio, entry, dict(view), page)),
        )  # fmt: skip
    except InputError as error:
        raise HTTPException(404, str(error)) from None
    return report.text


def _named(studio: Studio, entry: Entry, view: dict[str, Any], page: int) -> dict[str, Any]:
    """Return a view with the names that the user knows, in place of the workspace's."""
    request = asked_of(entry)
    names = {path.name: name for path, name in studio.requests.names(request).items()}
    title, pages = str(entry.state["picture_name"]), entry.state.get("pages", 1)
    return {
        **view,
        "id": entry.id,
        "title": title if pages == 1 else f"{title} page {page}/{pages}",
        "recipe": request.recipe,
        "status": entry.status,
        "notes": _notes(entry) + [_renamed(note, names) for note in view["notes"]],
        "command": entry.state["command"],
        "python": python_of(studio.requests.record(request), studio.requests.recipe(request)),
    }


def shown_file(studio: Studio, entry: Entry, name: str, page: int) -> Path:
    """Return a picture of the view as a PNG file, made when it is first asked for.

    Raises:
        HTTPException: 404, there is none.
    """
    run = run_of(studio.workspace, entry.id)
    if run is None and name == "observed" and page <= entry.state.get("pages", 1):
        return studio.pictures.page(entry.request["picture"], page)
    folder = studio.workspace.job(entry.id) / "shown"
    path = folder / f"{name.replace('/', '-')}-{page}.png"
    with studio.pictures.decoding:
        is_fixed = name in ("observed", "overlays/missing") or name.startswith("snapshots/")
        if run is None or not _is_newer(path, run, is_fixed=is_fixed):
            found = _find(run, name, page)
            if found is None:
                raise HTTPException(404, f"there is no {name}; the job is {entry.status}")
            folder.mkdir(exist_ok=True)
            png = as_png(found.pixels(), found.profile)
            write_atomically(path, lambda file: file.write(png))
    return path


def smaller_of(studio: Studio, whole: Path, look: str) -> Path:
    """Return a smaller look at a picture that is shown, as WebP beside it; made anew with it.

    "numbers" is the one that is subtracted, see `smaller_numbers`.
    """
    path = whole.with_name(f"{whole.stem}-{look}.webp")
    with studio.pictures.decoding:
        if not path.exists() or path.stat().st_mtime_ns < whole.stat().st_mtime_ns:
            data = smaller_numbers(whole) if look == "numbers" else smaller_file(whole, look)
            write_atomically(path, lambda file: file.write(data))
    return path


def eight_bits_of(studio: Studio, entry: Entry, page: int) -> bytes:
    """Return a page of the result as PNG: the picture that is shown, with the file's transparency.

    Raises:
        HTTPException: 404, there is none.
        InputError: the result cannot be read.
    """
    shown = shown_file(studio, entry, "estimate", page)
    written = result_file(studio.workspace, entry.id)
    assert written is not None, "the caller has looked"
    if find_task(entry.request["task"]).formats.what == "scan":  # an array
        return shown.read_bytes()
    with studio.pictures.decoding:
        result = read_picture(written, max_pixels=2**62)
        if result.alpha is None:
            return shown.read_bytes()
        picture = read_picture(shown, max_pixels=2**62)
    colours = picture.pixels[0].astype(np.uint8)
    alpha = screen_values(result, page - 1)[..., -1:]
    profile = screen_profile(picture.metadata.icc, colours.shape[2])
    return encode_png(np.concatenate([colours, alpha], axis=-1), compression=3, profile=profile)


def _offer_previews(view: dict[str, Any]) -> None:
    """Name for every picture that is larger than a screen the address of a smaller look."""
    for picture in [*view["layers"].values(), *view["snapshots"], *view["overlays"]]:
        if max(picture["width"], picture["height"]) > SIDES["preview"]:
            picture["preview"] = picture["src"].replace(".png?", ".webp?", 1)


def _find(run: RunFolder | None, name: str, page: int) -> Shown | None:
    try:
        return None if run is None else open_run(run.path, page=page).find(name)
    except InputError:  # no such page
        return None


def _is_newer(path: Path, run: RunFolder, *, is_fixed: bool) -> bool:
    """Whether a picture was made after the run's record: that is written at the end of all else.

    One that `is_fixed` does not change while the fit runs: it is not made anew for every tile.
    """
    if not path.exists():
        return False
    record = run.path / "run.json"
    is_over = is_fixed or run.read_record()["status"] != "running"
    return is_over and path.stat().st_mtime_ns > record.stat().st_mtime_ns


def _link(studio: Studio, entry: Entry, page: int) -> Any:
    base = f"/api/jobs/{entry.id}"
    began = "".join(c for c in str(entry.state.get("started")) if c.isdigit())
    latest = studio.workspace.job(entry.id) / "latest.png"

    def link(shown: Shown) -> str:
        if shown.name == "estimate" and entry.status == "running" and latest.exists():
            return f"{base}/latest.png?step={entry.state.get('step', 0)}"
        if entry.status in ("queued", "running"):  # what it is of may change yet
            step = f"&step={entry.state.get('step', 0)}" if shown.name == "estimate" else ""
            return f"{base}/{shown.name}.png?page={page}{step}"
        # another one after "go on", "take", another strength
        is_fixed = shown.name == "observed" or shown.name.startswith("snapshots/")
        version = began if is_fixed else entry.revision
        return f"{base}/{shown.name}.png?page={page}&v={version}"

    return link


def _before_it_began(studio: Studio, request: JobRequest, id_: str) -> dict[str, Any]:
    facts = studio.queue.picture(request.picture)
    assert facts is not None, "a picture with jobs is not deleted"
    src = f"/api/jobs/{id_}/observed.png?page=1"
    observed = {"label": "original", "src": src, "width": facts["width"], "height": facts["height"]}
    curves = ("step", "loss", "psnr_observed", "truth_step", "psnr_truth", "psnr_truth_iterate")
    settings = explain(studio.requests.recipe(request))
    return {
        "task": request.task, "layers": {"observed": observed}, "overlays": [], "snapshots": [],
        "history": {name: [] for name in curves}, "stop": None, "peak": None, "facts": [],
        "settings": [{"name": n, "value": v, "help": h} for n, v, h in settings], "notes": [],
    }  # fmt: skip


def _notes(entry: Entry) -> list[str]:
    """Return what the command and the run's record alone do not say."""
    notes = []
    if entry.state.get("taken_step") is not None:
        notes.append(f"The result is the image of step {entry.state['taken_step']}, taken by hand.")
    if "extended" in entry.state:
        notes.append(
            f"{entry.state['more_steps']} steps were added to another job, with its stop rule off; "
            "the command and the lines of Python are those of that job."
        )
    if entry.state.get("error"):
        notes.append(f"It failed: {entry.state['error']}")
    return notes


def _renamed(note: str, names: dict[str, str]) -> str:
    for ours, theirs in names.items():
        note = note.replace(ours, theirs)
    return note
