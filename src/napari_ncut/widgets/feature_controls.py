"""Magicgui panels of the "NCUT features" widget: values in, keyword arguments out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, SpinBox

from ..backbones import BACKBONES, BackboneEntry, backbone_entry
from ..errors import InputError
from ..spectral.names import ACCURACIES, AFFINITIES


class InputControls(Container):
    """What of the images is read."""

    def __init__(self) -> None:
        self.combine = ComboBox(
            label="Several are",
            choices=[("images, cut jointly", "images"), ("channels of one image", "channels")],
            value="images",
            tooltip="Whether checked layers are images that share one cut, or channels of one.",
        )
        self.axes = LineEdit(
            label="Axes",
            tooltip="What each dimension is:\n"
            "T time, Z depth, C channels, Y rows, X columns, S color.\n"
            "Planes (T, Z) are segmented together; channels describe one plane.\n"
            "Of several images those of the first, and of those like it;\n"
            "others, such as RGB among gray, have their own.",
        )
        self.channels = LineEdit(
            label="Channels",
            value="all",
            tooltip='Which: "all", "composite" (mixed to RGB), a number, or several: 0, 2',
        )
        self.levels: list[tuple[str, int]] = []
        self.level = ComboBox(
            label="Level",
            choices=lambda _: [("by size", -1), *self.levels],
            value=-1,
            tooltip="Level of the pyramid: 0 is the finest.\n"
            "“By size” takes the finest of at most 4 megapixels.",
        )
        self.region = ComboBox(
            label="Region",
            choices=[
                ("whole plane", "plane"),
                ("current view", "view"),
                ("rectangle of a Shapes layer", "shapes"),
            ],
            value="plane",
            tooltip="Which part of the planes is read. A smaller part gets a finer grid.",
        )
        self.planes = ComboBox(
            label="Planes",
            choices=[("all", "all"), ("only the current one", "current")],
            value="all",
            tooltip="Whether all planes of a stack are cut jointly, or only the one on screen.",
        )
        self.scaling = ComboBox(
            label="Intensities",
            choices=[
                ("by percentiles of the stack", "stack"),
                ("by percentiles of each plane", "plane"),
                ("by each layer's contrast limits", "limits"),
            ],
            value="stack",
            tooltip="What is taken for black and white.",
        )
        super().__init__(
            widgets=[
                self.combine, self.axes, self.channels, self.level, self.region, self.planes,
                self.scaling,
            ],
            labels=True,
        )  # fmt: skip
        self.margins = (0, 0, 0, 0)

    def offer_levels(self, shapes: list[tuple[int, ...]]) -> None:
        """Offer the levels of a pyramid, finest first; none for an image without one."""
        self.levels = [(f"{i}: {' × '.join(map(str, shape))}", i) for i, shape in enumerate(shapes)]
        self.level.reset_choices()

    def channel_choice(self) -> Any:
        """The channels as `as_planes` takes them."""
        text = str(self.channels.value).strip().lower()
        if text in ("", "all"):
            return None
        if text == "composite":
            return text
        try:
            numbers = [int(part) for part in text.replace(",", " ").split()]
        except ValueError as error:
            raise InputError(
                f'Channels “{text}” cannot be read. Write "all", "composite", or numbers: 0, 2'
            ) from error
        return numbers[0] if len(numbers) == 1 else numbers


class BackboneControls(Container):
    """Which features, and how many eigenvectors of them."""

    def __init__(self) -> None:
        self.backbone = ComboBox(
            label="Backbone",
            choices=list(BACKBONES),
            tooltip="\n".join(f"{entry.name}: {entry.summary}" for entry in BACKBONES.values()),
        )
        self.node = ComboBox(label="Node", choices=lambda _: list(self._entry.nodes))
        self.layer = ComboBox(
            label="Layer",
            choices=lambda _: list(self._entry.layers),
            tooltip="Later layers see a larger surrounding.",
        )
        self.n_components = SpinBox(
            label="Eigenvectors", value=10, min=1, max=250,
            tooltip="More tell smaller groups apart; fewer give fuller masks.",
        )  # fmt: skip
        super().__init__(
            widgets=[self.backbone, self.layer, self.node, self.n_components], labels=True
        )
        self.margins = (0, 0, 0, 0)
        self.backbone.changed.connect(lambda _: self._fill())
        self._fill()

    @property
    def _entry(self) -> BackboneEntry:
        return backbone_entry(self.backbone.value)

    def _fill(self) -> None:
        entry = self._entry
        self.layer.reset_choices()
        self.layer.value = entry.layers[-1]
        self.node.reset_choices()
        self.node.value = entry.default_node
        self.node.tooltip = "\n".join(f"{name}: {text}" for name, text in entry.nodes.items())
        self.n_components.value = entry.suggested_components

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `embed`."""
        return {
            "backbone": self.backbone.value,
            "layer": self.layer.value,
            "node": self.node.value,
            "n_components": self.n_components.value,
        }

    def set_options(self, options: Mapping[str, Any]) -> None:
        """Show what `options` would return; what is not named stays. A layer may be an index."""
        for name in ("backbone", "layer", "node", "n_components"):
            value = options.get(name)
            if value is not None:
                value = (
                    self._entry.layers[value]
                    if isinstance(value, int) and name == "layer"
                    else value
                )
                getattr(self, name).value = value


class CutControls(Container):
    """How the cut is made, for those who know it."""

    def __init__(self) -> None:
        self.affinity = ComboBox(
            label="Affinity",
            choices=list(AFFINITIES),
            tooltip="\n".join(f"{name}: {text}" for name, text in AFFINITIES.items()),
        )
        self.auto = CheckBox(
            text="automatic bandwidth", value=True, tooltip="√(γ · Σ variances) of the features."
        )
        self.bandwidth = FloatSpinBox(
            label="Bandwidth σ", value=5.0, min=0.001, max=1e6, step=0.5,
            tooltip="Smaller cuts sharper.",
        )  # fmt: skip
        self.gamma = FloatSpinBox(
            label="Sharpness γ", value=1.0, min=0.001, max=100, step=0.1,
            tooltip="Of the cosine affinity and of the automatic bandwidth. Smaller cuts sharper.",
        )  # fmt: skip
        self.accuracy = ComboBox(
            label="Accuracy", choices=list(ACCURACIES), value="balanced",
            tooltip="“exact” takes time that grows with the square of the number of grid cells.",
        )  # fmt: skip
        self.add_eigenvectors = CheckBox(
            text="add the eigenvectors as a layer, too", value=False,
            tooltip="One image per eigenvector, on a slider.",
        )  # fmt: skip
        super().__init__(
            widgets=[
                self.affinity,
                self.auto,
                self.bandwidth,
                self.gamma,
                self.accuracy,
                self.add_eigenvectors,
            ],
            labels=True,
        )
        self.bandwidth.enabled = False
        self.auto.changed.connect(lambda _: self._enable())
        self.affinity.changed.connect(lambda _: self._enable())

    def _enable(self) -> None:
        rbf = self.affinity.value == "rbf"
        self.auto.enabled = rbf
        self.bandwidth.enabled = rbf and not self.auto.value
        self.gamma.enabled = not rbf or bool(self.auto.value)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `embed`."""
        manual = self.affinity.value == "rbf" and not self.auto.value
        return {
            "affinity": self.affinity.value,
            "bandwidth": self.bandwidth.value if manual else "auto",
            "affinity_gamma": self.gamma.value,
            "accuracy": self.accuracy.value,
        }
