"""The account of a run in words: why it stopped, what it reached, what it ran on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from untrained.fitting.callbacks.progress import format_seconds

__all__ = ["facts_of", "level_in_words", "pages_in_words", "peak_in_words"]


def facts_of(
    record: dict[str, Any], summary: dict[str, Any] | None, lines: Sequence[dict[str, Any]]
) -> dict[str, str]:
    """Return the account: what a careful reader wants to know, in this order."""
    found: dict[str, str] = {}
    if summary is not None:
        found |= _account(summary, "the first look" if "scales" in record else _OBSERVED)
    elif lines:
        found["steps"] = f"{lines[-1]['step']} so far"
    scan = record.get("scan")
    found |= {str(k): str(v) for k, v in scan.items()} if isinstance(scan, dict) else {}
    taken = record.get("taken_step")
    if summary is not None and taken not in (None, summary["kept_step"]):
        found["kept"] = f"the image of step {taken}, taken by hand"
    if strength := _strength_in_words(record["job"].get("options", {})):
        found["strength"] = strength
    versions = record.get("versions", {})
    names = ("untrained", "torch", "numpy", "python")
    found |= {
        "seed": str(record["job"]["seed"]),
        "started": str(record.get("started", "")).replace("T", " ").replace("+00:00", " UTC"),
        "versions": ", ".join(f"{name} {versions[name]}" for name in names if name in versions),
        "machine": ", ".join(
            str(part)
            for part in (
                record.get("gpu"),
                record.get("processor"),
                record.get("system"),
                f"threads: {record['threads']}" if "threads" in record else "",
            )
            if part
        ),
        "input sha256": str(record.get("source_sha256", ""))[:16],
    }
    return {label: value for label, value in found.items() if value}


_OBSERVED = "the observed picture"


def _strength_in_words(options: Mapping[str, Any]) -> str:
    """Return how much of what the fit took away is taken away; nothing where it is all of it."""
    whole, colours = (options.get(name) for name in ("strength", "colour_strength"))
    whole = 1.0 if whole is None else float(whole)
    colours = whole if colours is None else float(colours)
    if whole == colours == 1:
        return ""
    apart = "" if colours == whole else f", {100 * colours:.0f} % in the colours"
    return f"{100 * whole:.0f} %{apart}; the images of the timeline are at 100 %"


def _account(summary: dict[str, Any], seen: str) -> dict[str, str]:
    most = summary.get("max_steps", summary["stop_step"])
    found = {
        "stopped": f"{summary['stop_advice']} ({summary['stop_reason']})",
        "steps": f"{summary['stop_step']} of at most {most}",
        "kept": f"the {summary['kept']} of step {summary['kept_step']}"
        + (", then y filtered with it as the guide" if summary.get("refined") else ""),
    }
    score = summary.get("score")
    if score is not None:
        before = score["psnr_degraded"]
        found["PSNR to the truth"] = f"{score['psnr']:.2f} dB" + (
            "" if before is None else f" ({seen}: {before:.2f} dB)"
        )
        found["SSIM to the truth"] = f"{score['ssim']:.4f}"
        if "full_strength" in score:
            found["PSNR to the truth"] += (
                f"; what the fit kept, at full strength: {score['full_strength']['psnr']:.2f} dB"
            )
        if summary["kept"] == "iterate":
            found["PSNR to the truth"] += "; of the kept image, not of the curve (see the notes)"
        if summary.get("tiles", 1) == 1:  # in tiles the whole image is seen only at the end
            found["peak"] = peak_in_words(score, refined=summary.get("refined", False))
    if "psnr_observed" in summary:
        level = f"{summary['psnr_observed']:.2f} dB"
        if seen == _OBSERVED:
            found["PSNR to the original"] = level
        else:
            found["agreement with y"] = f"A x - y is {level} below the mean square of y"
    found["time"] = (
        f"{format_seconds(summary['seconds'])}, {summary['steps_per_second']:.1f} steps/s"
    )
    found["device"] = f"{summary.get('device', '?')}, {summary.get('precision', '?')}"
    if summary.get("nothing_done"):
        found["noise"] = f"{summary['nothing_done']}: nothing was taken away"
    elif summary.get("sigma_255") is not None:
        how = "estimated" if summary["sigma_estimated"] else "given"
        shared = ", shared by neighbouring pixels" if summary["correlated_noise"] else ""
        found["noise"] = f"{level_in_words(summary)}, {how}{shared}"
    if summary.get("missing_pixels") and seen == _OBSERVED:
        found["missing pixels"] = f"{summary['missing_pixels']:,}"
    if summary.get("outliers"):
        found["outliers"] = f"{summary['outliers']:,}, kept as they were"
    if summary.get("impulses"):
        found["impulses"] = f"{summary['impulses']:,} pixels stuck at black or white"
    if summary.get("tiles", 1) > 1:
        found["tiles"] = f"{summary['tiles']}, the steps are of all of them"
        if summary.get("filled_tiles"):
            found["tiles"] += f"; {summary['filled_tiles']} hardly known, filled smoothly"
    if "together" in summary:
        found["one fit of the pages"] = pages_in_words(summary["together"])
    if summary["recoveries"]:
        found["recoveries"] = f"{summary['recoveries']} diverging steps rolled back"
    return found


def pages_in_words(pages: Sequence[int]) -> str:
    """Return numbers of pages in words: 1 to 6, or 2, 5, 8."""
    first, last = min(pages), max(pages)
    if last - first + 1 == len(pages):
        return f"{first} to {last}"
    return ", ".join(map(str, sorted(pages)))


def level_in_words(summary: Mapping[str, Any]) -> str:
    """Return a noise level in words: on the 0-255 scale, else in the units of the file."""
    if summary.get("full_scale", 255) == 255 or summary.get("sigma") is None:
        return f"σ {summary['sigma_255']:.1f} on the 0-255 scale"
    return f"σ {summary['sigma']:.3g} in the units of the file"


def peak_in_words(score: dict[str, Any], *, refined: bool = False) -> str:
    """Return how the best image that the fit passed through compares with the kept one."""
    peak = f"{score['peak_psnr']:.2f} dB at step {score['peak_step']}"
    if score["gap_to_peak"] <= -0.005:
        return (
            f"{peak} of the curve; the kept image, "
            f"{'filtered after the fit' if refined else 'drawn once more after its step'}, "
            f"is {-score['gap_to_peak']:.2f} dB above it"
        )
    if score["gap_to_peak"] < 0.005:
        return f"{peak}; the kept image is the best one seen"
    return f"{peak}, {score['gap_to_peak']:.2f} dB above what was kept"
