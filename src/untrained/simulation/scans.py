"""Made-up scans with a known truth: k-space of coils, counts of a CT scanner, a beating heart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.simulation.phantom import HEAD, Ellipse, beating, draw, line_integrals

__all__ = ["MadeCt", "MadeMri", "coil_sensitivities", "make_ct", "make_mri", "make_series"]

Complex = NDArray[np.complex64]

_PRESCAN = 4096  # noise samples of a coil
_FIELDS = 10  # flats, darks
_DEPTH = 2.5  # the longest line integral, about: e^-2.5 of the light comes through


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MadeMri:
    """A full scan of one slice, or of the frames of a series.

    Attributes:
        samples: noisy k-space, centred and orthonormal, (coils, h, w) or (frames, coils, h, w).
        noise: of the same coils without a signal, (coils, samples).
        maps: their sensitivities, (coils, h, w).
        truth: root of the sum of squares of the coils' images without noise, (h, w) or (frames, …).
    """

    samples: Complex
    noise: Complex
    maps: Complex
    truth: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MadeCt:
    """A scan of one slice with parallel rays; image and detector have pixels of one width.

    Attributes:
        counts: (views, detectors).
        flat: without the object, (n, detectors).
        dark: without the beam, (n, detectors).
        angles: in radians.
        centre: detector pixel of the axis of rotation.
        truth: attenuation a pixel, (size, size).
    """

    counts: NDArray[np.float32]
    flat: NDArray[np.float32]
    dark: NDArray[np.float32]
    angles: NDArray[np.float64]
    centre: float
    truth: NDArray[np.float32]


def coil_sensitivities(coils: int, size: int) -> Complex:
    """Return the maps of coils around the picture, (coils, size, size).

    Each falls off with the distance from its coil and turns its phase slowly; the root of the sum
    of their squares is 1 at its largest.
    """
    if not 1 <= coils <= 256:
        raise InputError(f"coils are {coils}; wanted 1 to 256")
    places = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = places[None, :], -places[:, None]
    maps = np.empty((coils, size, size), np.complex128)
    for k in range(coils):
        angle = 2 * math.pi * k / coils
        from_x, from_y = x - 1.3 * math.cos(angle), y - 1.3 * math.sin(angle)
        distance = np.hypot(from_x, from_y)
        maps[k] = np.exp(1j * (angle + 0.5 * distance)) / (0.8 + distance**2)
    if coils == 1:
        maps[:] = 1
    largest = np.sqrt(np.square(np.abs(maps)).sum(axis=0)).max()
    return np.asarray(maps / largest, np.complex64)


def make_mri(
    size: int = 128, *, coils: int = 8, noise: float = 0.01, spread: float = 1.0,
    generator: Generator,
) -> MadeMri:  # fmt: skip
    """Return a full scan of the head phantom.

    The coils see a finer picture than k-space holds, as they do a patient, and noise that
    neighbouring coils share to a part.

    Args:
        size: of k-space and image.
        coils: of the scanner.
        noise: standard deviation of the real and of the imaginary part, where the skull is 1.
        spread: how many times the noisiest coil is as noisy as the quietest; their mean is `noise`.
        generator: of the noise.

    Raises:
        InputError: a size or number of coils out of range; noise below 0, a spread below 1.
    """
    maps = coil_sensitivities(coils, size)
    clean = _received(HEAD, size, coils)
    mix = _mixing(coils, noise, spread, generator)
    return MadeMri(
        samples=clean + _noise(mix, (size, size), generator),
        noise=_noise(mix, (_PRESCAN,), generator),
        maps=maps,
        truth=_root_of_squares(clean),
    )


def make_series(
    size: int = 96, *, frames: int = 24, beats: float = 2, coils: int = 1, noise: float = 0.005,
    generator: Generator,
) -> MadeMri:  # fmt: skip
    """Return full scans of a beating heart, one a frame; as `make_mri`.

    Args:
        size: of k-space and image.
        frames: of the series.
        beats: of the heart within it.
        coils: of the scanner.
        noise: standard deviation of the real and of the imaginary part.
        generator: of the noise.

    Raises:
        InputError: a size, number of coils or frames out of range; noise below 0.
    """
    if not 1 <= frames <= 10_000:
        raise InputError(f"frames are {frames}; wanted 1 to 10000")
    maps = coil_sensitivities(coils, size)
    clean = np.stack([_received(beating(beats * t / frames), size, coils) for t in range(frames)])
    mix = _mixing(coils, noise, 1.0, generator)
    noisy = [frame + _noise(mix, (size, size), generator) for frame in clean]
    return MadeMri(
        samples=np.stack(noisy),
        noise=_noise(mix, (_PRESCAN,), generator),
        maps=maps,
        truth=np.stack([_root_of_squares(frame) for frame in clean]),
    )


def make_ct(
    size: int = 128, *, views: int = 60, photons: float = 1e4, rings: float = 0.01,
    offset: float = 1.75, generator: Generator,
) -> MadeCt:  # fmt: skip
    """Return the counts of a half turn around the head phantom, with flat and dark fields.

    I = Poisson(N g (1 + r) e^-p) + D: g is the gain of a detector pixel, which the flat field
    knows, r what it has drifted since, which becomes a ring.

    Args:
        size: of the image; the detector is a fifth wider.
        views: over half a turn.
        photons: N, of an open beam, a pixel.
        rings: standard deviation of r.
        offset: of the axis of rotation from the middle of the detector, in pixels.
        generator: of all randomness.

    Raises:
        InputError: a size, number of views or photons out of range; an axis beside the detector.
    """
    if not 1 <= views <= 100_000 or not 1 <= photons <= 1e12:
        raise InputError(f"{views} views of {photons:g} photons; wanted 1 or more of both")
    detectors = round(1.2 * size)
    centre = (detectors - 1) / 2 + offset
    if not 0 <= centre <= detectors - 1:
        raise InputError(f"offset is {offset}; wanted the axis within {detectors} pixels")
    angles = np.arange(views) * math.pi / views
    truth = draw(HEAD, size)
    lengths = line_integrals(HEAD, angles, detectors, width=2 / size, centre=centre)
    scale = _DEPTH / lengths.max()
    gain = 1 + 0.05 * generator.standard_normal(detectors)
    drift = 1 + rings * generator.standard_normal(detectors)
    beam = photons * np.clip(gain, 0.5, None)
    level = photons / 100

    def dark(rows: int) -> NDArray[np.float64]:
        return generator.normal(level, math.sqrt(level) / 4, (rows, detectors))

    counts = generator.poisson(beam * np.clip(drift, 0, None) * np.exp(-scale * lengths))
    flats = generator.poisson(beam, (_FIELDS, detectors))
    return MadeCt(
        counts=(counts + dark(views)).astype(np.float32),
        flat=(flats + dark(_FIELDS)).astype(np.float32),
        dark=dark(_FIELDS).astype(np.float32),
        angles=angles,
        centre=centre,
        # lengths are in half widths of the picture: size / 2 pixels
        truth=(scale * truth * 2 / size).astype(np.float32),
    )


def _received(ellipses: Sequence[Ellipse], size: int, coils: int) -> Complex:
    """Return the k-space of coils without noise: the middle of a finer picture's."""
    fine = draw(ellipses, 2 * size, parts=2)
    places = (np.arange(2 * size) + 0.5) / size - 1
    phase = np.exp(1j * (0.6 * places[None, :] + 0.4 * places[:, None] ** 2))
    images = coil_sensitivities(coils, 2 * size) * (fine * phase)
    axes = (-2, -1)
    k = np.fft.fftshift(
        np.fft.fft2(np.fft.ifftshift(images, axes=axes), norm="ortho"), axes=axes
    )  # fmt: skip
    low = size - size // 2
    # The orthonormal transform of twice the side doubles what is constant.
    return (k[:, low : low + size, low : low + size] / 2).astype(np.complex64)


