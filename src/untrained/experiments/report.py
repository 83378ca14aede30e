"""The results of an experiment as Markdown: measured beside published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from untrained.experiments.base import Experiment, Outcome

__all__ = ["markdown", "table"]

_NOTABLE = 0.3  # dB; a larger difference from a paper is given a reason

_FOOTNOTE = """PSNR is of the image that each method stopped at; the peak is the best that the fit
passed through, which only the truth shows, and the gap how far below it the fit ended. These two
and SSIM are of every pixel and channel, full scale 1; where PSNR is counted otherwise (within a
circle, of luma, by another full scale), the peak is on a scale of its own. (A fit with jitter and
no average is kept at the clean z, which can be better than every jittered image on the way: its
gap is negative.) Seconds are of the fit's loop alone."""


def markdown(outcome: Outcome, captions: Mapping[str, str]) -> str:
    """Return the whole report."""
    x = outcome.experiment
    machines = sorted({entry["machine"] for entry in outcome.entries.values()})
    parts = [f"# {x.title}", x.text.strip()]
    if x.reduced:
        parts.append(f"**{x.reduced}.** {x.quick}")
    parts += [f"![{caption}]({file})\n\n{caption}" for file, caption in captions.items()]
    if any("psnr" in entry for entry in outcome.entries.values()):
        parts += ["## PSNR in dB", _by_picture(outcome)]
        parts += _differences(outcome)
    if x.notes is not None:
        parts.append(x.notes(outcome))
    parts += ["## Methods", _by_method(outcome)]
    parts.append(f"{_FOOTNOTE} Seeds: {', '.join(map(str, x.seeds))}.")
    parts.append(f"Measured on: {'; '.join(machines)}.")
    return "\n\n".join(filter(None, parts)) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _by_picture(outcome: Outcome) -> str:
    x = outcome.experiment
    rows = []
    whole = x.pictures if len(x.pictures) == 1 else (*x.pictures, "mean")
    for picture in whole:
        name = picture.rpartition("/")[2].removesuffix(".png")
        cells = [f"{name} of {len(x.pictures)}" if picture == "mean" else name]
        for values in x.published.values():
            value = _published(x, values, picture)
            cells.append("" if value is None else f"{value:.2f}")
        for method in x.methods:
            cells.append(f"{_measured(outcome, method, picture):.2f}")
        rows.append(cells)
    header = ["picture", *(f"{p} (published)" for p in x.published), *x.methods]
    return table(header, rows)


def _measured(outcome: Outcome, method: str, picture: str) -> float:
    return outcome.mean(method, "psnr", None if picture == "mean" else picture)


def _differences(outcome: Outcome) -> list[str]:
    """Say by how much each method differs from what is published for it, and why if notable."""
    x = outcome.experiment
    lines = []
    for method, label in x.beside.items():
        if method not in x.methods:
            continue
        values = x.published[label]
        wanted = _published(x, values, "mean")
        if wanted is None:
            continue
        got = _measured(outcome, method, "mean")
        line = (
            f"- {method}: {got:.2f} dB, published ({label}) {wanted:.2f} dB, {got - wanted:+.2f}."
        )
        if abs(got - wanted) > _NOTABLE:
            comparable = x.whole_fits or not x.quick
            line += " " + (
                x.reasons.get(method, "We do not know why.") if comparable
                else "This is a reduced run, so the two are not comparable."
            )  # fmt: skip
        lines.append(line)
    return ["\n".join(lines)] if lines else []


def _published(x: Experiment, values: Mapping[str, float], picture: str) -> float | None:
    """Return a published figure; the mean is of the same pictures where each has its figure."""
    if picture == "mean" and all(name in values for name in x.pictures):
        return sum(values[name] for name in x.pictures) / len(x.pictures)
    return values.get(picture)


def _by_method(outcome: Outcome) -> str:
    rows = []
    for method, settings in outcome.experiment.methods.items():
        cells = [method, f"{outcome.mean(method, 'psnr'):.2f}"]
        if isinstance(settings, str):
            cells += [""] * 6
        else:
            cells += [
                f"{outcome.mean(method, 'ssim'):.3f}",
                f"{outcome.mean(method, 'peak'):.2f}",
                f"{outcome.mean(method, 'peak_step'):.0f}",
                f"{outcome.mean(method, 'steps'):.0f}",
                f"{outcome.mean(method, 'gap'):.2f}",
                f"{outcome.mean(method, 'parameters'):,.0f}",
            ]
        rows.append([*cells, f"{outcome.mean(method, 'seconds'):.1f}"])
    header = ["method", "PSNR", "SSIM", "peak", "at step", "steps", "gap", "parameters", "seconds"]
    return table(header, rows)
