"""What the registry knows of a backbone, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..declared import missing_because
from ..errors import InputError, check_choice, is_number
from ..weights import WeightsFile
from .cost import Cost

# A grid of 256 × 256 cells keeps a one-megapixel plane at a stride of 4 pixels, cut in seconds and
# prompted in milliseconds; two million nodes keep the eigenvectors of a long stack within 250 MB.
CELLS_PER_PLANE = 2**16
CELLS_IN_ALL = 2**21
# Layers with larger cells tell what is there rather than where, which clicks need.
LARGEST_CELL = 16
# Attention among all cells takes time that grows with the square of their number: a plane of
# 128 × 128 cells is what a person waits for.
CELLS_OF_ATTENTION = 2**14

Layers = int | str | Sequence[int | str] | None
Shapes = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class BackboneEntry:
    """Everything needed to offer, describe and build a backbone.

    Attributes
    ----------
    name, summary
        How users call it, and what it is good for, in one line.
    title
        Its short name, for lists in a window.
    builder
        "module:function", imported only when the backbone is loaded.
    layers
        Labels of the layers, in order.
    nodes
        Node types, the default first, each with what it is good for.
    layered
        Node types for which it matters which layer is chosen; None if it does for all.
    object_node
        Node type by which things are found without a click; None if it is the default.
    strides
        Pixels per cell of every layer; () where the stride is chosen by the size of the images.
    preparation
        What happens to features before a cut: "standardize" each feature over all images (units
        differ), "l2" normalize every node (directions count), or "none".
    channels
        Number of channels it takes, None for any (other images are mixed to fit).
    canvas
        Side in pixels of the square that the network takes, 0 if it takes images of any size.
    fits_canvas
        Whether images are resized to fit the canvas, rather than cut into tiles of it.
    weights
        The file that holds its weights, None without weights.
    license, source
        Of weights and method.
    requires
        Import name and extra of an optional dependency, () without one.
    cost
        Work and memory of its network, None where `seconds_per_megapixel` says it.
    seconds_per_megapixel
        Rough time on two CPU cores, for backbones that are no network.
    inside
        Bytes of weights that come with the package.
    own_options
        Options of `load_backbone` that its builder takes beside layer, node, stride and device;
        families take all of them.
    suggested_components
        Number of eigenvectors that suits clicking, where a person starts.
    """

    name: str
    summary: str
    title: str
    builder: str
    layers: tuple[str, ...]
    nodes: dict[str, str] = field(hash=False)
    layered: tuple[str, ...] | None = None
    object_node: str | None = None
    strides: tuple[int, ...] = ()
    preparation: Literal["standardize", "l2", "none"] = "l2"
    channels: int | None = None
    canvas: int = 0
    fits_canvas: bool = False
    weights: WeightsFile | None = None
    license: str = ""
    source: str = ""
    requires: tuple[str, str] | tuple[()] = ()
    cost: Cost | None = None
    seconds_per_megapixel: float = 0.0
    inside: int = 0
    own_options: tuple[str, ...] = ()
    suggested_components: int = 10

    @property
    def size(self) -> int:
        """Size of the weights in bytes, about; 0 without weights."""
        return self.weights.size if self.weights is not None else 0

    @property
    def readable_size(self) -> str:
        """Size of the weights as people read it."""
        if self.inside:
            return f"{self.inside / 1e6:.0f} MB that come with the package"
        return self.weights.readable_size if self.weights else "no weights, no download"

    @property
    def default_layer(self) -> int:
        """The layer used if none is chosen: the last, of those whose cells are not too large."""
        fine = [i for i, stride in enumerate(self.strides) if stride <= LARGEST_CELL]
        return fine[-1] if fine else len(self.layers) - 1

    @property
    def default_node(self) -> str:
        """The node type used if none is chosen."""
        return next(iter(self.nodes))

    def has_layers(self, node: str) -> bool:
        """Whether it matters for a node type which layer is chosen."""
        return self.layered is None or node in self.layered

    @property
    def unavailable_because(self) -> str:
        """Why it cannot be used here, with the remedy; "" if it can. Weights do not count."""
        return missing_because(self.name, self.requires)

    # ------------------------------------------------------------------------------------ layers

    def layer_indices(self, layer: Layers) -> tuple[int, ...]:
        """Indices of one layer or several: indices, labels, or text such as "3, 7, block 11"."""
        if layer is None:
            return (self.default_layer,)
        if isinstance(layer, str) and layer not in self.layers:
            layer = [part.strip() for part in layer.split(",") if part.strip()]
        if isinstance(layer, str) or not isinstance(layer, Sequence):
            layer = [layer]
        indices = tuple(self._layer_index(one) for one in layer)
        if not indices or len(set(indices)) < len(indices):
            raise InputError(
                f"Layers {layer!r} of {self.name} cannot be used. Give one, or several different "
                f"ones, of: {', '.join(self.layers)}."
            )
        return indices

    def _layer_index(self, layer: Any) -> int:
        n_layers = len(self.layers)
        if isinstance(layer, str):
            if not layer.lstrip("-").isdigit():
                return self.layers.index(check_choice(f"layer of {self.name}", layer, self.layers))
            layer = int(layer)
        if not isinstance(layer, (int, np.integer)) or not -n_layers <= layer < n_layers:
            raise InputError(
                f"Layer {layer!r} of {self.name} does not exist. Give an index from 0 to "
                f"{n_layers - 1} (negative counts from the end), or one of: "
                f"{', '.join(self.layers)}."
            )
        return int(layer) % n_layers

    # ------------------------------------------------------------------------------------ stride

    def native_stride(self, layer: Layers = None) -> int | None:
        """Pixels per cell of a layer, the finest of several; None if it follows the images."""
        if not self.strides or self.fits_canvas:
            return None
        return min(self.strides[i] for i in self.layer_indices(layer))

    def check_stride(self, stride: Any, layer: Layers = None) -> None:
        """Raise an `InputError` unless `stride` is None or one that this backbone can have."""
        if stride is None:
            return
        native = self.native_stride(layer)
        whole = is_number(stride, whole=True) and stride >= 1
        if self.fits_canvas:
            fits, accepted = whole, "a whole number from 1"
        elif native is None:
            fits = whole and not stride & (stride - 1)
            accepted = "a power of two (1, 2, 4, 8 …)"
        else:
            fits = whole and (stride % native == 0 or native % stride == 0)
            accepted = f"{native}, a multiple, or a whole fraction of it"
        if not fits:
            raise InputError(
                f"Stride {stride!r} of {self.name} cannot be used. Give {accepted}, in pixels."
            )

    def choose_stride(self, shapes: Shapes, layer: Layers = None, stride: int | None = None) -> int:
        """Pixels per cell for planes (h, w): `stride`, or the finest that keeps grids workable."""
        if stride is not None:
            return int(stride)
        shapes = tuple(shapes)
        if self.fits_canvas:
            side = self.canvas // self.strides[0]
            native = -(-max(max(shape) for shape in shapes) // side)
        else:
            native = self.native_stride(layer) or 1
        attention = self.cost is not None and self.cost.quadratic > 0
        return workable_stride(shapes, native, CELLS_OF_ATTENTION if attention else CELLS_PER_PLANE)


def workable_stride(shapes: Shapes, finest: int = 1, most: int = CELLS_PER_PLANE) -> int:
    """`finest`, doubled until the feature grids of planes (h, w) stay workable."""
    stride, shapes = finest, tuple(shapes)
    while True:
        cells = [-(-h // stride) * -(-w // stride) for h, w in shapes]
        if max(cells) <= most and sum(cells) <= CELLS_IN_ALL:
            return stride
        stride *= 2
