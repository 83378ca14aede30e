"""Pages of a stack restored together, end to end: the file stays what it was, a run goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained import denoise, find_recipe, with_settings
from untrained.fitting import Callback, Check
from untrained.images import read_picture
from untrained.jobs import Job, job_of_run, run_job
from untrained.metrics import psnr
from untrained.report import view_of_run
from untrained.restoring import plan_picture
from untrained.tasks import find_task

tifffile = pytest.importorskip("tifffile")

RECIPE = with_settings(
    find_recipe("denoise", "fast"),
    {"widths": "8", "max_steps": "12", "check_every": "2", "refinement": "none"},
)


class KilledError(BaseException):
    """Ends a fit as a kill does."""


class KillAt(Callback):
    needs_whole_image = False

    def __init__(self, step: int) -> None:
        self.step = step

    def on_check(self, check: Check) -> None:
        if check.step >= self.step:
            raise KilledError


@pytest.fixture
def clean() -> Any:
    """(Z, C, Y, X): two channels of slices that hardly differ."""
    rows, columns = np.mgrid[:24, :32]
    slices = np.arange(5)[:, None, None]
    wave = 0.5 + 0.3 * np.sin(rows / 3 + slices / 9) * np.cos(columns / 4)
    return np.stack([wave, 0.2 + 0.3 * wave], axis=1)


@pytest.fixture
def job(tmp_path: Path, clean: Any) -> Job:
    """A hyperstack of ImageJ with its calibration, and its truth."""
    noise = np.random.default_rng(0).normal(0, 0.08, clean.shape)
    for name, values in (("in", clean + noise), ("clean", clean)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", (40000 * values).clip(0, 65535).astype(np.uint16)[None],
            imagej=True, resolution=(4.0, 5.0),
            metadata={"axes": "TZCYX", "spacing": 0.5, "unit": "um", "finterval": 2.0},
        )  # fmt: skip
    return Job(
        task="denoise", source=tmp_path / "in.tif", target=tmp_path / "out.tif", recipe=RECIPE,
        options={"sigma": 20.0, "sigma_in_units": False, "joint": "z"}, device="cpu",
        truth=tmp_path / "clean.tif", checkpoint_every=0,
    )  # fmt: skip


def test_a_hyperstack_keeps_axes_calibration_and_dtype(job: Job) -> None:
    done = run_job(job)
    with tifffile.TiffFile(job.source) as before, tifffile.TiffFile(job.target) as after:
        assert after.series[0].axes == before.series[0].axes == "ZCYX"
        assert after.series[0].shape == before.series[0].shape == (5, 2, 24, 32)
        assert after.series[0].dtype == np.uint16
        assert after.imagej_metadata == before.imagej_metadata
        for tag in ("XResolution", "YResolution", "ResolutionUnit"):
            assert after.pages[0].tags[tag].value == before.pages[0].tags[tag].value
    together = [result["together"] for result in done.record["results"]]
    assert together == [[1, 3, 5, 7, 9], [2, 4, 6, 8, 10]] * 5
    # One fit a channel: a page of it is what a fit of the five slices makes of it.
    y = tifffile.imread(job.source)
    image = y[:, 1].transpose(1, 2, 0)
    alone = denoise(image, sigma=20 / 255 * 65535, recipe=RECIPE, device="cpu")
    np.testing.assert_array_equal(tifffile.imread(job.target)[:, 1], alone.transpose(2, 0, 1))


def test_every_page_has_its_own_score_and_is_shown_with_its_curve(job: Job) -> None:
    done = run_job(replace(job, snapshots=(4,)))
    before, after, clean = (tifffile.imread(path) for path in (job.source, job.target, job.truth))
    for page, result in enumerate(done.record["results"]):
        z, c = divmod(page, 2)
        score = result["score"]
        for name, image in (("psnr", after), ("psnr_degraded", before)):
            own = psnr(image[z, c].astype(float), clean[z, c].astype(float), peak=65535)
            assert score[name] == pytest.approx(own, abs=0.01)
    assert done.folder is not None
    run = view_of_run(done.folder, link=lambda shown: shown.name, page=4)
    assert run["history"]["step"][-1] == 12  # of the fit of page 2
    assert any("one fit with the pages 2, 4, 6, 8, 10" in note for note in run["notes"])
    first = view_of_run(done.folder, link=lambda shown: shown.name, page=2)
    assert [shot["step"] for shot in first["snapshots"]] == [4, 12]
    assert not run["snapshots"]  # they lie with the first page of the fit
    assert "--joint z" in run["command"]


def test_a_killed_run_goes_on_to_the_same_bytes(job: Job) -> None:
    whole = replace(job, target=job.target.with_name("whole.tif"), keep_run=False)
    expected = run_job(whole).record["results"]
    fits = iter((99, 6))  # killed in the second window
    with pytest.raises(KilledError):
        run_job(job, observers=lambda *_: [KillAt(next(fits))])
    folder = job.folder().path
    record = json.loads((folder / "run.json").read_text())
    assert record["result_pages"] == [1, 3, 5, 7, 9]
    began: list[str] = []
    done = run_job(job_of_run(folder), observers=lambda label, _: began.append(label) or ())  # type: ignore[func-returns-value]
    assert began == ["in.tif page 2-10/10"]
    assert job.target.read_bytes() == whole.target.read_bytes()
    keys = ("stop_step", "kept_step", "together", "score")
    told = [[result[key] for key in keys] for result in done.record["results"]]
    assert told == [[result[key] for key in keys] for result in expected]
    assert run_job(job).status == "skipped"


def test_a_plan_is_of_a_window(job: Job) -> None:
    picture = read_picture(job.source)
    windows, _ = find_task("denoise").windows(picture, job.options)
    one, five = (
        plan_picture(picture, recipe=RECIPE, device="cpu", windows=which) for which in ((), windows)
    )
    assert five.size == one.size == (24, 32, 1)
    assert five.memory_bytes > one.memory_bytes


def test_the_function_says_what_it_took_unnamed_pages_for(job: Job, tmp_path: Path) -> None:
    y = tifffile.imread(job.source)
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, y[:, 0], photometric="minisblack", metadata=None)
    sigma = 20 / 255 * 65535
    with pytest.warns(UserWarning, match="names no axis; its 5 pages were taken for t"):
        found = denoise(plain, sigma=sigma, recipe=RECIPE, device="cpu", joint="t")
    run_job(job)
    np.testing.assert_array_equal(found, tifffile.imread(job.target)[:, 0])
