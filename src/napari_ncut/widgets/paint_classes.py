"""Classes of a painted layer: names from its notes, colors from its colormap, and back again."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject

from ..painting.index import counted
from .classes import PALETTE, ClassList, LabelClass
from .history import Change, History
from .roles import note, notes_of

if TYPE_CHECKING:
    from napari.layers import Labels

# A layer of more labels holds things rather than classes; the first ones are listed.
_MOST = 40
_UNLISTED = "#9e9e9e"
# Planes of a larger layer are not all looked at.
_PIXELS = 2**24

State = tuple[tuple[int, str, str], ...]


class LayerClasses(QObject):
    """A list of classes that a painted layer is shown and written with.

    Without a layer the list stays as it is, and the next new layer gets it.

    Parameters
    ----------
    history
        Where a new name or color is a step.
    parent
        The widget.
    """

    def __init__(self, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self.classes = ClassList()
        self._history = history
        self._layer: weakref.ref[Labels] | None = None
        self._quiet = False
        self._others = "transparent"
        self._state = self._as_state()
        self.classes.changed.connect(self._on_changed)

    @property
    def layer(self) -> Labels | None:
        """The layer that is followed."""
        return None if self._layer is None else self._layer()

    def attach(self, layer: Labels | None) -> None:
        """Follow another layer: the list becomes its own."""
        before = self.layer
        if before is not None:
            before.events.colormap.disconnect(self._on_colormap)
            before.events.selected_label.disconnect(self._on_selected)
        self._layer = None if layer is None else weakref.ref(layer)
        if layer is not None:
            self._load(layer)
            layer.events.colormap.connect(self._on_colormap)
            layer.events.selected_label.connect(self._on_selected)

    def adorn(self, layer: Labels) -> None:
        """Note the classes in a layer, and color it by them."""
        self._quiet = True
        _adorn(layer, self.classes.entries, self._others)
        self._quiet = False

    def restore(self, of: weakref.ref[Labels] | None, state: State) -> None:
        """Earlier or later names and colors of a layer, on behalf of the history."""
        layer = None if of is None else of()
        entries = [LabelClass(*entry) for entry in state]
        if layer is self.layer:
            self._set(entries)
        if layer is not None:
            self._quiet = True
            _adorn(layer, entries, self._others)
            self._quiet = False

    def _load(self, layer: Labels) -> None:
        noted = notes_of(layer).get("classes", {})
        names = {int(label): str(name) for label, name in noted.items()}
        known_labels = sorted({*names, *_colored(layer), *_present(layer)})
        labels = known_labels[:_MOST] or [1]
        self._others = "transparent" if len(known_labels) <= _MOST else _UNLISTED
        known = {entry.label: entry for entry in self.classes.entries}
        entries = []
        for label in labels:
            fallback = known[label].name if label in known else f"class {label}"
            color = _hex(layer.get_color(label)) or _usual_color(known, label)
            entries.append(LabelClass(label, names.get(label, fallback), color))
        self._set(entries)

    def _set(self, entries: list[LabelClass]) -> None:
        self._quiet = True
        self.classes.entries = entries
        if self.classes.current not in self.classes.labels:
            self.classes.choose(self.classes.labels[0])
        self.classes.changed.emit()
        self._quiet = False
        self._state = self._as_state()

    def _as_state(self) -> State:
        return tuple((entry.label, entry.name, entry.color) for entry in self.classes.entries)

    def _on_changed(self) -> None:
        before, self._state = self._state, self._as_state()
        if self._quiet or before == self._state:
            return
        if (layer := self.layer) is not None:
            self.adorn(layer)
        restore = partial(_restore, weakref.ref(self), self._layer)
        self._history.push(Change("classes", restore, before, self._state))

    def _on_colormap(self, event: Any = None) -> None:
        # Somebody else gave the layer other colors.
        if not self._quiet and (layer := self.layer) is not None:
            self._load(layer)

    def _on_selected(self, event: Any = None) -> None:
        """Follow a label that is chosen in napari, as its picker does, if it is a class."""
        layer = self.layer
        if layer is not None and not self._quiet and layer.selected_label in self.classes.labels:
            self.classes.choose(int(layer.selected_label))


def _restore(
    reference: weakref.ref[LayerClasses], of: weakref.ref[Labels] | None, state: State
) -> None:
    if (classes := reference()) is not None:
        classes.restore(of, state)


def _adorn(layer: Labels, entries: list[LabelClass], others: str) -> None:
    note(layer, classes={entry.label: entry.name for entry in entries})
    colors: dict[int | None, str] = {None: others, 0: "transparent"}
    colors |= {entry.label: entry.color for entry in entries}
    layer.colormap = DirectLabelColormap(color_dict=colors)


def _colored(layer: Labels) -> list[int]:
    """Labels that a layer's colormap names."""
    if not isinstance(layer.colormap, DirectLabelColormap):
        return []
    return [int(label) for label in layer.colormap.color_dict if label is not None and label > 0]


def _present(layer: Labels) -> list[int]:
    """Labels that are painted, of a very large or lazy layer on the plane on screen."""
    small = isinstance(layer.data, np.ndarray) and layer.data.size <= _PIXELS
    values = layer.data if small else np.asarray(layer._slice.image.raw)
    return list(counted(np.asarray(values).ravel()))


def _hex(color: Any) -> str:
    """A color of napari's as a text; "" of none, or of one that cannot be seen."""
    if color is None:
        return ""
    parts = np.asarray(color, dtype=float)
    if parts[3] == 0:
        return ""
    red, green, blue = (round(255 * part) for part in parts[:3].tolist())
    return f"#{red:02x}{green:02x}{blue:02x}"


def _usual_color(known: dict[int, LabelClass], label: int) -> str:
    return known[label].color if label in known else PALETTE[(label - 1) % len(PALETTE)]
