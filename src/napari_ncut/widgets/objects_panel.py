"""What the dock widget "Find objects" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..backbones import BACKBONES
from ..declared import Parameter
from ..objects.methods import DEFAULT_METHOD, METHODS
from .choices import RunChoice
from .declared import DeclaredControls
from .downloading import is_installed
from .image_input import ImageInput
from .panels import WorkingWidget, folded, labeled_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel

_DEFAULT_CONFIDENCE = 0.5
_MOST_PIXELS = 10**9


class MethodControls(QWidget):
    """How things are found, and which of them are kept.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.method = RunChoice(
            "How things are found. “All evidence” is ours; the others are rules of papers, to\n"
            "compare with."
        )
        self.method.set_choices([(e.title, name) for name, e in METHODS.items()], DEFAULT_METHOD)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setEnabled(False)
        self.confidence = QDoubleSpinBox()
        self.confidence.setRange(0, 1)
        self.confidence.setSingleStep(0.05)
        self.confidence.setValue(_DEFAULT_CONFIDENCE)
        self.confidence.setToolTip(
            "What is less sure is left out, so that there may be nothing.\n"
            "Lower shows more; 0 always gives an answer."
        )
        self.most = QSpinBox()
        self.most.setRange(0, 100_000)
        self.most.setSpecialValueText("all")
        self.most.setToolTip("At most so many things in a plane, the surest ones.")
        self.area = QSpinBox()
        self.area.setRange(0, _MOST_PIXELS)
        self.area.setSuffix(" px")
        self.area.setToolTip("Smaller things are left out.")
        self.split = QCheckBox("Part things that touch")
        self.split.setToolTip("Where a boundary or a waist is between them.")
        self.refine = QCheckBox("Follow the image's edges")
        self.refine.setChecked(True)
        self.refine.setToolTip(
            "Let things end where the image does. Without it they keep the edges of the cells\n"
            "that they were found on."
        )
        self.boxes = QCheckBox("Boxes")
        self.boxes.setChecked(True)
        self.boxes.setToolTip("Add a Shapes layer with a box around every thing.")
        self.backbone = RunChoice("What computes the features by which things are told apart.")
        usable = [
            (entry.title, name)
            for name, entry in BACKBONES.items()
            if not entry.unavailable_because and is_installed(entry)
        ]
        self.backbone.set_choices(usable, "compact")
        every: dict[str, Parameter] = {}
        for entry in METHODS.values():
            every |= entry.parameters
        self.parameters = DeclaredControls(every)
        self._lay_out()
        self._on_method()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Method", self.method)]))
        layout.addWidget(self.text)
        layout.addLayout(labeled_grid([("Confidence", self.confidence), ("At most", self.most)]))
        checks = QGridLayout()
        checks.addWidget(self.split, 0, 0, 1, 2)
        checks.addWidget(self.refine, 1, 0)
        checks.addWidget(self.boxes, 1, 1)
        layout.addLayout(checks)
        more = QVBoxLayout()
        more.addLayout(labeled_grid([("Features", self.backbone), ("Smallest", self.area)]))
        more.addWidget(self.parameters)
        layout.addWidget(folded("More", more))
        self.method.chosen.connect(self._on_method)
        self.backbone.chosen.connect(lambda _: self.changed.emit())
        self.parameters.changed.connect(self.changed)
        for box in (self.confidence, self.most, self.area):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda _: self.changed.emit())
        for check in (self.split, self.refine, self.boxes):
            check.toggled.connect(lambda _: self.changed.emit())

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `localize`."""
        method = str(self.method.value)
        values = self.parameters.values()
        return {
            "method": method,
            "backbone": self.backbone.value,
            "n_objects": self.most.value() or None,
            "min_confidence": round(self.confidence.value(), 4),
            "min_area": self.area.value(),
            "split": self.split.isChecked(),
            "refine": self.refine.isChecked(),
            **{name: values[name] for name in METHODS[method].parameters},
        }

    def _on_method(self, _: Any = None) -> None:
        entry = METHODS[str(self.method.value)]
        text = entry.text[0].upper() + entry.text[1:] + "."
        self.text.setText(text)
        self.method.setToolTip(f"{text}\n{entry.source}")
        self.parameters.show_only(entry.parameters)
        self.changed.emit()


class ObjectsPanel(WorkingWidget):
    """The controls of "Find objects", not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.input = ImageInput(viewer, "The image in which things are to be found.")
        self.method = MethodControls()
        self.run_button = QPushButton("Find objects")
        self.n_parts = QSpinBox()
        self.n_parts.setRange(2, 50)
        self.n_parts.setValue(4)
        self.n_parts.setToolTip("How many parts things are cut in.")
        self.position = QDoubleSpinBox()
        self.position.setRange(0, 4)
        self.position.setSingleStep(0.1)
        self.position.setValue(0.5)
        self.position.setToolTip(
            "How much the place in its thing counts beside what a part looks like.\n"
            "0: parts may lie anywhere; more: parts lie together."
        )
        self.together = QCheckBox("In all images with objects")
        self.together.setToolTip(
            "Cut the things of all images in which objects were found here, jointly: part 3 is\n"
            "the same part in every image. Without it only those of the image above."
        )
        self.parts_button = QPushButton("Cut in parts")
        self._lay_out()

    def _lay_out(self) -> None:
        objects = QVBoxLayout()
        objects.addWidget(self.method)
        objects.addWidget(self.run_button)
        parts = QVBoxLayout()
        parts.addLayout(labeled_grid([("Parts", self.n_parts), ("Place", self.position)]))
        parts.addWidget(self.together)
        parts.addWidget(self.parts_button)
        bottom = QHBoxLayout()
        bottom.addWidget(self.undo_button)
        bottom.addWidget(self.redo_button)
        last = QHBoxLayout()
        last.addWidget(self.script_button)
        last.addWidget(self.cancel_button)
        self.lay_out(
            {"1  Image": self.input, "2  Objects": objects, "3  Parts": parts},
            (self.message, self.progress, bottom, last),
        )
