"""Picture files <-> arrays: depth, channels, alpha, stacks, colour profile, metadata.

Shapes: P pages, H height, W width, C colour channels (alpha apart).
"""

from untrained.images.arrays import (
    MIN_SIDE,
    channels_last,
    from_unit,
    image_size,
    missing_in,
    shown_range,
    to_unit,
)
from untrained.images.blending import blended, check_strength
from untrained.images.clips import Frame, read_clip, write_clip
from untrained.images.files import (
    check_is_picture,
    check_writable,
    is_image_path,
    output_suffix,
    picture_kind,
    read_picture,
    write_picture,
)
from untrained.images.kernels import read_kernel
from untrained.images.masks import Marks, Words, mask_to_tensor, read_marks
from untrained.images.orientation import (
    as_stored,
    orientation_of,
    upright,
    upright_size,
    with_orientation,
)
from untrained.images.picture import (
    READABLE,
    WRITABLE,
    Metadata,
    Picture,
    TiffLayout,
    usual_suffix,
    with_pixels,
)
from untrained.images.profiles import screen_profile
from untrained.images.ranges import (
    UnitRange,
    find_outliers,
    natural_range,
    range_of,
    white_of,
)
from untrained.images.second import Place, Second, aligned, read_second
from untrained.images.sheets import central, sheet

__all__ = [
    "MIN_SIDE",
    "READABLE",
    "WRITABLE",
    "Frame",
    "Marks",
    "Metadata",
    "Picture",
    "Place",
    "Second",
    "TiffLayout",
    "UnitRange",
    "Words",
    "aligned",
    "as_stored",
    "blended",
    "central",
    "channels_last",
    "check_is_picture",
    "check_strength",
    "check_writable",
    "find_outliers",
    "from_unit",
    "image_size",
    "is_image_path",
    "mask_to_tensor",
    "missing_in",
    "natural_range",
    "orientation_of",
    "output_suffix",
    "picture_kind",
    "range_of",
    "read_clip",
    "read_kernel",
    "read_marks",
    "read_picture",
    "read_second",
    "screen_profile",
    "sheet",
    "shown_range",
    "to_unit",
    "upright",
    "upright_size",
    "usual_suffix",
    "white_of",
    "with_orientation",
    "with_pixels",
    "write_clip",
    "write_picture",
]
