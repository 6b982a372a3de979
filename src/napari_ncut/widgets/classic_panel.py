"""What the dock widget "Segment" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from .classic_controls import ClassicControls
from .image_input import ImageInput
from .panels import WorkingWidget, titled

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ClassicPanel(WorkingWidget):
    """The controls of "Segment", not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.input = ImageInput(viewer, "The image that is to be segmented.")
        self.classic = ClassicControls()
        self.preview_button = QPushButton("Preview all methods…")
        self.run_button = QPushButton("Segment")
        self.outlines = QCheckBox("Outlines only")
        self.outlines.setToolTip("Show where segments end, rather than fill them with colors.")
        self._lay_out()

    def add_section(self, title: str, content: QWidget) -> None:
        """Show a further panel below the methods, such as GrabCut's."""
        layout = self._scroll.widget().layout()
        # Before what stretches.
        layout.insertWidget(layout.count() - 1, titled(title, content))

    def _lay_out(self) -> None:
        method = QVBoxLayout()
        method.addWidget(self.preview_button)
        method.addWidget(self.classic)
        method.addWidget(self.run_button)
        row = QGridLayout()
        row.addWidget(self.outlines, 0, 0)
        row.addWidget(self.script_button, 0, 1)
        method.addLayout(row)
        bottom = QHBoxLayout()
        bottom.addWidget(self.undo_button)
        bottom.addWidget(self.redo_button)
        bottom.addWidget(self.cancel_button)
        self._scroll = self.lay_out(
            {"1  Image": self.input, "2  Segments": method},
            (self.message, self.progress, bottom),
        )
