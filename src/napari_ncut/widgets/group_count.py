"""A number of groups and its slider."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSlider, QSpinBox, QWidget

from .grouping import MOST_GROUPS

_NUMBER_WIDTH = 96  # pixels


class GroupCount(QWidget):
    """A number with a slider, on which few groups have as much room as many.

    Signals
    -------
    changed(int)
    """

    changed = Signal(int)

    def __init__(self, tooltip: str) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.number = QSpinBox()
        for part in (self.slider, self.number):
            part.setToolTip(tooltip)
        self.number.setKeyboardTracking(False)
        # As wide as three digits between two buttons need: the rest is the slider's.
        self.number.setFixedWidth(_NUMBER_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        self._levels = np.arange(2, MOST_GROUPS + 1)
        self.offer(2, MOST_GROUPS)
        self.slider.valueChanged.connect(
            lambda position: self.number.setValue(int(self._levels[position]))
        )
        self.number.valueChanged.connect(self._on_number)

    @property
    def value(self) -> int:
        """The number."""
        return int(self.number.value())

    @value.setter
    def value(self, wanted: int) -> None:
        self.number.setValue(wanted)

    def offer(self, low: int, high: int, value: int | None = None) -> None:
        """Offer other numbers, and choose one (default: that nearest to now), telling nobody."""
        steps = np.geomspace(max(low, 1), max(high, 1), 120).round().astype(int)
        self._levels = np.unique(steps)
        for part in (self.slider, self.number):
            part.blockSignals(True)
        self.number.setRange(low, high)
        self.number.setValue(self.value if value is None else value)
        self.slider.setRange(0, len(self._levels) - 1)
        self._move_slider()
        for part in (self.slider, self.number):
            part.blockSignals(False)

    def _move_slider(self) -> None:
        self.slider.setValue(int(np.abs(self._levels - self.value).argmin()))

    def _on_number(self, value: int) -> None:
        self.slider.blockSignals(True)
        self._move_slider()
        self.slider.blockSignals(False)
        self.changed.emit(value)
