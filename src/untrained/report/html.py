"""Runs as one page that needs nothing else: no network, no second file, no server."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.report.model import Link, View, ViewRun, view_of_run
from untrained.report.packing import Held, Sources, choose
from untrained.report.pictures import Shown

__all__ = ["Report", "collector", "make_report", "page_of", "write_report"]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>{title}: the pictures and curves of this report need JavaScript.</noscript>
<script type="application/json" id="view">{view}</script>
{sources}
<script>{script}</script>
</body>
</html>
"""
_MARK = b'<script type="application/json" id="view">'
_MEGABYTE = 1_000_000
_POINTS = 400  # of a curve: more than a screen tells apart


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A page, its size in bytes, and the size that was asked for."""

    text: str
    size: int
    max_megabytes: float

    @property
    def too_large(self) -> bool:
        """Whether the pictures, which are never left out, kept it from that size."""
        return self.size > self.max_megabytes * _MEGABYTE


def write_report(
    folders: Sequence[Path], target: Path, *, max_megabytes: float = 2.0, page: int = 1
) -> Report:
    """Write the report of some runs into a file, .html; see `make_report`.

    Raises:
        InputError: as `make_report`; another suffix, or a file that is there and no report.
    """
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target}: wanted a report as .html")
    if target.exists() and not _is_report(target):
        raise InputError(f"{target}: exists and is no report; give another output with -o")
    report = make_report(folders, max_megabytes=max_megabytes, page=page)
    write_atomically(target, lambda file: file.write(report.text.encode()))
    return report


def _is_report(path: Path) -> bool:
    try:
        return path.is_file() and _MARK in path.read_bytes()
    except OSError:
        return False


def make_report(
    folders: Sequence[Path], *, max_megabytes: float = 2.0, page: int = 1,
    named: Callable[[ViewRun], ViewRun] = lambda run: run,
) -> Report:  # fmt: skip
    """Return a page with the viewer and everything of the runs.

    Observed picture, estimate, truth and overlays are held whole and without loss, whatever they
    take. Of the snapshots as many as fit, thinned and then at half or quarter size; the page says
    what was left out.

    Args:
        folders: of the runs.
        max_megabytes: the size of the page, 10⁶ bytes each.
        page: of stacks, from 1.
        named: gives a run the names that its reader knows, where the files have others.

    Raises:
        InputError: no run, no such page.
    """
    if not folders:
        raise InputError("no run; give one or more run folders")
    sources = Sources()
    parts = []
    for folder in folders:
        found: list[Shown] = []
        link = collector(sources, found)
        run = view_of_run(folder, link=link, page=page, points=_POINTS)
        parts.append((named(run), found))
    return page_of(parts, sources, max_megabytes=max_megabytes)


def page_of(
    parts: Sequence[tuple[ViewRun, Sequence[Shown]]], sources: Sources, *, max_megabytes: float
) -> Report:
    """Return the page of some runs, each with its snapshots in the order of its view.

    Args:
        parts: the runs; changed: told apart, snapshots chosen, notes added.
        sources: holds their pictures but for the snapshots.
        max_megabytes: the size of the page, 10⁶ bytes each.
    """
    if not max_megabytes > 0:
        raise InputError(f"max-megabytes is {max_megabytes}; wanted a number above 0")
    runs = [run for run, _ in parts]
    _tell_apart(runs)
    # what the page takes without pictures, with room for the notes that are still to come
    bare = len(_page(runs, Sources()).encode()) + 600 * len(runs)
    snapshots = [shown for _, shown in parts]
    kept = choose(sources, snapshots, max_megabytes * _MEGABYTE - bare)
    for run, held in zip(runs, kept.runs, strict=True):
        _keep(run, held, kept.factor)
    text = _page(runs, kept.sources)
    return Report(text=text, size=len(text.encode()), max_megabytes=max_megabytes)


def collector(sources: Sources, snapshots: list[Shown]) -> Link:
    """Return what holds every picture at once, but sets the snapshots aside."""

    def link(shown: Shown) -> str:
        if shown.name.startswith("snapshots/"):
            snapshots.append(shown)
            return ""
        return sources.add(shown.pixels(), shown.profile)

    return link


def _tell_apart(runs: Sequence[ViewRun]) -> None:
    """Give every run an id and a title of its own: runs of one picture by recipe, then by seed."""
    seeds = [
        next((f", seed {fact['value']}" for fact in run["facts"] if fact["label"] == "seed"), "")
        for run in runs
    ]
    for words in ([f", {run['recipe']}" for run in runs], seeds):
        titles = [run["title"] for run in runs]
        for run, more in zip(runs, words, strict=True):
            if titles.count(run["title"]) > 1:
                run["title"] += more
    for name in ("id", "title"):
        seen: set[str] = set()
        for run in runs:
            first, count = run[name], 2
            while run[name] in seen:
                run[name], count = f"{first} ({count})", count + 1
            seen.add(run[name])


def _keep(run: ViewRun, held: Sequence[Held], factor: int) -> None:
    """Leave these snapshots, and say what was left out."""
    all_ = run["snapshots"]
    run["snapshots"] = [
        {**all_[which], "src": address, "width": width, "height": height}
        for which, address, width, height in held
    ]
    said = []
    if len(held) < len(all_):
        said.append(f"{len(held)} of the {len(all_)} saved images of the fit are held")
    if held and factor > 1:
        said.append(
            f"the images of the fit are {factor} times smaller than they are (each pixel is the "
            f"mean of {factor}×{factor}), but for the one that was kept"
        )
    if said:
        text = ", and ".join(said)
        run["notes"].insert(
            0,
            f"{text[:1].upper()}{text[1:]}, to keep this page small; untrained report "
            "--max-megabytes 8 holds more. Observed picture, estimate and truth are without loss.",
        )


def _page(runs: Sequence[ViewRun], sources: Sources) -> str:
    """Return the page. Pictures are in elements of their own: JSON would write them longer."""
    style, script = _bundle("report.css"), _bundle("report.js")
    view: View = {"runs": list(runs)}
    data = json.dumps(view, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    titles = dict.fromkeys(run["title"] for run in runs)
    return _PAGE.format(
        policy=(
            "default-src 'none'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
            f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
        ),
        title=html.escape(", ".join(titles)),
        style=style,
        view=data.replace("<", "\\u003c"),
        sources="\n".join(
            f'<script type="text/plain" id="source-{i}">{text}</script>'
            for i, text in enumerate(sources.texts)
        ),
        script=script,
    )


@functools.cache
def _bundle(name: str) -> str:
    """Return a part of the viewer's bundle, as it goes into the page."""
    text = (files("untrained.report") / "static" / name).read_text(encoding="utf-8").strip()
    assert "</script" not in text.lower(), f"{name} would end its own element"
    assert "</style" not in text.lower(), f"{name} would end its own element"
    return text


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
