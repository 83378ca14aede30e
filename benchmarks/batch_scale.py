"""What the driver of a batch holds, does and writes, by the number of entries; no fits.

    python benchmarks/batch_scale.py [1000 10000 100000] [--workers 0] [--folder FOLDER]

The manifest, the sizes of the pictures, the ledger, the claims, the outputs' stamps and the status
are real; of a fit there is only its output, a copy, and an account like that of a real one. Three
processes a number of entries, one after another: the batch, the same again, the status.
`--workers 2` hands the pieces to processes, as `--workers` of the command does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import psutil
from PIL import Image as PillowImage

from untrained.batches import Account, Entry, Piece, Settings, run_batch, status_of
from untrained.batches.addresses import stamp_of
from untrained.jobs import do_side_by_side

IN_A_FOLDER = 1000


def copied(piece: Piece, cancelled: Callable[[], bool] = lambda: False) -> Account:
    """Do as if the picture were restored: copy it, and say as much as is said of a fit."""
    data = Path(piece.entry.source).read_bytes()
    target = Path(piece.entry.target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return {
        "status": "done", "sha256": hashlib.sha256(data).hexdigest(),
        "stamp": stamp_of(piece.entry.source), "output_stamp": stamp_of(piece.entry.target),
        "size": [8, 8, 1], "fit_seconds": 9.876, "steps": 400, "device": "cpu", "threads": 1,
        "psnr_observed": 28.765, "seconds": 10.123, "cpu_seconds": 10.012,
    }  # fmt: skip


@dataclass(frozen=True)
class Copying:
    """An engine that copies, in so many processes or (0) in this one."""

    workers: int = 0

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        """As `Engine.run`."""
        if self.workers:
            yield from do_side_by_side(pieces, copied, workers=self.workers, threads=1)
        else:
            for piece in pieces:
                yield piece, copied(piece)


@dataclass
class Watch:
    """What this process held after each tenth of the entries, in MiB."""

    step: int
    ended: int = 0
    mib: list[float] = field(default_factory=list)

    def __call__(self, entry: Entry, account: Account) -> None:
        self.ended += 1
        if self.ended % self.step == 0:
            self.mib.append(psutil.Process().memory_info().rss / 2**20)


def make(folder: Path, count: int) -> None:
    """Make so many sources, of three sizes, and a manifest of them."""
    bytes_of = []
    for side in (8, 9, 10):
        PillowImage.new("L", (side, side), 99).save(folder / "one.png")
        bytes_of.append((folder / "one.png").read_bytes())
    with (folder / "list.csv").open("w") as file:
        file.write("path,sigma\n")
        for number in range(count):
            name = f"in/{number // IN_A_FOLDER:04d}/picture-{number:07d}.png"
            if number % IN_A_FOLDER == 0:
                (folder / name).parent.mkdir(parents=True)
            (folder / name).write_bytes(bytes_of[number * 7 % 3])
            file.write(f"{name},{number % 30 + 1}\n")


def run(folder: Path, count: int, workers: int) -> dict[str, Any]:
    """Run the batch here, or run it again, and say what it took."""
    watch = Watch(max(1, count // 10))
    settings = Settings(output=str(folder / "out"), task="denoise")
    began, used = time.perf_counter(), time.process_time()
    totals = run_batch([str(folder / "list.csv")], settings, Copying(workers), tell=watch)
    return {
        "seconds": time.perf_counter() - began, "cpu": time.process_time() - used,
        "counts": dict(totals.counts), "mib": watch.mib, "peak": peak(),
    }  # fmt: skip


def status(folder: Path) -> dict[str, Any]:
    """Ask how far the batch is, and say what that took."""
    began = time.perf_counter()
    found = status_of(str(folder / "out"))
    return {"seconds": time.perf_counter() - began, "counts": found.counts, "peak": peak()}


def peak() -> float:
    """Return the most that this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(what: str, folder: Path, count: int, workers: int) -> dict[str, Any]:
    """Return what a part of the measurement says, done by a fresh process."""
    command = [sys.executable, __file__, str(count), "--part", what, "--folder", str(folder),
               "--workers", str(workers)]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("counts", nargs="*", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument("--part", choices=("run", "status"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        said = (
            status(options.folder) if options.part == "status"
            else run(options.folder, options.counts[0], options.workers)
        )  # fmt: skip
        print(json.dumps(said))
        return
    rows = []
    for count in options.counts:
        folder = Path(tempfile.mkdtemp(prefix="scale-", dir=options.folder))
        try:
            make(folder, count)
            first, again = (in_a_process("run", folder, count, options.workers) for _ in range(2))
            assert (first["counts"], again["counts"]) == ({"done": count}, {"before": count})
            asked = in_a_process("status", folder, count, options.workers)
            state = [x for x in (folder / "out/untrained-batch").rglob("*") if x.is_file()]
            rows.append([
                f"{count:,}", f"{first['mib'][0]:.1f}", f"{first['mib'][-1]:.1f}",
                f"{first['peak']:.1f}", f"{count / first['seconds']:.0f}",
                f"{1000 * first['cpu'] / count:.2f}", f"{again['seconds']:.1f}",
                f"{again['peak']:.1f}", f"{asked['seconds']:.2f}", f"{asked['peak']:.1f}",
                f"{sum(x.stat().st_size for x in state) / 2**20:.1f}", str(len(state)),
            ])  # fmt: skip
        finally:
            shutil.rmtree(folder)
    print(common.table([
        "entries", "MiB at a tenth", "at the end", "peak", "entries/s", "CPU ms each", "rerun, s",
        "peak", "status, s", "peak", "ledger, MiB", "files",
    ], rows))  # fmt: skip


if __name__ == "__main__":
    main()
