"""Several pictures at the same time give what they give one after another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from untrained import find_recipe, read_picture, write_picture
from untrained.errors import FailedError, InputError
from untrained.fitting import FixedSteps
from untrained.images import Picture
from untrained.jobs import Job, Outcome, do_side_by_side, run_job, run_side_by_side, workers

Scene = Callable[..., Any]


def job(source: Path, target: Path) -> Job:
    recipe = replace(find_recipe("denoise", "fast"), max_steps=20)
    options = {"sigma": 20.0, "sigma_in_units": False}
    return Job(task="denoise", source=source, target=target, recipe=recipe, options=options)


@pytest.fixture
def own_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_side_by_side_equals_one_after_another_and_reports_what_fails(
    scene: Scene, tmp_path: Path, own_threads: None
) -> None:
    sources = [tmp_path / f"{name}.png" for name in "abc"]
    for i, source in enumerate(sources[:2]):
        noise = np.random.default_rng(i).normal(0, 20, (40, 48, 3))
        pixels = np.clip(255 * scene(40, 48) + noise, 0, 255).astype(np.uint8)
        write_picture(source, Picture.from_array(pixels))
    jobs = [job(source, tmp_path / "out" / source.name) for source in sources]
    outcomes = list(run_side_by_side(jobs, workers=2, silent=True))
    failed = [x for x in outcomes if isinstance(x, InputError)]
    assert len(failed) == 1
    assert "c.png" in str(failed[0])
    done = [x for x in outcomes if isinstance(x, Outcome)]
    assert {x.status for x in done} == {"finished"}
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))  # as each worker has
    for source in sources[:2]:
        run_job(job(source, tmp_path / "single" / source.name))
        ours, single = (
            read_picture(tmp_path / folder / source.name).pixels for folder in ("out", "single")
        )
        assert np.array_equal(ours, single)


def test_a_killed_worker_costs_its_own_picture_and_is_replaced(
    scene: Scene, tmp_path: Path
) -> None:
    pixels = np.rint(255 * scene(24, 32)).astype(np.uint8)
    for name in "ab":
        write_picture(tmp_path / f"{name}.png", Picture.from_array(pixels))
    recipe = replace(find_recipe("denoise", "fast"), stopper=FixedSteps(), max_steps=10**6)
    endless = replace(job(tmp_path / "a.png", tmp_path / "a" / "a.png"), recipe=recipe)
    quick = job(tmp_path / "b.png", tmp_path / "b" / "b.png")

    others = {child.pid for child in multiprocessing.active_children()}

    def kill_the_worker() -> None:
        while not list((tmp_path / "a").glob("untrained-runs/*/run.json")):
            time.sleep(0.02)
        for worker in multiprocessing.active_children():
            if worker.pid is not None and worker.pid not in others:
                os.kill(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_the_worker, daemon=True)
    killer.start()
    first, second = run_side_by_side([endless, quick], workers=1, silent=True)
    assert isinstance(first, FailedError)
    assert str(first).startswith(f"{endless.source}: its worker was ended from outside (SIGKILL)")
    assert isinstance(second, Outcome)
    assert second.status == "finished"
    assert {child.pid for child in multiprocessing.active_children()} <= others


def doubled(piece: str, cancelled: Callable[[], bool]) -> str:
    if piece == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * piece


def test_work_is_taken_as_workers_are_free_and_a_death_costs_one_piece() -> None:
    taken: list[str] = []

    def work() -> Iterator[str]:
        for piece in ("a", "die", "b", "c"):
            taken.append(piece)
            yield piece

    answers = do_side_by_side(work(), doubled, workers=1, threads=1)
    assert next(answers) == ("a", "aa")
    assert taken == ["a", "die"]
    piece, answer = next(answers)
    assert piece == "die"
    assert "SIGKILL" in answer
    assert list(answers) == [("b", "bb"), ("c", "cc")]


def test_no_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workers is 0"):
        list(run_side_by_side([job(tmp_path / "a.png", tmp_path / "b.png")], workers=0))


class Pretended:
    """A worker that is no process; it answers when it is asked."""

    def __init__(self, threads: int, do: Callable[..., Any]) -> None:
        self.pipe = self
        self.weight = 0
        self.alive = True

    def begin(self, piece: int) -> None:
        self.piece = piece

    def answer(self) -> tuple[int, str]:
        return self.piece, "done"

    def end(self) -> None:
        self.alive = False


@pytest.mark.parametrize(
    ("weights", "room", "most"),
    [
        ([1, 1, 1, 1, 1], 3, 3),
        ([1, 2, 3, 1, 1, 1], 3, 3),
        ([9, 1, 9, 1], 3, 9),  # what is too heavy is done alone
        ([1, 1, 1, 1, 1], None, 4),
    ],
)
def test_no_more_is_begun_than_there_is_room_for(
    weights: list[int], room: int | None, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_Worker", Pretended)
    heaviest: list[int] = []

    def wait(pipes: list[Pretended]) -> list[Pretended]:
        heaviest.append(sum(weights[worker.piece] for worker in pipes))
        return pipes[:1]

    monkeypatch.setattr(workers, "wait", wait)
    done = do_side_by_side(
        range(len(weights)), print, workers=4, weigh=lambda piece: weights[piece], room=room
    )
    assert sorted(piece for piece, _ in done) == list(range(len(weights)))
    assert max(heaviest) == most
