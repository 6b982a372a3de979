"""What is measured: which labels, what counts as one thing, in which images and units."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from ..errors import InputError
from ..measuring import GROUPS
from .choices import LayerChecklist, LayerChoice, RunChoice
from .measure_steps import MeasureRequest
from .panels import folded, labeled_grid
from .roles import PAINTED, notes_of, role_of
from .underlying import LabelsFrame

if TYPE_CHECKING:
    from napari.components import ViewerModel

# Layers with these roles hold classes, whose connected pieces are the things.
_HOLD_CLASSES = (PAINTED, "classes", "groups", "parts", "concepts")
_LONGEST = 1e9


class _Length(QDoubleSpinBox):
    """A spin box that shows no more digits than a length has."""

    def textFromValue(self, value: float) -> str:
        return f"{value:.6g}"


class UnitControls(QWidget):
    """Size of a pixel: that of the layer, or one's own.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = RunChoice(
            "What lengths and areas are measured in: the layer's scale and units, or a pixel size\n"
            "of your own."
        )
        self.kind.set_choices([("of the layer", "layer"), ("my own", "own")], "layer")
        self.sides = [_Length() for _ in "ZYX"]
        for box, name in zip(self.sides, ("Depth", "Height", "Width"), strict=True):
            box.setDecimals(6)
            box.setRange(1e-6, _LONGEST)
            box.setValue(1)
            box.setKeyboardTracking(False)
            box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
            box.setToolTip(f"{name} of a pixel, in the unit")
            box.valueChanged.connect(lambda _: self.changed.emit())
        self.unit = QLineEdit("px")
        self.unit.setToolTip("What the pixel size is given in, such as µm; areas are in its square")
        self.unit.editingFinished.connect(self.changed.emit)
        sides = QHBoxLayout()
        sides.setContentsMargins(0, 0, 0, 0)
        for box in self.sides:
            box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
            sides.addWidget(box, 2)
        sides.addWidget(self.unit, 1)
        holder = QWidget()
        holder.setLayout(sides)
        holder.setToolTip("Depth, height and width of a pixel, and their unit")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Pixel size", self.kind), ("", holder)]))
        self.kind.chosen.connect(lambda _: self._on_kind())
        self._on_kind()

    def show_layer(self, frame: LabelsFrame | None) -> None:
        """Show the pixel size of a layer, unless the user gave one."""
        self.sides[0].setVisible(frame is not None and "Z" in frame.axes)
        if frame is None or self.kind.value == "own":
            return
        sides, unit = frame.pixel_size()
        for box, side in zip(self.sides, sides, strict=True):
            box.blockSignals(True)
            box.setValue(side)
            box.blockSignals(False)
        self.unit.setText(unit)

    def values(self, frame: LabelsFrame) -> tuple[tuple[float, ...], str]:
        """Size of a pixel (depth, height, width) and unit."""
        if self.kind.value == "layer":
            return frame.pixel_size()
        return tuple(box.value() for box in self.sides), self.unit.text().strip() or "px"

    def _on_kind(self) -> None:
        own = self.kind.value == "own"
        for box in self.sides:
            box.setEnabled(own)
        self.unit.setEnabled(own)
        self.changed.emit()


