"""The compressor: what is decoded is what was reported, from few bytes, whatever the picture."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.errors import InputError
from untrained.fitting import Callback, Check
from untrained.images import Picture, read_picture, write_picture
from untrained.restoring import Compression, compress, decompress

Scene = Callable[..., Any]
QUICK = Compression(width=12, num_up=3, steps=80)


def picture(scene: Scene, dtype: str = "uint8", *shape: int) -> Any:
    image = scene(*(shape or (40, 52)))
    full = np.iinfo(dtype).max if np.issubdtype(np.dtype(dtype), np.integer) else 1
    return (np.rint(image * full) if full > 1 else image).astype(dtype)


def test_the_decoded_image_is_the_reported_one_and_like_the_picture(scene: Scene) -> None:
    image = picture(scene)
    before = image.copy()
    result = compress(image, QUICK)
    decoded, exact = decompress(result.data)
    assert exact
    np.testing.assert_array_equal(decoded, result.image)
    np.testing.assert_array_equal(image, before)
    error = np.mean((decoded / 255.0 - image / 255.0) ** 2)
    assert result.psnr == pytest.approx(-10 * np.log10(error), abs=1e-3)
    assert error < 0.3 * np.var(image / 255.0, axis=(0, 1)).mean(), "better than one colour"
    assert len(result.data) < image.size / 4


def test_the_same_seed_gives_the_same_bytes(scene: Scene) -> None:
    image = picture(scene)
    short = Compression(width=6, num_up=3, steps=5)
    assert compress(image, short).data == compress(image, short).data


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("uint8", (33, 47, 1)), ("uint16", (9, 30)), ("float32", (16, 16, 4)), ("float64", (25, 8))],
)
def test_any_depth_size_and_number_of_channels(
    scene: Scene, dtype: str, shape: tuple[int, ...]
) -> None:
    image = picture(scene, dtype, *shape)
    image = image[:, :, 0] if len(shape) == 2 else image
    result = compress(image, Compression(width=4, num_up=2, steps=10, bits=8))
    decoded, exact = decompress(result.data)
    assert exact
    assert (decoded.shape, decoded.dtype) == (image.shape, image.dtype)


def test_fewer_bits_make_a_smaller_file(scene: Scene) -> None:
    image = picture(scene)
    sizes = [
        len(compress(image, Compression(width=16, num_up=3, steps=5, bits=b)).data)
        for b in (3, 5, 8)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.6 * sizes[-1]


@pytest.mark.parametrize("damage", [lambda d: d[:20], lambda d: b"PNG" + d, lambda d: d[:-9]])
def test_a_damaged_file_is_one_line(scene: Scene, damage: Callable[[bytes], bytes]) -> None:
    data = compress(picture(scene), Compression(width=4, num_up=3, steps=2)).data
    with pytest.raises(InputError):
        decompress(damage(data))


@pytest.mark.parametrize("place", range(3, 13))
def test_a_changed_byte_of_the_header_is_one_line_or_found_by_the_checksum(
    scene: Scene, place: int
) -> None:
    result = compress(picture(scene), Compression(width=4, num_up=3, steps=2))
    data = bytearray(result.data)
    data[place] ^= 1
    with contextlib.suppress(InputError):
        image, exact = decompress(bytes(data))
        assert exact == np.array_equal(image, result.image)


def test_bad_settings_and_pictures_are_refused(scene: Scene) -> None:
    for wrong in ({"bits": 1}, {"bits": 9}, {"width": 0}, {"width": 256}, {"seed": 70000}):
        with pytest.raises(InputError):
            Compression(**wrong)
    image = picture(scene, "float32")
    image[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        compress(image, QUICK)


def test_a_decoder_far_larger_than_the_picture_is_refused(scene: Scene) -> None:
    image = np.rint(255 * scene(24, 32)).astype(np.uint8)
    with pytest.raises(InputError, match=r"num_up is 12, .* wanted at most 6"):
        compress(image, Compression(num_up=12))
    assert compress(image[:8, :8], Compression(width=4, steps=1)).image.shape == (8, 8, 3)
    data = compress(image, Compression(width=4, steps=1)).data
    for at, value in ((10, b"\x0c"), (5, b"\xff\xff\xff\xff")):  # num_up; height and width
        with pytest.raises(InputError, match=r"damaged .* wanted at most"):
            decompress(data[:at] + value + data[at + len(value) :])


@pytest.mark.cli
def test_file_to_file(scene: Scene, untrained: Any, tmp_path: Path) -> None:
    image = picture(scene)
    write_picture(tmp_path / "scene.png", Picture.from_array(image))
    done = untrained("compress", "scene.png", "--width", 6, "--steps", 20, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["bytes"] == (tmp_path / "scene.untrained").stat().st_size
    done = untrained("decompress", "scene.untrained", "-o", "back.png", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exact"]
    back = read_picture(tmp_path / "back.png").pixels[0]
    error = np.mean((back / 255.0 - image / 255.0) ** 2)
    assert -10 * np.log10(error) == pytest.approx(facts["psnr"], abs=2e-3)
    again = untrained("decompress", "scene.untrained", "-o", "back.png")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_an_interrupted_fit_is_not_a_file(scene: Scene) -> None:
    class Interrupts(Callback):
        def on_check(self, check: Check) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compress(scene(32, 32), Compression(width=8, steps=40), callbacks=[Interrupts()])


@pytest.mark.parametrize("kind", ["narrow", "apart"])
def test_any_range_of_values_is_packed(kind: str) -> None:
    y, x = np.mgrid[:32, :40] / 40
    image = np.rint(100 + 20 * np.sin(9 * x)).astype(np.uint8)
    if kind == "apart":
        image = np.stack([40000 * x, 300 * y], -1).astype(np.uint16)
    made = compress(image, Compression(steps=5))
    assert np.array_equal(decompress(made.data)[0], made.image)
    assert (made.image.shape, made.image.dtype) == (image.shape, image.dtype)
