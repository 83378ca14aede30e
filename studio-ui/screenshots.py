"""Make the pictures of the studio's screens in docs/screenshots.

    python studio-ui/screenshots.py [-o docs/screenshots] [--workspace FOLDER]

Starts a studio, restores the bundled samples in it (some minutes on a CPU; with --workspace what
was restored there before is shown again) and takes every screen at two widths, light and dark; also
the page and the report of a batch, and what a network without the token is shown.
Wants playwright, a system chromium and untrained[studio].
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TRUTH = ROOT / "src" / "untrained" / "simulation" / "samples" / "chelsea.png"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
THEMES = ("light", "dark")
LARGEST = 150_000

# Sample, task, recipe, changed settings; the first two are compared.
JOBS = (
    ("noisy-cat", "denoise", "fast", {}),
    ("noisy-cat", "denoise", "deep-decoder", {"max_steps": 800}),
    ("written-on-cat", "inpaint", "fast", {"max_steps": 400}),
)


class Client:
    """The few calls that are needed."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of the API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer) if answer.status != 204 else None

    def upload(self, path: Path) -> str:
        """Send a picture; return its id."""
        edge = "----untrained"
        head = f'Content-Disposition: form-data; name="file"; filename="{path.name}"'
        body = (
            f"--{edge}\r\n{head}\r\n\r\n".encode()
            + path.read_bytes()
            + f"\r\n--{edge}--\r\n".encode()
        )
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        request = urllib.request.Request(f"{self.url}/api/pictures", body, kind)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(json.load(answer)["id"])

    def wait(self, id_: str, *, step: int | None = None) -> None:
        """Wait until a job is done, or has taken so many steps."""
        while True:
            job = self.call("GET", f"/jobs/{id_}")
            if job["status"] in ("finished", "stopped"):
                return
            assert job["status"] != "failed", job["error"]
            if step is not None and job["status"] == "running" and job["step"] >= step:
                return
            time.sleep(0.5)


