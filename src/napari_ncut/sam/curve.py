"""From which distance on masks are neighbors: the curves that show it, and a suggestion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice, is_number

# Beyond that many masks a sample shows the curves: all pairs of it are compared.
_MOST_ROWS = 4000
_N_EPS = 100
# Share of masks that may be noise at a distance that is suggested.
_MOST_NOISE = 0.25


@dataclass(frozen=True)
class ClusterCurve:
    """What DBSCAN, or agglomerative clustering (`merge_curve`), would find at every distance.

    Attributes
    ----------
    distances : float64 array (n,)
        Of DBSCAN: distance of every mask to the neighbor that makes it dense, the
        `min_samples`-th with itself counted, ascending. Where the curve bends upwards, noise
        begins.
    eps : float64 array (m,)
        Distances, ascending.
    n_clusters : int64 array (m,)
        Classes at each of them.
    noise : float64 array (m,)
        Share of masks in none, 0 to 1, never rising.
    knee : float
        The distance at which `distances` bends most: the point farthest from the line between the
        curve's ends.
    suggested : float
        The distance to begin with.
    """

    distances: NDArray[np.float64] = field(repr=False)
    eps: NDArray[np.float64] = field(repr=False)
    n_clusters: NDArray[np.int64] = field(repr=False)
    noise: NDArray[np.float64] = field(repr=False)
    knee: float
    suggested: float

    @classmethod
    def of_nothing(cls) -> ClusterCurve:
        """That of fewer than two masks."""
        nothing = np.zeros(0)
        return cls(nothing, nothing, nothing.astype(np.int64), nothing, 0.0, 0.0)


def cluster_curve(
    descriptors: Any, *, min_samples: int = 3, metric: str = "euclidean"
) -> ClusterCurve:
    """Curves from which DBSCAN's eps and min_samples are chosen.

    Parameters
    ----------
    descriptors
        `Descriptors`, or finite numbers (n, d).
    min_samples
        Masks near each other, itself included, that make a class.
    metric
        "euclidean" or "cosine".

    Returns
    -------
    ClusterCurve
        Exact for up to 4,000 masks, beyond of an even sample of them.

    Notes
    -----
    All distances at once: at a distance e the classes are the connected pieces of dense masks, so
    their number is that of dense masks less that of edges up to e in the minimum spanning tree of
    mutual reachability (Campello, Moulavi & Sander, "Density-based clustering based on
    hierarchical density estimates", 2013). The suggestion is the middle of the widest range over
    which their number, two or more, does not change while at most a quarter of all masks is noise;
    the knee where there is no such range.
    """
    check_choice("metric", metric, ("euclidean", "cosine"))
    if not is_number(min_samples, whole=True) or min_samples < 1:
        raise InputError(f"min_samples {min_samples!r} cannot be used. Give a whole number from 1.")
    rows = rows_of_curve(descriptors)
    if len(rows) < 2:
        return ClusterCurve.of_nothing()
    return _curve(_pairwise(rows, metric), int(min_samples))


def rows_of_curve(descriptors: Any) -> NDArray[np.float64]:
    """Descriptors, or numbers (n, d), as finite rows; of very many an even sample.

    Raises
    ------
    InputError
        If they cannot be compared.
    """
    rows = np.asarray(getattr(descriptors, "values", descriptors), dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(
            f"Descriptors of shape {rows.shape} cannot be used. Give finite numbers (n, d)."
        )
    if len(rows) > _MOST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_ROWS).astype(int)]
    return rows


def _pairwise(rows: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    from sklearn.metrics import pairwise_distances

    found: NDArray[np.float64] = pairwise_distances(rows, metric=metric)
    np.fill_diagonal(found, 0)
    return found


def _curve(pairs: NDArray[np.float64], min_samples: int) -> ClusterCurve:
    from scipy.sparse.csgraph import minimum_spanning_tree

    n = len(pairs)
    place = min(min_samples, n) - 1
    dense = np.partition(pairs, place, axis=1)[:, place]
    if min_samples > n:
        dense = np.full(n, np.inf)
    reach = np.maximum(pairs, dense)
    joined = np.sort(reach.min(axis=1))
    reach = np.maximum(reach, dense[:, np.newaxis])
    finite = bool(np.isfinite(dense).all())
    # An edge of 0 would be none for the tree.
    shift = 1.0
    edges = np.sort(minimum_spanning_tree(reach + shift).data - shift) if finite else np.zeros(0)
    ordered = np.sort(dense)
    top = float(pairs.max())
    eps = np.linspace(0, top, _N_EPS) if top > 0 else np.zeros(1)
    # Equal numbers that were added to and subtracted from may differ in their last digits.
    tolerance = 1e-9 * (1 + top)
    counted = [np.searchsorted(one, eps + tolerance, "right") for one in (ordered, edges, joined)]
    n_clusters = (counted[0] - counted[1]).astype(np.int64)
    noise = 1 - counted[2] / n
    knee = _knee(ordered) if finite else top
    steady = _steady(eps, n_clusters, noise)
    suggested = knee if steady is None else steady
    return ClusterCurve(ordered, eps, n_clusters, noise, knee, suggested)


def _steady(
    eps: NDArray[np.float64], n_clusters: NDArray[np.int64], noise: NDArray[np.float64]
) -> float | None:
    """The middle of the widest range of one number of clusters, two or more, with little noise."""
    usable = np.where((noise <= _MOST_NOISE) & (n_clusters >= 2), n_clusters, -1)
    starts = np.flatnonzero(np.diff(usable, prepend=-2))
    ends = np.append(starts[1:], len(eps)) - 1
    widths = np.where(usable[starts] > 0, eps[ends] - eps[starts], -1)
    widest = int(widths.argmax())
    if widths[widest] < 0:
        return None
    return float(eps[starts[widest]] + eps[ends[widest]]) / 2


def _knee(ordered: NDArray[np.float64]) -> float:
    """Where an ascending curve lies farthest below the line between its ends."""
    height = ordered[-1] - ordered[0]
    if height <= 0:
        return float(ordered[-1])
    line = np.linspace(0, 1, len(ordered))
    return float(ordered[int(np.argmax(line - (ordered - ordered[0]) / height))])
