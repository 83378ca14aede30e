"""What is written by the formats' own libraries is read as it was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.scans import KSpace, Measurements, Sinogram, read_scan
from untrained.scans.grid import to_images, to_kspace

h5py = pytest.importorskip("h5py")

HEADER = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>
<encodedSpace><matrixSize><x>{x}</x><y>{y}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{fx}</x><y>{fy}</y><z>4</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{rx}</x><y>{ry}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{rfx}</x><y>{rfy}</y><z>4</z></fieldOfView_mm></reconSpace>
<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"""


def numbers(*shape: int, seed: int = 0) -> NDArray[np.complex64]:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
    return values.astype(np.complex64)


def header(**more: int) -> str:
    sizes = {"x": 16, "y": 12, "fx": 320, "fy": 120, "rx": 8, "ry": 8, "rfx": 160, "rfy": 80}
    return HEADER.format(**{**sizes, **more})


def test_fastmri_multicoil(tmp_path: Path) -> None:
    samples = numbers(3, 2, 16, 12)
    truth = np.abs(numbers(3, 8, 8, seed=1)).astype(np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"], file["reconstruction_rss"] = samples, truth
        file["ismrmrd_header"] = header()
    scan = read_scan(tmp_path / "a.h5", slice=1)
    assert isinstance(scan, KSpace)
    assert np.array_equal(scan.samples, samples[1:2])
    assert scan.truth is not None
    assert np.array_equal(scan.truth, truth[1:2])
    assert scan.crop == (8, 8)
    assert scan.spacing == (20, 10)
    assert scan.in_file == {"slices": 3, "coils": 2}
    assert scan.sampled.all()
    assert len(read_scan(tmp_path / "a.h5").samples) == 3  # type: ignore[union-attr]


def test_fastmri_mask_of_columns_without_padding(tmp_path: Path) -> None:
    samples = numbers(2, 16, 12)
    samples[..., [0, 1, 4, 11]] = 0
    mask = np.ones(12, np.float32)
    mask[4] = 0
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"], file["mask"], file["ismrmrd_header"] = samples, mask, header()
    scan = read_scan(tmp_path / "a.h5")
    assert isinstance(scan, KSpace)
    assert scan.samples.shape == (2, 1, 16, 12)
    assert np.flatnonzero(~scan.sampled[0, 3]).tolist() == [0, 1, 4, 11]
    assert any("3 columns" in note for note in scan.notes)


def test_a_slice_of_a_large_file_is_read_alone(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset(
            "kspace", (100_000, 32, 640, 368), "complex64", chunks=(1, 1, 640, 368)
        )
        stored[7, 3] = 1
        file["ismrmrd_header"] = header()
    scan = read_scan(tmp_path / "a.h5", slice=7)
    assert isinstance(scan, KSpace)
    assert scan.samples.shape == (1, 32, 640, 368)
    with pytest.raises(InputError, match="choose one slice"):
        read_scan(tmp_path / "a.h5")


def write_ismrmrd(
    path: Path, lines: list[tuple[dict[str, Any], NDArray[np.complex64]]], text: str,
) -> None:  # fmt: skip
    """Write acquisitions by ISMRMRD's library; what the header is told beside the samples."""
    ismrmrd = pytest.importorskip("ismrmrd")
    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as file:
        file.write_xml_header(text.encode())
        for told, samples in lines:
            track = told.pop("traj", None)
            acquired = ismrmrd.Acquisition.from_array(samples, track)
            for bit in told.pop("flags", ()):
                acquired.setFlag(bit)
            for name in ("slice", "repetition", "contrast", "average"):
                setattr(acquired.idx, name, told.pop(name, 0))
            acquired.idx.kspace_encode_step_1 = told.pop("line", 0)
            acquired.idx.kspace_encode_step_2 = told.pop("partition", 0)
            acquired.center_sample = told.pop("centre", samples.shape[1] // 2)
            acquired.sample_time_us = told.pop("dwell", 5.0)
            for name, value in told.items():
                setattr(acquired, name, value)
            file.append_acquisition(acquired)


def oversampled(images: NDArray[Any]) -> NDArray[np.complex64]:
    """Return the k-space (..., 2h, w) of images (..., h, w) seen through twice the field."""
    h = images.shape[-2]
    wide = np.pad(images, [(0, 0)] * (images.ndim - 2) + [(h // 2, h // 2), (0, 0)])
    return to_kspace(wide)


def test_ismrmrd_lines_slices_noise_and_oversampling(tmp_path: Path) -> None:
    images = numbers(2, 3, 8, 12)  # slices, coils, readout, lines
    wide = oversampled(images)
    lines: list[tuple[dict[str, Any], NDArray[np.complex64]]] = [
        ({"flags": [19], "dwell": 10.0}, numbers(3, 64, seed=5)),
        ({"flags": [27]}, numbers(3, 16, seed=6)),
        ({"flags": [23]}, numbers(3, 16, seed=7)),
    ]
    for row in range(0, 12, 2):
        for s in (1, 0):
            lines.append(({"line": row, "slice": s}, wide[s, :, :, row]))
    write_ismrmrd(tmp_path / "a.h5", lines, header())
    scan = read_scan(tmp_path / "a.h5")
    assert isinstance(scan, KSpace)
    wanted = to_kspace(images)
    wanted[..., 1::2] = 0
    np.testing.assert_allclose(scan.samples, wanted, atol=1e-5)
    assert scan.sampled[..., ::2].all()
    assert not scan.sampled[..., 1::2].any()
    assert scan.noise is not None
    np.testing.assert_allclose(scan.noise, numbers(3, 64, seed=5) * np.sqrt(2), rtol=1e-5)
    assert scan.in_file == {"slices": 2, "frames": 1, "coils": 3}
    assert scan.spacing == (20, 10)
    assert scan.crop == (8, 8)
    told = " ".join(scan.notes)
    assert "1 dummies" in told
    assert "1 navigators" in told
    one = read_scan(tmp_path / "a.h5", slice=1)
    assert isinstance(one, KSpace)
    np.testing.assert_array_equal(one.samples, scan.samples[1:])


def test_ismrmrd_slices_lie_where_their_headers_say(tmp_path: Path) -> None:
    lines: list[tuple[dict[str, Any], NDArray[np.complex64]]] = [
        (
            {
                "line": row, "slice": s, "position": (10.0, 20.0, 5.0 * s),
                "read_dir": (0, 1, 0), "phase_dir": (1, 0, 0), "slice_dir": (0, 0, -1),
            },
            numbers(2, 16, seed=row),
        )
        for row in range(12) for s in range(3)
    ]  # fmt: skip
    write_ismrmrd(tmp_path / "a.h5", lines, header(rfx=320))
    scan = read_scan(tmp_path / "a.h5")
    assert isinstance(scan, KSpace)
    assert scan.affine is not None
    # the middle of each slice, left and back turned to right and front
    for s in range(3):
        np.testing.assert_allclose(scan.affine @ [8, 6, s, 1], [-10, -20, 5 * s, 1])
    np.testing.assert_allclose(scan.affine @ [1, 0, 0, 0], [0, -20, 0, 0])
    assert scan.thickness == 5


def test_ismrmrd_averages_reversed_lines_and_partial_fourier(tmp_path: Path) -> None:
    text = header(rx=16, rfx=320).replace(
        "</reconSpace>",
        "</reconSpace><encodingLimits><kspace_encoding_step_1><minimum>0</minimum>"
        "<maximum>7</maximum><center>2</center></kspace_encoding_step_1></encodingLimits>",
    )
    samples = numbers(2, 16, 12)
    lines: list[tuple[dict[str, Any], NDArray[np.complex64]]] = []
    for step in range(8):  # step 2 is the middle line, 6; the first four lines are never measured
        line = samples[:, :, step + 4]
        if step == 3:  # received from right to left
            lines.append(({"line": step, "flags": [22]}, line[:, ::-1].copy()))
        elif step == 4:  # twice
            lines.append(({"line": step}, line + 1))
            lines.append(({"line": step, "average": 1}, line - 1))
        elif step == 5:  # from sample 5 on
            lines.append(({"line": step, "centre": 3}, line[:, 5:]))
        elif step == 6:  # with two samples before that are to be discarded
            more = np.concatenate([np.ones((2, 2), np.complex64), line], axis=1)
            lines.append(({"line": step, "centre": 10, "discard_pre": 2}, more))
        else:
            lines.append(({"line": step}, line))
    write_ismrmrd(tmp_path / "a.h5", lines, text)
    scan = read_scan(tmp_path / "a.h5")
    assert isinstance(scan, KSpace)
    measured = np.ones((16, 12), bool)
    measured[:, :4] = False
    measured[:5, 9] = False
    np.testing.assert_array_equal(scan.sampled[0], measured)
    np.testing.assert_allclose(scan.samples[0], samples * measured, atol=1e-6)
    assert any("averaged" in note for note in scan.notes)
    assert any("partial echo: 11 of 16" in note for note in scan.notes)


def test_ismrmrd_frames_and_echoes(tmp_path: Path) -> None:
    samples = numbers(2, 2, 2, 16, 12)  # slices, echoes
    lines: list[tuple[dict[str, Any], NDArray[np.complex64]]] = [
        ({"line": row, "slice": s, "contrast": e}, samples[s, e, :, :, row])
        for row in range(12) for s in range(2) for e in range(2)
    ]  # fmt: skip
    write_ismrmrd(tmp_path / "a.h5", lines, header(rfx=320))
    with pytest.raises(InputError, match="choose one slice"):
        read_scan(tmp_path / "a.h5")
    echoes = read_scan(tmp_path / "a.h5", slice=1)
    assert isinstance(echoes, KSpace)
    assert echoes.axis == "echo"
    np.testing.assert_array_equal(echoes.samples, samples[1])
    slices = read_scan(tmp_path / "a.h5", frame=1)
    assert isinstance(slices, KSpace)
    assert slices.axis == "slice"
    np.testing.assert_array_equal(slices.samples, samples[:, 1])


def test_ismrmrd_volume(tmp_path: Path) -> None:
    volume = numbers(2, 8, 12, 4)  # coils, readout, lines, partitions
    k = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(
        to_kspace(volume), axes=1), axis=1, norm="ortho"), axes=1)  # fmt: skip
    text = header(x=8, fx=160).replace("<z>1</z>", "<z>4</z>", 1)
    lines: list[tuple[dict[str, Any], NDArray[np.complex64]]] = [
        ({"line": row, "partition": p}, k[:, :, row, p].astype(np.complex64))
        for row in range(12) for p in range(4) if (row + p) % 2
    ]  # fmt: skip
    write_ismrmrd(tmp_path / "a.h5", lines, text)
    scan = read_scan(tmp_path / "a.h5", slice=5)
    assert isinstance(scan, KSpace)
    half = np.add.outer(np.arange(12), np.arange(4)) % 2 == 1
    np.testing.assert_array_equal(scan.sampled[0], half)
    np.testing.assert_allclose(scan.samples[0], to_kspace(volume[:, 5]) * half, atol=1e-5)


def test_ismrmrd_spokes_in_cycles_per_field_of_view(tmp_path: Path) -> None:
    text = header().replace("cartesian", "radial")
    track = numbers(16, 2, seed=3).real.clip(-2, 2) / 4
    lines: list[tuple[dict[str, Any], NDArray[np.complex64]]] = [
        ({"traj": track.astype(np.float32), "repetition": r}, numbers(2, 16, seed=10 * r + i))
        for r in range(2) for i in range(3)
    ]  # fmt: skip
    write_ismrmrd(tmp_path / "a.h5", lines, text)
    scan = read_scan(tmp_path / "a.h5", frame=1)
    assert isinstance(scan, KSpace)
    assert scan.trajectory is not None
    assert scan.samples.shape == (1, 2, 3, 16)
    np.testing.assert_array_equal(scan.samples[0, :, 2], numbers(2, 16, seed=12))
    np.testing.assert_allclose(scan.trajectory[0, 1], track * 8, rtol=1e-6)


@pytest.mark.parametrize("truncated", [100, 3000, 8000])
def test_a_cut_ismrmrd_file_is_one_line(tmp_path: Path, truncated: int) -> None:
    lines = [({"line": row}, numbers(2, 16, seed=row)) for row in range(12)]
    write_ismrmrd(tmp_path / "a.h5", lines, header())
    whole = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "b.h5").write_bytes(whole[:truncated])
    with pytest.raises(InputError) as caught:
        read_scan(tmp_path / "b.h5")
    assert "\n" not in str(caught.value)


def test_ismrmrd_line_outside_of_the_matrix(tmp_path: Path) -> None:
    write_ismrmrd(tmp_path / "a.h5", [({"line": 40}, numbers(2, 16))], header())
    with pytest.raises(InputError, match="do not fit into a matrix of 12"):
        read_scan(tmp_path / "a.h5")


def test_cfl_dimensions(tmp_path: Path) -> None:
    array = numbers(6, 5, 1, 3, 1, 1, 1, 1, 1, 1, 4)
    (tmp_path / "a.hdr").write_text("# Dimensions\n6 5 1 3 1 1 1 1 1 1 4 1 1 1 1 1\n# Command\n")
    (tmp_path / "a.cfl").write_bytes(array.astype("<c8").tobytes(order="F"))
    scan = read_scan(tmp_path / "a.hdr")
    assert isinstance(scan, KSpace)
    assert scan.axis == "frame"
    for t in range(4):
        for c in range(3):
            np.testing.assert_array_equal(
                scan.samples[t, c], array[:, :, 0, c, 0, 0, 0, 0, 0, 0, t]
            )
    one = read_scan(tmp_path / "a.cfl", frame=2)
    assert isinstance(one, KSpace)
    np.testing.assert_array_equal(one.samples, scan.samples[2:3])
    (tmp_path / "a.cfl").write_bytes(b"12345678")
    with pytest.raises(InputError, match="the header says"):
        read_scan(tmp_path / "a.cfl")


def test_cfl_volume_and_averages(tmp_path: Path) -> None:
    volume = numbers(2, 6, 5, 4)  # coils, READ, PHS1, PHS2
    k = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(
        to_kspace(volume), axes=1), axis=1, norm="ortho"), axes=1)  # fmt: skip
    array = np.moveaxis(k, 0, -1).reshape(6, 5, 4, 2, *[1] * 10)
    array = np.stack([array + 1, array - 1], axis=-1)
    (tmp_path / "a.hdr").write_text("# Dimensions\n" + " ".join(map(str, (*array.shape, 1))) + "\n")
    (tmp_path / "a.cfl").write_bytes(array.astype("<c8").tobytes(order="F"))
    scan = read_scan(tmp_path / "a.cfl", slice=2)
    assert isinstance(scan, KSpace)
    np.testing.assert_allclose(scan.samples[0], to_kspace(volume[:, 2]), atol=1e-5)


def test_npy_says_what_its_axes_are(tmp_path: Path) -> None:
    samples = numbers(4, 8, 10)
    np.save(tmp_path / "a.npy", samples)
    with pytest.raises(InputError, match="--axes coils, slices or frames"):
        read_scan(tmp_path / "a.npy")
    coils = read_scan(tmp_path / "a.npy", axes="coils")
    frames = read_scan(tmp_path / "a.npy", axes="frames", frame=3)
    images = read_scan(tmp_path / "a.npy", axes="coils", kind="images")
    assert isinstance(coils, KSpace)
    assert isinstance(frames, KSpace)
    assert isinstance(images, KSpace)
    np.testing.assert_array_equal(coils.samples, samples[None])
    np.testing.assert_array_equal(frames.samples, samples[3:, None])
    assert frames.axis == "frame"
    np.testing.assert_allclose(to_images(images.samples), samples[None], atol=1e-5)


def test_npz_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", kspace=numbers(2, 3, 8, 8), mask=np.arange(8) % 2)
    scan = read_scan(tmp_path / "a.npz")
    assert isinstance(scan, KSpace)
    assert scan.sampled.sum() == 2 * 8 * 4
    np.savez(tmp_path / "b.npz", y=np.arange(1.0, 5), matrix=np.ones((4, 64)), size=[8, 8])
    sensing = read_scan(tmp_path / "b.npz")
    assert isinstance(sensing, Measurements)
    assert sensing.size == (8, 8)
    np.savez(tmp_path / "c.npz", kspace=numbers(2, 3, 8, 8), counts=np.ones((3, 3)))
    with pytest.raises(InputError, match="wanted one array"):
        read_scan(tmp_path / "c.npz")


def test_measurements_that_are_missing_are_nan(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.array([1.0, np.nan, 2.0, 3.0]))
    scan = read_scan(tmp_path / "y.npy")
    assert isinstance(scan, Measurements)
    assert np.isnan(scan.values[1])


def test_npz_of_pages_with_masks_and_maps_of_their_own(tmp_path: Path) -> None:
    masks = np.random.default_rng(0).random((3, 8, 8)) < 0.5
    np.savez(
        tmp_path / "a.npz", kspace=numbers(3, 2, 8, 8), mask=masks, maps=numbers(3, 2, 8, 8, seed=1)
    )
    one = read_scan(tmp_path / "a.npz", slice=2)
    assert isinstance(one, KSpace)
    assert one.mask is not None
    assert one.maps is not None
    np.testing.assert_array_equal(one.mask, masks[2:])
    np.testing.assert_array_equal(one.maps, numbers(3, 2, 8, 8, seed=1)[2:])


def write_exchange(path: Path, theta: NDArray[Any], unit: str | None) -> NDArray[np.float32]:
    data = 100 + np.arange(len(theta) * 3 * 16, dtype=np.float32).reshape(-1, 3, 16)
    with h5py.File(path, "w") as file:
        file["exchange/data"] = data
        file["exchange/data_white"] = data[:4] * 2
        file["exchange/data_dark"] = data[:2] / 100
        file["exchange/theta"] = theta
        if unit is not None:
            file["exchange/theta"].attrs["units"] = unit
    return data


def test_exchange_rows_and_units(tmp_path: Path) -> None:
    theta = np.linspace(0, 180, 20, endpoint=False)
    data = write_exchange(tmp_path / "a.h5", theta, None)
    scan = read_scan(tmp_path / "a.h5", slice=2)
    assert isinstance(scan, Sinogram)
    assert scan.counts
    np.testing.assert_array_equal(scan.values[0], data[:, 2])
    assert scan.flat is not None
    np.testing.assert_array_equal(scan.flat[:, 0], data[:4, 2] * 2)
    assert scan.angles is not None
    np.testing.assert_allclose(scan.angles, np.deg2rad(theta))
    assert any("by their range they are degrees" in note for note in scan.notes)
    write_exchange(tmp_path / "b.h5", np.deg2rad(theta), "degrees")
    with pytest.raises(InputError, match="--unit rad or deg"):
        read_scan(tmp_path / "b.h5")
    said = read_scan(tmp_path / "b.h5", unit="rad")
    assert isinstance(said, Sinogram)
    assert said.angles is not None
    np.testing.assert_allclose(said.angles, np.deg2rad(theta))


def test_links_out_of_the_file_are_not_followed(tmp_path: Path) -> None:
    write_exchange(tmp_path / "a.h5", np.arange(20.0), "degrees")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["kspace"] = h5py.ExternalLink(str(tmp_path / "a.h5"), "exchange/data")
    with pytest.raises(InputError, match="in another file"):
        read_scan(tmp_path / "b.h5")


def test_tiff_pages_are_said_or_known_by_the_angles(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    stack = np.random.default_rng(0).random((10, 8, 16), np.float32)
    tifffile.imwrite(
        tmp_path / "a.tif", stack, imagej=True, resolution=(4, 4),
        metadata={"unit": "mm", "axes": "ZYX"},
    )  # fmt: skip
    with pytest.raises(InputError, match="--axes views"):
        read_scan(tmp_path / "a.tif")
    views = read_scan(tmp_path / "a.tif", axes="views", kind="sinogram")
    assert isinstance(views, Sinogram)
    np.testing.assert_array_equal(views.values, stack.transpose(1, 0, 2))
    assert views.pixel == 0.25
    assert not views.counts
    by_angles = read_scan(tmp_path / "a.tif", angles=np.linspace(0, 180, 8, endpoint=False))
    assert isinstance(by_angles, Sinogram)
    np.testing.assert_array_equal(by_angles.values, stack)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((4, 8, 8), np.complex64), "only zeros"),
        (np.full((4, 8, 8), np.nan, np.complex64), "NaN or infinite"),
        (np.ones((4, 8, 8), np.float32), "k-space of float32"),
        (np.ones((8,), np.complex64), "wanted"),
        (np.ones((0, 8, 8), np.complex64), "empty"),
    ],
)
def test_what_is_no_scan_is_one_line(
    tmp_path: Path, samples: NDArray[Any], message: str
) -> None:  # fmt: skip
    np.save(tmp_path / "a.npy", samples)
    with pytest.raises(InputError, match=message) as caught:
        read_scan(tmp_path / "a.npy", axes="coils", kind="kspace")
    assert "\n" not in str(caught.value)