@contextlib.contextmanager
def served(workspace: Path, *options: str) -> Iterator[Client]:
    """A studio on a workspace."""
    command = [sys.executable, "-u", "-m", "untrained", "studio", "--no-browser", "--port", "0"]
    command += options
    server = subprocess.Popen(
        [*command, "--workspace", str(workspace)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "http://" in line)
        yield Client("http://" + line.split("http://")[1].split("/")[0])
    finally:
        server.terminate()
        server.wait(20)


def restored(client: Client) -> list[str]:
    """The ids of the finished jobs, in the order of JOBS; those that are missing are made."""
    jobs = client.call("GET", "/jobs")
    pictures: dict[str, str] = {}
    ids = []
    truth = None
    for sample, task, recipe, settings in JOBS:
        found = [
            job for job in jobs
            if (job["task"], job["recipe"], job["status"]) == (task, recipe, "finished")
            and job["picture_name"].startswith(sample)
        ]  # fmt: skip
        if found:
            pictures[sample] = found[-1]["picture"]
            ids.append(found[-1]["id"])
            continue
        if sample not in pictures:
            pictures[sample] = client.call("POST", "/pictures/sample", {"name": sample})["id"]
        truth = truth or client.upload(TRUTH)
        request = {
            "task": task, "picture": pictures[sample], "recipe": recipe, "settings": settings,
            "truth": truth if task == "denoise" else None,
        }  # fmt: skip
        ids.append(client.call("POST", "/jobs", request)["id"])
    for id_ in ids:
        client.wait(id_)
    return ids


class Camera:
    """Takes a screen at every width, light and dark."""

    def __init__(self, browser: Any, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.pages = {
            (size, theme): browser.new_context(
                viewport={"width": SIZES[size][0], "height": SIZES[size][1]},
                color_scheme=theme, has_touch=size == "phone",
            ).new_page()
            for size in SIZES
            for theme in THEMES
        }  # fmt: skip

    def take(
        self, name: str, place: str, prepare: Callable[[Page], None] = lambda page: None
    ) -> None:
        """Open a screen everywhere, bring it into the state to be shown, and keep its picture.

        `place` is within the studio, or a whole address.
        """
        for (size, theme), page in self.pages.items():
            page.goto("about:blank")
            page.goto(place if ":" in place else f"{self.url}/{place}")
            prepare(page)
            page.wait_for_timeout(600)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            keep(shot, self.folder / f"{name}-{size}-{theme}.webp")
        print(name, flush=True)


def keep(shot: Image.Image, path: Path) -> None:
    """Write a picture of a screen in at most 150 kB."""
    for quality in (85, 70, 55, 40):
        shot.save(path, quality=quality, method=6)
        if path.stat().st_size <= LARGEST:
            return


def show_viewer(page: Page) -> None:
    """A job with its pictures decoded."""
    page.locator(".viewer .pane canvas").first.wait_for()
    page.wait_for_timeout(1200)


def show_closer(page: Page) -> None:
    """The same, so near that it fills a wide screen."""
    show_viewer(page)
    if page.viewport_size and page.viewport_size["width"] > 600:
        page.locator(".viewer").get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(300)


def show_difference(page: Page) -> None:
    """What was taken away."""
    show_closer(page)
    page.get_by_text("Difference", exact=True).click()


def show_two_runs(page: Page) -> None:
    """Two recipes beside each other."""
    show_viewer(page)
    page.get_by_text("Side by side", exact=True).click()
    left = page.locator(".sources select").first
    left.select_option(left.locator("option[value^='run:']").get_attribute("value"))
    page.wait_for_timeout(800)


def paint(page: Page) -> None:
    """Some strokes, as over scratches."""
    easel = page.get_by_role("application")
    easel.wait_for()
    page.wait_for_timeout(800)
    box = easel.bounding_box()
    assert box is not None
    for points in (
        [(0.2, 0.3), (0.35, 0.42), (0.5, 0.47)],
        [(0.72, 0.3), (0.66, 0.5), (0.69, 0.66)],
        [(0.3, 0.66), (0.42, 0.7)],
    ):
        at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
        page.mouse.move(*at[0])
        page.mouse.down()
        for point in at[1:]:
            page.mouse.move(*point, steps=8)
        page.mouse.up()
    ready(page)


def choose_some(page: Page) -> None:
    """The queue with three jobs chosen."""
    boxes = page.locator("main input[type=checkbox]")
    boxes.first.wait_for()
    for i in range(min(3, boxes.count())):
        boxes.nth(i).check()


def restored_batch(folder: Path) -> str:
    """Restore four crops into a folder's "restored"; the address of their report."""
    noisy = folder / "noisy"
    noisy.mkdir()
    rows = ["path,truth"]
    photo = Image.open(TRUTH).convert("RGB")
    for i, left in enumerate((0, 80, 160, 240)):
        clean = photo.crop((left, 60, left + 128, 188))
        pixels = np.asarray(clean) + np.random.default_rng(i).normal(0, 12 + 6 * i, (128, 128, 3))
        clean.save(folder / f"clean-{i}.png")
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(noisy / f"{i}.png")
        rows.append(f"noisy/{i}.png,clean-{i}.png")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    for words in (
        ["manifest.csv", "-o", "restored", "--workers", "1"],
        ["report", "restored", "--page", "report.html"],
    ):
        subprocess.run([sys.executable, "-m", "untrained", "batch", *words], cwd=folder, check=True)
    return (folder / "report.html").as_uri()


def ready(page: Page) -> None:
    """The form with its prediction."""
    page.locator(".estimate dd").first.wait_for()


def main() -> None:
    """Restore, then take every screen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", type=Path, default=ROOT / "docs" / "screenshots", dest="folder")
    parser.add_argument("--workspace", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    workspace = given.workspace or Path(tempfile.mkdtemp(prefix="untrained-"))
    batch = Path(tempfile.mkdtemp(prefix="untrained-batch-"))
    batch_report = restored_batch(batch)
    with (
        served(workspace, "--batch", str(batch / "restored")) as client,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        fast, decoder, written = restored(client)
        job = client.call("GET", f"/jobs/{fast}")
        noisy, clean = job["picture"], job["truth"]
        holes = client.call("GET", f"/jobs/{written}")["picture"]
        camera = Camera(browser, client.url, given.folder)

        camera.take("start", "#/", lambda page: page.wait_for_timeout(1500))
        camera.take("form", f"#/new/{noisy}?task=denoise", ready)
        camera.take("mask", f"#/new/{clean}?task=inpaint", paint)
        camera.take("finished", f"#/job/{fast}", show_closer)
        camera.take("filled", f"#/job/{written}", show_closer)
        camera.take("difference", f"#/job/{fast}", show_difference)
        camera.take("compare", f"#/job/{fast}?with={decoder}", show_two_runs)

        more = [
            client.call("POST", "/jobs", {"task": task, "picture": picture, "seed": seed})["id"]
            for task, picture, seed in [
                ("denoise", noisy, 1), ("inpaint", holes, 1),
                *(("denoise", noisy, seed) for seed in range(2, 6)),
            ]
        ]  # fmt: skip
        try:
            client.wait(more[0], step=60)
            camera.take("running", f"#/job/{more[0]}", show_closer)
            camera.take("queue", "#/queue", choose_some)
        finally:
            for id_ in reversed(more):
                client.call("DELETE", f"/jobs/{id_}")
        camera.take("report", f"api/jobs/{fast}/report.html", show_viewer)
        camera.take("batches", "#/batches", lambda page: page.wait_for_timeout(1500))
        camera.take("batch", batch_report)
        with (
            tempfile.TemporaryDirectory() as folder,
            served(Path(folder), "--host", "0.0.0.0") as asking,
        ):
            camera.take("token", f"{asking.url}/")
        browser.close()
    total = sum(path.stat().st_size for path in given.folder.glob("*.webp"))
    print(f"{total / 1e6:.1f} MB in {given.folder}")


if __name__ == "__main__":
    main()
