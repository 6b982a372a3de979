"""Combo boxes that follow the viewer's layers, and hold objects rather than names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QSizePolicy

from .layers import unwrap

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


class RunChoice(QComboBox):
    """A choice among objects, each with a text.

    Signals
    -------
    chosen(object)
        The object chosen by the user, or None.
    """

    chosen = Signal(object)

    def __init__(self, tooltip: str) -> None:
        super().__init__()
        self.setToolTip(tooltip)
        # Long layer names must not widen the dock; the list itself shows them whole.
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._objects: list[Any] = []
        self.currentIndexChanged.connect(lambda _: self.chosen.emit(self.value))

    @property
    def value(self) -> Any:
        """The chosen object, None if there is none."""
        index = self.currentIndex()
        return self._objects[index] if 0 <= index < len(self._objects) else None

    @value.setter
    def value(self, wanted: Any) -> None:
        if wanted in self._objects:
            self.setCurrentIndex(self._objects.index(wanted))

    @property
    def value_if_many(self) -> Any:
        """The chosen object where there is a choice at all, else None."""
        return self.value if len(self._objects) > 1 else None

    def set_choices(self, choices: Sequence[tuple[str, Any]], value: Any) -> None:
        """Offer other objects, without telling anybody."""
        self.blockSignals(True)
        self.clear()
        self._objects = [thing for _, thing in choices]
        self.addItems([text for text, _ in choices])
        if value in self._objects:
            self.setCurrentIndex(self._objects.index(value))
        self.blockSignals(False)


class GroupedChoice(RunChoice):
    """A choice among objects under headings, which cannot be chosen."""

    def set_groups(self, groups: Sequence[tuple[str, Sequence[tuple[str, Any]]]]) -> None:
        """Offer objects, each with a text, under headings; the first is chosen."""
        rows: list[tuple[str, Any]] = []
        headings = []
        for heading, choices in groups:
            headings.append(len(rows))
            rows += [(heading, None), *((f"   {text}", value) for text, value in choices)]
        first = next(value for _, value in rows if value is not None)
        self.set_choices(rows, first)
        for row in headings:
            item = self.model().item(row)
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            font = item.font()
            font.setBold(True)
            item.setFont(font)


class LayerChoice(RunChoice):
    """A choice among the viewer's layers of a type; survives renaming, deletion and reordering.

    Parameters
    ----------
    viewer
        Whose layers.
    layer_type
        Which layers.
    tooltip
        What the choice means.
    none
        Text of a first entry that stands for no layer; without it the newest layer is chosen.
    fits
        Further condition on layers.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        layer_type: type[Layer],
        tooltip: str,
        *,
        none: str | None = None,
        fits: Callable[[Any], bool] | None = None,
    ) -> None:
        super().__init__(tooltip)
        self._viewer = viewer
        self._type = layer_type
        self._none = none
        self._fits = fits
        self._known: set[int] = set()
        self.release = _follow_layers(viewer, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Offer the layers that there are now; tells if the chosen one is another then."""
        before = self.value
        layers = own_layers(self._viewer, self._type)
        layers = [layer for layer in layers if self._fits is None or self._fits(layer)]
        # Where nothing stands for no layer, a layer just added is the one meant.
        new = [layer for layer in layers if id(layer) not in self._known]
        self._known = {id(layer) for layer in layers}
        choices = [(layer.name, layer) for layer in layers]
        wanted = before if before in layers else None
        if self._none is not None:
            choices.insert(0, (self._none, None))
        elif new:
            wanted = new[-1]
        elif wanted is None and layers:
            wanted = layers[-1]
        self.set_choices(choices, wanted)
        if self.value is not before:
            self.chosen.emit(self.value)


class LayerChecklist(QListWidget):
    """A list of the viewer's layers of a type, with a check box each.

    Parameters
    ----------
    viewer
        Whose layers.
    layer_type
        Which layers.
    tooltip
        What checking means.
    pick_new
        Whether a layer just added is checked in place of others, and any while none is.

    Signals
    -------
    chosen(object)
        The list of checked layers.
    """

    chosen = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        layer_type: type[Layer],
        tooltip: str,
        *,
        pick_new: bool = True,
    ) -> None:
        super().__init__()
        self._pick_new = pick_new
        self.setToolTip(tooltip)
        self._viewer = viewer
        self._type = layer_type
        self._layers: list[Any] = []
        self.itemChanged.connect(lambda _: self.chosen.emit(self.value))
        self.release = _follow_layers(viewer, self.refresh)
        self.refresh()

    @property
    def value(self) -> list[Any]:
        """The checked layers, in the order of the list."""
        checked = Qt.CheckState.Checked
        return [
            layer for i, layer in enumerate(self._layers) if self.item(i).checkState() == checked
        ]

    @value.setter
    def value(self, wanted: Sequence[Any]) -> None:
        self._fill({id(unwrap(layer)) for layer in wanted})
        self.chosen.emit(self.value)

    def refresh(self) -> None:
        """Show the layers that there are now; a new one is checked in place of the old."""
        known = {id(layer) for layer in self._layers}
        before = {id(layer) for layer in self.value}
        checked = set(before)
        self._layers = own_layers(self._viewer, self._type)
        new = [layer for layer in self._layers if id(layer) not in known]
        checked &= {id(layer) for layer in self._layers}
        if new and self._pick_new:
            active = unwrap(self._viewer.layers.selection.active)
            checked = {id(active if active in new else new[-1])}
        elif not checked and self._layers and self._pick_new:
            checked = {id(self._layers[-1])}
        self._fill(checked)
        if {id(layer) for layer in self.value} != before:
            self.chosen.emit(self.value)

    def _fill(self, checked: set[int]) -> None:
        self.blockSignals(True)
        self.clear()
        for layer in self._layers:
            item = QListWidgetItem(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(
                Qt.CheckState.Checked if id(layer) in checked else Qt.CheckState.Unchecked
            )
            self.addItem(item)
        # As high as what it lists, up to five layers; beyond it scrolls.
        rows = min(max(len(self._layers), 2), 5)
        self.setMaximumHeight(rows * self.fontMetrics().height() + 12)
        self.blockSignals(False)


# Layers that we made to be looked at are no input.
_NOT_INPUT = ("preview", "heat", "hover", "hint", "colors", "eigenvectors")


def own_layers(viewer: ViewerModel, layer_type: type[Layer]) -> list[Any]:
    """The viewer's layers of a type that can be chosen as input or output."""
    layers = [unwrap(layer) for layer in viewer.layers if isinstance(layer, layer_type)]
    return [
        layer
        for layer in layers
        if layer.metadata.get("napari_ncut", {}).get("role") not in _NOT_INPUT
    ]


def _follow_layers(viewer: ViewerModel, refresh: Callable[[], None]) -> Callable[[], None]:
    """Call `refresh` when layers come, go, move or are renamed; returns what ends that."""
    events = viewer.layers.events
    names = ("inserted", "removed", "reordered", "renamed")
    followed = [getattr(events, name) for name in names if hasattr(events, name)]

    def on_layers(event: Any = None) -> None:
        refresh()

    def release() -> None:
        for event in followed:
            event.disconnect(on_layers)

    for event in followed:
        event.connect(on_layers)
    return release
