"""Values come back as they were: any range, missing ones, gray ones, constant ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import untrained
from untrained import Given, find_recipe, restore, with_settings
from untrained.errors import InputError
from untrained.images import Picture
from untrained.operators import Blur, Mosaic, Resample
from untrained.operators.blur import gaussian_kernel
from untrained.recipes import Recipe
from untrained.restoring import Hooks, restore_picture


def tiny(task: str = "denoise", name: str = "fast", steps: int = 8) -> Recipe:
    recipe = with_settings(find_recipe(task, name), {"max_steps": str(steps)})
    width = {"network.width": "8"} if task == "upscale" else {"network.widths": "8,8"}
    return with_settings(recipe, width)


def scene(height: int = 32, width: int = 40, noise: float = 0.06) -> NDArray[np.float64]:
    y, x = np.mgrid[:height, :width] / 40
    clean = 0.5 + 0.3 * np.sin(7 * x + 3 * y) + 0.15 * (x > y)
    return clean + np.random.default_rng(0).normal(0, noise, x.shape)


BASE = restore(1000 * scene(), recipe=tiny(steps=40)).image


@given(
    kind=st.sampled_from(["uint16", "int16", "int32", "uint32", "float32", "float64"]),
    scale=st.sampled_from([300.0, 2000.0, 9000.0]),
    offset=st.sampled_from([0.0, 1000.0, 12000.0]),
)
@settings(max_examples=6, deadline=None)
def test_denoising_follows_offset_and_scale(kind: str, scale: float, offset: float) -> None:
    if kind == "float32" and offset > 1000:
        scale = max(scale, 2000.0)  # of fewer than 24 bits rounding takes a part
    values = offset + 500 + scale * scene()
    image = (values if kind.startswith("f") else np.rint(values)).astype(kind)
    restored = restore(image, recipe=tiny(steps=40)).image
    assert restored is not None
    assert BASE is not None
    assert restored.dtype == image.dtype
    back = (restored.astype(np.float64) - offset - 500) / scale
    rounding = 0 if kind.startswith("f") else 1 / scale
    assert np.sqrt(np.mean((back - BASE / 1000) ** 2)) < 0.006 + rounding  # a tenth of the noise


@pytest.mark.parametrize("channels", [3, 5])
def test_denoising_of_channels_follows_offset_and_scale(channels: int) -> None:
    turned = [np.roll(scene(), 7 * c, 1) for c in range(channels)]
    image = np.stack(turned, -1)
    plain, moved = (restore(x, recipe=tiny()).image for x in (1000 * image, 5e4 + 70 * image))
    assert plain is not None
    assert moved is not None
    np.testing.assert_allclose((moved - 5e4) / 70, plain / 1000, atol=2e-3)


def test_channels_of_different_scale_are_denoised_as_if_alone() -> None:
    clean = scene(48, 48, 0)
    noise = np.random.default_rng(1).normal(0, 1, (2, 48, 48))
    strong, weak = 5000 + 40000 * (clean + 0.03 * noise[0]), 100 + 300 * (clean.T + 0.05 * noise[1])
    both = np.stack([strong, weak], -1).clip(0, 65535).astype(np.uint16)
    wider = with_settings(tiny(steps=60), {"network.widths": "16,16"})
    restored = restore(both, recipe=wider).image
    for c, (truth, offset, scale) in enumerate(((clean, 5000, 40000), (clean.T, 100, 300))):
        before, after = (
            np.sqrt(np.mean((image[..., c].astype(float) - offset - scale * truth) ** 2)) / scale
            for image in (both, restored)
        )
        assert after < 0.85 * before


@pytest.mark.parametrize("task", ["denoise", "inpaint"])
def test_missing_values_have_no_part_and_come_back_as_they_were(task: str) -> None:
    image = (100 + 50 * scene()).astype(np.float32)
    hole = np.zeros(image.shape, bool)
    hole[4:7, 8:12] = True
    plain = np.where(hole, np.float32(np.nan), image)
    plain[20, 20] = -np.inf
    masked = np.ma.masked_array(np.where(hole, np.float32(-9999), image), hole)
    for given_image, missing in ((plain, ~np.isfinite(plain)), (masked, hole)):
        restored = restore(given_image, recipe=tiny(task)).image
        values = np.ma.getdata(restored)
        assert values[~missing].min() > 50
        if task == "inpaint":
            assert np.isfinite(values).all()
            assert not np.ma.isMaskedArray(restored)
            assert np.array_equal(values[~missing], np.ma.getdata(given_image)[~missing])
        else:
            np.testing.assert_array_equal(values[missing], np.ma.getdata(given_image)[missing])
            assert np.array_equal(np.ma.getmaskarray(restored), np.ma.getmaskarray(given_image))


def test_missing_pixels_stay_missing_where_the_image_grows() -> None:
    image = (100 + 50 * scene(16, 20)).astype(np.float32)
    image[3:5, 6:8] = np.nan
    result = restore(image, recipe=tiny("upscale"), given=Given(operator=Resample(2)))
    assert result.image is not None
    expected = np.repeat(np.repeat(np.isnan(image), 2, 0), 2, 1)
    assert np.array_equal(np.isnan(result.image), expected)
    assert result.details["missing_filled"] is False


def test_nodata_is_missing_in_every_page() -> None:
    pages = np.stack([scene(), scene()[::-1]]).astype(np.float32)[..., None]
    pages[0, 3:6, 3:6], pages[1, 9:11, 20:30] = -9999, -9999
    picture = Picture(pixels=pages, nodata=-9999.0, lead=(2,))
    restored, results = restore_picture(picture, recipe=tiny())
    assert [r.details["missing_pixels"] for r in results] == [9, 20]
    assert np.array_equal(restored.pixels == -9999, pages == -9999)
    filled, _ = restore_picture(picture, recipe=tiny("inpaint"))
    assert filled.pixels.min() > -1


@pytest.mark.parametrize(
    "value", [np.uint8(0), np.uint8(255), np.uint16(7), np.int16(-5), np.float32(3.7)]
)
@pytest.mark.parametrize("name", ["denoise/fast", "denoise/paper", "upscale/fast", "demosaic/fast"])
def test_a_picture_of_one_value_comes_through(value: np.generic, name: str) -> None:
    task, recipe = name.split("/")
    operator = {"upscale": Resample(2), "demosaic": Mosaic("RGGB")}.get(task)
    image = np.full((16, 20), value)
    result = restore(image, recipe=find_recipe(task, recipe), given=Given(operator=operator))
    assert result.image is not None
    assert result.image.dtype == image.dtype
    assert (result.image == value).all()
    assert result.reason.value == "nothing"


def test_a_constant_picture_with_a_hole_is_filled_with_its_value() -> None:
    known = np.ones((16, 20), bool)
    known[4:8, 4:8] = False
    image = np.where(known, 9, 0).astype(np.uint16)
    assert (restore(image, recipe="inpaint/fast", given=Given(mask=known)).image == 9).all()


@pytest.mark.parametrize("operator", [None, Resample(2), Blur(gaussian_kernel(1.0))])
def test_gray_stored_as_colours_stays_gray(operator: object) -> None:
    task = {type(None): "denoise", Resample: "upscale", Blur: "deblur"}[type(operator)]
    gray = np.rint(255 * scene().clip(0, 1)).astype(np.uint8)
    colours = np.stack([gray] * 3, -1)
    alone, among = (
        restore(image, recipe=tiny(task), given=Given(operator=operator)).image  # type: ignore[arg-type]
        for image in (gray, colours)
    )
    assert alone is not None
    assert among is not None
    assert among.shape == (*alone.shape, 3)
    assert np.array_equal(among, np.stack([alone] * 3, -1))


def test_gray_stored_as_colours_is_scored_against_a_truth_in_colours() -> None:
    gray = scene()
    colours, truth = np.stack([gray] * 3, -1), np.stack([gray, gray, gray[::-1]], -1)
    with_truth = restore(colours, recipe=tiny(), truth=truth)
    assert with_truth.score is not None
    assert with_truth.image is not None
    error = np.mean((with_truth.image - truth) ** 2)
    assert with_truth.score.psnr_kept == pytest.approx(
        untrained.psnr(with_truth.image, truth, peak=with_truth.details["full_scale"]), abs=1e-3
    )
    assert error > 0
    assert np.array_equal(with_truth.image, restore(colours, recipe=tiny()).image)


def test_hot_pixels_cost_the_others_nothing_and_are_replaced() -> None:
    image = np.rint(200 + 1200 * scene(64, 64, 0.04).clip(0, 1)).astype(np.uint16)
    hot = image.copy()
    places = ([5, 20, 33, 50, 60], [9, 41, 3, 50, 22])
    hot[places] = 65535
    recipe = tiny(steps=40)
    without, with_hot = (restore(x, recipe=recipe) for x in (image, hot))
    assert with_hot.details["impulses"] == 5
    assert with_hot.image[places].max() < 2500  # type: ignore[index]
    rest = np.ones(image.shape, bool)
    rest[places] = False
    difference = (with_hot.image.astype(float) - without.image)[rest]  # type: ignore[union-attr]
    assert np.sqrt(np.mean(difference**2)) < 20


def test_a_star_stays_as_it_was() -> None:
    sky = np.random.default_rng(0).normal(100, 2, (48, 48))
    sky[20:22, 30], sky[20, 31] = (9000, 5000), 4000
    result = restore(sky, recipe=tiny())
    assert result.image is not None
    assert np.array_equal(result.image[20:22, 30], sky[20:22, 30])
    assert result.details["outliers"] == 3


def test_what_is_far_outside_in_one_channel_is_put_back_in_that_one_alone() -> None:
    """Channels may be pages of a stack: a star of one stays, and no noise of the others."""
    pages = np.random.default_rng(0).normal(100, 2, (48, 48, 4))
    pages[20:22, 30, 2] = 9000
    result = restore(pages, recipe=tiny())
    assert result.image is not None
    assert result.details["outliers"] == 2
    assert np.array_equal(result.image[20:22, 30, 2], pages[20:22, 30, 2])
    assert not np.array_equal(result.image[20:22, 30, 1], pages[20:22, 30, 1])


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, np.uint64])
def test_known_pixels_are_exact_in_every_whole_dtype(dtype: type) -> None:
    limits = np.iinfo(dtype)
    draw = np.random.default_rng(0).integers(limits.max // 2, limits.max, (16, 20), dtype=dtype)
    draw[:2] = limits.max
    known = np.random.default_rng(1).random(draw.shape) > 0.3
    filled = restore(draw, recipe=tiny("inpaint"), given=Given(mask=known)).image
    assert filled is not None
    assert np.array_equal(filled[known], draw[known])


def test_a_page_that_cannot_be_restored_costs_only_itself() -> None:
    pages = np.stack([scene(), np.full((32, 40), np.nan), scene()[::-1]]).astype(np.float32)
    failed: list[InputError] = []
    picture = Picture(pixels=pages[..., None], lead=(3,))
    restored, results = restore_picture(
        picture, recipe=tiny(), hooks=lambda page: Hooks(on_failed=failed.append)
    )
    assert len(results) == 2
    assert "no finite pixel" in str(failed[0])
    assert np.isnan(restored.pixels[1]).all()
    assert not np.array_equal(restored.pixels[2], pages[2][..., None])
    larger, _ = restore_picture(
        picture, recipe=tiny("upscale"), given=Given(operator=Resample(2)),
        hooks=lambda page: Hooks(on_failed=failed.append),
    )  # fmt: skip
    assert larger.pixels.shape == (3, 64, 80, 1)


def test_the_colour_of_a_sprite_reaches_its_soft_edge() -> None:
    y, x = np.mgrid[:24, :24]
    alpha = (255 * np.clip(9 - np.hypot(y - 12, x - 12), 0, 1)).astype(np.uint8)
    colour = np.zeros((1, 24, 24, 3), np.uint8)
    colour[0, alpha > 0] = (200, 40, 90)
    picture = Picture(pixels=colour, alpha=alpha[None])
    larger, _ = restore_picture(picture, recipe=tiny("upscale"), given=Given(operator=Resample(2)))
    assert larger.alpha is not None
    seen = larger.pixels[0][larger.alpha[0] > 0].astype(int)
    assert np.abs(seen - (200, 40, 90)).max() <= 1


@pytest.mark.parametrize("image", [np.uint8(255) * (scene() > 0.6), (255 * scene()).clip(0, 255)])
def test_no_noise_can_be_given(image: NDArray[np.float64]) -> None:
    picture = image.astype(np.uint8)
    result = restore(picture, recipe=tiny(), given=Given(sigma=0.0))
    assert result.image is not None
    assert np.array_equal(result.image, picture)
    recipe = replace(tiny(name="paper", steps=2))
    assert restore(picture, recipe=recipe, given=Given(sigma=0.0)).image is not None
