"""Planes made ready for clicks on regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..backbones.compact import Compact
from ..regions.plane import PlaneRegions
from .evidence import DEEP_DIMENSIONS, PlaneEvidence, Whitening


def describe_plane(plane: NDArray[np.float32], network: Compact) -> PlaneEvidence:
    """Evidence of one plane (h, w, c), with a cut of its own."""
    from ..backbones.preparation import Preparation
    from ..spectral.colors import unit_rows
    from ..spectral.ncut import NCut

    maps = network.maps(plane)
    regions = PlaneRegions.of(plane, maps)
    features = network.grid_features(maps, 4, plane.shape[:2])
    nodes = features.reshape(-1, features.shape[-1])
    Preparation.fit("l2", nodes).apply(nodes)
    vectors = NCut(min(20, len(nodes)), accuracy="fast").fit_transform(nodes)
    rows = unit_rows(vectors).reshape(*features.shape[:2], -1)
    areas = regions.graph.areas
    return PlaneEvidence.of(
        regions,
        Whitening.fit(regions.look, areas, regions.look.shape[1]),
        Whitening.fit(regions.deep, areas, DEEP_DIMENSIONS),
        regions.graph.means(rows, 4),
    )
