"""A batch does every entry once, whatever dies, and says why one was set aside."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.batches import (
    Account,
    Entry,
    LocalEngine,
    Piece,
    Settings,
    entries_in,
    run_batch,
    status_of,
)
from untrained.batches.addresses import stamp_of
from untrained.batches.claims import Claims, claimed_in
from untrained.batches.ledger import Ledger
from untrained.batches.options import OPTIONAL, OPTIONS
from untrained.errors import InputError
from untrained.images import Picture, write_picture
from untrained.studio.forms import complete_options
from untrained.tasks import TASKS


class InTurn:
    """An engine that does one piece after another, here, by a function."""

    def __init__(self, do: Callable[[Piece], Account]) -> None:
        self.do = do
        self.sources: list[str] = []

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        for piece in pieces:
            self.sources.append(Path(piece.entry.source).name)
            yield piece, self.do(piece)


def copied(piece: Piece) -> Account:
    """Pretend to restore: copy."""
    data = Path(piece.entry.source).read_bytes()
    target = Path(piece.entry.target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return {
        "status": "done", "sha256": hashlib.sha256(data).hexdigest(), "seconds": 1.0,
        "stamp": stamp_of(piece.entry.source), "output_stamp": stamp_of(piece.entry.target),
    }  # fmt: skip


ACCOUNT: Account = {"status": "failed", "reason": "a stub", "final": True}


def pictures(folder: Path, count: int, side: int = 32) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        noise = np.random.default_rng(i).normal(0, 20, (side, side, 1))
        shade = np.linspace(60, 190, side)[:, None, None]
        pixels = np.clip(shade + noise, 0, 255).astype(np.uint8)
        write_picture(folder / f"{i:03d}.png", Picture.from_array(pixels))
    return folder


def settings(tmp_path: Path, **others: Any) -> Settings:
    return Settings(output=str(tmp_path / "out"), task="denoise", **others)


def test_a_rerun_does_only_the_rest(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 4)
    first = InTurn(copied)
    totals = run_batch([str(folder)], settings(tmp_path), first)
    assert totals.counts == {"done": 4}
    again = InTurn(copied)
    assert run_batch([str(folder)], settings(tmp_path), again).counts == {"before": 4}
    assert again.sources == []
    (tmp_path / "out/001.png").unlink()
    (tmp_path / "out/002.png").write_bytes(b"damaged")
    pictures(folder, 1, side=40)  # 000.png is another picture now
    rest = InTurn(copied)
    assert run_batch([str(folder)], settings(tmp_path), rest).counts == {"done": 3, "before": 1}
    assert sorted(rest.sources) == ["000.png", "001.png", "002.png"]
    other = InTurn(copied)  # other settings are other work
    run_batch([str(folder)], settings(tmp_path, options={"sigma": 9.0}), other)
    assert len(other.sources) == 4


def test_an_output_touched_but_whole_is_not_made_again(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 1)
    run_batch([str(folder)], settings(tmp_path), InTurn(copied))
    (tmp_path / "out/000.png").touch()
    assert run_batch([str(folder)], settings(tmp_path), InTurn(copied)).counts == {"before": 1}


def test_failures_are_tried_again_and_then_set_aside(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 3)
    tries: dict[str, int] = {}

    def do(piece: Piece) -> Account:
        name = Path(piece.entry.source).name
        tries[name] = tries.get(name, 0) + 1
        if name == "000.png":
            return {"status": "failed", "reason": "always"}
        if name == "001.png" and tries[name] < 3:
            return {"status": "failed", "reason": "now and then"}
        return copied(piece)

    told: dict[str, Any] = {}
    totals = run_batch(
        [str(folder)], settings(tmp_path), InTurn(do), retries=2,
        tell=lambda entry, account: told.update({Path(entry.source).name: account}),
    )  # fmt: skip
    assert totals.counts == {"done": 2, "failed": 1}
    assert totals.retried == 4
    assert tries == {"000.png": 3, "001.png": 3, "002.png": 1}
    assert told["000.png"]["reason"] == "always"
    left = InTurn(do)
    assert run_batch([str(folder)], settings(tmp_path), left).counts == {"before": 2, "aside": 1}
    assert left.sources == []
    run_batch([str(folder)], settings(tmp_path), left, again=True, retries=0)
    assert left.sources == ["000.png"]


def test_what_diverges_or_is_refused_is_tried_once(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 2)
    account = {"status": "failed", "reason": "diverged", "final": True}
    engine = InTurn(lambda piece: account)
    assert run_batch([str(folder)], settings(tmp_path), engine).counts == {"failed": 2}
    assert len(engine.sources) == 2


def test_a_picture_that_ends_three_workers_is_set_aside(tmp_path: Path) -> None:
    """However many tries others have; a machine that is taken away costs none."""
    folder = pictures(tmp_path / "in", 2)
    machines = 5

    def do(piece: Piece) -> Account:
        nonlocal machines
        if piece.entry.source.endswith("000.png"):
            return {"status": "failed", "reason": "its worker was killed", "lost": "worker"}
        if machines:
            machines -= 1
            return {"status": "failed", "reason": "its machine is gone", "lost": "machine"}
        return copied(piece)

    told: list[Any] = []
    engine = InTurn(do)
    totals = run_batch(
        [str(folder)], settings(tmp_path), engine, retries=20,
        tell=lambda entry, account: told.append(account.get("reason")),
    )  # fmt: skip
    assert totals.counts == {"done": 1, "failed": 1}
    assert engine.sources.count("000.png") == 3
    assert told[0] == "3 workers ended with it, the last: its worker was killed"
    machines = 5
    rerun = run_batch(
        [str(folder)], settings(tmp_path, seed=1, overwrite=True), InTurn(do), retries=0
    )
    assert rerun.counts == {"done": 1, "failed": 1}


def test_what_lacks_memory_now_is_tried_again(tmp_path: Path) -> None:
    from untrained.batches import do_piece

    folder = pictures(tmp_path / "in", 1)
    (entry,) = entries_in([str(folder)], settings(tmp_path))
    piece = Piece(key="k", entry=entry, settings=settings(tmp_path), runs=tmp_path / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("untrained.memory.free_memory", lambda: 10)
        account = do_piece(piece)
    assert (account["status"], account["final"]) == ("failed", False)
    assert "are free" in account["reason"]
    (tmp_path / "in/000.png").unlink()
    account = do_piece(piece)
    assert account["status"] == "refused"
    assert "000.png" in account["reason"]


def test_damaged_inputs_are_told_in_a_line(tmp_path: Path) -> None:
    def counts(text: str, *more: str) -> Any:
        (tmp_path / "list.csv").write_text(text)
        inputs = [str(tmp_path / "list.csv"), *more]
        return run_batch(inputs, settings(tmp_path), InTurn(copied)).counts

    (tmp_path / "empty").mkdir()
    for text in ("path,sigma\n", "path\n\n\n"):
        with pytest.raises(InputError, match="no picture is named there"):
            counts(text, str(tmp_path / "empty"))
    with pytest.raises(InputError, match="is empty; wanted a table"):
        counts("")
    (tmp_path / "list.csv").write_bytes(b"path\n\xff\xfe\n")
    with pytest.raises(InputError, match="is no CSV in UTF-8"):
        run_batch([str(tmp_path / "list.csv")], settings(tmp_path), InTurn(copied))
    with pytest.raises(InputError, match="No such file"):
        run_batch([str(tmp_path / "none.csv")], settings(tmp_path), InTurn(copied))
    pictures(tmp_path, 2)
    rows = "path,sigma,output\n000.png,20,\n000.png,20,\n001.png,20,000.png\n,,\n"
    assert counts(rows) == {"done": 1, "repeated": 1, "refused": 2}
    again = counts(rows)
    assert again == {"before": 1, "repeated": 1, "refused": 2}
    assert status_of(str(tmp_path / "out")).left == 0


def test_half_a_line_of_the_ledger_is_no_line(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 3)
    run_batch([str(folder)], settings(tmp_path), InTurn(copied))
    (shard,) = (tmp_path / "out/untrained-batch/ledger").iterdir()
    data = shard.read_bytes()
    shard.rename(shard.with_name("1-1-dead.jsonl")).write_bytes(data[:-20])
    rest = InTurn(copied)
    assert run_batch([str(folder)], settings(tmp_path), rest).counts == {"done": 1, "before": 2}


def test_two_drivers_do_nothing_twice(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 6)
    second = InTurn(copied)
    inner: list[Any] = []

    def do(piece: Piece) -> Account:
        if not inner:  # while the first is at work on one, another driver comes
            inner.append(None)
            inner[0] = run_batch([str(folder)], settings(tmp_path), second)
        return copied(piece)

    first = InTurn(do)
    totals = run_batch([str(folder)], settings(tmp_path), first)
    assert inner[0].counts == {"done": 5, "elsewhere": 1}
    assert totals.counts == {"done": 1, "before": 5}
    assert sorted(first.sources + second.sources) == sorted(x.name for x in folder.iterdir())


def test_drivers_side_by_side_do_each_once(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("path\n" + "\n".join(f"in/{i}.png" for i in range(200)))
    engines = [InTurn(lambda piece: ACCOUNT) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        totals = list(
            pool.map(lambda engine: run_batch([str(manifest)], settings(tmp_path), engine), engines)
        )
    done = [name for engine in engines for name in engine.sources]
    assert len(done) == len(set(done))
    assert sum(each.counts["failed"] for each in totals) == len(done)
    for each in totals:
        assert sum(each.counts.values()) == 200
        assert set(each.counts) <= {"failed", "aside", "elsewhere"}
    rest = InTurn(lambda piece: ACCOUNT)
    run_batch([str(manifest)], settings(tmp_path), rest)
    assert len(done) + len(rest.sources) == 200
    assert claimed_in(tmp_path / "out/untrained-batch") == set()


def test_a_claim_ends_with_its_holder_and_leaves_word(tmp_path: Path) -> None:
    one, two = Claims(tmp_path), Claims(tmp_path)
    assert one.take(["a", "b"]) == {"a": False, "b": False}
    assert two.take(["a", "c"]) == {"a": None, "c": False}
    one.release("b")
    one.close()  # as the system does with a process that dies
    assert two.take(["a", "b"]) == {"a": True, "b": False}
    assert claimed_in(tmp_path) == {"a", "b", "c"}
    for key in "abc":
        two.release(key)
    assert two.take(["a"]) == {"a": False}
    two.release("a")
    two.close()
    assert list((tmp_path / "claims").iterdir()) == []


def test_a_manifest_says_task_options_files_truth_and_output(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    rows = [
        "path,task,options,sigma,mask,truth,output",
        "a/x.png,,,25,,clean/x.png,",
        'b.bmp,upscale,"{""factor"": 2}",,,,big/b.tif',
        "c.png,inpaint,,,m.png,,",
        "d.png,,,loud,,,",
        "e.png,nonsense,,,,,",
    ]
    manifest.write_text("\n".join(rows))
    a, b, c, d, e = entries_in([str(manifest)], settings(tmp_path, options={"sigma": 3.0}))
    out = tmp_path / "out"
    assert a == Entry(
        source=str(tmp_path / "a/x.png"), target=str(out / "a/x.png"), task="denoise",
        options={"sigma": 25}, truth=str(tmp_path / "clean/x.png"),
    )  # fmt: skip
    assert (b.task, b.options, b.target) == ("upscale", {"factor": 2}, str(out / "big/b.tif"))
    assert c.files == {"mask": str(tmp_path / "m.png")}
    assert "row 5" in d.bad
    assert "nonsense" in e.bad
    engine = InTurn(lambda piece: {"status": "refused", "reason": "-"})
    assert run_batch([str(manifest)], settings(tmp_path), engine).counts == {"refused": 5}
    assert len(engine.sources) == 3
    manifest.write_text("path,sigmma\nx.png,3\n")
    with pytest.raises(InputError, match="did you mean 'sigma'"):
        list(entries_in([str(manifest)], settings(tmp_path)))


def test_two_inputs_of_one_output_are_not_both_taken(tmp_path: Path) -> None:
    one, two = pictures(tmp_path / "in", 1), pictures(tmp_path / "other", 1)
    engine = InTurn(copied)
    totals = run_batch([str(one), str(two)], settings(tmp_path), engine)
    assert totals.counts == {"done": 1, "refused": 1}


def test_folders_patterns_and_their_outputs(tmp_path: Path) -> None:
    pictures(tmp_path / "in/deep", 1)
    pictures(tmp_path / "in", 2)
    (tmp_path / "in/notes.txt").write_text("no picture")
    out = str(tmp_path / "in/out")
    shared = Settings(output=out, task="denoise", recursive=True)
    run_batch([str(tmp_path / "in")], shared, InTurn(copied))
    found = list(entries_in([str(tmp_path / "in")], shared))  # what was made is no input
    names = ["000.png", "001.png", "deep/000.png"]
    assert [x.target for x in found] == [f"{out}/{name}" for name in names]
    found = list(entries_in([str(tmp_path / "in/00[01].png")], shared))
    assert len(found) == 2
    with pytest.raises(InputError, match="no such file"):
        list(entries_in([str(tmp_path / "missing")], shared))


def test_entries_of_one_size_follow_each_other(tmp_path: Path) -> None:
    for i in range(6):
        pictures(tmp_path / f"p{i}", 1, side=32 if i % 2 else 48)
    manifest = tmp_path / "m.csv"
    manifest.write_text("path\n" + "\n".join(f"p{i}/000.png" for i in range(6)))
    sizes: list[int] = []

    def do(piece: Piece) -> Account:
        sizes.append(Path(piece.entry.source).stat().st_size)
        return copied(piece)

    run_batch([str(manifest)], settings(tmp_path), InTurn(do))
    assert max(sizes[:3]) < min(sizes[3:])


def test_what_is_brought_to_the_disk_goes_by_seconds_not_by_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file and a wait for the disk a picture hold up a driver of many workers."""
    monkeypatch.setattr("untrained.batches.batch._OFTEN", 1e9)
    monkeypatch.setattr("untrained.batches.ledger._SYNC_EVERY", 1e9)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    files: list[int] = []

    def do(piece: Piece) -> Account:
        files.append(sum(1 for x in (tmp_path / "out/untrained-batch").rglob("*") if x.is_file()))
        return {"status": "done", "sha256": "-", "stamp": None, "seconds": 0.0}

    manifest = tmp_path / "list.csv"
    manifest.write_text("path\n" + "\n".join(f"in/{i}.png" for i in range(300)))
    assert run_batch([str(manifest)], settings(tmp_path), InTurn(do)).counts == {"done": 300}
    assert max(files) <= 4
    assert len(synced) < 60  # a few at each of a dozen takings


