"""What is known of a plane's regions before anybody clicks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backbones.compact import PlaneMaps
from .graph import RegionGraph
from .merging import merge_tree
from .tree import MergeTree
from .watershed import fine_regions

Matrix = NDArray[np.float32]

# Clicks are answered within a moment by so many regions: of larger planes those merge first whose
# boundaries are the weakest.
_MOST_REGIONS = 12_000


@dataclass(frozen=True)
class PlaneRegions:
    """Regions of a plane with what describes them.

    Attributes
    ----------
    graph : RegionGraph
        Which pixels they have and which of them touch.
    tree : MergeTree
        In which order they merge.
    segment, kind : float32 arrays (n, d)
        Means of the embeddings.
    deep : float32 array (n, d)
        Means of features of the network.
    look : float32 array (n, d)
        Means of lightness, color and texture.
    """

    graph: RegionGraph
    tree: MergeTree
    segment: Matrix
    kind: Matrix
    deep: Matrix
    look: Matrix

    @classmethod
    def of(cls, plane: Matrix, maps: PlaneMaps) -> PlaneRegions:
        """Regions of a plane (h, w, c) with the network's maps of it."""
        graph = RegionGraph.of(fine_regions(maps.boundary, plane), maps.boundary)
        tree = merge_tree(graph, maps, plane)
        if len(graph) > _MOST_REGIONS:
            groups, tree = tree.coarsened(_MOST_REGIONS)
            graph = RegionGraph.of(groups[graph.labels], maps.boundary)
        deep = [graph.means(maps.pyramid[i], stride) for i, stride in ((1, 4), (2, 8))]
        return cls(
            graph=graph,
            tree=tree,
            segment=graph.means(maps.segment, 2),
            kind=graph.means(maps.kind, 2),
            deep=np.concatenate(deep, axis=1),
            look=graph.means(appearance(plane)),
        )


def appearance(plane: Matrix) -> Matrix:
    """Lightness at three scales, its differences, local contrast, and color: (h, w, 9)."""
    from scipy.ndimage import gaussian_filter

    from ..imaging.resample import gray

    light = gray(plane)
    color = np.zeros((*light.shape, 2), np.float32)
    if plane.shape[-1] == 3:
        # Opponent colors: red to green, yellow to blue.
        color[..., 0] = plane[..., 0] - plane[..., 1]
        color[..., 1] = (plane[..., 0] + plane[..., 1]) / 2 - plane[..., 2]
    fine, middle, coarse = (gaussian_filter(light, s, mode="nearest") for s in (1.0, 2.0, 4.0))
    squares = light * light
    contrasts = [
        np.sqrt(np.clip(gaussian_filter(squares, s, mode="nearest") - mean * mean, 0, None))
        for s, mean in ((2.0, middle), (4.0, coarse))
    ]
    maps = [fine, coarse, fine - middle, middle - coarse, np.abs(fine - middle), *contrasts]
    return np.concatenate([np.stack(maps, axis=-1), color], axis=-1)
