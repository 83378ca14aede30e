"""A result to look at: in words, in a notebook, as a figure."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from untrained.fitting.result import Result

__all__ = ["as_html", "figure", "in_words"]

_SIDE = 384  # pixels: of a picture in a notebook
_POINTS = 300  # of a curve


def in_words(result: Result) -> str:
    """Return at most eight lines on a result."""
    channels, height, width = result.estimate.shape[1:]
    lines = [
        f"Result: {height}x{width}x{channels}, {result.stop_step} steps in {result.seconds:.1f} s",
        f"  stopped: {result.reason.advice}",
        f"  kept: the {result.kept} of step {result.kept_step}",
    ]
    if result.score is not None:
        score = result.score
        lines.append(
            f"  to the truth: PSNR {score.psnr_kept:.2f} dB, SSIM {score.ssim_kept:.4f}; "
            f"peak {score.peak_psnr:.2f} dB at step {score.peak_step}"
        )
    found = ["estimate"]
    found += ["image"] if result.image is not None else []
    found += [*result.extras, *(["weights"] if result.weights else [])]
    lines.append(f"  has: {', '.join(found)}")
    return "\n".join([*lines, *(f"  note: {note}" for note in result.notes[:3])])


def as_html(result: Result) -> str:
    """Return observed | estimate and the curves, in one piece of HTML without scripts."""
    cells = []
    for name, image in _pictures(result):
        data = base64.b64encode(_png(image)).decode()
        cells.append(
            f'<figure style="margin:0"><img alt="{name}" style="image-rendering:pixelated;'
            f'max-width:100%" src="data:image/png;base64,{data}"><figcaption>{name}</figcaption>'
            "</figure>"
        )
    for name, values in _curves(result):
        cells.append(
            f'<figure style="margin:0">{_svg(values, name)}<figcaption>{name}</figcaption></figure>'
        )
    words = html.escape(in_words(result))
    row = "display:flex;gap:12px;flex-wrap:wrap;align-items:flex-end"
    return f'<div><div style="{row}">{"".join(cells)}</div><pre>{words}</pre></div>'


def figure(result: Result) -> Figure:
    """Return a figure of observed | estimate | curves.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(
            "plots need matplotlib, which is not installed; pip install 'untrained[figures]'"
        ) from None
    pictures, curves = _pictures(result), _curves(result)
    page = Figure(figsize=(3.2 * (len(pictures) + bool(curves)), 3.2), layout="constrained")
    axes = np.atleast_1d(page.subplots(1, len(pictures) + bool(curves)))
    for (name, image), axis in zip(pictures, axes, strict=False):
        axis.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=1)
        axis.set_title(name)
        axis.set_axis_off()
    for name, values in curves:
        axes[-1].plot(np.arange(1, len(values) + 1), values, label=name)
    if curves:
        axes[-1].set_xlabel("step")
        axes[-1].legend(frameon=False)
    return page


def _pictures(result: Result) -> list[tuple[str, NDArray[np.float64]]]:
    """Return what can be shown, (h, w, 1 or 3) in [0, 1]; no measurement that is no picture."""
    shown = [("estimate", result.estimate)]
    if result.observed is not None and min(result.observed.shape[-2:]) >= 8:
        shown.insert(0, ("observed", result.observed))
    return [(name, _to_look_at(image)) for name, image in shown]


def _to_look_at(image: Tensor) -> NDArray[np.float64]:
    """Return (h, w, 1 or 3) in [0, 1]; values that leave it are brought into it, all alike."""
    step = -(-max(image.shape[-2:]) // _SIDE)
    values = image[0, :, ::step, ::step].detach().cpu().double().permute(1, 2, 0).numpy()
    values = np.nan_to_num(values if values.shape[2] in (1, 3) else values[..., :1])
    low, high = float(values.min()), float(values.max())
    if low < -0.25 or high > 1.25:
        values = (values - low) / (high - low)
    return np.asarray(values.clip(0, 1), dtype=np.float64)


def _curves(result: Result) -> list[tuple[str, Sequence[float]]]:
    history = result.history
    curves = [("PSNR to the observation, dB", history.psnr_observed)]
    if result.score is not None and len(result.score.steps) > 1:
        curves.append(("PSNR to the truth, dB (at the looks)", list(result.score.psnr_truth)))
    return [(name, values) for name, values in curves if len(values) > 1]


def _png(image: NDArray[np.float64]) -> bytes:
    from PIL import Image

    values = np.rint(255 * image).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[2] == 1 else values).save(file, "PNG")
    return file.getvalue()


def _svg(values: Sequence[float], name: str) -> str:
    """Return a curve of 240x140 pixels with its first, lowest and highest value in words."""
    finite = [v for v in values if math.isfinite(v)] or [0.0]
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0
    stride = -(-len(values) // _POINTS)
    points = " ".join(
        f"{240 * i / (len(values) - 1):.1f},{130 - 120 * (v - low) / span:.1f}"
        for i, v in list(enumerate(values))[::stride]
        if math.isfinite(v)
    )
    return (
        f'<svg width="240" height="140" role="img" aria-label="{name}">'
        f'<polyline fill="none" stroke="#06c" stroke-width="1.5" points="{points}"/>'
        f'<text x="2" y="12" font-size="11">{high:.2f}</text>'
        f'<text x="2" y="138" font-size="11">{low:.2f}</text></svg>'
    )
