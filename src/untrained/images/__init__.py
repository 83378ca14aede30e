"""Picture files <-> arrays: depth, channels, alpha, stacks, colour profile, metadata.

Shapes: P pages, H height, W width, C colour channels (alpha apart).
"""

from untrained.images.arrays import (
    MIN_SIDE,
    UnitRange,
    from_unit,
    image_size,
    mask_to_tensor,
    range_of,
    to_unit,
    white_of,
)
from untrained.images.blending import blended, check_strength
from untrained.images.clips import Frame, read_clip, write_clip
from untrained.images.files import (
    check_is_picture,
    check_writable,
    is_image_path,
    read_picture,
    write_picture,
)
from untrained.images.kernels import read_kernel
from untrained.images.picture import SUFFIXES, Metadata, Picture, TiffLayout, with_pixels
from untrained.images.sheets import central, sheet

__all__ = [
    "MIN_SIDE",
    "SUFFIXES",
    "Frame",
    "Metadata",
    "Picture",
    "TiffLayout",
    "UnitRange",
    "blended",
    "central",
    "check_is_picture",
    "check_strength",
    "check_writable",
    "from_unit",
    "image_size",
    "is_image_path",
    "mask_to_tensor",
    "range_of",
    "read_clip",
    "read_kernel",
    "read_picture",
    "sheet",
    "to_unit",
    "white_of",
    "with_pixels",
    "write_clip",
    "write_picture",
]
