"""What is told of a scan before a fit is what was put into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.errors import InputError
from untrained.scans import (
    KSpace,
    Sinogram,
    facts_of,
    quick_look,
    read_mask,
    read_numbers,
    read_scan,
    with_trajectory,
)
from untrained.scans.grid import to_images
from untrained.simulation.masks import accelerated_lines
from untrained.simulation.phantom import HEAD, draw
from untrained.simulation.scans import make_ct, make_mri


def kspace(*, scale: float = 1.0, size: int = 96, **more: Any) -> KSpace:
    made = make_mri(size, coils=4, generator=np.random.default_rng(0), **more)
    mask = accelerated_lines(size, 4, middle=12, generator=np.random.default_rng(1))
    samples = (made.samples * mask * np.float32(scale))[None]
    return KSpace(samples=samples, noise=made.noise * np.float32(scale), source="a.h5")


def sinogram(**more: Any) -> Sinogram:
    made = make_ct(64, views=60, photons=1e5, generator=np.random.default_rng(0), **more)
    return Sinogram(
        values=made.counts[None], counts=True, flat=made.flat[:, None], dark=made.dark[:, None],
        angles=made.angles, source="a.h5",
    )  # fmt: skip


@pytest.mark.parametrize("scale", [1.0, 1e-7])
def test_kspace(scale: float) -> None:
    facts, odd = facts_of(kspace(spread=10, scale=scale))
    assert facts["sampling"]["pattern"] == "whole columns"
    assert facts["sampling"]["lines"] == 24
    assert facts["sampling"]["acceleration"] == 4
    assert facts["sampling"]["calibration"] == [96, 12]
    assert facts["noise"]["spread"] == pytest.approx(10, rel=0.1)
    assert facts["noise"]["from"] == "prescan"
    assert 0.1 < facts["noise"]["largest correlation"] < 1
    assert any("differs" in sentence for sentence in odd)
    json.dumps(facts)


def test_noise_without_a_prescan_is_near_that_of_it() -> None:
    scan = kspace(noise=0.04)  # so that the outermost samples hold little else
    levels = facts_of(scan)[0]["noise"]["sigma of each coil"]
    edges = facts_of(replace(scan, noise=None))[0]["noise"]
    assert edges["from"] == "outermost samples"
    np.testing.assert_allclose(edges["sigma of each coil"], levels, rtol=0.25)


def test_a_prescan_of_another_scale_is_told() -> None:
    scan = kspace(noise=0.04)
    assert scan.noise is not None
    assert facts_of(scan)[1] == ()
    assert "times as strong" in facts_of(replace(scan, noise=5 * scan.noise))[1][0]


def test_what_is_not_centred_kspace_is_told() -> None:
    scan = kspace()
    images = replace(scan, samples=to_images(scan.samples))
    assert any("--kind images" in sentence for sentence in facts_of(images)[1])
    corners = replace(scan, samples=np.fft.fftshift(scan.samples, axes=(-2, -1)))
    assert any("corners" in sentence for sentence in facts_of(corners)[1])
    moved = replace(scan, samples=np.roll(scan.samples, 12, axis=-2))
    assert any("not near the middle" in sentence for sentence in facts_of(moved)[1])
    silent = scan.samples.copy()
    silent[:, 2] = 0
    assert any("coils 2 are silent" in s for s in facts_of(replace(scan, samples=silent))[1])
    assert facts_of(scan)[1] == ()


def test_quick_look_of_kspace_is_the_zero_filled_image() -> None:
    scan = kspace()
    seen = quick_look(scan)
    assert seen is not None
    coils = to_images(scan.samples[0])
    np.testing.assert_allclose(seen, np.sqrt((np.abs(coils) ** 2).sum(0)), rtol=1e-5)
    cropped = quick_look(replace(scan, crop=(48, 40)))
    assert cropped is not None
    np.testing.assert_allclose(cropped, seen[24:72, 28:68], rtol=1e-5)


def test_quick_look_off_the_grid() -> None:
    made = make_mri(64, coils=1, noise=0, generator=np.random.default_rng(0))
    turns = np.arange(128) * np.pi / 128
    reach = np.arange(-64, 64) / 2
    track = np.stack([reach * np.sin(turns)[:, None], reach * np.cos(turns)[:, None]], axis=-1)
    near = np.rint(track).astype(int).clip(-32, 31) + 32
    samples = made.samples[:, near[..., 0], near[..., 1]][None]
    scan = KSpace(samples=samples, trajectory=track.astype(np.float32), crop=(64, 64))
    seen = quick_look(scan)
    assert seen is not None
    assert np.corrcoef(seen.ravel(), made.truth.ravel())[0, 1] > 0.95


def test_sinogram() -> None:
    made = sinogram(rings=0)
    facts, odd = facts_of(made)
    assert facts["centre"]["pixel"] == pytest.approx(38 + 1.75, abs=0.2)
    assert facts["angles"]["span degrees"] == pytest.approx(177)
    assert odd == ()
    seen = quick_look(made)
    assert seen is not None
    truth = np.pad(draw(HEAD, 64), 6)[:77, :77]
    side = min(len(seen), len(truth))
    part = (len(seen) - side) // 2
    seen = seen[part : part + side, part : part + side]
    assert np.corrcoef(seen.ravel(), truth[:side, :side].ravel())[0, 1] > 0.9


def test_dead_detectors_zero_counts_and_repeated_views_are_told() -> None:
    made = sinogram()
    values = made.values.copy()
    values[0, 20:23, 30] = 0
    flat = made.flat.copy()  # type: ignore[union-attr]
    flat[:, :, 50] = 0
    angles = np.linspace(0, 2 * np.pi, 60)
    odd = " ".join(facts_of(replace(made, values=values, flat=flat, angles=angles))[1])
    assert "3 counts are 0 or less" in odd
    assert "1 detector pixels get no light" in odd
    assert "1 views look in the direction of another one" in odd


def test_interior_scans_and_wedges_are_told() -> None:
    made = sinogram()
    assert made.flat is not None
    assert made.dark is not None
    inner = slice(24, 56)
    interior = replace(
        made, values=made.values[..., inner], flat=made.flat[..., inner],
        dark=made.dark[..., inner],
    )  # fmt: skip
    assert any("wider than what is seen" in sentence for sentence in facts_of(interior)[1])
    assert made.angles is not None
    wedge = replace(made, values=made.values[:, :40], angles=made.angles[:40])
    assert any("wedge of 63 degrees" in sentence for sentence in facts_of(wedge)[1])


def test_masks_and_numbers_beside_a_scan(tmp_path: Path) -> None:
    columns = np.arange(12) % 3 == 0
    np.savez(tmp_path / "m.npz", first=columns, second=~columns)
    with pytest.raises(InputError, match=r"m.npz:first"):
        read_mask(tmp_path / "m.npz", (8, 12))
    mask = read_mask(tmp_path / "m.npz:second", (8, 12))
    np.testing.assert_array_equal(mask, np.broadcast_to(~columns, (8, 12)))
    with pytest.raises(InputError, match="8x13"):
        read_mask(tmp_path / "m.npz:second", (8, 13))
    (tmp_path / "a.txt").write_text("0\n1.5, 3\n")
    np.testing.assert_array_equal(read_numbers(tmp_path / "a.txt", "angles"), [0, 1.5, 3])
    (tmp_path / "b.txt").write_text("zero one")
    with pytest.raises(InputError, match="text of numbers"):
        read_numbers(tmp_path / "b.txt", "angles")


def test_trajectory_of_bart(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    samples = generator.random((1, 16, 5, 2)) + 1j * generator.random((1, 16, 5, 2))
    track = np.zeros((3, 16, 5))
    track[:2] = generator.uniform(-8, 8, (2, 16, 5))
    for name, array in (("k", samples), ("t", track)):
        sides = " ".join(map(str, array.shape))
        (tmp_path / f"{name}.hdr").write_text(f"# Dimensions\n{sides}\n")
        (tmp_path / f"{name}.cfl").write_bytes(array.astype("<c8").tobytes(order="F"))
    grid = read_scan(tmp_path / "k.cfl")
    assert isinstance(grid, KSpace)
    assert any("--trajectory" in note for note in grid.notes)
    scan = with_trajectory(grid, tmp_path / "t.cfl")
    assert scan.samples.shape == (1, 2, 5, 16)
    assert scan.trajectory is not None
    np.testing.assert_array_equal(scan.samples[0, 1, 4], samples[0, :, 4, 1].astype("c8"))
    np.testing.assert_array_equal(scan.trajectory[4], track[:2, :, 4].T.astype("f4"))
    assert not any("--trajectory" in note for note in scan.notes)
    with pytest.raises(InputError, match="two coordinates of each"):
        with_trajectory(scan, tmp_path / "k.cfl")


def test_command(tmp_path: Path, untrained: Callable[..., Any]) -> None:
    pytest.importorskip("pyvips")
    scan = kspace()
    np.save(tmp_path / "a.npy", scan.samples)
    told = untrained("scan-info", "a.npy", "--look", "look.png")
    assert told.returncode == 0, told.stderr
    assert "whole columns" in told.stdout
    assert (tmp_path / "look.png").exists()
    again = untrained("scan-info", "a.npy", "--look", "look.png")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    answer = untrained("scan-info", "a.npy", "--json")
    assert json.loads(answer.stdout)["sampling"]["lines"] == 24
    assert isinstance(read_scan(tmp_path / "a.npy"), KSpace)
    (tmp_path / "b.h5").write_bytes(b"nothing")
    for arguments in (
        ["b.h5"],
        ["none.h5"],
        ["a.npy", "--slice", "4"],
        ["a.npy", "--look", "x.jpg"],
    ):
        bad = untrained("scan-info", *arguments)
        assert bad.returncode == 2
        assert bad.stderr.strip().count("\n") == 0
