"""Whether what was read as noise may be the picture's own grain or texture."""

from __future__ import annotations

from untrained.noise.flat import GRAIN_IN_COLOURS, GRAIN_IN_GRAY, WHITE, Flat
from untrained.noise.model import Doubt, NoiseModel

__all__ = ["doubt_of_shared", "doubt_of_white"]

# What of a clean picture passes for noise, and how noise is told from it: measured on 50 pictures.
_GRAIN_IF_WHITE = 1.5 / 255  # in gray, where not even the flat places are smooth:
_ROUNDING = 0.3 / 255  # a colour with less noise than that cannot witness
_NO_COLOUR = 0.02 / 255
_FAINT = 4 / 255  # of the brightness, √3 times that of a colour
_FAINTEST = 1 / 255
_STRONG = 6 / 255
_SMOOTH = 0.7  # correlation of neighbours, above that of any noise so strong
_MOST_OVER_WHITE = 1.4  # times the σ of white noise, in places where there should be nothing else
_WHITE_AT_HALF = 1.3
_COLOURS_SHARE = 0.7  # correlation of neighbours, of demosaicked and of subsampled colours
_PROCESSED = 0.5  # likewise of the brightness, where a camera reduced the noise before us
_MOST_IN_BRIGHTNESS = 7.5  # times the σ of a colour
_OUTLIERS = 5.0  # kurtosis


def doubt_of_shared(flat: Flat) -> Doubt:
    """Return why noise that neighbours share may be none; "" = it is noise.

    Texture has outliers and no part in the colours, or one out of proportion; the grain of a clean
    picture is faint, and neither as smooth nor as long in the colours as what a camera's processing
    leaves. In gray there is no such second witness. (Limits: docs/measurements.md.)
    """
    brightness, faintest = float(flat.channels[0]), float(flat.channels.min())
    if brightness < _FAINTEST:
        return "grain"
    if brightness > _STRONG and (flat.neighbours[0] > _SMOOTH or flat.outliers > _OUTLIERS):
        return "texture"
    if flat.outliers > 2 * _OUTLIERS:
        return "texture"
    if len(flat.channels) == 3 and faintest > _NO_COLOUR:
        if faintest > _ROUNDING and min(flat.neighbours[1:]) < _COLOURS_SHARE:
            return "grain"
        if brightness > _STRONG and brightness > _MOST_IN_BRIGHTNESS * faintest:
            return "texture"
        if brightness < _FAINT and flat.neighbours[0] < _PROCESSED:
            return "grain"
    elif brightness < _STRONG:
        return "grain"
    return ""


def doubt_of_white(model: NoiseModel, flat: Flat | None, *, at_half: float) -> Doubt:
    """Return why white noise may be none: no stronger than grain, or more in no place than it.

    `at_half`: four times the variance in the picture shrunk to half, over that of the picture: 1 of
    white noise, also over smooth slopes which leave no place flat; of texture 2 and more, and
    infinite where places differ in strength.
    """
    if flat is None:
        return "grain" if model.sigma < GRAIN_IN_GRAY else ""
    if flat.neighbours[0] > _PROCESSED and flat.outliers > _OUTLIERS:
        return "texture"
    if len(flat.channels) == 3:
        faintest, colours = float(flat.channels.min()), float(flat.channels[1:].max())
        if colours > _MOST_OVER_WHITE * faintest and at_half > _WHITE_AT_HALF:
            return "texture"
        return "grain" if faintest < GRAIN_IN_COLOURS else ""
    if flat.neighbours[0] < WHITE:
        return "grain" if model.sigma < _GRAIN_IF_WHITE else ""
    over = float(flat.channels.mean()) / float(model.at(flat.model.levels).mean().clamp_min(1e-6))
    if over > _MOST_OVER_WHITE and at_half > _WHITE_AT_HALF:
        return "texture"
    # No place is quieter than the noise: what is read beyond the flat ones is grain or texture.
    return "grain" if min(model.sigma, float(flat.channels.mean())) < GRAIN_IN_GRAY else ""
