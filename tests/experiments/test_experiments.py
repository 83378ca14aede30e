"""The experiments: their parts fit together, a tiny one runs end to end, and goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.baselines import find_baseline
from untrained.data import REGISTRY
from untrained.errors import InputError
from untrained.experiments import EXPERIMENTS, figures, find_experiment, run
from untrained.experiments.base import Experiment, shortened
from untrained.experiments.early_stopping import RULES, Watch
from untrained.experiments.figures import gallery
from untrained.experiments.impedance import TARGETS
from untrained.experiments.run import narrowed, reproduce
from untrained.experiments.scenes import noisy, psnr
from untrained.fitting import Check, Discrepancy, FixedSteps
from untrained.images import Picture, read_picture, write_picture
from untrained.networks import DeepDecoder, Skip
from untrained.recipes import Recipe, encode, find_recipe
from untrained.restoring import Execution, Given, restore

Scene = Callable[..., NDArray[np.float64]]

pytest.importorskip("matplotlib")


@pytest.fixture
def picture(scene: Scene, tmp_path: Path) -> str:
    """Return the path of a small picture: `data.load` takes one for a name."""
    path = tmp_path / "scene.png"
    write_picture(path, Picture.from_array(np.rint(scene(32, 32) * 255).astype(np.uint8)))
    return str(path)


def tiny(experiment: Experiment, picture: str) -> Experiment:
    """Return the experiment on one small picture with few steps of small networks."""
    skip = Skip(widths=(8, 8))
    small = {"DIP": skip, "fast": skip, "Deep Decoder": DeepDecoder(width=8)}
    methods = {
        name: method if isinstance(method, str) else replace(method, network=small[name])
        for name, method in shortened(experiment.methods, {"*": 10}).items()
        if name in (*small, "NLM")
    }
    return replace(experiment, pictures=(picture,), methods=methods, snapshots=(0, 10), crop=32)


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_names_what_there_is(name: str, quick: bool) -> None:
    x = find_experiment(name, quick=quick)
    assert x.name == name
    assert bool(x.quick) == quick
    for picture in x.pictures:
        file = picture.partition(" at ")[0]
        scan = name in ("mri-head", "ct-tooth", "sensing", "dynamic")  # what is left out of one
        assert scan or file in REGISTRY or file in TARGETS or file.startswith("skimage/")
    for method in x.methods.values():
        if isinstance(method, Recipe):
            assert all(step <= 11000 for step in x.snapshots)
            encode(method)
        else:
            find_baseline(x.task, method)
    for label, values in x.published.items():
        assert values.keys() <= {*find_experiment(name).pictures, "mean"}, label
    full = find_experiment(name)
    assert full.beside.keys() <= full.methods.keys()
    assert set(full.beside.values()) <= full.published.keys()
    assert full.reasons.keys() <= full.beside.keys()


def test_the_published_means_are_those_of_their_rows() -> None:
    x = find_experiment("inpaint-11")
    for label, values in x.published.items():
        mean = np.mean([values[picture] for picture in x.pictures])
        assert mean == pytest.approx(values["mean"], abs=0.01), label


def test_a_tiny_run_writes_its_report_and_goes_on_where_it_was(
    picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = replace(
        tiny(find_experiment("denoise-f16"), picture), notes=None, figures=(),
        published={"DIP": {"mean": 40.0}}, beside={"DIP": "DIP"}, reasons={"DIP": "Ten steps."},
    )  # fmt: skip
    said: list[str] = []
    report = reproduce(x, tmp_path / "out", device="cpu", say=said.append).read_text()
    assert len(said) == 3
    entries = json.loads((tmp_path / "out" / "results.json").read_text())["entries"]
    assert len(entries) == 3
    entry = entries[f"{picture} | DIP | 0"]
    assert entry["steps"] == 10
    assert f"{entry['psnr']:.2f}" in report
    assert f"{entry['psnr'] - 40:+.2f}. Ten steps." in report
    # the image that is kept has the PSNR that is reported, but for its rounding to 8 bits
    truth, kept = (read_picture(path).pixels[0] / 255
                   for path in (picture, tmp_path / "out" / entry["images"]["kept"]))  # fmt: skip
    assert psnr(kept, truth) == pytest.approx(entry["psnr"], abs=0.05)

    measured: list[str] = []
    real = run.measure
    monkeypatch.setattr(
        run,
        "measure",
        lambda x, case, *a, **k: measured.append(case.method) or real(x, case, *a, **k),
    )
    again = reproduce(x, tmp_path / "out", device="cpu").read_text()
    assert (measured, again) == ([], report)
    # a method whose settings have changed is measured again, alone
    recipe = find_recipe("denoise", "fast")
    changed = {**x.methods, "fast": replace(recipe, max_steps=5, stopper=FixedSteps())}
    reproduce(replace(x, methods=changed), tmp_path / "out", device="cpu")
    assert measured == ["fast"]


class Interrupts(Watch):
    """Presses Ctrl-C when it is shown the 20th step: before the next observer hears of it."""

    def on_check(self, check: Check) -> None:
        super().on_check(check)
        if check.step == 20 and not Interrupts.pressed:
            Interrupts.pressed = True
            raise KeyboardInterrupt

    pressed = False


def test_an_interrupted_fit_is_not_a_result_and_goes_on_where_it_was(
    picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dip = replace(find_recipe("denoise", "paper"), network=Skip(widths=(8, 8)), max_steps=40)
    x = replace(
        find_experiment("early-stopping"), pictures=(picture,), methods={"DIP": dip}, crop=32,
        snapshots=(0, 10, 30), notes=None, figures=(), seeds=(0,),
        observer=lambda scene, recipe, seed: Interrupts(RULES, scene, seed),
    )  # fmt: skip
    with monkeypatch.context() as never:
        never.setattr(Interrupts, "pressed", True)
        reproduce(x, tmp_path / "whole", device="cpu")
    with pytest.raises(KeyboardInterrupt):
        reproduce(x, tmp_path / "cut", device="cpu")
    assert not (tmp_path / "cut" / "results.json").exists()
    assert len(list((tmp_path / "cut" / "unfinished").glob("*/checkpoint.pt"))) == 1
    began: list[int] = []
    monkeypatch.setattr(Interrupts, "on_start", lambda self, start: (
        began.append(start.step), Watch.on_start(self, start)))  # fmt: skip
    reproduce(x, tmp_path / "cut", device="cpu")
    assert began == [10]  # looks are ten steps apart
    assert not list((tmp_path / "cut" / "unfinished").iterdir())
    records = (json.loads((tmp_path / d / "results.json").read_text()) for d in ("whole", "cut"))
    whole, cut = (record["entries"][f"{picture} | DIP | 0"] for record in records)
    for image in ("0", "10", "30", "kept"):
        files = [(tmp_path / d / whole["images"][image]).read_bytes() for d in ("whole", "cut")]
        assert files[0] == files[1], image
    for entry in (whole, cut):
        del entry["seconds"]
    assert whole == cut


def test_what_the_network_shows_at_step_0_is_not_fitted(picture: str, tmp_path: Path) -> None:
    x = replace(tiny(find_experiment("denoise-f16"), picture), figures=(), notes=None)
    x = replace(x, methods={"DIP": x.methods["DIP"]})
    reproduce(x, tmp_path, device="cpu")
    entry = json.loads((tmp_path / "results.json").read_text())["entries"][f"{picture} | DIP | 0"]
    truth = read_picture(picture).pixels[0] / 255
    start, later = (
        psnr(read_picture(tmp_path / entry["images"][step]).pixels[0] / 255, truth)
        for step in ("0", "10")
    )
    assert start < later


def test_the_animation_holds_every_snapshot(
    picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    from untrained.experiments import dip_vs_decoder

    monkeypatch.setattr(dip_vs_decoder, "ASTRONAUT", picture)
    x = tiny(find_experiment("dip-vs-decoder", quick=True), picture)
    x = replace(x, snapshots=(0, 5, 10), figures=(dip_vs_decoder.errors, dip_vs_decoder.animation))
    reproduce(x, tmp_path, device="cpu")
    with Image.open(tmp_path / "fits.gif") as gif:
        assert getattr(gif, "n_frames", 1) == 3
    assert (tmp_path / "errors.png").stat().st_size > 1000


def test_rules_watch_without_a_trace(picture: str) -> None:
    """A watched fit is the fit itself, and each rule's image is one that the fit passed through."""
    scene = noisy(25)(picture, 0, 0)
    recipe = replace(find_recipe("denoise", "fast"), stopper=FixedSteps(), max_steps=20,
                     check_every=1, network=Skip(widths=(8, 8)))  # fmt: skip
    rules = {**RULES, "at once": Discrepancy(sigma=1.0)}
    watch = Watch(rules, scene, 0)
    options: dict[str, Any] = {
        "recipe": recipe, "given": Given(mask=watch.mask), "truth": scene.truth,
    }  # fmt: skip
    there = Execution(device="cpu", callbacks=[watch])
    watched = restore(scene.observed, **options, execution=there)
    alone = restore(scene.observed, **options, execution=replace(there, callbacks=()))
    np.testing.assert_array_equal(watched.image, alone.image)
    assert watched.score is not None
    found = watch.findings(watched.score)
    assert found.keys() == rules.keys()
    assert found["at once"]["stop_step"] == 10
    for values in found.values():
        at = watched.score.steps.index(values["kept_step"])
        assert values["psnr"] == watched.score.psnr_truth[at]
        assert values["gap"] >= 0