class MeasureInput(QWidget):
    """The controls that say what is measured.

    Parameters
    ----------
    viewer
        Whose layers are offered.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.labels = LayerChoice(viewer, Labels, "The labels whose segments are measured.")
        self.things = RunChoice(
            "What one segment is. Of painted classes the connected pieces are, also by corners;\n"
            "their labels are their classes."
        )
        self.things.set_choices(
            [("each label", "labels"), ("each connected piece", "pieces")], "labels"
        )
        self.stacks = RunChoice(
            "Whether every plane is measured by itself, or segments go on through the planes of a\n"
            "volume and are measured as bodies."
        )
        self.stacks.set_choices([("plane by plane", False), ("as volumes", True)], False)
        self.classes = LayerChoice(
            viewer,
            Labels,
            "Where the classes of segments come from: the layer's own table, or a layer of\n"
            "classes on which they lie; a segment has the class of most of its pixels.",
            none="of the layer itself",
            fits=lambda layer: layer is not self.labels.value,
        )
        self.images = LayerChecklist(
            viewer,
            Image,
            "Images in which intensities are measured, each channel by itself. They must lie\n"
            "under the labels pixel by pixel.",
            pick_new=False,
        )
        self.groups = {name: QCheckBox(entry.title) for name, entry in GROUPS.items()}
        for name, box in self.groups.items():
            box.setChecked(GROUPS[name].default)
            box.setToolTip(_group_tip(name))
            box.toggled.connect(lambda _: self.changed.emit())
        self.units = UnitControls()
        self._shown: Any = lambda: None
        # Whether the user said what one segment is, of the layer that is chosen.
        self._said = False
        self._lay_out()
        self.labels.chosen.connect(lambda _: self._on_labels())
        self.things.chosen.connect(self._on_things)
        for choice in (self.stacks, self.classes, self.images):
            choice.chosen.connect(lambda _: self._on_changed())
        self.units.changed.connect(self._on_changed)
        self._on_labels()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._grid = labeled_grid(
            [
                ("Labels", self.labels),
                ("One segment is", self.things),
                ("Stacks", self.stacks),
                ("Classes", self.classes),
            ]
        )
        layout.addLayout(self._grid)
        images = QLabel("Intensities in")
        images.setToolTip(self.images.toolTip())
        layout.addWidget(images)
        layout.addWidget(self.images)
        boxes = QGridLayout()
        for i, box in enumerate(self.groups.values()):
            boxes.addWidget(box, i // 3, i % 3)
        layout.addLayout(boxes)
        layout.addWidget(folded("Units", self.units))

    def release(self) -> None:
        """Follow the viewer's layers no longer."""
        for choice in (self.labels, self.classes, self.images):
            choice.release()

    def frame(self) -> LabelsFrame:
        """The chosen labels; an `InputError` if there are none that can be measured."""
        layer = self.labels.value
        if layer is None:
            raise InputError("Add a Labels layer first: segment or paint something.")
        return LabelsFrame.of(layer)

    def request(self) -> MeasureRequest:
        """What would be measured now; an `InputError` with the reason if nothing can be."""
        frame = self.frame()
        # Roles may be noted after a layer was added, of which nothing tells.
        self._follow_role(frame.layer)
        groups = [name for name, box in self.groups.items() if box.isChecked()]
        channels = self._channels(frame) if "intensity" in groups else {}
        if not channels:
            groups = [name for name in groups if name != "intensity"]
        spacing, unit = self.units.values(frame)
        classes, names = self._classes(frame)
        options = {
            "things": self.things.value,
            "volumes": self.stacks.value and "Z" in frame.axes,
            "spacing": spacing,
            "unit": unit,
            "classes": classes,
            "class_names": names,
            "properties": groups,
        }
        return MeasureRequest.of(frame, options, channels)

    def why_not(self) -> str:
        """Why nothing can be measured; "" if it can. Quick, and reads nothing."""
        try:
            frame = self.frame()
            if self.groups["intensity"].isChecked():
                self._channels(frame)
            if self.things.value == "labels" and self.classes.value is not None:
                frame.labels_of(self.classes.value)
        except InputError as error:
            return str(error)
        return ""

    def source_layers(self) -> dict[str, Any]:
        """The layers that are chosen besides the labels: "images", and "classes" or None."""
        pieces = self.things.value == "pieces"
        wanted = self.groups["intensity"].isChecked()
        return {
            "images": self.images.value if wanted else [],
            "classes": None if pieces else self.classes.value,
        }

    def _channels(self, frame: LabelsFrame) -> dict[str, Any]:
        images = self.images.value
        found: dict[str, Any] = {}
        for image in images:
            for name, data in frame.channels_of(image).items():
                own = str(image.name) if len(images) > 1 else ""
                full = " ".join(part for part in (own, name) if part)
                number = 2
                while full in found:
                    full, number = f"{full} {number}", number + 1
                found[full] = data
        return found

    def _classes(self, frame: LabelsFrame) -> tuple[Any, dict[int, str]]:
        """Classes as `measure_segments` takes them, and their names."""
        if self.things.value == "pieces":
            return None, _names_of(frame.layer)
        other = self.classes.value
        if other is not None:
            return frame.labels_of(other), _names_of(other)
        table = frame.layer.features
        if not {"index", "class"} <= set(table.columns) or not len(table):
            return None, {}
        classes = dict(zip(table["index"].tolist(), table["class"].tolist(), strict=True))
        names = _names_of(frame.layer)
        if "class_name" in table:
            texts = zip(table["class"].tolist(), table["class_name"].tolist(), strict=True)
            names = {**dict(texts), **names}
        try:
            return {int(label): int(number) for label, number in classes.items()}, names
        except (TypeError, ValueError):
            # Somebody else's column of that name, whose classes are no numbers.
            return None, {}

    def _on_labels(self) -> None:
        layer = self.labels.value
        if layer is not None and layer is not self._shown():
            self._shown = weakref.ref(layer)
            self._said = False
            self._follow_role(layer)
        self.classes.refresh()
        self._on_changed()

    def _on_things(self, _: Any) -> None:
        self._said = True
        self._on_changed()

    def _follow_role(self, layer: Labels) -> None:
        """Unless the user said otherwise, pieces of classes are things."""
        if not self._said:
            self.things.blockSignals(True)
            self.things.value = "pieces" if role_of(layer) in _HOLD_CLASSES else "labels"
            self.things.blockSignals(False)

    def _on_changed(self) -> None:
        try:
            frame = self.frame()
        except InputError:
            frame = None
        self.units.show_layer(frame)
        self._show_row(2, frame is not None and "Z" in frame.axes)
        self._show_row(3, self.things.value == "labels")
        self.changed.emit()

    def _show_row(self, row: int, shown: bool) -> None:
        for column in range(2):
            self._grid.itemAtPosition(row, column).widget().setVisible(shown)


def _names_of(layer: Labels) -> dict[int, str]:
    names = notes_of(layer).get("classes", {})
    return {int(label): str(name) for label, name in dict(names).items()}


def _group_tip(name: str) -> str:
    entry = GROUPS[name]
    titles = ", ".join(dict.fromkeys(one.title for one in entry.properties()))
    return f"{entry.text[0].upper()}{entry.text[1:]}.\nColumns: {titles}"
