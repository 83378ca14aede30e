"""Run folders that are damaged, edited, a stranger's, or somebody else's at the moment."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from untrained import InputError, find_recipe, with_settings
from untrained.atomic import sweep
from untrained.fitting import Callback, Check
from untrained.images import Picture, read_picture, write_picture
from untrained.jobs import Job, RunFolder, job_of_run, run_job
from untrained.jobs.locks import RunLock
from untrained.writers import is_gone, this_writer

Run = Callable[..., subprocess.CompletedProcess[str]]
RECIPE = with_settings(
    find_recipe("denoise", "fast"),
    {"widths": "8", "max_steps": "8", "check_every": "2", "refinement": "none"},
)


class KilledError(BaseException):
    """Ends a fit as a kill does."""


class Kill(Callback):
    def __init__(self, step: int) -> None:
        self.step = step
        self.needs_whole_image = False

    def on_check(self, check: Check) -> None:
        if check.step >= self.step:
            raise KilledError


@pytest.fixture
def job(tmp_path: Path) -> Job:
    photo = np.random.default_rng(0).integers(60, 200, (20, 24, 3)).astype(np.uint8)
    write_picture(tmp_path / "in.png", Picture.from_array(photo))
    return Job(
        task="denoise", source=tmp_path / "in.png", target=tmp_path / "out.png", recipe=RECIPE,
        options={"sigma": 20.0, "sigma_in_units": False}, device="cpu", checkpoint_every=0,
    )  # fmt: skip


@pytest.fixture
def stack(job: Job) -> Job:
    pages = read_picture(job.source).pixels[0].transpose(2, 0, 1)
    write_picture(job.source.with_suffix(".tif"), replace(
        Picture.from_array(pages[0]), pixels=pages[..., None]))  # fmt: skip
    return replace(
        job, source=job.source.with_suffix(".tif"), target=job.target.with_suffix(".tif")
    )


@pytest.fixture
def image(job: Job) -> bytes:
    """The output of a run that nothing has disturbed."""
    run_job(replace(job, target=job.target.with_name("whole.png"), keep_run=False))
    return job.target.with_name("whole.png").read_bytes()


def killed(job: Job, step: int = 6, page: int = 1) -> Path:
    """Begin a job and kill it at a step of a page; return its folder."""
    pages = iter(range(1, 9))
    with pytest.raises(KilledError):
        run_job(job, observers=lambda *_: [Kill(step if next(pages) == page else 10**9)])
    return job.folder().path


def notes(job: Job) -> str:
    return " ".join(json.loads((job.folder().path / "run.json").read_text())["notes"])


def bits_flipped(data: bytes, seed: int) -> bytes:
    changed, rng = bytearray(data), random.Random(seed)
    for _ in range(3):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2], "empty": lambda data: b"",
    "junk": lambda data: b"\x80\x04junk" * 9, "longer": lambda data: data + b"\0",
    **{f"bits {i}": lambda data, i=i: bits_flipped(data, i) for i in range(6)},  # type: ignore[misc]
}  # fmt: skip


def test_a_damaged_checkpoint_is_never_taken_for_good(job: Job, image: bytes) -> None:
    folder = RunFolder(killed(job))
    whole = folder.checkpoint.read_bytes()
    for damage in DAMAGE.values():
        folder.checkpoint.write_bytes(damage(whole))
        assert folder.load_state() is None
    assert len(folder.notes) == len(DAMAGE)
    assert run_job(job_of_run(folder.path)).status == "finished"
    assert "begun anew, since" in notes(job)
    assert job.target.read_bytes() == image


def test_the_checkpoint_of_another_fit_is_begun_anew(job: Job, image: bytes) -> None:
    other = replace(job, recipe=with_settings(RECIPE, {"widths": "6,6"}))
    foreign = RunFolder(killed(other)).checkpoint.read_bytes()
    RunFolder(killed(job)).checkpoint.write_bytes(foreign)
    assert run_job(job).status == "finished"
    assert "checkpoint is of another fit" in notes(job)
    assert job.target.read_bytes() == image


@pytest.mark.parametrize("name", ["cut", "empty", "junk"])
def test_a_damaged_record_is_passed_over(job: Job, image: bytes, name: str) -> None:
    folder = killed(job)
    record = folder / "run.json"
    record.write_bytes(DAMAGE[name](record.read_bytes()))
    assert run_job(job_of_run(folder)).status == "finished"  # by its copy
    assert job.target.read_bytes() == image
    record.write_bytes(DAMAGE[name](record.read_bytes()))
    (folder / "run.copy.json").unlink()
    job.target.unlink()
    with pytest.raises(InputError, match="damaged"):
        job_of_run(folder)
    assert run_job(job).status == "finished"
    assert "begun anew" in notes(job)
    assert job.target.read_bytes() == image


def test_a_damaged_history_costs_its_lines_alone(job: Job, image: bytes) -> None:
    metrics = killed(job) / "metrics.jsonl"
    lines = metrics.read_bytes().splitlines()
    lines[1], lines[2] = b"\xff\xfe" + lines[1], b'["step"]'
    metrics.write_bytes(b"\n".join(lines))
    assert run_job(job).status == "finished"
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert steps == [1, 4, 5, 6, 7, 8]
    assert job.target.read_bytes() == image


def test_a_damaged_page_is_fitted_again_and_none_is_forgotten(stack: Job) -> None:
    whole = replace(stack, target=stack.target.with_name("whole.tif"), keep_run=False)
    expected = run_job(whole).record["results"]
    folder = killed(stack, page=3)
    assert len(json.loads((folder / "run.json").read_text())["results"]) == 2
    page = folder / "pages" / "0001" / "page.npy"
    page.write_bytes(bits_flipped(page.read_bytes(), 1))
    done = run_job(stack)
    assert "page 0001 is damaged" in notes(stack)
    keys = ("kept_step", "stop_step", "stop_reason", "sigma_255")
    told = [[result[key] for key in keys] for result in done.record["results"]]
    assert told == [[result[key] for key in keys] for result in expected]
    assert stack.target.read_bytes() == whole.target.read_bytes()


def test_a_killed_run_has_every_look_in_its_files(job: Job) -> None:
    """Also where the kill comes between what is written of a look and its checkpoint."""
    job = replace(job, snapshots=(2, 4, 6))
    folder = RunFolder(killed(job, step=4))
    assert folder.load_state()["step"] == 2  # type: ignore[index]
    run_job(job)
    steps = [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()]
    assert steps == list(range(1, 9))
    assert {f"step-00000{i}.png" for i in (2, 4, 6)} <= {
        path.name for path in (folder.path / "snapshots").iterdir()
    }


def test_a_run_is_gone_on_with_by_as_many_threads_as_it_was_begun(job: Job) -> None:
    here = torch.get_num_threads()
    used: list[int] = []

    class Threads(Callback):
        def on_check(self, check: Check) -> None:
            used.append(torch.get_num_threads())

    folder = killed(job)
    for name in ("run.json", "run.copy.json"):
        record = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**record, "threads": here + 1}))
    run_job(job_of_run(folder), observers=lambda *_: [Threads()])
    assert set(used) == {here + 1}
    assert torch.get_num_threads() == here
    assert f"gone on with {here + 1} thread(s)" in notes(job)
    assert json.loads((folder / "run.json").read_text())["threads"] == here + 1


def test_what_cannot_be_written_beside_a_picture_costs_no_picture(
    job: Job, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise InputError("x: cannot be written (No space left on device)")

    monkeypatch.setattr(RunFolder, "save_state", full)
    assert run_job(job).status == "finished"
    assert notes(job).count("checkpoints could not all be written") == 1
    assert job.target.read_bytes() == image


@pytest.mark.parametrize("what", ["run", "output"])
def test_a_folder_that_is_deleted_meanwhile_is_made_again(
    job: Job, image: bytes, what: str
) -> None:
    job = replace(job, target=job.target.parent / "there" / "out.png",
                  run_dir=job.target.parent / "runs")  # fmt: skip
    job.target.parent.mkdir()

    class Delete(Callback):
        def on_check(self, check: Check) -> None:
            place = job.folder().path if what == "run" else job.target.parent
            shutil.rmtree(place, ignore_errors=True)

    assert run_job(job, observers=lambda *_: [Delete()]).status == "finished"
    assert job.target.read_bytes() == image


# --- one process at a time -----------------------------------------------------------------


def test_a_second_process_is_told_and_a_dead_one_is_no_hindrance(job: Job) -> None:
    folder = killed(job)
    stale = {"writer": "1-1-abc", "host": os.uname().nodename, "since": "yesterday"}
    (folder / "lock").write_text(json.dumps(stale))
    told, tell = os.pipe()
    other = os.fork()
    if other == 0:
        with RunLock(folder) as lock:
            lock.take()  # whatever the stale one says
            os.write(tell, b"held")
            time.sleep(60)
            os._exit(0)
    try:
        assert os.read(told, 4) == b"held"
        with pytest.raises(InputError, match=rf"process {other} .*wait for it, or end it"):
            run_job(job)
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
    assert run_job(job).status == "finished"
    assert not (folder / "lock").exists()


def test_the_lock_of_another_machine_counts_while_it_is_fresh(tmp_path: Path) -> None:
    text = json.dumps({"writer": "1-1-abc", "host": "elsewhere", "since": "today"})
    (tmp_path / "lock").write_text(text)
    with RunLock(tmp_path) as lock, pytest.raises(InputError, match=r"on elsewhere.*remove .*lock"):
        lock.take()
    os.utime(tmp_path / "lock", (time.time() - 700,) * 2)
    with RunLock(tmp_path) as lock:
        lock.take()
        assert lock.held


def test_two_inputs_of_a_batch_have_two_folders(job: Job, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    copies = [tmp_path / "a" / "in.png", tmp_path / "b" / "in.png", tmp_path / "in.PNG"]
    for copy in copies:
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(job.source.read_bytes())
    jobs = [replace(job, source=source, run_dir=runs) for source in (job.source, *copies)]
    assert len({str(job.folder().path) for job in jobs}) == len(jobs)
    beside = {replace(job, source=s).folder().path for s in (job.source, copies[2])}
    assert len(beside) == 2


def test_temporary_files_end_with_their_writer(tmp_path: Path) -> None:
    pid, start, machine = this_writer().split("-")
    gone = [f".a.png.{pid}-{int(start) + 1}-{machine}.0.tmp", f".a.png.999999999-5-{machine}.3.tmp"]
    kept = [
        f".a.png.1-{start}-elsewhere.0.tmp", ".a.png.tmp", "a.png", ".a.png.4-x.tmp",
    ]  # fmt: skip
    for name in (*gone, *kept):
        (tmp_path / name).write_bytes(b"x")
    with subprocess.Popen(
        [sys.executable, "-c",
         "from untrained.writers import this_writer as w\nprint(w(), flush=True)\ninput()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        writer = other.stdout.readline().strip()
        (tmp_path / f".a.png.{writer}.0.tmp").write_bytes(b"x")
        sweep(tmp_path, "a.png")
        kept.append(f".a.png.{writer}.0.tmp")
        assert {path.name for path in tmp_path.iterdir()} == set(kept)
        assert not is_gone(writer)
        other.communicate("\n")
    assert is_gone(writer)
    sweep(tmp_path)
    assert not (tmp_path / f".a.png.{writer}.0.tmp").exists()


# --- strangers -----------------------------------------------------------------------------


INSIDE = [
    "metrics.jsonl", "snapshots", "tensorboard", "run.json", "lock", "checkpoint.pt", "pages",
    "result.png", "report.html",
]  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_no_link_in_a_runs_folder_is_followed(
    job: Job, untrained: Run, tmp_path: Path, name: str
) -> None:
    folder = killed(replace(job, snapshots=(4,)))
    precious = tmp_path / "precious"
    is_folder = name in ("snapshots", "tensorboard", "pages")
    if (folder / name).is_dir():
        shutil.rmtree(folder / name)
    if is_folder:
        precious.mkdir()
    else:
        precious.write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"mine")
    before = precious.read_bytes() if precious.is_file() else None
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(precious)
    for words in (["resume", folder], ["report", folder], ["figure", folder]):
        done = untrained(*words)
        assert done.returncode == 2
        assert f"{name}: is a link" in done.stderr or f"{name}: exists" in done.stderr
    assert (precious.read_bytes() == before) if before is not None else not list(precious.iterdir())
    if not is_folder:  # another name of the file is left alone, too
        (folder / name).unlink()
        (folder / name).hardlink_to(precious)
        assert untrained("resume", folder).returncode == 0
        assert precious.read_bytes() == before


def test_a_stranger_cannot_have_a_picture_replaced(job: Job, untrained: Run) -> None:
    folder = killed(replace(job, overwrite=True))
    precious = job.target.with_name("precious.png")
    precious.write_bytes(job.source.read_bytes())
    record = json.loads((folder / "run.json").read_text())
    record["job"] |= {"target": str(precious), "overwrite": True}
    (folder / "run.json").write_text(json.dumps(record))
    refused = untrained("resume", folder)
    assert refused.returncode == 2
    assert "pass --overwrite" in refused.stderr
    assert precious.read_bytes() == job.source.read_bytes()
    assert untrained("resume", folder, "--overwrite").returncode == 0
    assert precious.read_bytes() != job.source.read_bytes()


def edits(record: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a record."""
    if path:
        yield path
    for key in record if isinstance(record, dict) else range(len(record)):
        if isinstance(record[key], (dict, list)):
            yield from edits(record[key], (*path, key))
        else:
            yield (*path, key)


