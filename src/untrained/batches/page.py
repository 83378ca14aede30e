"""The report of a batch: one page with what all fits gained and took, and the worst twenty."""

from __future__ import annotations

import base64
import heapq
import html
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from untrained.atomic import write_atomically
from untrained.batches.addresses import fetch, is_remote, local
from untrained.batches.ledger import Ledger, state_of
from untrained.batches.status import status_of
from untrained.errors import FailedError, InputError

__all__ = ["write_page"]

WORST = 20
_THUMB = 192  # pixels of the longer side
_MEASURES = {
    "gain": ("Gain in PSNR, dB", "the smallest gain in PSNR"),
    "psnr_observed": (
        "PSNR between output and input, dB",
        "the output that is furthest from its input (there was no truth to score with)",
    ),
}
_STYLE = """:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left}
figure{display:inline-block;margin:.5rem 1rem .5rem 0;vertical-align:top;max-width:26rem}
figcaption{font-size:.8rem;overflow-wrap:anywhere}img{image-rendering:pixelated;margin-right:4px}
svg{display:block;max-width:100%;height:auto}rect{fill:#4a78b5}text{font-size:11px;fill:CanvasText}"""


def write_page(output: str, target: Path, *, state: Path | None = None) -> None:
    """Write the report of a batch as one HTML page that needs nothing else.

    Raises:
        InputError: no batch, or the page cannot be written.
    """
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target}: wanted a report as .html")
    status = status_of(output, state=state)
    values: dict[str, list[float]] = {"gain": [], "psnr_observed": [], "seconds": []}
    doubts: Counter[str] = Counter()
    with Ledger(state or state_of(output), output) as ledger:
        for line in ledger.lines():
            if line["status"] == "done":
                for name, found in values.items():
                    if name in line:
                        found.append(line[name])
                if "doubt" in line:
                    doubts[str(line["doubt"])[:160]] += 1
        measure = "gain" if values["gain"] else "psnr_observed"
        lines = (line for line in ledger.lines() if line["status"] == "done" and measure in line)
        worst = heapq.nsmallest(WORST, lines, key=lambda line: (line[measure], line["key"]))
    parts = [f"<h1>Batch {html.escape(output)}</h1>", _table("Entries", dict(status.counts))]
    if status.reasons:
        parts.append(_table("Set aside", dict(status.reasons.most_common(30))))
    if doubts:
        parts.append(_table("Done with a doubt", dict(doubts.most_common(30))))
    for name, label in (("gain", _MEASURES["gain"][0]),
                        ("psnr_observed", _MEASURES["psnr_observed"][0]),
                        ("seconds", "Seconds of a worker")):  # fmt: skip
        if values[name]:
            parts.append(_histogram(label, values[name]))
    if worst:
        parts.append(f"<h2>The worst {len(worst)}: {_MEASURES[measure][1]}</h2>")
        parts += [_figure(line, measure) for line in worst]
    title = html.escape(f"Batch {output}")
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    write_atomically(target, lambda file: file.write(page.encode(errors="replace")))


def _table(title: str, rows: dict[str, Any]) -> str:
    cells = "".join(
        f"<tr><td>{html.escape(str(name))}</td><td>{value}</td></tr>"
        for name, value in rows.items()
    )
    return f"<h2>{title}</h2><table>{cells}</table>"


def _histogram(label: str, values: Sequence[float]) -> str:
    """Return a drawing of how values are spread, of those between the 1st and 99th percentile."""
    low, high = np.percentile(values, [1, 99])
    high = high if high > low else low + 1
    counts, edges = np.histogram(np.clip(values, low, high), bins=30, range=(low, high))
    height, width = 120, 20
    bars = "".join(
        f'<rect x="{i * width}" y="{height - height * n / counts.max():.1f}" width="{width - 2}" '
        f'height="{height * n / counts.max():.1f}"><title>{edges[i]:.2f} to {edges[i + 1]:.2f}: '
        f"{n}</title></rect>"
        for i, n in enumerate(counts)
    )
    ends = "".join(
        f'<text x="{x}" y="{height + 16}" text-anchor="{anchor}">{value:.2f}</text>'
        for x, anchor, value in ((0, "start", low), (30 * width, "end", high))
    )
    middle = f"median {np.median(values):.2f}, mean {np.mean(values):.2f}, of {len(values)}"
    return (
        f"<h2>{html.escape(label)}</h2><p>{middle}; what lies outside is at the ends</p>"
        f'<svg width="{30 * width}" height="{height + 20}" '
        f'viewBox="0 0 {30 * width} {height + 20}">{bars}{ends}</svg>'
    )


def _figure(line: dict[str, Any], measure: str) -> str:
    pictures = _thumbnail(line["source"]) + _thumbnail(line["target"])
    text = html.escape(f"{line['source']}: {line[measure]:.2f} dB, {line['seconds']:.1f} s")
    return f"<figure>{pictures}<figcaption>{text}</figcaption></figure>"


def _thumbnail(place: str) -> str:
    """Return a picture as it is shown, small; a word where it cannot be."""
    import pyvips

    try:
        with tempfile.TemporaryDirectory(prefix="untrained-") as folder:
            path = local(place)
            if is_remote(place):
                path = Path(folder) / place.rpartition("/")[2]
                fetch(place, path)
            name = str(path).replace("[", "\\[")
            image = pyvips.Image.thumbnail(name, _THUMB, height=_THUMB, size="down")
            if image.format not in ("uchar", "ushort"):
                image = image.scaleimage()
            data = image.write_to_buffer(".png")
    except (pyvips.Error, OSError, InputError, FailedError):
        return "<em>(cannot be shown)</em>"
    coded = base64.b64encode(data).decode()
    return f'<img alt="" src="data:image/png;base64,{coded}">'
