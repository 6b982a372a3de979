"""What the dock widget "Segment by points" consists of, and how it is laid out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Points
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from .choices import LayerChoice, RunChoice
from .classes import ClassList, ClassTable
from .controls import OutputControls, PromptControls
from .panels import DockedWidget, labeled_grid, narrow_scroll, titled

if TYPE_CHECKING:
    from napari.components import ViewerModel


class PointsPanel(DockedWidget):
    """The controls of "Segment by points", not yet connected to anything.

    Parameters
    ----------
    viewer, classes
        Whose layers and which classes are offered.
    fits
        Whether a Labels layer can be the output.
    """

    def __init__(
        self, viewer: ViewerModel, classes: ClassList, fits: Callable[[Any], bool]
    ) -> None:
        super().__init__()
        self.run_choice = RunChoice("The prepared image or images that clicks are read on.")
        self.points_choice = LayerChoice(
            viewer,
            Points,
            "Points layer with the columns `positive` and `class`; colors follow them.",
        )
        self.negative_choice = LayerChoice(
            viewer, Points, "A second Points layer whose points are all negative.",
            none="none (signs are in the column)",
        )  # fmt: skip
        self.image_choice = RunChoice(
            "The image that the next click is on, where several lie on one another."
        )
        self.sign_button = QPushButton()
        self.sign_button.setToolTip("Whether the next click says “like this” or “not this”. Key: T")
        self.class_table = ClassTable(classes)
        self.controls = PromptControls()
        self.output_controls = OutputControls()
        self.output_choice = LayerChoice(
            viewer, Labels, "Where accepted masks go.", none="new Labels layer",
            fits=fits,
        )  # fmt: skip
        self.accept_button = QPushButton("Accept  [Enter]")
        self.reject_button = QPushButton("Reject  [Esc]")
        self.undo_button = QPushButton("Undo  [Ctrl+Z]")
        self.redo_button = QPushButton("Redo  [Ctrl+Shift+Z]")
        self.script_button = QPushButton("Copy as Python")
        self.script_button.setToolTip("Copy a script that repeats what you see, to the clipboard")
        self.status = QLabel()
        self.status.setWordWrap(True)

        clicks = labeled_grid(
            [
                ("Prepared", self.run_choice),
                ("Prompts", self.points_choice),
                ("Negative points", self.negative_choice),
                ("Click on", self.image_choice),
                ("Next click", self.sign_button),
            ]
        )
        self._image_label = clicks.itemAtPosition(3, 0).widget()
        buttons = QGridLayout()
        buttons.addWidget(self.accept_button, 0, 0)
        buttons.addWidget(self.reject_button, 0, 1)
        buttons.addWidget(self.undo_button, 1, 0)
        buttons.addWidget(self.redo_button, 1, 1)
        output = QVBoxLayout()
        output.addLayout(labeled_grid([("Into", self.output_choice)]))
        output.addWidget(self.output_controls.native)
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addWidget(titled("Clicks", clicks))
        layout.addWidget(titled("Classes", self.class_table))
        layout.addWidget(titled("Mask", self.controls.native))
        layout.addWidget(titled("Result", output))
        layout.addStretch()
        scroll = narrow_scroll(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 6, 4)
        outer.addWidget(scroll)
        outer.addLayout(buttons)
        outer.addWidget(self.script_button)
        outer.addWidget(self.status)
        for part in (
            self.points_choice,
            self.negative_choice,
            self.output_choice,
            self.class_table,
        ):
            self.on_release(part.release)
