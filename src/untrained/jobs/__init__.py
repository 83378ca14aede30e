"""Files to files: a job with its run folder, many side by side, clips."""

from untrained.jobs.attempts import Answer, as_failure, attempt
from untrained.jobs.clip import CLIP_TASKS, ClipJob, restore_clip
from untrained.jobs.inputs import Input, LeftOut, find_inputs
from untrained.jobs.job import Job, job_of_run
from untrained.jobs.locks import RunLock
from untrained.jobs.parents import listen
from untrained.jobs.records import accounts_in
from untrained.jobs.run_pictures import snapshot_saver, write_extras
from untrained.jobs.running import Outcome, run_job, written_again
from untrained.jobs.runs import Recorder, RunFolder, describe_machine, summary_of
from untrained.jobs.targets import Plan, plan_targets
from untrained.jobs.workers import do_side_by_side, run_side_by_side, without_arrays

__all__ = [
    "CLIP_TASKS",
    "Answer",
    "ClipJob",
    "Input",
    "Job",
    "LeftOut",
    "Outcome",
    "Plan",
    "Recorder",
    "RunFolder",
    "RunLock",
    "accounts_in",
    "as_failure",
    "attempt",
    "describe_machine",
    "do_side_by_side",
    "find_inputs",
    "job_of_run",
    "listen",
    "plan_targets",
    "restore_clip",
    "run_job",
    "run_side_by_side",
    "snapshot_saver",
    "summary_of",
    "without_arrays",
    "write_extras",
    "written_again",
]
