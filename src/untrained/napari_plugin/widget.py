"""The widget: layer, task, recipe, strength; restore, stop; how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from untrained.errors import InputError
from untrained.napari_plugin.layers import Source, add_result, source_of
from untrained.napari_plugin.planes import TASKS, Asked, Progress, Restored, restore_planes
from untrained.recipes import RECIPES

__all__ = ["Restoring", "restore_widget"]

_FACTORS = (2, 3, 4)
_PLANES = {"the one shown": False, "all": True}


def restore_widget(napari_viewer: Any) -> Any:
    """Return the widget, as napari asks for it: a container of magicgui.

    Args:
        napari_viewer: the viewer whose layers are restored; napari fills it in.
    """
    return Restoring(napari_viewer).container


class Restoring:
    """What the widget shows, and the one fit that it runs at a time.

    Attributes:
        container: the widget.
        steps: the most steps of a fit; None = the recipe's.
    """

    def __init__(self, viewer: Any) -> None:
        from magicgui.widgets import (
            ComboBox,
            Container,
            FloatSlider,
            Label,
            ProgressBar,
            PushButton,
            create_widget,
        )

        self.viewer = viewer
        self.steps: int | None = None
        self.image = create_widget(label="Image", annotation="napari.layers.Image")
        self.task = ComboBox(label="Task", choices=[(text, name) for name, text in TASKS.items()])
        self.recipe = ComboBox(label="Recipe", choices=_recipes("denoise"))
        self.strength = FloatSlider(
            label="Strength", min=0, max=1, step=0.05, value=1,
            tooltip="how much of the noise is taken away",
        )  # fmt: skip
        self.fill = create_widget(
            label="To be filled", annotation="napari.layers.Labels",
            options={"nullable": True, "tooltip": "labels other than 0 are filled in"},
        )  # fmt: skip
        self.factor = ComboBox(label="Factor", choices=_FACTORS)
        self.planes = ComboBox(label="Planes", choices=list(_PLANES))
        self.start = PushButton(text="Restore")
        self.stop = PushButton(text="Stop, keep the best", enabled=False)
        self.bar = ProgressBar(label="", min=0, max=1, value=0)
        self.status = Label(value="")
        self.container = Container(widgets=[
            self.image, self.task, self.recipe, self.strength, self.fill, self.factor, self.planes,
            self.start, self.stop, self.bar, self.status,
        ])  # fmt: skip
        self.container.restoring = self  # lives as long as the widget
        self._ended = threading.Event()
        self._told = _signal(self._show)
        self._worker: Any = None
        self.task.changed.connect(self._on_task)
        self.start.changed.connect(self.begin)
        self.stop.changed.connect(self.end)
        self.container.native.destroyed.connect(self._ended.set)
        self._on_task("denoise")

    def begin(self) -> None:
        """Restore the chosen layer in a thread of its own."""
        if self._worker is not None:
            return
        layer = self.image.value
        if layer is None:
            self.status.value = "no image; open one first"
            return
        asked = Asked(
            task=self.task.value, recipe=self.recipe.value, strength=self.strength.value,
            factor=self.factor.value, steps=self.steps,
        )  # fmt: skip
        source = source_of(layer, self.viewer, self.fill.value, whole=_PLANES[self.planes.value])
        self._ended.clear()
        self._run(lambda: self._restored(source, asked), lambda found: self._finish(found, source))
        self.start.enabled, self.stop.enabled = False, True
        self.status.value = "reading the layer"

    def end(self) -> None:
        """Stop after the step that is being taken; what is best so far is kept."""
        self._ended.set()
        self.stop.enabled = False
        self.status.value = "stopping"

    def _run(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        from napari.qt.threading import create_worker

        self._worker = create_worker(work, _start_thread=False)
        self._worker.returned.connect(done)
        self._worker.finished.connect(self._on_finished)
        self._worker.start()

    def _restored(self, source: Source, asked: Asked) -> tuple[Asked, Restored | InputError]:
        """Return the restored planes, or why there are none; runs beside the window."""
        try:
            return asked, restore_planes(
                source.read(), asked, rgb=source.rgb, fill=source.read_fill(),
                on_progress=self._told.emit, cancelled=self._ended.is_set,
            )  # fmt: skip
        except InputError as error:
            return asked, error

    def _show(self, progress: Progress) -> None:
        self.bar.max = progress.steps * progress.planes
        self.bar.value = progress.steps * (progress.plane - 1) + progress.step
        if not self._ended.is_set():
            of = f"plane {progress.plane} of {progress.planes}, " if progress.planes > 1 else ""
            self.status.value = f"{of}step {progress.step} of at most {progress.steps}"

    def _finish(self, answer: tuple[Asked, Restored | InputError], source: Source) -> None:
        asked, found = answer
        if isinstance(found, InputError):
            self.status.value = str(found)
            return
        add_result(self.viewer, source, found.data, task=asked.task, factor=asked.factor)
        said = "stopped, the best so far was kept" if found.stopped else "done"
        self.status.value = "; ".join([said, *found.notes])

    def _on_finished(self) -> None:
        self._worker = None
        self.bar.value = self.bar.max
        self.start.enabled, self.stop.enabled = True, False

    def _on_task(self, task: str) -> None:
        self.recipe.choices = _recipes(task)
        self.strength.visible = task == "denoise"
        self.fill.visible = task == "inpaint"
        self.factor.visible = task == "upscale"


def _recipes(task: str) -> list[str]:
    """Return the task's recipes, ours first."""
    return sorted(RECIPES[task], key=lambda name: (name not in ("fast", "best"), name != "fast"))


def _signal(hear: Callable[[Progress], None]) -> Any:
    """Return a Qt signal that may be emitted in any thread and is heard in this one."""
    from qtpy.QtCore import QObject, Qt, Signal

    class Bridge(QObject):  # type: ignore[misc]
        told = Signal(object)

    bridge = Bridge()
    bridge.told.connect(hear, Qt.QueuedConnection)
    return _Emitter(bridge)


class _Emitter:
    """Keeps the object of a signal alive."""

    def __init__(self, bridge: Any) -> None:
        self._bridge = bridge

    def emit(self, progress: Progress) -> None:
        """Tell the window's thread."""
        self._bridge.told.emit(progress)
