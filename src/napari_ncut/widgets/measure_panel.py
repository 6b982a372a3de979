"""What the dock widget "Measure" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from .choices import RunChoice
from .column_table import ColumnTable
from .histogram_plot import HistogramPlot
from .measure_compare import ComparePanel
from .measure_input import MeasureInput
from .panels import WorkingWidget, labeled_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel

_MOST_BINS = 500
_TABLE_TIP = (
    "A row for every segment; click a heading to sort. A row that is selected is shown in the\n"
    "view, and a click on a segment there selects its row (its layer selected, in pan/zoom mode)."
)


class SizesPanel(QWidget):
    """A histogram, and what is counted in it."""

    def __init__(self) -> None:
        super().__init__()
        self.property = RunChoice("Which number of segments is counted.")
        self.bins = QSpinBox()
        self.bins.setRange(0, _MOST_BINS)
        self.bins.setSpecialValueText("automatic")
        self.bins.setKeyboardTracking(False)
        self.bins.setToolTip("How many bars. More show more detail, and more noise.")
        self.logarithmic = QCheckBox("Logarithmic")
        self.logarithmic.setToolTip(
            "Let bars grow by a factor rather than by a step, for sizes of many orders.\n"
            "What is not above 0 is left out."
        )
        self.plot = HistogramPlot()
        row = QHBoxLayout()
        row.addWidget(self.bins, 1)
        row.addWidget(self.logarithmic, 1)
        holder = QWidget()
        holder.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 6, 2, 2)
        layout.addLayout(labeled_grid([("Of", self.property), ("Bars", holder)]))
        layout.addWidget(self.plot, 1)


class MeasurePanel(WorkingWidget):
    """The controls of "Measure", not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.input = MeasureInput(viewer)
        self.run_button = QPushButton("Measure")
        self.table = ColumnTable(_TABLE_TIP)
        self.summary = ColumnTable("Counts and sizes of every class, over all planes.")
        self.sizes = SizesPanel()
        self.compare = ComparePanel(viewer)
        self.export_button = QPushButton("Export table…")
        self.export_classes_button = QPushButton("Export classes…")
        self.tabs = QTabWidget()
        self._lay_out()

    def _lay_out(self) -> None:
        measure = QVBoxLayout()
        measure.addWidget(self.input)
        measure.addWidget(self.run_button)
        for title, content, button in (
            ("Segments", self.table, self.export_button),
            ("Classes", self.summary, self.export_classes_button),
        ):
            page = QWidget()
            layout = QVBoxLayout(page)
            layout.setContentsMargins(2, 6, 2, 2)
            layout.addWidget(content)
            layout.addWidget(button)
            self.tabs.addTab(page, title)
        self.tabs.addTab(self.sizes, "Sizes")
        self.tabs.addTab(self.compare, "Compare")
        self.tabs.setMinimumHeight(300)
        bottom = QHBoxLayout()
        bottom.addWidget(self.undo_button)
        bottom.addWidget(self.redo_button)
        bottom.addWidget(self.cancel_button)
        results = QVBoxLayout()
        results.addWidget(self.tabs)
        results.addWidget(self.script_button)
        scroll = self.lay_out(
            {"1  What is measured": measure, "2  Results": results},
            (self.message, self.progress, bottom),
        )
        # Tables take whatever room there is.
        sections = scroll.widget().layout()
        sections.setStretch(1, 1)
        sections.takeAt(sections.count() - 1)
