"""A small plot of how many classes there are at every distance, to choose the distance by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from ..sam.curve import ClusterCurve

_HEIGHT = 130
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 10, 18, 18
# Read on light and dark themes alike.
_LINE, _AXIS, _SUGGESTED, _CHOSEN = "#56b4e9", "#8f959c", "#8f959c", "#e69f00"
_TICKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
# Distance between two numbers beside the axis, in pixels.
_APART = 15


class CurvePlot(QWidget):
    """Number of classes by distance, on a logarithmic scale, and the share of noise below it.

    Signals
    -------
    picked(float)
        The distance that the user clicked on, or dragged to.
    """

    picked = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Blue: how many classes there would be at each distance; gray: the share of noise.\n"
            "Dashed: the suggested distance, in a range over which the number stays the same.\n"
            "Click or drag to choose a distance; “Cluster again” then uses it."
        )
        self._curve: ClusterCurve | None = None
        self._chosen: float | None = None

    @property
    def curve(self) -> ClusterCurve | None:
        """What is shown, None for nothing."""
        return self._curve

    def show_curve(self, curve: ClusterCurve | None) -> None:
        """Show another curve; None for none."""
        self._curve = curve if curve is not None and len(curve.eps) > 1 else None
        self.setVisible(self._curve is not None)
        self.update()

    def show_chosen(self, distance: float | None) -> None:
        """Mark a distance; None for the suggested one."""
        self._chosen = distance
        self.update()

    def describe(self) -> str:
        """What the marked distance would give."""
        curve = self._curve
        if curve is None:
            return ""
        distance = curve.suggested if self._chosen is None else self._chosen
        place = min(int(np.searchsorted(curve.eps, distance)), len(curve.eps) - 1)
        number = int(curve.n_clusters[place])
        classes = f"{number} class" if number == 1 else f"{number} classes"
        noise = f", {curve.noise[place]:.0%} noise" if curve.noise.any() else ""
        kind = "suggested" if self._chosen is None else "chosen"
        return f"{kind} {distance:.3g}: {classes}{noise}"

    # ------------------------------------------------------------------------------------- drawing

    def paintEvent(self, event: Any) -> None:
        """Draw."""
        curve = self._curve
        if curve is None:
            return
        area = self._area()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(max(font.pointSizeF() * 0.8, 6.0))
        painter.setFont(font)
        top = np.log1p(max(int(curve.n_clusters.max()), 2)) * 1.05

        def place(distance: float, height: float) -> QPointF:
            along = area.left() + area.width() * distance / float(curve.eps[-1])
            return QPointF(along, area.bottom() - area.height() * min(max(height, 0), 1))

        if curve.noise.any():
            points = [place(x, y) for x, y in zip(curve.eps, curve.noise, strict=True)]
            shape = QPolygonF([place(0, 0), *points, place(float(curve.eps[-1]), 0)])
            painter.setPen(Qt.PenStyle.NoPen)
            fill = QColor(_AXIS)
            fill.setAlpha(70)
            painter.setBrush(fill)
            painter.drawPolygon(shape)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        self._draw_axes(painter, area, top)
        painter.setPen(QPen(QColor(_LINE), 2))
        heights = np.log1p(curve.n_clusters) / top
        painter.drawPolyline(
            QPolygonF([place(x, y) for x, y in zip(curve.eps, heights, strict=True)])
        )
        painter.setPen(QPen(QColor(_SUGGESTED), 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(place(curve.suggested, 0), place(curve.suggested, 1))
        painter.setPen(QPen(QColor(_CHOSEN), 2))
        if self._chosen is not None and self._chosen <= curve.eps[-1]:
            painter.drawLine(place(self._chosen, 0), place(self._chosen, 1))
        painter.drawText(
            QRectF(_LEFT, 0, self.width() - _LEFT - _RIGHT, _TOP),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            self.describe(),
        )
        painter.end()

    def _draw_axes(self, painter: QPainter, area: QRectF, top: float) -> None:
        curve = self._curve
        if curve is None:
            return
        painter.setPen(QPen(QColor(_AXIS), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.bottomLeft(), area.topLeft())
        last = np.inf
        for tick in _TICKS:
            height = area.bottom() - area.height() * np.log1p(tick) / top
            if height < area.top() or last - height < _APART:
                continue
            last = height
            box = QRectF(0, height - 8, _LEFT - 4, 16)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, str(tick))
        below = QRectF(_LEFT, area.bottom() + 2, area.width(), _BOTTOM - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "distance")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{curve.eps[-1]:.2g}")

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)

    # ------------------------------------------------------------------------------------ choosing

    def mousePressEvent(self, event: Any) -> None:
        """Choose the distance that was clicked on."""
        self._pick(event)

    def mouseMoveEvent(self, event: Any) -> None:
        """Choose while dragging."""
        self._pick(event)

    def _pick(self, event: Any) -> None:
        if self._curve is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        area = self._area()
        along = event.position().x() if hasattr(event, "position") else event.x()
        share = min(max((along - area.left()) / max(area.width(), 1), 0.0), 1.0)
        self.picked.emit(share * float(self._curve.eps[-1]))
