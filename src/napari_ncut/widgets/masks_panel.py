"""What the dock widget "Masks and classes" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
)

from .class_controls import ClassControls
from .mask_controls import MaskControls
from .panels import WorkingWidget
from .segment_classes import SegmentClasses, SegmentTable

if TYPE_CHECKING:
    from napari.components import ViewerModel

_MOST_PARTS = 20
MOVE_TIP = (
    "While pressed, a click on a segment moves it to the selected class; without it, Ctrl + click\n"
    "does. The layer of instances or of classes must be selected, in pan/zoom mode."
)
SAVE_TIP = (
    "Write masks, classes, their names and colors to a file, from which masks of other images can\n"
    "get the same classes: here, from Python, or by napari-ncut semantic --load-classes."
)
APPLY_TIP = (
    "Give the masks the classes of a file that was saved here or by napari-ncut semantic: of each\n"
    "the nearest one. What is like none of them becomes noise."
)


class MasksPanel(WorkingWidget):
    """The controls of "Masks and classes", not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.masks = MaskControls(viewer)
        self.classes = ClassControls()
        self.class_list = SegmentClasses()
        self.table = SegmentTable(self.class_list)
        self.run_button = QPushButton("Find masks")
        self.cluster_button = QPushButton("Find classes")
        self.apply_button = QPushButton("Apply saved…")
        self.save_button = QPushButton("Save classes…")
        self.move_button = QPushButton("Move by clicking")
        self.move_button.setCheckable(True)
        self.merge_button = QPushButton("Merge")
        self.split_button = QPushButton("Split in")
        self.parts = QSpinBox()
        self.parts.setRange(2, _MOST_PARTS)
        self.parts.setToolTip("In how many classes the selected one is parted")
        self.export_button = QPushButton("Export…")
        self._lay_out()

    def _lay_out(self) -> None:
        masks = QVBoxLayout()
        masks.addWidget(self.masks)
        masks.addWidget(self.run_button)
        classes = QVBoxLayout()
        classes.addWidget(self.classes)
        classes.addWidget(self.cluster_button)
        stored = QHBoxLayout()
        stored.addWidget(self.apply_button)
        stored.addWidget(self.save_button)
        classes.addLayout(stored)
        split = QHBoxLayout()
        split.setContentsMargins(0, 0, 0, 0)
        split.addWidget(self.split_button, 2)
        split.addWidget(self.parts, 1)
        buttons = QGridLayout()
        buttons.addWidget(self.move_button, 0, 0, 1, 2)
        buttons.addWidget(self.merge_button, 1, 0)
        buttons.addLayout(split, 1, 1)
        buttons.addWidget(self.undo_button, 2, 0)
        buttons.addWidget(self.redo_button, 2, 1)
        edit = QVBoxLayout()
        edit.addWidget(self.table)
        edit.addLayout(buttons)
        bottom = QHBoxLayout()
        bottom.addWidget(self.export_button, 2)
        bottom.addWidget(self.cancel_button, 1)
        self.lay_out(
            {"1  Masks": masks, "2  Classes": classes, "Edit": edit},
            (self.message, self.progress, bottom),
        )
