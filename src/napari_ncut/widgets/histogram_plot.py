"""A small plot of how many segments there are of every size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from ..measuring import Histogram

_LEAST_HEIGHT = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 22, 36
# Read on light and dark themes alike.
_BAR, _CHOSEN, _AXIS = "#56b4e9", "#e69f00", "#8f959c"
# Room that a number below the axis takes, and one beside it.
_APART_X, _APART_Y = 62, 22
_STEPS = (1, 2, 5)


class HistogramPlot(QWidget):
    """Bars over the bins of a `Histogram`; under the mouse one tells its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._found: Histogram | None = None
        self._title = ""
        self._logarithmic = False
        self._hovered: int | None = None
        self._marked: float | None = None

    @property
    def histogram(self) -> Histogram | None:
        """What is shown, None for nothing."""
        return self._found

    def show_histogram(
        self, found: Histogram | None, title: str = "", *, logarithmic: bool = False
    ) -> None:
        """Show another histogram; the title is written below the axis."""
        self._found = found if found is not None and found.counts.any() else None
        self._title, self._logarithmic = title, logarithmic
        self._hovered = None
        self.update()

    def mark(self, value: float | None) -> None:
        """Draw a line at a value, such as that of the segment that is selected; None for none."""
        self._marked = value
        self.update()

    def describe(self, number: int) -> str:
        """What a bar tells."""
        found = self._found
        if found is None:
            return ""
        low, high = found.edges[number : number + 2]
        count = int(found.counts[number])
        of = f"{count:,} of {int(found.counts.sum()):,}"
        return f"{low:.4g} to {high:.4g}: {of} ({count / found.counts.sum():.1%})"

    # ------------------------------------------------------------------------------------- drawing

    def paintEvent(self, event: Any) -> None:
        """Draw."""
        painter = QPainter(self)
        font = painter.font()
        font.setPointSizeF(max(font.pointSizeF() * 0.85, 6.0))
        painter.setFont(font)
        found = self._found
        if found is None:
            painter.setPen(QPen(QColor(_AXIS), 1))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Nothing to show yet")
            painter.end()
            return
        area = self._area()
        top = max(int(found.counts.max()), 1) * 1.05
        painter.setPen(Qt.PenStyle.NoPen)
        gap = 1.0 if area.width() / len(found.counts) > 4 else 0.0
        for i, count in enumerate(found.counts.tolist()):
            left, right = self._along(found.edges[i]), self._along(found.edges[i + 1])
            height = area.height() * count / top
            painter.setBrush(QColor(_CHOSEN if i == self._hovered else _BAR))
            width = max(right - left - gap, 1.0)
            painter.drawRect(QRectF(left, area.bottom() - height, width, height))
        self._draw_axes(painter, area, top)
        if self._marked is not None and found.edges[0] <= self._marked <= found.edges[-1]:
            painter.setPen(QPen(QColor(_CHOSEN), 2))
            along = self._along(self._marked)
            painter.drawLine(int(along), int(area.top()), int(along), int(area.bottom()))
        painter.end()

    def _draw_axes(self, painter: QPainter, area: QRectF, top: float) -> None:
        painter.setPen(QPen(QColor(_AXIS), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.bottomLeft(), area.topLeft())
        most = max(int(area.height() // _APART_Y), 1)
        for tick in _ticks(0, top, most):
            if tick != round(tick):
                continue
            height = area.bottom() - area.height() * tick / top
            box = QRectF(0, height - 8, _LEFT - 6, 16)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, f"{int(tick)}")
            painter.drawLine(int(area.left()) - 3, int(height), int(area.left()), int(height))
        for tick in self._values(max(int(area.width() // _APART_X), 2)):
            along = self._along(tick)
            box = QRectF(along - _APART_X / 2, area.bottom() + 3, _APART_X, 15)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, f"{tick:.4g}")
            painter.drawLine(int(along), int(area.bottom()), int(along), int(area.bottom()) + 3)
        below = QRectF(0, area.bottom() + 18, self.width(), _BOTTOM - 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._title)
        found = self._found
        if found is None:
            return
        hovered = self._hovered
        told = f"{int(found.counts.sum()):,} segments" if hovered is None else ""
        painter.drawText(
            QRectF(_LEFT, 2, self.width() - _LEFT - _RIGHT, _TOP - 4),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            told or self.describe(hovered or 0),
        )

    def _values(self, most: int) -> list[float]:
        """Where numbers are written below the axis."""
        found = self._found
        if found is None:
            return []
        low, high = float(found.edges[0]), float(found.edges[-1])
        if not self._logarithmic:
            return _ticks(low, high, most)
        first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
        decades = [s * 10.0**p for p in range(first, last + 1) for s in _STEPS]
        inside = [value for value in decades if low <= value <= high]
        return inside[:: max(1, -(-len(inside) // most))]

    def _along(self, value: float) -> float:
        found, area = self._found, self._area()
        if found is None:
            return area.left()
        low, high = float(found.edges[0]), float(found.edges[-1])
        if self._logarithmic:
            low, high, value = np.log(low), np.log(high), np.log(value)
        return area.left() + area.width() * float(value - low) / (float(high - low) or 1.0)

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)

    # ------------------------------------------------------------------------------------ hovering

    def mouseMoveEvent(self, event: Any) -> None:
        """Tell what the bar under the mouse means."""
        found = self._found
        if found is None:
            return
        along = event.position().x() if hasattr(event, "position") else event.x()
        lefts = np.array([self._along(edge) for edge in found.edges])
        place = int(np.searchsorted(lefts, along, side="right")) - 1
        self._hovered = place if 0 <= place < len(found.counts) else None
        self.update()

    def leaveEvent(self, event: Any) -> None:
        """Tell nothing any more."""
        self._hovered = None
        self.update()


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from `low` to `high`, at most so many."""
    span = high - low
    if span <= 0:
        return [low]
    size = 10.0 ** np.floor(np.log10(span / most))
    step = next((s * size for s in (*_STEPS, 10) if span / (s * size) <= most), 10 * size)
    first = int(np.ceil(low / step - 1e-9))
    count = int(np.floor((high - first * step) / step + 1e-9)) + 1
    return [float(f"{(first + i) * step:.12g}") for i in range(max(count, 0))]
