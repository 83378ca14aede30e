"""The queue's laws, and the forms that the page makes of tasks."""

from __future__ import annotations

import inspect
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studio_server import file_of, noisy

from untrained import InputError
from untrained.cli import app
from untrained.recipes import RECIPES
from untrained.studio.describe import describe_tasks
from untrained.studio.events import job_of
from untrained.studio.forms import FILES, TITLES, complete_options, option_forms
from untrained.studio.models import JobRequest
from untrained.studio.pictures import Pictures
from untrained.studio.queue import Queue
from untrained.studio.requests import Requests
from untrained.studio.worker import remove_job
from untrained.studio.workspace import Workspace, new_id
from untrained.tasks import TASKS


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "studio.db")


def test_first_come_first_served_and_nobody_twice(queue: Queue, tmp_path: Path) -> None:
    ids = [new_id() for _ in range(40)]
    for id_ in ids:
        queue.add_job(id_, {}, {})
    assert queue.positions() == {id_: i + 1 for i, id_ in enumerate(ids)}
    claimed: list[list[str]] = [[] for _ in range(4)]

    def work(mine: list[str], worker: int) -> None:
        own = Queue(tmp_path / "studio.db")
        while entry := own.claim(worker):
            mine.append(entry.id)
        own.close()

    threads = [threading.Thread(target=work, args=(each, i)) for i, each in enumerate(claimed)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(id_ for each in claimed for id_ in each) == sorted(ids)
    assert all(each == sorted(each, key=ids.index) for each in claimed)


ACTIONS = ("add", "claim", "finish", "stop", "resume", "update", "give_up", "delete", "requeue")


@given(actions=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3)), max_size=30))
@settings(max_examples=40, deadline=None)
def test_every_change_is_noticed_and_none_is_lost(
    actions: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Who follows the revisions knows what who reads everything knows."""
    queue = Queue(tmp_path_factory.mktemp("queue") / "studio.db")
    known: dict[str, str] = {}
    ids: list[str] = []
    revision = queue.revision()
    for action, which in actions:
        id_ = ids[which % len(ids)] if ids else "0" * 16
        if action == "add":
            ids.append(new_id())
            queue.add_job(ids[-1], {}, {})
        elif action == "claim":
            queue.claim(1)
        elif action == "finish":
            queue.move(id_, ("running",), "finished")
        elif action == "stop":
            queue.ask(id_, "stop")
        elif action == "resume":
            queue.move(id_, ("stopped", "finished"), "queued")
        elif action == "update":
            queue.update(id_, step=which)
        elif action == "give_up":
            queue.give_up(id_)
        elif action == "delete":
            queue.delete_job(id_)
            known.pop(id_, None)
        else:
            queue.requeue()
        before, revision = revision, queue.revision()
        assert revision >= before
        for entry in queue.changed_since(before):
            known[entry.id] = entry.status
            if entry.wanted == "delete":
                known.pop(entry.id)
        assert known == {entry.id: entry.status for entry in queue.jobs()}
    running = [entry.id for entry in queue.jobs() if entry.status == "running"]
    queue.requeue()
    places = queue.positions()
    assert set(running) <= set(places), "what was running comes first again"
    queue.close()


def test_a_database_survives_its_process(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "studio.db")
    queue.add_job("a" * 16, {"task": "denoise"}, {"step": 1})
    queue.update("a" * 16, step=7, error="x")
    queue.update("a" * 16, error=None)
    again = Queue(tmp_path / "studio.db")  # the other one is not closed: it was killed
    entry = again.job("a" * 16)
    assert entry is not None
    assert (entry.request, entry.state["step"]) == ({"task": "denoise"}, 7)
    assert "error" not in entry.state


def own_parameters(command: str) -> dict[str, Any]:
    """Return the parameters that a command has for itself, and their defaults."""
    shared = {"files", "output", "fit", "run", "printing"}
    shared |= {"frames", "prior"}  # another command, and runs that a studio does not keep
    function = app[command].default_command
    assert function is not None
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in shared
    }


@pytest.mark.parametrize("command", sorted({name.split("-")[0] for name in TASKS}))
def test_the_form_of_a_task_is_that_of_its_command(command: str) -> None:
    """A command does the tasks that begin with its name: deblur does deblur-blind."""
    own = own_parameters(command)
    tasks = [name for name in TASKS if name.split("-")[0] == command]
    files = {name for task in tasks for name in TASKS[task].files}
    forms = {form.name: form for task in tasks for form in option_forms(task)}
    assert files | set(forms) == set(own)
    for name in files:
        assert FILES[name].required or own[name] is not inspect.Parameter.empty
    for name, form in forms.items():
        assert form.default == own[name] or len(tasks) > 1
        assert form.help
        assert form.label
    for task in tasks:
        assert task in TITLES
        assert set(complete_options(task, {})) <= set(forms)


def test_options_are_checked() -> None:
    assert complete_options("upscale", {"factor": 3.0}) == {"factor": 3}
    assert complete_options("denoise", {"sigma": None})["sigma"] is None
    for task, options in (
        ("upscale", {"factor": 2.5}), ("upscale", {"factor": True}), ("upscale", {"factor": 1}),
        ("upscale", {"factor": 10**6}), ("denoise", {"sigma": "x"}),
        ("denoise", {"sigma_in_units": 1}), ("denoise", {"joint": "x"}),
        ("demosaic", {"pattern": "XXXX"}), ("dejpeg", {"agreement": 0.6}),
        ("denoise", {"x": 1}), ("nothing", {}),
    ):  # fmt: skip
        with pytest.raises(InputError):
            complete_options(task, options)


def test_every_recipe_is_described() -> None:
    tasks = {task.name: task for task in describe_tasks()}
    assert tasks.keys() == TASKS.keys()
    for name, recipes in RECIPES.items():
        assert [r.name for r in tasks[name].recipes] == list(recipes)
    fast = {s.name: s for s in tasks["denoise"].recipes[0].settings}
    assert fast["max_steps"].value == "400"
    assert "most steps" in fast["max_steps"].help


def test_nothing_is_timed_unless_asked_for(
    tmp_path: Path, scene: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pace that was measured beside a running job would be that of half a machine."""
    monkeypatch.setenv("UNTRAINED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("untrained.restoring.planner.slowdown_now", lambda: 1.0)
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    queue = Queue(workspace.database)
    pictures = Pictures(workspace, queue, max_pixels=10**6)
    requests = Requests(pictures=pictures, device="cpu")
    file = io.BytesIO(file_of(tmp_path, "in.png", noisy(scene(256, 256))))
    changes: dict[str, Any] = {
        "max_steps": 20, "network.widths": [8, 8], "refinement": None,
    }  # fmt: skip
    picture = pictures.add("in.png", file)["id"]
    request = requests.complete(JobRequest(task="denoise", picture=picture, settings=changes))
    assert requests.plan(request, timed=False).seconds is None
    assert not (tmp_path / "cache").exists()
    taken = requests.plan(request, timed=True).seconds
    assert taken is not None
    assert requests.plan(request, timed=False).seconds == taken


def test_a_picture_goes_with_its_last_job(tmp_path: Path, scene: Callable[..., Any]) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    queue = Queue(workspace.database)
    pictures = Pictures(workspace, queue, max_pixels=10**6)
    data = file_of(tmp_path, "in.png", noisy(scene(32, 32)))
    picture, mask, unused = (pictures.add("in.png", io.BytesIO(data))["id"] for _ in range(3))
    for number in "ab":
        request = JobRequest(task="inpaint", picture=picture, files={"mask": mask})
        queue.add_job(number * 16, request.model_dump(), {})
    remove_job(workspace, queue, "a" * 16)
    assert set(queue.pictures()) == {picture, mask, unused}
    remove_job(workspace, queue, "b" * 16)
    assert set(queue.pictures()) == {unused}
    assert not workspace.picture(picture).exists()
    pictures.sweep()
    assert set(queue.pictures()) == {unused}, "it may be about to be used"
    queue._do("UPDATE pictures SET created = '2020-01-01T00:00:00+00:00'")
    pictures.sweep()
    assert not queue.pictures()
    assert not workspace.picture(unused).exists()


def test_a_job_that_is_asked_to_stop_says_so(queue: Queue) -> None:
    request = JobRequest(task="denoise", picture="b" * 16).model_dump()
    queue.add_job("a" * 16, request, {"picture_name": "in.png"})
    queue.claim(1)
    before = queue.revision()
    queue.ask("a" * 16, "stop")
    (entry,) = queue.changed_since(before)
    assert job_of(entry, None).stopping
    queue.move("a" * 16, ("running",), "stopped")
    assert not job_of(queue.jobs()[0], None).stopping


def test_no_job_is_entered_without_its_pictures_and_none_loses_them(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "studio.db")
    picture, mask = "a" * 16, "b" * 16
    queue.add_picture(picture, {})
    request = {"picture": picture, "files": {"mask": mask}}
    assert not queue.add_job("1" * 16, request, {}, pictures=[picture, mask])
    assert queue.jobs() == []
    queue.add_picture(mask, {})
    assert queue.add_job("1" * 16, request, {}, pictures=[picture, mask, picture])
    assert not queue.delete_picture(mask), "a job uses it"
    queue.delete_job("1" * 16)
    assert queue.delete_picture(mask)
    assert not queue.delete_picture(mask), "it is gone"
    queue.close()
