"""How much of what a fit found is taken: changed on a result, written anew without a fit.

A request never changes; the strengths that were chosen later are in the job's state.
"""

from __future__ import annotations

from dataclasses import replace

from untrained.errors import InputError
from untrained.jobs import Job, written_again
from untrained.recipes import decode
from untrained.studio.extending import run_of
from untrained.studio.models import JobRequest, Strength
from untrained.studio.queue import Entry
from untrained.studio.workspace import Workspace
from untrained.tasks import find_task

__all__ = ["asked_of", "rewrite", "with_strength"]


def asked_of(entry: Entry) -> JobRequest:
    """Return the request of a job, with the strengths that were chosen since."""
    request = JobRequest.model_validate(entry.request)
    chosen = entry.state.get("strengths")
    return request if chosen is None else with_strength(request, Strength.model_validate(chosen))


def with_strength(request: JobRequest, chosen: Strength) -> JobRequest:
    """Return a request with other strengths.

    Raises:
        InputError: its task has none.
    """
    names = find_task(request.task).afterwards
    given = chosen.model_dump(exclude_none=True)
    if not names:
        raise InputError(f"{request.task} has no strength; only Remove noise has one")
    options = {name: value for name, value in request.options.items() if name not in names}
    return request.model_copy(update={"options": options | given})


def rewrite(workspace: Workspace, id_: str, job: Job) -> None:
    """Write the result of a job as its options now ask for; one that was cut short, too.

    Raises:
        InputError: the job has not begun, or its run cannot be read.
    """
    run = run_of(workspace, id_)
    if run is None:
        raise InputError("the job has not begun; there is nothing to change")
    record = run.read_record()
    recipe = decode(record["job"]["recipe"])  # of an extended fit it is another
    written_again(replace(job, recipe=recipe), run, record, ours=True)
