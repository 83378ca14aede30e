"""The application: what a server holds, and how errors are answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from untrained import __version__
from untrained.errors import InputError
from untrained.studio.events import Events
from untrained.studio.pictures import Pictures
from untrained.studio.queue import Queue
from untrained.studio.requests import Requests, warm_up
from untrained.studio.safety import Safety, SafetyMiddleware
from untrained.studio.supervisor import Supervisor
from untrained.studio.worker import WorkerOptions
from untrained.studio.workspace import Workspace

__all__ = ["Studio", "create_app"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Studio:
    """What the routes work with."""

    workspace: Workspace
    queue: Queue
    pictures: Pictures
    requests: Requests
    events: Events
    supervisor: Supervisor
    safety: Safety
    planning: threading.Lock

    @classmethod
    def open(cls, options: WorkerOptions, safety: Safety) -> Studio:
        """Return the studio of a workspace, whose folders are made."""
        workspace = Workspace(Path(options.workspace))
        workspace.create()
        queue = Queue(workspace.database)
        pictures = Pictures(workspace, queue, max_pixels=options.max_pixels)
        return cls(
            workspace=workspace, queue=queue, pictures=pictures,
            requests=Requests(
                pictures=pictures, device=options.device,
                checkpoint_every=options.checkpoint_every,
            ),
            events=Events(queue), supervisor=Supervisor(workspace, queue, options),
            safety=safety, planning=threading.Lock(),
        )  # fmt: skip


def create_app(studio: Studio) -> FastAPI:
    """Return the application; its workers live as long as it runs."""
    from untrained.studio.routes import ROUTERS

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        lock = studio.workspace.lock()
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
