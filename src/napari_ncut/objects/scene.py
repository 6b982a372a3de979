"""What is known of a plane before anybody looks for things in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..regions.graph import RegionGraph
from ..regions.hierarchy import PlaneHierarchy
from ..regions.tree import MergeTree

if TYPE_CHECKING:
    from ..backbones.compact import Compact

Matrix = NDArray[np.float32]

# What features are taken relative to: the mean of the plane.
IMAGE = "image"
# Regions among which all pairs are compared.
N_REGIONS = 200


@dataclass(frozen=True)
class Pieces:
    """A plane in a few hundred regions, small enough to compare all pairs of them.

    Attributes
    ----------
    graph : RegionGraph
    tree : MergeTree
        In which order they merge.
    groups : int32 array (m,)
        The region of each of the m finest ones.
    features : float32 array (n, d)
        Unit rows: means of the backbone's prepared features.
    kind : float32 array (n, d)
        Means of the embedding of kinds.
    color : float32 array (n, 3)
        Mean Lab color, of gray planes lightness alone.
    """

    graph: RegionGraph
    tree: MergeTree
    groups: NDArray[np.int32]
    features: Matrix
    kind: Matrix
    color: Matrix

    def __len__(self) -> int:
        return len(self.graph)

    def unit_features(self, *, centered: bool = False) -> Matrix:
        """Features of unit length, (n, d); `centered` without their mean over all pixels."""
        if not centered:
            return self.features
        share = self.graph.areas / self.graph.areas.sum()
        return unit_rows(self.features - share @ self.features)

    @cached_property
    def contact(self) -> Matrix:
        """Pixels of every region that lie on the border of the plane, (n,)."""
        return border_contact(self.graph.labels)


@dataclass(frozen=True, eq=False)
class ObjectScene:
    """A plane, its features on a grid, and its regions, which are found when they are needed.

    Attributes
    ----------
    plane : float32 array (h, w, c)
        0 to 1.
    grid : float32 array (rows, columns, d)
        The backbone's features, prepared; not of unit length.
    stride : int
        Pixels per cell.
    network : Compact
        What sees boundaries.
    own : callable or None
        Gives the same plane with features of `compact` itself, where `grid` has those of another.
    """

    plane: Matrix
    grid: Matrix
    stride: int
    network: Compact
    own: Callable[[], ObjectScene] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the plane in pixels."""
        return (self.plane.shape[0], self.plane.shape[1])

    def rows(self, *, centered: bool = False) -> Matrix:
        """Features of all cells, (rows · columns, d); `centered` without their mean."""
        rows = self.grid.reshape(-1, self.grid.shape[-1])
        return rows - rows.mean(axis=0) if centered else rows

    @cached_property
    def hierarchy(self) -> PlaneHierarchy:
        """The finest regions and how they merge."""
        return PlaneHierarchy.of(self.plane, self.network)

    def pieces(self, n_regions: int = N_REGIONS) -> Pieces:
        """The plane in so many regions, fewer where it has no more."""
        fine, maps = self.hierarchy, self.network.maps(self.plane)
        groups, tree = fine.tree.coarsened(n_regions)
        graph = RegionGraph.of(groups[fine.graph.labels], maps.boundary)
        return Pieces(
            graph=graph,
            tree=tree,
            groups=groups,
            features=unit_rows(graph.means(self.grid, self.stride)),
            kind=graph.means(maps.kind, 2),
            color=graph.means(lab(self.plane)),
        )


def unit_rows(rows: Matrix) -> Matrix:
    """Rows of unit length; rows of zeros stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


def lab(plane: Matrix) -> Matrix:
    """Lab color of a plane (h, w, c), lightness 0 to 100; of other than color, the mean's."""
    from skimage.color import rgb2lab

    color = plane if plane.shape[-1] == 3 else plane.mean(axis=-1, keepdims=True)
    found: Matrix = rgb2lab(np.broadcast_to(color, (*plane.shape[:2], 3))).astype(np.float32)
    return found


def border_contact(labels: NDArray[np.int32]) -> Matrix:
    """Pixels of every region (n,) that lie on the border of the plane; corners count twice."""
    sides = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(sides, minlength=int(labels.max()) + 1).astype(np.float32)
