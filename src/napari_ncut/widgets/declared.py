"""Controls made from declared parameters: what a registry says is what the window shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..declared import Parameter
from .panels import labeled_grid

AUTOMATIC = "automatic"
_DECIMALS = 3


class DeclaredControls(QWidget):
    """One control for each parameter, under each other, with its label and tooltip.

    Parameters
    ----------
    parameters
        Name → what may be set. Where the default is None the lowest value reads “automatic”.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        super().__init__()
        self._parameters = dict(parameters)
        self.controls = {name: _control(entry) for name, entry in self._parameters.items()}
        self._grid = labeled_grid(
            [(self._parameters[name].label, control) for name, control in self.controls.items()]
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._grid)
        for control in self.controls.values():
            if isinstance(control, QComboBox):
                control.currentIndexChanged.connect(lambda _: self.changed.emit())
            elif isinstance(control, QCheckBox):
                control.toggled.connect(lambda _: self.changed.emit())
            elif isinstance(control, QLineEdit):
                control.editingFinished.connect(self.changed.emit)
            else:
                control.valueChanged.connect(lambda _: self.changed.emit())

    def values(self) -> dict[str, Any]:
        """Name → value, of the controls that count; None where it is automatic."""
        return {name: self._value(name) for name in self.controls}

    def set_value(self, name: str, value: Any) -> None:
        """Show another value; None for automatic."""
        control = self.controls[name]
        if isinstance(control, QComboBox):
            control.setCurrentText(str(value))
        elif isinstance(control, QCheckBox):
            control.setChecked(bool(value))
        elif isinstance(control, QLineEdit):
            control.setText("" if value is None else str(value))
        else:
            control.setValue(control.minimum() if value is None else value)

    def show_only(self, names: Iterable[str]) -> None:
        """Hide the controls of all other parameters."""
        shown = set(names)
        for row, (name, control) in enumerate(self.controls.items()):
            control.setVisible(name in shown)
            self._grid.itemAtPosition(row, 0).widget().setVisible(name in shown)

    def _value(self, name: str) -> Any:
        control, entry = self.controls[name], self._parameters[name]
        if isinstance(control, QComboBox):
            return control.currentText()
        if isinstance(control, QCheckBox):
            return control.isChecked()
        if isinstance(control, QLineEdit):
            return control.text().strip() or None
        value = control.value()
        if entry.default is None and value <= control.minimum():
            return None
        return value if entry.kind is int else round(value, _DECIMALS)


class _PlainSpinBox(QDoubleSpinBox):
    """Shows no zeros that say nothing."""

    def textFromValue(self, value: float) -> str:
        """The number with as many decimals as it has."""
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


def _control(entry: Parameter) -> QWidget:
    control: Any
    if entry.kind is str and entry.choices:
        control = QComboBox()
        control.addItems(list(entry.choices))
        control.setCurrentText(str(entry.default))
    elif entry.kind is str:
        control = QLineEdit("" if entry.default is None else str(entry.default))
        control.setPlaceholderText(AUTOMATIC if entry.default is None else "")
    elif entry.kind is bool:
        control = QCheckBox()
        control.setChecked(bool(entry.default))
    elif entry.kind is int:
        control = QSpinBox()
        control.setRange(int(entry.low), int(entry.high))
        control.setSingleStep(int(entry.step))
    else:
        control = _PlainSpinBox()
        control.setDecimals(_DECIMALS)
        control.setRange(entry.low, entry.high)
        control.setSingleStep(entry.step)
    if entry.kind in (int, float):
        # While a number is typed its digits are no values yet.
        control.setKeyboardTracking(False)
        if entry.default is None:
            control.setSpecialValueText(AUTOMATIC)
        control.setValue(control.minimum() if entry.default is None else entry.default)
    control.setToolTip(entry.tooltip)
    return control
