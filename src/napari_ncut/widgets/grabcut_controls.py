"""What GrabCut's panel consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels, Shapes
from qtpy.QtCore import QSize
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from .choices import LayerChoice
from .grabcut_layers import MARK_KINDS, are_boxes, are_marks
from .panels import labeled_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel

_MOST_ROUNDS = 20


class GrabCutControls(QWidget):
    """Rectangles, marks and buttons, not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._make(viewer)
        self._lay_out()

    def _make(self, viewer: ViewerModel) -> None:
        self.boxes = LayerChoice(
            viewer,
            Shapes,
            "Rectangles around things: what lies outside is background. Each is cut by itself.",
            none="none",
            fits=are_boxes,
        )
        self.new_boxes = QPushButton("Draw")
        self.new_boxes.setToolTip("Draw rectangles: on the layer chosen, or on a new one")
        self.marks = LayerChoice(
            viewer,
            Labels,
            "Marks, painted where the cut is wrong, or in place of rectangles.",
            none="none",
            fits=are_marks,
        )
        self.mark_buttons = {int(mark): QPushButton(text) for mark, text, _ in MARK_KINDS}
        for number, (mark, text, color) in enumerate(MARK_KINDS, start=1):
            certain = "it stays so" if number <= 2 else "further cuts may change it"
            button = self.mark_buttons[int(mark)]
            button.setIcon(_square(color))
            button.setIconSize(QSize(12, 12))
            button.setToolTip(
                f"Paint {text.lower()}; {certain}. Makes a layer for marks if there is none.\n"
                f"Key on the marks: Shift + {number}"
            )
        self.rounds = QSpinBox()
        self.rounds.setRange(1, _MOST_ROUNDS)
        self.rounds.setToolTip("How often a press learns and cuts; one is quick, more go further.")
        self.background = QCheckBox("Background as segments, too")
        self.background.setChecked(True)
        self.background.setToolTip(
            "Number the pieces of the background after those of the foreground, so that they can\n"
            "be painted, too."
        )
        self.run_button = QPushButton("Cut  [I]")
        self.again_button = QPushButton("Start over")
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; nothing is changed then")
        self.cancel_button.setVisible(False)
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.message = QLabel()
        self.message.setWordWrap(True)

    def _lay_out(self) -> None:
        marks = QGridLayout()
        for i, button in enumerate(self.mark_buttons.values()):
            marks.addWidget(button, i // 2, i % 2)
        first = QHBoxLayout()
        first.addWidget(self.boxes)
        first.addWidget(self.new_boxes)
        row = QWidget()
        row.setLayout(first)
        row.setToolTip(self.boxes.toolTip())
        first.setContentsMargins(0, 0, 0, 0)
        buttons = QHBoxLayout()
        for button in (self.run_button, self.again_button, self.cancel_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Rectangles", row), ("Marks", self.marks)]))
        layout.addLayout(marks)
        layout.addLayout(labeled_grid([("Rounds", self.rounds)]))
        layout.addWidget(self.background)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        layout.addWidget(self.progress)


def _square(color: str) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)
