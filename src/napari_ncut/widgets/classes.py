"""Class names and colors, and the table that shows them with their counts and areas."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..io.colors import PALETTE


@dataclass
class LabelClass:
    """One class: its number in label maps, what it is called, its color."""

    label: int
    name: str
    color: str


class ClassList(QObject):
    """The classes of a session, and which one the next click means.

    Signals
    -------
    changed()
        A class was added, renamed or recolored.
    current_changed(int)
        The label of the class of the next click.
    """

    changed = Signal()
    current_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[LabelClass] = []
        self.current = 1
        self.ensure([1])

    def __getitem__(self, label: int) -> LabelClass:
        return next(entry for entry in self.entries if entry.label == label)

    @property
    def labels(self) -> list[int]:
        """All labels, ascending."""
        return [entry.label for entry in self.entries]

    @property
    def names(self) -> dict[int, str]:
        """Label → name."""
        return {entry.label: entry.name for entry in self.entries}

    def ensure(self, labels: list[int], names: dict[int, str] | None = None) -> None:
        """Make sure that these classes exist."""
        missing = [label for label in labels if label > 0 and label not in self.labels]
        for label in missing:
            name = (names or {}).get(label, f"class {label}")
            self.entries.append(LabelClass(label, name, PALETTE[(label - 1) % len(PALETTE)]))
        if missing:
            self.entries.sort(key=lambda entry: entry.label)
            self.changed.emit()

    def add(self) -> int:
        """Add a class and make it the current one; returns its label."""
        label = max(self.labels, default=0) + 1
        self.ensure([label])
        self.choose(label)
        return label

    def choose(self, label: int) -> None:
        """Let the next click mean this class."""
        self.ensure([label])
        if label != self.current:
            self.current = label
            self.current_changed.emit(label)

    def rename(self, label: int, name: str) -> None:
        """Give a class another name; an empty one is ignored."""
        if name.strip() and name != self[label].name:
            self[label].name = name.strip()
            self.changed.emit()

    def recolor(self, label: int, color: str) -> None:
        """Give a class another color."""
        if color != self[label].color:
            self[label].color = color
            self.changed.emit()

    def color_dict(self) -> dict[int | None, str]:
        """For napari's direct label colormaps; what is no class is transparent."""
        return {None: "transparent", 0: "transparent"} | {
            entry.label: entry.color for entry in self.entries
        }


class ClassTable(QWidget):
    """Shows and edits a `ClassList`: click a row to choose, a color or a name to change it."""

    def __init__(self, classes: ClassList) -> None:
        super().__init__()
        self._classes = classes
        self._filling = False
        self.table = QTableWidget(0, 4)
        self.table.setHorizontalHeaderLabels(["", "Class", "Count", "Area"])
        self.table.horizontalHeaderItem(2).setToolTip(
            "Connected things in the planes computed so far"
        )
        self.table.horizontalHeaderItem(3).setToolTip(
            "Area in the units of the image, over the planes computed so far"
        )
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.setIconSize(QSize(16, 16))
        self.table.setToolTip(
            "The selected class is the one that the next click means (Shift + digit). "
            "Double-click a name to change it, a color to choose another."
        )
        add = QPushButton("Add class")
        add.setToolTip("Add a class and click for it next")
        add.clicked.connect(lambda: self._classes.add())
        row = QHBoxLayout()
        row.addWidget(add)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(row)
        self.table.itemChanged.connect(self._on_item)
        self.table.itemSelectionChanged.connect(self._on_selection)
        self.table.cellDoubleClicked.connect(self._on_double_click)
        classes.changed.connect(self.fill)
        classes.current_changed.connect(self._select)
        self._amounts: dict[int, tuple[str, str]] = {}
        self.fill()

    def release(self) -> None:
        """Follow the list no longer."""
        self._classes.changed.disconnect(self.fill)
        self._classes.current_changed.disconnect(self._select)

    def show_amounts(self, amounts: dict[int, tuple[str, str]]) -> None:
        """Show count and area (as texts) of each class."""
        self._amounts = amounts
        self.fill()

    def fill(self) -> None:
        """Show the classes as they are now."""
        self._filling = True
        self.table.setRowCount(len(self._classes.entries))
        for row, entry in enumerate(self._classes.entries):
            pixmap = QPixmap(16, 16)
            pixmap.fill(QColor(entry.color))
            texts = ["", entry.name, *self._amounts.get(entry.label, ("", ""))]
            for column, text in enumerate(texts):
                item = self.table.item(row, column)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(row, column, item)
                item.setText(text)
                if column == 0:
                    item.setIcon(QIcon(pixmap))
                    item.setData(Qt.ItemDataRole.UserRole, entry.label)
                flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                if column == 1:
                    flags |= Qt.ItemFlag.ItemIsEditable
                else:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                item.setFlags(flags)
        rows = min(max(len(self._classes.entries), 2), 6)
        height = self.table.horizontalHeader().sizeHint().height() + 4
        self.table.setFixedHeight(height + rows * self.table.verticalHeader().defaultSectionSize())
        self._filling = False
        self._select(self._classes.current)

    def _label(self, row: int) -> int:
        return int(self.table.item(row, 0).data(Qt.ItemDataRole.UserRole))

    def _select(self, label: int) -> None:
        for row in range(self.table.rowCount()):
            if self._label(row) == label and self.table.currentRow() != row:
                self._filling = True
                self.table.selectRow(row)
                self._filling = False

    def _on_selection(self) -> None:
        row = self.table.currentRow()
        if not self._filling and row >= 0:
            self._classes.choose(self._label(row))

    def _on_item(self, item: QTableWidgetItem) -> None:
        if not self._filling and item.column() == 1:
            self._classes.rename(self._label(item.row()), item.text())

    def _on_double_click(self, row: int, column: int) -> None:
        if column != 0:
            return
        label = self._label(row)
        color = QColorDialog.getColor(QColor(self._classes[label].color), self)
        if color.isValid():
            self._classes.recolor(label, color.name())
