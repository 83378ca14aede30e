"""What the figure and the animation of a run share: matplotlib, the run, its curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.report.model import ViewRun, view_of_run
from untrained.report.pictures import Pixels, Shown

__all__ = ["KEPT", "STYLE", "draw_psnr", "pyplot", "read_run", "show"]

# Okabe and Ito's colours, which people who see few colours can tell apart
TRUTH, KEPT, OBSERVED = "#0072B2", "#D55E00", "#777777"

STYLE = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6, "lines.linewidth": 1.0,
    "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42,
}  # fmt: skip


def pyplot() -> Any:
    """Return matplotlib's pyplot, drawing to files.

    Raises:
        InputError: it is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise InputError("figures need matplotlib; pip install 'untrained[figures]'") from None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def read_run(folder: Path, page: int) -> tuple[ViewRun, dict[str, Shown]]:
    """Return what is known of a run and its pictures by name."""
    pictures: dict[str, Shown] = {}

    def link(shown: Shown) -> str:
        pictures[shown.name] = shown
        return shown.name

    return view_of_run(folder, link=link, page=page), pictures


def show(axes: Any, pixels: Pixels, size: tuple[int, int]) -> Any:
    """Draw a picture, pixel by pixel, over the coordinates (width, height) of the estimate."""
    width, height = size
    drawn = axes.imshow(
        pixels, cmap="gray", vmin=0, vmax=255, interpolation="none",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    return drawn


def draw_psnr(axes: Any, run: ViewRun) -> None:
    """Draw PSNR against steps: to the observation, to the truth; where it stopped and the peak."""
    history, stop, peak = run["history"], run["stop"], run["peak"]
    axes.plot(
        history["step"], _numbers(history["psnr_observed"]), color=OBSERVED, lw=0.8,
        label="to the observation",
    )  # fmt: skip
    if history["truth_step"]:
        steps, kept = history["truth_step"], _numbers(history["psnr_truth"])
        iterate = _numbers(history["psnr_truth_iterate"])
        if iterate != kept:
            axes.plot(
                steps, iterate, color=TRUTH, alpha=0.35, lw=0.8, label="to the truth, iterate"
            )
        axes.plot(steps, kept, color=TRUTH, label="to the truth")
    if stop is not None:
        axes.axvline(
            stop["kept_step"], color=KEPT, lw=0.9, ls="--", label=f"kept, step {stop['kept_step']}"
        )
    if peak is not None:
        axes.plot(
            peak["step"], peak["psnr"], "o", ms=4, mfc="none", color=TRUTH,
            label=f"peak, {peak['psnr']:.2f} dB at step {peak['step']}",
        )  # fmt: skip
    axes.set_xlabel("step")
    axes.set_ylabel("PSNR in dB")
    axes.grid(alpha=0.25, lw=0.5)


def _numbers(values: list[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
