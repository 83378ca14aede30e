"""No silent surprises: a command and a function do what was asked, or say what they did not do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import untrained as package
from untrained import DivergedError, InputError, find_recipe, with_settings
from untrained.fitting import Snapshots, fit
from untrained.images import Picture, read_picture, write_picture
from untrained.jobs import Job, job_of_run, run_job
from untrained.objectives import Problem
from untrained.recipes import Recipe
from untrained.report.facts import peak_in_words
from untrained.restoring import assemble

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., Any]

QUICK = ("--set", "widths=8,8", "--steps", "10")


def tiny(task: str, name: str = "fast", **changes: str) -> Recipe:
    return with_settings(find_recipe(task, name), {"widths": "8,8", "max_steps": "10", **changes})


@pytest.fixture
def noisy(tmp_path: Path, scene: Scene) -> Path:
    clean = scene(24, 32)
    noise = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    for name, image in (("clean", clean), ("noisy", np.clip(clean + noise, 0, 1))):
        values = np.rint(image * 255).astype(np.uint8)
        write_picture(tmp_path / f"{name}.png", Picture.from_array(values))
    return tmp_path / "noisy.png"


def test_a_finished_run_says_what_it_lacks_of_a_later_wish(noisy: Path, untrained: Run) -> None:
    command = ("denoise", noisy, "-o", "out.png", *QUICK)
    assert untrained(*command).returncode == 0
    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    done = untrained(*command)
    assert done.stdout.count("\n") == 1, "nothing new was asked for"

    done = untrained(*command, "--snapshots", "0,10", "--tensorboard")
    assert "without snapshots and TensorBoard events; --overwrite to fit again" in done.stdout
    done = untrained(*command, "--report")
    assert (done.returncode, done.stderr) == (0, "")  # from the folder: no plan of a fit is printed
    assert (folder / "report.html").exists()
    assert "without snapshots" in done.stdout

    done = untrained(*command, "--truth", "clean.png")
    expected = json.loads(untrained("score", "out.png", "clean.png", "--json").stdout)
    assert f"PSNR to the truth {expected['psnr']:.2f} dB" in done.stdout
    assert "without a truth; --overwrite" in done.stdout
    found = json.loads(untrained(*command, "--truth", "clean.png", "--json").stdout)
    assert (found["score"], found["lacking"]) == (expected, ["a truth"])
    assert "no such file" in untrained(*command, "--truth", "none.png").stderr

    before = noisy.with_name("out.png").read_bytes()
    done = untrained(*command, "--snapshots", "0,10", "--overwrite")
    assert "stopped after 10" in done.stdout
    names = sorted(p.name for p in (folder / "snapshots").iterdir())
    assert names == ["step-000000.png", "step-000010.png"]
    assert noisy.with_name("out.png").read_bytes() == before
    assert "skipped" in untrained(*command, "--snapshots", "0,10", "--overwrite").stdout
    assert "without these snapshots" in untrained(*command, "--snapshots", "5").stdout


def test_an_overwriting_fit_that_was_cut_goes_on(tmp_path: Path, noisy: Path) -> None:
    job = Job(
        task="denoise", source=noisy, target=tmp_path / "out.png", device="cpu",
        recipe=tiny("denoise", max_steps="30", stopper="FixedSteps"),
        options={"sigma": None, "sigma_in_units": False}, checkpoint_every=0, overwrite=True,
    )  # fmt: skip
    folder = run_job(job).folder
    assert run_job(job_of_run(folder)).status == "skipped"
    finished = job.target.read_bytes()
    again = Job(**{name: getattr(job, name) for name in job.__dataclass_fields__}
                | {"snapshots": (10,)})  # fmt: skip
    looks: list[int] = []
    assert run_job(again, cancelled=lambda: bool(looks.append(1)) or True).status == "interrupted"
    assert run_job(job_of_run(folder), cancelled=lambda: bool(looks.append(1))).status == "finished"
    assert len(looks) == 3, "a look before it was cut, two after"
    assert job.target.read_bytes() == finished


def test_the_first_snapshot_is_of_the_untrained_network_and_changes_nothing(scene: Scene) -> None:
    recipe = tiny("denoise", "paper", max_steps="20", average="none")
    observed = torch.from_numpy(scene(24, 32).transpose(2, 0, 1)[None]).float()
    estimates = []
    for steps in ((), (0, 5)):
        saved: dict[int, torch.Tensor] = {}
        parts = assemble(Problem(observed=observed), recipe, seed=0)
        untouched = parts.objective.estimate(parts.network)
        snapshots = Snapshots(steps, lambda step, image, saved=saved: saved.update({step: image}))
        result = fit(
            parts.network, parts.objective, max_steps=20, callbacks=[snapshots],
            optimizer=recipe.optimizer.build(list(parts.network.parameters()), seed=2),
        )  # fmt: skip
        estimates.append(result.estimate)
    assert sorted(saved) == [0, 10, 20]
    assert torch.equal(saved[0], untouched)
    assert torch.equal(*estimates)


def test_a_fit_that_diverges_is_an_error_and_keeps_no_other_back(
    noisy: Path, untrained: Run, scene: Scene
) -> None:
    absurd = ("--recipe", "paper", "--set", "lr=1e30", "--set", "check_every=2", *QUICK)
    done = untrained("denoise", noisy, "-o", "out.png", *absurd)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("there is no image, try a smaller lr")
    assert not noisy.with_name("out.png").exists()
    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "diverged"
    done = untrained("denoise", noisy, "clean.png", "-o", "both", *absurd, "--quiet")
    assert done.returncode == 1
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == [
        str(noisy), "clean.png",
    ]  # fmt: skip
    with pytest.raises(DivergedError, match="smaller lr"):
        package.denoise(scene(16, 16), recipe=tiny("denoise", "paper", lr="1e30", check_every="2"))


def test_the_account_says_where_the_uncertainty_is_or_why_not(noisy: Path, untrained: Run) -> None:
    sgld = ("denoise", noisy, "--recipe", "sgld-fast", "--set", "widths=8,8", "--steps", "30")
    done = untrained(*sgld, "-o", "a.png")
    assert "no map of the uncertainty: 30 steps with burn_in 500" in done.stdout
    done = untrained(*sgld, "-o", "b.png", "--set", "burn_in=10", "--set", "average.every=5")
    (line,) = (line for line in done.stdout.splitlines() if "spread.png" in line)
    folder = noisy.parent / line.split(": in ")[1]
    for name in line.split(" (")[0].split(","):
        assert (folder / name.strip()).exists()


def test_the_peak_and_the_kept_image_do_not_contradict_each_other() -> None:
    score = {"peak_psnr": 19.61, "peak_step": 30, "gap_to_peak": -0.11}
    assert "0.11 dB above it" in peak_in_words(score)
    assert "best" not in peak_in_words(score)
    assert "0.11 dB above what was kept" in peak_in_words({**score, "gap_to_peak": 0.11})
    assert "best one seen" in peak_in_words({**score, "gap_to_peak": 0.001})


def test_an_output_without_suffix_is_a_folder(noisy: Path, untrained: Run) -> None:
    done = untrained("denoise", noisy, "-o", "new/", *QUICK)
    assert done.returncode == 0, done.stderr
    assert (noisy.parent / "new" / "noisy.png").is_file()


def test_a_folder_that_may_not_be_looked_into_is_one_line(
    noisy: Path, untrained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "closed/out.png")

    monkeypatch.setattr(Path, "is_dir", denied)
    done = untrained("denoise", noisy, "-o", "closed/out.png")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "closed/out.png: no permission" in done.stderr


def test_a_network_that_does_not_go_with_the_objective_says_what_to_do(scene: Scene) -> None:
    image = scene(24, 32)
    recipe = with_settings(find_recipe("denoise", "fast"), {"network": "DeepDecoder"})
    with pytest.raises(InputError, match=r"DeepDecoder draws one from a code .*objective=DataFit"):
        package.denoise(image, recipe=recipe)
    recipe = with_settings(recipe, {"objective": "DataFit", "max_steps": "2"})
    assert package.denoise(image, recipe=recipe).shape == image.shape


def test_functions_refuse_what_the_commands_refuse(scene: Scene) -> None:
    image = scene(16, 20)
    known = np.ones((16, 20), bool)
    cases: list[tuple[str, Callable[[], Any]]] = [
        ("channel_axis is 7", lambda: package.denoise(image, channel_axis=7)),
        ("channel_axis is 7", lambda: package.deblur(image, np.ones((3, 3)), channel_axis=7)),
        ("channel_axis is 7", lambda: package.deinterlace(image, channel_axis=7)),
        ("factor is '2'; wanted a whole number", lambda: package.upscale(image, "2")),  # type: ignore[arg-type]
        ("factor is 2.5", lambda: package.upscale(image, 2.5)),  # type: ignore[arg-type]
        ("kernel_size is 4.5", lambda: package.deblur_blind(image, 4.5)),  # type: ignore[arg-type]
        ("every pixel as known", lambda: package.inpaint(image, known)),
        ("'fast' is for inpaint, not for denoise",
         lambda: package.denoise(image, recipe=find_recipe("inpaint", "fast"))),
        ("no such file", lambda: package.deblur_blind("none.png", 5)),
        ("no such file", lambda: package.decompose("none.png")),
        ("no such file", lambda: package.flash(image, "none.png")),
    ]  # fmt: skip
    for message, call in cases:
        with pytest.raises(InputError, match=message):
            call()


def test_functions_take_paths_as_they_take_arrays(noisy: Path, scene: Scene) -> None:
    array = read_picture(noisy).to_array()
    blind = with_settings(
        find_recipe("deblur-blind", "fast"),
        {"network.widths": "8,8", "widths_skip": "4", "max_steps": "2"},
    )
    for ours, theirs in zip(
        package.deblur_blind(noisy, 5, recipe=blind, device="cpu"),
        package.deblur_blind(array, 5, recipe=blind, device="cpu"), strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(ours, theirs)
    layers = with_settings(find_recipe("decompose", "fast"), {"max_steps": "2"})
    for ours, theirs in zip(
        package.decompose(str(noisy), recipe=layers), package.decompose(array, recipe=layers),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(ours, theirs)
    light = with_settings(find_recipe("flash", "fast"), {"max_steps": "2"})
    guide = noisy.with_name("clean.png")
    first = package.flash(array.transpose(2, 0, 1), guide, recipe=light, channel_axis=0)
    second = package.flash(noisy, read_picture(guide).to_array(), recipe=light)
    np.testing.assert_array_equal(first.transpose(1, 2, 0), second)


def test_deinterlacing_keeps_alpha_out_of_the_fit(tmp_path: Path, noisy: Path) -> None:
    plain = read_picture(noisy).to_array()
    alpha = np.full((*plain.shape[:2], 1), 255, np.uint8)
    alpha[:4] = 100
    write_picture(tmp_path / "rgba.png", Picture(pixels=plain[None], alpha=alpha[None, ..., 0]))
    recipe = tiny("deinterlace")
    found = package.deinterlace(tmp_path / "rgba.png", recipe=recipe)
    np.testing.assert_array_equal(found[..., 3:], alpha)
    np.testing.assert_array_equal(found[..., :3], package.deinterlace(plain, recipe=recipe))


def test_the_applications_are_public_and_the_package_stays_light() -> None:
    names = {"compress", "decompress", "invert_features", "maximize_activation", "restore_clip"}
    assert names <= set(package.__all__)
    code = "import sys, untrained; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
