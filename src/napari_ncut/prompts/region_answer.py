"""What a method on regions answers for a plane, and how it becomes pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..regions.graph import RegionGraph
from .clicks import Clicks
from .margins import doubt_of, margin_above


@dataclass
class RegionAnswer:
    """Likeness of all regions to every class.

    Attributes
    ----------
    graph : RegionGraph
        The regions.
    heat : float32 array (n_classes, n_regions)
        0 to 1.
    cut : float
        What heat must exceed.
    """

    graph: RegionGraph
    heat: NDArray[np.float32]
    cut: float
    _margins: NDArray[np.float32] = field(init=False)
    _splits: list[tuple[int, NDArray[np.int64], NDArray[np.bool_]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._margins = margin_above(self.heat, self.cut)

    def hold(self, clicks: Clicks, plane: int) -> None:
        """Put clicked regions on their clicks' sides; one clicked for both is parted."""
        here = np.flatnonzero(clicks.pixels[:, 0] == plane)
        pixels = clicks.pixels[here, 1:]
        regions = self.graph.labels[pixels[:, 0], pixels[:, 1]]
        for k, label in enumerate(clicks.labels):
            own = clicks.classes[here]
            inside = clicks.positive[here] & (own == label)
            outside = (clicks.positive[here] & (own != label)) | (
                ~clicks.positive[here] & np.isin(own, (0, label))
            )
            self._margins[k, regions[outside]] = -1
            self._margins[k, regions[inside]] = 1
            for region in np.intersect1d(regions[inside], regions[outside]):
                self._split(k, int(region), pixels, regions, inside, outside)

    def _split(
        self,
        k: int,
        region: int,
        pixels: NDArray,
        regions: NDArray,
        inside: NDArray,
        outside: NDArray,
    ) -> None:
        """Every pixel of a region to the side of the click that is nearest to it."""
        from scipy.spatial import cKDTree

        chosen = np.flatnonzero((regions == region) & (inside | outside))
        places = np.flatnonzero(self.graph.labels.ravel() == region)
        width = self.graph.labels.shape[1]
        _, nearest = cKDTree(pixels[chosen]).query(np.stack(np.divmod(places, width), axis=1))
        self._splits.append((k, places, inside[chosen][nearest]))

    def keep_clicked(self, clicks: Clicks, plane: int) -> None:
        """Push regions out that do not hang together with a positive click of their class."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        here = clicks.positive & (clicks.pixels[:, 0] == plane)
        one, other = self.graph.edges.T
        n = len(self.graph)
        for k, label in enumerate(clicks.labels):
            inside = self._margins[k] > 0
            joined = inside[one] & inside[other]
            entries = (np.ones(joined.sum(), np.int8), (one[joined], other[joined]))
            _, pieces = connected_components(coo_array(entries, shape=(n, n)), directed=False)
            rows, columns = clicks.pixels[here & (clicks.classes == label), 1:].T
            clicked = pieces[self.graph.labels[rows, columns]]
            if len(clicked):
                self._margins[k, inside & ~np.isin(pieces, clicked)] *= -1

    def class_map(
        self, classes: list[int], dtype: np.dtype, upsampler: Callable[[], Any] | None = None
    ) -> NDArray:
        """The class (h, w) of the largest margin above 0 at every pixel, 0 without one."""
        best = self._margins.max(axis=0)
        numbers = np.array(classes)[self._margins.argmax(axis=0)]
        of_region = np.where(best > 0, numbers, 0).astype(dtype)
        # All numbers of regions are below their count; "clip" spares the check of each.
        labels = np.take(of_region, self.graph.labels, mode="clip")
        flat = labels.reshape(-1)
        for k, places, inside in self._splits:
            flat[places] = np.where(
                inside, classes[k], np.where(flat[places] == classes[k], 0, flat[places])
            )
        return labels

    def doubt_map(self, upsampler: Callable[[], Any]) -> NDArray[np.float32]:
        """How undecided every pixel (h, w) is, 0 to 1."""
        return doubt_of(self._margins)[self.graph.labels]

    def heat_map(self, upsampler: Callable[[], Any]) -> NDArray[np.float32]:
        """Likeness (n_classes, h, w)."""
        return self.heat[:, self.graph.labels]
