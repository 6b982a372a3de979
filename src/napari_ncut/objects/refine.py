"""Foregrounds that end where the image does: pixels ask the regions that they are part of."""

from __future__ import annotations

import numpy as np

from ..regions.hierarchy import PlaneHierarchy
from .scene import Matrix

# Levels up to which regions have a say, and how many of them are asked.
_HIGHEST, _LEVELS = 0.5, 9


def refined(hierarchy: PlaneHierarchy, soft: Matrix) -> Matrix:
    """Mean of a foreground in every pixel's region, over levels from the finest to coarser ones.

    A region that is whole on one side takes its undecided pixels along; one that is half of each
    says nothing.

    Parameters
    ----------
    hierarchy
        Of the plane.
    soft
        (h, w), how likely each pixel is of the foreground, 0 to 1.

    Returns
    -------
    float32 array (h, w)
        0 to 1, one value in each of the finest regions.
    """
    labels, tree = hierarchy.graph.labels, hierarchy.tree
    areas = hierarchy.graph.areas.astype(np.float64)
    sums = np.bincount(labels.ravel(), soft.ravel(), len(areas))
    votes = np.zeros(len(areas))
    levels = np.linspace(0, _HIGHEST, _LEVELS)
    for level in levels:
        groups = tree.cut(float(level))
        means = np.bincount(groups, sums) / np.bincount(groups, areas)
        votes += means[groups]
    found: Matrix = (votes / len(levels)).astype(np.float32)
    return found[labels]
