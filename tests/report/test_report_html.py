"""The report's page: one file, its policy, its pictures, its size."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from untrained.cli import main
from untrained.images import Picture, read_picture, write_picture
from untrained.report import RunPictures, make_report
from untrained.report.packing import Sources, as_text, choose, reduced
from untrained.report.pictures import Shown

Scene = Callable[..., Any]


class Page(HTMLParser):
    """Take a page apart as a browser does: attributes, and the text of style and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = False
        # what HTML does to the text of a file before it is read
        self.feed(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")
        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[-1] += data

    def text_of(self, wanted: str) -> str:
        for (_, attributes), text in zip(self.elements, self.texts, strict=True):
            if attributes.get("id") == wanted:
                return text
        raise AssertionError(f"no element {wanted}")

    def view(self) -> Any:
        return json.loads(self.text_of("view"))

    def picture(self, address: str) -> Any:
        data = bytes_of(self.text_of(f"source-{address.removeprefix('@')}"))
        return np.asarray(Image.open(io.BytesIO(data)))


def bytes_of(text: str) -> bytes:
    """Undo `as_text`, as report.ts does."""
    data, held, bits = bytearray(), 0, 0
    for character in text:
        held = (held << 7) | (ord(character) & 127)
        bits += 7
        if bits >= 8:
            bits -= 8
            data.append(held >> bits)
            held &= (1 << bits) - 1
    return bytes(data)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Iterator[list[Path]]:
    """Return two runs of one picture, made by the commands."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("report")
    noise = np.random.default_rng(0).normal(0, 0.1, (32, 48, 3))
    for name, values in (("clean", scene(32, 48)), ("no<i>sy", scene(32, 48) + noise)):
        image = np.rint(255 * values.clip(0, 1)).astype(np.uint8)
        write_picture(folder / f"{name}.png", Picture.from_array(image))
    found = []
    for seed in ("0", "1"):
        code = main(
            ["denoise", str(folder / "no<i>sy.png"), "-o", str(folder / f"out{seed}.png"), "--seed",
             seed, "--set", "widths=8,8", "--steps", "40", "--set", "stopper=FixedSteps",
             "--truth", str(folder / "clean.png"), "--run-dir", str(folder / f"runs{seed}"),
             "--report", "--quiet"]
        )  # fmt: skip
        assert code == 0
        found += list((folder / f"runs{seed}").iterdir())
    yield found
    torch.set_num_threads(threads)


@given(st.binary(max_size=300))
def test_bytes_survive_as_text_in_html(data: bytes) -> None:
    text = as_text(data)
    assert not set(text) & {"\0", "\r", "<"}
    assert bytes_of(text) == data
    assert bytes_of(text.encode().decode()) == data


def test_text_takes_less_than_a_fifth_more() -> None:
    data = np.random.default_rng(0).bytes(100_000)
    assert len(as_text(data).encode()) < 1.18 * len(data) < len(base64.b64encode(data))


def test_report_is_written_beside_the_run(runs: list[Path]) -> None:
    page = Page((runs[0] / "report.html").read_text(encoding="utf-8"))
    (run,) = page.view()["runs"]
    assert [s["step"] for s in run["snapshots"]] == [0, 10, 20, 30, 40]


def test_the_page_needs_nothing_else(runs: list[Path]) -> None:
    text = make_report(runs).text
    page = Page(text)
    for tag, attributes in page.elements:
        assert not attributes.keys() & {"src", "href", "style", "srcset", "action"}, tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert {tag for tag, _ in page.elements} == {
        "html", "head", "meta", "title", "style", "body", "noscript", "script",
    }  # fmt: skip
    assert "no&lt;i&gt;sy.png" in text
    assert "<i>" not in text


def test_the_policy_allows_the_bundle_and_nothing_else(runs: list[Path]) -> None:
    page = Page(make_report(runs).text)
    (policy,) = (str(a["content"]) for _, a in page.elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; img-src data: blob:;")
    allowed = dict(re.findall(r"(style|script)-src 'sha256-([^']+)'", policy))
    run = {
        tag: text
        for (tag, attributes), text in zip(page.elements, page.texts, strict=True)
        if tag in ("style", "script") and "type" not in attributes
    }
    for tag, text in run.items():
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() == allowed[tag]
    assert "unsafe" not in policy


def test_pictures_are_those_of_the_run_and_held_once(runs: list[Path]) -> None:
    page = Page(make_report(runs).text)
    one, other = page.view()["runs"]
    assert one["id"] != other["id"]
    assert (one["title"], other["title"]) == (
        "no<i>sy.png, fast, seed 0",
        "no<i>sy.png, fast, seed 1",
    )
    for run, folder in zip((one, other), runs, strict=True):
        result = read_picture(folder / "result.png").pixels[0]
        np.testing.assert_array_equal(page.picture(run["layers"]["estimate"]["src"]), result)
        pictures = RunPictures(folder)
        for name in ("observed", "truth"):
            shown = pictures.find(name)
            assert shown is not None
            np.testing.assert_array_equal(page.picture(run["layers"][name]["src"]), shown.pixels())
        for snapshot in run["snapshots"]:
            shown = pictures.find(f"snapshots/{snapshot['step']}")
            assert shown is not None
            np.testing.assert_array_equal(page.picture(snapshot["src"]), shown.pixels())
        assert run["snapshots"][-1]["src"] == run["layers"]["estimate"]["src"]
    assert one["layers"]["observed"] == other["layers"]["observed"]
    assert one["layers"]["truth"] == other["layers"]["truth"]
    sources = [a["id"] for _, a in page.elements if str(a.get("id", "")).startswith("source-")]
    assert len(sources) == 2 + 2 * 5


def test_a_smaller_page_leaves_out_images_of_the_fit_only(runs: list[Path]) -> None:
    whole = make_report(runs)
    assert not whole.too_large
    layers = [run["layers"] for run in Page(whole.text).view()["runs"]]
    counts, texts = [], []
    for share in (0.9, 0.7, 0.5):
        limit = share * whole.size / 1e6
        part = make_report(runs, max_megabytes=limit)
        view = Page(part.text).view()["runs"]
        assert [run["layers"] for run in view] == layers
        assert part.too_large == (part.size > 1e6 * limit)
        assert part.size < whole.size
        counts.append(sum(s["width"] * s["height"] for run in view for s in run["snapshots"]))
        texts.append(" ".join(view[0]["notes"]))
    assert counts == sorted(counts, reverse=True)
    assert not make_report(runs, max_megabytes=0.9 * whole.size / 1e6).too_large
    assert all("to keep this page small" in text for text in texts)


def _noisy(step: int, side: int) -> Shown:
    values = np.random.default_rng(step).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Shown(name=f"snapshots/{step}", width=side, height=side, pixels=lambda: values)


def test_snapshots_are_thinned_then_made_smaller() -> None:
    runs = [[_noisy(step, 32) for step in range(16)], [_noisy(100, 32)]]
    one = Sources()
    one.add(runs[0][0].pixels())
    last = None
    for limit in (60_000, 45_000, 30_000, 12_000, 4_000, 2_000, 300, 10):
        sources = Sources()
        sources.add(runs[0][15].pixels())  # the estimate
        kept = choose(sources, runs, limit + sources.cost)
        assert kept.sources.cost <= limit + sources.cost
        held = kept.runs[0]
        pixels = sum(h.width * h.height for run in kept.runs for h in run)
        assert last is None or pixels <= last
        last = pixels
        if held:
            assert held[-1].which == 15
            assert (held[-1].address, held[-1].width) == ("@0", 32)  # free, so whole
            assert list(held) == sorted(held)
    assert last == 0


def test_a_reduced_picture_is_of_means() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    wanted = pixels.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    assert abs(reduced(pixels, 2) - wanted).max() <= 0.5
    assert reduced(np.zeros((9, 9, 3), np.uint8), 4).shape == (3, 3, 3)


def test_the_command_says_what_it_wrote(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.html"
    assert main(["report", *map(str, runs), "-o", str(target)]) == 0
    assert f"report: {target} (" in capsys.readouterr().out
    assert main(["report", str(runs[0]), "-o", str(target), "--max-megabytes", "0.001"]) == 0
    assert "instead of at most 0.001" in capsys.readouterr().err
    assert main(["report", str(tmp_path)]) == 2
    assert "wanted the folder of a run" in capsys.readouterr().err
    assert main(["report", str(runs[0]), "-o", str(target), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"output": str(target), "bytes": target.stat().st_size}


def test_a_report_replaces_nothing_but_a_report(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, message in [
        ("mine.png", "wanted a report as .html"), ("rep.pdf", "wanted a report as .html"),
        ("mine.html", "exists and is no report"),
    ]:  # fmt: skip
        (tmp_path / name).write_text("precious")
        assert main(["report", str(runs[0]), "-o", str(tmp_path / name)]) == 2
        told = capsys.readouterr().err
        assert message in told
        assert told.count("\n") == 1
        assert (tmp_path / name).read_text() == "precious"
