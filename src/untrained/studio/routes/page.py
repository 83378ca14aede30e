"""The page itself: a fixed table of files, and the way in with a token."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from untrained.studio.routes.common import StudioOf, packed
from untrained.studio.safety import COOKIE

router = APIRouter(include_in_schema=False)

_FILES = {
    "index.html": "text/html; charset=utf-8",
    "studio.js": "text/javascript; charset=utf-8",
    "studio.css": "text/css; charset=utf-8",
}


@router.get("/")
def index(studio: StudioOf, request: Request, token: str | None = None) -> Response:
    """Return the page; with the token that was printed, remember it in a cookie first."""
    if token is not None and studio.safety.token is not None:
        if not studio.safety.is_token(token):
            raise HTTPException(401, "the token is wrong; open the address that was printed")
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response
    return _static(request, "index.html")


@router.get("/{name}")
def static(request: Request, name: str) -> Response:
    """Return one of the page's files."""
    if name not in _FILES:
        raise HTTPException(404, "there is no such page")
    return _static(request, name)


@cache
def _content(name: str) -> bytes | None:
    path = files("untrained.studio") / "static" / name
    return path.read_bytes() if path.is_file() else None


def _static(request: Request, name: str) -> Response:
    content = _content(name)
    if content is None:
        return Response(
            "The page is not part of this installation; the API is at /api/openapi.json.\n",
            media_type="text/plain",
        )
    return packed(request, content, _FILES[name])
