"""A table of columns of any length, sorted by clicks on headings; rows are made when seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from ..measuring import MeasureTable

_DIGITS = 5
_WIDEST = 220
_EMPTY = MeasureTable({})
_COUNTING = ("plane", "stack")


class ColumnModel(QAbstractTableModel):
    """Shows a `MeasureTable`."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.table = _EMPTY
        self._names: list[str] = []
        self._order: NDArray[np.intp] = np.empty(0, np.intp)
        self._places: NDArray[np.intp] = np.empty(0, np.intp)
        self._color_of: Callable[[int], Any] | None = None
        self._color_column = ""
        self._tips: Sequence[str] = ()

    def show_table(
        self,
        table: MeasureTable,
        color_of: Callable[[int], Any] | None = None,
        color_column: str = "",
        tips: Sequence[str] = (),
    ) -> None:
        """Show another table, in its own order; see `ColumnTable.show_table`."""
        self.beginResetModel()
        self.table, self._names = table, list(table.columns)
        self._color_of, self._color_column, self._tips = color_of, color_column, tips
        self._put_in_order(np.arange(len(table)))
        self.endResetModel()

    def row_of(self, number: int) -> int:
        """Where a row of the table is shown now."""
        return int(self._places[number])

    def number_of(self, row: int) -> int:
        """Which row of the table is shown there now."""
        return int(self._order[row])

    def is_needless(self, column: int) -> bool:
        """Whether a column only counts planes, of which there is one."""
        name = self._names[column]
        return name in _COUNTING and not self.table[name].any()

    # ----------------------------------------------------------------------------------- for Qt

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many rows there are."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """How many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(self._names)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        if not index.isValid():
            return None
        name, number = self._names[index.column()], self.number_of(index.row())
        value = self.table[name][number]
        if role == Qt.ItemDataRole.DisplayRole:
            return as_text(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and name == self._color_column:
            return None if self._color_of is None else _color(self._color_of(int(value)))
        if role == Qt.ItemDataRole.ToolTipRole and self._tips:
            return self._tips[number]
        return None

    def headerData(
        self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What a heading shows."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._names):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.heading(self._names[section])
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.table.tooltip(self._names[section]) or None
        return None

    def sort(self, column: int, order: Any = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; rows that are selected stay so."""
        if not 0 <= column < len(self._names):
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        numbers = [self.number_of(index.row()) for index in before]
        descending = order == Qt.SortOrder.DescendingOrder
        self._put_in_order(self.table.sorted_by(self._names[column], descending=descending))
        after = [
            self.index(self.row_of(number), index.column())
            for number, index in zip(numbers, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _put_in_order(self, order: NDArray[np.intp]) -> None:
        self._order = order
        self._places = np.empty(len(order), np.intp)
        self._places[order] = np.arange(len(order))


class ColumnTable(QTableView):
    """The view of a `ColumnModel`.

    Signals
    -------
    chosen(int)
        The row of the table that the user selected.
    """

    chosen = Signal(int)

    def __init__(self, tooltip: str = "") -> None:
        super().__init__()
        self.columns = ColumnModel(self)
        self.setModel(self.columns)
        self.setToolTip(tooltip)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        # Widths are taken from what is seen, not from all rows.
        header.setResizeContentsPrecision(30)
        self._silent = False
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def show_table(
        self,
        table: MeasureTable | None,
        color_of: Callable[[int], Any] | None = None,
        color_column: str = "",
        tips: Sequence[str] = (),
    ) -> None:
        """Show a table; None for none.

        Parameters
        ----------
        color_of, color_column
            What gives the color (RGBA, 0 to 1, or None) of a number in that column.
        tips
            A text for every row.
        """
        self._silent = True
        # Without an arrow rows are in the order of the table.
        self.setSortingEnabled(False)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.columns.show_table(table or _EMPTY, color_of, color_column, tips)
        self.setSortingEnabled(True)
        self.resizeColumnsToContents()
        for column in range(self.columns.columnCount()):
            self.setColumnWidth(column, min(self.columnWidth(column), _WIDEST))
            self.setColumnHidden(column, self.columns.is_needless(column))
        self._silent = False

    @property
    def table(self) -> MeasureTable:
        """What is shown."""
        return self.columns.table

    @property
    def current(self) -> int | None:
        """The row of the table that is selected."""
        rows = self.selectionModel().selectedRows()
        return self.columns.number_of(rows[0].row()) if rows else None

    def select(self, number: int) -> None:
        """Select a row of the table and show it, without telling anybody."""
        self._silent = True
        row = self.columns.row_of(number)
        self.selectRow(row)
        self.scrollTo(self.columns.index(row, 0))
        self._silent = False

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if not self._silent and current.isValid():
            self.chosen.emit(self.columns.number_of(current.row()))


def as_text(value: Any) -> str:
    """A value as tables show it."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.integer | int):
        return f"{int(value)}"
    if not np.isfinite(value):
        return "" if np.isnan(value) else "∞"
    return f"{float(value):.{_DIGITS}g}"


def columns_of(columns: Mapping[str, Any]) -> MeasureTable:
    """Columns that were not measured as a table that can be shown."""
    return MeasureTable({name: np.asarray(values) for name, values in columns.items()})


def _color(rgba: Any) -> QColor | None:
    if rgba is None:
        return None
    red, green, blue = (round(255 * float(v)) for v in list(rgba)[:3])
    return QColor(red, green, blue)
