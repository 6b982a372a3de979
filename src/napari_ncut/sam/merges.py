"""How many classes are left when masks up to any distance have merged."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError, check_choice
from .clusterers import LINKAGES, cluster
from .curve import ClusterCurve

# Beyond that many masks a sample shows the curve: all pairs of it are compared.
_MOST_ROWS = 4000
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
    rows = np.asarray(getattr(descriptors, "values", descriptors), dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(
            f"Descriptors of shape {rows.shape} cannot be used. Give finite numbers (n, d)."
        )
    if len(rows) > _MOST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_ROWS).astype(int)]
    if len(rows) < 2:
        nothing = np.zeros(0)
        return ClusterCurve(nothing, nothing, nothing.astype(np.int64), nothing, 0.0, 0.0)
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
