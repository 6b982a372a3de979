"""Superpixels by any method of the registry: what to choose, and what runs in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QPushButton, QSpinBox, QVBoxLayout, QWidget

from ..progress import Progress, Steps
from ..superpixels import superpixel_methods
from .choices import RunChoice
from .declared import DeclaredControls
from .panels import SCRIPT_TIP, allow, labeled_grid, script_button
from .region_steps import Kept, whole_block

if TYPE_CHECKING:
    from .reading import Reading

_MOST = 100_000
_RUN_TIP = "Part the image in superpixels, in a thread; they become a new Labels layer."


class SuperpixelControls(QWidget):
    """A method with its number of superpixels and its parameters, and the button that runs it."""

    def __init__(self) -> None:
        super().__init__()
        self._methods = superpixel_methods()
        self.method = RunChoice(
            "How superpixels are made.\n"
            + "\n".join(f"{entry.title}: {entry.text}" for entry in self._methods.values())
        )
        self.method.set_choices(
            [(entry.title, name) for name, entry in self._methods.items()],
            next(iter(self._methods)),
        )
        self.number = QSpinBox()
        self.number.setRange(1, _MOST)
        self.number.setGroupSeparatorShown(True)
        self.number.setKeyboardTracking(False)
        # Only those of the chosen method are shown, and only they take room.
        self._controls = {
            name: DeclaredControls(entry.parameters) for name, entry in self._methods.items()
        }
        self.run_button = QPushButton("Make superpixels")
        self.script_button = script_button()
        self.script_button.setText("Copy superpixels as Python")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Method", self.method), ("Number", self.number)]))
        for controls in self._controls.values():
            layout.addWidget(controls)
        layout.addWidget(self.run_button)
        layout.addWidget(self.script_button)
        self.method.chosen.connect(lambda _: self._on_method())
        self._on_method()

    @property
    def name(self) -> str:
        """The method that is chosen."""
        return str(self.method.value)

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self._methods[self.name].title)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `segment_superpixels`."""
        entry = self._methods[self.name]
        number = {} if entry.counts == "never" else {"n_segments": self.number.value()}
        return {"method": self.name, **number, **self._controls[self.name].values()}

    def defaults(self) -> dict[str, Any]:
        """What the method's parameters are if nobody sets them."""
        return {name: one.default for name, one in self._methods[self.name].parameters.items()}

    def allow(self, reason: str) -> None:
        """Enable the button, or say why it cannot be pressed."""
        entry = self._methods[self.name]
        allow(self.run_button, reason or entry.unavailable_because, _RUN_TIP)
        allow(self.script_button, reason, SCRIPT_TIP)

    def _on_method(self) -> None:
        """Another method is chosen: show what can be set of it."""
        entry = self._methods[self.name]
        for name, controls in self._controls.items():
            controls.setVisible(name == self.name)
        counted = entry.counts != "never"
        self.number.setEnabled(counted)
        if counted and self.number.value() == self.number.minimum():
            self.number.setValue(entry.default_count or self.number.minimum())
        self.number.setToolTip(f"Superpixels in every plane; this method {entry.count_text}")
        self.allow("")


def superpixel_steps(reading: Reading, options: dict[str, Any]) -> Steps[Kept]:
    """Superpixels of every plane as an array for a new layer."""
    yield Progress("loading", 0, 1)
    from ..superpixels import segment_superpixels_steps

    found = yield from segment_superpixels_steps(
        reading.images(),
        axes=reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        **options,
    )
    source = reading.sources[0]
    planes = found.reshape(-1, *found.shape[-2:])
    data = whole_block(source, planes)
    return Kept(data, None, [int(plane.max()) for plane in planes])
