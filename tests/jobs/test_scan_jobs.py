"""Jobs of scans: the run's folder holds what a picture's does, and a killed run ends alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained import InputError
from untrained.fitting import Adam, HeldOut
from untrained.images import read_picture
from untrained.jobs import Job, job_of_run, plan_targets, run_job
from untrained.networks import ConvDecoder, Dcgan
from untrained.objectives import DataFit
from untrained.recipes import Recipe, find_recipe
from untrained.report import open_run, view_of_run, write_figure
from untrained.restoring import load_fit, with_prior
from untrained.tasks import find_task

Scene = Callable[..., Any]

SMALL = Recipe(
    name="small", title="for tests", task="mri", source="none",
    network=ConvDecoder(width=8, layers=3), objective=DataFit(), optimizer=Adam(lr=0.01),
    max_steps=30, stopper=HeldOut(fraction=0.1, patience=1000), check_every=10,
)  # fmt: skip
PLAIN = {
    "accelerate": None, "maps": "auto", "slice": None, "frame": None, "kind": None, "axes": None,
}  # fmt: skip


def coil_images(scene: Scene, pages: int = 1, coils: int = 4, side: int = 40) -> NDArray[Any]:
    """Return (pages, coils, side, side) of a picture seen by coils around it."""
    y, x = np.mgrid[:side, :side] / side
    turns = 2 * np.pi * np.arange(coils) / coils
    maps = np.stack([
        np.exp(-((x - 0.5 - 0.6 * np.cos(t)) ** 2 + (y - 0.5 - 0.6 * np.sin(t)) ** 2) + 1j * t)
        for t in turns
    ])  # fmt: skip
    image = scene(side, side, 1)[..., 0]
    shades = np.linspace(1, 0.5, pages)[:, None, None, None]
    return np.asarray(1e-6 * shades * maps * image, np.complex64)


@pytest.fixture
def job(tmp_path: Path, scene: Scene) -> Job:
    np.save(tmp_path / "scan.npy", coil_images(scene)[0])
    return Job(
        task="mri", source=tmp_path / "scan.npy", target=tmp_path / "out.npy", recipe=SMALL,
        options={**PLAIN, "kind": "images", "axes": "coils", "accelerate": 2.0}, device="cpu",
    )  # fmt: skip


def interrupted(looks: int) -> Callable[[], bool]:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) >= looks

    return cancelled


def test_a_scan_has_a_run_like_a_picture(job: Job) -> None:
    outcome = run_job(replace(job, snapshots=(0, 10, 30)))
    image = np.load(job.target)
    assert image.dtype == np.complex64
    assert image.shape == (40, 40)
    assert 1e-8 < np.abs(image).max() < 1e-5, "in the units of the scan"
    kept = np.load(outcome.folder / "result.npy")
    assert kept.shape == (1, 40, 40, 2)
    assert np.array_equal(kept[0].view(np.complex64)[..., 0], image)
    record = json.loads((outcome.folder / "run.json").read_text())
    assert record["scan"]["acceleration"].startswith("2.00 times, 20 lines")
    assert record["results"][0]["score"]["psnr_degraded"] > 10, "the truth is the full scan"
    assert any("the full scan is the truth" in note for note in record["notes"])
    assert run_job(job).status == "skipped"


def test_the_report_shows_magnitudes_by_one_map(job: Job) -> None:
    outcome = run_job(replace(job, snapshots=(10,)))
    view = view_of_run(outcome.folder, link=lambda shown: shown.name)
    assert view["layers"]["observed"]["label"] == "first look"
    assert {"estimate", "truth"} <= set(view["layers"])
    assert [overlay["name"] for overlay in view["overlays"]] == ["residual"]
    assert view["history"]["held_out_step"] == [10, 20, 30]
    labels = {fact["label"] for fact in view["facts"]}
    assert {"k-space", "acceleration", "PSNR to the truth"} <= labels
    assert "missing pixels" not in labels
    pictures = open_run(outcome.folder)
    scale = json.loads((outcome.folder / "run.json").read_text())["scales"]["1"]
    shown = pictures.find("estimate")
    assert shown is not None
    expected = np.rint(255 * np.clip(np.abs(np.load(job.target)) / scale, 0, 1))
    assert np.abs(shown.pixels().astype(float) - expected).max() <= 1
    snapshots = pictures.snapshots
    kept = snapshots[max(snapshots)].pixels().astype(float)
    assert np.abs(kept - expected).max() <= 1, "snapshots are shown by the same map"


def test_a_known_pixel_gives_a_scale_bar(job: Job, tmp_path: Path) -> None:
    outcome = run_job(job)
    path = outcome.folder / "run.json"
    record = json.loads(path.read_text())
    assert "spacing_mm" not in record, "a bare array says nothing of its pixels"
    path.write_text(json.dumps({**record, "spacing_mm": [0.9, 0.8]}))
    assert view_of_run(outcome.folder, link=lambda shown: "")["pixel_mm"] == [0.9, 0.8]
    write_figure(outcome.folder, tmp_path / "figure.png", dpi=60)
    assert read_picture(tmp_path / "figure.png").pixels.shape[3] >= 3
    path.write_text(json.dumps({**record, "spacing_mm": [0.9, -0.8]}))
    with pytest.raises(InputError, match="spacing_mm"):
        view_of_run(outcome.folder, link=lambda shown: "")


def test_a_killed_run_goes_on_to_the_same_bytes(job: Job, tmp_path: Path) -> None:
    whole = run_job(replace(job, target=tmp_path / "whole.npy"))
    cut = run_job(replace(job, checkpoint_every=0), cancelled=interrupted(2))
    assert cut.status == "interrupted"
    assert np.load(job.target).shape == (40, 40), "the best so far is written"
    resumed = run_job(job_of_run(cut.folder))
    assert resumed.status == "finished"
    assert job.target.read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert (resumed.folder / "result.npy").read_bytes() == (
        whole.folder / "result.npy"
    ).read_bytes()


def test_slices_are_pages(job: Job, tmp_path: Path, scene: Scene) -> None:
    source = tmp_path / "slices.npy"
    np.save(source, coil_images(scene, pages=3))
    stack = replace(
        job, source=source, target=tmp_path / "stack.tif",
        options={**PLAIN, "kind": "images", "accelerate": 2.0},
    )  # fmt: skip
    cut = run_job(replace(stack, checkpoint_every=0), cancelled=interrupted(5))
    assert cut.status == "interrupted"
    assert (cut.folder / "pages" / "0001" / "page.npy").exists()
    outcome = run_job(job_of_run(cut.folder))
    alone = run_job(replace(
        stack, target=tmp_path / "one.tif", options={**stack.options, "slice": 2}
    ))  # fmt: skip
    written = read_picture(stack.target)
    assert written.pixels.shape == (3, 40, 40, 1)
    assert written.pixels.dtype == np.float32
    assert np.array_equal(written.pixels[2], read_picture(alone.job.target).pixels[0])
    assert set(json.loads((outcome.folder / "run.json").read_text())["scales"]) == {"1", "2", "3"}
    for page in (1, 2, 3):
        view = view_of_run(outcome.folder, link=lambda shown: shown.name, page=page)
        assert {"observed", "estimate", "truth"} <= set(view["layers"])


def test_the_truth_changes_nothing(job: Job, tmp_path: Path, scene: Scene) -> None:
    full = np.fft.fftshift(
        np.fft.fft2(np.fft.ifftshift(coil_images(scene)[0], axes=(-2, -1)), norm="ortho"),
        axes=(-2, -1),
    )
    mask = np.zeros(40, bool)
    mask[::2] = mask[16:24] = True
    source = tmp_path / "under.npy"
    np.save(source, (full * mask).astype(np.complex64))
    np.save(tmp_path / "mask.npy", mask)
    rss = np.sqrt((np.abs(coil_images(scene)[0]) ** 2).sum(0))
    np.save(tmp_path / "truth.npy", rss)
    options = {**PLAIN, "axes": "coils"}
    plain = replace(
        job, source=source, options=options, files={"mask": tmp_path / "mask.npy"},
        target=tmp_path / "plain.npy",
    )  # fmt: skip
    run_job(plain)
    scored = run_job(replace(
        plain, truth=tmp_path / "truth.npy", target=tmp_path / "scored.npy",
        run_dir=tmp_path / "elsewhere",
    ))  # fmt: skip
    assert (tmp_path / "plain.npy").read_bytes() == (tmp_path / "scored.npy").read_bytes()
    assert scored.record["results"][0]["score"]["psnr"] > 5
    np.save(tmp_path / "truth.npy", rss[:20])
    with pytest.raises(InputError, match="truth is 1x20x40"):
        run_job(replace(plain, truth=tmp_path / "truth.npy", target=tmp_path / "c.npy",
                        run_dir=tmp_path / "third"))  # fmt: skip


def test_networks_that_runs_keep_are_a_prior(tmp_path: Path) -> None:
    learned = replace(
        find_recipe("sensing", "paper-learned"), max_steps=2,
        network=Dcgan(widths=(4, 4), kernels=(4, 4, 4), strides=(1, 2, 2), paddings=(0, 1, 1)),
    )  # fmt: skip
    plain = replace(learned, objective=replace(learned.objective, learned=0.0))
    options = {"matrix": "gaussian:0", "size": "16x16", "white": None}
    kept = []
    for i in range(3):
        source = tmp_path / f"y{i}.npy"
        np.save(source, np.random.default_rng(i).standard_normal(100).astype(np.float32))
        outcome = run_job(Job(
            task="sensing", source=source, target=tmp_path / f"{i}.npy", recipe=plain,
            options=options, device="cpu", keep_network=True,
        ))  # fmt: skip
        kept.append(outcome.folder / "network")
    assert load_fit(kept[0]).estimate.shape == (1, 1, 16, 16)
    job = Job(
        task="sensing", source=tmp_path / "y2.npy", target=tmp_path / "p.npy", options=options,
        recipe=with_prior(learned, kept[:2]), device="cpu",
    )  # fmt: skip
    assert job.fingerprint() != replace(job, recipe=with_prior(learned, kept[1:])).fingerprint()
    done = run_job(job)
    assert job_of_run(done.folder).recipe == job.recipe, "the prior is in the record"


def test_the_fingerprint_is_of_the_part_and_of_the_header(job: Job, tmp_path: Path) -> None:
    assert replace(job, options={**job.options, "slice": 0}).fingerprint() != job.fingerprint()
    (tmp_path / "scan.cfl").write_bytes(bytes(8 * 64))
    header = tmp_path / "scan.hdr"
    header.write_text("# Dimensions\n8 8 1 1\n")
    cfl = replace(job, source=tmp_path / "scan.cfl")
    before = cfl.fingerprint()
    header.write_text("# Dimensions\n4 16 1 1\n")
    assert cfl.fingerprint() != before
    header.unlink()
    with pytest.raises(InputError, match=r"scan\.hdr is not beside it"):
        cfl.fingerprint()


def test_a_folder_stands_for_its_scans(tmp_path: Path) -> None:
    for name in ("a.h5", "b.cfl", "b.hdr", "c.png", "d.npy", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    plan = plan_targets("mri", [tmp_path])
    assert [source.name for source, _ in plan.pairs] == ["a.h5", "b.cfl", "d.npy"]
    assert {target.suffix for _, target in plan.pairs} == {".npy"}
    pictures = plan_targets("denoise", [tmp_path])
    assert [source.name for source, _ in pictures.pairs] == ["c.png", "d.npy"]


def test_what_is_no_scan_is_refused(job: Job, tmp_path: Path, scene: Scene) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(InputError, match="is not a scan"):
        run_job(replace(job, source=photo))
    np.save(tmp_path / "zero.npy", np.zeros((4, 40, 40), np.complex64))
    with pytest.raises(InputError, match="only zeros"):
        run_job(replace(job, source=tmp_path / "zero.npy"))
    bad = coil_images(scene)[0]
    bad[0, 3, 3] = np.nan
    np.save(tmp_path / "nan.npy", bad)
    with pytest.raises(InputError, match="NaN"):
        run_job(replace(job, source=tmp_path / "nan.npy"))
    np.save(tmp_path / "mask.npy", np.ones(39, bool))
    with pytest.raises(InputError, match=r"wanted \(40,\)"):
        run_job(replace(job, files={"mask": tmp_path / "mask.npy"}))
    with pytest.raises(InputError, match=r"accelerate is 0\.5"):
        find_task("mri").check({**PLAIN, "accelerate": 0.5})
