"""What the commands print: the account of an outcome, scores, errors."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untrained.jobs import Outcome
    from untrained.report import Report

__all__ = ["account", "as_json", "print_error", "warn_of_size"]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return what `--json` prints of a job."""
    return {
        "status": outcome.status,
        "input": str(outcome.job.source),
        "output": str(outcome.job.target),
        "run": str(outcome.folder),
        "results": outcome.record.get("results", []),
    }


def account(outcome: Outcome) -> list[str]:
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
        if result.get("filled_tiles"):
            facts.append(f"{result['filled_tiles']} of them hardly known, filled smoothly")
        if result["missing_pixels"]:
            facts.append(f"{result['missing_pixels']:,} missing pixels filled")
        if result["impulses"]:
            facts.append(f"{result['impulses']:,} pixels stuck at black or white replaced")
        if result["recoveries"]:
            facts.append(f"{result['recoveries']} diverging steps rolled back")
        lines.append("  " + "; ".join(facts))
        if "score" in result:
            lines.append("  " + _score_line(result))
    lines.append(f"  record: {outcome.folder / 'run.json'}")
    if outcome.status == "interrupted":
        lines.append(
            f"  interrupted; go on with: untrained resume {shlex.quote(str(outcome.folder))}"
        )
    return lines


def _score_line(result: dict[str, Any]) -> str:
    from untrained.report.facts import peak_in_words

    score = result["score"]
    before = score["psnr_degraded"]
    was = "" if before is None else f" (the input had {before:.2f} dB)"
    # In tiles the whole image is seen only at the end.
    peak = "" if result["tiles"] > 1 else f"; peak {peak_in_words(score)}"
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
