"""Pictures and samples."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Query, UploadFile
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from untrained.studio.models import Picture, Sample, SampleRequest
from untrained.studio.routes.common import (
    PNG,
    WEBP,
    Corner,
    IdInPath,
    StudioOf,
    errors,
    found_picture,
    sent,
    tile_of,
)
from untrained.studio.samples import (
    RESTORED,
    SAMPLES,
    open_sample,
    restored_sample,
    sample_image,
)
from untrained.studio.screen import encode_png
from untrained.studio.workspace import ID_PATTERN

router = APIRouter(prefix="/api", tags=["pictures"])

_FOR_A_DAY = {"cache-control": "private, max-age=86400"}


@router.get("/samples", responses=errors())
def samples() -> list[Sample]:
    """Return the samples that come with the program."""
    return list(SAMPLES.values())


@router.get("/samples/{name}/image.png", response_class=FileResponse, responses=PNG | errors(404))
def sample_png(name: Annotated[str, InPath(max_length=200)]) -> Response:
    """Return a sample as PNG for the screen."""
    _check_sample(name)
    return Response(sample_image(name), media_type="image/png", headers=_FOR_A_DAY)


@router.get(
    "/samples/{name}/restored.webp", response_class=FileResponse, responses=WEBP | errors(404)
)
def sample_restored(name: Annotated[str, InPath(max_length=200)]) -> Response:
    """Return what came of a sample."""
    if name != RESTORED:
        raise HTTPException(404, f"nothing is kept of {name!r}; wanted {RESTORED}")
    return Response(restored_sample(), media_type="image/webp", headers=_FOR_A_DAY)


@router.post("/pictures", status_code=201, responses=errors(404, 413, 422))
def upload(
    studio: StudioOf,
    file: UploadFile,
    kind: Literal["picture", "kernel", "scan"] = "picture",
    over: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    header: UploadFile | None = None,
) -> Picture:
    """Take in a picture file, a scan, or a blur kernel, which may be as small as it likes.

    A .cfl comes with its .hdr as the header.

    A mask that was painted over a picture, as it is shown here, names that picture as `over`.
    """
    if over is not None:
        found_picture(studio, over)
    facts = studio.pictures.add(
        _name_of(file) or "picture", file.file, kind=kind, over=over,
        header=None if header is None else header.file,
    )  # fmt: skip
    return Picture.model_validate(facts)


@router.post("/pictures/sample", status_code=201, responses=errors(404, 413, 422))
def add_sample(studio: StudioOf, request: SampleRequest) -> Picture:
    """Take a sample for a picture."""
    _check_sample(request.name)
    name, file = open_sample(request.name)
    return Picture.model_validate(studio.pictures.add(name, file))


@router.get("/pictures", responses=errors())
def pictures(studio: StudioOf) -> list[Picture]:
    """Return all pictures, newest first."""
    return [Picture.model_validate(facts) for facts in studio.queue.pictures().values()]


@router.get("/pictures/{id}", responses=errors(404, 422))
def picture(studio: StudioOf, id_: IdInPath) -> Picture:
    """Return a picture's facts."""
    return Picture.model_validate(found_picture(studio, id_))


@router.get(
    "/pictures/{id}/image.png", response_class=FileResponse, responses=PNG | errors(404, 422)
)
def picture_png(
    studio: StudioOf, id_: IdInPath, page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    x: Corner = None, y: Corner = None,
) -> Response:  # fmt: skip
    """Return a page, from 1, as 8-bit PNG for the screen; 8-bit pictures without any loss.

    With x and y only the tile whose upper left corner is there.
    """
    facts = found_picture(studio, id_)
    if page > facts["pages"]:
        raise HTTPException(404, f"{facts['name']} has {facts['pages']} pages, no page {page}")
    path = studio.pictures.page(id_, page)
    return sent(path, lasting=True) if x is None else tile_of(studio, path, x, y, True)


@router.get(
    "/pictures/{id}/{look}.webp", response_class=FileResponse, responses=WEBP | errors(404, 422)
)
def picture_look(
    studio: StudioOf, id_: IdInPath, look: Literal["preview", "thumbnail"]
) -> FileResponse:
    """Return a smaller look at the first page: of a screen's size, or for a list."""
    found_picture(studio, id_)
    return sent(studio.pictures.look(id_, look), lasting=True)


@router.post("/pictures/{id}/mask", response_class=Response, responses=PNG | errors(404, 413, 422))
def read_mask(studio: StudioOf, id_: IdInPath, file: UploadFile) -> Response:
    """Return what a mask file says over a picture, as PNG of that size as shown: white = known.

    How it was read, where that is not plain, is in the header X-Notes.
    """
    found_picture(studio, id_)
    marks = studio.pictures.read_mask(id_, _name_of(file) or "mask", file.file)
    png = encode_png(np.where(marks.white, np.uint8(255), np.uint8(0))[..., None], compression=1)
    return Response(png, media_type="image/png", headers={"X-Notes": "; ".join(marks.notes)})


@router.delete("/pictures/{id}", status_code=204, responses=errors(404, 409, 422))
def delete_picture(studio: StudioOf, id_: IdInPath) -> None:
    """Delete a picture that no job uses."""
    facts = found_picture(studio, id_)
    if not studio.pictures.delete(id_) and (uses := studio.queue.uses_of(id_)):
        raise HTTPException(409, f"{facts['name']} is used by {uses} jobs; delete them first")


def _name_of(file: UploadFile) -> str:
    """Return a file's name as the user has it: browsers send three characters of names escaped."""
    name = file.filename or ""
    for escaped, character in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(escaped, character)
    return name


def _check_sample(name: str) -> None:
    if name not in SAMPLES:
        raise HTTPException(404, f"no sample {name!r}; wanted one of {', '.join(SAMPLES)}")
