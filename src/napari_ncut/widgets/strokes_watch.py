"""Watching layers of strokes: news for the widget, and what takes strokes away."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, QTimer, Signal

from . import strokes_layer
from .history import Change, Command
from .prompts_watch import PromptsWatch

if TYPE_CHECKING:
    from napari.layers import Labels, Layer

    from .classes import ClassList

# A brush tells of every few pixels; masks are asked for this often while it moves.
_PAUSE_MS = 60
_EVENTS = ("data", "features", "paint", "labels_update")


class StrokesWatch(QObject):
    """Watches a Shapes layer and a Labels layer of strokes.

    Parameters
    ----------
    classes
        Whose colors the layers take on.

    Signals
    -------
    changed()
        The strokes may be other ones than before.
    """

    changed = Signal()

    def __init__(self, classes: ClassList, parent: QObject) -> None:
        super().__init__(parent)
        self._classes = classes
        self._layers: list[Layer] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._tell)

    @property
    def waiting(self) -> bool:
        """Whether news have not been told yet."""
        return self._timer.isActive()

    @property
    def layers(self) -> list[Layer]:
        """The layers that are watched."""
        return list(self._layers)

    def watch(self, layers: list[Layer]) -> None:
        """Watch these layers, and no longer those before."""
        self.release()
        self._layers = list(layers)
        for layer in layers:
            for name in _EVENTS:
                if hasattr(layer.events, name):
                    getattr(layer.events, name).connect(self._on_event)
        self.paint()

    def release(self) -> None:
        """Watch no longer."""
        self._timer.stop()
        for layer in self._layers:
            for name in _EVENTS:
                if hasattr(layer.events, name):
                    getattr(layer.events, name).disconnect(self._on_event)
        self._layers = []

    def _on_event(self, event: Any = None) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _tell(self) -> None:
        self.paint()
        self.changed.emit()

    def paint(self) -> None:
        """Let colors follow classes, and signs of shapes; of others' Labels they stay."""
        for layer in self._layers:
            if isinstance(layer, Shapes):
                strokes_layer.paint_shapes(layer, self._classes)
            elif strokes_layer.is_made_by_us(layer):
                strokes_layer.paint_scribbles(layer, self._classes)

    def contents(self) -> list[Any]:
        """What the layers hold now."""
        return [
            _shapes_contents(layer) if isinstance(layer, Shapes) else _labels_contents(layer)
            for layer in self._layers
        ]

    def emptied(self, used: list[Any] | None = None) -> list[Command]:
        """Commands that take all strokes away; layers that are not as they were `used` stay."""
        now = self.contents()
        used = now if used is None else used
        if len(used) != len(now):
            return []
        commands: list[Command] = []
        for layer, before, old in zip(self._layers, now, used, strict=True):
            if not before or not _same(before, old):
                continue
            restore = _restore_shapes if isinstance(layer, Shapes) else _restore_labels
            commands.append(Change("strokes", partial(restore, weakref.ref(layer)), before, {}))
        return commands


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one.keys() != other.keys():
        return False
    return all(
        one[name].equals(other[name])
        if hasattr(one[name], "equals")
        else len(one[name]) == len(other[name])
        and all(np.array_equal(a, b) for a, b in zip(one[name], other[name], strict=True))
        for name in one
    )


def _shapes_contents(shapes: Shapes) -> dict[str, Any]:
    if not len(shapes.data):
        return {}
    return {
        "data": [np.array(vertices) for vertices in shapes.data],
        "types": [str(kind) for kind in shapes.shape_type],
        "features": shapes.features.copy(),
    }


def _restore_shapes(reference: weakref.ref[Shapes], contents: dict[str, Any]) -> None:
    shapes = reference()
    if shapes is None:
        return
    defaults = shapes.feature_defaults.copy()
    shapes.selected_data = set()
    with shapes.events.data.blocker(), shapes.events.features.blocker():
        # Setting no data keeps neither columns nor what the next shape means.
        shapes.data = []
        if contents:
            shapes.add(contents["data"], shape_type=contents["types"])
            shapes.features = contents["features"]
        shapes.feature_defaults = defaults
    shapes.events.features()


def _labels_contents(labels: Labels) -> dict[str, Any]:
    data = np.asarray(labels.data)
    places = np.flatnonzero(data)
    return {"places": places, "values": data.reshape(-1)[places]} if len(places) else {}


def _restore_labels(reference: weakref.ref[Labels], contents: dict[str, Any]) -> None:
    labels = reference()
    if labels is None:
        return
    data = np.zeros(labels.data.shape, dtype=labels.data.dtype)
    if contents:
        data.reshape(-1)[contents["places"]] = contents["values"]
    # In place: the layer's own history of painting goes on.
    labels.data[...] = data
    labels.refresh()
    labels.events.data(value=labels.data)


class AllPrompts:
    """Points and strokes together: what is accepted, and what is taken away then."""

    def __init__(self, points: PromptsWatch, strokes: StrokesWatch) -> None:
        self._points = points
        self._strokes = strokes

    def contents(self) -> tuple[list[Any], list[Any]]:
        """What all layers hold now."""
        return self._points.contents(), self._strokes.contents()

    def emptied(self, used: tuple[list[Any], list[Any]] | None = None) -> list[Command]:
        """Commands that take all prompts away, or those that were `used`."""
        points, strokes = (None, None) if used is None else used
        return self._points.emptied(points) + self._strokes.emptied(strokes)
