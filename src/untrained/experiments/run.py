"""Run an experiment: measure what is missing, then write its tables and figures."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from untrained import __version__, data
from untrained.atomic import check_place, make_folder, write_atomically
from untrained.errors import InputError
from untrained.experiments.base import Entry, Experiment, Outcome, shortened
from untrained.experiments.measure import digest, measure, unfinished
from untrained.experiments.page import write_page
from untrained.experiments.report import markdown
from untrained.fitting import pick_device

__all__ = ["narrowed", "reproduce"]


def narrowed(
    experiment: Experiment,
    *,
    pictures: str = "",
    methods: str = "",
    steps: int | None = None,
    crop: int | None = None,
    seeds: int | None = None,
) -> Experiment:
    """Return a part of an experiment; the report says what was left out.

    Args:
        experiment: all of it.
        pictures, methods: parts of names, separated by commas; empty = all. skimage/NAME is a
            picture of scikit-image, also where the experiment has others.
        steps: the most steps of every fit.
        crop: side of a central crop.
        seeds: how many seeds, from 0.

    Raises:
        InputError: nothing is left, or a number out of range.
    """
    for name, value, least, most in (
        ("steps", steps, 1, 10**9), ("crop", crop, 0, 10**9), ("seeds", seeds, 1, 1000),
    ):  # fmt: skip
        if value is not None and not least <= value <= most:
            raise InputError(f"{name} is {value}; wanted {least} to {most}")
    changes: dict[str, Any] = {}
    if pictures:
        changes["pictures"] = _matching(experiment.pictures, pictures, "picture")
        # a published mean is of all pictures
        changes["published"] = {
            label: {name: value for name, value in values.items() if name != "mean"}
            for label, values in experiment.published.items()
        }
    if methods:
        names = _matching(tuple(experiment.methods), methods, "method")
        changes["methods"] = {name: experiment.methods[name] for name in names}
    if steps is not None:
        chosen = changes.get("methods", experiment.methods)
        changes["methods"] = shortened(chosen, {"*": steps})
        changes["snapshots"] = tuple(s for s in experiment.snapshots if s <= steps)
    if crop is not None:
        changes["crop"] = crop
    if seeds is not None:
        changes["seeds"] = tuple(range(seeds))
    if not changes:
        return experiment
    words = [
        f"pictures: {', '.join(changes['pictures'])}" if pictures else "",
        f"methods: {', '.join(changes['methods'])}" if methods else "",
        f"at most {steps} steps" if steps is not None else "",
        f"central crops of {crop} pixels" if crop else "",
        f"{seeds} seeds" if seeds is not None else "",
    ]
    part = "Only " + "; ".join(word for word in words if word) + "."
    return replace(
        experiment,
        quick=f"{experiment.quick} {part}".strip(),
        whole_fits=not experiment.quick and steps is None and crop is None,
        **changes,
    )


def reproduce(
    experiment: Experiment,
    folder: Path,
    *,
    device: str = "auto",
    command: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Measure what the folder does not hold yet; write results.md, results.json and figures.

    report.html shows the fits, for as long as the folder has their images.

    Every finished case is saved at once, and a fit's state every minute, so a run that is cut off
    goes on where it was. A case whose settings have changed since is measured again.

    Returns:
        the path of results.md.

    Raises:
        InputError: the folder cannot be written into, or holds another record.
        KeyboardInterrupt: interrupted; the same call goes on.
    """
    pick_device(device)  # refuses what this machine does not have before anything is written
    make_folder(folder)
    path = folder / "results.json"
    check_place(path)
    entries: dict[str, Entry] = _read(path)
    cases = list(experiment.cases())
    for number, case in enumerate(cases, start=1):
        known = entries.get(case.key)
        if known is not None and known["digest"] == digest(experiment, case):
            continue
        entry = measure(experiment, case, folder, device=device)
        entries[case.key] = {**entry, "machine": _machine(device)}
        _write(path, {"experiment": experiment.name, "entries": entries})
        shutil.rmtree(unfinished(experiment, case, folder).path, ignore_errors=True)
        say(f"{number}/{len(cases)} {case.key}: {entry['psnr']:.2f} dB in {entry['seconds']:.0f} s")
    outcome = Outcome(
        experiment=experiment,
        entries={case.key: entries[case.key] for case in cases},
        folder=folder,
    )
    captions: dict[str, str] = {}
    for figure in experiment.figures:
        captions |= figure(outcome)
    report = folder / "results.md"
    text = markdown(outcome, captions)
    write_atomically(report, lambda file: file.write(text.encode()))
    write_page(outcome, command=command or f"untrained reproduce {experiment.name}")
    return report


def _matching(names: tuple[str, ...], wanted: str, what: str) -> tuple[str, ...]:
    parts = [part.strip().lower() for part in wanted.split(",") if part.strip()]
    found = tuple(n for n in names if any(part in n.lower() for part in parts))
    if what == "picture":  # scikit-image's own stand in for sets whose pictures may not be shown
        more = tuple(p for p in parts if p.startswith("skimage/") and p not in found)
        for picture in more:
            data.load(picture)  # a wrong name is told before anything is measured
        found += more
    if not found:
        raise InputError(f"no {what} is like {wanted!r}; there are {', '.join(names)}")
    return found


def _machine(device: str) -> str:
    chosen = pick_device(device)
    if chosen.type == "cuda":
        name = torch.cuda.get_device_name(chosen)
    else:
        name = f"{platform.machine()} CPU, {torch.get_num_threads()} of {os.cpu_count()} threads"
    return f"{name}, torch {torch.__version__}, untrained {__version__}"


def _read(path: Path) -> dict[str, Entry]:
    if not path.exists():
        return {}
    try:
        entries: dict[str, Entry] = json.loads(path.read_text(encoding="utf-8"))["entries"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is not a record of results; remove it or use -o") from None
    return entries


def _write(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=1)
    write_atomically(path, lambda file: file.write(text.encode()))
