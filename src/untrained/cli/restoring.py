"""The commands that restore pictures, each a few lines: its own options, and `restore_files`."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from untrained.cli.options import (
    ColourStrength,
    FitOptions,
    Flag,
    Joint,
    Output,
    Pictures,
    PrintOptions,
    Report,
    RunOptions,
    Sigma,
    SigmaInUnits,
    Strength,
    Whole,
)
from untrained.cli.piping import PIPE, run_piped
from untrained.cli.printing import (
    account,
    as_json,
    late_score,
    print_error,
    print_left_out,
    warn_of_size,
)
from untrained.errors import DivergedError, FailedError, InputError
from untrained.streams import lost, reason_of

if TYPE_CHECKING:
    from untrained.jobs import Answer, Job, Outcome
    from untrained.recipes import Recipe

__all__ = ["denoise", "inpaint", "restore_files", "resume", "run_jobs", "upscale"]


def denoise(
    files: Pictures, /, *,
    output: Output = None,
    sigma: Sigma = None,
    sigma_in_units: SigmaInUnits = False,
    photons: float | None = None,
    strength: Strength = None,
    colour_strength: ColourStrength = None,
    joint: Joint = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Remove noise from pictures.

    Parameters
    ----------
    photons
        Instead of --sigma, for pictures of little light: how many photons white stands for.
    """
    options: dict[str, Any] = {"sigma": sigma, "sigma_in_units": sigma_in_units}
    beside = {
        "photons": photons, "strength": strength, "colour_strength": colour_strength,
        "joint": joint,
    }  # fmt: skip
    options |= {name: value for name, value in beside.items() if value is not None}
    return restore_files("denoise", files, output, fit, run, printing, options=options)


