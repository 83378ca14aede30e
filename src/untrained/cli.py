"""The command line: parsing and printing only. Heavy modules are imported inside the commands."""

from __future__ import annotations

import json as json_module
import shlex
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Group, Parameter

from untrained import __version__
from untrained.errors import InputError

if TYPE_CHECKING:
    from untrained.jobs import Job, Outcome

__all__ = ["app", "main"]

app = App(
    name="untrained",
    help="Restore images with networks that have never been trained.",
    version=__version__,
    help_on_error=False,
)
app.register_install_completion_command()

_FIT = Group("Fit", sort_key=1)
_RUN = Group("Run", sort_key=2)
_PRINT = Group("Printing", sort_key=3)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What decides the result."""

    recipe: Annotated[str, Parameter(group=_FIT)] = "fast"
    "Which settings: see `untrained recipes`."
    set: Annotated[tuple[str, ...], Parameter(group=_FIT, negative=())] = ()
    "Change a setting, NAME=VALUE; may be repeated. `untrained recipes TASK/NAME` lists them."
    steps: Annotated[int | None, Parameter(group=_FIT)] = None
    "The most steps to take; short for --set max_steps=N."
    seed: Annotated[int, Parameter(group=_FIT)] = 0
    "Same seed, same machine, same image."
    device: Annotated[str, Parameter(group=_FIT)] = "auto"
    "auto, cpu, cuda, cuda:N or mps."
    truth: Annotated[Path | None, Parameter(group=_FIT)] = None
    "The clean picture, for scoring only; the result is the same without it."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is kept of a run."""

    run_dir: Annotated[Path | None, Parameter(group=_RUN)] = None
    "Where the run's folder goes. Default: untrained-runs beside the output."
    snapshots: Annotated[str, Parameter(group=_RUN)] = ""
    "Save the image at these steps: 0,100,1000."
    tensorboard: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    "Write TensorBoard event files into the run's folder."
    overwrite: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    "Replace an output that other settings made."
    max_pixels: Annotated[int, Parameter(group=_RUN)] = 250_000_000
    "Refuse pictures with more pixels than this."
    checkpoint_every: Annotated[float, Parameter(group=_RUN)] = 20.0
    "Seconds between checkpoints; 0 = as often as possible."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PrintOptions:
    """What is printed."""

    quiet: Annotated[bool, Parameter(group=_PRINT, negative=())] = False
    "Print errors only."
    json: Annotated[bool, Parameter(group=_PRINT, negative=())] = False
    "Print one JSON object a file to standard output, nothing else."
    debug: Annotated[bool, Parameter(group=_PRINT, negative=())] = False
    "Show the traceback of an error."


_Files = Annotated[list[Path], Parameter(help="Picture files, or folders of them.")]
_Output = Annotated[
    Path | None,
    Parameter(
        name=["--output", "-o"],
        help="The output file; a folder if there are several inputs. "
        "Default: beside the input, with the task in its name.",
    ),
]
_Sigma = Annotated[
    float | None,
    Parameter(help="Noise level on the 0-255 scale (255 = full scale). Default: estimated."),
]
_SigmaInUnits = Annotated[
    bool, Parameter(negative=(), help="--sigma is in the units of the file's values instead.")
]


