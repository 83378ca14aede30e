"""The commands of batches: many pictures on this machine or on many, and how far they are."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from untrained.cli.options import Flag, PrintOptions, Seed, Whole, changes_of_words
from untrained.cli.printing import print_error
from untrained.errors import InputError

if TYPE_CHECKING:
    from untrained.batches import Account, Entry, Settings, Totals

__all__ = ["batch"]

batch = App(
    name="batch",
    help="Restore many pictures, on this machine or on many; look how far they are.",
    help_on_error=False,
)

Out = Annotated[str, Parameter(help="The folder of the batch's outputs, or its address.")]
State = Annotated[
    Path | None,
    Parameter(
        help="The folder of the ledger, shared by all drivers of the batch. Default: in the "
        "folder of the outputs; of outputs elsewhere, in the current folder."
    ),
]


@batch.default
def run(
    inputs: Annotated[list[str], Parameter(help="Files, folders, patterns, addresses, manifests.")],
    /, *,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    task: str = "denoise",
    option: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    file: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    recipe: str = "fast",
    set: Annotated[tuple[str, ...], Parameter(negative=())] = (),  # noqa: A002
    steps: Whole | None = None,
    seed: Seed = 0,
    device: str = "auto",
    recursive: Flag = False,
    format: str | None = None,  # noqa: A002
    workers: Whole = 1,
    threads: Whole | None = None,
    cluster: str | None = None,
    gpus: float = 0.0,
    retries: Whole = 2,
    again: Flag = False,
    verify: Flag = False,
    overwrite: Flag = False,
    keep_runs: Flag = False,
    max_pixels: Whole = 250_000_000,
    checkpoint_every: float = 20.0,
    state: State = None,
    dry_run: Flag = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Restore many pictures; run it again after any end, and it does the rest.

    Parameters
    ----------
    output
        The folder of the outputs, or its address.
    task
        Of the entries that name none.
    option
        An option of the task, NAME=VALUE: sigma=25, factor=2; may be repeated.
    file
        A file beside every picture, NAME=PATH: mask=holes.png; may be repeated.
    recipe
        Which settings: see `untrained recipes`.
    set
        Change a setting, NAME=VALUE; may be repeated.
    steps
        The most steps of a fit.
    device
        auto, cpu, cuda, cuda:N or mps.
    recursive
        Of a folder take the subfolders too.
    format
        Of the outputs: png, jpg, tif, webp, npy …. Default: that of the input.
    workers
        How many pictures at the same time. On a cluster 0 = as many as it has room for.
    threads
        Of a worker. Default: its share of the cores, on a cluster 1. Other numbers round sums in
        another order and give other bits.
    cluster
        Use a Ray cluster: auto (that of this machine or job, or a new one) or its address.
    gpus
        Of a worker on a cluster: 1, or a part of one, 0.25.
    retries
        How many more tries a picture gets whose worker was killed, or whose storage failed.
    again
        Try those again that an earlier run has set aside.
    verify
        Read and hash all outputs of earlier runs, not only those whose size or time has changed.
    overwrite
        Replace outputs that this batch has not made.
    keep_runs
        Keep the run's folder of every picture.
    max_pixels
        Refuse pictures with more pixels than this.
    checkpoint_every
        Seconds between checkpoints of a fit.
    dry_run
        Fit nothing; say what there is to do, what it would take, and what would be refused.
    """
    from untrained.batches import LocalEngine, Settings, run_batch

    settings = Settings(
        output=output, task=task, recipe=recipe, changes=changes_of_words(set, steps),
        options=_pairs(option, "option"), files={k: str(v) for k, v in _words(file, "file")},
        seed=seed, device=device, recursive=recursive, overwrite=overwrite, keep_runs=keep_runs,
        max_pixels=max_pixels, checkpoint_every=checkpoint_every,
        suffix=None if format is None else f".{format}",
    )  # fmt: skip
    engine = LocalEngine(workers=workers, threads=threads)
    teller = _Teller(printing)
    began = time.monotonic()
    totals = run_batch(
        inputs, settings, engine, state=state, retries=retries, again=again, verify=verify,
        tell=teller,
    )  # fmt: skip
    return _end(totals, settings, time.monotonic() - began, printing)


class _Teller:
    """Print a line an entry."""

    def __init__(self, printing: PrintOptions) -> None:
        self.printing = printing

    def __call__(self, entry: Entry, account: Account) -> None:
        if self.printing.json:
            names = {"source": entry.source, "target": entry.target, "task": entry.task}
            print(json.dumps({**names, **account}, default=str), flush=True)
        elif account["status"] != "done":
            print_error(f"{entry.source}: set aside: {account.get('reason')}")
        elif not self.printing.quiet:
            gain = f", {account['gain']:+.2f} dB" if "gain" in account else ""
            print(f"{entry.source} → {entry.target}: {account['seconds']:.1f} s{gain}", flush=True)


def _end(totals: Totals, settings: Settings, seconds: float, printing: PrintOptions) -> int:
    """Print what became of all, and return the exit code."""
    counts = totals.counts
    if not printing.quiet and not printing.json:
        words = {
            "done": "done", "before": "done before", "refused": "refused", "failed": "failed",
            "aside": "set aside before (--again tries them)", "interrupted": "interrupted",
            "elsewhere": "at work on elsewhere (run this again to see to them)",
        }  # fmt: skip
        told = [f"{counts[name]} {text}" for name, text in words.items() if counts[name]]
        print(f"{', '.join(told) or 'nothing to do'}; {seconds:.0f} s")
        print(f"look at it: untrained batch report {settings.output}")
    if counts["interrupted"]:
        return 128 + signal.SIGINT
    if counts["failed"]:
        return 1
    return 2 if counts["refused"] or counts["aside"] else 0


def _pairs(words: tuple[str, ...], name: str) -> dict[str, Any]:
    """Return options as JSON values; what is none is a text."""
    values: dict[str, Any] = {}
    for key, text in _words(words, name):
        try:
            values[key] = json.loads(text.lower() if text.lower() in ("true", "false") else text)
        except ValueError:
            values[key] = text
    return values


def _words(words: tuple[str, ...], name: str) -> list[tuple[str, str]]:
    pairs = []
    for text in words:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"--{name} is {text!r}; wanted NAME=VALUE")
        pairs.append((key.strip().replace("-", "_"), value.strip()))
    return pairs


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, default=str) + "\n")
