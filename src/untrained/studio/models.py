"""What goes over the wire: the JSON of the HTTP API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from untrained.studio.workspace import ID_PATTERN

__all__ = [
    "About",
    "Batch",
    "BatchResult",
    "Error",
    "Extend",
    "FileForm",
    "Id",
    "Job",
    "JobRequest",
    "OptionForm",
    "Picture",
    "Plan",
    "RecipeForm",
    "Sample",
    "SampleRequest",
    "Setting",
    "Several",
    "Status",
    "Strength",
    "Take",
    "TaskForm",
    "Value",
]

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Value = bool | int | float | str | None
Status = Literal["queued", "running", "finished", "stopped", "failed"]
Text = Annotated[str, StringConstraints(max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Error(BaseModel):
    """Why a request was refused, in one line."""

    detail: str


class About(BaseModel):
    """The program and the machine."""

    version: str
    device: str
    cores: int
    workspace: str
    max_pixels: int
    max_upload_bytes: int


class Setting(BaseModel):
    """A setting of a recipe, its value as text and what it does."""

    name: str
    value: str
    help: str


class RecipeForm(BaseModel):
    """A recipe and all its settings."""

    name: str
    title: str
    description: str
    cites: str
    settings: list[Setting]


class FileForm(BaseModel):
    """A file that a task takes beside the picture; `accepts` is for an <input type=file>."""

    name: str
    label: str
    help: str
    required: bool
    accepts: str


class OptionForm(BaseModel):
    """An option of a task, and the control that it needs."""

    name: str
    kind: Literal["number", "integer", "boolean", "choice", "text"]
    default: Value
    min: float | None = None
    max: float | None = None
    choices: list[str] = []
    label: str
    help: str
    required: bool = False


class TaskForm(BaseModel):
    """A task: what it is given, what can be chosen; whether it takes pictures or scans."""

    name: str
    title: str
    description: str
    takes: Literal["picture", "scan"]
    files: list[FileForm]
    options: list[OptionForm]
    recipes: list[RecipeForm]


class Sample(BaseModel):
    """A picture that comes with the program, and the task that it is a sample for."""

    name: str
    title: str
    task: str
    width: int
    height: int


class SampleRequest(_Strict):
    """Which sample to add to the pictures."""

    name: Text


class Picture(BaseModel):
    """A picture in the workspace; `depth` is the type of its values: uint8, uint16, float32 ….

    Of a scan, width and height are those of a look at it, `depth` says what it holds.
    """

    id: Id
    name: str
    kind: Literal["picture", "kernel", "scan"] = "picture"
    width: int
    height: int
    channels: int
    pages: int
    depth: str
    bytes: int


class JobRequest(_Strict):
    """What is to be done; pictures are named by their ids, never by a file's name.

    `options` are the task's, `settings` change the recipe's (max_steps, lr …); what is not named
    keeps its default.
    """

    task: Text
    picture: Id
    files: dict[Text, Id] = Field(default={}, max_length=10)
    options: dict[Text, Value] = Field(default={}, max_length=50)
    recipe: Text = "fast"
    settings: dict[Text, Value | list[Value]] = Field(default={}, max_length=100)
    seed: int = Field(default=0, ge=0, lt=2**32)
    truth: Id | None = None


class Plan(BaseModel):
    """What a job will cost; `seconds` and `between`, the least and most, are null if not known."""

    width: int
    height: int
    channels: int
    max_steps: int
    seconds: float | None
    between: tuple[float, float] | None
    memory_bytes: int
    tiles: int
    device: str
    precision: str


class Job(BaseModel):
    """A job and how far it is.

    `position` is its place in the queue, from 1. `seconds_left` supposes that all of `max_steps`
    are taken; one that is `stopping` ends after its next look. `taken_step` is the step of the
    snapshot that was taken for the result by hand, `extended` the job that this one went on from
    by `more_steps`. The end of the fit was kept where it is `extendable`. `suffix` and `depth` are
    those of the file to download, None of an older job. `revision` grows with every change.
    """

    id: Id
    task: str
    picture: Id
    picture_name: str
    recipe: str
    settings: dict[str, Value | list[Value]]
    options: dict[str, Value]
    files: dict[str, Id]
    seed: int
    truth: Id | None = None
    status: Status
    error: str | None = None
    position: int | None = None
    step: int = 0
    max_steps: int | None = None
    seconds: float = 0.0
    steps_per_second: float | None = None
    seconds_left: float | None = None
    stopping: bool = False
    psnr_observed: float | None = None
    created: str
    started: str | None = None
    ended: str | None = None
    stop_reason: str | None = None
    kept_step: int | None = None
    taken_step: int | None = None
    extended: Id | None = None
    more_steps: int | None = None
    pages: int = 1
    width: int | None = None
    height: int | None = None
    command: str = ""
    extendable: bool = True
    suffix: str | None = None
    depth: str | None = None
    revision: int = 0


class BatchResult(BaseModel):
    """An entry of a batch that was done; `gain` in PSNR, in dB, is known with a truth."""

    key: str
    name: str
    seconds: float | None = None
    gain: float | None = None
    at: float


class Batch(BaseModel):
    """How far a batch is; `error` = its ledger cannot be read. `updated` is its newest line's time.

    `reasons` are those of what was set aside, and how many there are of each; `dashboard` is the
    address of Ray's page, "" = none.
    """

    id: Id
    name: str
    folder: str
    error: str | None = None
    total: int | None = None
    done: int = 0
    refused: int = 0
    failed: int = 0
    left: int | None = None
    at_work: int = 0
    rate_per_second: float | None = None
    seconds_left: float | None = None
    worker_seconds: float = 0.0
    reasons: dict[str, int] = {}
    dashboard: str = ""
    updated: str | None = None
    latest: list[BatchResult] = []


class Extend(_Strict):
    """How many more steps to take."""

    steps: int = Field(ge=1, le=1_000_000)


class Strength(_Strict):
    """How much of the noise is taken away; None for the colours = as the strength."""

    strength: float = Field(ge=0, le=1)
    colour_strength: float | None = Field(default=None, ge=0, le=1)


class Several(_Strict):
    """Jobs that something is to be done with."""

    ids: list[Id] = Field(min_length=1, max_length=10_000)


class Take(_Strict):
    """Which snapshot to take."""

    step: int = Field(ge=0, lt=2**31)


View = dict[str, Any]
"""A `ViewRun` of the viewer, see report/model.py."""
