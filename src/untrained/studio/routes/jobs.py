"""Jobs: start, watch, stop, go on, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import TypeAdapter

from untrained import fitting
from untrained.errors import InputError
from untrained.studio.events import job_of
from untrained.studio.extending import can_be_extended
from untrained.studio.models import Extend, Job, JobRequest, Picture, Plan, Several, Strength, Take
from untrained.studio.pictures import without_paths
from untrained.studio.routes.common import (
    IdInPath,
    StudioOf,
    errors,
    found_job,
    found_picture,
    packed,
)
from untrained.studio.strength import asked_of, rewrite, with_strength
from untrained.studio.studio import Studio
from untrained.studio.taking import result_file, result_name, take_snapshot
from untrained.studio.worker import remove_job
from untrained.studio.workspace import new_id
from untrained.tasks import find_task

router = APIRouter(prefix="/api", tags=["jobs"])


@router.post("/plan", responses=errors(413, 422))
async def plan(studio: StudioOf, request: JobRequest, http: Request) -> Plan:
    """Return what a job would cost; the first time for a recipe this takes seconds.

    `seconds` is null if that time has not been taken yet, and a job is running. An answer that
    nobody waits for any more is not worked out.
    """
    request = await run_in_threadpool(studio.requests.complete, request)
    found = await run_in_threadpool(_planned, studio, request, False)
    if found.seconds is None and not studio.queue.is_busy():
        async with studio.timing:  # two at once would slow each other down
            if not await http.is_disconnected():
                found = await run_in_threadpool(_planned, studio, request, True)
    height, width, channels = found.size
    found_picture(studio, request.picture)
    pages = studio.requests.pages(request)
    return Plan(
        width=width, height=height, channels=channels, max_steps=pages * found.max_steps,
        seconds=None if found.seconds is None else pages * found.seconds,
        between=None if found.between is None
        else (pages * found.between[0], pages * found.between[1]),
        memory_bytes=found.memory_bytes, tiles=found.tiles,
        device=found.device, precision=found.precision,
    )  # fmt: skip


def _planned(studio: Studio, request: JobRequest, timed: bool) -> fitting.Plan:
    try:
        return studio.requests.plan(request, timed=timed)
    except InputError as error:
        names = studio.requests.names(request)
        raise InputError(without_paths(str(error), names)) from None


@router.post("/jobs", status_code=201, responses=errors(413, 422))
def start(studio: StudioOf, request: JobRequest) -> Job:
    """Put a job at the end of the queue."""
    return _enter(studio, studio.requests.complete(request))


@router.get("/jobs", response_model=list[Job], responses=errors())
def jobs(studio: StudioOf, http: Request) -> Response:
    """Return all jobs, newest first."""
    positions = studio.queue.positions()
    found = [job_of(entry, positions.get(entry.id)) for entry in studio.queue.jobs()]
    return packed(http, TypeAdapter(list[Job]).dump_json(found), "application/json")


@router.get("/jobs/{id}", responses=errors(404, 422))
def job(studio: StudioOf, id_: IdInPath) -> Job:
    """Return a job and how far it is."""
    return _job(studio, id_)


@router.post("/jobs/{id}/stop", responses=errors(404, 409, 422))
def stop(studio: StudioOf, id_: IdInPath) -> Job:
    """Stop a running job at its next look and keep the best; a queued one is not begun."""
    entry = found_job(studio, id_)
    if not studio.queue.move(id_, ("queued",), "stopped") and not studio.queue.ask(id_, "stop"):
        raise HTTPException(409, f"the job is {_job(studio, id_).status}; only a running or "
                            f"queued one can be stopped")  # fmt: skip
    return _job(studio, entry.id)


@router.post("/jobs/{id}/resume", responses=errors(404, 409, 422))
def resume(studio: StudioOf, id_: IdInPath) -> Job:
    """Let a stopped job go on; a failed one is tried again."""
    entry = found_job(studio, id_)
    if not studio.queue.move(id_, ("stopped", "failed"), "queued", ended=None, error=None):
        raise HTTPException(409, f"the job is {entry.status}; only a stopped one can go on")
    return _job(studio, id_)


@router.post("/jobs/{id}/extend", status_code=201, responses=errors(404, 409, 413, 422))
def extend(studio: StudioOf, id_: IdInPath, request: Extend) -> Job:
    """Take more steps than a finished or stopped job, with the stop rule off, as a new job."""
    entry = found_job(studio, id_)
    if entry.status not in ("finished", "stopped"):
        raise HTTPException(409, f"the job is {entry.status}; wait until it has finished")
    if not can_be_extended(studio.workspace, id_):
        raise HTTPException(
            409, "the end of this fit was not kept: it is of several tiles or pages, or never began"
        )
    return _enter(studio, asked_of(entry), extended=id_, more_steps=request.steps)


@router.post("/jobs/{id}/take", responses=errors(404, 409, 413, 422))
def take(studio: StudioOf, id_: IdInPath, request: Take) -> Job:
    """Make the image of an earlier step the result to download, in the original depth."""
    entry = found_job(studio, id_)
    if entry.status not in ("finished", "stopped"):
        raise HTTPException(
            409, f"the job is {entry.status}; wait until it has finished, or stop it"
        )
    job = studio.requests.job(id_, asked_of(entry))
    take_snapshot(studio.workspace, id_, job, request.step)
    studio.queue.update(id_, taken_step=request.step)
    return _job(studio, id_)


@router.post("/jobs/{id}/strength", responses=errors(404, 409, 413, 422))
def strength(studio: StudioOf, id_: IdInPath, request: Strength) -> Job:
    """Take away more or less of the noise of a result: it is written anew, without a fit."""
    entry = found_job(studio, id_)
    if entry.status not in ("finished", "stopped") or entry.state.get("kept_step") is None:
        raise HTTPException(
            409, f"the job is {entry.status}; wait until it has finished, or stop it"
        )
    asked = with_strength(asked_of(entry), request)
    with studio.rewriting:  # the last of many moves of a slider is to win
        rewrite(studio.workspace, id_, studio.requests.job(id_, asked))
        chosen = {"strength": None, "colour_strength": None, **request.model_dump()}
        command = studio.requests.command(asked)
        studio.queue.update(id_, strengths=chosen, command=command)
    return _job(studio, id_)


@router.post("/jobs/{id}/front", responses=errors(404, 409, 422))
def front(studio: StudioOf, id_: IdInPath) -> Job:
    """Let a waiting job be the next."""
    entry = found_job(studio, id_)
    if not studio.queue.to_front(id_):
        raise HTTPException(409, f"the job is {entry.status}; only a queued one can go first")
    return _job(studio, id_)


@router.post("/jobs/{id}/as-picture", status_code=201, responses=errors(404, 413, 422))
def as_picture(studio: StudioOf, id_: IdInPath) -> Picture:
    """Take a result for a picture, so that something else can be done with it."""
    entry = found_job(studio, id_)
    path = result_file(studio.workspace, id_)
    if path is None:
        raise HTTPException(404, f"there is no result; the job is {entry.status}")
    with path.open("rb") as file:
        return Picture.model_validate(studio.pictures.add(result_name(entry, path), file))


@router.delete("/jobs/{id}", status_code=204, responses=errors(404, 422))
async def delete(studio: StudioOf, id_: IdInPath) -> None:
    """Delete a job and all that it made; a running one is cancelled."""
    if not await _deleted(studio, id_):
        raise HTTPException(404, f"no job {id_}; it may have been deleted")


@router.post("/jobs/delete", status_code=204, responses=errors(422))
async def delete_several(studio: StudioOf, request: Several) -> None:
    """Delete jobs and all that they made; those that are gone are passed over."""
    for id_ in request.ids:
        await _deleted(studio, id_)


async def _deleted(studio: Studio, id_: str) -> bool:
    """Delete a job; whether there was one."""
    status = studio.queue.give_up(id_)
    if status is not None and status != "running":  # else its worker does it
        await run_in_threadpool(remove_job, studio.workspace, studio.queue, id_)
        studio.events.deleted(id_)
    return status is not None


@router.get("/events", response_class=EventSourceResponse, responses=errors())
async def events(studio: StudioOf, request: Request) -> AsyncIterator[ServerSentEvent]:
    """Every job once, then every change: `job` with a Job, `deleted` with its id.

    A job changes at most a few times a second. A comment is sent every 15 seconds.
    """
    async for id_, data in studio.events.listen():
        if data is None:
            yield ServerSentEvent(event="deleted", data={"id": id_})
        else:
            yield ServerSentEvent(event="job", raw_data=data)


def _job(studio: Studio, id_: str) -> Job:
    entry = found_job(studio, id_)
    return job_of(entry, studio.queue.positions().get(id_))


def _enter(studio: Studio, request: JobRequest, **more: object) -> Job:
    id_ = new_id()
    facts = found_picture(studio, request.picture)
    recipe = studio.requests.recipe(request)
    state = {
        "picture_name": facts["name"],
        "pages": studio.requests.pages(request),
        "max_steps": recipe.max_steps,
        "command": studio.requests.command(request),
        "suffix": find_task(request.task).formats.output_suffix(Path(facts["name"])),
        "depth": facts["depth"],
        **more,
    }
    studio.workspace.job(id_).mkdir()
    used = [request.picture, *request.files.values(), *filter(None, [request.truth])]
    if not studio.queue.add_job(id_, request.model_dump(), state, pictures=used):
        studio.workspace.job(id_).rmdir()
        raise HTTPException(404, "a picture of this job was deleted while it was begun")
    return _job(studio, id_)
