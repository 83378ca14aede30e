"""Where a batch saturates: a model of its driver, workers, storage and failures, event by event.

    python benchmarks/batch_simulation.py [-o docs/images/batch-scale.png] [--large]
    python benchmarks/batch_simulation.py --count        # requests a picture, of the real code

A worker goes round: it asks the driver for a piece (one after another, in order), fetches it from
the storage, fits, puts the output, and says so. The driver takes `driver` seconds for all that it
does about a picture, and stands still while it claims, and while it sends its ledger. The storage
takes so many requests a second, and each has a latency. A worker may die as it fits; another begins
anew after `restart` seconds, and the piece is tried again.

The defaults are measured (docs/measurements.md, "Batches at scale"), but for the storage's, which
are what providers and their users tell of object stores. `tests/batches/test_batch_model.py`
compares the model with a real pool.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import common

LATENCY = 0.03  # seconds of a request to an object store
RATE = 3500.0  # requests a second that one prefix of it takes


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is simulated.

    Attributes:
        pictures, workers: how many.
        fit: seconds of a fit, on average; they are spread by a gamma distribution …
        spread: … of this standard deviation over the mean.
        deaths: of workers, a fit.
        restart: seconds until another worker is there.
        driver: seconds of the driver's own work for a picture.
        pause: seconds that it stands still …
        every: … at most so often; 0 = at every picture.
        reads, writes: requests of a worker to the storage, before a fit and after it.
        latency: seconds of a request.
        rate: requests a second that the storage takes.
    """

    pictures: int = 100_000
    workers: int = 1000
    fit: float = 10.0
    spread: float = 0.3
    deaths: float = 0.001
    restart: float = 10.0
    driver: float = 0.0016
    pause: float = 0.0
    every: float = 0.0
    reads: int = 0
    writes: int = 0
    latency: float = LATENCY
    rate: float = RATE


@dataclass(kw_only=True)
class Course:
    """How it went: seconds in all, when each picture ended, and how busy all were."""

    seconds: float
    ends: list[float]
    fitting: float
    driver: float
    storage: float
    lost: int

    @property
    def rate(self) -> float:
        """Pictures a second, between the first quarter and the last, when all are at work."""
        first, last = len(self.ends) // 4, 3 * len(self.ends) // 4
        return (last - first) / (self.ends[last] - self.ends[first])


def simulate(
    batch: Batch, *, fits: Sequence[float] | None = None, begins: Sequence[float] = (),
    seed: int = 0,
) -> Course:  # fmt: skip
    """Run a batch.

    Args:
        batch: what it is.
        fits: seconds of each, if they are known.
        begins: when each worker is there, 0 = at once.
        seed: of what is drawn.
    """
    draw = random.Random(seed)
    shape = 1 / batch.spread**2 if batch.spread else 0.0
    left = deque(fits) if fits is not None else None
    waiting = batch.pictures
    again = 0  # pieces that were lost
    course = Course(seconds=0.0, ends=[], fitting=0.0, driver=0.0, storage=0.0, lost=0)
    driver_free = storage_free = paused = 0.0
    starts = [*begins, *[0.0] * (batch.workers - len(begins))]
    # (when, of equal times the first said, what happens to a worker, whether it brings a picture)
    events = [(when, number, "asks", False) for number, when in enumerate(starts)]
    heapq.heapify(events)
    said = len(events)

    def stored(now: float, requests: int) -> float:
        """Return when so many requests of a worker, one after another, are answered."""
        nonlocal storage_free
        if not requests:
            return now
        storage_free = max(storage_free, now) + requests / batch.rate
        course.storage += requests / batch.rate
        return max(storage_free, now + requests * batch.latency)

    def then(when: float, what: str, brings: bool = False) -> None:
        nonlocal said
        said += 1
        heapq.heappush(events, (when, said, what, brings))

    while events:
        now, _, what, brings = heapq.heappop(events)
        if what == "asks":
            if brings:
                course.ends.append(now)
            begin = max(driver_free, now)
            driver_free = begin + batch.driver
            if batch.pause and begin - paused >= batch.every:
                driver_free += batch.pause
                paused = driver_free
            course.driver += driver_free - begin
            course.seconds = max(course.seconds, driver_free)
            if waiting or again:
                then(driver_free, "fetches")
                if again:
                    again -= 1
                else:
                    waiting -= 1
        elif what == "fetches":
            then(stored(now, batch.reads), "fits")
        elif what == "fits":
            fit = draw.gammavariate(shape, batch.fit / shape) if shape else batch.fit
            fit = left.popleft() if left is not None else fit
            if draw.random() < batch.deaths:
                course.lost += 1
                again += 1
                then(now + fit * draw.random() + batch.restart, "asks")
            else:
                course.fitting += fit
                then(now + fit, "puts")
        else:
            then(stored(now, batch.writes), "asks", True)
    return course


# What the driver and the worker do for a picture, before and after what this model has changed:
# seconds by batch_scale.py (all of it, claims and the disk too), requests by --count. The ledger on
# a storage took two requests at every picture, and takes two every five seconds.
BEFORE = {"local": {"driver": 0.0108}, "s3": {"driver": 0.0108, "pause": 2 * LATENCY}}
NOW = {
    "local": {"driver": 0.0024},
    "s3": {"driver": 0.0024, "pause": 2 * LATENCY, "every": 5.0},
}
REQUESTS = {"local": {}, "s3": {"reads": 5, "writes": 3}}


