"""The application: its addresses, its life, and how errors are answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from untrained import __version__
from untrained.errors import InputError
from untrained.studio.requests import warm_up
from untrained.studio.routes import ROUTERS
from untrained.studio.safety import SafetyMiddleware
from untrained.studio.studio import Studio

__all__ = ["create_app"]


def create_app(studio: Studio) -> FastAPI:
    """Return the application; its workers live as long as it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        lock = studio.workspace.lock()
        await asyncio.to_thread(studio.pictures.sweep)
        studio.supervisor.start()
        threading.Thread(target=warm_up, daemon=True).start()
        tasks = [
            asyncio.create_task(studio.supervisor.watch()),
            asyncio.create_task(studio.events.follow()),
        ]
        try:
            yield
        finally:
            studio.events.close()
            for task in tasks:
                task.cancel()
            await asyncio.to_thread(studio.supervisor.stop)
            studio.queue.close()
            lock.close()

    app = FastAPI(
        title="untrained studio",
        summary="Restore pictures with networks that have never been trained.",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # their scripts come from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.studio = studio
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _internal_error)
    app.add_middleware(SafetyMiddleware, safety=studio.safety)
    return app


def _input_error(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=422)


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    line = " ".join(f"{place}: {first['msg']}".split()) if place else str(first["msg"])
    return JSONResponse({"detail": line}, status_code=422)


def _internal_error(request: Request, error: Exception) -> JSONResponse:
    line = " ".join(f"internal error: {type(error).__name__}; see the server's log".split())
    return JSONResponse({"detail": line}, status_code=500)
