"""Picture files <-> arrays: depth, channels, alpha, stacks, colour profile, metadata.

Shapes: P pages, H height, W width, C colour channels (alpha apart).
"""

from untrained.images.arrays import (
    MIN_SIDE,
    channels_last,
    from_unit,
    image_size,
    mask_to_tensor,
    missing_in,
    shown_range,
    to_unit,
)
from untrained.images.blending import blended, check_strength
from untrained.images.clips import Frame, read_clip, write_clip
from untrained.images.files import check_writable, is_image_path, read_picture, write_picture
from untrained.images.kernels import read_kernel
from untrained.images.picture import SUFFIXES, Metadata, Picture, TiffLayout, with_pixels
from untrained.images.ranges import (
    UnitRange,
    find_outliers,
    natural_range,
    range_of,
    white_of,
)
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
    "channels_last",
    "check_strength",
    "check_writable",
    "find_outliers",
    "from_unit",
    "image_size",
    "is_image_path",
    "mask_to_tensor",
    "missing_in",
    "natural_range",
    "range_of",
    "read_clip",
    "read_kernel",
    "read_picture",
    "sheet",
    "shown_range",
    "to_unit",
    "white_of",
    "with_pixels",
    "write_clip",
    "write_picture",
]
