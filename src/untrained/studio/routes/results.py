"""What a job shows and gives: its pictures, its view, the restored file, the report."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, HTMLResponse, Response

from untrained.images import read_picture, write_picture
from untrained.studio.app import Studio
from untrained.studio.extending import run_of
from untrained.studio.pictures import screen_page
from untrained.studio.queue import Entry
from untrained.studio.routes.common import FILE, PNG, IdInPath, StudioOf, errors, found_job
from untrained.studio.taking import snapshot_file
from untrained.studio.views import report_of, view_of
from untrained.studio.watching import keep_watching

router = APIRouter(prefix="/api/jobs/{id}", tags=["results"])

Page = Annotated[int, Query(ge=1, le=100_000)]
IMAGE = PNG | errors(404, 422)


@router.get("/view", responses=errors(404, 422))
def view(studio: StudioOf, id_: IdInPath) -> dict[str, Any]:
    """Return the job's run for the viewer, with the addresses of its pictures."""
    return view_of(studio, found_job(studio, id_))


@router.get("/latest.png", response_class=FileResponse, responses=IMAGE)
async def latest(studio: StudioOf, id_: IdInPath, step: int | None = None) -> FileResponse:
    """Return the image that would be kept now, at most about a second old while it is asked for.

    `step` changes nothing; it makes the address new, so that a browser asks again.
    """
    entry = found_job(studio, id_)
    folder = studio.workspace.job(id_)
    path = folder / "latest.png"
    keep_watching(folder)
    for _ in range(15):  # the worker has only now heard that somebody looks
        if path.exists() or entry.status != "running":
            break
        await asyncio.sleep(0.1)
    if not path.exists():
        raise HTTPException(404, "there is no image yet")
    return FileResponse(path, media_type="image/png")


@router.get("/observed.png", response_class=FileResponse, responses=IMAGE)
def observed(studio: StudioOf, id_: IdInPath, page: Page = 1) -> FileResponse:
    """Return the picture that was given."""
    return _source(studio, found_job(studio, id_).request["picture"], page)


@router.get("/truth.png", response_class=FileResponse, responses=IMAGE)
def truth(studio: StudioOf, id_: IdInPath, page: Page = 1) -> FileResponse:
    """Return the clean picture, if there is one."""
    picture = found_job(studio, id_).request["truth"]
    if picture is None:
        raise HTTPException(404, "the job has no truth")
    return _source(studio, picture, page)


@router.get("/estimate.png", response_class=FileResponse, responses=IMAGE)
def estimate(studio: StudioOf, id_: IdInPath, page: Page = 1) -> FileResponse:
    """Return a page of the result as 8-bit PNG for the screen."""
    entry = found_job(studio, id_)
    result = _result(studio, entry)
    shown = result.with_name(f"estimate-{page}.png")
    with studio.pictures.decoding:
        if not shown.exists() or shown.stat().st_mtime_ns < result.stat().st_mtime_ns:
            picture = read_picture(result, max_pixels=16 * studio.pictures.max_pixels)
            if page > len(picture.pixels):
                raise HTTPException(404, f"the result has no page {page}")
            write_picture(shown, screen_page(picture, page - 1))
    return FileResponse(shown, media_type="image/png")


@router.get("/snapshots/{step}.png", response_class=FileResponse, responses=IMAGE)
def snapshot(
    studio: StudioOf, id_: IdInPath, step: Annotated[int, InPath(ge=0, lt=2**31)]
) -> FileResponse:
    """Return the image that would have been kept at a step."""
    found_job(studio, id_)
    run = run_of(studio.workspace, id_)
    path = None if run is None else snapshot_file(run, step)
    if path is None:
        raise HTTPException(404, f"there is no snapshot of step {step}")
    return FileResponse(path, media_type="image/png")


@router.get("/overlays/{name}.png", response_class=FileResponse, responses=IMAGE)
def overlay(
    studio: StudioOf, id_: IdInPath, name: Annotated[str, InPath(pattern="^[a-z_]{1,40}$")]
) -> FileResponse:
    """Return what the fit found beside the image, as a gray or coloured picture."""
    found_job(studio, id_)
    run = run_of(studio.workspace, id_)
    results = [] if run is None else run.read_record().get("results", [])
    if run is None or not any(name in result.get("extras", ()) for result in results):
        raise HTTPException(404, f"the fit found no {name}")
    return FileResponse(run.path / f"{name}.png", media_type="image/png")


@router.get(
    "/result",
    response_class=FileResponse,
    responses=FILE | errors(404, 422),
)
def result(studio: StudioOf, id_: IdInPath) -> FileResponse:
    """Return the restored file: format, depth and metadata of the one that was given."""
    entry = found_job(studio, id_)
    path = _result(studio, entry)
    name = Path(entry.state["picture_name"])
    return FileResponse(
        path,
        media_type="application/octet-stream",
        filename=f"{name.stem}-{entry.request['task']}{path.suffix}",
    )


@router.get("/report.html", response_class=HTMLResponse, responses=errors(404, 422))
def report(studio: StudioOf, id_: IdInPath) -> Response:
    """Return the report: one file that can be mailed."""
    entry = found_job(studio, id_)
    return report_of(studio, entry)


def _source(studio: Studio, picture: str, page: int) -> FileResponse:
    facts = studio.queue.picture(picture)
    if facts is None or page > facts["pages"]:
        raise HTTPException(404, f"there is no page {page}")
    return FileResponse(studio.pictures.page(picture, page), media_type="image/png")


def _result(studio: Studio, entry: Entry) -> Path:
    for path in studio.workspace.job(entry.id).glob("result.*"):
        if re.fullmatch(r"result\.[a-z]+", path.name):
            return path
    raise HTTPException(404, f"there is no result; the job is {entry.status}")
