"""Magicgui panels of the "Segment by points" widget: values in, keyword arguments out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, SpinBox

from ..prompts import MODES, NORMALIZATIONS

# Where a person starts. The tutorial's 1.0, 0.99 and "stack" were chosen for eigenvectors of deep
# networks; with these, first clicks find more of what is meant (benchmarks/start_values.py).
GAMMA, NEGATIVE_THRESHOLD, NORMALIZATION = 0.5, 0.9, "absolute"


class PromptControls(Container):
    """How clicks are read: everything here acts while it is moved."""

    def __init__(self) -> None:
        self.mode = ComboBox(
            label="Find",
            choices=[("all like it", "similar"), ("this object", "object")],
            value="similar",
            tooltip="\n".join(f"{name}: {text}" for name, text in MODES.items()),
        )
        self.auto = CheckBox(
            text="automatic threshold",
            value=True,
            tooltip="What suits the number of clicks: 0.5 for one click of a class, 0.7 for more.",
        )
        self.threshold = FloatSlider(
            label="Threshold", value=0.5, min=0, max=1, step=0.01, tracking=True,
            tooltip="How alike to the positive clicks a pixel must be.\n"
            "To the right: smaller masks.",
        )  # fmt: skip
        self.gamma = FloatSlider(
            label="Gamma", value=GAMMA, min=0.05, max=3, step=0.01, tracking=True,
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
        super().__init__(
            widgets=[
                self.mode, self.auto, self.threshold, self.gamma, self.negative_threshold,
                self.min_area, self.normalization,
            ],
            labels=True,
        )  # fmt: skip
        self.margins = (0, 0, 0, 0)
        self.threshold.enabled = False
        self.auto.changed.connect(lambda auto: setattr(self.threshold, "enabled", not auto))

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `PromptSegmenter.predict`."""
        return {
            "mode": self.mode.value,
            "threshold": None if self.auto.value else self.threshold.value,
            "gamma": self.gamma.value,
            "negative_threshold": self.negative_threshold.value,
            "min_area": self.min_area.value,
            "normalization": self.normalization.value,
        }

    def set_options(self, options: Mapping[str, Any]) -> None:
        """Show what `options` would return; what is not named stays."""
        self.auto.value = options.get("threshold") is None
        for name, value in options.items():
            if value is not None:
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
            tooltip="Split touching things by a watershed of the distance to their border.",
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
