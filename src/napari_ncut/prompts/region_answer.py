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

# Pixels within which a click beside what is on its side is one at its edge.
_EDGE = 2.0
_DISC = np.stack(np.nonzero(np.hypot(*np.indices((5, 5)) - 2.0) <= _EDGE)) - 2


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
    # Regions that a positive click at their edge belongs to.
    _beside: list[tuple[int, NDArray[np.int64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._margins = margin_above(self.heat, self.cut)

    def hold(self, clicks: Clicks, plane: int) -> None:
        """Put clicked regions on their clicks' sides; one clicked for both is parted.

        Of a click beside what is on its side, into a region that is not, the pixels around it
        change sides, and not the region: it corrects an edge.
        """
        here = np.flatnonzero(clicks.pixels[:, 0] == plane)
        pixels = clicks.pixels[here, 1:]
        flat = pixels[:, 0] * self.graph.labels.shape[1] + pixels[:, 1]
        regions = self.graph.labels[pixels[:, 0], pixels[:, 1]]
        own_pixels = []
        for k, label in enumerate(clicks.labels):
            own = clicks.classes[here]
            inside = clicks.positive[here] & (own == label)
            outside = (clicks.positive[here] & (own != label)) | (
                ~clicks.positive[here] & np.isin(own, (0, label))
            )
            own_pixels += [(k, flat[side], inside[side]) for side in (inside, outside)]
            at_edges = self._at_edges(k, pixels, regions, inside, outside)
            for i in np.flatnonzero(at_edges):
                self._correct(k, pixels[i], bool(inside[i]))
            inside, outside = inside & ~at_edges, outside & ~at_edges
            self._margins[k, regions[outside]] = -1
            self._margins[k, regions[inside]] = 1
            for region in np.intersect1d(regions[inside], regions[outside]):
                self._split(k, int(region), pixels, regions, inside, outside)
        if self._splits:
            # Where clicks are that near to each other, each has its own pixel at least.
            self._splits += own_pixels

    def _at_edges(
        self, k: int, pixels: NDArray, regions: NDArray, inside: NDArray, outside: NDArray
    ) -> NDArray[np.bool_]:
        """Which clicks correct an edge of what is answered."""
        answered = self._margins[k] > 0
        found = np.zeros(len(pixels), bool)
        flat = self.graph.labels.ravel()
        for i in np.flatnonzero((inside | outside) & (answered[regions] != inside)):
            found[i] = (answered[flat[self._around(pixels[i])]] == inside[i]).any()
        return found

    def _correct(self, k: int, pixel: NDArray, positive: bool) -> None:
        """Pixels around a click at an edge to its side."""
        places = self._around(pixel)
        self._splits.append((k, places, np.full(len(places), positive)))
        if positive:
            beside = np.unique(self.graph.labels.ravel()[places])
            self._beside.append((k, beside[self._margins[k, beside] > 0]))

    def _around(self, pixel: NDArray) -> NDArray[np.int64]:
        """Flat indices of the pixels within `_EDGE` of one."""
        height, width = self.graph.labels.shape
        rows, columns = pixel[:, np.newaxis] + _DISC
        within = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        return rows[within] * width + columns[within]

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
        chosen = np.flatnonzero((regions == region) & (inside | outside))
        places = np.flatnonzero(self.graph.labels.ravel() == region)
        rows = np.stack(np.divmod(places, self.graph.labels.shape[1]), axis=1)
        self._splits.append((k, places, nearest_sides(rows, pixels[chosen], inside[chosen])))

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
            at_edges = [regions for i, regions in self._beside if i == k]
            clicked = pieces[np.concatenate([self.graph.labels[rows, columns], *at_edges])]
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


def nearest_sides(
    places: NDArray[np.int64], clicks: NDArray[np.int64], positive: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The sign of the click (m, 2) that is nearest to each of the places (n, 2)."""
    from scipy.spatial import cKDTree

    sides: NDArray[np.bool_] = positive[cKDTree(clicks).query(places)[1]]
    return sides