def inpaint(
    files: Pictures, /, *,
    output: Output = None,
    mask: Path | None = None,
    mask_invert: Flag = False,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Fill the missing pixels of pictures: those of the mask, transparent ones, NaN.

    Parameters
    ----------
    mask
        A picture of the same size, as it is seen: white = known, black or coloured = to fill; or
        labels, all but 0 known; or strokes on transparent, or a transparent hole = to fill.
    mask_invert
        The mask is black where the picture is known.
    """
    return restore_files(
        "inpaint", files, output, fit, run, printing,
        options={"mask_invert": mask_invert}, beside={"mask": mask},
    )  # fmt: skip


def upscale(
    files: Pictures, /, *,
    output: Output = None,
    factor: Whole = 4,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Enlarge pictures.

    Parameters
    ----------
    factor
        How many times the height and width, a whole number from 2 up.
    """
    return restore_files("upscale", files, output, fit, run, printing, options={"factor": factor})


def resume(
    run: Path, /, *,
    strength: Strength = None,
    colour_strength: ColourStrength = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    report: Report = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Go on with a run that was killed or interrupted; the result is the same as if not.

    With a strength, that of a finished run of `denoise` is changed, which takes no new fit.

    Parameters
    ----------
    run
        The run's folder (it holds run.json).
    overwrite
        Replace an output that this run has not made.
    """
    from untrained.jobs import job_of_run
    from untrained.tasks import find_task

    job = job_of_run(run, overwrite=overwrite)
    asked = {"strength": strength, "colour_strength": colour_strength}
    changes = {name: value for name, value in asked.items() if value is not None}
    if changes and not changes.keys() <= set(find_task(job.task).afterwards):
        raise InputError(f"{run}: is a run of {job.task}, which takes no strength; leave it out")
    job = replace(job, options={**job.options, **changes})
    if report and not job.snapshots:
        job = replace(job, snapshots=_steps("auto", job.recipe.max_steps))
    return run_jobs([job], printing, report=report)


def restore_files(
    task: str, files: Sequence[Path], output: Path | None,
    fit: FitOptions, run: RunOptions, printing: PrintOptions, *,
    options: Mapping[str, Any], beside: Mapping[str, Path | None] | None = None,
    changed: Callable[[Recipe], Recipe] = lambda recipe: recipe,
) -> int:  # fmt: skip
    """Turn what the user typed into jobs and run them.

    Args:
        task: a name of `TASKS`.
        files, output: the pictures, and where they go.
        fit, run, printing: the options of all tasks.
        options: the task's own, all of them.
        beside: the files that the task takes beside the picture; None = not given.
        changed: makes of the recipe the one that is fitted.
    """
    from untrained.jobs import Job, plan_targets
    from untrained.recipes import find_recipe, with_settings
    from untrained.tasks import find_task

    run.check()
    recipe = changed(with_settings(find_recipe(task, fit.recipe), fit.changes()))
    find_task(task).check(options)  # before any folder is read
    given = {name: path for name, path in (beside or {}).items() if path is not None}
    piped = PIPE in (*files, output)
    if piped and run.needs_folder():
        raise InputError(
            "a pipe keeps no folder of the run; give files, or leave out --run-dir, --snapshots, "
            "--report, --tensorboard and --keep-network"
        )

    def job(source: Path, target: Path) -> Job:
        return Job(
            task=task, source=source, target=target, recipe=recipe, options=options,
            files=given, truth=fit.truth, seed=fit.seed, device=fit.device, nodata=fit.nodata,
            run_dir=run.run_dir, keep_run=not (run.no_run or piped),
            snapshots=_steps(run.snapshots or ("auto" if run.report else ""), recipe.max_steps),
            tensorboard=run.tensorboard, keep_network=run.keep_network,
            overwrite=run.overwrite, max_pixels=run.max_pixels,
            checkpoint_every=run.checkpoint_every,
        )  # fmt: skip

    suffix = f".{run.format}" if run.format else None
    if piped:
        return run_piped(
            files, output, suffix, lambda *ends: run_jobs([job(*ends)], printing),
            max_pixels=run.max_pixels,
        )  # fmt: skip
    plan = plan_targets(
        task, files, output, recursive=run.recursive, run_dir=run.run_dir, suffix=suffix,
        beside=given if fit.truth is None else {**given, "truth": fit.truth},
    )  # fmt: skip
    bad = [one for one in plan.left_out if one.bad]
    if bad and len(files) == 1 and not files[0].is_dir():
        raise InputError(f"{bad[0].path}: {bad[0].reason}")
    print_left_out(bad if printing.quiet else plan.left_out, json_lines=printing.json)
    if not plan.pairs:
        names = ", ".join(str(file) for file in files)
        what = find_task(task).formats.what
        raise InputError(f"{names}: holds no {what} to {task}; wanted a folder with some")
    if fit.truth is not None and len(plan.pairs) > 1:
        raise InputError(f"--truth goes with one input, {len(plan.pairs)} were given")
    jobs = [job(source, target) for source, target in plan.pairs]
    code = run_jobs(jobs, printing, workers=run.workers, report=run.report)
    return max(code, 2) if bad else code


def run_jobs(
    jobs: Sequence[Job], printing: PrintOptions, *, workers: int = 1, report: bool = False
) -> int:
    """Run jobs and print what came of each; one that fails does not keep the others back.

    With `report`, each run's folder is given a report.html. The exit code is the gravest of all:
    130 interrupted, 2 bad input, 1 a fit that kept diverging or a failure of our own.
    """
    from untrained.jobs import as_failure

    command = shlex.join(sys.argv)
    silent = printing.quiet or printing.json
    stop = threading.Event()
    if workers == 1 or len(jobs) == 1:
        answers = _in_turn(jobs, command, silent)
    else:
        from untrained.jobs import run_side_by_side

        answers = run_side_by_side(
            jobs, workers=workers, command=command, silent=silent, cancelled=stop.is_set
        )
    code = 0
    for answer in answers:
        try:
            if isinstance(answer, (InputError, FailedError)):
                raise answer
            code = max(code, _tell(answer, printing, report=report))
        except KeyboardInterrupt:
            if stop.is_set():
                raise
            stop.set()  # the workers still keep what they have
            code = 130
        except (InputError, FailedError) as error:
            code = max(code, _tell_error(error, printing, alone=len(jobs) == 1))
        except Exception as error:
            assert not isinstance(answer, (InputError, FailedError))
            failure = as_failure(answer.job, error)
            code = max(code, _tell_error(failure, printing, alone=len(jobs) == 1))
        if code == 130 and workers == 1:
            break
    if lost(sys.stdout):
        print_error(
            f"standard output could not be written ({reason_of(lost(sys.stdout))}); "
            "the pictures are written, the account of them is not"
        )
        code = max(code, 1)
    return code


def _tell_error(error: InputError | FailedError, printing: PrintOptions, *, alone: bool) -> int:
    """Print the line of a job that failed, and return its exit code; raise that of the only one."""
    if alone:
        raise error
    if printing.debug:
        traceback.print_exception(error)
    print_error(str(error))
    return 2 if isinstance(error, InputError) and not isinstance(error, DivergedError) else 1


def _tell(outcome: Outcome, printing: PrintOptions, *, report: bool) -> int:
    """Print what came of a job, write its report, and return its exit code."""
    from untrained.report import write_report

    score = late_score(outcome)
    if report and outcome.folder is not None:
        page = outcome.folder / "report.html"
        warn_of_size(page, write_report([outcome.folder], page))
    if printing.json:
        print(json.dumps(as_json(outcome, score)), flush=True)
    elif not printing.quiet:
        for line in account(outcome, score):
            print(line, flush=True)
        if report and outcome.folder is not None:
            print(f"  report: {page}", flush=True)
    code = 0
    for result in outcome.record.get("results", []):
        if result["stop_reason"] == "diverged":
            print_error(f"{outcome.job.source}: {result['stop_advice']}")
            code = 1
    for page in outcome.record.get("failed", []):
        print_error(f"{outcome.job.source} page {page['page']}: {page['error']}; it is as it was")
        code = 1
    return 130 if outcome.status == "interrupted" else code


def _in_turn(jobs: Sequence[Job], command: str, silent: bool) -> Iterator[Answer]:
    """Run jobs one after another, with a bar for each."""
    from untrained.fitting import Callback, Progress, Scoring
    from untrained.jobs import attempt

    bars: list[Progress] = []

    def observers(label: str, scoring: Scoring) -> list[Callback]:
        if silent:
            return []
        bars.append(Progress(label, scoring=scoring))
        return [bars[-1]]

    for job in jobs:
        try:
            answer = attempt(job, observers=observers, command=command)
        finally:
            for bar in bars:
                bar.close()
        yield answer


def _steps(text: str, max_steps: int) -> tuple[int, ...]:
    if text == "auto":
        from untrained.fitting import spread_steps

        return spread_steps(max_steps)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"--snapshots is {text!r}; wanted auto, or steps like 0,100,1000")
    return tuple(int(part) for part in parts)
