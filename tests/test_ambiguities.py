"""The benchmark of the network's readings measures each once, and says against what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

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
