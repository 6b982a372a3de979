"""The page "Compare" of the widget "Measure": how well two layers of labels agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QPushButton, QVBoxLayout, QWidget

from ..errors import InputError
from ..progress import Progress, Steps
from .choices import LayerChoice
from .column_table import ColumnTable, columns_of
from .measure_steps import MeasureRequest
from .panels import labeled_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..measuring import Comparison


class ComparePanel(QWidget):
    """Which labels are compared with, how strictly, and the figures.

    Parameters
    ----------
    viewer
        Whose layers are offered.

    Signals
    -------
    changed()
        Other labels were chosen.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.other = LayerChoice(
            viewer,
            Labels,
            "The labels that those above are compared with, such as drawn ones, which are taken\n"
            "for the truth. They must lie on each other pixel by pixel.",
            none="choose a Labels layer",
        )
        self.iou = QDoubleSpinBox()
        self.iou.setRange(0.05, 1)
        self.iou.setSingleStep(0.05)
        self.iou.setValue(0.5)
        self.iou.setToolTip(
            "Two things match if their intersection over union is at least this. Higher is\n"
            "stricter."
        )
        self.tolerance = QDoubleSpinBox()
        self.tolerance.setRange(0, 1000)
        self.tolerance.setDecimals(1)
        self.tolerance.setValue(2)
        self.tolerance.setSuffix(" px")
        self.tolerance.setToolTip("How far boundaries may lie apart and still agree.")
        self.button = QPushButton("Compare")
        self.export_button = QPushButton("Export figures…")
        self.export_button.setToolTip("Write the figures as a CSV file")
        self.export_button.setEnabled(False)
        self.found: Comparison | None = None
        self.figures = ColumnTable("How well both agree; the mouse over a row tells what it means.")
        self.figures.horizontalHeader().setStretchLastSection(True)
        self.classes = ColumnTable("How well pixels of every class agree.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 6, 2, 2)
        layout.addLayout(
            labeled_grid(
                [
                    ("Compare with", self.other),
                    ("Match from IoU", self.iou),
                    ("Boundaries within", self.tolerance),
                ]
            )
        )
        layout.addWidget(self.button)
        layout.addWidget(self.figures, 3)
        layout.addWidget(self.classes, 1)
        layout.addWidget(self.export_button)
        self.classes.setVisible(False)
        self.other.chosen.connect(lambda _: self.changed.emit())

    def show_comparison(self, found: Comparison | None) -> None:
        """Show figures; None for none."""
        self.found = found
        self.export_button.setEnabled(found is not None)
        if found is None:
            self.figures.show_table(None)
            self.classes.setVisible(False)
            return
        from ..measuring.comparing import FIGURES

        names = [FIGURES[name].title for name in found.figures]
        table = columns_of({"Figure": names, "Value": list(found.figures.values())})
        self.figures.show_table(table, tips=[FIGURES[name].text for name in found.figures])
        self.classes.show_table(columns_of(found.classes))
        self.classes.setVisible(len(found.classes["class"]) > 1)


def compare_steps(
    request: MeasureRequest, other: Any, names: dict[int, str], iou: float, tolerance: float
) -> Steps[Comparison]:
    """Compare labels; libraries are imported here, in the thread."""
    yield Progress("loading", 0, 1)
    from ..measuring import compare_labels_steps

    return (
        yield from compare_labels_steps(
            request.labels,
            other,
            axes=request.frame_axes,
            things=request.options["things"],
            volumes=request.options["volumes"],
            iou=iou,
            tolerance=tolerance,
            class_names=names,
        )
    )


def why_not(panel: ComparePanel, labels: Labels | None) -> str:
    """Why nothing can be compared; "" if it can."""
    from .underlying import LabelsFrame

    other = panel.other.value
    if labels is None:
        return "Add a Labels layer first: segment or paint something."
    if other is None:
        return "Choose the labels to compare with."
    if other is labels:
        return "These are the same labels. Choose others."
    try:
        LabelsFrame.of(labels).labels_of(other)
    except InputError as error:
        return str(error)
    return ""
