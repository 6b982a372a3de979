"""What backbones there are, as data: widget, command line, docs and tests are made from it."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice, is_number


class Backbone(Protocol):
    """Turns planes into feature maps.

    Attributes
    ----------
    name : str
        Name in the registry.
    stride : int or None
        Pixels per cell of the feature grid; None if it is chosen by the size of the images.
    options : dict
        What `load_backbone` needs to make the same backbone again (plain data).
    """

    name: str
    stride: int | None
    options: dict[str, Any]

    def features(self, planes: list[NDArray[np.float32]], stride: int) -> list[NDArray[np.float32]]:
        """Feature maps (rows, columns, d) of planes (h, w, c) in [0, 1]."""
        ...


@dataclass(frozen=True)
class BackboneEntry:
    """Everything needed to offer, describe and build a backbone.

    Attributes
    ----------
    name, summary
        How users call it, and what it is good for, in one line.
    builder
        "module:function", imported only when the backbone is loaded.
    layers
        Labels of the layers, in order; the default is the last.
    nodes
        Node types, the default first, each with what it is good for.
    stride
        Pixels per cell, None if it is chosen by the size of the images.
    preparation
        What happens to features before a cut: "standardize" each feature over all images (units
        differ), "l2" normalize every node (directions count), or "none".
    channels
        Number of channels it takes, None for any.
    size
        Size of the weights in bytes, 0 without weights.
    license, source
        Of weights and method.
    requires
        Import name and extra of an optional dependency, () without one.
    seconds_per_megapixel
        Rough time on two CPU cores, for the estimate shown before a run.
    suggested_components
        Number of eigenvectors that suits clicking, where a person starts.
    """

    name: str
    summary: str
    builder: str
    layers: tuple[str, ...]
    nodes: dict[str, str] = field(hash=False)
    stride: int | None = None
    preparation: Literal["standardize", "l2", "none"] = "l2"
    channels: int | None = None
    size: int = 0
    license: str = ""
    source: str = ""
    requires: tuple[str, str] | tuple[()] = ()
    seconds_per_megapixel: float = 1.0
    suggested_components: int = 30

    @property
    def default_node(self) -> str:
        """The node type used if none is chosen."""
        return next(iter(self.nodes))

    @property
    def unavailable_because(self) -> str:
        """Why it cannot be used here, with the remedy; "" if it can."""
        if not self.requires or importlib.util.find_spec(self.requires[0]):
            return ""
        return (
            f"{self.name} needs {self.requires[0]}: pip install 'napari-ncut[{self.requires[1]}]'"
        )


BACKBONES: dict[str, BackboneEntry] = {
    entry.name: entry
    for entry in [
        BackboneEntry(
            name="filterbank",
            summary="Color, edges and texture at four scales. No weights, no download, any image.",
            builder="napari_ncut.backbones.filterbank:FilterBank",
            layers=("σ ≤ 1 px", "σ ≤ 2 px", "σ ≤ 4 px", "σ ≤ 8 px"),
            nodes={
                "all": "color, edges and texture together",
                "color": "smoothed intensities only: phases and stains",
                "edge": "gradient and Laplacian only: outlines",
                "texture": "structure tensor and local contrast only: grain and roughness",
            },
            preparation="standardize",
            license="BSD-3-Clause",
            source="scikit-image and SciPy filters",
            seconds_per_megapixel=1.1,
            suggested_components=10,
        ),
    ]
}


def list_backbones() -> list[str]:
    """Names of all backbones, the default first. `backbone_entry` tells about one of them."""
    return list(BACKBONES)


def backbone_entry(name: str) -> BackboneEntry:
    """The registry's entry of a backbone; an `InputError` if there is none of that name."""
    return BACKBONES[check_choice("backbone", name, BACKBONES)]


def load_backbone(
    name: str,
    *,
    layer: int | str | None = None,
    node: str | None = None,
    checkpoint: str | None = None,
    device: str | None = None,
    stride: int | None = None,
) -> Backbone:
    """Make a backbone ready for use.

    Parameters
    ----------
    name
        One of `list_backbones()`.
    layer
        Which layer: an index (negative counts from the end) or its label. Default: the last.
        A later layer sees a larger surrounding.
    node
        Which of the entry's node types. Default: its first.
    checkpoint
        File of weights to use in place of the backbone's own, for backbones that have weights.
    device
        "cpu", "cuda", "mps"; default: the best there is, for backbones that can use it.
    stride
        Pixels per feature-grid cell, a power of two, for backbones whose entry leaves it open.
        Default: chosen by the size of the images.

    Raises
    ------
    InputError
        If the name, layer, node, checkpoint or stride do not fit, or a dependency is missing.
    """
    entry = backbone_entry(name)
    if entry.unavailable_because:
        raise InputError(entry.unavailable_because)
    layer_index = _layer_index(entry, layer)
    node = check_choice(
        f"node of {name}", entry.default_node if node is None else node, entry.nodes
    )
    if checkpoint is not None and entry.size == 0:
        raise InputError(
            f"{name} has no weights, so checkpoint={checkpoint!r} cannot be used. Leave it out."
        )
    if stride is not None and entry.stride is not None and stride != entry.stride:
        raise InputError(
            f"{name} has a fixed stride of {entry.stride} pixels; {stride} cannot be had. "
            f"Leave it out."
        )
    if stride is not None and (
        not is_number(stride, whole=True) or stride < 1 or stride & (stride - 1)
    ):
        raise InputError(
            f"Stride {stride!r} cannot be used. Give a power of two (1, 2, 4, 8 …), in pixels."
        )
    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(module), function)
    backbone: Backbone = builder(
        entry, layer=layer_index, node=node, checkpoint=checkpoint, device=device, stride=stride
    )
    return backbone


def _layer_index(entry: BackboneEntry, layer: int | str | None) -> int:
    n_layers = len(entry.layers)
    if layer is None:
        return n_layers - 1
    if isinstance(layer, str):
        if layer.lstrip("-").isdigit():
            layer = int(layer)
        else:
            return entry.layers.index(check_choice(f"layer of {entry.name}", layer, entry.layers))
    if not isinstance(layer, (int, np.integer)) or not -n_layers <= layer < n_layers:
        raise InputError(
            f"Layer {layer!r} of {entry.name} does not exist. Give an index from 0 to "
            f"{n_layers - 1} (negative counts from the end), or one of: {', '.join(entry.layers)}."
        )
    return int(layer) % n_layers