def test_a_part_says_that_it_is_one() -> None:
    x = narrowed(find_experiment("inpaint-11"), pictures="PEPPERS,man", methods="fast", steps=7)
    names = [picture.rpartition("/")[2] for picture in x.pictures]
    assert names == ["peppers.png", "cameraman.png", "man.png"]
    assert list(x.methods) == ["fast"]
    assert "7 steps" in x.quick
    assert "Reduced" in x.reduced
    assert "part" in narrowed(find_experiment("inpaint-11"), methods="fast").reduced
    quick = narrowed(find_experiment("inpaint-11", quick=True), methods="fast")
    assert "Reduced" in quick.reduced
    assert narrowed(find_experiment("impedance")) is find_experiment("impedance")
    with pytest.raises(InputError, match="barbara"):
        narrowed(find_experiment("inpaint-11"), pictures="zebra")


@pytest.mark.parametrize(
    ("name", "method"),
    [("denoise-f16", "fast"), ("dip-vs-decoder", "Deep Decoder"), ("sr-set5", "bicubic")],
)
def test_a_part_without_what_the_figures_show_has_a_report(
    name: str, method: str, picture: str, tmp_path: Path
) -> None:
    whole = find_experiment(name)
    recipe = whole.methods[method]
    if isinstance(recipe, Recipe):
        small = DeepDecoder(width=8) if method == "Deep Decoder" else Skip(widths=(8, 8))
        recipe = replace(recipe, network=small, max_steps=10)
    part = replace(whole, pictures=(picture,), methods={method: recipe}, snapshots=(0, 10))
    text = reproduce(part, tmp_path / "out").read_text(encoding="utf-8")
    assert f"| {method} |" in text