def test_outputs_on_a_storage_are_asked_for_many_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pictures(tmp_path / "in", 8)
    run_batch([str(folder)], settings(tmp_path), InTurn(copied))
    together = threading.Barrier(8, timeout=20)

    def stamp(place: str) -> str | None:
        together.wait()  # passes only if all eight are asked for at the same time
        return stamp_of(place)

    monkeypatch.setattr("untrained.batches.batch.is_remote", lambda place: True)
    monkeypatch.setattr("untrained.batches.batch.stamp_of", stamp)
    again = InTurn(copied)
    assert run_batch([str(folder)], settings(tmp_path), again).counts == {"before": 8}


def test_a_driver_of_slow_pictures_leaves_the_rest_to_others(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 6)
    taken: list[int] = []

    def do(piece: Piece) -> Account:
        taken.append(len(claimed_in(tmp_path / "out/untrained-batch")))
        return copied(piece)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("untrained.batches.batch._OFTEN", -1.0)  # as if each took minutes
        run_batch([str(folder)], settings(tmp_path), InTurn(do))
    assert taken == [1] * 6


def test_the_drivers_memory_does_not_grow_with_the_entries(tmp_path: Path) -> None:
    """The fits are stubbed: what is tested is what the driver holds of the entries."""
    held: list[int] = []

    def do(piece: Piece) -> Account:
        number = int(Path(piece.entry.source).stem)
        if number in (300, 1100):
            # pathlib's table of names is the interpreter's, which grows by doubling
            others = tracemalloc.Filter(False, pathlib.__file__)
            found = tracemalloc.take_snapshot().filter_traces([others])
            held.append(sum(trace.size for trace in found.traces))
        return {"status": "done", "sha256": "-", "stamp": None, "seconds": 0.0}

    manifest = tmp_path / "list.csv"
    rows = "\n".join(f"in/{i:07d}.png,20" for i in range(1200))
    manifest.write_text(f"path,sigma\n{rows}\n")
    engine = InTurn(do)
    tracemalloc.start()
    totals = run_batch([str(manifest)], settings(tmp_path), engine)
    tracemalloc.stop()
    assert totals.counts == {"done": 1200}
    per_entry = (held[1] - held[0]) / 800
    assert per_entry < 120  # bytes; the names that this test's engine keeps are the most of it


