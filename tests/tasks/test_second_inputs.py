"""Mask, guide, hint, kernel and truth, by command and by function: one meaning, and it is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import untrained as package
from untrained import InputError, find_recipe, with_settings
from untrained.images import read_picture
from untrained.images.orientation import as_stored, upright

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., NDArray[np.float64]]
TINY = {"max_steps": "8", "network.widths": "8,8"}
SHORT = ("--steps", "8", "--set", "network.widths=8,8")
HOLE = (slice(3, 9), slice(2, 12))


def saved(path: Path, array: NDArray[Any], orientation: int = 1) -> Path:
    picture = Image.fromarray(array)
    exif = picture.getexif()
    if orientation != 1:
        exif[0x0112] = orientation
    picture.save(path, exif=exif)
    return path


@pytest.fixture
def photo(tmp_path: Path, scene: Scene) -> NDArray[np.uint8]:
    """Return a square photograph as stored, in photo.png, which is seen turned (orientation 6)."""
    noise = np.random.default_rng(0).normal(0, 10, (32, 32, 3))
    pixels = np.clip(255 * scene(32, 32) + noise, 0, 255).astype(np.uint8)
    saved(tmp_path / "photo.png", pixels, 6)
    return pixels


@pytest.fixture
def mask(tmp_path: Path) -> NDArray[np.uint8]:
    """Return a mask drawn upright, in mask.png, black in HOLE."""
    drawn = np.full((32, 32), 255, np.uint8)
    drawn[HOLE] = 0
    saved(tmp_path / "mask.png", drawn)
    return drawn


def changed(before: NDArray[Any], path: Path) -> NDArray[np.bool_]:
    return np.asarray((before != read_picture(path).pixels[0]).any(-1))


def test_an_upright_mask_fills_what_is_seen_there(
    tmp_path: Path, photo: NDArray[np.uint8], mask: NDArray[np.uint8], untrained: Run
) -> None:
    done = untrained("inpaint", "photo.png", "--mask", "mask.png", "-o", "out.png", *SHORT)
    assert done.returncode == 0, done.stderr
    filled = as_stored(mask == 0, 6)
    assert not (changed(photo, tmp_path / "out.png") & ~filled).any()
    assert changed(photo, tmp_path / "out.png").sum() > 50
    note = "the mask was turned to lie over the picture as both are seen"
    assert f"  note: {note}" in done.stdout
    record = json.loads(next(tmp_path.glob("untrained-runs/*/run.json")).read_text())
    assert record["results"][0]["notes"][0].startswith(note)
    words = ("inpaint", "photo.png", "--mask", "mask.png", "-o", "again.png", "--json", *SHORT)
    assert json.loads(untrained(*words).stdout)["notes"][0].startswith(note)

    recipe = with_settings(find_recipe("inpaint", "fast"), TINY)
    for given in (tmp_path / "mask.png", str(tmp_path / "mask.png"), mask, mask > 0):
        with pytest.warns(UserWarning, match=note) as caught:
            result = package.inpaint(tmp_path / "photo.png", given, recipe=recipe)
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(result, read_picture(tmp_path / "out.png").pixels[0])
    # an array has no orientation: its mask lies as it does
    result = package.inpaint(photo, tmp_path / "mask.png", recipe=recipe)
    assert not ((result != photo).any(-1) & (mask > 0)).any()


def test_degrading_a_turned_photograph_gives_its_mask_the_same_turn(
    tmp_path: Path, photo: NDArray[np.uint8], untrained: Run
) -> None:
    assert untrained("degrade", "photo.png", "-o", "holes.png", "--missing", "0.3").returncode == 0
    holes = read_picture(tmp_path / "holes.png").pixels[0]
    missing = read_picture(tmp_path / "holes-mask.png").pixels[0, ..., 0] == 0
    words = ("inpaint", "holes.png", "--mask", "holes-mask.png", "-o", "out.png", *SHORT)
    done = untrained(*words)
    assert done.returncode == 0, done.stderr
    assert "note:" not in done.stdout
    assert not (changed(holes, tmp_path / "out.png") & ~missing).any()


@pytest.mark.filterwarnings("ignore:the truth was turned")
def test_a_truth_is_compared_as_it_is_seen(
    tmp_path: Path, photo: NDArray[np.uint8], scene: Scene, untrained: Run
) -> None:
    clean = (255 * scene(32, 32)).astype(np.uint8)
    saved(tmp_path / "stored.png", clean, 6)
    saved(tmp_path / "upright.png", np.ascontiguousarray(upright(clean, 6)))
    scores = []
    for truth in ("stored.png", "upright.png"):
        words = ("photo.png", "--truth", truth, "-o", f"out-{truth}", "--json", *SHORT)
        scores.append(json.loads(untrained("denoise", *words).stdout)["results"][0]["score"])
        result = package.denoise(
            tmp_path / "photo.png", truth=tmp_path / truth, return_result=True, settings=TINY
        )
        assert result.score.psnr_kept == pytest.approx(scores[-1]["psnr"], abs=1e-4)
    assert scores[0] == scores[1]
    late = untrained("score", "out-stored.png", "upright.png", "--json")
    assert json.loads(late.stdout)["psnr"] == pytest.approx(scores[0]["psnr"], abs=0.1)
    # beside an array, a file's layout is the array's
    first = np.ascontiguousarray(np.moveaxis(upright(photo, 6), -1, 0))
    result = package.denoise(
        first, channel_axis=0, truth=tmp_path / "stored.png", return_result=True, settings=TINY
    )
    assert result.score.psnr_degraded == pytest.approx(scores[0]["psnr_degraded"], abs=1e-3)


def test_a_guide_lies_over_what_is_seen(
    tmp_path: Path, photo: NDArray[np.uint8], scene: Scene
) -> None:
    light = (255 * scene(32, 32)).astype(np.uint8)
    saved(tmp_path / "stored.png", light, 6)
    saved(tmp_path / "upright.png", np.ascontiguousarray(upright(light, 6)))
    clear = np.dstack([light, np.full((32, 32), 255, np.uint8)])
    clear[:4, :, 3] = 0
    saved(tmp_path / "clear.png", clear, 6)
    recipe = with_settings(find_recipe("flash", "fast"), TINY)
    first = package.flash(tmp_path / "photo.png", tmp_path / "stored.png", recipe=recipe)
    for guide in (tmp_path / "upright.png", np.asarray(Image.open(tmp_path / "upright.png"))):
        with pytest.warns(UserWarning, match="the guide was turned"):
            again = package.flash(tmp_path / "photo.png", guide, recipe=recipe)
        np.testing.assert_array_equal(first, again)
    with pytest.warns(UserWarning, match="the guide shows nothing where it is transparent"):
        package.flash(tmp_path / "photo.png", tmp_path / "clear.png", recipe=recipe)
    with pytest.raises(InputError, match="guide is 30x32, image is 32x32"):
        package.flash(photo, light[:30], recipe=recipe)


def test_a_hint_and_a_kernel_may_be_files(
    tmp_path: Path, photo: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> None:
    logo = np.zeros((32, 32, 4), np.uint8)
    logo[HOLE] = (255, 255, 255, 200)
    saved(tmp_path / "logo.png", logo)
    recipe = with_settings(find_recipe("decompose", "watermark"), {"max_steps": "8"})
    with pytest.warns(UserWarning, match="the hint is read from its transparency"):
        first, _, _ = package.decompose(photo, tmp_path / "logo.png", recipe=recipe)
    second, _, _ = package.decompose(photo, mask == 0, recipe=recipe)
    np.testing.assert_array_equal(first, second)
    assert not ((first != photo).any(-1) & (mask > 0)).any()

    kernel = np.array([[0, 1, 0], [1, 2, 1], [0, 1, 0]])
    saved(tmp_path / "k.png", (40 * kernel).astype(np.uint8))
    recipe = with_settings(find_recipe("deblur", "fast"), TINY)
    np.testing.assert_array_equal(
        package.deblur(photo, tmp_path / "k.png", recipe=recipe),
        package.deblur(photo, kernel, recipe=recipe),
    )


@pytest.mark.parametrize(("words", "name"), [
    (("inpaint", "photo.png", "--mask", "second.png"), "mask"),
    (("flash", "photo.png", "--guide", "second.png"), "guide"),
    (("decompose", "photo.png", "--hint", "second.png"), "hint"),
    (("deblur", "photo.png", "--kernel", "second.png"), "kernel"),
    (("denoise", "photo.png", "--truth", "second.png"), "truth"),
    (("degrade", "photo.png", "--blur", "second.png"), "kernel"),
])  # fmt: skip
def test_no_second_input_is_ever_overwritten(
    tmp_path: Path, photo: NDArray[np.uint8], untrained: Run, words: tuple[str, ...], name: str
) -> None:
    second = saved(tmp_path / "second.png", photo[:9, :9] if name == "kernel" else photo)
    before = second.read_bytes()
    (tmp_path / "link.png").symlink_to("second.png")
    (tmp_path / "hard.png").hardlink_to(second)
    short = () if words[0] in ("degrade", "decompose") else SHORT
    for output in ("second.png", "link.png", "hard.png"):
        done = untrained(*words, "-o", output, "--overwrite", *short)
        assert done.returncode == 2
        assert done.stderr == (
            f"untrained: {output}: is the {name} itself; give another output with -o\n"
        )
    assert second.read_bytes() == before


@pytest.mark.parametrize(("keywords", "message"), [
    ({"sigma": np.ones(3)}, r"sigma is an array of shape \(3,\); wanted one number"),
    ({"sigma": [1.0, 2.0]}, r"sigma is \[1.0, 2.0\]"), ({"sigma": "25"}, "sigma is '25'"),
    ({"photons": np.ones((32, 32))}, r"photons is an array of shape \(32, 32\)"),
    ({"strength": np.ones(2)}, r"strength is an array of shape \(2,\)"),
    ({"colour_strength": "half"}, "colour_strength is 'half'"),
])  # fmt: skip
def test_a_number_is_one_number(
    photo: NDArray[np.uint8], keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        package.denoise(photo, settings=TINY, **keywords)
