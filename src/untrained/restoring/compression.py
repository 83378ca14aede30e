"""A picture as the weights of a small Deep Decoder: `compress`, `decompress`, the file format.

Heckel & Hand, "Deep Decoder: Concise image representations from untrained non-convolutional
networks", arXiv 1810.03982, section 2, count parameters; here they are also rounded, packed and
read back. z is drawn from a seed and costs two bytes.

A file, little-endian: magic "uT1", the header `_HEADER`, offset and scale of the values (two
float64, not for uint8), one float16 for each tensor of weights (the step of its codes), the codes
of all tensors, int8, through a raw LZMA coder.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.fitting import Adam, Callback, Cosine, fit
from untrained.images import (
    UnitRange,
    channels_last,
    from_unit,
    natural_range,
    range_of,
    to_unit,
)
from untrained.metrics import mse_to_psnr
from untrained.networks import DeepDecoder, DeepDecoderNetwork, Noise
from untrained.objectives import DataFit, Problem

__all__ = ["Compressed", "Compression", "compress", "decompress"]

_MAGIC = b"uT1"
_HEADER = struct.Struct("<BBHHBBBHI")  # dtype, channels, height, width, k, ups, bits, seed, crc
_RANGE = struct.Struct("<dd")
_DTYPES = ("uint8", "uint16", "float32", "float64")
_MAX_PIXELS = 250_000_000  # as of `read_picture`
_PLAIN_GRAY = 0x80  # in the byte of the dtype: the array was (H, W)
# A range coder without the modelling of texts: the codes have no order worth looking for.
_LZMA = [{"id": lzma.FILTER_LZMA1, "lc": 0, "lp": 0, "pb": 0, "dict_size": 1 << 20}]


@dataclass(frozen=True, kw_only=True, slots=True)
class Compression:
    """Settings of the compressor.

    Attributes:
        width: channels k of the decoder, up to 255: k² (num_up + 1) weights are most of the file.
        num_up: upsamplings.
        bits: of a weight before the entropy coder, 2 to 8. The fit knows of the rounding.
        lr, steps: of Adam, with a cosine down to 2 %.
        seed: of z and of the first weights, 0 to 65535.
    """

    width: int = 32
    num_up: int = 4
    bits: int = 6
    lr: float = 0.01
    steps: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {
            "width": (1, 255), "num_up": (0, 12), "bits": (2, 8), "steps": (1, 10**9),
            "seed": (0, 65535),
        }  # fmt: skip
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}; wanted {least} to {most}")

    @property
    def network(self) -> DeepDecoder:
        """The decoder."""
        return DeepDecoder(width=self.width, num_up=self.num_up)

    @property
    def z(self) -> Noise:
        """The code, drawn from the seed."""
        return Noise(channels=self.width, scale=0.1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Compressed:
    """The bytes of a file, the image that they decode to, and its distance to the original."""

    data: bytes
    image: NDArray[Any]
    psnr: float


def compress(
    image: NDArray[Any], settings: Compression | None = None, *,
    callbacks: Sequence[Callback] = (),
) -> Compressed:  # fmt: skip
    """Fit a Deep Decoder with rounded weights to an image and pack it.

    Args:
        image: (H, W) or (H, W, C); 8 or 16 bits, or floats. Never modified.
        settings: how small and how long.
        callbacks: observers of the fit.

    Returns:
        the bytes, and what `decompress` makes of them.

    Raises:
        InputError: a dtype, size or number of channels that the format does not hold; NaN pixels.
        KeyboardInterrupt: the fit was interrupted.
    """
    s = settings or Compression()
    image = np.asarray(image)
    observed, known, unit_range = to_unit(image, value_range=_range_of(image))
    _check(image, observed, known)
    _check_size(s, *observed.shape[-2:])
    problem = Problem(observed=observed, peak=unit_range.peak)
    channels, height, width = observed.shape[1:]
    network = s.network.build(s.width, channels, generator=Generator().manual_seed(s.seed))
    adam = Adam(lr=s.lr, step_size=Cosine())
    result = fit(
        _Rounded(network, s.bits),
        DataFit(z=s.z).build(problem, s.network.input_size(height, width), seed=s.seed),
        optimizer=adam.build(network.parameters()),
        max_steps=s.steps,
        schedule=lambda step: adam.step_size.factor(step, s.steps),
        callbacks=callbacks,
    )
    if result.cut_short:
        raise KeyboardInterrupt
    packed = [_codes(p.detach(), s.bits) for p in network.parameters()]
    body = b"" if image.dtype == np.uint8 else _RANGE.pack(unit_range.offset, unit_range.scale)
    body += np.array([step for _, step in packed], dtype="<f2").tobytes()
    codes = np.concatenate([values.numpy().astype(np.int8).ravel() for values, _ in packed])
    body += lzma.compress(codes.tobytes(), format=lzma.FORMAT_RAW, filters=_LZMA)
    kind = _DTYPES.index(str(image.dtype)) | (_PLAIN_GRAY if image.ndim == 2 else 0)

    def with_crc(crc: int) -> bytes:
        header = (kind, channels, height, width, s.width, s.num_up, s.bits, s.seed, crc)
        return _MAGIC + _HEADER.pack(*header) + body

    decoded = _decode(with_crc(0))
    data = with_crc(_crc(decoded))
    unit, _, _ = to_unit(decoded, value_range=unit_range)
    error = float((unit - observed).square().mean())
    return Compressed(data=data, image=decoded, psnr=mse_to_psnr(error, unit_range.peak))


def decompress(data: bytes) -> tuple[NDArray[Any], bool]:
    """Return the image in the bytes of a file, and whether it is the very one that was reported.

    The decoder runs in float64 on the CPU, so that rounding to 8 or 16 bits hides what machines do
    differently; a checksum tells if it does not.

    Raises:
        InputError: not such a file, or a damaged one.
    """
    image = _decode(data)
    crc = _HEADER.unpack_from(data, len(_MAGIC))[-1]
    return image, crc == _crc(image)


class _Rounded(nn.Module):
    """A network that is run with rounded weights; gradients pass as if they were not."""

    def __init__(self, network: nn.Module, bits: int) -> None:
        super().__init__()
        self.network = network
        self.bits = bits

    def forward(self, z: Tensor) -> Tensor:
        rounded = {}
        for name, p in self.network.named_parameters():
            codes, step = _codes(p.detach(), self.bits)
            rounded[name] = p + (codes * step - p.detach())
        result: Tensor = torch.func.functional_call(self.network, rounded, (z,))
        return result


def _codes(weights: Tensor, bits: int) -> tuple[Tensor, float]:
    """Return whole numbers within ±(2^(bits-1) - 1), and the step that undoes them."""
    most = 2 ** (bits - 1) - 1
    step = float(np.float16(max(float(weights.abs().max()) / most, 1e-6)))
    return (weights / step).round().clamp(-most, most), step


def _decode(data: bytes) -> NDArray[Any]:
    if data[: len(_MAGIC)] != _MAGIC:
        raise InputError("not a file of `untrained compress`; wanted one that begins with uT1")
    try:
        fields = _HEADER.unpack_from(data, len(_MAGIC))
        kind, channels, height, width, k, ups, bits, seed, _ = fields
        s = Compression(width=k, num_up=ups, bits=bits, seed=seed)
        _check_size(s, height, width)
        dtype = np.dtype(_DTYPES[kind & ~_PLAIN_GRAY])
        body = memoryview(data)[len(_MAGIC) + _HEADER.size :]
        offset, scale = 0.0, 255.0
        if dtype != np.uint8:
            offset, scale = _RANGE.unpack_from(body)
            body = body[_RANGE.size :]
        network = s.network.build(k, channels, generator=Generator().manual_seed(seed)).double()
        _fill(network, body)
    except (struct.error, lzma.LZMAError, IndexError, ValueError) as error:
        raise InputError(f"the compressed file is damaged ({error}); make it again") from None
    generator = Generator().manual_seed(seed)
    z = s.z.build(*s.network.input_size(height, width), generator=generator)
    with torch.no_grad():
        unit = network(z.double())[..., :height, :width].clamp(0, 1)
    ndim = 2 if kind & _PLAIN_GRAY else 3
    return from_unit(unit, UnitRange(offset=offset, scale=scale, peak=1.0, dtype=dtype), ndim=ndim)


def _range_of(image: NDArray[Any]) -> UnitRange | None:
    """Return the one range of all channels, which is what the format holds; of 8 bits the full one.

    None = the image is refused.
    """
    if image.dtype == np.uint8:
        return natural_range(image.dtype)
    if image.dtype.kind not in "iuf" or image.ndim not in (2, 3) or not np.isfinite(image).all():
        return None
    return range_of(channels_last(image, -1), np.ones(image.shape[:2], bool), apart=False)


def _fill(network: DeepDecoderNetwork, body: memoryview) -> None:
    """Put the weights in the body of a file into the network.

    Raises:
        ValueError, lzma.LZMAError: another number of weights.
    """
    parameters = list(network.parameters())
    steps = np.frombuffer(body[: 2 * len(parameters)], dtype="<f2").astype(np.float64)
    raw = lzma.decompress(body[2 * len(parameters) :], format=lzma.FORMAT_RAW, filters=_LZMA)
    codes = torch.from_numpy(np.frombuffer(raw, dtype=np.int8).astype(np.float64))
    sizes = [p.numel() for p in parameters]
    if len(steps) != len(parameters) or len(codes) != sum(sizes):
        raise ValueError(f"it holds {len(codes)} weights instead of {sum(sizes)}")
    pieces = torch.split(codes, sizes)
    with torch.no_grad():
        for p, piece, step in zip(parameters, pieces, steps, strict=True):
            p.copy_((piece * step).view(p.shape))


def _check_size(settings: Compression, height: int, width: int) -> None:
    """Raise InputError for a decoder that makes far more pixels than the picture has, or too many.

    One of num_up = 12 makes 8192x8192 of any smaller picture, which takes tens of gigabytes.
    """
    side, fits = 2 ** (settings.num_up + 1), max(64, 4 * max(height, width))
    if side > fits:
        most = fits.bit_length() - 2
        raise InputError(
            f"num_up is {settings.num_up}, which makes {side}x{side} pixels at least, for a "
            f"picture of {height}x{width}; wanted at most {most}"
        )
    if height * width > _MAX_PIXELS:
        raise InputError(f"image is {height}x{width}; wanted at most {_MAX_PIXELS:,} pixels")


def _check(image: NDArray[Any], observed: Tensor, known: Tensor | None) -> None:
    """Raise InputError for what the format does not hold."""
    if str(image.dtype) not in _DTYPES:
        raise InputError(f"image is of type {image.dtype}; wanted one of {', '.join(_DTYPES)}")
    if known is not None:
        raise InputError("image has NaN or infinite pixels; fill them first (untrained inpaint)")
    if max(observed.shape[-2:]) > 65535 or observed.shape[1] > 255:
        raise InputError(f"image is {image.shape}; wanted sides to 65535 and channels to 255")


def _crc(image: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(image).tobytes())
