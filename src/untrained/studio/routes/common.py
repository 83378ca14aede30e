"""What the routes share: the studio, declared errors, look-ups."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from untrained.studio.models import Error
from untrained.studio.queue import Entry
from untrained.studio.studio import Studio
from untrained.studio.workspace import ID_PATTERN

__all__ = [
    "FILE",
    "HTML",
    "PNG",
    "WEBP",
    "Corner",
    "IdInPath",
    "StudioOf",
    "errors",
    "found_job",
    "found_picture",
    "packed",
    "sent",
    "tile_of",
]

_REASONS = {
    400: "the request is not for this machine, or cannot be read",
    401: "the token is missing or wrong (only with --host)",
    403: "the request comes from another site",
    404: "there is none",
    409: "not in this state",
    413: "larger than allowed",
    422: "bad input",
}

PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "PNG"}}

WEBP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}}, "description": "WebP"}
}
HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "the page"}
}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "the file"}
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how errors are declared in the API's description; some can happen everywhere."""
    return {
        status: {"model": Error, "description": _REASONS[status]}
        for status in sorted({400, 401, 403, *statuses})
    }


def studio_of(request: Request) -> Studio:
    """Return the studio that a request is for."""
    studio: Studio = request.app.state.studio
    return studio


StudioOf = Annotated[Studio, Depends(studio_of)]
IdInPath = Annotated[str, InPath(alias="id", pattern=ID_PATTERN)]
Corner = Annotated[int | None, Query(ge=0, lt=2**31, description="of a tile, in pixels")]


def found_job(studio: Studio, id_: str) -> Entry:
    """Return a job. Raises HTTPException 404."""
    entry = studio.queue.job(id_)
    if entry is None:
        raise HTTPException(404, f"no job {id_}; it may have been deleted")
    return entry


def found_picture(studio: Studio, id_: str) -> dict[str, Any]:
    """Return what is known of a picture. Raises HTTPException 404."""
    facts = studio.queue.picture(id_)
    if facts is None:
        raise HTTPException(404, f"no picture {id_}; it may have been deleted")
    return facts


def sent(path: Path, *, name: str = "", lasting: bool = False) -> FileResponse:
    """Return a file as the answer: a picture, or with a name a download.

    What its address names never changes if it is `lasting`, so that a browser asks only once.

    Raises:
        HTTPException: 404, it has been deleted in the meantime.
    """
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise HTTPException(404, "it has been deleted") from None
    kind = "application/octet-stream" if name else f"image/{path.suffix[1:]}"
    return FileResponse(
        path, stat_result=facts, media_type=kind, filename=name or None, headers=_keeping(lasting)
    )


def _keeping(lasting: bool) -> dict[str, str] | None:
    return {"cache-control": "private, max-age=31536000, immutable"} if lasting else None


def tile_of(studio: Studio, path: Path, x: int | None, y: int | None, lasting: bool) -> Response:
    """Return a tile of a picture that is shown as the answer; a corner that is left out is 0.

    Raises:
        HTTPException: 404, the picture has been deleted in the meantime.
        InputError: there is no tile at that place.
    """
    try:
        tile = studio.tiles.tile(path, x or 0, y or 0)
    except FileNotFoundError:
        raise HTTPException(404, "it has been deleted") from None
    return Response(tile, media_type="image/png", headers=_keeping(lasting))


def packed(request: Request, content: bytes, kind: str) -> Response:
    """Return a text as the answer, compressed for those who take that."""
    head = {"vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(content) > 1000:
        head["content-encoding"] = "gzip"
        content = _zipped(content)
    return Response(content, media_type=kind, headers=head)


@lru_cache(maxsize=8)
def _zipped(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=5, mtime=0)
