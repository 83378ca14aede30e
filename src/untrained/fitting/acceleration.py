"""How fast a network runs, never what it computes.

Plain eager float32 is the reference; every other choice here has a test against it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from untrained.errors import InputError

__all__ = ["PLAIN", "Acceleration", "Precision", "freed_memory_kept", "full_float32", "pick_device"]

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceleration:
    """Precision and memory format.

    Attributes:
        precision: "bfloat16" runs convolutions in bfloat16 with float32 weights (autocast);
            "auto" does so where the hardware has it; "float32" never, and never in TF32 either.
        channels_last: keep channels innermost in memory.
    """

    precision: Precision = "auto"
    channels_last: bool = True

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise InputError(
                f"precision is {self.precision!r}; wanted one of {', '.join(get_args(Precision))}"
            )

    def resolve(self, device: torch.device) -> Acceleration:
        """Return a copy whose precision is no longer "auto"."""
        precision = self.precision
        if precision == "auto":
            precision = "bfloat16" if _has_bfloat16(device) else "float32"
        return Acceleration(precision=precision, channels_last=self.channels_last)

    def prepare(self, network: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Move the network to the device and return the function that runs it, float32 out."""
        settings = self.resolve(device)
        memory_format = torch.channels_last if self.channels_last else torch.contiguous_format
        network.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]

        def run(z: Tensor) -> Tensor:
            z = z.to(memory_format=memory_format)
            half = settings.precision == "bfloat16"
            with torch.autocast(device.type, torch.bfloat16) if half else contextlib.nullcontext():
                return network(z).float()  # type: ignore[no-any-return]

        return run


PLAIN = Acceleration(precision="float32", channels_last=False)
"""The reference: eager, float32, contiguous."""


class _Shared:
    """A setting of the whole process that holds while somebody is inside; a decorator.

    Decorates a function that switches the setting on and returns what switches it off. Contexts
    may be nested and may overlap in several threads: the first switches on, the last off.
    """

    def __init__(self, switch_on: Callable[[], Callable[[], None]]) -> None:
        functools.update_wrapper(self, switch_on)
        self.switch_on = switch_on
        self.lock = threading.Lock()
        self.inside = 0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self.lock:
            if not self.inside:
                self.switch_off = self.switch_on()
            self.inside += 1
        try:
            yield
        finally:
            with self.lock:
                self.inside -= 1
                if not self.inside:
                    self.switch_off()


@_Shared
def freed_memory_kept() -> Callable[[], None]:
    """Let the C library keep the memory that is freed inside, and give it back at the end.

    Every step frees and asks again for the same large tensors. glibc returns each to the system
    and gets it back page by page, zeroed: a third of a step on a CPU. Does nothing with other C
    libraries. Contexts may be nested and may overlap in several threads.
    """
    _tell_malloc(_NEVER)
    return functools.partial(_tell_malloc, _AS_USUAL)


@_Shared
def full_float32() -> Callable[[], None]:
    """Let the convolutions inside have all 24 bits of float32 on CUDA.

    Torch's default there is TF32, which has 11; an objective may take small differences (SURE).
    Convolutions in bfloat16 are as they were. Contexts as for `freed_memory_kept`.
    """
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = convolutions.fp32_precision
    convolutions.fp32_precision = "ieee"
    return functools.partial(setattr, convolutions, "fp32_precision", before)


# mallopt's parameters M_MMAP_MAX and M_TRIM_THRESHOLD, from <malloc.h>.
_NEVER = {-4: 0, -1: 2**31 - 1}
_AS_USUAL = {-4: 65536, -1: 128 * 1024}


def _tell_malloc(options: dict[int, int]) -> None:
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):  # musl
        return
    for parameter, value in options.items():
        libc.mallopt(parameter, value)
    if options is _AS_USUAL:
        libc.malloc_trim(0)


def pick_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" is CUDA, then Apple MPS, then the CPU.

    Raises:
        InputError: an unknown name, or a device that this machine does not have.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device is {name!r}; wanted auto, cpu, cuda, cuda:N or mps") from None
    missing = {
        "cuda": not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count(),
        "mps": not torch.backends.mps.is_available(),
    }.get(device.type, device.type != "cpu")
    if missing:
        raise InputError(f"device is {name!r}, which this machine does not have; use --device auto")
    return device


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively; emulation is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        tiles = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        return bool(supported()) or bool(tiles())
    return False