def _root_of_squares(samples: Complex) -> NDArray[np.float32]:
    axes = (-2, -1)
    images = np.fft.ifft2(np.fft.ifftshift(samples, axes=axes), norm="ortho")
    found = np.sqrt(np.square(np.abs(images)).sum(axis=0))
    return np.fft.fftshift(found).astype(np.float32)


def _mixing(
    coils: int, noise: float, spread: float, generator: Generator
) -> NDArray[np.complex128]:
    """Return M of noise = M white: rows of the wanted strengths, neighbours alike to a part."""
    if not (0 <= noise < math.inf and 1 <= spread < math.inf):
        raise InputError(f"noise is {noise} with a spread of {spread}; wanted 0 or more, 1 or more")
    apart = np.abs(np.subtract.outer(np.arange(coils), np.arange(coils)))
    near = np.minimum(apart, coils - apart)
    mix = 0.2**near * np.exp(2j * math.pi * generator.random((coils, coils)))
    mix[np.arange(coils), np.arange(coils)] = 1
    strengths = spread ** np.linspace(0, 1, coils)
    strengths = generator.permutation(strengths * noise / strengths.mean())
    rows = np.sqrt(np.square(np.abs(mix)).sum(axis=1))
    found: NDArray[np.complex128] = mix * (strengths / rows)[:, None]
    return found


def _noise(mix: NDArray[np.complex128], shape: tuple[int, ...], generator: Generator) -> Complex:
    white = generator.standard_normal((2, len(mix), math.prod(shape)))
    mixed = mix @ (white[0] + 1j * white[1])
    return np.asarray(mixed.reshape(len(mix), *shape), np.complex64)
