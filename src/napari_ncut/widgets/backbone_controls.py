"""Magicgui panels on the backbone: which network, which of its features, how finely."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox, Container, FileEdit, LineEdit, SpinBox
from psygnal import Signal

from ..backbones import BACKBONES, BackboneEntry
from ..backbones.network import REFINEMENTS
from ..backbones.normalization import NORMALIZATIONS
from ..backbones.preparation import PREPARATIONS
from ..devices import PRECISIONS

# Stands in the list of backbones for all those that are not in it.
ANOTHER = "another network…"
_PASSES = {1: "", 2: "4 passes", 4: "16 passes", 8: "64 passes"}


class BackboneControls(Container):
    """Which features, and how many eigenvectors of them.

    Signals
    -------
    asked(str)
        The user named a network that is not in the list; `offer` it when it is known.
    """

    asked = Signal(str)

    def __init__(self) -> None:
        self._others: dict[str, BackboneEntry] = {}
        self.backbone = ComboBox(
            label="Backbone",
            choices=[*((entry.title, entry.name) for entry in BACKBONES.values()),
                     (ANOTHER, ANOTHER)],
        )  # fmt: skip
        self.another = LineEdit(
            label="Name",
            tooltip="Any network of timm or torchvision by its name, then Enter:\n"
            "timm:resnet18.a1_in1k, torchvision:vgg16",
        )
        self.layer = ComboBox(
            label="Layer",
            choices=lambda _: list(self.entry.layers) if self.entry else [],
            tooltip="Later layers see a larger surrounding: they tell more of what things are,\n"
            "earlier ones more of where they end.",
        )
        self.node = ComboBox(
            label="Node", choices=lambda _: list(self.entry.nodes) if self.entry else []
        )
        self.stride = ComboBox(
            label="Grid",
            choices=lambda _: self._strides(),
            tooltip="Pixels per cell of the feature grid. Finer masks take more passes.",
        )
        self.n_components = SpinBox(
            label="Eigenvectors", value=10, min=1, max=250,
            tooltip="More tell smaller groups apart; fewer give fuller masks.",
        )  # fmt: skip
        self.network = NetworkControls()
        super().__init__(
            widgets=[
                self.backbone, self.another, self.layer, self.node, self.stride, self.n_components,
            ],
            labels=True,
        )  # fmt: skip
        self.margins = (0, 0, 0, 0)
        self.backbone.changed.connect(lambda _: self._fill())
        self.layer.changed.connect(lambda _: _refill(self.stride))
        self.node.changed.connect(lambda _: self._offer_layers())
        # Only whole names are looked up, not every letter.
        self.another.native.editingFinished.connect(self._ask)
        self._fill()

    @property
    def entry(self) -> BackboneEntry | None:
        """What is chosen; None while a network's name has not been told or is not known yet."""
        name = self.backbone.value
        if name == ANOTHER:
            return self._others.get(str(self.another.value).strip())
        return BACKBONES.get(name)

    def offer(self, entry: BackboneEntry) -> None:
        """Make a network that is not in the list known, which the user has named."""
        self._others[entry.name] = entry
        if self.entry is entry:
            self._fill()

    def _ask(self) -> None:
        name = str(self.another.value).strip()
        if self.backbone.value == ANOTHER and name:
            if name in self._others:
                self._fill()
            else:
                self.asked.emit(name)

    def _strides(self) -> list[tuple[str, int | None]]:
        choices: list[tuple[str, int | None]] = [("automatic", None)]
        entry = self.entry
        if entry is None:
            return choices
        native = entry.native_stride(self.layer.value or None)
        if native is None:
            return [*choices, *((f"{stride} px", stride) for stride in (1, 2, 4, 8, 16, 32))]
        choices += [
            (f"{native // factor} px ({passes})" if passes else f"{native} px", native // factor)
            for factor, passes in reversed(_PASSES.items())
            if native % factor == 0 and factor <= 4
        ]
        return [*choices, *((f"{native * k} px (reduced)", native * k) for k in (2, 4))]

    def _offer_layers(self) -> None:
        """Let a layer be chosen where the node type has several."""
        entry, node = self.entry, self.node.value
        if entry is None or node is None:
            return
        matters = entry.has_layers(node)
        if not matters:
            self.layer.value = entry.layers[entry.default_layer]
        self.layer.enabled = matters

    def _fill(self) -> None:
        entry = self.entry
        self.another.visible = self.backbone.value == ANOTHER
        for combo in (self.layer, self.node, self.stride):
            _refill(combo)
        self.network.offer(entry)
        if entry is None:
            self.backbone.tooltip = "Any network of timm or torchvision"
            return
        self.backbone.tooltip = f"{entry.summary}\n{entry.name}\nLicense: {entry.license}"
        self.layer.value = entry.layers[entry.default_layer]
        self.node.value = entry.default_node
        self._offer_layers()
        self.node.tooltip = "\n".join(f"{name}: {text}" for name, text in entry.nodes.items())
        self.n_components.value = entry.suggested_components

    @property
    def layers(self) -> str | None:
        """Layers as `embed` takes them: several by text, or the one chosen."""
        return self.network.several() or self.layer.value

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `embed`."""
        return {
            "backbone": self.entry.name if self.entry else self.backbone.value,
            "layer": self.layers,
            "node": self.node.value,
            "stride": self.stride.value,
            "n_components": self.n_components.value,
            **self.network.options(),
        }

    def set_options(self, options: Mapping[str, Any]) -> None:
        """Show what `options` would return; what is not named stays. A layer may be an index."""
        for name in ("backbone", "layer", "node", "stride", "n_components"):
            value = options.get(name)
            if value is not None:
                if isinstance(value, int) and name == "layer" and self.entry is not None:
                    value = self.entry.layers[value]
                getattr(self, name).value = value


def _refill(combo: ComboBox) -> None:
    """Offer the choices of now in their order: magicgui would put new ones behind old ones."""
    with combo.changed.blocked():
        combo.choices = ()
        combo.reset_choices()
    combo.enabled = bool(combo.choices)


class NetworkControls(Container):
    """What most people leave as it is: weights of one's own, several layers, precision."""

    def __init__(self) -> None:
        self.layers = LineEdit(
            label="Several layers",
            tooltip="Put side by side in place of the one above: 3, 7, 11",
        )
        self.refine = ComboBox(
            label="Finer grid by",
            choices=[("shifted passes", "shift"), ("overlapping patches", "dense")],
            tooltip="\n".join(f"{name}: {text}" for name, text in REFINEMENTS.items()),
        )
        self.preparation = ComboBox(
            label="Features",
            choices=[("as suits the backbone", None), *((name, name) for name in PREPARATIONS)],
            tooltip="\n".join(f"{name}: {text}" for name, text in PREPARATIONS.items()),
        )
        self.checkpoint = FileEdit(
            label="Own weights",
            mode="r",
            filter="*.pth *.pt *.ckpt *.bin *.safetensors *.npz",
            nullable=True,
            tooltip="A file of weights for this network, in place of those installed.\n"
            "Nothing in it is executed.",
        )
        self.normalization = ComboBox(
            label="Intensities",
            choices=[("as the network's own", None), *((n, n) for n in NORMALIZATIONS)],
            tooltip="What the network that the weights are of expects.",
        )
        self.precision = ComboBox(
            label="Precision",
            choices=list(PRECISIONS),
            tooltip="“auto” takes half precision on a CUDA card.",
        )
        super().__init__(
            widgets=[
                self.layers, self.refine, self.preparation, self.checkpoint, self.normalization,
                self.precision,
            ],
            labels=True,
        )  # fmt: skip
        self.margins = (0, 0, 0, 0)

    def offer(self, entry: BackboneEntry | None) -> None:
        """Another backbone is chosen: nothing of the last one's own stays."""
        has_network = entry is None or entry.weights is not None
        for control in (self.refine, self.checkpoint, self.normalization, self.precision):
            control.enabled = has_network
        self.layers.value = ""
        if entry is not None:
            self.layers.tooltip = (
                f"Put side by side in place of the one above, by number: 0 to "
                f"{len(entry.layers) - 1}, such as 3, 7, 11"
            )
        if not has_network:
            self.checkpoint.value = None

    def several(self) -> str | None:
        """The layers that are named here, None if none are."""
        return str(self.layers.value).strip() or None

    @property
    def file(self) -> Path | None:
        """The user's file of weights, None for those installed."""
        chosen = self.checkpoint.value
        return Path(chosen) if chosen and str(chosen) != "." else None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `embed`, without those at their defaults."""
        given: dict[str, Any] = {
            "preparation": self.preparation.value,
            "checkpoint": str(self.file) if self.file else None,
            "normalization": self.normalization.value,
            "refine": self.refine.value if self.refine.value != "shift" else None,
            "precision": self.precision.value if self.precision.value != "auto" else None,
        }
        return {name: value for name, value in given.items() if value is not None}
