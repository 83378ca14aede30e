"""From arrays and files to results: range, dtype, shape, metadata; what the tasks promise."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import denoise_nl_means

import untrained
from untrained import InputError, find_recipe, psnr, restore, with_settings
from untrained.fitting import Callback, Check, StopReason
from untrained.images import Picture, read_picture
from untrained.recipes import Recipe
from untrained.restoring import Execution, Given
from untrained.simulation.camera import camera_jpeg

Scene = Callable[..., Any]


def tiny(task: str, name: str = "fast", **changes: str) -> Recipe:
    """A recipe that takes a second: few, narrow scales and few steps."""
    return with_settings(find_recipe(task, name), {"widths": "8,8", "max_steps": "20", **changes})


def noisy(image: Any, sigma: float = 0.1, seed: int = 0) -> Any:
    return np.clip(image + np.random.default_rng(seed).normal(0, sigma, image.shape), 0, 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(33, 21), (33, 21, 3), (8, 8), (8, 50, 4)])
def test_arrays_come_back_as_they_were_given(
    dtype: str, shape: tuple[int, ...], scene: Scene
) -> None:
    image = noisy(scene(*shape[:2], shape[2] if len(shape) == 3 else 1)).reshape(shape)
    kind = np.dtype(dtype)
    image = (image * (1 if kind.kind == "f" else 3000 if kind.itemsize > 1 else 255)).astype(kind)
    before = image.copy()
    result = untrained.denoise(image, recipe=tiny("denoise"))
    assert result.shape == image.shape
    assert result.dtype == image.dtype
    assert not np.array_equal(result, image)
    np.testing.assert_array_equal(image, before)
    assert float(result.min()) >= float(image.min()) - 1
    assert float(result.max()) <= max(float(image.max()) + 1, 255 if dtype == "uint8" else 0)


def test_the_channel_axis_and_the_range_do_not_matter(scene: Scene) -> None:
    image = noisy(scene(24, 30)).astype(np.float32)
    plain = untrained.denoise(image, recipe=tiny("denoise"))
    first = untrained.denoise(np.moveaxis(image, -1, 0), channel_axis=0, recipe=tiny("denoise"))
    np.testing.assert_array_equal(np.moveaxis(first, 0, -1), plain)


def test_sigma_is_in_the_units_of_the_image(scene: Scene) -> None:
    image = np.rint(noisy(scene(64, 64), 0.1) * 255).astype(np.uint8)
    estimated = restore(image, recipe=tiny("denoise"))
    assert estimated.details["sigma_estimated"]
    assert estimated.details["sigma"] == pytest.approx(25.5, rel=0.15)
    given = restore(image, recipe=tiny("denoise"), given=Given(sigma=20.0))
    assert given.details["sigma"] == pytest.approx(20)
    assert given.details["sigma_255"] == pytest.approx(20)
    deep = restore(
        image.astype(np.uint16) * 257, recipe=tiny("denoise"), given=Given(sigma=20.0 * 257)
    )
    assert deep.details["sigma_255"] == pytest.approx(20)
    with pytest.raises(InputError, match="sigma is -1"):
        restore(image, recipe=tiny("denoise"), given=Given(sigma=-1))


def test_fast_denoising_of_the_astronaut_beats_non_local_means_and_stops_by_itself() -> None:
    """The default as users meet it, σ = 25; whole pictures are in docs/measurements.md."""
    clean = astronaut()[64:192, 192:320] / 255
    sigma = 25 / 255
    image = noisy(clean, sigma)
    result = restore(image, recipe=find_recipe("denoise", "fast"), truth=clean)
    assert result.reason in (StopReason.HELD_OUT, StopReason.MAX_STEPS)
    assert result.image is not None
    nlm = denoise_nl_means(
        image, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True,
        channel_axis=-1,
    )  # fmt: skip
    score = result.score
    assert score is not None
    assert score.psnr_kept > peak_signal_noise_ratio(clean, nlm, data_range=1) + 0.5
    assert score.gap <= 0.5
    assert score.peak_step <= result.stop_step < 1500
    assert score.psnr_kept == pytest.approx(
        peak_signal_noise_ratio(clean, result.image, data_range=1), abs=0.01
    )


def test_the_paper_recipe_fits_the_signal_first_and_the_noise_later(scene: Scene) -> None:
    """PSNR to the observation rises throughout; PSNR to the truth peaks and falls."""
    clean = scene(64, 64)
    recipe = with_settings(
        find_recipe("denoise", "paper"), {"widths": "32,32,32,32", "max_steps": "400"}
    )
    result = restore(noisy(clean), recipe=recipe, truth=clean)
    score = result.score
    assert score is not None
    seventh = len(score.steps) // 7
    means = [np.mean(score.psnr_observed[i : i + seventh]) for i in range(0, 7 * seventh, seventh)]
    assert all(b > a - 0.05 for a, b in pairwise(means)), means
    assert means[-1] > means[0] + 2
    iterate = np.convolve(score.psnr_truth_iterate, np.ones(5) / 5, mode="valid")
    assert 0 < iterate.argmax() < len(iterate) - 5
    assert iterate.max() > iterate[-1] + 0.3
    assert iterate.max() > iterate[0] + 3


def test_inpainting_fills_and_keeps(scene: Scene) -> None:
    clean = scene(64, 64)
    mask = np.random.default_rng(0).random((64, 64)) > 0.5
    holes = np.where(mask[..., None], clean, 0)
    recipe = with_settings(find_recipe("inpaint", "fast"), {"max_steps": "80"})
    filled = untrained.inpaint(holes, mask, recipe=recipe)
    np.testing.assert_allclose(filled[mask], clean[mask], atol=1e-6)
    before = np.mean((holes - clean)[~mask] ** 2)
    assert np.mean((filled - clean)[~mask] ** 2) < 0.05 * before
    with_nan = np.where(mask[..., None], clean, np.nan)
    assert np.isfinite(untrained.inpaint(with_nan, recipe=tiny("inpaint"))).all()
    with pytest.raises(InputError, match="nothing to inpaint"):
        untrained.inpaint(clean, recipe=tiny("inpaint"))
    with pytest.raises(InputError, match="both finite and known"):
        untrained.inpaint(with_nan, ~mask, recipe=tiny("inpaint"))


def test_upscaling(scene: Scene) -> None:
    clean = scene(64, 64)
    small = clean.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    recipe = with_settings(find_recipe("upscale", "fast"), {"max_steps": "80"})
    large = untrained.upscale(small, 2, recipe=recipe)
    assert large.shape == clean.shape
    assert np.mean((large - clean) ** 2) < 0.01
    for factor in (0, 1):
        with pytest.raises(InputError, match="factor"):
            untrained.upscale(small, factor)


FILES: dict[str, tuple[Any, str]] = {
    "odd RGB": (lambda scene: np.rint(noisy(scene(37, 51)) * 255).astype(np.uint8), "png"),
    "16-bit gray": (
        lambda s: np.rint(noisy(s(33, 40, 1))[..., 0] * 65535).astype(np.uint16),
        "tif",
    ),
    "JPEG": (lambda scene: np.rint(noisy(scene(30, 41)) * 255).astype(np.uint8), "jpg"),
    "WebP": (lambda scene: np.rint(noisy(scene(30, 41)) * 255).astype(np.uint8), "webp"),
    "float array": (lambda scene: (500 * noisy(scene(30, 41))).astype(np.float32), "npy"),
}


@pytest.mark.parametrize("what", FILES)
def test_files_go_through_and_keep_their_kind(what: str, tmp_path: Path, scene: Scene) -> None:
    make, suffix = FILES[what]
    pixels = make(scene)
    path = tmp_path / f"in.{suffix}"
    untrained.write_picture(path, Picture.from_array(pixels))
    picture = read_picture(path)
    restored, (result,) = untrained.restore_picture(picture, recipe=tiny("denoise"))
    out = tmp_path / f"out.{suffix}"
    untrained.write_picture(out, restored)
    again = read_picture(out)
    assert again.pixels.shape == picture.pixels.shape
    assert again.pixels.dtype == picture.pixels.dtype
    assert again.metadata.icc == picture.metadata.icc
    assert again.to_array().shape == picture.to_array().shape
    assert result.stop_step == 20
    array = untrained.denoise(path, recipe=tiny("denoise"))
    np.testing.assert_array_equal(array, restored.to_array())


def test_alpha_survives_denoising_and_serves_as_the_mask_of_inpainting(
    tmp_path: Path, scene: Scene
) -> None:
    colour = np.rint(noisy(scene(30, 41)) * 255).astype(np.uint8)
    alpha = np.full((30, 41), 200, np.uint8)
    alpha[10:15, 10:20] = 0
    picture = Picture(pixels=colour[None], alpha=alpha[None])
    untrained.write_picture(tmp_path / "a.png", picture)
    read = read_picture(tmp_path / "a.png")
    clean, (result,) = untrained.restore_picture(read, recipe=tiny("denoise"))
    assert clean.alpha is not None
    np.testing.assert_array_equal(clean.alpha[0], alpha)
    np.testing.assert_array_equal(clean.pixels[0, 10:15, 10:20], colour[10:15, 10:20])
    assert not np.array_equal(clean.pixels[0, :10], colour[:10])
    assert result.details["missing_pixels"] == 50
    filled, _ = untrained.restore_picture(read, recipe=tiny("inpaint"))
    assert filled.alpha is not None
    assert (filled.alpha[0, 10:15, 10:20] == 255).all()
    assert (filled.alpha[0, :10] == 200).all()
    np.testing.assert_array_equal(filled.pixels[0, :10], colour[:10])
    assert not np.array_equal(filled.pixels[0, 10:15, 10:20], colour[10:15, 10:20])


def test_float_tiff_with_nan_goes_through(tmp_path: Path, scene: Scene) -> None:
    pixels = (100 + 900 * noisy(scene(30, 41, 1))[..., 0]).astype(np.float32)
    pixels[5:8, 6:9] = np.nan
    path = tmp_path / "a.tif"
    untrained.write_picture(path, Picture.from_array(pixels))
    for task in (untrained.denoise, untrained.inpaint):
        out = task(path, recipe=tiny(task.__name__))
        assert out.shape == pixels.shape
        assert out.dtype == np.float32
        filled = task is untrained.inpaint  # elsewhere, what was missing is missing
        assert np.array_equal(np.isfinite(out), np.isfinite(pixels) | filled)
        assert np.nanmin(out) >= 0
        assert np.nanmax(out) <= 1100


def test_every_page_of_a_stack_is_restored(scene: Scene) -> None:
    pages = np.stack([noisy(scene(20, 24, 1), seed=s) for s in range(3)])
    picture = Picture(pixels=pages.astype(np.float32), lead=(3,), has_channel_axis=False)
    restored, results = untrained.restore_picture(picture, recipe=tiny("denoise"))
    assert restored.to_array().shape == (3, 20, 24)
    assert len(results) == 3
    one = untrained.denoise(pages[1].astype(np.float32), recipe=tiny("denoise"))
    np.testing.assert_array_equal(restored.pixels[1], one)


def test_the_truth_must_fit(scene: Scene) -> None:
    image = scene(20, 24)
    with pytest.raises(InputError, match="truth is 3x20x20"):
        restore(image, recipe=tiny("denoise"), truth=image[:, :20])
    with pytest.raises(InputError, match="truth holds uint8 values, the image float64"):
        restore(image, recipe=tiny("denoise"), truth=(255 * image).astype(np.uint8))
    stack = Picture(pixels=np.stack([image] * 2), lead=(2,))
    with pytest.raises(InputError, match="truth has 1 pages, the picture has 2"):
        untrained.restore_picture(stack, recipe=tiny("denoise"), truth=Picture.from_array(image))


def test_the_core_works_without_the_packages_of_files_and_command_line() -> None:
    """Law 10: an array is fitted where only torch and numpy can be imported."""
    code = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pyvips", "tifffile", "imagecodecs", "cyclopts", "rich", "psutil",
                                  "skimage", "scipy", "pywt", "PIL", "tensorboard"}:
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Nothing())
import numpy as np
from untrained import denoise, find_recipe, fit, with_settings
recipe = with_settings(find_recipe("denoise", "fast"), {"widths": "8,8", "max_steps": "10"})
image = np.random.default_rng(0).random((20, 30, 3)).astype(np.float32)
assert denoise(image, recipe=recipe).shape == image.shape
assert callable(fit)
print("fine")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "fine", done.stderr


def test_public_names_are_what_they_say() -> None:
    import untrained.fitting
    import untrained.restoring

    for name in untrained.__all__:
        assert getattr(untrained, name) is not None
    assert callable(untrained.fit)
    assert callable(untrained.restore)
    with pytest.raises(AttributeError):
        _ = untrained.nonsense  # type: ignore[attr-defined]


def test_not_enough_memory_is_said_before_the_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from untrained.restoring import planner

    monkeypatch.setattr(planner, "available_memory", lambda device: 10 * 2**20)
    with pytest.raises(InputError, match=r"needs about .* GiB, 0\.0 GiB are free"):
        restore(scene(256, 256), recipe=find_recipe("denoise", "paper"))
    assert planner.available_memory(torch.device("cpu")) == 10 * 2**20


def test_what_torch_keeps_of_earlier_fits_is_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from untrained.restoring import planner

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * 2**30, 8 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 4 * 2**30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2**30)
    assert planner.available_memory(torch.device("cuda")) == 6 * 2**30


def leaves() -> Any:
    """Return leaves upon leaves, gray, in 8 bits, without a flat place."""
    generator = np.random.default_rng(0)
    image, (rows, columns) = np.zeros((96, 96)), np.mgrid[0:96, 0:96]
    for _ in range(3000):
        y, x, r = *generator.uniform(0, 96, 2), generator.uniform(1, 3)
        image[(rows - y) ** 2 + (columns - x) ** 2 < r**2] = generator.uniform(25, 230)
    return image.astype(np.uint8)


def test_texture_and_grain_come_out_as_they_went_in(scene: Scene) -> None:
    grainy = scene(96, 96) + np.random.default_rng(0).normal(0, 2 / 255, (96, 96, 3))
    pictures = {
        "not to be told from texture": leaves()[..., None],
        "no stronger than the grain of a clean picture": np.rint(65535 * grainy.clip(0, 1)).astype(
            np.uint16
        ),
    }
    for why, image in pictures.items():
        result = restore(image, recipe="fast")
        assert result.details["nothing_done"] == why
        assert not result.details["refined"]
        assert result.stop_step == 1
        assert np.array_equal(np.asarray(result.image), image)


def test_a_given_level_is_believed(scene: Scene) -> None:
    recipe = tiny("denoise", max_steps="5")
    result = restore(leaves()[..., None], recipe=recipe, given=Given(sigma=9))
    assert result.details["nothing_done"] == ""
    assert not np.array_equal(np.asarray(result.image), leaves()[..., None])


def test_shared_noise_is_denoised_and_goes_on_where_it_was_cut(scene: Scene) -> None:
    clean = scene(90, 128)  # without its stripes, which a mosaic breaks
    noisy = camera_jpeg(clean, 200, quality=90, generator=np.random.default_rng(0))
    recipe = tiny("denoise", max_steps="120", refine_noise="8,16")
    states: list[dict[str, Any]] = []

    class Keeps(Callback):
        def on_check(self, check: Check) -> None:
            if check.step == 60:
                states.append(copy.deepcopy(check.state()))

    whole = restore(noisy, recipe=recipe, execution=Execution(callbacks=[Keeps()]))
    assert whole.details["correlated_noise"]
    before, after = (
        psnr(torch.from_numpy(np.asarray(x)), torch.from_numpy(clean)) for x in (noisy, whole.image)
    )
    assert after > before + 1.5
    rest = restore(noisy, recipe=recipe, execution=Execution(state=states[0]))
    assert np.array_equal(np.asarray(whole.image), np.asarray(rest.image))
