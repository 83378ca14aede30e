"""What is written is what the formats' own libraries read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.scans import KSpace, Place, check_reconstruction, read_scan, write_reconstruction
from untrained.scans.patient import affine_of, cropped


def numbers(*shape: int) -> NDArray[np.complex64]:
    generator = np.random.default_rng(0)
    values = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
    return (1e-7 * values).astype(np.complex64)


AFFINE = affine_of([10, 20, 30], np.eye(3), (0.5, 0.75, 4), (6, 10))
PLACE = Place(spacing=(0.5, 0.75), thickness=4.0, affine=AFFINE, units="a.u.")


def test_npy_is_complex(tmp_path: Path) -> None:
    write_reconstruction(tmp_path / "a.npy", numbers(3, 6, 10))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), numbers(3, 6, 10))


def test_cfl_comes_back(tmp_path: Path) -> None:
    write_reconstruction(tmp_path / "a.cfl", numbers(3, 6, 10), Place(axis="frame"))
    scan = read_scan(tmp_path / "a.cfl")
    assert isinstance(scan, KSpace)
    assert scan.axis == "frame"
    np.testing.assert_array_equal(scan.samples[:, 0], numbers(3, 6, 10))


def test_h5_keeps_its_attributes(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    write_reconstruction(tmp_path / "a.h5", numbers(3, 6, 10), PLACE)
    with h5py.File(tmp_path / "a.h5") as file:
        stored = file["reconstruction"]
        np.testing.assert_array_equal(stored[()], numbers(3, 6, 10))
        assert tuple(stored.attrs["spacing_mm"]) == (0.5, 0.75)
        np.testing.assert_array_equal(stored.attrs["affine"], AFFINE)
        assert stored.attrs["units"] == "a.u."


def test_tiff_shows_imagej_the_pixels(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    write_reconstruction(tmp_path / "a.tif", numbers(3, 6, 10), PLACE)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        np.testing.assert_array_equal(file.asarray(), np.abs(numbers(3, 6, 10)))
        assert file.imagej_metadata["unit"] == "mm"
        assert file.imagej_metadata["spacing"] == 4
        across, down = (file.pages[0].tags[name].value for name in ("XResolution", "YResolution"))
    assert across[1] / across[0] == pytest.approx(0.75)
    assert down[1] / down[0] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nifti_by_nibabel(tmp_path: Path, name: str) -> None:
    nibabel = pytest.importorskip("nibabel")
    write_reconstruction(tmp_path / name, numbers(3, 6, 10), PLACE)
    image = nibabel.load(tmp_path / name)
    np.testing.assert_array_equal(
        image.get_fdata(), np.abs(numbers(3, 6, 10)).transpose(1, 2, 0)
    )  # fmt: skip
    np.testing.assert_allclose(image.affine, AFFINE)
    np.testing.assert_allclose(image.header.get_zooms(), (0.5, 0.75, 4))
    # the middle pixel of the first slice is where it was said to be, left and back turned around
    np.testing.assert_allclose((image.affine @ [3, 5, 0, 1])[:3], [-10, -20, 30])


def test_nifti_of_frames_without_a_place(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    write_reconstruction(tmp_path / "a.nii", numbers(3, 6, 10), Place(axis="frame"))
    image = nibabel.load(tmp_path / "a.nii")
    assert image.shape == (6, 10, 1, 3)
    assert image.header["sform_code"] == 0


@pytest.mark.parametrize("shape", [(6, 10), (3, 6, 10)])
def test_dicom_by_pydicom(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pydicom = pytest.importorskip("pydicom")
    values = np.abs(numbers(*shape)) - np.float32(3e-8)
    write_reconstruction(tmp_path / "a.dcm", values, PLACE)
    write_reconstruction(tmp_path / "b.dcm", values, PLACE)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    image: Any = pydicom.dcmread(tmp_path / "a.dcm")
    back = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    np.testing.assert_allclose(back, values, atol=np.ptp(values) / 65535)
    assert list(image.ImageType) == ["DERIVED", "SECONDARY"]
    assert image.PixelSpacing == [0.5, 0.75]
    np.testing.assert_allclose(image.ImageOrientationPatient, [0, 1, 0, 1, 0, 0])
    assert (image.Rows, image.Columns) == (6, 10)


def test_fld_is_big_endian_behind_two_form_feeds(tmp_path: Path) -> None:
    write_reconstruction(tmp_path / "a.fld", numbers(3, 6, 10))
    head, _, data = (tmp_path / "a.fld").read_bytes().partition(b"\f\f")
    assert b"dim1=10" in head
    np.testing.assert_array_equal(
        np.frombuffer(data, ">f4").reshape(3, 6, 10), np.abs(numbers(3, 6, 10))
    )


def test_phase(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    write_reconstruction(tmp_path / "a.tif", numbers(6, 10), part="phase")
    np.testing.assert_allclose(tifffile.imread(tmp_path / "a.tif"), np.angle(numbers(6, 10)))
    with pytest.raises(InputError, match="no phase part"):
        write_reconstruction(tmp_path / "a.tif", np.ones((6, 10)), part="phase")
    with pytest.raises(InputError, match="keeps no complex numbers"):
        write_reconstruction(tmp_path / "a.tif", numbers(6, 10), part="complex")


def test_what_cannot_be_written_is_refused_before_a_fit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, message in [("a.png", "unknown file type"), ("file/a.npy", "is a file")]:
        with pytest.raises(InputError, match=message):
            check_reconstruction(tmp_path / name)
    with pytest.raises(InputError, match="NaN"):
        write_reconstruction(tmp_path / "a.npy", np.full((6, 10), np.nan))
    assert not (tmp_path / "a.npy").exists()


def test_a_cropped_image_stays_where_it_was() -> None:
    assert AFFINE is not None
    part = cropped(AFFINE, (6, 10), (4, 5))
    np.testing.assert_allclose(part @ [2, 2, 0, 1], AFFINE @ [3, 5, 0, 1])
