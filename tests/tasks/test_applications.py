"""Each application on a small picture: better than its input; what it refuses; its command."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

import untrained as package
from untrained import InputError, find_recipe, with_settings
from untrained.cli import main
from untrained.images import Picture, read_picture, write_picture
from untrained.objectives import Deconvolution, Problem
from untrained.operators import Blur, JpegInterval, JpegTables
from untrained.operators.blur import gaussian_kernel
from untrained.recipes import Recipe
from untrained.restoring import Execution, solve
from untrained.simulation import degrade
from untrained.tasks.dejpeg import read_tables

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., NDArray[np.float64]]


FEW = {"widths": "16,16,16", "max_steps": "100"}


def quick(task: str, **changes: str) -> Recipe:
    settings = {**FEW, "channels": "8", **changes}
    if task in ("flash", "deinterlace"):  # shown a picture, not noise
        del settings["channels"]
    return with_settings(find_recipe(task, "fast"), settings)


def error(image: Any, truth: NDArray[np.float64]) -> float:
    return float(np.mean((image / 255 - truth) ** 2))


def as_bytes(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8)


def write_jpeg(path: Path, image: NDArray[np.float64], quality: int = 8) -> None:
    Image.fromarray(as_bytes(image).squeeze()).save(path, "JPEG", quality=quality)


@pytest.mark.parametrize("channels", [1, 3])
def test_dejpeg_is_nearer_to_the_truth_and_agrees_with_the_file(
    tmp_path: Path, scene: Scene, channels: int
) -> None:
    truth = 0.15 + 0.7 * scene(64, 48, channels)
    write_jpeg(tmp_path / "in.jpg", truth)
    shown = read_picture(tmp_path / "in.jpg").pixels[0]
    restored = package.dejpeg(tmp_path / "in.jpg", recipe=quick("dejpeg")).reshape(truth.shape)
    assert error(restored, truth) < 0.85 * error(shown, truth)
    tensor = torch.from_numpy(shown / 255.0).permute(2, 0, 1)[None]
    interval = JpegInterval(tensor, read_tables(tmp_path / "in.jpg"))
    found = torch.from_numpy(restored / 255.0).permute(2, 0, 1)[None]
    # rounded to 8 bits, and (b, c, 64, 48) is whole units: no edge is shared with what was cut off
    assert float(interval.excess(found).abs().max()) < 0.25


def without(data: bytes, marker: int) -> bytes:
    """A JPEG without its segments of this marker."""
    at, kept = 2, data[:2]
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        kept += data[at:end] if data[at + 1] != marker else b""
        at = end
    return kept + data[at:]


@pytest.mark.parametrize("kind", ["adobe", "names", "adobe 4:2:0"])
def test_dejpeg_of_a_file_of_red_green_and_blue_agrees_with_it(
    tmp_path: Path, scene: Scene, kind: str
) -> None:
    stored = io.BytesIO()
    picture = Image.fromarray(as_bytes(0.15 + 0.7 * scene(32, 48, 3)))
    if kind == "adobe 4:2:0":
        picture.save(stored, "JPEG", quality=40, subsampling=2)
        data = without(stored.getvalue(), 0xE0)
        data = data[:2] + b"\xff\xee\0\x0eAdobe\0\x64" + bytes(5) + data[2:]
    else:
        picture.save(stored, "JPEG", quality=40, keep_rgb=True)
        data = stored.getvalue() if kind == "adobe" else without(stored.getvalue(), 0xEE)
    (tmp_path / "in.jpg").write_bytes(data)
    tables = read_tables(tmp_path / "in.jpg")
    assert tables.rgb
    assert tables.sampling == ((2, 2) if "4:2:0" in kind else (1, 1))
    made = package.dejpeg(tmp_path / "in.jpg", recipe=quick("dejpeg", max_steps="20"))
    assert made.shape == (32, 48, 3)
    if tables.sampling == (1, 1):  # decoders make up the colours between those of 4:2:0
        steps = np.array(tables.luma, float).reshape(8, 8)
        far = np.abs(coefficients(made) - coefficients(np.asarray(picture_of(data)))) / steps
        assert far.max() < 0.5 + 0.5


def picture_of(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def coefficients(image: NDArray[Any]) -> NDArray[np.float64]:
    """The cosine transform of every 8x8 block of every channel."""
    height, width, channels = image.shape
    blocks = image.astype(float).reshape(height // 8, 8, width // 8, 8, channels)
    return np.asarray(dctn(blocks.transpose(0, 2, 4, 1, 3), axes=(3, 4), norm="ortho"))


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    source = tmp_path / f"in{suffix}"
    Image.new("CMYK", (32, 32), (10, 20, 30, 40)).save(source)
    for command in ("dejpeg", "denoise"):
        assert main([command, str(source), "-o", str(tmp_path / "o.png")]) == 2
        told = capsys.readouterr().err
        assert "convert it to RGB" in told
        assert len(told.splitlines()) == 1


def test_dejpeg_wants_a_jpeg(tmp_path: Path, untrained: Run, scene: Scene) -> None:
    write_picture(tmp_path / "in.png", Picture.from_array(as_bytes(scene(16, 16))))
    done = untrained("dejpeg", "in.png", "-o", "out.png")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "is no JPEG (PNG)" in done.stderr
    assert not (tmp_path / "out.png").exists()
    with pytest.raises(InputError, match="give tables"):
        package.dejpeg(as_bytes(scene(16, 16)))
    Image.fromarray(as_bytes(scene(16, 16))).convert("CMYK").save(tmp_path / "cmyk.jpg")
    with pytest.raises(InputError, match="CMYK"):
        read_tables(tmp_path / "cmyk.jpg")


def test_tables_and_subsampling_are_those_of_the_file(tmp_path: Path, scene: Scene) -> None:
    picture = Image.fromarray(as_bytes(scene(16, 16)))
    for subsampling, factors in enumerate([(1, 1), (2, 1), (2, 2)]):
        picture.save(tmp_path / "in.jpg", quality=50, subsampling=subsampling)
        tables = read_tables(tmp_path / "in.jpg")
        assert tables.sampling == factors
        assert tables.luma[:4] == (16, 11, 10, 16)  # ITU-T T.81, table K.1
        assert tables.chroma[:4] == (17, 18, 24, 47)  # table K.2


@pytest.mark.parametrize("channels", [1, 3])
def test_deblur_beats_its_input_up_to_the_edges(scene: Scene, channels: int) -> None:
    kernel = gaussian_kernel(1.5)
    whole = scene(60, 60, channels)
    tensor = torch.from_numpy(whole).permute(2, 0, 1)[None]
    blurred = Blur(kernel, boundary="valid")(tensor)[0].permute(1, 2, 0).numpy()
    truth = whole[6:-6, 6:-6]
    assert blurred.shape == truth.shape
    restored = package.deblur(
        as_bytes(blurred), 7 * kernel.numpy(), recipe=quick("deblur", max_steps="300")
    )
    assert error(restored, truth) < 0.5 * error(255 * blurred, truth)
    edge = np.ones((48, 48), dtype=bool)
    edge[6:-6, 6:-6] = False
    assert error(restored[edge], truth[edge]) < 0.7 * error(255 * blurred[edge], truth[edge])


def test_deblur_refuses_what_is_no_kernel(tmp_path: Path, scene: Scene, untrained: Run) -> None:
    image = as_bytes(scene(16, 16))
    for kernel, message in [
        (np.ones((2, 3)), "odd"), (-np.ones((3, 3)), "negative"), (np.zeros((3, 3)), "zero"),
        (np.ones((17, 17)), "smaller kernel"), (np.full((3, 3), np.nan), "kernel"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            package.deblur(image, kernel)
    with pytest.raises(InputError, match="needs a blur kernel"):
        Deconvolution().build(Problem(observed=torch.rand(1, 1, 9, 9)), (9, 9), seed=0)
    write_picture(tmp_path / "in.png", Picture.from_array(image))
    (tmp_path / "k.npy").write_bytes(b"nonsense")
    done = untrained("deblur", "in.png", "-o", "out.png", "--kernel", "k.npy")
    assert done.returncode == 2
    assert "k.npy: cannot be read" in done.stderr


def test_kernels_are_read_from_pictures_and_arrays(tmp_path: Path) -> None:
    from untrained.tasks.deblur import read_kernel

    kernel = np.arange(15).reshape(3, 5)
    np.save(tmp_path / "k.npy", kernel / 7)
    np.testing.assert_allclose(read_kernel(tmp_path / "k.npy"), kernel / 7)
    Image.fromarray((kernel * 4000).astype(np.uint16)).save(tmp_path / "k.png")
    np.testing.assert_array_equal(read_kernel(tmp_path / "k.png"), kernel * 4000)
    Image.fromarray(np.stack([kernel] * 3, -1).astype(np.uint8)).save(tmp_path / "c.png")
    np.testing.assert_allclose(read_kernel(tmp_path / "c.png"), kernel)


def test_a_deconvolution_resumes_to_the_bit(scene: Scene) -> None:
    from untrained.fitting import Callback, Check

    class Keep(Callback):
        state: Any = None

        def on_check(self, check: Check) -> None:
            if check.step == 10:
                self.state = check.state()

    blurred = torch.from_numpy(scene(20, 24)).permute(2, 0, 1)[None].float()
    problem = Problem(observed=blurred, operator=Blur(gaussian_kernel(0.8).float()))
    recipe, keep = quick("deblur", max_steps="20"), Keep()
    whole = solve(problem, recipe, execution=Execution(callbacks=[keep]))
    again = solve(problem, recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, again.estimate)


def test_flash_takes_the_details_of_its_guide(scene: Scene) -> None:
    truth = scene(64, 64)
    noisy = as_bytes(truth + np.random.default_rng(0).normal(0, 0.1, truth.shape))
    guide = as_bytes(0.2 + 0.7 * truth[..., :1] ** 0.5)
    restored = package.flash(noisy, guide, recipe=quick("flash"))
    assert error(restored, truth) < 0.25 * error(noisy, truth)
    with pytest.raises(InputError, match="guide is 32x64"):
        package.flash(noisy, guide[:32])


def test_flash_keeps_a_texture_that_noise_alone_would_hide() -> None:
    rng = np.random.default_rng(0)
    truth = (0.2 + 0.4 * rng.random((64, 64, 1))) * np.array([1, 0.8, 0.6])
    noisy = as_bytes(truth + rng.normal(0, 0.1, truth.shape))
    restored = package.flash(noisy, as_bytes(truth[..., :1] ** 0.5), recipe=quick("flash"))
    alone = package.denoise(noisy, recipe=with_settings(find_recipe("denoise", "fast"), FEW))
    assert error(restored, truth) < 0.4 * error(alone, truth)


def test_demosaic_beats_bilinear_interpolation(scene: Scene) -> None:
    from scipy.ndimage import convolve

    truth = scene(48, 64)
    mosaic = as_bytes(degrade.mosaic(truth, "GRBG"))[..., 0]
    restored = package.demosaic(mosaic, "GRBG", recipe=quick("demosaic", max_steps="100"))
    assert restored.shape == (48, 64, 3)
    masks = np.stack([degrade.mosaic(np.eye(3)[c] * np.ones((48, 64, 1)), "GRBG")[..., 0]
                      for c in range(3)], -1)  # fmt: skip
    taps = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4

    def spread(x: Any) -> Any:
        return np.stack([convolve(x[..., c], taps, mode="mirror") for c in range(3)], -1)

    bilinear = spread(mosaic[..., None] * masks) / spread(masks)
    assert error(restored, truth) < error(bilinear, truth)
    with pytest.raises(InputError, match=r"wanted \(H, W\)"):
        package.demosaic(as_bytes(truth))


@pytest.mark.parametrize("field", ["top", "bottom"])
def test_deinterlace_keeps_its_field_and_combs_no_more(scene: Scene, field: str) -> None:
    truth = as_bytes(scene(49, 64))
    other = degrade.interlace(truth, 5) if field == "top" else truth.copy()
    if field == "bottom":
        other[::2] = np.roll(truth, 5, axis=1)[::2]
    restored = package.deinterlace(other, field, recipe=quick("deinterlace"))  # type: ignore[arg-type]
    first = 0 if field == "top" else 1
    np.testing.assert_array_equal(restored[first::2], truth[first::2])
    assert error(restored, truth / 255) < 0.5 * error(other, truth / 255)


def test_degrade_and_the_commands_go_together(
    tmp_path: Path,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    clean = as_bytes(scene(24, 32))
    write_picture(tmp_path / "clean.png", Picture.from_array(clean))
    fit = ("--set", "widths=8,8", "--steps", "10", "--json")
    for name, how, command in [
        ("blurred.png", ("--blur", "0.8"), ("deblur", "--kernel", "blurred-kernel.npy")),
        ("again.png", ("--blur", "blurred-kernel.npy"), ("deblur", "--kernel", "again-kernel.npy")),
        ("mosaic.png", ("--mosaic", "BGGR"), ("demosaic", "--pattern", "BGGR")),
        ("woven.png", ("--interlace", "3"), ("deinterlace", "--field", "bottom")),
    ]:
        assert main(["degrade", "clean.png", "-o", name, *how]) == 0
        assert main([command[0], name, "-o", f"out-{name}", *command[1:], *fit]) == 0, (
            capsys.readouterr().err
        )
        assert read_picture(tmp_path / f"out-{name}").pixels.shape == (1, 24, 32, 3)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "again.png").pixels, read_picture(tmp_path / "blurred.png").pixels
    )
    assert main(["flash", "woven.png", "--guide", "clean.png", "-o", "lit.png", *fit]) == 0, (
        capsys.readouterr().err
    )
    assert main(["flash", "woven.png", "--guide", "mosaic.png", "-o", "other.png", *fit]) == 0, (
        capsys.readouterr().err
    )
    write_jpeg(tmp_path / "in.jpg", clean / 255)
    assert main(["dejpeg", "in.jpg", "-o", "better.png", *fit]) == 0
    for bad, message in [
        (("flash", "clean.png"), "flash NOFLASH --guide FLASH"),
        (("flash", "clean.png", "woven.png"), "flash NOFLASH --guide FLASH"),
        (("demosaic", "clean.png"), "wanted a raw mosaic"),
        (("degrade", "mosaic.png", "-o", "x.png", "--mosaic", "RGGB"), "1 channels"),
        (("degrade", "clean.png", "-o", "x.png", "--blur", "0"), "sigma above 0"),
        (("degrade", "clean.png", "-o", "x.png", "--interlace", "99"), "wanted fewer"),
    ]:
        capsys.readouterr()
        assert main(bad) == 2
        assert message in capsys.readouterr().err


def test_a_mosaic_keeps_its_16_bits_and_drops_what_is_said_of_gray(
    tmp_path: Path, scene: Scene
) -> None:
    from untrained.jobs import Job, run_job

    mosaic = np.rint(4095 * degrade.mosaic(scene(24, 24), "RGGB")[..., 0]).astype(np.uint16)
    for suffix in ("tif", "png"):
        write_picture(tmp_path / f"in.{suffix}", Picture.from_array(mosaic))
        job = Job(
            task="demosaic", source=tmp_path / f"in.{suffix}", target=tmp_path / f"out.{suffix}",
            recipe=quick("demosaic", max_steps="20"), options={"pattern": "RGGB"}, device="cpu",
        )  # fmt: skip
        assert run_job(job).status == "finished"
        restored = read_picture(job.target).pixels
        assert restored.shape == (1, 24, 24, 3)
        assert restored.dtype == np.uint16
        assert 255 < restored.max() <= 4200


def test_a_jpeg_in_memory_needs_no_file(scene: Scene) -> None:
    buffer = io.BytesIO()
    Image.fromarray(as_bytes(scene(16, 24))).save(buffer, "JPEG", quality=20)
    with Image.open(buffer) as picture:
        shown = np.asarray(picture)
    before = shown.copy()
    tables = JpegTables(luma=(20,) * 64, chroma=(30,) * 64)
    assert package.dejpeg(shown, tables, recipe=quick("dejpeg", max_steps="10")).shape == (
        16,
        24,
        3,
    )
    np.testing.assert_array_equal(shown, before)


@pytest.mark.parametrize("kind", [np.uint16, np.float64])
def test_photons_are_those_of_white_in_pictures_far_from_white(
    scene: Scene, kind: type[np.generic]
) -> None:
    """Such pictures are stretched to the unit range, and their noise with them."""
    white = 65535 if kind is np.uint16 else 1
    truth = 0.05 * white * scene(32, 32)
    dark = degrade.poisson_noise(truth / white, 200, generator=np.random.default_rng(0)) * white
    changes = {"widths": "16,16", "max_steps": "60", "bounded": "true"}
    recipe = with_settings(find_recipe("denoise", "fast"), changes)
    restored = package.denoise(dark.astype(kind), photons=200, recipe=recipe)
    assert np.mean((restored - truth) ** 2) < 0.3 * np.mean((dark - truth) ** 2)


def test_known_photons_take_off_the_noise_of_little_light(scene: Scene) -> None:
    truth = scene(32, 32)
    dark = degrade.poisson_noise(truth, 6, generator=np.random.default_rng(0))
    changes = {"widths": "16,16", "max_steps": "60"}
    recipe = with_settings(find_recipe("denoise", "fast"), changes)
    restored = package.denoise(dark, photons=6, recipe=recipe)
    assert np.mean((restored - truth) ** 2) < 0.3 * np.mean((dark - truth) ** 2)
    # light that went over the edge of white is given back: the mean of y is 0.94 where x is 1
    assert abs((restored - truth).mean()) < abs((dark - truth).mean()) + 0.01
    with pytest.raises(InputError, match="goes from 0 to 255; with photons wanted 0 to white"):
        package.denoise(255 * dark, photons=6)
    with pytest.raises(InputError, match="both sigma and photons"):
        package.denoise(dark, photons=6, sigma=0.1)
    with pytest.raises(InputError, match="photons is 0"):
        package.denoise(dark, photons=0)
