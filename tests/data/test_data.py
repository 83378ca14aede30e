"""The registry of the standard sets, and what happens without a network. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from untrained import data
from untrained.data import REGISTRY, Source, fetch, load, names_in, store
from untrained.errors import InputError


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path / "local"))
    monkeypatch.setenv("UNTRAINED_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pooch = pytest.importorskip("pooch")

    def refuse(*arguments: object, **options: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", refuse)


def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> Path:
    """Put a file into the local folder and into the registry."""
    path = tmp_path / "local" / "set5" / "small.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    source = Source(
        kind="file", sha256=hashlib.sha256(content).hexdigest(), pixels="-",
        repository="a/b", path="small.png",
    )  # fmt: skip
    monkeypatch.setitem(REGISTRY, "set5/small.png", source)
    return path


def test_every_entry_is_well_formed() -> None:
    assert len(REGISTRY) > 100
    for name, source in REGISTRY.items():
        assert re.fullmatch(r"[a-z0-9_]+/[A-Za-z0-9_.-]+", name)
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256), name
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository), name
        assert not source.path.startswith("/"), name
        suffix = Path(source.path).suffix.lower()
        if source.kind == "file":
            assert Path(name).suffix == suffix, name
        if source.kind == "pixels":
            assert re.fullmatch(r"[0-9a-f]{64}", source.pixels), name
            assert (Path(name).suffix, suffix) == (".png", ".bmp")


def test_the_sets_have_their_sizes() -> None:
    sizes = {"cset9": 9, "inpaint11": 11, "set5": 5, "set14": 14, "kodak24": 24, "set12": 12}
    assert {name: len(names_in(name)) for name in sizes} == sizes


def test_a_local_copy_is_used_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "x.png"
    Image.fromarray(np.full((9, 8), 51, np.uint8)).save(picture)
    path = put(tmp_path, monkeypatch, picture.read_bytes())
    assert fetch("set5/small.png") == path
    np.testing.assert_allclose(load("set5/small.png"), np.full((9, 8, 1), 0.2))
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="sha256 differs"):
        fetch("set5/small.png")


def test_a_png_of_the_same_pixels_is_the_same_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    bitmap, target = tmp_path / "x.bmp", tmp_path / "x.png"
    Image.fromarray(pixels).save(bitmap)
    store._as_png(bitmap, target)
    known = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    source = Source(kind="pixels", sha256="0" * 64, pixels=known, repository="a/b", path="x.bmp")
    store._check(target, source)
    Image.fromarray(255 - pixels).save(target)
    with pytest.raises(InputError, match="sha256 differs"):
        store._check(target, source)


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("name", ["cset9/f16.png", "set5/baby.png"])
def test_without_a_network_there_is_one_line(name: str) -> None:
    with pytest.raises(InputError, match="UNTRAINED_DATA") as caught:
        fetch(name)
    assert "\n" not in str(caught.value)
    assert REGISTRY[name].url in str(caught.value)


def test_a_converted_file_says_what_it_is_made_from() -> None:
    with pytest.raises(InputError, match=r"Pincat\.mat"):
        fetch("mri_dynamic/pincat_perfusion.npy")


def test_a_wrong_name_is_told_the_closest() -> None:
    with pytest.raises(InputError, match=r"cset9/f16\.png"):
        fetch("cset9/f16")
    with pytest.raises(InputError, match="cset9"):
        names_in("cset")


def test_the_measured_pictures_of_a_full_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a copy of the sets is at hand, one of each kind has the registry's hashes."""
    import os

    folder = os.environ.get("UNTRAINED_TEST_DATA")
    if not folder:
        pytest.skip("UNTRAINED_TEST_DATA does not point at a copy of the standard sets")
    monkeypatch.setenv("UNTRAINED_DATA", folder)
    assert load("set5/butterfly.png").shape == (256, 256, 3)
    assert data._pixel_hash(fetch("set5/baby.png")) == REGISTRY["set5/baby.png"].pixels
