"""Make the pictures of the site in docs/screenshots/site: the theory and some of the gallery.

    ./dev docs && python docs/site_screenshots.py

Each page whole: light on a desk, dark on a phone. Wants playwright and a system chromium.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
SITE, FOLDER = HERE / "_build" / "html", HERE / "screenshots" / "site"
PAGES = (
    "how-it-works", "_gallery/index", "_gallery/plot_01_denoise", "_gallery/plot_08_stop",
    "_gallery/plot_10_uncertainty", "_gallery/plot_15_series",
)  # fmt: skip
LOOKS = (("desktop", 1280, "light"), ("phone", 390, "dark"))


def main() -> None:
    """Take every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"))
        for name, width, theme in LOOKS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
            for path in PAGES:
                page.goto((SITE / f"{path}.html").as_uri(), wait_until="networkidle")
                picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
                short = path.rpartition("/")[2].removeprefix("plot_")
                short = "gallery" if short == "index" else short
                picture.convert("RGB").save(FOLDER / f"{short}-{name}-{theme}.webp", quality=75)
        browser.close()


if __name__ == "__main__":
    main()
