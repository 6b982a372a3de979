"""What a run will take, before it is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..imaging import PlaneLayout
from .entry import BackboneEntry, Layers

# Measured on two cores (benchmarks/estimates.py, ncut.py and backbones.py): a cut of a small graph;
# of every further node, and of each of its features; the square of the number of
# nodes where nearest neighbors are found, and where all pairs are iterated on; and what networks
# reach. Other machines differ by a factor, which the caller may learn.
_SMALL_CUT = 0.4
_SMALL_NODES = 8192
_PER_NODE = 1.2e-5
_PER_VALUE = 8e-8
_SPARSE = (1e-4, 3.5e-9)
_EXACT = 1.5e-8
_BILLIONS_PER_SECOND = 150.0
# A GPU's factor differs from card to card; this is a modest one's, in half precision.
_SPEEDUP = {"cpu": 1.0, "cuda": 50.0, "mps": 5.0}
_FEATURES = 32
_NETWORK_FEATURES = 768


@dataclass(frozen=True)
class Estimate:
    """Rough cost of a run: seconds on two CPU cores, and bytes of memory at its peak."""

    seconds: float
    memory: float

    def scaled(self, pace: float) -> Estimate:
        """The same at another pace: seconds times `pace`."""
        return Estimate(self.seconds * pace, self.memory)

    @property
    def text(self) -> str:
        """For people: rounded, since it is rough."""
        seconds = self.seconds
        time = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
        if seconds < 1:
            time = "1 s"
        if seconds >= 5400:
            time = f"{seconds / 3600:.1f} h"
        return f"about {time}, {max(self.memory / 1e9, 0.1):.1f} GB"


def estimate_run(
    layout: PlaneLayout,
    entry: BackboneEntry,
    n_components: int,
    *,
    layer: Layers = None,
    dense: bool = False,
    device: str = "cpu",
    cut: Mapping[str, Any] | None = None,
) -> Estimate:
    """Estimate features and cut of images laid out like this.

    Parameters
    ----------
    layout
        Sizes of the images, and the stride of their grids.
    entry, layer
        Backbone, and which of its layers.
    n_components
        Number of eigenvectors.
    dense
        Whether a finer grid is reached by overlapping patches rather than shifted passes.
    device
        Kind of device: "cpu", "cuda" or "mps".
    cut
        What else `embed` is told of the cut: affinity, accuracy, contours.
    """
    nodes = layout.n_nodes
    width = _FEATURES if entry.cost is None else _NETWORK_FEATURES
    seconds = _cut_seconds(nodes, width, cut or {})
    memory = nodes * 4 * (width + 2 * n_components) + 4e8
    if entry.cost is None:
        pixels = sum(height * width for height, width in layout.shapes)
        largest = max(height * width for height, width in layout.shapes)
        seconds += pixels / 1e6 * entry.seconds_per_megapixel
        return Estimate(seconds, memory + largest * 4 * 40)
    operations = 0.0
    largest_input = 0.0
    for height, width in layout.shapes:
        megapixels, runs = _input(entry, layer, layout.stride, height, width, dense)
        operations += entry.cost.operations(megapixels) * runs
        largest_input = max(largest_input, megapixels)
    speed = _BILLIONS_PER_SECOND * _SPEEDUP.get(device.partition(":")[0], 1.0)
    return Estimate(
        seconds + operations / speed, memory + 2 * entry.size + largest_input * entry.cost.memory
    )


def _cut_seconds(nodes: int, width: int, cut: Mapping[str, Any]) -> float:
    """What a cut of so many nodes of so many features takes."""
    if cut.get("affinity") == "neighbors" or cut.get("contours") is not None:
        linear, square = _SPARSE
        return _SMALL_CUT + linear * nodes + square * nodes**2 * max(1.0, width / 100)
    if cut.get("accuracy") == "exact":
        return _SMALL_CUT + _EXACT * nodes**2 * max(1.0, width / 100)
    if nodes <= _SMALL_NODES:
        return _SMALL_CUT
    return _SMALL_CUT + nodes * (_PER_NODE + _PER_VALUE * width)


def _input(
    entry: BackboneEntry, layer: Layers, stride: int, height: int, width: int, dense: bool
) -> tuple[float, float]:
    """Megapixels that the network is given of a plane at once, and how often."""
    native = min(entry.strides[i] for i in entry.layer_indices(layer))
    side = entry.canvas / 1e3
    if entry.fits_canvas:
        least = -(-max(height, width) // (entry.canvas // native))
        return side**2, max(1, -(-least // stride)) ** 2
    scale = native / max(stride, native)
    megapixels = height * width * scale**2 / 1e6
    factor = max(1, native // stride)
    if entry.canvas:
        tiles = max(1.0, megapixels / (0.75 * side) ** 2)
        return side**2, tiles * factor**2
    return (megapixels * factor**2, 1.0) if dense else (megapixels, float(factor**2))
