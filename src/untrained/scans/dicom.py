"""DICOM that does not pretend to be an original: derived, secondary capture, 16 bits."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["dicom_bytes"]

# Secondary Capture Image Storage, and Multi-frame Grayscale Word Secondary Capture.
_SINGLE, _MULTIPLE = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.3"
_LEVELS = 65535
_MOST_SIDE = 65535
_FLIP = np.array([-1.0, -1.0, 1.0])  # NIfTI's right, front to DICOM's left, back


def dicom_bytes(
    stack: NDArray[np.float32], *, spacing: tuple[float, float] | None = None,
    thickness: float | None = None, affine: NDArray[np.float64] | None = None, source: str = "",
) -> bytes:  # fmt: skip
    """Return a DICOM file of (n, H, W): value = slope · stored + intercept.

    The same values give the same bytes, its identifiers included.

    Raises:
        InputError: a side that DICOM cannot count.
    """
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    n, height, width = stack.shape
    if max(height, width) > _MOST_SIDE:
        raise InputError(f"DICOM holds {_MOST_SIDE} pixels a side; this has {height}x{width}")
    low, high = float(stack.min()), float(stack.max())
    # As many digits as DICOM's decimal strings hold; the stored values go by the rounded ones.
    intercept = _decimal(low)
    slope = _decimal((high - low) / _LEVELS) if high > low else "1"
    scaled = (stack.astype(np.float64) - float(intercept)) / float(slope)
    stored = np.clip(np.rint(scaled), 0, _LEVELS).astype("<u2")
    print_of = hashlib.sha256(stored.tobytes() + f"{slope} {intercept} {source}".encode())
    of_this = [print_of.hexdigest()]
    data = pydicom.Dataset()
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = meta.MediaStorageSOPClassUID = _SINGLE if n == 1 else _MULTIPLE
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[*of_this, "instance"]
    )
    data.file_meta = meta
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["DERIVED", "SECONDARY"]
    data.ConversionType = "SYN"
    data.Modality = "OT"
    data.DerivationDescription = "Reconstructed from raw data by untrained; not for diagnosis"
    data.StudyInstanceUID = generate_uid(entropy_srcs=[*of_this, "study"])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[*of_this, "series"])
    for name in ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID",
                 "PatientName", "PatientID", "PatientBirthDate", "PatientSex"):  # fmt: skip
        setattr(data, name, "")
    data.SeriesNumber, data.InstanceNumber = 1, 1
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = height, width
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = intercept, slope, "US"
    data.BurnedInAnnotation = "NO"
    if n > 1:
        data.NumberOfFrames = n
    if spacing is not None:
        data.PixelSpacing = [_decimal(side) for side in spacing]
    if thickness is not None:
        data.SliceThickness = _decimal(thickness)
    if affine is not None:
        down, across = (_FLIP * affine[:3, k] / np.linalg.norm(affine[:3, k]) for k in (0, 1))
        # The first of the two is along a row, so from column to column.
        data.ImageOrientationPatient = [_decimal(v) for v in (*across, *down)]
        data.ImagePositionPatient = [_decimal(v) for v in _FLIP * affine[:3, 3]]
    data.PixelData = stored.tobytes()
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _decimal(value: float) -> str:
    """Return a number in at most 16 characters."""
    for digits in range(12, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return "0"
