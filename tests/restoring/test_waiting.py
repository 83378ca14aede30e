"""How much other programs slow a fit down: what a thread waits counts, what it sleeps does not."""

import multiprocessing
import time
from pathlib import Path

import pytest

from untrained.restoring import waiting
from untrained.restoring.waiting import Watch, slowdown_now


def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: dict[str, str]) -> None:
    """Let the system have counted so."""
    monkeypatch.setattr(waiting, "_TASKS", tmp_path)
    for thread, line in counts.items():
        (tmp_path / thread).mkdir(exist_ok=True)
        (tmp_path / thread / "schedstat").write_text(line)


def test_the_slowdown_is_what_ran_and_waited_over_what_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(tmp_path, monkeypatch, {"1": "1000 500 1", "2": "1000 0 1", "3": "9 9 9"})
    watch = Watch()
    assert watch.slowdown == 1, "nothing ran"
    counted(tmp_path, monkeypatch, {"1": "3000 4500 1", "2": "2000 2000 1", "4": "99 99999 1"})
    assert watch.slowdown == pytest.approx((3000 + 6000) / 3000), "of the threads that are in both"
    assert watch.quiet == pytest.approx(watch.passed / 3, rel=0.5)


def test_sleep_is_no_slowdown() -> None:
    watch = Watch()
    time.sleep(0.2)
    assert watch.passed >= 0.2
    assert watch.quiet > 0.2 / 50, "hardly anything ran, so hardly anything waited"


def test_where_nothing_is_counted_the_load_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_TASKS", tmp_path / "none")
    monkeypatch.setattr("os.getloadavg", lambda: (7.0, 0, 0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert slowdown_now() == 4
    watch = Watch()
    assert watch.slowdown == 1
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0, 0))
    assert slowdown_now() == 1


def test_the_load_of_the_last_minute_steadies_a_short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_ran_and_waited", lambda: {"1": (1, 1)})
    monkeypatch.setattr(waiting, "_by_load", lambda: 4.0)
    for tried, wanted in ((1.0, 1.0), (9.0, 6.0)):
        monkeypatch.setattr(waiting, "_of_a_try", lambda found=tried: found)
        assert slowdown_now() == pytest.approx(wanted)


def spin() -> None:
    while True:
        pass


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not count")
def test_programs_beside_are_noticed() -> None:
    loops = 3 * (multiprocessing.cpu_count() or 1)
    beside = [multiprocessing.get_context("fork").Process(target=spin) for _ in range(loops)]
    try:
        for process in beside:
            process.start()
        found = max(slowdown_now() for _ in range(5))
    finally:
        for process in beside:
            process.kill()
            process.join()
    assert found > 1.5
