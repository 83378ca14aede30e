"""Observers whose files may fail: a fit is worth more than what is written beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from untrained.errors import InputError
from untrained.fitting.callbacks.base import Callback, Check, Plan, Start
from untrained.fitting.result import Result

__all__ = ["Lenient"]


class Lenient(Callback):
    """Pass everything on to an observer; what it cannot write is told once and costs no fit."""

    def __init__(self, callback: Callback, *, name: str, tell: Callable[[str], None]) -> None:
        """`name` is what it writes ("the history"); `tell` is given one line."""
        self.callback = callback
        self.name = name
        self.tell = tell
        self.told = False
        self.needs_whole_image = callback.needs_whole_image  # type: ignore[misc]

    def on_plan(self, plan: Plan) -> None:
        """Pass it on."""
        self._try(lambda: self.callback.on_plan(plan))

    def on_start(self, start: Start) -> None:
        """Pass it on."""
        self._try(lambda: self.callback.on_start(start))

    def on_check(self, check: Check) -> None:
        """Pass it on."""
        self._try(lambda: self.callback.on_check(check))

    def on_end(self, result: Result) -> None:
        """Pass it on."""
        self._try(lambda: self.callback.on_end(result))

    def state_dict(self) -> dict[str, Any]:
        """Return that of the observer."""
        return self.callback.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Give it to the observer."""
        self.callback.load_state_dict(state)

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except (InputError, OSError, MemoryError) as error:
            if not self.told:
                reason = str(error) or "there is not enough memory"
                self.tell(f"{self.name} could not all be written: {reason}")
            self.told = True
