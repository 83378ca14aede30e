"""From a layer of napari to arrays, and from an array to a layer that lies where the first does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Source", "add_result", "source_of"]

_NAMES = {"denoise": "denoised", "inpaint": "filled in", "upscale": "enlarged"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """What of a layer is restored; the arrays may be lazy.

    Attributes:
        layer: of napari.
        rgb: whether the last axis is that of the colours.
        plane: the index of the axes before height and width; None = all planes.
        data, fill: of the layer and of the labels, None = none.
    """

    layer: Any
    rgb: bool
    plane: tuple[int, ...] | None
    data: Any
    fill: Any

    def read(self) -> NDArray[Any]:
        """Return (…, H, W) or (…, H, W, colours)."""
        return np.asarray(self.data if self.plane is None else self.data[self.plane])

    def read_fill(self) -> NDArray[Any] | None:
        """Return the labels, (H, W) or (…, H, W)."""
        if self.fill is None:
            return None
        flat = self.plane is None or self.fill.ndim == 2
        return np.asarray(self.fill if flat else self.fill[self.plane])


def source_of(layer: Any, viewer: Any, labels: Any, *, whole: bool) -> Source:
    """Return what is to be restored of a layer: all of its planes, or that which is shown."""
    plane = None
    data = _finest(layer)
    if not whole and layer.ndim > 2:
        at = np.round(layer.world_to_data(viewer.dims.point[-layer.ndim :])).astype(int)
        plane = tuple(int(i) for i in np.clip(at, 0, np.array(data.shape[: layer.ndim]) - 1)[:-2])
    fill = None if labels is None else _finest(labels)
    return Source(layer=layer, rgb=bool(layer.rgb), plane=plane, data=data, fill=fill)


def add_result(viewer: Any, source: Source, data: NDArray[Any], *, task: str, factor: int) -> Any:
    """Add a layer that lies where its source does, in the same colours and units; return it."""
    layer = source.layer
    finer = factor if task == "upscale" else 1
    axes = 2 if source.plane is not None else layer.ndim
    scale = np.array(layer.scale, float)
    # Pixel 0 has its middle at `translate`; that of a finer pixel lies nearer to the corner.
    shift = np.zeros(layer.ndim)
    shift[-2:] = 0.5 / finer - 0.5
    translate = np.array(layer.translate, float) + scale * shift
    scale[-2:] /= finer
    colours = {} if source.rgb else {
        "colormap": layer.colormap, "contrast_limits": layer.contrast_limits, "gamma": layer.gamma,
    }  # fmt: skip
    return viewer.add_image(
        data, name=f"{layer.name}, {_NAMES[task]}", rgb=source.rgb, scale=scale[-axes:],
        translate=translate[-axes:], units=layer.units[-axes:], **colours,
    )  # fmt: skip


def _finest(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data
