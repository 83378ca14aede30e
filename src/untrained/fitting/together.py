"""Fits of several pictures whose networks take every step in one pass.

Each fit runs in a thread of its own, all of it as if it were alone: its problem, random numbers,
loop, stop rule, checkpoints, files. One thread runs at a time, like coroutines, until its network
is to be run for a step: there it waits for the others, and the networks of one kind that are fed
one size are run as one (`SideBySide`), and so are their gradients and steps taken. A fit that has
ended leaves, and another that begins joins in.

    with together.seat():      # in a thread of its own
        restore(…)             # its steps are taken with those of the other seats

What a picture is computed with does not depend on the others: on a CPU with one thread a group of
any size rounds alike, so that the image is the same to the bit in any company (a fit without
company has a stand-in beside it).
"""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from untrained.fitting.acceleration import Acceleration
from untrained.fitting.optimizers import step_all
from untrained.networks import SideBySide, can_stand_side_by_side

__all__ = ["Seat", "Together", "seated", "stepping_together"]

_PATIENCE = 16  # groups that may go first: a flipped picture meets those of its shape in 4 steps


class Together:
    """The seats of fits that step together; one thread runs at a time, the others wait."""

    def __init__(self, seats: int) -> None:
        """`seats`: how many there are; no step is taken before each was taken once."""
        self.seats = seats
        self._lock = threading.Lock()  # of the three below; the rest is the running thread's alone
        self._ready: deque[Seat] = deque()
        self._running = False
        self._taken = 0
        self._asking: list[Seat] = []
        self._since = (0.0, 0.0)
        self._stacked: dict[tuple[nn.Module, ...], SideBySide] = {}

    @contextmanager
    def seat(self) -> Iterator[Seat]:
        """Let the calling thread take part; it waits for its turn first."""
        seat = Seat(self)
        with self._lock:
            self._taken += 1
            at_once, self._running = not self._running, True
            if not at_once:
                self._ready.append(seat)
        if not at_once:
            seat.turn.acquire()
        self._since = _now()
        token = _SEAT.set(seat)
        try:
            yield seat
        finally:
            _SEAT.reset(token)
            self.charge([seat])
            self._hand_on()

    def wait(self, seat: Seat) -> None:
        """Wait until the group of all that ask for the same is served; raise what that raised."""
        self.charge([seat])
        seat.passed_over, seat.error = 0, None
        self._asking.append(seat)
        self._hand_on()
        seat.turn.acquire()
        self._since = _now()
        if seat.error is not None:
            raise seat.error

    def _hand_on(self) -> None:
        """Let the next thread run; if all wait for the others, serve a group of them first."""
        with self._lock:
            if not self._ready and (not self._asking or self._taken < self.seats):
                self._running = False
                return
            all_wait = not self._ready
        if all_wait:
            served = self._serve()
            with self._lock:
                self._ready.extend(served)
        with self._lock:
            self._ready.popleft().turn.release()

    def _serve(self) -> list[Seat]:
        """Serve the largest group, or the one that has waited too long; return it."""
        groups: dict[Hashable, list[Seat]] = {}
        for seat in self._asking:
            groups.setdefault(seat.asks, []).append(seat)
        group = max(groups.values(), key=len)
        if self._asking[0].passed_over >= _PATIENCE:
            group = groups[self._asking[0].asks]
        self._asking = [seat for seat in self._asking if seat not in group]
        for seat in self._asking:
            seat.passed_over += 1
        self._since = _now()
        try:
            group[0].serve([seat.member for seat in group])
        except Exception as error:  # of memory, of the device: each fit's own thread raises it
            for seat in group:
                seat.error = error
        self.charge(group)
        return group

    def charge(self, seats: Sequence[Seat]) -> None:
        """Divide the time since the last change of hands among seats."""
        before, self._since = self._since, _now()
        for seat in seats:
            seat.seconds += (self._since[0] - before[0]) / len(seats)
            seat.cpu_seconds += (self._since[1] - before[1]) / len(seats)

    def stacked(self, networks: Sequence[nn.Module]) -> SideBySide:
        """Return networks as one: that of an earlier step, if they are the same."""
        wanted = tuple(networks)
        if wanted not in self._stacked:
            for network in wanted:
                self.forget(network)
            stand_in = [copy.deepcopy(wanted[0])] if len(wanted) == 1 else []
            self._stacked[wanted] = SideBySide([*wanted, *stand_in])
        return self._stacked[wanted]

    def forget(self, network: nn.Module) -> None:
        """Let go of what a network was stacked into."""
        self._stacked = {key: one for key, one in self._stacked.items() if network not in key}