def test_small_values_stay_small(tmp_path: Path) -> None:
    samples = numbers(1, 2, 8, 8) * np.float32(1e-7)
    np.save(tmp_path / "a.npy", samples)
    scan = read_scan(tmp_path / "a.npy")
    assert isinstance(scan, KSpace)
    np.testing.assert_array_equal(scan.samples, samples)


def write_projections(folder: Path, positions: list[float]) -> NDArray[np.uint16]:
    """Write a DICOM-CT-PD scan by pydicom: 3 rows of 8 detectors."""
    pydicom = pytest.importorskip("pydicom")
    folder.mkdir()
    stored = np.random.default_rng(0).integers(0, 60000, (len(positions), 8, 3), np.uint16)
    for view, position in enumerate(positions):
        item = pydicom.Dataset()
        item.file_meta = pydicom.dataset.FileMetaDataset()
        item.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{view + 1}"
        item.InstanceNumber = view + 1
        item.Rows, item.Columns, item.SamplesPerPixel = 8, 3, 1
        item.BitsAllocated = item.BitsStored = 16
        item.HighBit, item.PixelRepresentation = 15, 0
        item.PhotometricInterpretation = "MONOCHROME2"
        item.RescaleSlope, item.RescaleIntercept = 1e-4, -0.05
        item.PixelData = stored[view].tobytes()
        for tag, kind, value in [
            (0x70291002, "FL", 1.25), (0x70291006, "FL", 1.0), (0x7029100B, "CS", "CYLINDRICAL"),
            (0x70291010, "US", 3), (0x70291011, "US", 8), (0x70311001, "FL", 0.3 * view),
            (0x70311002, "FL", position), (0x70311003, "FL", 595.0), (0x70311031, "FL", 1085.6),
            (0x70311033, "FL", [5.125, 2.0]), (0x70331065, "FL", [1e5] * 8),
        ]:  # fmt: skip
            item.add_new(tag, kind, value)
        item.save_as(folder / f"{100 - view}.dcm", enforce_file_format=True)
    return stored


