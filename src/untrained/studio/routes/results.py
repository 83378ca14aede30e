"""What a job shows and gives: its view and pictures, the restored file, the report."""

from __future__ import annotations

import asyncio
import html
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse

from untrained.studio.routes.common import (
    FILE,
    HTML,
    PNG,
    WEBP,
    Corner,
    IdInPath,
    StudioOf,
    errors,
    found_job,
    sent,
    tile_of,
)
from untrained.studio.taking import result_file, result_name
from untrained.studio.views import eight_bits_of, report_of, shown_file, smaller_of, view_of
from untrained.studio.watching import keep_watching
from untrained.studio.zipping import unlike, zipped

router = APIRouter(prefix="/api/jobs/{id}", tags=["results"])
several = APIRouter(prefix="/api", tags=["results"])

Page = Annotated[int, Query(ge=1, le=100_000)]
Version = Annotated[str, Query(pattern="^[0-9a-z]{0,40}$")]
"""In the addresses of a view: the picture of one version never changes."""
MapName = Annotated[str, InPath(pattern="^[a-z0-9_]{1,40}$")]
Numbers = Annotated[bool, Query(description="without loss, to be subtracted")]
IMAGE = PNG | errors(404, 422)
LOOK = WEBP | errors(404, 422)


@router.get("/view", responses=errors(404, 422))
def view(studio: StudioOf, id_: IdInPath, page: Page = 1) -> dict[str, Any]:
    """Return the job's run for the viewer, with the addresses of its pictures."""
    entry = found_job(studio, id_)
    if entry.status == "running":  # who looks at the view wants its picture, too
        keep_watching(studio.workspace.job(id_))
    return view_of(studio, entry, page)


@router.get("/latest.png", response_class=FileResponse, responses=IMAGE)
async def latest(
    studio: StudioOf, id_: IdInPath, step: int | None = None, x: Corner = None, y: Corner = None
) -> Response:
    """Return the image that would be kept now, at most about a second old while it is asked for.

    `step` changes nothing; it makes the address new, so that a browser asks again.
    """
    path = await _latest(studio, id_)
    return await run_in_threadpool(_part, studio, path, x, y, False)


@router.get("/latest.webp", response_class=FileResponse, responses=LOOK)
async def latest_look(
    studio: StudioOf, id_: IdInPath, step: int | None = None, numbers: Numbers = False
) -> Response:
    """Return a smaller look at it."""
    path = await _latest(studio, id_)
    return sent(await run_in_threadpool(smaller_of, studio, path, _look(numbers)))


async def _latest(studio: StudioOf, id_: str) -> Path:
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
    return path


@router.get("/observed.png", response_class=FileResponse, responses=IMAGE)
def observed(
    studio: StudioOf, id_: IdInPath, page: Page = 1, v: Version = "",
    x: Corner = None, y: Corner = None,
) -> Response:  # fmt: skip
    """Return the picture that was given; like all of these as PNG of 8 bits, by the fit's range.

    With x and y only the tile whose upper left corner is there: of a large picture what is seen.
    """
    return _part(studio, _shown(studio, id_, "observed", page), x, y, v != "")


@router.get("/estimate.png", response_class=FileResponse, responses=IMAGE)
def estimate(
    studio: StudioOf, id_: IdInPath, page: Page = 1, step: int | None = None, v: Version = "",
    x: Corner = None, y: Corner = None,
) -> Response:  # fmt: skip
    """Return the result, or the newest image of a fit that is not over; `step` as for latest."""
    return _part(studio, _shown(studio, id_, "estimate", page), x, y, v != "")


@router.get("/thumbnail.webp", response_class=FileResponse, responses=WEBP | errors(404, 422))
def thumbnail(studio: StudioOf, id_: IdInPath, v: Version = "") -> FileResponse:
    """Return a small look at the result."""
    path = smaller_of(studio, _shown(studio, id_, "estimate", 1), "thumbnail")
    return sent(path, lasting=v != "")


@router.get("/{layer}.webp", response_class=FileResponse, responses=LOOK)
def layer_look(
    studio: StudioOf, id_: IdInPath, layer: Literal["observed", "estimate", "truth"],
    page: Page = 1, step: int | None = None, v: Version = "", numbers: Numbers = False,
) -> FileResponse:  # fmt: skip
    """Return a look at a picture of the size of a screen."""
    path = smaller_of(studio, _shown(studio, id_, layer, page), _look(numbers))
    return sent(path, lasting=v != "")


@router.get("/truth.png", response_class=FileResponse, responses=IMAGE)
def truth(
    studio: StudioOf, id_: IdInPath, page: Page = 1, v: Version = "",
    x: Corner = None, y: Corner = None,
) -> Response:  # fmt: skip
    """Return the clean picture, if there is one."""
    return _part(studio, _shown(studio, id_, "truth", page), x, y, v != "")


