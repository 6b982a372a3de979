"""The table of classes of segments: every change of it is asked for, to be made as a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QAbstractItemView

from .classes import ClassList, ClassTable, LabelClass
from .segment_state import class_color
from .segment_tables import amount_of

if TYPE_CHECKING:
    from .segment_state import SegmentState


class SegmentClasses(ClassList):
    """The classes of segments, and which one segments are moved to.

    Signals
    -------
    renamed(int, str), recolored(int, str)
        The user wants a class to be called or colored otherwise; it stays until `show`.
    """

    renamed = Signal(int, str)
    recolored = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self.entries = []
        # A class without segments, which the next move is to make.
        self.new: int | None = None

    def show(self, state: SegmentState | None) -> None:
        """Show the classes of a state."""
        names = {} if state is None else state.found.names
        if self.new in names or state is None:
            self.new = None
        elif self.new is not None:
            # Its number is the next one, whatever has changed meanwhile.
            self.new = max(names, default=0) + 1
        self.entries = [
            LabelClass(number, names[number], state.color(number))
            for number in (sorted(names) if state is not None else ())
        ]
        if self.new is not None:
            self.entries.append(LabelClass(self.new, "new class", class_color(self.new)))
        if self.entries and self.current not in self.labels:
            self.current = self.entries[0].label
        self.changed.emit()

    def add(self) -> int:
        """Offer a class without segments, and make it the current one."""
        if not self.entries:
            return 0
        if self.new is None:
            self.new = max(self.labels) + 1
            self.entries.append(LabelClass(self.new, "new class", class_color(self.new)))
            self.changed.emit()
        self.choose(self.new)
        return self.new

    def choose(self, label: int) -> None:
        """Move segments to this class from now on."""
        if label in self.labels and label != self.current:
            self.current = label
            self.current_changed.emit(label)

    def rename(self, label: int, name: str) -> None:
        """Ask for another name."""
        if name.strip() and name.strip() != self[label].name and label != self.new:
            self.renamed.emit(label, name.strip())
        else:
            self.changed.emit()

    def recolor(self, label: int, color: str) -> None:
        """Ask for another color."""
        if color != self[label].color and label != self.new:
            self.recolored.emit(label, color)


class SegmentTable(ClassTable):
    """Shows `SegmentClasses`; several rows may be selected, to be merged."""

    def __init__(self, classes: SegmentClasses) -> None:
        super().__init__(classes)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.horizontalHeaderItem(2).setToolTip("Segments of the class")
        self.table.horizontalHeaderItem(3).setToolTip("Pixels of all segments of the class")
        self.table.setToolTip(
            "The selected class is the one that clicked segments go to; Ctrl or Shift selects\n"
            "several, to be merged. Double-click a name to change it, a color to choose another."
        )

    @property
    def selected(self) -> list[int]:
        """Numbers of the selected classes, ascending."""
        rows = {index.row() for index in self.table.selectionModel().selectedRows()}
        return sorted(self._label(row) for row in rows)

    def show_counts(self, state: SegmentState | None) -> None:
        """Show count and area of every class."""
        found = None if state is None else state.found
        self.show_amounts(
            {}
            if found is None
            else {
                number: (f"{count:,}", f"{area:,}")
                for number in sorted(found.names)
                for count, area in [amount_of(found, number)]
            }
        )
