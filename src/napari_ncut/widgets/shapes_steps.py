"""What is drawn in a Shapes layer, as steps of the history: napari keeps none of its own."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QGuiApplication

from .history import Change, History
from .workers import once_after

if TYPE_CHECKING:
    from napari.layers import Shapes
    from numpy.typing import NDArray

# Milliseconds that nothing has to happen: a shape that is being drawn tells of every movement.
_REST = 120

Contents = tuple[tuple["NDArray[np.float64]", str], ...]


class ShapesSteps(QObject):
    """Follows one Shapes layer at a time; whatever is drawn, moved or deleted is a step.

    Parameters
    ----------
    history
        That gets the steps.
    parent
        The widget.
    """

    def __init__(self, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._history = history
        self._layer: weakref.ref[Shapes] | None = None
        self._known: Contents = ()
        self._soon = once_after(_REST, self._note_at_rest, self)
        self._flush = self.note
        history.before_undo.append(self._flush)

    def watch(self, layer: Shapes | None) -> None:
        """Follow another layer, or none."""
        before = self._layer() if self._layer is not None else None
        if before is not None:
            self.note()
            before.events.data.disconnect(self._on_data)
        self._layer = None if layer is None else weakref.ref(layer)
        if layer is not None:
            self._known = contents_of(layer)
            self._history.follow(layer)
            layer.events.data.connect(self._on_data)

    def note(self) -> None:
        """Make a step of what has changed since the last."""
        self._soon.stop()
        layer = self._layer() if self._layer is not None else None
        if layer is None:
            return
        now = contents_of(layer)
        if not _same(now, self._known):
            show = partial(_show, self._layer)
            self._history.push(Change("shapes", show, self._known, now))
            self._known = now

    def release(self) -> None:
        """Follow nothing any more."""
        self._soon.stop()
        self.watch(None)
        if self._flush in self._history.before_undo:
            self._history.before_undo.remove(self._flush)

    def _note_at_rest(self) -> None:
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            # Still drawing, however long the mouse pauses.
            self._soon.start()
        else:
            self.note()

    def _on_data(self, event: Any = None) -> None:
        layer = self._layer() if self._layer is not None else None
        if layer is not None and self._history.writing:
            self._known = contents_of(layer)
        elif layer is not None:
            self._soon.start()


def contents_of(layer: Shapes) -> Contents:
    """Vertices and types of all shapes."""
    kinds = [str(kind) for kind in layer.shape_type]
    return tuple((np.array(one), kind) for one, kind in zip(layer.data, kinds, strict=True))


def _same(one: Contents, other: Contents) -> bool:
    return len(one) == len(other) and all(
        a[1] == b[1] and np.array_equal(a[0], b[0]) for a, b in zip(one, other, strict=True)
    )


def _show(reference: weakref.ref[Shapes] | None, contents: Contents) -> None:
    layer = reference() if reference is not None else None
    if layer is None:
        return
    layer.selected_data = set()
    kept = len(contents)
    now = contents_of(layer)
    if kept < len(now) and _same(contents, now[:kept]):
        # The last ones went: what stays is not drawn anew.
        layer.selected_data = set(range(kept, len(now)))
        layer.remove_selected()
    elif kept > len(now) and _same(contents[: len(now)], now):
        more = contents[len(now) :]
        layer.add([one for one, _ in more], shape_type=[kind for _, kind in more])
        layer.selected_data = set()
    else:
        layer.data = [(one, kind) for one, kind in contents]
