"""What the commands print: the account of an outcome, scores, errors."""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untrained.jobs import LeftOut, Outcome
    from untrained.report import Report

__all__ = ["account", "as_json", "late_score", "print_error", "print_left_out", "warn_of_size"]

_MOST_NAMES = 4


def late_score(outcome: Outcome) -> dict[str, float] | None:
    """Return the score of the written picture, if there is a truth that the fit did not know.

    Raises:
        InputError: a truth that cannot be read, or of another size.
    """
    from untrained.comparison import score_files
    from untrained.tasks import find_task

    if not find_task(outcome.job.task).formats.keeps_output:
        return None  # of a scan, whose numbers are no picture's
    truth = outcome.job.truth
    known = any("score" in result for result in outcome.record.get("results", []))
    if truth is None or (known and outcome.status != "skipped"):
        return None
    return score_files(outcome.job.target, truth)


def as_json(outcome: Outcome, score: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return what `--json` prints of a job; `score` is a late one."""
    return {
        "status": outcome.status,
        "input": str(outcome.job.source),
        "output": str(outcome.job.target),
        "run": None if outcome.folder is None else str(outcome.folder),
        "notes": _notes(outcome),
        "results": outcome.record.get("results", []),
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
    from untrained.report.facts import level_in_words, pages_in_words

    job = outcome.job
    if outcome.status == "skipped":
        lines = [f"{job.source} → {job.target}: finished before with the same settings, skipped"]
        if outcome.lacking:
            lacking = " and ".join(outcome.lacking)
            lines.append(f"  finished before without {lacking}; --overwrite to fit again")
        return lines + _late_score_lines(score) + _note_lines(outcome)
    lines = [f"{job.source} → {job.target}"]
    for page, result in _pages(outcome):
        lines.append(
            f"  {page}stopped after {result['stop_step']} of at most {result['max_steps']} steps: "
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
            facts.append(f"noise {level_in_words(result)} ({how}{kind})")
        measured = "scales" in outcome.record
        if result["missing_pixels"] and not measured:
            what = "filled" if result.get("missing_filled", True) else "left as they were"
            facts.append(f"{result['missing_pixels']:,} missing pixels {what}")
        if result.get("outliers"):
            facts.append(f"{result['outliers']:,} pixels far outside the others' range kept")
        if result["impulses"]:
            facts.append(f"{result['impulses']:,} pixels stuck at black or white replaced")
        if "together" in result:
            facts.append(f"by one fit of the pages {pages_in_words(result['together'])}")
        if result.get("refined"):
            facts.append("then filtered, guided by the network's image")
        facts += [f"{name.replace('_', ' ')} {job.options[name]:g}" for name in job.afterwards()]
        if result["recoveries"]:
            facts.append(f"{result['recoveries']} diverging steps rolled back")
        lines.append("  " + "; ".join(facts))
        if "score" in result:
            before = "the first look" if measured else "the input"
            lines.append("  " + _score_line(result, before))
        lines += _extras_lines(outcome, result)
    lines += _late_score_lines(score)
    lines += _note_lines(outcome)
    if outcome.folder is None:
        lines.append("  no run folder was kept")
        return lines
    lines.append(f"  record: {outcome.folder / 'run.json'}")
    if outcome.status == "interrupted":
        lines.append(
            f"  interrupted; go on with: untrained resume {shlex.quote(str(outcome.folder))}"
        )
    return lines


def _pages(outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
    """Return the accounts of the pages that were restored, each with what names the page."""
    results, failed = outcome.record["results"], outcome.record.get("failed", [])
    if "result_pages" in outcome.record:
        from untrained.jobs import accounts_in

        return [(f"page {i + 1}: ", found) for i, found in accounts_in(outcome.record).items()]
    if len(results) + len(failed) == 1:
        return [("", results[0])]
    without = {entry["page"] for entry in failed}
    pages = (page for page in itertools.count(1) if page not in without)
    return [(f"page {page}: ", result) for page, result in zip(pages, results, strict=False)]


def _late_score_lines(score: Mapping[str, float] | None) -> list[str]:
    if score is None:
        return []
    return [
        f"  PSNR to the truth {score['psnr']:.2f} dB, SSIM {score['ssim']:.3f} "
        "(of the file that was written)"
    ]


def _notes(outcome: Outcome) -> list[str]:
    """Return what was done that the user may not expect, of all pages, each sentence once."""
    results = outcome.record.get("results", [])
    notes = [note for result in results for note in result.get("notes", ())]
    return list(dict.fromkeys([*outcome.record.get("notes", ()), *notes]))


def _note_lines(outcome: Outcome) -> list[str]:
    return [f"  note: {note}" for note in _notes(outcome)]


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


def _score_line(result: dict[str, Any], first: str) -> str:
    """Return how near a result is to the truth; `first` is what there was before it."""
    from untrained.report.facts import peak_in_words

    score = result["score"]
    before = score["psnr_degraded"]
    beside = [] if before is None else [f"{first} had {before:.2f} dB"]
    if "full_strength" in score:
        beside.append(f"at full strength {score['full_strength']['psnr']:.2f} dB")
    was = f" ({', '.join(beside)})" if beside else ""
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


def print_left_out(left_out: Sequence[LeftOut], *, json_lines: bool = False) -> None:
    """Say which files are not taken: a line a reason, or with `json_lines` an object a file."""
    if json_lines:
        for one in left_out:
            said = {"status": "left out", "input": str(one.path), "reason": one.reason}
            print(json.dumps(said), flush=True)
        return
    for reason in dict.fromkeys(one.reason for one in left_out):
        names = [str(one.path) for one in left_out if one.reason == reason]
        more = len(names) - _MOST_NAMES
        shown = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        print_error(f"skipped {len(names)} ({reason}): {shown}")


def warn_of_size(target: Path, report: Report) -> None:
    """Say it if a report is larger than was asked for."""
    if report.too_large:
        print_error(
            f"{target}: has {report.size / 1e6:.2f} MB instead of at most "
            f"{report.max_megabytes:g}; the pictures need that without loss"
        )