class Seat:
    """The place of one thread.

    Attributes:
        seconds, cpu_seconds: its own, and its share of what was done for several.
        steps, company: that were taken together, and the sum of the pictures that took each.
    """

    def __init__(self, together: Together) -> None:
        self.together = together
        self.turn = threading.Semaphore(0)
        self.member: Any = None
        self.asks: Hashable = None
        self.serve: Callable[[list[Any]], object] = len
        self.passed_over = 0
        self.error: Exception | None = None
        self.seconds = self.cpu_seconds = 0.0
        self.steps = self.company = 0

    def wait(self, member: Any, asks: Hashable, serve: Callable[[list[Any]], object]) -> None:
        """Wait until what is asked for is done for all whose fits ask for the same."""
        self.member, self.asks, self.serve = member, asks, serve
        self.together.wait(self)

    def spent(self) -> tuple[float, float]:
        """Return the seconds of the clock and of the cores that are its own until now."""
        self.together.charge([self])
        return self.seconds, self.cpu_seconds

    @property
    def mean_company(self) -> int:
        """How many pictures took a step together, on the mean; 0 = none did."""
        return round(self.company / self.steps) if self.steps else 0


_SEAT: ContextVar[Seat | None] = ContextVar("seat", default=None)


def seated() -> Seat | None:
    """Return the seat of this thread; None = it has none."""
    return _SEAT.get()


@contextmanager
def stepping_together(
    acceleration: Acceleration, network: nn.Module, optimizer: torch.optim.Optimizer, kind: Hashable
) -> Iterator[Acceleration]:
    """Yield an acceleration whose steps are taken with those of the other seats.

    The same as was given without a seat, or of a network that cannot stand beside others.

    Args:
        acceleration: of one alone.
        network, optimizer: of the fit.
        kind: what tells the network from those of other settings.
    """
    seat = seated()
    if seat is None or not can_stand_side_by_side(network):
        yield acceleration
        return
    kind = (kind, acceleration.precision, tuple(p.shape for p in network.parameters()))
    member = _Member(seat, network, optimizer, kind)
    hook = optimizer.register_step_pre_hook(lambda *_: member.step())
    try:
        yield _Joint(precision=acceleration.precision, channels_last=False, member=member)
    finally:
        hook.remove()
        member.leave()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Joint(Acceleration):
    """Runs a network with those of others where a step is taken; alone where it is looked at."""

    member: _Member

    def prepare(self, network: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
        alone = Acceleration.prepare(self, network, device)
        self.member.autocast = self.precision == "bfloat16"
        return functools.partial(self.member.run, alone)


class _Member:
    """A fit that takes its steps with others."""

    def __init__(
        self, seat: Seat, network: nn.Module, optimizer: torch.optim.Optimizer, kind: Hashable
    ) -> None:
        self.seat = seat
        self.network = network
        self.optimizer = optimizer
        self.kind = kind
        self.autocast = False
        self.z = self.image = torch.empty(0)  # of the step that is being taken
        self.under_way: _Pass | None = None

    def run(self, alone: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
        """Return the network's image, run with others if it is the first of a step.

        A z that is fitted itself, a second pass within a step and a look are for the network alone.
        """
        first = torch.is_grad_enabled() and self.under_way is None
        if not first or z.requires_grad or len(z) != 1:
            return alone(z)
        self.z = z.detach()
        self.seat.wait(self, ("run", self.kind, z.device, z.shape), _Pass)
        return self.image

    def step(self) -> None:
        """Take the step with those whose networks were run with this one."""
        if self.under_way is not None:
            self.seat.wait(self, ("step", id(self.under_way)), self.under_way.step)

    def leave(self) -> None:
        """Take no more part; the weights are the network's own again."""
        if self.under_way is not None:
            del self.under_way.row_of[self]
        self.seat.together.forget(self.network)
        for parameter in self.network.parameters():
            parameter.data = parameter.data.clone()


class _Pass:
    """One pass of several networks, and the step that follows it."""

    def __init__(self, members: Sequence[_Member]) -> None:
        """Run the networks; every member is given its image, a leaf."""
        one = members[0]
        self.network = one.seat.together.stacked([member.network for member in members])
        codes = [member.z for member in members]
        z = torch.cat(codes if len(codes) > 1 else codes * 2)
        with torch.enable_grad():
            with torch.autocast(z.device.type, torch.bfloat16, enabled=one.autocast):
                image = self.network(z)
            self.images = image.float()
        self.row_of = {member: row for row, member in enumerate(members)}
        for member, row in self.row_of.items():
            member.image = self.images[row : row + 1].detach().requires_grad_()
            member.under_way = self

    def step(self, members: Sequence[_Member]) -> None:
        """Take the gradients through all networks at once, and the optimizers' steps."""
        grads = torch.zeros_like(self.images)
        for member in members:
            if member.image.grad is not None:
                grads[self.row_of[member]] = member.image.grad[0]
        stacked = self.network.network.named_parameters()
        names, weights = zip(*((n, p) for n, p in stacked if p.requires_grad), strict=True)
        found = torch.autograd.grad(self.images, weights, grads)
        for member in members:
            own, row = dict(member.network.named_parameters()), self.row_of[member]
            for name, grad in zip(names, found, strict=True):
                weight = own[name]
                weight.grad = grad[row] if weight.grad is None else weight.grad + grad[row]
            member.under_way = None
            member.seat.steps += 1
            member.seat.company += len(members)
        step_all([member.optimizer for member in members])


def _now() -> tuple[float, float]:
    """Return the seconds of the clock and of the process's cores."""
    return time.monotonic(), time.process_time()
