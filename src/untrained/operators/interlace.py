"""One field of an interlaced picture."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["Field", "Interlace"]

Field = Literal["top", "bottom"]


class Interlace(LinearOperator):
    """A x = every second line: (b, c, 2h, W) -> (b, c, h, W).

    The field "top" has the lines 0, 2, 4 … (one more than the other if H is odd), "bottom" the
    lines 1, 3, 5 ….
    """

    keeps_constants = True
    each_channel = True

    def __init__(self, field: Field = "top") -> None:
        super().__init__()
        if field not in get_args(Field):
            raise InputError(f"field is {field!r}; wanted one of {', '.join(get_args(Field))}")
        self.field: Field = field

    @property
    def first(self) -> int:
        """The first line of the field."""
        return 0 if self.field == "top" else 1

    def forward(self, image: Tensor) -> Tensor:
        """Return the lines of the field."""
        return image[..., self.first :: 2, :]

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return the shape with twice the lines."""
        b, c, h, w = measurement_shape
        return b, c, 2 * h, w
