"""What the dock widget "Segment by points" consists of, and how it is laid out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Points, Shapes
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .choices import LayerChoice, RunChoice
from .classes import ClassList, ClassTable
from .controls import OutputControls, PromptControls
from .panels import DockedWidget, labeled_grid, script_button
from .sam_controls import SamControls
from .strokes_layer import NEGATIVE

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
        self.image_button = _plus_button(
            "Click on an image without computing features: SAM alone can be asked then.\n"
            "Takes the selected image, or the one on top"
        )
        self.points_choice = LayerChoice(
            viewer,
            Points,
            "Points layer with the columns `positive` and `class`; colors follow them.",
        )
        self.negative_choice = LayerChoice(
            viewer, Points, "A second Points layer whose points are all negative.",
            none="none (signs are in the column)",
        )  # fmt: skip
        self.shapes_choice = LayerChoice(
            viewer, Shapes,
            "Boxes, polygons and ellipses around things, lines and paths over them; with the "
            "columns\n`positive` and `class`. With “all like it” they show examples; with “this "
            "object” the\nthing is what is inside.",
            none="none",
        )  # fmt: skip
        self.scribbles_choice = LayerChoice(
            viewer, Labels,
            f"Painted with the numbers of classes; {NEGATIVE} is “not this”. All that is painted "
            "ends up\non its side.",
            none="none", fits=_can_be_scribbles,
        )  # fmt: skip
        self.new_shapes_button = _plus_button("Add a Shapes layer on the image, and draw a box")
        self.new_scribbles_button = _plus_button("Add a Labels layer on the image, and paint")
        self.image_choice = RunChoice(
            "The image that the next click is on, where several lie on one another."
        )
        self.sign_button = QPushButton()
        self.sign_button.setToolTip("Whether the next click says “like this” or “not this”. Key: T")
        self.hover_box = QCheckBox("Preview under the cursor")
        self.hover_box.setToolTip(
            "While the cursor moves over the image and the prompts are selected: outline the mask\n"
            "that the next click would give there."
        )
        self.next_button = QPushButton("Where next?  [U]")
        self.next_button.setToolTip(
            "Show where a further click would tell most, with a ring. Key: U"
        )
        self.class_table = ClassTable(classes)
        self.controls = PromptControls()
        self.sam = SamControls()
        self.output_controls = OutputControls()
        self.output_choice = LayerChoice(
            viewer, Labels, "Where accepted masks go.", none="new Labels layer",
            fits=fits,
        )  # fmt: skip
        self.accept_button = QPushButton("Accept  [Enter]")
        self.reject_button = QPushButton("Reject  [Esc]")
        self.undo_button = QPushButton("Undo  [Ctrl+Z]")
        self.redo_button = QPushButton("Redo  [Ctrl+Shift+Z]")
        self.script_button = script_button()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.progress = QProgressBar()
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Look no further; prompts stay")

        clicks = labeled_grid(
            [
                ("Prepared", beside(self.run_choice, self.image_button)),
                ("Prompts", self.points_choice),
                ("Negatives", self.negative_choice),
                ("Shapes", beside(self.shapes_choice, self.new_shapes_button)),
                ("Scribbles", beside(self.scribbles_choice, self.new_scribbles_button)),
                ("Click on", self.image_choice),
                ("Next click", self.sign_button),
            ]
        )
        # Side by side they would make the panel wider than it is.
        for part in (self.hover_box, self.next_button):
            clicks.addWidget(part, clicks.rowCount(), 0, 1, 2)
        self._image_label = clicks.itemAtPosition(5, 0).widget()
        buttons = QGridLayout()
        buttons.addWidget(self.accept_button, 0, 0)
        buttons.addWidget(self.reject_button, 0, 1)
        buttons.addWidget(self.undo_button, 1, 0)
        buttons.addWidget(self.redo_button, 1, 1)
        output = QVBoxLayout()
        output.addLayout(labeled_grid([("Into", self.output_choice)]))
        output.addWidget(self.output_controls.native)
        mask = QVBoxLayout()
        mask.addWidget(self.controls.native)
        mask.addWidget(self.sam)
        looking = QHBoxLayout()
        looking.addWidget(self.progress)
        looking.addWidget(self.cancel_button)
        self.lay_out(
            {
                "Clicks": clicks,
                "Classes": self.class_table,
                "Mask": mask,
                "Result": output,
            },
            (buttons, self.script_button, self.status, looking),
        )
        for part in (
            self.points_choice,
            self.negative_choice,
            self.shapes_choice,
            self.scribbles_choice,
            self.output_choice,
            self.class_table,
            self.sam,
        ):
            self.on_release(part.release)


def _can_be_scribbles(layer: Any) -> bool:
    """Not what masks are accepted into: that would be asked for again at once."""
    return layer.metadata.get("napari_ncut", {}).get("role") not in ("classes", "instances")


def _plus_button(tooltip: str) -> QToolButton:
    button = QToolButton()
    button.setText("+")
    button.setToolTip(tooltip)
    return button


def beside(widget: QWidget, button: QWidget) -> QWidget:
    """A widget with a button to its right."""
    both = QWidget()
    both.setToolTip(widget.toolTip())
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(widget, 1)
    row.addWidget(button)
    return both
