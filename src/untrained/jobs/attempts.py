"""One job of a batch: whatever becomes of it is an answer, so that the others are done too."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

from untrained.errors import FailedError, InputError, in_words
from untrained.fitting import Callback, Scoring
from untrained.jobs.job import Job
from untrained.jobs.running import Outcome, run_job

__all__ = ["Answer", "as_failure", "attempt"]

Answer = Outcome | InputError | FailedError
"""What comes of a job: what was done, what is wrong with the input, or how we failed."""


def attempt(
    job: Job,
    *,
    observers: Callable[[str, Scoring], Sequence[Callback]] = lambda label, scoring: (),
    cancelled: Callable[[], bool] = lambda: False,
    command: str = "",
) -> Answer:
    """Run a job as `run_job` does; return what it raises, but for Ctrl-C."""
    try:
        return run_job(job, observers=observers, cancelled=cancelled, command=command)
    except InputError as error:
        return error
    except Exception as error:
        return as_failure(job, error)


def as_failure(job: Job, error: Exception) -> FailedError:
    """Return the failure of a job as one line that names its picture.

    The error itself is let go: its traceback holds the arrays that the next job has no room for.
    """
    line = in_words(error)
    source = str(job.source)
    failure = FailedError(line if source in line else f"{source}: {line}")
    failure.add_note("".join(traceback.format_exception(error)))
    return failure
