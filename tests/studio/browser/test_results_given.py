"""What a result gives: its file, one that every program opens, a report of what downloads."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect
from steps import restored, text_of

from untrained.images import Picture, blended, read_picture, write_picture


def downloaded(page: Any, name: str) -> tuple[str, NDArray[Any]]:
    """The name and the pixels of what a link gives."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name, exact=True).click()
    path = Path(waiting.value.path())
    return waiting.value.suggested_filename, np.asarray(Image.open(io.BytesIO(path.read_bytes())))


def test_beside_a_file_of_16_bits_there_is_one_for_every_program(
    page: Any, studio: Any, tmp_path: Path, scene: Any
) -> None:
    path = tmp_path / "deep.tif"
    noise = np.random.default_rng(0).normal(0, 0.05, (40, 48, 3))
    deep = np.rint(65535 * (scene(40, 48) + noise).clip(0, 1)).astype(np.uint16)
    write_picture(path, Picture.from_array(deep))
    id_ = restored(page, studio, path, steps=10)
    page.get_by_role("link", name="Download TIFF (16 bit)").wait_for()
    name, got = downloaded(page, "Download PNG (8 bit)")
    assert name == "deep-denoise-8-bit.png"
    assert got.dtype == np.uint8
    wanted = studio.result(id_)[0] / 257.0
    assert np.abs(got - wanted).max() <= 0.51


def test_a_file_that_is_plain_needs_no_other(page: Any, studio: Any, noisy: Path) -> None:
    restored(page, studio, noisy, steps=4)
    expect(page.get_by_role("link", name="Download")).to_have_count(1)
    expect(page.get_by_role("link", name="Download")).to_have_text("Download PNG (8 bit)")


def test_the_report_shows_what_downloads(page: Any, studio: Any, noisy: Path) -> None:
    id_ = restored(page, studio, noisy, steps=40)
    before, whole = read_picture(noisy).pixels[0], studio.result(id_)[0]
    with page.expect_response("**/strength") as answer:
        page.get_by_role("slider", name="Strength", exact=True).fill("30")
    assert answer.value.ok
    wanted = blended(before, whole, strength=0.3)
    page.goto(f"{studio.url}/api/jobs/{id_}/report.html")
    expect(page.locator(".facts").first).to_contain_text("30 %")
    page.get_by_label("Right picture", exact=True).select_option("estimate")
    box = page.locator(".viewer .pane").first.bounding_box()
    values = page.locator(".readout-values")
    differing = 0
    for part in (0.4, 0.45, 0.5, 0.55):
        page.mouse.move(box["x"] + part * box["width"], box["y"] + part * box["height"])
        expect(values).to_contain_text(re.compile(r"x \d+.*right"))
        at, _, right = text_of(values).partition("right")
        column, row = (int(number) for number in re.findall(r"[xy] (\d+)", at))
        assert [int(number) for number in right.split()] == wanted[row, column].tolist()
        differing += bool((wanted[row, column] != whole[row, column]).any())
    assert differing, "it is not the whole of what the fit took away"
