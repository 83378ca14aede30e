"""The fit of every page of a job's picture, with what is kept of it in the run's folder."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.fitting import (
    Callback,
    JsonLines,
    Lenient,
    Result,
    Scoring,
    Snapshots,
    TensorBoard,
)
from untrained.images import Picture
from untrained.jobs.job import Job
from untrained.jobs.locks import RunLock
from untrained.jobs.records import accounts_in
from untrained.jobs.run_pictures import Looks, snapshot_saver, write_extras
from untrained.jobs.runs import Checkpoints, Opening, RunFolder, summary_of
from untrained.restoring import Hooks, Measured, Window, restore_picture
from untrained.tasks import Given, MeasuredPages, find_task

__all__ = ["Pages"]


class Pages:
    """The pages of a picture: finished before, gone on with, or begun.

    The record's `results` are of all pages, also of those that an earlier part has finished.
    """

    def __init__(
        self, *, job: Job, folder: RunFolder, lock: RunLock, record: dict[str, Any],
        picture: Picture, earlier: Mapping[str, Any] | None,
        observers: Callable[[str, Scoring], Sequence[Callback]], cancelled: Callable[[], bool],
        windows: Sequence[Window] = (),
    ) -> None:  # fmt: skip
        """`earlier` is the record of the part that is gone on with; None = there is none.

        The pages of each of the `windows` are restored by one fit; () = each by its own.
        """
        self.job = job
        self.folder = folder
        self.lock = lock
        self.record = record
        self.picture = picture
        self.earlier = earlier
        self.observers = observers
        self.cancelled = cancelled
        self.count = len(picture.pixels)
        self.windows = windows
        self.window_of = {page: window for window in windows for page in window.kept}
        self.accounts: dict[int, dict[str, Any]] = {}
        self.fitted: list[int] = []
        self.with_states = earlier is not None
        self.unproven: Opening | None = None  # of a fit that was given a checkpoint
        self.given: Given | MeasuredPages = Given()
        self.truth: Picture | None = None

    def restored(
        self, given: Given | MeasuredPages, truth: Picture | None
    ) -> tuple[Picture, list[Result]]:
        """Restore the picture, and return the results of the pages that were fitted now.

        Raises:
            InputError, DivergedError: as `restore_picture`.
        """
        self.truth = truth
        self.given = given if isinstance(given, Given) else _Latest(given, self._tell_scale)
        try:
            picture, results = self._fit(self.given, truth)
        except InputError:
            raise
        except (LookupError, TypeError, ValueError, RuntimeError, AttributeError):
            if self.unproven is None or self.unproven.begun:
                raise
            self.folder.notes.append("begun anew, since the checkpoint is of another fit")
            self.with_states = False
            picture, results = self._fit(self.given, truth)
        for page, result in zip(self.fitted, results, strict=True):
            self._account(page, result)
        self._tell_accounts()
        return picture, results

    def _fit(
        self, given: Given | MeasuredPages, truth: Picture | None
    ) -> tuple[Picture, list[Result]]:
        self.fitted = []
        self.record.pop("failed", None)
        return restore_picture(
            self.picture, recipe=self.job.recipe, given=given, truth=truth, seed=self.job.seed,
            device=self.job.device, hooks=self._hooks, windows=self.windows,
        )  # fmt: skip

    def _hooks(self, page: int) -> Hooks:
        part = self.folder if self.count == 1 else self.folder.part(page + 1)
        finished = self._finished(part) if self.count > 1 and self.earlier else None
        if finished is not None:
            with contextlib.suppress(OSError):  # left by a kill after the page
                part.checkpoint.unlink(missing_ok=True)
            before = accounts_in(self.earlier or {})
            if page in before:
                self.accounts[page] = before[page]
                self._tell_accounts()
            return Hooks(finished=finished)
        window = self.window_of.get(page, Window((page,)))
        first = not any(other in self.fitted for other in window.kept)
        self.fitted.append(page)
        ends = Hooks(
            on_finished=lambda pixels, result: self._keep(page, part, pixels, result),
            on_failed=(lambda error: self._leave(page, error)) if self.count > 1 else None,
        )
        if not first:  # what goes beside the fit of a window is that of its first page
            return ends
        opening = Opening(self.folder, self.lock, self.record)
        state = part.load_state() if self.with_states else None
        self.unproven = opening if state is not None else None
        scoring = Scoring()
        label = self.job.source.name
        if self.count > 1:
            pages = "-".join(str(n + 1) for n in dict.fromkeys((page, window.kept[-1])))
            label += f" page {pages}/{self.count}"
        return replace(
            ends,
            callbacks=[
                opening, scoring, *self._writers(page, part, scoring),
                *self.observers(label, scoring),
                self._lenient(Checkpoints(part, every=self.job.checkpoint_every), "checkpoints"),
            ],
            cancelled=self.cancelled,
            state=state,
        )  # fmt: skip

    def _writers(self, page: int, part: RunFolder, scoring: Scoring) -> list[Callback]:
        """Return the observers that write beside the picture."""
        job = self.job
        writers = [self._lenient(JsonLines(part.metrics, scoring=scoring), "the history")]
        task = find_task(job.task)
        if not isinstance(self.given, Given):
            pages, truth = self.given, self.truth
            looks = Looks(
                part.path, lambda: pages(page).given,
                truth=None if truth is None else truth.pixels[page],
            )  # fmt: skip
            writers.append(self._lenient(looks, "the first look"))
        if job.snapshots:
            look: Callable[[Tensor], Tensor] = functools.partial(task.look, options=job.options)
            if page in self.window_of:  # the page's own channels
                look = _Own(self.picture.pixels.shape[-1], self.window_of[page].kept.index(page))
            save = snapshot_saver(part.path, self.picture.pixels[page], look=look)
            writers.append(self._lenient(Snapshots(job.snapshots, save), "snapshots"))
        if job.tensorboard:
            board = TensorBoard(
                part.path / "tensorboard", settings=self.record["job"], scoring=scoring
            )
            writers.append(self._lenient(board, "TensorBoard events"))
        return writers

    def _lenient(self, callback: Callback, name: str) -> Callback:
        return Lenient(callback, name=name, tell=self.folder.notes.append)

    def _finished(self, part: RunFolder) -> NDArray[Any] | None:
        """Return a page that an earlier part has finished; None if it has not, or it is damaged."""
        page = part.load_page()
        if page is None:
            return None
        task = find_task(self.job.task)
        if not task.is_outcome(page, self.picture, self.job.options):
            self.folder.notes.append(
                f"page {part.path.name} is of another run; it was fitted again"
            )
            return None
        return page

    def _keep(self, page: int, part: RunFolder, pixels: NDArray[Any], result: Result) -> None:
        """Write what a page has come to; the account first, so that no kept page is without."""
        try:
            write_extras(part.path, self._found(page, result))
        except InputError as error:
            self.folder.notes.append(f"what was found beside the picture was not kept: {error}")
        if self.job.keep_network:
            try:
                result.save(part.path / "network")
            except InputError as error:
                self.folder.notes.append(f"the network was not kept: {error}")
        if self.count > 1:
            self._account(page, result)
            self.folder.write_record(self.record)
            part.create()  # of a window only the first page's is there
            part.save_page(pixels)
            part.checkpoint.unlink(missing_ok=True)

    def _tell_scale(self, page: int, given: Given) -> None:
        """Let the record say by what the image is to be divided to be seen."""
        self.record.setdefault("scales", {})[str(page + 1)] = given.scale or 1.0

    def _leave(self, page: int, error: InputError) -> None:
        """Note that a page cannot be restored, and stays as it was."""
        self.fitted.remove(page)
        self.record.setdefault("failed", []).append({"page": page + 1, "error": str(error)})

    def _found(self, page: int, result: Result) -> dict[str, Tensor]:
        """Return what the fit of a page has found beside its image, and what is made of it."""
        if isinstance(self.given, Given):
            return dict(result.extras)
        task = find_task(self.job.task)
        return {**task.found(self.given(page), result), **result.extras}

    @property
    def done(self) -> list[int]:
        """The pages that the record's `results` are of, from 0."""
        return sorted(self.accounts)

    def _account(self, page: int, result: Result) -> None:
        self.accounts[page] = summary_of(result)
        self._tell_accounts()

    def _tell_accounts(self) -> None:
        self.record["results"] = [self.accounts[i] for i in self.done]
        if self.windows:
            self.record["result_pages"] = [i + 1 for i in self.done]


class _Own:
    """Shows of an image (1, N C, h, w) of a window the C channels of one page."""

    def __init__(self, channels: int, place: int) -> None:
        self.own = slice(place * channels, (place + 1) * channels)

    def __call__(self, image: Tensor) -> Tensor:
        own = image[:, self.own]
        return own if own.shape[1] else image[:, :1]  # pages that are all the same are one


class _Latest:
    """What was measured of pages, the latest kept: coil maps take seconds to find."""

    def __init__(self, pages: MeasuredPages, tell: Callable[[int, Given], None]) -> None:
        """`tell` hears of a page and what is given of it, before its fit."""
        self.pages = pages
        self.tell = tell
        self.latest: tuple[int, Measured] | None = None

    def __call__(self, page: int) -> Measured:
        if self.latest is None or self.latest[0] != page:
            self.latest = page, self.pages(page)
            self.tell(page, self.latest[1].given)
        return self.latest[1]
