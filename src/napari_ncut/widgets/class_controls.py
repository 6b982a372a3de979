"""Controls of how classes are found: descriptor, clusterer, and the curve of its distance."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..backbones import BACKBONES, BackboneEntry
from ..sam.clusterers import CLUSTERERS
from ..sam.pooling import DESCRIPTORS
from .choices import RunChoice
from .curve_plot import CurvePlot
from .declared import AUTOMATIC, DeclaredControls
from .downloading import DownloadBar
from .panels import folded, labeled_grid
from .segment_steps import DISTANCES, ClassSettings

_TITLES = {
    "compact": "embedded network",
    "kind": "embedded network, kinds alone",
    "eigenvectors": "eigenvectors",
}
_MOST_CLASSES = 250


class ClassControls(QWidget):
    """How masks become classes.

    Signals
    -------
    changed()
        Anything was set otherwise.
    curve_outdated()
        The curve that is shown is of other settings.
    """

    changed = Signal()
    curve_outdated = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.descriptor = RunChoice(
            "What masks are compared by. Every pixel of a mask counts once.\n"
            + "\n".join(f"{_TITLES.get(name, name)}: {text}" for name, text in DESCRIPTORS.items())
            + "\nOr the features of a network, averaged over the mask."
        )
        own = [(_TITLES.get(name, name), name) for name in DESCRIPTORS]
        networks = [(entry.title, name) for name, entry in BACKBONES.items() if name != "compact"]
        self.descriptor.set_choices([*own, *networks], "compact")
        self.download = DownloadBar("compare by something else")
        self.clusterer = QComboBox()
        for name, entry in CLUSTERERS.items():
            self.clusterer.addItem(entry.title, name)
        self.clusterer.setToolTip(
            "How alike masks become classes.\n"
            + "\n".join(f"{entry.title}: {entry.text}" for entry in CLUSTERERS.values())
        )
        self.n_classes = QSpinBox()
        self.n_classes.setRange(0, _MOST_CLASSES)
        self.n_classes.setSpecialValueText(AUTOMATIC)
        self.preset = RunChoice("Values that somebody found good, all at once.")
        self.whiten = QCheckBox("like variance in all directions")
        self.whiten.setChecked(True)
        self.whiten.setToolTip(
            "Bring features to like variance over all masks, so that what all share does not count."
        )
        self.size_weight = _weight(
            "How much area counts beside what masks look like. 0: not at all; at 1 a factor of\n"
            "four in area counts as much as looking different. More parts small from large."
        )
        self.color_weight = _weight(
            "How much mean color (or brightness) counts beside. 0: not at all; at 1 a quarter of\n"
            "the range of lightness counts as much as looking different."
        )
        self.remainder = QCheckBox("classes for what is in no mask")
        self.remainder.setToolTip(
            "Give pieces of the image that are in no mask the class that is nearest to them, so\n"
            "that the layer of classes has no gaps."
        )
        self.parameters = {
            name: DeclaredControls(entry.parameters) for name, entry in CLUSTERERS.items()
        }
        self._stack = QStackedWidget()
        for controls in self.parameters.values():
            self._stack.addWidget(controls)
        self._applying = False
        # What the curve depends on, beside the masks themselves.
        self._curve_of: dict[str, Any] = {}
        self.plot = CurvePlot()
        self.plot.show_curve(None)
        self._build()
        self._on_clusterer()

    def _build(self) -> None:
        inner = QVBoxLayout()
        inner.addLayout(labeled_grid([("Size", self.size_weight), ("Color", self.color_weight)]))
        inner.addWidget(self.whiten)
        inner.addWidget(self.remainder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Compare by", self.descriptor)]))
        layout.addWidget(self.download)
        layout.addWidget(folded("What counts beside", inner))
        layout.addLayout(
            labeled_grid([("Cluster by", self.clusterer), ("Classes", self.n_classes)])
        )
        presets = labeled_grid([("Preset", self.preset)])
        self._preset_label = presets.itemAtPosition(0, 0).widget()
        layout.addLayout(presets)
        layout.addWidget(self._stack)
        layout.addWidget(self.plot)
        self.descriptor.chosen.connect(lambda _: self._on_descriptor())
        self.download.changed.connect(self.changed)
        self.clusterer.currentIndexChanged.connect(self._on_clusterer)
        for box in (self.n_classes, self.size_weight, self.color_weight):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda _: self.changed.emit())
        self.n_classes.valueChanged.connect(lambda _: self._enable())
        for check in (self.whiten, self.remainder):
            check.toggled.connect(lambda _: self.changed.emit())
        for controls in self.parameters.values():
            controls.changed.connect(self._on_parameters)
        self.preset.chosen.connect(self._on_preset)
        self.plot.picked.connect(self._on_picked)

    # ---------------------------------------------------------------------------------- what is set

    @property
    def name(self) -> str:
        """The clusterer."""
        return str(self.clusterer.currentData())

    @property
    def network(self) -> BackboneEntry | None:
        """The network whose features are compared, None if nothing has to be installed for it."""
        name = str(self.descriptor.value)
        return None if name in DESCRIPTORS else BACKBONES.get(name)

    def settings(self) -> ClassSettings:
        """What is set now."""
        counts = CLUSTERERS[self.name].counts
        return ClassSettings(
            {
                "descriptor": self.descriptor.value,
                "whiten": self.whiten.isChecked(),
                "size_weight": round(self.size_weight.value(), 3),
                "color_weight": round(self.color_weight.value(), 3),
                "remainder": self.remainder.isChecked(),
            },
            self.name,
            (self.n_classes.value() or None) if counts else None,
            self.parameters[self.name].values(),
        )

    def show_curve(self, curve: Any) -> None:
        """Show the curve of the present clusterer; None hides it."""
        self.plot.show_curve(curve if self.name in DISTANCES else None)
        if self.plot.curve is not None:
            control = self.parameters[self.name].controls[DISTANCES[self.name]]
            control.setMaximum(max(control.maximum(), float(self.plot.curve.eps[-1])))
        self._mark()

    def release(self) -> None:
        """Stop a download."""
        self.download.release()

    # -------------------------------------------------------------------------------------- inside

    def _on_descriptor(self) -> None:
        self.download.offer(self.network)
        self.changed.emit()

    def _on_clusterer(self, _: Any = None) -> None:
        page = self.parameters[self.name]
        self._stack.setCurrentWidget(page)
        # A stack is as high as its highest page otherwise.
        self._stack.setFixedHeight(page.sizeHint().height())
        self._enable()
        self._offer_presets()
        self._curve_of = self._curve_settings()
        self.curve_outdated.emit()
        self.changed.emit()

    def _offer_presets(self) -> None:
        presets = [(name, name) for name in CLUSTERERS[self.name].presets]
        self.preset.set_choices([("none", None), *presets], None)
        for part in (self.preset, self._preset_label):
            part.setVisible(bool(presets))

    def _on_preset(self, name: str | None) -> None:
        if name is not None:
            self._applying = True
            for parameter, value in CLUSTERERS[self.name].presets[name].items():
                self.parameters[self.name].set_value(parameter, value)
            self._applying = False

    def _on_parameters(self) -> None:
        self._mark()
        presets = CLUSTERERS[self.name].presets
        chosen, own = self.preset.value, self.parameters[self.name].values()
        given = {} if chosen is None or self._applying else presets[chosen]
        if any(own[name] != value for name, value in given.items()):
            self._offer_presets()
        if self._curve_settings() != self._curve_of:
            self._curve_of = self._curve_settings()
            self.curve_outdated.emit()
        self.changed.emit()

    def _curve_settings(self) -> dict[str, Any]:
        """Parameters but the distance itself: moving that leaves the curve as it is."""
        own = self.parameters[self.name].values()
        return {name: value for name, value in own.items() if name != DISTANCES.get(self.name)}

    def _on_picked(self, distance: float) -> None:
        name = DISTANCES.get(self.name)
        if name is not None:
            if CLUSTERERS[self.name].counts:
                # A number of classes would overrule the distance.
                self.n_classes.setValue(0)
            self.parameters[self.name].set_value(name, distance)

    def _mark(self) -> None:
        name = DISTANCES.get(self.name)
        if name is not None:
            self.plot.show_chosen(self.parameters[self.name].values()[name])

    def _enable(self) -> None:
        entry = CLUSTERERS[self.name]
        self.n_classes.setEnabled(entry.counts)
        self.n_classes.setToolTip(
            "How many classes there are to be. “automatic” leaves it to the data, or to the\n"
            "distance below."
            if entry.counts
            else f"{entry.title} finds the number of classes itself."
        )
        name = DISTANCES.get(self.name)
        if name is not None and entry.counts:
            self.parameters[self.name].controls[name].setEnabled(self.n_classes.value() == 0)


def _weight(tooltip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0, 10)
    box.setSingleStep(0.1)
    box.setToolTip(tooltip)
    return box
