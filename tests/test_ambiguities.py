"""The benchmark of the network's readings measures each once, and says against what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

Run = Callable[[], str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run the benchmark with tiny networks on a picture that comes with scikit-image."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    arguments = ["--side", "64", "--steps", "3", "--width", "4", "--seeds", "1",
                 "--pictures", "camera", "-o", str(tmp_path)]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["ambiguities.py", *arguments])
    import ambiguities

    def run() -> str:
        ambiguities.main()
        return capsys.readouterr().out

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so little work takes longer with more
    yield run
    torch.set_num_threads(threads)


def test_every_reading_is_measured_once_against_the_published_code(
    run: Run, tmp_path: Path
) -> None:
    first = run()
    table = [line.split("|") for line in first.splitlines() if line.startswith("| ")][2:]
    rows = json.loads((tmp_path / "ambiguities.json").read_text())["rows"]
    kept = {key.partition("seed 0, ")[2]: row["kept"] for key, row in rows.items()}
    assert [line[1].strip() for line in table] == list(kept)
    assert len(set(kept.values())) == len(kept), "two readings are the same network"
    for line in table[1:]:
        difference = kept[line[1].strip()] - kept["published code"]
        assert float(line[3].split()[0]) == pytest.approx(difference, abs=0.006)
    assert rows["camera, seed 0, published code"]["outside"] == 0  # a sigmoid

    again = run()
    assert " dB in " not in again, "measured again"
    assert first.endswith(again)


def test_results_of_other_settings_are_not_mixed(run: Run, tmp_path: Path) -> None:
    settings = {"side": 64, "steps": 2, "width": 4}
    (tmp_path / "ambiguities.json").write_text(json.dumps({"settings": settings, "rows": {}}))
    with pytest.raises(SystemExit, match="give another -o"):
        run()


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put a made-up heart in the place of the file."""
    values = np.tile(np.linspace(0.1, 0.6, 32), (6, 32, 1))
    for t in range(6):
        values[t, 8 : 16 + t, 8:20] = 1
    np.save(tmp_path / "heart.npy", values)
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr("untrained.data.fetch", lambda name: tmp_path / "heart.npy")


def test_two_readings_of_time_dependent_dip_are_not_the_same(
    series: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    import ambiguities_series

    arguments = ["--side", "32", "--steps", "150", "--width", "8", "-o", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["ambiguities_series.py", *arguments])
    ambiguities_series.main()
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / "ambiguities-series.json").read_text())
    left_out, zeros = found["first_frame"].values()
    assert left_out[0] > zeros[0] + 1, "a frame taken for zeros comes out black"
    assert f"{left_out[0]:.2f}" in printed
    # 111.246 radians are 73.93 degrees of a half turn, and spread no better
    assert [row[1] for row in found["gaps"][:2]] == ["111.25", "73.93"]
    even = ambiguities_series.gaps()[-1]
    for row in found["gaps"][:2]:
        assert all(float(a) >= float(b) for a, b in zip(row[2:], even[2:], strict=True))
