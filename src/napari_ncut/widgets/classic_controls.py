"""A classic method and what can be set of it, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from ..classic import classic_methods
from .choices import GroupedChoice, RunChoice
from .declared import DeclaredControls
from .panels import labeled_grid

_DEFAULTS = "defaults"


class ClassicControls(QWidget):
    """The method, its presets and its parameters.

    Signals
    -------
    changed()
        Another method, or another value.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._methods = classic_methods()
        self.method = GroupedChoice("How segments are made")
        self.method.set_groups(
            [
                (group, [(entry.title, entry.name) for entry in entries])
                for group, entries in groupby(self._methods.values(), lambda entry: entry.group)
            ]
        )
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.preset = RunChoice("Values that belong together; choosing one sets all below.")
        # Made when a method is first chosen: all of them take a while.
        self._controls: dict[str, DeclaredControls] = {}
        self._below = QVBoxLayout()
        self._below.setContentsMargins(0, 0, 0, 0)
        self._presets = QWidget()
        grid = labeled_grid([("Preset", self.preset)])
        self._presets.setLayout(grid)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Method", self.method)]))
        layout.addWidget(self.text)
        layout.addWidget(self._presets)
        layout.addLayout(self._below)
        self.method.chosen.connect(lambda _: self._on_method())
        self.preset.chosen.connect(lambda _: self._on_preset())
        self._on_method()

    @property
    def name(self) -> str:
        """The method that is chosen."""
        return str(self.method.value)

    @property
    def entry(self) -> Any:
        """What is known of it."""
        return self._methods[self.name]

    @property
    def controls(self) -> DeclaredControls:
        """Those of the chosen method."""
        return self._controls[self.name]

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `segment_classic`."""
        return {"method": self.name, **self.controls.values()}

    def defaults(self) -> dict[str, Any]:
        """What its parameters are if nobody sets them."""
        return {name: one.default for name, one in self.entry.parameters.items()}

    def settings(self) -> dict[str, dict[str, Any]]:
        """Method → values, of all methods that were looked at: others are at their defaults."""
        return {name: controls.values() for name, controls in self._controls.items()}

    def title_of(self, name: str) -> str:
        """What a method is called."""
        return str(self._methods[name].title)

    def choose(self, name: str) -> None:
        """Choose a method, whose values stay as they were."""
        self.method.value = name

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show other values of the chosen method; all that are not named get their defaults."""
        for name, parameter in self.entry.parameters.items():
            self.controls.set_value(name, values.get(name, parameter.default))

    def _on_method(self) -> None:
        entry = self.entry
        self.text.setText(f"{entry.text[0].upper()}{entry.text[1:]}.")
        self.method.setToolTip(f"How segments are made. This method: {entry.source}")
        if entry.name not in self._controls:
            controls = DeclaredControls(entry.parameters)
            controls.changed.connect(self.changed)
            self._controls[entry.name] = controls
            self._below.addWidget(controls)
        for name, controls in self._controls.items():
            controls.setVisible(name == entry.name)
        names = [_DEFAULTS, *(name for name, values in entry.presets.items() if values)]
        # A preset may be what the defaults are.
        same = [name for name, values in entry.presets.items() if not values]
        texts = [f"{_DEFAULTS} ({', '.join(same)})" if same else _DEFAULTS, *names[1:]]
        choices = list(zip(texts, names, strict=True))
        self.preset.set_choices(choices, self._preset_shown(names))
        self._presets.setVisible(bool(entry.parameters))
        self.changed.emit()

    def _preset_shown(self, names: Sequence[str]) -> str:
        """Which preset the values are, the defaults if none."""
        own = self.controls.values()
        for name in names[1:]:
            if own == self.entry.checked(self.entry.preset(name)):
                return name
        return _DEFAULTS

    def _on_preset(self) -> None:
        name = str(self.preset.value)
        self.set_values({} if name == _DEFAULTS else self.entry.preset(name))
        self.changed.emit()
