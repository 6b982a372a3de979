"""Watching prompts layers: what users change becomes steps of undo, and news for the widget."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer, Signal

from . import prompts_layer
from .history import Change, Command, Group, History

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points

    from .classes import ClassList

# A drag or a burst of clicks within this time is one step of undo.
_SETTLE_MS = 250


class PromptsWatch(QObject):
    """Watches the prompts layer, and that of negative points where there is one.

    Parameters
    ----------
    viewer, history, classes
        Of the widget that watches.

    Signals
    -------
    changed()
        The prompts are other ones than before.
    """

    changed = Signal()

    def __init__(
        self, viewer: ViewerModel, history: History, classes: ClassList, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._history = history
        self._classes = classes
        self._layers: list[Points] = []
        self._seen: list[prompts_layer.Prompts] = []
        self._settled: list[prompts_layer.Prompts] = []
        self._before_adding: list[prompts_layer.Prompts] = []
        self._quiet = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self.settle)
        history.before_undo.append(self.settle)

    @property
    def layers(self) -> list[Points]:
        """The layers that are watched."""
        return list(self._layers)

    def watch(self, layers: list[Points]) -> None:
        """Watch these layers, and no longer those before."""
        self.settle()
        self._disconnect()
        self._layers = list(layers)
        for points in layers:
            points.events.data.connect(self._on_event)
            points.events.features.connect(self._on_event)
        self._seen = self._snapshots()
        self._settled = list(self._seen)
        self.paint()

    def release(self) -> None:
        """Watch no longer, for good."""
        self._timer.stop()
        self._disconnect()
        self._layers = []
        if self.settle in self._history.before_undo:
            self._history.before_undo.remove(self.settle)

    def _disconnect(self) -> None:
        for points in self._layers:
            points.events.data.disconnect(self._on_event)
            points.events.features.disconnect(self._on_event)

    def _snapshots(self) -> list[prompts_layer.Prompts]:
        return [prompts_layer.snapshot(points) for points in self._layers]

    def _on_event(self, event: Any) -> None:
        action = str(getattr(event, "action", "changed"))
        if self._quiet:
            return
        if action == "adding":
            self._before_adding = self._snapshots()
        if action in ("adding", "removing", "changing"):
            return
        if action == "added" and self._viewer.dims.ndisplay == 3:
            self._refuse()
            return
        # Adding one point makes napari tell three times; what has been read is not read again.
        now = self._snapshots()
        if all(a.same_as(b) for a, b in zip(now, self._seen, strict=True)):
            return
        self._seen = now
        self.changed.emit()
        self.paint()
        if self._history.writing:
            self._settled = now
        else:
            self._timer.start()

    def _refuse(self) -> None:
        """In the 3D view a click does not say on which plane it is."""
        for points, prompts in zip(self._layers, self._before_adding, strict=True):
            prompts_layer.restore(points, prompts)
        show_warning("Clicks are not read in the 3D view. Switch to 2D (Ctrl+Y), then click.")

    def paint(self) -> None:
        """Let colors and marks follow signs and classes."""
        self._quiet = True
        for points in self._layers:
            prompts_layer.paint(points, self._classes)
        self._quiet = False

    def settle(self) -> None:
        """Remember changed prompts as one step of undo."""
        self._timer.stop()
        if self._history.replaying:
            # What is being undone now is older than these changes.
            self._timer.start()
            return
        now = self._snapshots()
        changes: list[Command] = [
            _change(points, before, after)
            for points, before, after in zip(self._layers, self._settled, now, strict=True)
            if not after.same_as(before)
        ]
        self._settled = now
        if changes:
            self._history.push(changes[0] if len(changes) == 1 else Group("points", changes))

    def contents(self) -> list[prompts_layer.Prompts]:
        """What the layers hold now."""
        return self._snapshots()

    def emptied(self, used: list[prompts_layer.Prompts] | None = None) -> list[Command]:
        """Commands that take all prompts away, or those that were `used`: later ones stay."""
        now = self._snapshots()
        used = now if used is None else used
        if len(used) != len(now):
            return []
        return [
            _change(points, before, before.without(old))
            for points, before, old in zip(self._layers, now, used, strict=True)
            if len(before.data)
        ]


def _change(points: Points, before: prompts_layer.Prompts, after: prompts_layer.Prompts) -> Change:
    return Change("points", partial(_restore, weakref.ref(points)), before, after)


def _restore(reference: weakref.ref[Points], prompts: prompts_layer.Prompts) -> None:
    if (points := reference()) is not None:
        prompts_layer.restore(points, prompts)
