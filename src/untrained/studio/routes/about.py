"""What there is to choose from."""

from __future__ import annotations

import os
from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from untrained import __version__
from untrained.fitting import pick_device
from untrained.studio.describe import describe_tasks
from untrained.studio.models import About, TaskForm
from untrained.studio.routes.common import StudioOf, errors, packed

router = APIRouter(prefix="/api", tags=["about"])


@router.get("/about", responses=errors())
def about(studio: StudioOf) -> About:
    """Return the program, the machine and the limits."""
    return About(
        version=__version__,
        device=str(pick_device(studio.requests.device)),
        cores=os.cpu_count() or 1,
        workspace=str(studio.workspace.path),
        max_pixels=studio.pictures.max_pixels,
        max_upload_bytes=studio.safety.max_upload,
    )


@router.get("/tasks", response_model=list[TaskForm], responses=errors())
def tasks(request: Request) -> Response:
    """Return every task with its files, options, recipes and their settings."""
    return packed(request, _tasks(), "application/json")


@cache
def _tasks() -> bytes:
    return TypeAdapter(list[TaskForm]).dump_json(describe_tasks())
