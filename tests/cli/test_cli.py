"""The command line as a user meets it: every bad input, and what it leaves behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bombs import bomb
from untrained.images import Picture, read_picture, write_picture

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., Any]

# A fit of seconds: the smallest network that does something.
QUICK = ("--set", "widths=8,8", "--steps", "20")


@pytest.fixture
def noisy(tmp_path: Path, scene: Scene) -> Path:
    clean = scene(41, 53)
    noise = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    for name, image in (("clean", clean), ("noisy", np.clip(clean + noise, 0, 1))):
        values = np.rint(image * 255).astype(np.uint8)
        write_picture(tmp_path / f"{name}.png", Picture.from_array(values))
    return tmp_path / "noisy.png"


def test_help_is_quick_and_never_imports_torch(untrained: Run) -> None:
    code = (
        "import sys; sys.argv = ['untrained', '--help']; from untrained.cli import main; main();"
        "print([m for m in ('torch', 'numpy', 'pyvips', 'skimage') if m in sys.modules])"
    )
    times = []
    for _ in range(3):
        began = os.times()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        ended = os.times()  # what it computed: on a busy machine it also waits
        times.append(ended.children_user - began.children_user
                     + ended.children_system - began.children_system)  # fmt: skip
    assert done.stdout.rstrip().endswith("[]")
    assert "denoise" in done.stdout
    assert min(times) < 1
    for command in ("denoise", "inpaint", "upscale", "degrade", "score", "resume", "recipes",
                    "network", "demo"):  # fmt: skip
        assert untrained(command, "--help").returncode == 0


def test_version_and_nothing(untrained: Run) -> None:
    assert untrained("--version").stdout.strip() == "0.1.0"
    assert "Usage" in untrained().stdout


def test_denoise_makes_a_picture_and_an_honest_record(noisy: Path, untrained: Run) -> None:
    before = noisy.read_bytes()
    done = untrained(
        "denoise", noisy, "-o", "out.png", "--truth", "clean.png", "--snapshots", "0,10", *QUICK
    )
    assert done.returncode == 0, done.stderr
    assert "stopped after 20 of at most 20 steps" in done.stdout
    assert "PSNR to the truth" in done.stdout
    assert "dB at step 20 of the curve; the kept image, filtered after the fit, is" in done.stdout
    assert noisy.read_bytes() == before
    out = read_picture(noisy.with_name("out.png"))
    assert out.pixels.shape == (1, 41, 53, 3)
    assert out.pixels.dtype == np.uint8
    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["job"]["seed"] == 0
    assert record["job"]["recipe"]["network"]["widths"] == [8, 8]
    assert record["versions"]["torch"]
    assert {"stop_reason", "seconds", "kept_step", "score"} <= record["results"][0].keys()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 21))
    assert {"loss", "psnr_observed", "psnr_truth", "seconds"} <= lines[-1].keys()
    names = sorted(p.name for p in (folder / "snapshots").iterdir())
    assert names == ["step-000000.png", "step-000010.png", "step-000020.png"]
    assert (folder / "result.png").exists()
    assert not (folder / "checkpoint.pt").exists()


def test_truth_and_repetition_do_not_change_a_bit(noisy: Path, untrained: Run) -> None:
    images = []
    for name, more in (("a", ()), ("b", ("--truth", "clean.png")), ("c", ())):
        done = untrained(
            "denoise", noisy, "-o", f"{name}.png", "--run-dir", f"runs-{name}", *QUICK, *more
        )
        assert done.returncode == 0, done.stderr
        images.append(read_picture(noisy.with_name(f"{name}.png")).pixels)
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


def test_a_second_call_skips_what_is_finished(noisy: Path, untrained: Run) -> None:
    first = untrained("denoise", noisy, "-o", "out.png", *QUICK)
    assert first.returncode == 0, first.stderr
    stamp = noisy.with_name("out.png").stat().st_mtime_ns
    again = untrained("denoise", noisy, "-o", "out.png", *QUICK)
    assert again.returncode == 0
    assert "skipped" in again.stdout
    assert noisy.with_name("out.png").stat().st_mtime_ns == stamp
    other = untrained("denoise", noisy, "-o", "out.png", *QUICK, "--seed", "1")
    assert other.returncode == 2
    assert "--overwrite" in other.stderr
    forced = untrained("denoise", noisy, "-o", "out.png", *QUICK, "--seed", "1", "--overwrite")
    assert forced.returncode == 0, forced.stderr
    assert noisy.with_name("out.png").stat().st_mtime_ns != stamp


def test_a_folder_of_pictures_goes_into_a_folder(
    noisy: Path, untrained: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(noisy.read_bytes())
    (folder / "broken.png").write_bytes(noisy.read_bytes()[:200])
    (folder / "c.png").write_bytes(noisy.read_bytes())
    (folder / "notes.txt").write_text("not a picture")
    done = untrained("denoise", "in", "-o", "out", *QUICK)
    assert done.returncode == 2  # one of them is broken, the others are done all the same
    assert "broken.png" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == ["a.png", "c.png"]
    assert done.stdout.count("stopped after") == 2


def test_json_and_quiet(noisy: Path, untrained: Run) -> None:
    done = untrained("denoise", noisy, "-o", "a.png", "--json", *QUICK)
    record = json.loads(done.stdout)
    assert record["status"] == "finished"
    assert record["results"][0]["stop_step"] == 20
    assert done.stderr == ""
    done = untrained("denoise", noisy, "-o", "b.png", "--quiet", *QUICK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_tensorboard_holds_both_curves(noisy: Path, untrained: Run) -> None:
    done = untrained(
        "denoise", noisy, "-o", "out.png", "--truth", "clean.png", "--tensorboard", *QUICK
    )
    assert done.returncode == 0, done.stderr
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    tags = events.Tags()
    assert {"loss", "psnr/observed", "psnr/truth", "psnr/truth_iterate", "lr"} <= set(
        tags["scalars"]
    )
    assert {"observed", "estimate", "kept"} <= set(tags["images"])
    assert any("settings" in tag for tag in tags["tensors"])
    assert [e.step for e in events.Scalars("psnr/observed")] == list(range(1, 21))
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    expected = [json.loads(line)["psnr_observed"] for line in lines]
    found = [e.value for e in events.Scalars("psnr/observed")]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_degrade_score_inpaint_and_upscale(noisy: Path, untrained: Run) -> None:
    for arguments in (
        (
            "degrade",
            "clean.png",
            "-o",
            "holes.png",
            "--missing",
            0.3,
            "--text",
            "hi",
            "--seed",
            3,
        ),
        ("degrade", "clean.png", "-o", "small.png", "--downscale", 2),
        ("degrade", "clean.png", "-o", "bad.png", "--noise", 25, "--poisson", 40, "--jpeg", 20),
    ):
        done = untrained(*arguments)
        assert done.returncode == 0, done.stderr
    here = noisy.parent
    mask = read_picture(here / "holes-mask.png").pixels[0, :, :, 0]
    holes = read_picture(here / "holes.png").pixels[0]
    clean = read_picture(here / "clean.png").pixels[0]
    assert set(np.unique(mask)) == {0, 255}
    assert 0.3 < (mask == 0).mean() < 0.7
    np.testing.assert_array_equal(holes[mask == 255], clean[mask == 255])
    assert (holes[mask == 0] == 0).all()
    assert read_picture(here / "small.png").pixels.shape == (1, 20, 26, 3)

    done = untrained("inpaint", "holes.png", "--mask", "holes-mask.png", "-o", "full.png", *QUICK)
    assert done.returncode == 0, done.stderr
    full = read_picture(here / "full.png").pixels[0]
    np.testing.assert_array_equal(full[mask == 255], clean[mask == 255])
    assert not np.array_equal(full, holes)

    done = untrained(
        "upscale",
        "small.png",
        "--factor",
        2,
        "--truth",
        "small-truth.png",
        "-o",
        "big.png",
        "--steps",
        20,
    )
    assert done.returncode == 0, done.stderr
    assert read_picture(here / "big.png").pixels.shape == (1, 40, 52, 3)

    done = untrained("score", "noisy.png", "clean.png", "--json")
    scores = json.loads(done.stdout)
    error = np.mean((read_picture(noisy).pixels[0] / 255 - clean / 255.0) ** 2)
    assert scores["psnr"] == pytest.approx(10 * np.log10(1 / error), abs=1e-3)
    assert 0 < scores["ssim"] < 1
    assert json.loads(untrained("score", "clean.png", "clean.png", "--json").stdout) == {
        "psnr": None, "ssim": 1.0,
    }  # fmt: skip
    same = untrained("degrade", "clean.png", "-o", "again.png", "--missing", 0.3, "--text", "hi",
                     "--seed", 3)  # fmt: skip
    assert same.returncode == 0
    assert (here / "again.png").read_bytes() == (here / "holes.png").read_bytes()


def test_recipes_and_network(untrained: Run) -> None:
    listing = untrained("recipes").stdout
    assert "paper-library-unet" in listing
    assert "optimizer.lr = 0.01" in untrained("recipes", "denoise/paper").stdout
    summary = json.loads(
        untrained("network", "denoise/paper", "--size", "512x512", "--json").stdout
    )
    assert summary["parameters"] == 2_217_831
    assert 400 < summary["gflop_per_step"] < 500
    assert "2,217,831 parameters" in untrained("network", "denoise/paper").stdout


def limit_files() -> None:
    """A disk that is full after 2000 bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def test_every_bad_input_gets_one_line_and_code_2_and_leaves_nothing(
    noisy: Path, untrained: Run, tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(noisy.read_bytes()[:3000])
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    np.save(tmp_path / "none.npy", np.zeros((0, 9)))
    bomb(tmp_path / "bomb.png")
    small = np.zeros((20, 20), np.uint8)
    write_picture(tmp_path / "other.png", Picture.from_array(small + 255))
    white = np.full((41, 53), 255, np.uint8)
    write_picture(tmp_path / "white.png", Picture.from_array(white))
    write_picture(tmp_path / "black.png", Picture.from_array(np.zeros((41, 53), np.uint8)))
    tifffile.imwrite(tmp_path / "float.tif", np.full((9, 9), 500.0, np.float32))
    tifffile.imwrite(tmp_path / "nan.tif", np.full((9, 9), np.nan, np.float32))
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    cases: list[tuple[str, tuple[Any, ...]]] = [
        ("no such file", ("denoise", "missing.png")),
        ("damaged or cut short", ("denoise", "cut.png")),
        ("is not a picture", ("denoise", "text.png")),
        ("is empty", ("denoise", "empty.png")),
        ("is empty", ("denoise", "none.npy")),
        ("--max-pixels", ("denoise", "bomb.png")),
        ("no finite pixel", ("denoise", "nan.tif")),
        ("is a file, the output of 2 pictures must be a folder",
         ("denoise", "noisy.png", "clean.png", "-o", "file")),
        ("holds no picture", ("denoise", "folder")),
        ("is the input itself", ("denoise", "noisy.png", "-o", "noisy.png")),
        ("unknown file type", ("denoise", "noisy.png", "-o", "out.bmp")),
        ("is a file, not a folder", ("denoise", "noisy.png", "-o", "file/out.png")),
        ("sigma is -1", ("denoise", "noisy.png", "--sigma", "-1")),
        ("--sigma-in-units", ("denoise", "float.tif", "--sigma", "25")),
        ("did you mean 'fast'", ("denoise", "noisy.png", "--recipe", "fats")),
        ("did you mean 'lr'", ("denoise", "noisy.png", "--set", "lrr=1")),
        ("wanted NAME=VALUE", ("denoise", "noisy.png", "--set", "lr")),
        ("wanted a number", ("denoise", "noisy.png", "--set", "lr=quick")),
        ("wanted 1 or more", ("denoise", "noisy.png", "--steps", "0")),
        ("truth is 20x20", ("denoise", "noisy.png", "--truth", "other.png")),
        ("no such file", ("denoise", "noisy.png", "--truth", "none.png")),
        ("wanted auto, cpu", ("denoise", "noisy.png", "--device", "tpu9")),
        ("does not have", ("denoise", "noisy.png", "--device", "cuda:7")),
        ("--snapshots", ("denoise", "noisy.png", "--snapshots", "a,b")),
        ("mask is 20x20, image is 41x53", ("inpaint", "noisy.png", "--mask", "other.png")),
        ("every pixel as unknown", ("inpaint", "noisy.png", "--mask", "black.png")),
        ("no such file", ("inpaint", "noisy.png", "--mask", "none.png")),
        ("nothing to inpaint", ("inpaint", "noisy.png")),
        ("nothing to inpaint", ("inpaint", "noisy.png", "--mask", "white.png")),
        ("--factor: '2.5'; wanted a whole number", ("upscale", "noisy.png", "--factor", "2.5")),
        ("--steps: '5.9'; wanted a whole number", ("denoise", "noisy.png", "--steps", "5.9")),
        ("--seed: '1.5'; wanted a whole number", ("denoise", "noisy.png", "--seed", "1.5")),
        ("--workers is -2", ("denoise", "noisy.png", "--workers", "-2")),
        ("--checkpoint-every is -1", ("denoise", "noisy.png", "--checkpoint-every", "-1")),
        ("--snapshots is '-5'", ("denoise", "noisy.png", "--snapshots", "-5")),
        ("nan.tif: image has no finite pixel", ("denoise", "nan.tif")),
        ("factor is 0", ("upscale", "noisy.png", "--factor", "0")),
        ("only 16383 pixels", ("upscale", "noisy.png", "--factor", "400", "-o", "big.webp")),
        ("needs about", ("upscale", "noisy.png", "--factor", "500", "--recipe", "paper")),
        ("nothing to do", ("degrade", "clean.png", "-o", "x.png")),
        ("wanted a share", ("degrade", "clean.png", "-o", "x.png", "--missing", "2")),
        ("noise is -3; wanted 0 or more, on the 0-255 scale",
         ("degrade", "clean.png", "-o", "x.png", "--noise", "-3")),
        ("wanted 0 or more", ("degrade", "clean.png", "-o", "x.png", "--noise", "inf")),
        ("poisson is 1e+300", ("degrade", "clean.png", "-o", "x.png", "--poisson", "1e300")),
        ("wanted at most 10.25 pixels", ("degrade", "clean.png", "-o", "x.png", "--blur", "1000")),
        ("blur is inf", ("degrade", "clean.png", "-o", "x.png", "--blur", "inf")),
        ("wanted a smaller kernel", ("degrade", "other.png", "-o", "x.png", "--blur", "noisy.png")),
        ("is a file, not a folder",
         ("degrade", "clean.png", "-o", "file/x.png", "--noise", "3")),
        ("cannot make this folder",
         ("degrade", "clean.png", "-o", "/proc/nope/x.png", "--noise", "3")),
        ("wanted two pictures of one size", ("score", "noisy.png", "other.png")),
        ("wanted the folder of a run", ("resume", "folder")),
        ("no task 'sharpen'", ("recipes", "sharpen")),
        ("wanted HEIGHTxWIDTH", ("network", "denoise/paper", "--size", "large")),
        ("--nonsense", ("denoise", "noisy.png", "--nonsense", "1")),
        ("Unknown command", ("sharpen", "noisy.png")),
        ("--steps", ("denoise", "noisy.png", "--steps", "many")),
    ]  # fmt: skip
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    for message, arguments in cases:
        done = untrained(*arguments)
        assert done.returncode == 2, (arguments, done)
        assert message in done.stderr, (arguments, done.stderr)
        assert done.stderr.startswith("untrained: "), done.stderr
        assert done.stderr.count("\n") == 1, (arguments, done.stderr)
        assert done.stdout == "", (arguments, done.stdout)
        assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before, arguments
    done = untrained("denoise", "cut.png", own_process=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("seed", [-1, 2**70])
@pytest.mark.parametrize(
    "words",
    [("denoise", "noisy.png"), ("degrade", "clean.png", "-o", "x.png", "--noise", "5"),
     ("compress", "clean.png"), ("compare", "noisy.png"),
     ("restore-video", "clean.png", "-o", "x.mkv"),
     ("invert", "clean.png", "--module", "a:b", "--layer", "0", "-o", "x.png")],
)  # fmt: skip
def test_a_seed_that_no_generator_takes_is_refused(
    words: tuple[str, ...], seed: int, noisy: Path, untrained: Run
) -> None:
    before = sorted(noisy.parent.iterdir())
    done = untrained(*words, "--seed", seed)
    assert done.returncode == 2, done.stderr
    assert f'"{seed}" for --seed. Wanted a whole number from 0 to 4294967295' in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(noisy.parent.iterdir()) == before


def test_a_full_disk_is_one_line_and_leaves_no_half_file(noisy: Path, untrained: Run) -> None:
    done = untrained("denoise", noisy, "-o", "out.png", *QUICK, preexec=limit_files)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr
    errors = [x for x in done.stderr.splitlines() if x.startswith("untrained: ")]
    assert len(errors) == 1, "the plan stands above it, the error on a line of its own"
    assert done.stderr.splitlines()[-1] == errors[0]
    assert not noisy.with_name("out.png").exists()
    assert not [p for p in noisy.parent.rglob(".*") if p.is_file()]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder(noisy: Path, untrained: Run) -> None:
    locked = noisy.parent / "locked"
    locked.mkdir(mode=0o500)
    done = untrained("denoise", noisy, "-o", "locked/out.png", *QUICK)
    assert done.returncode == 2
    assert "no permission" in done.stderr


def test_our_own_failure_is_code_1_and_debug_shows_where(
    noisy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from untrained import cli

    def broken(*_: Any, **__: Any) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli.restoring, "restore_files", broken)
    assert cli.main(["denoise", str(noisy)]) == 1
    plain = capsys.readouterr().err
    assert plain.count("\n") == 1
    assert "internal error: RuntimeError: a bug" in plain
    assert cli.main(["denoise", str(noisy), "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_anywhere_is_told(
    noisy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from untrained import cli

    def interrupted(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.restoring, "restore_files", interrupted)
    assert cli.main(["denoise", str(noisy)]) == 130
    assert capsys.readouterr().err == "untrained: interrupted\n"


LONG = ("--set", "widths=8,8", "--set", "stopper=WindowedVariance", "--steps", "200",
        "--checkpoint-every", "0")  # fmt: skip


def start_and_wait(noisy: Path, name: str, *, steps: int) -> tuple[subprocess.Popen[str], Path]:
    """Start a fit in the background and wait until it has taken some steps."""
    process = subprocess.Popen(
        [sys.executable, "-m", "untrained", "denoise", str(noisy), "-o", f"{name}.png",
         "--run-dir", f"runs-{name}", *LONG],
        cwd=noisy.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # what a shell starts in the background ignores Ctrl-C, and so would the fit
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        for metrics in (noisy.parent / f"runs-{name}").glob("*/metrics.jsonl"):
            checkpoint = metrics.with_name("checkpoint.pt")
            if checkpoint.exists() and metrics.read_text().count("\n") >= steps:
                return process, metrics.parent
        time.sleep(0.02)
    raise AssertionError(process.communicate(timeout=10))


def test_kill_9_and_resume_gives_the_unkilled_image(noisy: Path, untrained: Run) -> None:
    whole = untrained("denoise", noisy, "-o", "whole.png", "--run-dir", "runs-whole", *LONG)
    assert whole.returncode == 0, whole.stderr
    process, folder = start_and_wait(noisy, "killed", steps=40)
    process.kill()
    process.communicate()
    assert not noisy.with_name("killed.png").exists()
    assert json.loads((folder / "run.json").read_text())["status"] == "running"
    done = untrained("resume", folder, "--report")
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").exists()
    assert list((folder / "snapshots").iterdir())
    np.testing.assert_array_equal(
        read_picture(noisy.with_name("killed.png")).pixels,
        read_picture(noisy.with_name("whole.png")).pixels,
    )
    (other,) = (noisy.parent / "runs-whole").iterdir()
    histories = []
    for run in (folder, other):
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        histories.append([(line["step"], line["loss"]) for line in lines])
    assert histories[0] == histories[1]
    again = untrained("resume", folder)
    assert again.returncode == 0
    assert "skipped" in again.stdout


def test_ctrl_c_keeps_the_picture_and_the_same_command_goes_on(noisy: Path, untrained: Run) -> None:
    process, folder = start_and_wait(noisy, "stopped", steps=20)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=100)
    assert process.returncode == 130, (output, errors)
    assert "interrupted" in output
    assert "untrained resume" in output
    assert "Traceback" not in errors
    early = read_picture(noisy.with_name("stopped.png")).pixels
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
    done = untrained("denoise", noisy, "-o", "stopped.png", "--run-dir", "runs-stopped", *LONG)
    assert done.returncode == 0, done.stderr
    whole = untrained("denoise", noisy, "-o", "whole.png", "--run-dir", "runs-whole", *LONG)
    assert whole.returncode == 0, whole.stderr
    final = read_picture(noisy.with_name("stopped.png")).pixels
    np.testing.assert_array_equal(final, read_picture(noisy.with_name("whole.png")).pixels)
    assert not np.array_equal(final, early)


def test_the_demonstration_says_its_score_once(untrained: Run) -> None:
    for more in ((), ("--report",)):
        done = untrained("demo", "--side", "32", "--steps", "10", *QUICK[:2], *more)
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if "PSNR to the truth" in line]
        said = [line for line in lines if "restored" in line or "PSNR to the truth " in line]
        assert len(said) == 1, done.stdout


def test_the_demonstration_can_be_looked_at(tmp_path: Path, untrained: Run) -> None:
    quick = ("--side", 64, "--steps", 10, "--set", "widths=8,8")
    done = untrained("demo", "-o", "demo", "--report", *quick)
    assert done.returncode == 0, done.stderr
    (page,) = (tmp_path / "demo").glob("untrained-runs/*/report.html")
    assert f"report: {page.relative_to(tmp_path)}" in done.stdout


def test_resume_refuses_a_changed_input(noisy: Path, untrained: Run) -> None:
    process, folder = start_and_wait(noisy, "changed", steps=20)
    process.kill()
    process.communicate()
    noisy.write_bytes(noisy.with_name("clean.png").read_bytes())
    done = untrained("resume", folder)
    assert done.returncode == 2
    assert "is not what the run started with" in done.stderr
    noisy.unlink()
    assert "input is gone" in untrained("resume", folder).stderr


def test_a_strength_is_changed_without_a_new_fit(noisy: Path, untrained: Run) -> None:
    out = noisy.with_name("noisy-denoise.png")
    done = untrained("denoise", noisy, "--strength", "0.5", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "strength 0.5" in done.stdout
    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    before, half = (read_picture(p).pixels.astype(float) for p in (noisy, out))
    full = read_picture(folder / "result.png").pixels
    assert np.abs(half - (before + full) / 2).max() <= 0.5
    history = (folder / "metrics.jsonl").read_bytes()
    assert untrained("resume", folder, "--strength", "0").returncode == 0
    assert np.array_equal(read_picture(out).pixels, before)
    assert untrained("denoise", noisy, *QUICK).returncode == 0
    assert np.array_equal(read_picture(out).pixels, full)
    assert (folder / "metrics.jsonl").read_bytes() == history, "it was fitted again"
    wrong = untrained("resume", folder, "--strength", "2")
    assert wrong.returncode == 2
    assert "strength is 2.0; wanted 0 (nothing is done) to 1 (all of it)" in wrong.stderr
    out.write_bytes(b"someone else's")
    taken = untrained("resume", folder, "--strength", "0.3")
    assert taken.returncode == 2
    assert "exists, and was not made by" in taken.stderr


@pytest.mark.parametrize("pages", [1, 2])
def test_the_score_is_that_of_the_file_at_every_strength(
    noisy: Path, untrained: Run, pages: int
) -> None:
    names = ["noisy.tif", "clean.tif"]
    for name in names:
        page = read_picture(noisy.with_name(name).with_suffix(".png")).pixels[0]
        tifffile.imwrite(noisy.with_name(name), np.stack([page, page[::-1]][:pages]))
    command = ("denoise", "noisy.tif", "-o", "out.tif", *QUICK, "--strength")

    def recorded(*words: object) -> tuple[dict[str, float], dict[str, float]]:
        done = untrained(*words, "--json")
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)["results"]
        assert len(results) == pages
        wanted = json.loads(untrained("score", "out.tif", "clean.tif", "--json").stdout)
        assert all(
            result["score"]["full_strength"] == full
            for result, full in zip(results, fulls, strict=False)
        )
        found = {n: float(np.mean([r["score"][n] for r in results])) for n in wanted}
        fulls[:] = [result["score"].get("full_strength", result["score"]) for result in results]
        return found, wanted

    fulls: list[dict[str, float]] = []
    for strength in ("0.5", "0", "0.25"):
        found, wanted = recorded(*command, strength, "--truth", "clean.tif")
        assert found == pytest.approx(wanted, abs=1e-6)
    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    found, wanted = recorded("resume", folder, "--strength", "0.7")  # the run knows its truth
    assert found == pytest.approx(wanted, abs=1e-6)
    said = untrained("resume", folder, "--strength", "0.6").stdout
    assert said.count("at full strength") == pages
    # at full strength: of the image of the fit, which the file rounds
    found = json.loads(untrained(*command, "1", "--json").stdout)["results"][0]["score"]
    assert found["psnr"] == pytest.approx(fulls[0]["psnr"])
    assert "full_strength" not in found
    # without the truth nothing is said of a weaker picture
    noisy.with_name("clean.tif").unlink()
    untold = json.loads(untrained(*command, "0.4", "--json").stdout)["results"]
    assert not any("score" in result for result in untold)


def test_a_truth_that_comes_late_is_held_against_the_file(noisy: Path, untrained: Run) -> None:
    assert untrained("denoise", noisy, "-o", "out.png", *QUICK).returncode == 0
    done = untrained(
        "denoise", noisy, "-o", "out.png", *QUICK, "--strength", "0.5", "--truth", "clean.png"
    )
    expected = json.loads(untrained("score", "out.png", "clean.png", "--json").stdout)
    assert f"PSNR to the truth {expected['psnr']:.2f} dB" in done.stdout
    assert "of the file that was written" in done.stdout


def test_a_strength_is_for_denoising_alone(noisy: Path, untrained: Run) -> None:
    assert untrained("upscale", noisy, "--factor", "2", "--steps", "5").returncode == 0
    (folder,) = (noisy.parent / "untrained-runs").iterdir()
    wrong = untrained("resume", folder, "--strength", "0.5")
    assert wrong.returncode == 2
    assert "is a run of upscale, which takes no strength" in wrong.stderr
