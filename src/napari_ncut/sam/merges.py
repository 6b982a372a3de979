"""How many classes are left when masks up to any distance have merged."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import check_choice
from .clusterers import LINKAGES, cluster
from .curve import ClusterCurve, rows_of_curve

_N_DISTANCES = 200


def merge_curve(descriptors: Any, *, linkage: str = "average") -> ClusterCurve:
    """The curve from which the distance of "agglomerative" is chosen.

    Parameters
    ----------
    descriptors
        `Descriptors`, or finite numbers (n, d).
    linkage
        As for the clusterer.

    Returns
    -------
    ClusterCurve
        ``distances`` are those at which two classes become one, ascending; there is no noise. The
        suggestion is the middle of the range that gives as many classes as the clusterer finds
        without a distance.
    """
    check_choice("linkage", linkage, LINKAGES)
    rows = rows_of_curve(descriptors)
    if len(rows) < 2:
        return ClusterCurve.of_nothing()
    from scipy.cluster.hierarchy import linkage as merges

    heights = np.sort(merges(rows, method=linkage)[:, 2])
    top = float(heights[-1]) * 1.05 or 1.0
    eps = np.linspace(0, top, _N_DISTANCES)
    # Classes merge below the distance, not at it.
    n_clusters = len(rows) - np.searchsorted(heights, eps, "left")
    calibrated = bool(getattr(descriptors, "calibrated", False))
    found = int(cluster(rows, "agglomerative", calibrated=calibrated, linkage=linkage).max()) + 1
    ends = np.concatenate([[0.0], heights, [top]])
    suggested = float(ends[-found - 1] + ends[-found]) / 2
    return ClusterCurve(
        heights, eps, n_clusters.astype(np.int64), np.zeros(len(eps)), suggested, suggested
    )
