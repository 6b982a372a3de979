"""How fine regions are: a slider from superpixels to objects, and the number behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from ..regions.cuts import GRANULARITIES
from .choices import RunChoice
from .panels import labeled_grid

_STEPS = 1000
# A turn of the wheel by one notch.
_NOTCH = 25
_NUMBER_WIDTH = 110  # pixels


@dataclass(frozen=True)
class Extent:
    """What there is to be cut: the most and fewest regions of a plane, and its pixels."""

    most: int = 1000
    fewest: int = 1
    pixels: float = 1e6


@dataclass(frozen=True)
class Scale:
    """How values of a granularity lie along the slider.

    Attributes
    ----------
    ends : function
        Extent → the values at the fine and at the coarse end.
    even : bool
        Whether equal ways are equal differences; otherwise they are equal factors.
    decimals : int
    """

    ends: Callable[[Extent], tuple[float, float]]
    even: bool
    decimals: int

    def value(self, extent: Extent, share: float) -> float:
        """The value at a share of the way, 0 fine to 1 coarse."""
        fine, coarse = self.ends(extent)
        value = fine + share * (coarse - fine) if self.even else fine * (coarse / fine) ** share
        return round(value, self.decimals)

    def share(self, extent: Extent, value: float) -> float:
        """The share of the way at which a value lies."""
        from math import log

        fine, coarse = self.ends(extent)
        if fine == coarse:
            return 0.0
        if self.even:
            return min(max((value - fine) / (coarse - fine), 0.0), 1.0)
        return min(max(log(max(value, 1e-9) / fine) / log(coarse / fine), 0.0), 1.0)


SCALES: dict[str, Scale] = {
    "n_regions": Scale(lambda extent: (extent.most, extent.fewest), False, 0),
    "level": Scale(lambda _: (0.0, 1.0), True, 3),
    "size": Scale(lambda extent: (extent.pixels / extent.most, extent.pixels), False, 0),
}


class GranularitySlider(QWidget):
    """Chooses a kind of granularity and its value.

    Signals
    -------
    changed()
        The user chose another.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = RunChoice(
            "What is chosen with the slider.\n"
            + "\n".join(f"{entry.title}: {entry.tooltip}" for entry in GRANULARITIES.values())
        )
        self.kind.set_choices(
            [(entry.title, name) for name, entry in GRANULARITIES.items()], "n_regions"
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setToolTip(
            "To the left: small pieces, superpixels. To the right: few large regions.\n"
            "Keys over the image: Shift + wheel."
        )
        self.number = QDoubleSpinBox()
        self.number.setKeyboardTracking(False)
        self.number.setFixedWidth(_NUMBER_WIDTH)
        self.number.setGroupSeparatorShown(True)
        self.number.setToolTip("The number that is chosen; in every plane of a stack")
        self._extent = Extent()
        self._build()
        self.show_value("n_regions", 100)
        self.kind.chosen.connect(lambda _: self._on_kind())
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self._on_number)

    def _build(self) -> None:
        ends = QHBoxLayout()
        for text, side in (("superpixels", "Left"), ("objects", "Right")):
            ends.addWidget(QLabel(text), 1, getattr(Qt.AlignmentFlag, f"Align{side}"))
        row = QHBoxLayout()
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Choose by", self.kind)]))
        layout.addLayout(row)
        under = QHBoxLayout()
        under.addLayout(ends, 1)
        under.addSpacing(_NUMBER_WIDTH)
        layout.addLayout(under)

    @property
    def value(self) -> float:
        """The value that is chosen."""
        value = self.number.value()
        return value if self._scale.decimals else int(value)

    def offer(self, extent: Extent) -> None:
        """Other regions are there; the value stays as near as can be, and nobody is told."""
        self._extent = extent
        self.show_value(str(self.kind.value), self.value)

    def show_value(self, kind: str, value: float) -> None:
        """Show a granularity, telling nobody."""
        parts = (self.kind, self.slider, self.number)
        for part in parts:
            part.blockSignals(True)
        self.kind.value = kind
        scale = self._scale
        ends = sorted(scale.ends(self._extent))
        self.number.setDecimals(scale.decimals)
        self.number.setRange(*ends)
        self.number.setSingleStep(0.01 if scale.decimals else 1)
        self.number.setSuffix(" px" if kind == "size" else "")
        self.number.setValue(value)
        self.slider.setValue(round(scale.share(self._extent, self.number.value()) * _STEPS))
        for part in parts:
            part.blockSignals(False)

    def turn(self, notches: float) -> None:
        """Move the slider until something changes; coarser where `notches` are above 0."""
        step = round(notches * _NOTCH) or (1 if notches > 0 else -1)
        position = self.slider.value() + step
        # Few regions lie far apart on the slider.
        while 0 < position < _STEPS and self._value_at(position) == self.number.value():
            position += step
        self.slider.setValue(position)

    @property
    def _scale(self) -> Scale:
        return SCALES[str(self.kind.value)]

    def _value_at(self, position: int) -> float:
        return self._scale.value(self._extent, position / _STEPS)

    def _on_kind(self) -> None:
        """Another kind is chosen: begin where the slider stands."""
        self.show_value(str(self.kind.value), self._value_at(self.slider.value()))
        self.changed.emit()

    def _on_slider(self, position: int) -> None:
        self.number.blockSignals(True)
        self.number.setValue(self._value_at(position))
        self.number.blockSignals(False)
        self.changed.emit()

    def _on_number(self, value: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(self._scale.share(self._extent, value) * _STEPS))
        self.slider.blockSignals(False)
        self.changed.emit()
