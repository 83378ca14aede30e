"""Many queued pictures and many open tabs: is any job lost, does the server's memory stay put?

python benchmarks/studio_load.py --pictures 50 --tabs 10 --side 256 --steps 30
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx
from studio_common import Served, noisy, served


def listen(studio: Served, heard: dict[str, str], ends: threading.Event) -> None:
    """Follow the events as a tab does."""
    with httpx.stream("GET", f"{studio.address}api/events", timeout=60) as events:
        for line in events.iter_lines():
            if line.startswith("data: {"):
                job = json.loads(line[6:])
                heard[job["id"]] = job.get("status", "deleted")
            if ends.is_set():
                return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--tabs", type=int, default=10)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--steps", type=int, default=30)
    chosen = parser.parse_args()
    ends = threading.Event()
    tabs: list[dict[str, str]] = [{} for _ in range(chosen.tabs)]
    memory: list[float] = []
    answered: list[float] = []
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "workspace") as studio:
        for heard in tabs:
            args = (studio, heard, ends)
            threading.Thread(target=listen, args=args, daemon=True).start()
        memory.append(studio.process.memory_info().rss / 2**20)
        settings = {"max_steps": chosen.steps, "stopper": "FixedSteps"}
        jobs = []
        for seed in range(chosen.pictures):
            picture = studio.upload(f"{seed}.png", noisy(chosen.side, seed))
            jobs.append(studio.start(picture, settings=settings))
        memory.append(studio.process.memory_info().rss / 2**20)
        while True:
            began = time.perf_counter()
            found = studio.client.get("/api/jobs").json()
            answered.append(time.perf_counter() - began)
            running = next((job["id"] for job in found if job["status"] == "running"), None)
            if running is not None:
                studio.client.get(f"/api/jobs/{running}/latest.png")
            memory.append(studio.process.memory_info().rss / 2**20)
            if all(job["status"] not in ("queued", "running") for job in found):
                break
            time.sleep(1)
        time.sleep(1)
        ends.set()
        finished = sum(job["status"] == "finished" for job in found)
        agree = sum(all(heard.get(job) == "finished" for job in jobs) for heard in tabs)
    slow = 1000 * max(answered)
    print(f"{chosen.pictures} pictures of {chosen.side}x{chosen.side}, {chosen.tabs} tabs")
    print(f"finished: {finished} of {chosen.pictures}; tabs that heard of all: {agree}")
    print(f"memory of the server: {memory[0]:.0f} MiB at the start, {memory[1]:.0f} with all "
          f"queued, {max(memory):.0f} at most, {memory[-1]:.0f} at the end")  # fmt: skip
    print(f"/api/jobs: {1000 * statistics.median(answered):.1f} ms, at most {slow:.0f} ms")


if __name__ == "__main__":
    main()
