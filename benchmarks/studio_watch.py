"""What watching costs a fit: the same fits watched and not, in turn, in one run.

    python benchmarks/studio_watch.py --side 512 --steps 150 --rounds 5

Watched is as a tab does it: events, the newest estimate and the curves, every second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
from pathlib import Path

import httpx
from studio_common import Served, noisy, served


def watch(studio: Served, job: str, ends: threading.Event, images: list[int]) -> None:
    """Look at a job as a tab does."""

    def hear() -> None:
        with httpx.stream("GET", f"{studio.address}api/events", timeout=60) as events:
            for _ in events.iter_lines():
                if ends.is_set():
                    return

    threading.Thread(target=hear, daemon=True).start()
    with httpx.Client(base_url=studio.address, timeout=60) as tab:
        seen = b""
        while not ends.wait(1.0):
            answer = tab.get(f"/api/jobs/{job}/latest.png")
            tab.get(f"/api/jobs/{job}/view")
            if answer.status_code == 200 and answer.content != seen:
                seen = answer.content
                images.append(len(seen))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    settings = {"max_steps": chosen.steps, "stopper": "FixedSteps"}
    seconds: dict[bool, list[float]] = {False: [], True: []}
    images: list[int] = []
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "workspace") as studio:
        picture = studio.upload("noisy.png", noisy(chosen.side))
        studio.wait(studio.start(picture, settings={**settings, "max_steps": 20}))  # warm
        for turn in range(chosen.rounds):
            for watched in (False, True) if turn % 2 == 0 else (True, False):
                job, ends = studio.start(picture, settings=settings), threading.Event()
                if watched:
                    args = (studio, job, ends, images)
                    threading.Thread(target=watch, args=args, daemon=True).start()
                seconds[watched].append(studio.wait(job)["seconds"])
                ends.set()
    middle = {watched: statistics.median(times) for watched, times in seconds.items()}
    pairs = [w / u for w, u in zip(seconds[True], seconds[False], strict=True)]
    print(f"{chosen.side}x{chosen.side}, {chosen.steps} steps, {chosen.rounds} rounds")
    print(f"images seen: {len(images)} in {sum(seconds[True]):.0f} s")
    print(f"seconds, unwatched {middle[False]:.2f}, watched {middle[True]:.2f}")
    print(f"watched / unwatched: {middle[True] / middle[False]:.3f} "
          f"(pairs {min(pairs):.3f} to {max(pairs):.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