@app.command
def denoise(
    files: _Files, /, *,
    output: _Output = None,
    sigma: _Sigma = None,
    sigma_in_units: _SigmaInUnits = False,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Remove noise from pictures."""
    own = {"sigma": sigma, "sigma_in_units": sigma_in_units}
    return _restore_files("denoise", files, output, own, fit, run, printing)


@app.command
def inpaint(
    files: _Files, /, *,
    output: _Output = None,
    mask: Path | None = None,
    mask_invert: Annotated[bool, Parameter(negative=())] = False,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Fill the missing pixels of pictures: those of the mask, transparent ones, NaN.

    Parameters
    ----------
    mask: A picture of the same size, white = known, black = to fill.
    mask_invert: The mask is black where the picture is known.
    """
    own = {"mask": mask, "mask_invert": mask_invert}
    return _restore_files("inpaint", files, output, own, fit, run, printing)


@app.command
def upscale(
    files: _Files, /, *,
    output: _Output = None,
    factor: int = 4,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Enlarge pictures.

    Parameters
    ----------
    factor: How many times the height and width, a whole number from 2 up.
    """
    return _restore_files("upscale", files, output, {"factor": factor}, fit, run, printing)


@app.command
def resume(run: Path, /, *, printing: PrintOptions = PrintOptions()) -> int:
    """Go on with a run that was killed or interrupted; the result is the same as if not.

    Parameters
    ----------
    run: The run's folder (it holds run.json).
    """
    from untrained.jobs import job_of_run

    return _run_jobs([job_of_run(run)], printing)


@app.command
def degrade(
    file: Path, /, *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    downscale: int | None = None,
    noise: float | None = None,
    poisson: float | None = None,
    jpeg: int | None = None,
    missing: float | None = None,
    text: str | None = None,
    seed: int = 0,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Make a test case from a clean picture; what is asked for is applied in the order below.

    A mask is written beside the output as NAME-mask.png, white = known.

    Parameters
    ----------
    output: Where the degraded picture goes.
    downscale: Shrink by this whole number (Lanczos2); the truth is cropped to a multiple of it.
    noise: Add Gaussian noise of this standard deviation on the 0-255 scale.
    poisson: Draw photon counts, this many for full scale.
    jpeg: Compress as JPEG of this quality, 1 to 100.
    missing: Hide this share of the pixels, 0 to 1.
    text: Write this text all over the picture and hide what it covers.
    seed: Same seed, same test case.
    overwrite: Replace existing files.
    """
    from untrained.files import degrade_file

    written = degrade_file(
        file, output, downscale=downscale, noise=noise, poisson=poisson, jpeg=jpeg,
        missing=missing, text=text, seed=seed, overwrite=overwrite,
    )  # fmt: skip
    if printing.json:
        print(json_module.dumps({name: str(path) for name, path in written.items()}))
    elif not printing.quiet:
        for name, path in written.items():
            print(f"{name}: {path}")
    return 0


@app.command
def score(
    estimate: Path, truth: Path, /, *, printing: PrintOptions = PrintOptions()
) -> int:  # fmt: skip
    """Compare a picture with the truth: PSNR in dB and SSIM.

    Parameters
    ----------
    estimate: The restored picture.
    truth: The clean picture, of the same size and channels.
    """
    from untrained.files import score_files

    result = score_files(estimate, truth)
    if printing.json:
        print(json_module.dumps(result))
    elif not printing.quiet:
        print(f"PSNR {result['psnr']:.2f} dB   SSIM {result['ssim']:.4f}")
    return 0


@app.command
def recipes(
    name: str | None = None, /, *, printing: PrintOptions = PrintOptions()
) -> int:  # fmt: skip
    """List the recipes, or every setting of one.

    Parameters
    ----------
    name: TASK (its recipes) or TASK/NAME (its settings), for example denoise/paper.
    """
    from untrained.recipes import RECIPES, encode, find_recipe, flatten

    task, _, recipe_name = (name or "").partition("/")
    if recipe_name:
        recipe = find_recipe(task, recipe_name)
        if printing.json:
            print(json_module.dumps(encode(recipe)))
            return 0
        print(f"{task}/{recipe.name}\n{recipe.source}\n")
        for key, value in flatten(recipe).items():
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
            print(f"  {key} = {shown}")
        return 0
    if task and task not in RECIPES:
        find_recipe(task, "")
    chosen = {t: r for t, r in RECIPES.items() if not task or t == task}
    if printing.json:
        print(
            json_module.dumps({t: {n: encode(x) for n, x in r.items()} for t, r in chosen.items()})
        )
        return 0
    for known_task, known in chosen.items():
        print(known_task)
        for recipe in known.values():
            print(f"  {recipe.name:22} {recipe.source}")
    return 0


@app.command
def network(
    name: str, /, *, size: str = "512x512", channels: int = 3,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Show a network: layers, shapes, parameters, work and memory for an image size.

    Parameters
    ----------
    name: A recipe, for example denoise/paper.
    size: HEIGHTxWIDTH of the image.
    channels: Channels of the image.
    """
    from untrained.planner import summarize_recipe
    from untrained.recipes import find_recipe

    task, _, recipe_name = name.partition("/")
    if not recipe_name:
        raise InputError(f"network is {name!r}; wanted TASK/RECIPE, for example denoise/paper")
    try:
        height, width = (int(side) for side in size.lower().split("x"))
    except ValueError:
        raise InputError(f"size is {size!r}; wanted HEIGHTxWIDTH, for example 512x512") from None
    if min(height, width, channels) < 1:
        raise InputError(f"size is {size!r} with {channels} channels; wanted 1 or more of each")
    summary = summarize_recipe(find_recipe(task, recipe_name), height, width, channels)
    totals = {
        "parameters": summary.parameters,
        "gflop_per_step": round(summary.flops / 1e9, 2),
        "memory_mib": round(summary.memory_bytes / 2**20, 1),
    }
    if printing.json:
        print(json_module.dumps({
            **totals,
            "layers": [[x.name, x.kind, list(x.shape), x.parameters] for x in summary.layers],
        }))  # fmt: skip
        return 0
    for layer in summary.layers:
        shape = "x".join(map(str, layer.shape[1:]))
        print(f"  {layer.name:22} {layer.kind:16} {shape:16} {layer.parameters:>9,}")
    print(
        f"{summary.parameters:,} parameters; {totals['gflop_per_step']:,} GFLOP a step and about "
        f"{totals['memory_mib']:,} MiB in float32 for {height}x{width}"
    )
    return 0


@app.command
def demo(
    *, output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("untrained-demo"),
    fit: FitOptions = FitOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Restore a bundled picture: add noise, remove it, compare with non-local means.

    Parameters
    ----------
    output: The folder for the pictures.
    """
    from untrained.demo import run_demo

    run = RunOptions(overwrite=True)
    return run_demo(
        output,
        lambda noisy, target, truth: _restore_files(
            "denoise", [noisy], target, {"sigma": None, "sigma_in_units": False},
            FitOptions(**{**vars(fit), "truth": truth}), run, printing,
        ),
        quiet=printing.quiet or printing.json,
    )  # fmt: skip


def _restore_files(
    task: str, files: list[Path], output: Path | None, own: dict[str, Any],
    fit: FitOptions, run: RunOptions, printing: PrintOptions,
) -> int:  # fmt: skip
    """Turn the options into jobs and run them."""
    from untrained.jobs import Job, plan_targets
    from untrained.recipes import find_recipe, with_settings
    from untrained.tasks import task_operator

    changes = dict(_name_and_value(text) for text in fit.set)
    if fit.steps is not None:
        changes["max_steps"] = str(fit.steps)
    recipe = with_settings(find_recipe(task, fit.recipe), changes)
    if own.get("sigma") is not None and not own["sigma"] >= 0:
        raise InputError(f"sigma is {own['sigma']}; wanted 0 or more")
    task_operator(task, own.get("factor", 2))  # refuses a bad factor before anything is read
    pairs = plan_targets(task, files, output)
    if fit.truth is not None and len(pairs) > 1:
        raise InputError(f"--truth goes with one input, {len(pairs)} were given")
    jobs = [
        Job(
            task=task, source=source, target=target, recipe=recipe,
            truth=fit.truth, seed=fit.seed, device=fit.device, run_dir=run.run_dir,
            snapshots=_steps(run.snapshots), tensorboard=run.tensorboard,
            overwrite=run.overwrite, max_pixels=run.max_pixels,
            checkpoint_every=run.checkpoint_every, **own,
        )
        for source, target in pairs
    ]  # fmt: skip
    return _run_jobs(jobs, printing)


def _run_jobs(jobs: Sequence[Job], printing: PrintOptions) -> int:
    """Run jobs one after another; one that fails does not keep the others from running."""
    from untrained.callbacks import Callback, Progress, Scoring
    from untrained.jobs import run_job

    silent = printing.quiet or printing.json
    bars: list[Progress] = []

    def observers(label: str, scoring: Scoring) -> list[Callback]:
        if silent:
            return []
        bars.append(Progress(label, scoring=scoring))
        return [bars[-1]]

    code = 0
    for job in jobs:
        try:
            outcome = run_job(job, observers=observers, command=shlex.join(sys.argv))
        except InputError as error:
            if len(jobs) == 1 or printing.debug:
                raise
            _print_error(str(error))
            code = 2
            continue
        finally:
            for bar in bars:
                bar.close()
        if printing.json:
            print(json_module.dumps(_as_json(outcome)), flush=True)
        elif not printing.quiet:
            for line in _account(outcome):
                print(line, flush=True)
        if outcome.status == "interrupted":
            return 130
    return code


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "input": str(outcome.job.source),
        "output": str(outcome.job.target),
        "run": str(outcome.folder),
        "results": outcome.record.get("results", []),
    }


def _account(outcome: Outcome) -> list[str]:
    """Return the honest account of a job in a few lines."""
    from untrained.callbacks.progress import format_seconds

    job = outcome.job
    if outcome.status == "skipped":
        return [f"{job.source} → {job.target}: finished before with the same settings, skipped"]
    lines = [f"{job.source} → {job.target}"]
    for result in outcome.record["results"]:
        lines.append(
            f"  stopped after {result['stop_step']} of at most {result['max_steps']} steps: "
            f"{result['stop_advice']}; kept the {result['kept']} of step {result['kept_step']}"
        )
        facts = [
            f"{format_seconds(result['seconds'])}, {result['steps_per_second']:.1f} steps/s, "
            f"{result['precision']} on {result['device']}"
        ]
        if result["sigma_255"] is not None and job.task == "denoise":
            how = "estimated" if result["sigma_estimated"] else "given"
            kind = ", shared by neighbouring pixels" if result["correlated_noise"] else ""
            facts.append(f"noise σ {result['sigma_255']:.1f} on the 0-255 scale ({how}{kind})")
        if result["tiles"] > 1:
            facts.append(f"{result['tiles']} tiles, the steps are of all of them")
        if result["missing_pixels"]:
            facts.append(f"{result['missing_pixels']:,} missing pixels filled")
        if result["impulses"]:
            facts.append(f"{result['impulses']:,} pixels stuck at black or white replaced")
        if result["recoveries"]:
            facts.append(f"{result['recoveries']} diverging steps rolled back")
        lines.append("  " + "; ".join(facts))
        if "score" in result:
            lines.append("  " + _score_line(result["score"]))
    lines.append(f"  record: {outcome.folder / 'run.json'}")
    if outcome.status == "interrupted":
        lines.append(
            f"  interrupted; go on with: untrained resume {shlex.quote(str(outcome.folder))}"
        )
    return lines


def _score_line(score: dict[str, Any]) -> str:
    before = score["psnr_degraded"]
    was = "" if before is None else f" (the input had {before:.2f} dB)"
    return (
        f"PSNR to the truth {score['psnr']:.2f} dB{was}, SSIM {score['ssim']:.3f}; "
        f"peak {score['peak_psnr']:.2f} dB at step {score['peak_step']}, "
        f"{score['gap_to_peak']:.2f} dB above what was kept"
    )


def _name_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"--set is {text!r}; wanted NAME=VALUE, for example lr=0.005")
    return name.strip(), value.strip()


def _steps(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--snapshots is {text!r}; wanted steps like 0,100,1000") from None


def _print_error(message: str) -> None:
    print(f"untrained: {' '.join(message.split())}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 2 for bad input, 1 for our own failure."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except (InputError, CycloptsError) as error:
        if "--debug" in tokens:
            traceback.print_exc()
        _print_error(str(error))
        return 2
    except KeyboardInterrupt:
        _print_error("interrupted")
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        if "--debug" in tokens:
            traceback.print_exc()
        _print_error(
            f"internal error: {type(error).__name__}: {error}; run again with --debug and report it"
        )
        return 1
