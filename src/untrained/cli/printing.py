"""What the commands print: the account of an outcome, scores, errors."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untrained.jobs import Outcome
    from untrained.report import Report

__all__ = ["account", "as_json", "late_score", "print_error", "warn_of_size"]


def late_score(outcome: Outcome) -> dict[str, float] | None:
    """Return the score of a skipped job's written picture, if there is a truth.

    Raises:
        InputError: a truth that cannot be read, or of another size.
    """
    from untrained.comparison import score_files

    truth = outcome.job.truth
    return score_files(outcome.job.target, truth) if truth and outcome.status == "skipped" else None


def as_json(outcome: Outcome, score: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return what `--json` prints of a job; `score` is a late one."""
    return {
        "status": outcome.status,
        "input": str(outcome.job.source),
        "output": str(outcome.job.target),
        "run": None if outcome.folder is None else str(outcome.folder),
        "results": outcome.record.get("results", []),
        "notes": outcome.record.get("notes", []),
        **({"lacking": list(outcome.lacking)} if outcome.lacking else {}),
        **({} if score is None else {"score": dict(score)}),
    }


def account(outcome: Outcome, score: Mapping[str, float] | None = None) -> list[str]:
    """Return the honest account of a job in a few lines; `score` is a late one."""
    # names of files need not be UTF-8
    lines = _account(outcome, score)
    return [line.encode(errors="backslashreplace").decode() for line in lines]


def _account(outcome: Outcome, score: Mapping[str, float] | None) -> list[str]:
    from untrained.fitting.callbacks.progress import format_seconds

    job = outcome.job
    if outcome.status == "skipped":
        lines = [f"{job.source} → {job.target}: finished before with the same settings, skipped"]
        if outcome.lacking:
            lacking = " and ".join(outcome.lacking)
            lines.append(f"  finished before without {lacking}; --overwrite to fit again")
        if score is not None:
            lines.append(
                f"  PSNR to the truth {score['psnr']:.2f} dB, SSIM {score['ssim']:.3f} "
                "(of the file that was written)"
            )
        return lines + _notes(outcome)
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
        if result.get("nothing_done"):
            facts.append(
                f"nothing was taken away: the noise is {result['nothing_done']}; "
                "--sigma tells how much there is"
            )
        elif result["sigma_255"] is not None and job.task == "denoise":
            how = "estimated" if result["sigma_estimated"] else "given"
            kind = ", shared by neighbouring pixels" if result["correlated_noise"] else ""
            facts.append(f"noise σ {result['sigma_255']:.1f} on the 0-255 scale ({how}{kind})")
        if result["tiles"] > 1:
            facts.append(f"{result['tiles']} tiles, the steps are of all of them")
        if result.get("filled_tiles"):
            facts.append(f"{result['filled_tiles']} of them hardly known, filled smoothly")
        if result["missing_pixels"]:
            facts.append(f"{result['missing_pixels']:,} missing pixels filled")
        if result["impulses"]:
            facts.append(f"{result['impulses']:,} pixels stuck at black or white replaced")
        if result.get("refined"):
            facts.append("then filtered, guided by the network's image")
        facts += [f"{name.replace('_', ' ')} {job.options[name]:g}" for name in job.afterwards()]
        if result["recoveries"]:
            facts.append(f"{result['recoveries']} diverging steps rolled back")
        lines.append("  " + "; ".join(facts))
        if "score" in result:
            lines.append("  " + _score_line(result))
        lines += _extras_lines(outcome, result)
    lines += _notes(outcome)
    if outcome.folder is None:
        lines.append("  no run folder was kept")
        return lines
    lines.append(f"  record: {outcome.folder / 'run.json'}")
    if outcome.status == "interrupted":
        lines.append(
            f"  interrupted; go on with: untrained resume {shlex.quote(str(outcome.folder))}"
        )
    return lines


def _notes(outcome: Outcome) -> list[str]:
    """Return what the reader may not expect of this run."""
    return [f"  note: {note}" for note in outcome.record.get("notes", [])]


def _extras_lines(outcome: Outcome, result: dict[str, Any]) -> list[str]:
    """Return where that is which was found beside the picture, or why there is no uncertainty."""
    from untrained.averaging import SampleAverage

    names = result.get("extras", [])
    if names and outcome.folder is None:
        return [f"  found, and not kept without a run folder: {', '.join(names)}"]
    if names and outcome.folder is not None:
        one_page = (outcome.folder / f"{names[0]}.npy").exists()
        folder = outcome.folder if one_page else outcome.folder / "pages"
        return [f"  {', '.join(f'{name}.png' for name in names)} (values in .npy): in {folder}"]
    sampling = outcome.job.recipe.average
    if not isinstance(sampling, SampleAverage):
        return []
    why = f"{result['stop_step']} steps with burn_in {sampling.burn_in} are too few samples"
    if outcome.status == "interrupted":
        why = "the fit was cut short"
    elif result["tiles"] > 1:
        why = "none is made of tiles"
    return [f"  no map of the uncertainty: {why}"]


def _score_line(result: dict[str, Any]) -> str:
    from untrained.report.facts import peak_in_words

    score = result["score"]
    before = score["psnr_degraded"]
    was = "" if before is None else f" (the input had {before:.2f} dB)"
    # In tiles the whole image is seen only at the end.
    peak = (
        ""
        if result["tiles"] > 1
        else f"; peak {peak_in_words(score, refined=result.get('refined', False))}"
    )
    return f"PSNR to the truth {score['psnr']:.2f} dB{was}, SSIM {score['ssim']:.3f}{peak}"


def print_error(message: str) -> None:
    """Print one line to standard error."""
    print(f"untrained: {' '.join(message.split())}", file=sys.stderr)


def warn_of_size(target: Path, report: Report) -> None:
    """Say it if a report is larger than was asked for."""
    if report.too_large:
        print_error(
            f"{target}: has {report.size / 1e6:.2f} MB instead of at most "
            f"{report.max_megabytes:g}; the pictures need that without loss"
        )