def test_ct_pd_axial(tmp_path: Path) -> None:
    stored = write_projections(tmp_path / "a", [0.0] * 5)
    scan = read_scan(tmp_path / "a", slice=1)
    assert isinstance(scan, Sinogram)
    np.testing.assert_allclose(scan.values[0], stored[:, :, 1] * 1e-4 - 0.05, rtol=1e-5)
    assert scan.angles is not None
    np.testing.assert_allclose(scan.angles, 0.3 * np.arange(5), atol=1e-6)
    assert (scan.geometry, scan.curved, scan.centre) == ("fan", True, 4.125)
    assert (scan.source_distance, scan.photons) == (595.0, 1e5)


def test_ct_pd_helical_is_refused(tmp_path: Path) -> None:
    write_projections(tmp_path / "a", [0.0, 0.5, 1.0])
    with pytest.raises(InputError, match="helical"):
        read_scan(tmp_path / "a")


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    """Cut anywhere; where no C library guards the file itself, bytes are turned as well."""
    tifffile = pytest.importorskip("tifffile")
    np.save(tmp_path / "a.npy", numbers(1, 2, 16, 12))
    np.savez(tmp_path / "a.npz", kspace=numbers(1, 2, 16, 12), mask=np.ones(12))
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 16), np.float32))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"], file["mask"], file["ismrmrd_header"] = numbers(2, 16, 12), np.ones(12), ""
    write_exchange(tmp_path / "b.h5", np.arange(20.0), "degrees")
    (tmp_path / "a.hdr").write_text("# Dimensions\n16 12 1 2\n")
    (tmp_path / "a.cfl").write_bytes(numbers(384).tobytes())
    (tmp_path / "xa.cfl").write_bytes(numbers(384).tobytes())
    generator = np.random.default_rng(0)
    for name in ("a.npy", "a.npz", "a.tif", "a.h5", "b.h5", "a.hdr"):
        whole = (tmp_path / name).read_bytes()
        target, refused = tmp_path / f"x{name}", 0
        for turn in range(40):
            data = bytearray(whole)
            if turn % 2 or name.endswith(".h5"):
                data = data[: generator.integers(0, len(data))]
            else:
                for at in generator.integers(0, min(len(data), 300), 3):
                    data[at] = generator.integers(0, 256)
            target.write_bytes(bytes(data))
            told = _refusal(target, "sinogram" if name == "a.tif" else None)
            refused += told is not None
            assert "\n" not in (told or "")
        assert refused >= 10, name


def _refusal(path: Path, kind: Any) -> str | None:
    try:
        read_scan(path, kind=kind)
    except InputError as error:
        return str(error)
    return None