def batch_of(place: str, cost: dict[str, Any], **others: Any) -> Batch:
    """Return a batch on a local disk or an object store."""
    return replace(Batch(), **REQUESTS[place], **cost[place], **others)


def table_of(workers: Sequence[int], pictures: Callable[[int], int], fit: float) -> str:
    """Return how quick and busy all are, by the number of workers, before and now."""
    rows = []
    for place in ("local", "s3"):
        for count in workers:
            cells = [place, f"{count:,}", f"{count / fit:g}"]
            for cost in (BEFORE, NOW):
                batch = batch_of(place, cost, workers=count, fit=fit, pictures=pictures(count))
                found = simulate(batch)
                cells += [
                    f"{found.rate:.1f}", f"{100 * found.rate * fit / count:.0f} %",
                    f"{100 * min(1, found.driver / found.seconds):.0f} %",
                ]  # fmt: skip
            rows.append([
                *cells, f"{100 * found.storage / found.seconds:.0f} %",
                f"{found.seconds / 3600:.2f}",
            ])  # fmt: skip
    return common.table([
        "storage", "workers", "pictures/s at best", "before: pictures/s", "workers fit", "driver",
        "now: pictures/s", "workers fit", "driver", "storage", "hours",
    ], rows)  # fmt: skip


def draw(target: Path, fit: float) -> None:
    """Draw how much of the workers' time is fitting, by their number."""
    import matplotlib.pyplot as plt

    counts = [10, 30, 100, 300, 700, 1000, 2000, 4000, 10_000]
    figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for place, color in (("local", "C0"), ("s3", "C1")):
        for label, cost, style in (("before", BEFORE, "--"), ("now", NOW, "-")):
            batches = (
                batch_of(place, cost, workers=count, fit=fit, pictures=max(400, 5 * count))
                for count in counts
            )
            shares = [100 * simulate(one).rate * fit / one.workers for one in batches]
            axes.plot(counts, shares, style, color=color, marker=".", label=f"{place}, {label}")
    axes.set(xscale="log", xlabel="workers", ylabel="of their time, fitting, %", ylim=(0, 102))
    axes.set_title(f"One driver, fits of {fit:g} s", fontsize=10)
    axes.legend(frameon=False)
    figure.savefig(target, dpi=110)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Run an S3 server on loopback that counts the requests to the bucket `box`, by kind."""
    import logging
    import os

    from moto import server
    from werkzeug.serving import make_server

    count: Counter[str] = Counter()
    application = server.DomainDispatcherApplication(server.create_backend_app)

    def serve(environ: dict[str, Any], start: Any) -> Any:
        name = environ["PATH_INFO"]
        kind = "ledger" if "/ledger/" in name else "picture"
        listed = " list" if "list-type" in environ.get("QUERY_STRING", "") else ""
        count[f"{kind} {environ['REQUEST_METHOD']}{listed}"] += name.startswith("/box")
        return application(environ, start)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = make_server("127.0.0.1", 0, serve, threaded=True)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{running.port}", "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    try:
        yield count
    finally:
        running.shutdown()
        thread.join()


def requests_a_picture(small: int = 3, large: int = 9) -> dict[str, dict[str, float]]:
    """Return the requests a picture of a batch on S3, and of the same batch run again."""
    import fsspec
    import numpy as np

    from untrained.batches import Settings, do_piece, run_batch
    from untrained.images import Picture, write_picture

    class InTurn:
        def run(self, pieces: Iterator[Any]) -> Iterator[Any]:
            for piece in pieces:
                yield piece, do_piece(piece)

    found: dict[str, dict[str, float]] = {}
    with counted() as count, tempfile.TemporaryDirectory() as folder:
        fsspec.filesystem("s3").mkdir("box")
        pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 1)).astype(np.uint8)
        write_picture(Path(folder) / "one.png", Picture.from_array(pixels))
        parts: dict[tuple[str, int], Counter[str]] = {}
        for many in (small, large):
            for i in range(many):
                fsspec.filesystem("s3").put_file(f"{folder}/one.png", f"box/{many}/in/{i}.png")
            settings = Settings(
                output=f"s3://box/{many}/out", task="denoise", options={"sigma": 20},
                changes={"max_steps": "2"},
            )  # fmt: skip
            for name in ("a batch", "run again"):
                count.clear()
                run_batch([f"s3://box/{many}/in/"], settings, InTurn(),
                          state=Path(folder) / f"state{many}")  # fmt: skip
                parts[name, many] = Counter(count)
        for name in ("a batch", "run again"):
            more = {k: parts[name, large][k] - parts[name, small][k] for k in parts[name, large]}
            found[name] = {k: round(n / (large - small), 2) for k, n in more.items() if n}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--fit", type=float, default=10.0, help="seconds of a fit")
    parser.add_argument("--large", action="store_true", help="10⁶ pictures on 10³ workers")
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    if options.count:
        json.dump(requests_a_picture(), sys.stdout, indent=1)
        print()
        return
    if options.output:
        draw(options.output, options.fit)
    if options.large:
        print(table_of([1000], lambda count: 1_000_000, options.fit))
    else:
        print(table_of([10, 100, 1000, 10_000], lambda count: max(400, 6 * count), options.fit))


if __name__ == "__main__":
    main()
