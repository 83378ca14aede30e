"""A device of its own, pretended on the CPU, for machines that have no other.

Tensors on `DEVICE` compute as the CPU does, to the bit. But as on a graphics card, an operation on
tensors of both places is an error, unless the CPU's has no dimension; and what a card would be
waited for (a value read, a tensor copied here or there) is counted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("cpu:1")  # torch takes it for the CPU, but tells it from "cpu"
HERE = torch.device("cpu")

_aten = torch.ops.aten
_READS = {_aten._local_scalar_dense, _aten.nonzero, _aten.equal, _aten.is_nonzero}
_COPIES = {_aten._to_copy, _aten.copy_, _aten._copy_from}


class PretendTensor(Tensor):
    """A tensor that says that it is on `DEVICE`, around one on the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> PretendTensor:
        made: Any = torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(),
            dtype=inner.dtype, layout=inner.layout, device=DEVICE,
        )  # fmt: skip
        made.inner = inner
        return made  # type: ignore[no-any-return]

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["inner"], None

    @staticmethod
    def __tensor_unflatten__(parts: dict[str, Tensor], *_: Any) -> PretendTensor:
        return PretendTensor(parts["inner"])

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"PretendTensor({self.inner!r})"

    def tolist(self) -> Any:  # torch refuses it for subclasses
        return self.cpu().tolist()

    def new_tensor(self, values: Any, **kwargs: Any) -> Tensor:  # type: ignore[override]
        return _tensor(values, dtype=self.dtype, device=DEVICE, **kwargs)

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(op, args, kwargs or {}, [])


class _DeviceGenerator(Generator):
    """A generator that says that it is on `DEVICE`."""

    device = DEVICE


def make_generator(device: Any = HERE) -> Generator:
    return _DeviceGenerator() if torch.device(device) == DEVICE else Generator(device)


class _Dispatch(TorchDispatchMode):
    def __init__(self, waits: list[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(op, args, kwargs or {}, self.waits)


def _tensor(values: Any, *, device: Any = HERE, **kwargs: Any) -> Tensor:
    """Do as `torch.tensor`, which tells no mode where it copies the values to."""
    made = _make_tensor(values, **kwargs)
    return made if torch.device(device) == HERE else made.to(device)


_make_tensor = torch.tensor


def _compute(op: Any, args: Any, kwargs: dict[str, Any], waits: list[str]) -> Any:
    flat, _ = tree_flatten((args, kwargs))
    there = [x for x in flat if isinstance(x, PretendTensor)]
    here = [x for x in flat if isinstance(x, Tensor) and not isinstance(x, PretendTensor)]
    name = op.overloadpacket
    target = kwargs.get("device")
    if name in _READS and there:
        waits.append(str(op))
    elif name in _COPIES:
        to = target if name is _aten._to_copy and target is not None else args[0].device
        source = args[0] if name is _aten._to_copy else args[1]
        if to != source.device:
            waits.append(f"{op} {source.device} -> {to} {tuple(source.shape)}")
    elif name in (_aten.index, _aten.index_put_):
        if there and any(x.dtype == torch.bool for x in flat[1:] if isinstance(x, Tensor)):
            waits.append(str(op))
    elif there and any(x.ndim for x in here):
        raise RuntimeError(f"{op}: expected all tensors to be on the same device")
    inside_args, inside = tree_map(_inside, (args, kwargs))
    result = op(*inside_args, **inside)
    if target is None:
        on_device = bool(there) if name is not _aten.copy_ else isinstance(args[0], PretendTensor)
    else:
        on_device = target == DEVICE
    if not on_device:
        return result
    wrapped = tree_map(lambda x: PretendTensor(x) if isinstance(x, Tensor) else x, result)
    if not there or name is _aten._to_copy:
        return wrapped
    return return_and_correct_aliasing(op, args, kwargs, wrapped)


def _inside(value: Any) -> Any:
    if isinstance(value, PretendTensor):
        return value.inner
    return HERE if isinstance(value, torch.device) and value == DEVICE else value


@contextmanager
def pretended() -> Iterator[list[str]]:
    """Pretend that there is `DEVICE`; gives the list of what it has been waited for so far."""
    waits: list[str] = []
    modules = [m for n, m in sys.modules.items() if n.startswith("untrained.")]
    users = [m for m in modules if vars(m).get("Generator") is Generator]
    try:
        for module in users:
            module.Generator = make_generator  # type: ignore[attr-defined]
        torch.tensor = _tensor
        with _Dispatch(waits):
            yield waits
    finally:
        torch.tensor = _make_tensor
        for module in users:
            module.Generator = Generator  # type: ignore[attr-defined]