def test_the_ledger_says_the_latest(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.write("a", {"status": "failed"})
        ledger.write("a", {"status": "done"})
        ledger.write("b", {"status": "refused"})
    with Ledger(tmp_path) as ledger:
        assert {x["key"]: x["status"] for x in ledger.lines()} == {"a": "done", "b": "refused"}


@pytest.mark.parametrize("task", TASKS)
def test_defaults_are_those_of_the_studio(task: str) -> None:
    assert OPTIONS.get(task, {}) == complete_options(task, {})
    assert set(OPTIONAL) <= set(OPTIONS)


def test_files_and_bytes_are_those_of_the_command(tmp_path: Path, untrained: Any) -> None:
    folder = pictures(tmp_path / "in", 3)
    (folder / "bad.png").write_bytes(b"no picture")
    shared = settings(tmp_path, options={"sigma": 20}, changes={"max_steps": "5"})
    engine = LocalEngine(workers=2, threads=1)
    totals = run_batch([str(folder)], shared, engine)
    assert totals.counts == {"done": 3, "refused": 1}
    alone = untrained("denoise", "in", "-o", "alone", "--sigma", 20, "--steps", 5)
    assert "bad.png" in alone.stderr
    for i in range(3):
        ours, single = (tmp_path / place / f"{i:03d}.png" for place in ("out", "alone"))
        assert ours.read_bytes() == single.read_bytes()
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {name for name in left if not name.endswith(".jsonl")} == {
        "000.png", "001.png", "002.png",
    }  # fmt: skip


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path, untrained: Any) -> None:
    pictures(tmp_path / "in", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/000.png").write_bytes(b"precious")
    words = ("batch", "in", "-o", "out", "--steps", 2, "--option", "sigma=20", "--json")
    result = untrained(*words)
    assert result.returncode == 2
    assert "--overwrite" in json.loads(result.stdout)["reason"]
    assert (tmp_path / "out/000.png").read_bytes() == b"precious"
