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
    from untrained.batches import Account, DryRun, Engine, Entry, Settings, Totals

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
    workers: Whole | None = None,
    threads: Whole | None = None,
    cluster: str | None = None,
    gpus: float = 0.0,
    together: Whole = 1,
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
    seed
        Same seed, same machine, same threads, same images.
    device
        auto, cpu, cuda, cuda:N or mps.
    recursive
        Of a folder take the subfolders too.
    format
        Of the outputs: png, jpg, tif, webp, npy …. Default: that of the input.
    workers
        How many pictures at the same time. Default: 1; on a cluster as many as it has room for.
    threads
        Of a worker. Default: its share of the cores, on a cluster 1. Other numbers round sums in
        another order and give other bits.
    cluster
        Use a Ray cluster: auto (that of this machine or job, or a new one) or its address.
    gpus
        Of a worker on a cluster: 1, or a part of one, 0.25.
    together
        How many small pictures of one size a worker fits in one pass, where that is faster: 8 to
        16. Their images differ by rounding from those of one after another.
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
    from untrained.batches import LocalEngine, RayEngine, Settings, look_at_batch, run_batch

    settings = Settings(
        output=output, task=task, recipe=recipe, changes=changes_of_words(set, steps),
        options=_pairs(option, "option"), files={k: str(v) for k, v in _words(file, "file")},
        seed=seed, device=device, recursive=recursive, overwrite=overwrite, keep_runs=keep_runs,
        max_pixels=max_pixels, checkpoint_every=checkpoint_every,
        suffix=None if format is None else f".{format}",
    )  # fmt: skip
    if dry_run:
        return _tell_dry_run(look_at_batch(inputs, settings, threads=threads), printing)
    settings.check()  # before a cluster is asked for
    facts: dict[str, Any] = {}
    engine: Engine = LocalEngine(
        workers=1 if workers is None else workers, threads=threads, together=together
    )
    if cluster is not None:
        if together != 1:
            raise InputError("--together is for the workers of this machine; leave --cluster out")
        engine = RayEngine(address=cluster, workers=workers or 0, threads=threads or 1, gpus=gpus)
        if link := engine.dashboard():
            facts["dashboard"] = link
            if not printing.quiet:
                print(f"Ray's dashboard: {link}", file=sys.stderr)
    elif gpus:
        raise InputError(
            f"--gpus {gpus:g} is for a cluster; add --cluster auto, or choose one with --device"
        )
    teller = _Teller(printing)
    began = time.monotonic()
    totals = run_batch(
        inputs, settings, engine, state=state, retries=retries, again=again, verify=verify,
        tell=teller, facts=facts,
    )  # fmt: skip
    return _end(totals, settings, time.monotonic() - began, printing)


@batch.command
def status(
    output: Out, /, *,
    price: float | None = None,
    core_price: float | None = None,
    state: State = None,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Say how far a batch is: counts, rate, time and cost left, failures by their reasons.

    Parameters
    ----------
    price
        What an hour of a worker costs, in any money, for the cost of what is done and left.
    core_price
        Likewise, an hour of a core: a worker has as many as threads.
    """
    from untrained.batches import status_of
    from untrained.fitting.callbacks.progress import format_seconds

    if price is not None and core_price is not None:
        raise InputError("--price and --core-price are both given; wanted one of them")
    by_core = core_price is not None
    found = status_of(output, state=state, price=core_price if by_core else price, per_core=by_core)
    if printing.json:
        _print_json(found.as_json())
        return 0
    total = "?" if found.total is None else str(found.total)
    counts = ", ".join(f"{count} {name}" for name, count in found.counts.items()) or "none ended"
    print(f"{counts} of {total}; {found.at_work} at work or begun")
    if found.rate is not None:
        left = found.seconds_left
        rest = "" if left is None else f"; {format_seconds(left)} left"
        print(f"{found.rate * 60:.1f} a minute lately{rest}")
    if found.seconds:
        print(
            f"{found.seconds / 3600:.2f} hours of workers, {found.cpu_seconds / 3600:.2f} of cores"
        )
    if found.cost is not None:
        rest = "" if found.cost_left is None else f"; {found.cost_left:.2f} for what is left"
        print(f"{found.cost:.2f} for what is done{rest}")
    if found.dashboard:
        print(f"Ray's dashboard, while its cluster runs: {found.dashboard}")
    for reason, count in found.reasons.most_common(20):
        print(f"  {count} set aside: {reason}")
    return 0


@batch.command
def report(
    output: Out, /, *,
    page: Annotated[Path, Parameter(name=["--page", "-p"])] = Path("batch-report.html"),
    state: State = None,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Make one page of a batch: how gains and seconds are spread, the worst twenty shown.

    Parameters
    ----------
    page
        The page, .html.
    """
    from untrained.batches import write_page

    write_page(output, page, state=state)
    if not printing.quiet:
        print(page)
    return 0


def _tell_dry_run(found: DryRun, printing: PrintOptions) -> int:
    """Print what a batch would take, and return the exit code."""
    from untrained.memory import in_gib

    if printing.json:
        _print_json(found.as_json())
    else:
        print(f"{found.pictures} pictures, {found.pixels / 1e6:.2f} megapixels (first pages)")
        if found.seconds is not None:
            hours = found.seconds * found.threads / 3600
            least, most = (seconds / 3600 for seconds in found.between)
            some = "" if found.planned == found.pictures else f" for {found.planned} of them"
            print(
                f"about {hours:.2f} core-hours{some}, or {found.seconds / 3600:.2f} hours of a "
                f"worker with {found.threads} thread(s); {least:.2f} to {most:.2f}, as fits stop "
                "early or other programs run"
            )
        if found.memory_bytes:
            room = found.workers_by_memory
            fits = "" if room is None else f"; {room} workers have room on this machine"
            print(f"up to {in_gib(found.memory_bytes)} a worker{fits}")
        if found.unread:
            print(f"{found.unread} lie elsewhere, and were not looked at")
        for source, reason in found.refused:
            print_error(f"{source}: would be refused: {reason}")
        if found.refused_count > len(found.refused):
            print_error(f"{found.refused_count} would be refused in all")
    return 2 if found.refused_count else 0


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
            "repeated": "named more than once",
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