def test_an_edited_record_is_one_line(job: Job, untrained: Run) -> None:
    run_job(job, cancelled=lambda: True)
    folder = job.folder().path
    text = (folder / "run.json").read_text()
    deep = json.loads("[" * 50 + "]" * 50)
    values = [None, -1, 10**400, float("nan"), "", "x\0", [], {}, deep, {"kind": "Recipe"}, True]
    rng = random.Random(0)
    for path in rng.sample(list(edits(json.loads(text))), 25):
        for value in [*rng.sample(values, 2), KeyError]:
            record = json.loads(text)
            place = record
            for key in path[:-1]:
                place = place[key]
            if value is KeyError:
                del place[path[-1]]
            else:
                place[path[-1]] = value
            (folder / "run.json").write_text(json.dumps(record))
            with contextlib.suppress(InputError):
                job_of_run(folder)
            done = untrained("report", folder)
            assert done.returncode in (0, 2), (path, value, done.stderr)
            assert "internal error" not in done.stderr
            assert done.stderr.count("\n") <= 1


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"\xff\xfe.png", "ü".encode() * 110 + b".png"])
def test_names_of_any_bytes(job: Job, untrained: Run, name: bytes) -> None:
    source = job.source.with_name(os.fsdecode(name))
    job.source.rename(source)
    done = run_job(replace(job, source=source), cancelled=lambda: True)
    assert done.status == "interrupted"
    again = untrained("resume", done.folder)
    assert again.returncode == 0, again.stderr
    assert untrained("report", done.folder).returncode == 0


