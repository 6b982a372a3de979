"""Magicgui panels of the "Segment by points" widget: values in, keyword arguments out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, SpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtWidgets import QGraphicsOpacityEffect, QWidget

from ..prompts import METHODS, MODES, NORMALIZATIONS
from ..prompts.methods import BEST_METHOD
from .panels import labeled_grid

# Where a person starts. The tutorial's 1.0, 0.99 and "stack" were chosen for eigenvectors of deep
# networks; with these, first clicks find more of what is meant (benchmarks/start_values.py).
GAMMA, NEGATIVE_THRESHOLD, NORMALIZATION = 0.5, 0.9, "absolute"


# How much of a disabled control shows: napari's theme grays neither sliders nor labels.
_FADED = 0.4


class ControlGrid(Container):
    """Controls under each other, their labels in a column, faded where they do nothing.

    Parameters
    ----------
    controls
        From top to bottom. Check boxes carry their own text.
    """

    def __init__(self, controls: list[ValueWidget]) -> None:
        super().__init__(widgets=controls, labels=False)
        self.margins = (0, 0, 0, 0)
        titles = ["" if isinstance(control, CheckBox) else control.label for control in controls]
        grid = labeled_grid(
            [(title, control.native) for title, control in zip(titles, controls, strict=True)]
        )
        self._labels: dict[int, QWidget] = {
            id(control): grid.itemAtPosition(row, 0).widget()
            for row, control in enumerate(controls)
        }
        self.native.layout().addLayout(grid)

    def enable(self, control: ValueWidget, enabled: bool, tooltip: str | None = None) -> None:
        """Enable or disable a control and, if given, change its tooltip."""
        control.enabled = enabled
        label = self._labels[id(control)]
        if tooltip is not None:
            control.tooltip = tooltip
            label.setToolTip(tooltip)
        for widget in (control.native, label) if isinstance(control, FloatSlider) else (label,):
            effect = None
            if not enabled:
                effect = QGraphicsOpacityEffect(widget)
                effect.setOpacity(_FADED)
            widget.setGraphicsEffect(effect)

    def show(self, control: ValueWidget, visible: bool) -> None:
        """Show a control and its label, or neither."""
        for widget in (control.native, self._labels[id(control)]):
            widget.setVisible(visible)


@dataclass(frozen=True)
class MethodFace:
    """How a prompt method is shown.

    Attributes
    ----------
    title : str
        What it is called in the list of methods.
    gamma : float
        Where a person starts.
    threshold, automatic : str
        What the threshold is, and what the automatic one is.
    unused, unused_if_automatic : dict
        Controls that do nothing, always or beside the automatic threshold, and why.
    hides_unused : bool
        Whether the former are hidden rather than faded: where a panel of its own needs the room.
    """

    title: str
    gamma: float = 1.0
    threshold: str = "How alike to the positive clicks a pixel must be."
    automatic: str = "What the method takes by itself."
    unused: Mapping[str, str] = field(default_factory=dict)
    unused_if_automatic: Mapping[str, str] = field(default_factory=dict)
    hides_unused: bool = False


FACES: dict[str, MethodFace] = {
    "regions": MethodFace(
        "regions, by all evidence",
        threshold="How probable it must be that a region is meant.",
        automatic="A region is taken where that is more probable than not: 0.5.",
        unused={
            "negative_threshold": "Not used by regions: negative clicks are weighed together with\n"
            "the positive ones, and need no threshold of their own.",
            "normalization": "Not used by regions: probabilities are the same everywhere.",
        },
    ),
    "tutorial": MethodFace(
        "likeness to each click",
        gamma=GAMMA,
        automatic="What suits the number of clicks: 0.5 for one click of a class, 0.7 for more.",
    ),
    "cut": MethodFace(
        "cut led by all clicks",
        automatic="The mask ends where the two groups of the cut part.",
        unused={
            "negative_threshold": "Not used by the cut: negative clicks lead it as positive ones\n"
            "do, and need no threshold of their own.",
            "normalization": "Not used by the cut: all planes and images are cut together.",
        },
        unused_if_automatic={
            "gamma": "Not used by the cut with the automatic threshold: its two groups decide.\n"
            "Switch that off to make masks smaller or larger."
        },
    ),
    "sam": MethodFace(
        "SAM, what is clicked",
        threshold="How probable it must be that a pixel belongs to the thing.",
        automatic="A pixel is taken where that is more probable than not: 0.5.",
        unused={
            "mode": "Not used by SAM: it finds the thing that is pointed at, or in each box.\n"
            "“All like it” is what the other methods do.",
            "gamma": "Not used by SAM.",
            "negative_threshold": "Not used by SAM: negative clicks are part of the question.",
            "normalization": "Not used by SAM: every plane is asked on its own.",
        },
        hides_unused=True,
    ),
}
# What every method has values of its own of.
_OWN = ("auto", "threshold", "gamma")


class PromptControls(ControlGrid):
    """How clicks are read: everything here that is enabled acts while it is moved."""

    def __init__(self) -> None:
        faces = {name: FACES.get(name, MethodFace(name)) for name in METHODS}
        self._faces = faces
        self.method = ComboBox(
            label="Method",
            choices=[(face.title, name) for name, face in faces.items()],
            value=BEST_METHOD,
            tooltip="\n".join(f"{face.title}: {METHODS[name]}" for name, face in faces.items()),
        )
        self.mode = ComboBox(
            label="Find",
            choices=[("all like it", "similar"), ("this object", "object")],
            value="similar",
            tooltip="\n".join(f"{name}: {text}" for name, text in MODES.items()),
        )
        self.auto = CheckBox(text="automatic threshold", value=True)
        self.threshold = FloatSlider(
            label="Threshold", value=0.5, min=0, max=1, step=0.01, tracking=True,
        )  # fmt: skip
        self.gamma = FloatSlider(
            label="Gamma", value=faces[BEST_METHOD].gamma, min=0.05, max=3, step=0.01,
            tracking=True,
            tooltip="Contrast of the likeness. To the right: smaller masks.",
        )  # fmt: skip
        self.negative_threshold = FloatSlider(
            label="Negative", value=NEGATIVE_THRESHOLD, min=0, max=1, step=0.01, tracking=True,
            tooltip="How alike to a negative click a pixel must be to be taken away.\n"
            "To the right: less is taken.",
        )  # fmt: skip
        self.min_area = SpinBox(
            label="Minimum area", value=0, min=0, max=10_000_000, step=10,
            tooltip="Pieces of fewer image pixels are dropped, unless they were clicked.",
        )  # fmt: skip
        self.normalization = ComboBox(
            label="Relative to",
            choices=[
                ("all planes", "stack"),
                ("each plane", "plane"),
                ("nothing (absolute)", "absolute"),
            ],
            value=NORMALIZATION,
            tooltip="\n".join(f"{name}: {text}" for name, text in NORMALIZATIONS.items()),
        )
        self._tooltips = {
            name: getattr(self, name).tooltip
            for name in ("mode", "gamma", "negative_threshold", "normalization")
        }
        self._shown = BEST_METHOD
        # Values of the methods that are not shown.
        self._kept: dict[str, dict[str, Any]] = {
            name: {"auto": True, "threshold": 0.5, "gamma": face.gamma}
            for name, face in faces.items()
        }
        # Before the panel itself hears of it: who asks for options then gets the method's own.
        self.method.changed.connect(self._show_method)
        self.auto.changed.connect(lambda _: self._enable())
        super().__init__(
            [
                self.method, self.mode, self.auto, self.threshold, self.gamma,
                self.negative_threshold, self.min_area, self.normalization,
            ]
        )  # fmt: skip
        self._enable()

    def _show_method(self, method: str) -> None:
        """Another method is chosen: put its own values in place of those of the last one."""
        self._kept[self._shown] = {name: getattr(self, name).value for name in _OWN}
        self._shown = method
        for name, value in self._kept[method].items():
            control = getattr(self, name)
            with control.changed.blocked():
                control.value = value
        self._enable()

    def _unused(self) -> Mapping[str, str]:
        """Controls that do nothing now, and why."""
        face = self._faces[self._shown]
        return {**face.unused, **(face.unused_if_automatic if self.auto.value else {})}

    def _enable(self) -> None:
        unused = self._unused()
        face = self._faces[self._shown]
        self.auto.tooltip = face.automatic
        tooltip = f"{face.threshold}\nTo the right: smaller masks."
        self.enable(self.threshold, not self.auto.value, tooltip)
        for name, tooltip in self._tooltips.items():
            self.enable(getattr(self, name), name not in unused, unused.get(name, tooltip))
            self.show(getattr(self, name), not (face.hides_unused and name in face.unused))

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `PromptSegmenter.predict`, without those that do nothing."""
        given = {
            "method": "auto" if self._shown == BEST_METHOD else self._shown,
            "mode": self.mode.value,
            "threshold": None if self.auto.value else self.threshold.value,
            "gamma": self.gamma.value,
            "negative_threshold": self.negative_threshold.value,
            "min_area": self.min_area.value,
            "normalization": self.normalization.value,
        }
        unused = self._unused()
        return {name: value for name, value in given.items() if name not in unused}

    def set_options(self, options: Mapping[str, Any]) -> None:
        """Show what `options` would return; what is not named stays."""
        values = {name: value for name, value in options.items() if value is not None}
        method = values.pop("method", None)
        if method is not None:
            self.method.value = BEST_METHOD if method == "auto" else method
        self.auto.value = "threshold" not in values
        for name, value in values.items():
            # Those of SAM have a panel of their own.
            if hasattr(self, name):
                getattr(self, name).value = value


class OutputControls(Container):
    """What accepting makes of the masks."""

    def __init__(self) -> None:
        self.kind = ComboBox(
            label="As",
            choices=[("classes", False), ("instances", True)],
            value=False,
            tooltip="classes: pixels get the number of their class.\n"
            "instances: every connected thing gets a number of its own; a table tells its class.",
        )
        self.split = CheckBox(
            text="split what touches",
            value=False,
            tooltip="Part things that touch: at their necks, and where a boundary is seen.",
        )
        self.protect = CheckBox(
            text="only where nothing is yet",
            value=False,
            tooltip="Keep what the output layer holds already, instead of writing over it.",
        )
        self.keep = CheckBox(
            text="keep the clicks",
            value=False,
            tooltip="Leave the clicks after accepting, for example to accept again otherwise.",
        )
        self.heat = CheckBox(
            text="show heat map",
            value=False,
            tooltip="Show how alike every pixel is to the clicks of the current class.",
        )
        super().__init__(
            widgets=[self.kind, self.split, self.protect, self.keep, self.heat], labels=True
        )
        self.margins = (0, 0, 0, 0)
        self.split.enabled = False
        self.kind.changed.connect(lambda instances: setattr(self.split, "enabled", bool(instances)))