@router.get("/snapshots/{step}.png", response_class=FileResponse, responses=IMAGE)
def snapshot(
    studio: StudioOf,
    id_: IdInPath,
    step: Annotated[int, InPath(ge=0, lt=2**31)],
    page: Page = 1,
    v: Version = "",
    x: Corner = None,
    y: Corner = None,
) -> Response:
    """Return the image that would have been kept at a step."""
    return _part(studio, _shown(studio, id_, f"snapshots/{step}", page), x, y, v != "")


@router.get("/snapshots/{step}.webp", response_class=FileResponse, responses=LOOK)
def snapshot_look(
    studio: StudioOf,
    id_: IdInPath,
    step: Annotated[int, InPath(ge=0, lt=2**31)],
    page: Page = 1,
    v: Version = "",
    numbers: Numbers = False,
) -> FileResponse:
    """Return a smaller look at it."""
    path = smaller_of(studio, _shown(studio, id_, f"snapshots/{step}", page), _look(numbers))
    return sent(path, lasting=v != "")


@router.get("/overlays/{name}.png", response_class=FileResponse, responses=IMAGE)
def overlay(
    studio: StudioOf,
    id_: IdInPath,
    name: MapName,
    page: Page = 1,
    v: Version = "",
    x: Corner = None,
    y: Corner = None,
) -> Response:
    """Return a gray map over the picture: what the fit found beside it, what was missing."""
    return _part(studio, _shown(studio, id_, f"overlays/{name}", page), x, y, v != "")


@router.get("/overlays/{name}.webp", response_class=FileResponse, responses=LOOK)
def overlay_look(
    studio: StudioOf, id_: IdInPath, name: MapName, page: Page = 1, v: Version = ""
) -> FileResponse:
    """Return a smaller look at it."""
    path = smaller_of(studio, _shown(studio, id_, f"overlays/{name}", page), "preview")
    return sent(path, lasting=v != "")


@router.get("/result", response_class=FileResponse, responses=FILE | errors(404, 422))
def result(studio: StudioOf, id_: IdInPath) -> FileResponse:
    """Return the restored file: format, depth and metadata of the one that was given."""
    entry = found_job(studio, id_)
    path = result_file(studio.workspace, id_)
    if path is None:
        raise HTTPException(404, f"there is no result; the job is {entry.status}")
    return sent(path, name=result_name(entry, path))


@router.get("/result-8-bit.png", response_class=Response, responses=IMAGE)
def result_of_8_bits(studio: StudioOf, id_: IdInPath, page: Page = 1) -> Response:
    """Return a page of the result as the screen shows it: PNG of 8 bits, upright, with alpha."""
    entry = found_job(studio, id_)
    path = result_file(studio.workspace, id_)
    if path is None:
        raise HTTPException(404, f"there is no result; the job is {entry.status}")
    number = "" if entry.state.get("pages", 1) == 1 else f"-{page}"
    name = result_name(entry, Path("of.png"), f"{{name}}-{{task}}{number}-8-bit")
    head = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    data = eight_bits_of(studio, entry, page)
    return Response(data, media_type="image/png", headers=head)


@several.get("/results.zip", response_class=StreamingResponse, responses=FILE | errors(404, 422))
def results(
    studio: StudioOf,
    ids: Annotated[str, Query(pattern=r"^[0-9a-f]{16}(,[0-9a-f]{16})*$", max_length=60_000)],
    pattern: Annotated[str, Query(min_length=1, max_length=200)] = "{name}-{task}",
) -> StreamingResponse:
    """Return the restored files of several jobs as one ZIP.

    `pattern` names them: {name} is the picture's, {task} and {recipe} are the job's.
    """
    taken: set[str] = set()
    files = []
    for id_ in ids.split(","):
        entry, path = found_job(studio, id_), result_file(studio.workspace, id_)
        if path is not None:
            files.append((unlike(result_name(entry, path, pattern), taken), path))
    if not files:
        raise HTTPException(404, "none of these jobs has a result")
    head = {"content-disposition": 'attachment; filename="restored.zip"'}
    return StreamingResponse(zipped(files), media_type="application/zip", headers=head)


@router.get("/report.html", response_class=Response, responses=HTML | errors(404, 422))
def report(studio: StudioOf, id_: IdInPath, page: Page = 1) -> Response:
    """Return the report: one file that can be mailed, and needs no network."""
    text = report_of(studio, found_job(studio, id_), page)
    # its styles and script are inside, named by their hashes in a policy of its own
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = html.unescape(policy[1]) + "; frame-ancestors 'none'"
    return HTMLResponse(text, headers={"content-security-policy": rules})


def _shown(studio: StudioOf, id_: str, name: str, page: int) -> Path:
    return shown_file(studio, found_job(studio, id_), name, page)


def _look(numbers: bool) -> str:
    return "numbers" if numbers else "preview"


def _part(studio: StudioOf, path: Path, x: int | None, y: int | None, lasting: bool) -> Response:
    return sent(path, lasting=lasting) if x is None else tile_of(studio, path, x, y, lasting)