# --- the output ----------------------------------------------------------------------------


def test_what_appears_meanwhile_is_not_replaced(job: Job) -> None:
    class Appear(Callback):
        def on_check(self, check: Check) -> None:
            job.target.write_bytes(b"precious")

    with pytest.raises(InputError, match=r"appeared while the fit ran.*result\.png"):
        run_job(job, observers=lambda *_: [Appear()])
    assert job.target.read_bytes() == b"precious"
    job.target.unlink()
    job = replace(job, keep_run=False)
    done = run_job(job, observers=lambda *_: [Appear()])
    assert job.target.read_bytes() == b"precious"
    assert "out-2.png" in done.record["notes"][0]
    assert read_picture(job.target.with_name("out-2.png")).pixels.shape == (1, 20, 24, 3)


def test_a_link_as_the_output_is_followed(job: Job, image: bytes) -> None:
    real = job.target.with_name("real.png")
    job.target.symlink_to(real)
    assert run_job(job).status == "finished"
    assert job.target.is_symlink()
    assert real.read_bytes() == image
    assert "is a link; written to" in notes(job)
    assert run_job(job).status == "skipped"
    round_ = job.target.with_name("round.png")
    round_.symlink_to(round_)
    with pytest.raises(InputError, match="circle"):
        run_job(replace(job, target=round_))


def test_no_input_is_overwritten(job: Job) -> None:
    for name in ("truth", "source"):
        with pytest.raises(InputError, match="input"):
            run_job(replace(job, **{name: job.source}, target=job.source, overwrite=True))


def test_a_source_that_changes_while_it_is_read_is_no_source(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, **more: Any) -> Picture:
        picture = read_picture(path, **more)
        path.write_bytes(path.read_bytes() + b"more")
        return picture

    monkeypatch.setattr("untrained.tasks.base.read_picture", read)
    with pytest.raises(InputError, match="was changed while it was read"):
        run_job(job)