def test_the_gap_is_of_the_fits_own_psnr_where_the_table_counts_luma(
    picture: str, tmp_path: Path
) -> None:
    whole = find_experiment("sr-set5")
    recipe = whole.methods["fast"]
    assert isinstance(recipe, Recipe)
    few = replace(recipe, network=Skip(widths=(8, 8)), max_steps=30, check_every=1)
    reproduce(replace(whole, pictures=(picture,), methods={"fast": few}), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    (entry,) = record["entries"].values()
    assert abs(entry["gap"]) < 0.01 < abs(entry["peak"] - entry["psnr"])


def test_names_are_listed_and_wrong_ones_refused(untrained: Callable[..., Any]) -> None:
    listed = untrained("reproduce")
    assert all(name in listed.stdout for name in EXPERIMENTS)
    refused = untrained("reproduce", "denoise-f61")
    assert refused.returncode == 2
    assert "'denoise-f16'" in refused.stderr


@pytest.mark.parametrize(("words", "message"), [
    (("--seeds", "0"), "seeds is 0; wanted 1 to 1000"),
    (("--seeds", "-1"), "seeds is -1"),
    (("--crop", "-3"), "crop is -3; wanted 0"),
    (("--steps", "0"), "steps is 0; wanted 1"),
    (("--pictures", "skimage/nosuch"), "no picture 'nosuch'"),
    (("--pictures", "skimage/download_all"), "no picture 'download_all'"),
    (("--device", "tpu9"), "wanted auto, cpu"),
    (("-o", "file/x"), "cannot make this folder"),
    (("-o", "/proc/nope/x"), "cannot make this folder"),
])  # fmt: skip
def test_what_cannot_be_measured_is_refused_before_anything_is_written(
    words: tuple[str, ...], message: str, tmp_path: Path, untrained: Callable[..., Any]
) -> None:
    (tmp_path / "file").touch()
    done = untrained("reproduce", "early-stopping", "--quick", *words)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_another_picture_is_not_taken_for_a_target_of_the_impedance() -> None:
    with pytest.raises(InputError, match="wanted one of image"):
        find_experiment("impedance").scene("skimage/camera", 8, 0)


def test_stop_rules_are_reported_without_the_fits_that_they_watch(
    picture: str, tmp_path: Path
) -> None:
    x = narrowed(find_experiment("early-stopping"), methods="fast", seeds=1)
    report = reproduce(tiny(x, picture), tmp_path, device="cpu").read_text()
    assert "fast: its own rule" in report
    assert "stops.png" not in report


def test_an_image_that_is_gone_is_named(picture: str, tmp_path: Path) -> None:
    x = tiny(find_experiment("denoise-f16"), picture)
    x = replace(x, methods={"NLM": "nlm"}, figures=(), notes=None)
    reproduce(x, tmp_path, device="cpu")
    (image,) = (tmp_path / "images").iterdir()
    image.unlink()
    reproduce(x, tmp_path, device="cpu")  # tables need no image
    with pytest.raises(InputError, match=rf"{image.name} is gone.*results\.json"):
        reproduce(replace(x, figures=(gallery(picture),)), tmp_path, device="cpu")


def test_a_figure_says_the_score_of_the_estimate_not_of_what_is_drawn(
    picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        figures, "save_sheet", lambda path, tiles, columns: drawn.extend(t[0] for t in tiles)
    )
    x = tiny(find_experiment("denoise-f16"), picture)
    found = x.scene

    def halved(*case: Any) -> Any:
        scene = found(*case)
        return replace(scene, shown=lambda image: image / 2, seen=scene.observed)

    x = replace(x, methods={"NLM": "nlm"}, notes=None, figures=(gallery(picture),), scene=halved)
    reproduce(x, tmp_path, device="cpu")
    (entry,) = json.loads((tmp_path / "results.json").read_text())["entries"].values()
    assert drawn == ["original", "observed", f"NLM\n{entry['psnr']:.2f} dB"]


def test_a_foreign_record_is_refused(picture: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="not a record"):
        reproduce(tiny(find_experiment("denoise-f16"), picture), tmp_path)
