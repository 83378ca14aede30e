"""The commands for scans: one line for what cannot be, files and JSON for what can."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from untrained.images import read_picture
from untrained.simulation.scans import make_ct, make_mri

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., Any]


@pytest.fixture
def scans(tmp_path: Path, scene: Scene) -> Path:
    """Return the folder of a few scans, good and bad."""
    full = make_mri(40, coils=4, generator=np.random.default_rng(0))
    np.save(tmp_path / "full.npy", full.samples)
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(full.samples, axes=axes)), axes=axes)
    np.save(tmp_path / "images.npy", images.astype(np.complex64))
    np.save(tmp_path / "truth.npy", full.truth)
    np.save(tmp_path / "maps.npy", full.maps[:3])
    bad = full.samples.copy()
    bad[0, 0, 0] = np.nan
    np.save(tmp_path / "nan.npy", bad)
    np.save(tmp_path / "zero.npy", np.zeros((4, 40, 40), np.complex64))
    Image.fromarray(np.rint(255 * scene(40, 40)).astype(np.uint8)).save(tmp_path / "photo.png")
    made = make_ct(48, views=24, generator=np.random.default_rng(0))
    counts = {
        "data": made.counts[:, None], "data_white": made.flat[:, None],
        "data_dark": made.dark[:, None],
    }  # fmt: skip
    np.savez(tmp_path / "ct.npz", **counts)
    np.savez(tmp_path / "theta.npz", **counts, theta=made.angles)
    np.save(tmp_path / "angles.npy", np.degrees(made.angles))
    np.save(tmp_path / "few.npy", made.angles[:-1])
    np.save(tmp_path / "y.npy", np.random.default_rng(0).standard_normal(100).astype(np.float32))
    return tmp_path


MRI = ("mri", "full.npy", "--axes", "coils", "--steps", 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("mri", "photo.png"), "is not a scan that can be read here"),
        (("mri", "gone.npy"), "no such file"),
        (("mri", "full.npy"), "say what its first axis counts (--axes"),
        (("mri", "images.npy", "--axes", "coils"), "if it holds images, say so (--kind images)"),
        (("mri", "nan.npy", "--axes", "coils"), "NaN"),
        (("mri", "zero.npy", "--axes", "coils"), "only zeros"),
        (("mri", "ct.npz"), "is no k-space; `untrained ct` takes sinograms"),
        ((*MRI, "--maps", "maps.npy"), "coil maps of shape (3, 40, 40) for 4 coils"),
        ((*MRI, "--mask", "few.npy"), "wanted (40,) or (40, 40)"),
        ((*MRI, "--accelerate", 1), "accelerate is 1"),
        ((*MRI, "--slice", 3), "has no slice 3"),
        ((*MRI, "-o", "out.jpg"), "unknown file type .jpg for an output"),
        ((*MRI, "--truth", "few.npy"), "wanted (H, W) or (pages, H, W)"),
        ((*MRI, "--frames", "--frame", 1), "leave one out"),
        (("series", "full.npy", "--axes", "coils"), "holds one frame"),
        (("series", "full.npy", "--maps", "none"), "leave --maps none out"),
        (("ct", "ct.npz"), "has no angles; give them"),
        (("ct", "ct.npz", "--angles", "few.npy"), "23 angles for 24 views"),
        (("ct", "ct.npz", "--angles", "angles.npy", "--unit", "rad"), "rad"),
        (("ct", "theta.npz", "--centre", "left"), "wanted auto, or a detector pixel"),
        (("ct", "theta.npz", "--centre", 90), "wanted a pixel of the detector"),
        (("ct", "theta.npz", "--views", 1), "views is 1"),
        (("ct", "full.npy", "--axes", "slices"), "is no sinogram"),
        (("sensing", "y.npy", "--size", "16x16"), "there is no matrix"),
        (("sensing", "y.npy", "--matrix", "hadamard:0"), "how large the image is (--size HxW)"),
        (("sensing", "y.npy", "--matrix", "hadamard:0", "--size", "16"), "wanted HEIGHTxWIDTH"),
        (("sensing", "y.npy", "--matrix", "gone.npy", "--size", "16x16"), "gone.npy: no such file"),
        (("denoise", "ct.npz"), "is a scan by its name"),
        (("denoise", "full.npy"), "complex"),
    ],
)
def test_what_cannot_be_is_one_line(
    scans: Path, untrained: Run, words: tuple[object, ...], says: str
) -> None:
    before = set(scans.rglob("*"))
    done = untrained(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert set(scans.rglob("*")) == before, "nothing was written"


def test_a_scan_is_reconstructed_and_skipped(scans: Path, untrained: Run) -> None:
    command = (*MRI, "--accelerate", 2, "-o", "out.h5", "--json")
    done = untrained(*command)
    assert done.returncode == 0, done.stderr
    account = json.loads(done.stdout)
    assert account["status"] == "finished"
    assert account["results"][0]["score"]["psnr"] > 10
    assert (scans / "out.h5").read_bytes()[1:4] == b"HDF"
    again = untrained(*command)
    assert json.loads(again.stdout)["status"] == "skipped"


def test_a_pair_of_files_is_written_and_guarded(scans: Path, untrained: Run) -> None:
    done = untrained(*MRI, "--accelerate", 2, "-o", "out.cfl", "--no-run")
    assert done.returncode == 0, done.stderr
    assert (scans / "out.hdr").read_text().splitlines()[1].startswith("40 40 1")
    assert (scans / "out.cfl").stat().st_size == 8 * 40 * 40
    assert not (scans / "untrained-runs").exists()
    (scans / "other.hdr").write_text("mine")
    refused = untrained(*MRI, "--accelerate", 2, "-o", "other.cfl")
    assert refused.returncode == 2
    assert "other.hdr: exists" in refused.stderr
    assert (scans / "other.hdr").read_text() == "mine"


@pytest.mark.parametrize("name", ["out.nii.gz", "out.dcm", "out.tif", "out.png"])
def test_magnitudes_go_into_the_formats_of_pictures(scans: Path, untrained: Run, name: str) -> None:
    done = untrained(*MRI, "--accelerate", 2, "-o", name)
    assert done.returncode == 0, done.stderr
    if name.endswith((".tif", ".png")):
        written = read_picture(scans / name).pixels[0, ..., 0]
        assert written.shape == (40, 40)
        assert written.min() >= 0
    assert (scans / name).stat().st_size > 1000


def test_ct_takes_counts_and_angles_in_either_unit(scans: Path, untrained: Run) -> None:
    steps = ("--steps", 2, "--size", 48)
    first = untrained("ct", "theta.npz", *steps, "-o", "a.npy")
    assert first.returncode == 0, first.stderr
    assert "by their range they are radians" in first.stdout
    assert "the axis of rotation was found" in first.stdout
    other = untrained(
        "ct", "ct.npz", "--angles", "angles.npy", "--unit", "deg", *steps, "-o", "b.npy"
    )
    assert other.returncode == 0, other.stderr
    a, b = np.load(scans / "a.npy"), np.load(scans / "b.npy")
    assert a.shape == b.shape == (48, 48)
    assert np.abs(a - b).max() < 0.1 * np.abs(a).max()


def test_options_change_the_recipe_and_are_kept(scans: Path, untrained: Run) -> None:
    done = untrained(
        "ct", "theta.npz", "--steps", 2, "--photons", 10000, "--rings", "ignored", "-o", "c.npy"
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(next(scans.glob("untrained-runs/*/run.json")).read_text())
    objective = record["job"]["recipe"]["objective"]
    assert objective["data_term"] == {"kind": "Transmission", "photons": 10000.0, **{
        name: value for name, value in objective["data_term"].items()
        if name not in ("kind", "photons")
    }}  # fmt: skip
    assert objective["offsets"] is None
    run = next(scans.glob("untrained-runs/*"))
    again = untrained("resume", run)
    assert again.returncode == 0, again.stderr
    assert "skipped" in again.stdout
