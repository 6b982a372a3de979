"""Eigenvectors turned to groups: pivoted QR, and Yu and Shi's alternation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd

from .spherical import group_sums, nearest, unit

# Squared length of what is left of a row, as a share of the largest row's, below which it is
# rounding. The rows of orthonormal columns never come near it.
_NOTHING_LEFT = 1e-12
_MAX_START = 10_000
_MAX_ITERATIONS = 1000
# Starting points beside that of pivoted QR: more found nothing better on noisy blobs.
_N_SPREAD = 3
# Mean cosine that an iteration has to win, and one that only tells which start is best.
_WORTH_ANOTHER, _WORTH_ANOTHER_START = 1e-9, 1e-5


def pivot_rows(vectors: NDArray[np.float64]) -> list[int]:
    """Rows (at most k of n, k) that QR with column pivoting of the transpose chooses, in order.

    Each is the row of which most is left beside the span of those before; fewer than k where the
    others are combinations of them.
    """
    left = np.einsum("ij,ij->i", vectors, vectors)
    limit = _NOTHING_LEFT * left.max(initial=0)
    basis = np.zeros((0, vectors.shape[1]))
    chosen: list[int] = []
    while len(chosen) < min(vectors.shape):
        pivot = int(left.argmax())
        if left[pivot] <= limit:
            break
        direction = vectors[pivot]
        for _ in range(2):  # once is not orthogonal to the last digit
            direction = direction - (basis @ direction) @ basis
        direction = direction / np.linalg.norm(direction)
        left -= (vectors @ direction) ** 2
        left[pivot] = 0
        basis = np.vstack([basis, direction])
        chosen.append(pivot)
    return chosen


def nearest_rotation(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (k, m) of orthonormal columns that is nearest to the given one."""
    left, _, right = svd(columns, full_matrices=False)
    rotation: NDArray[np.float64] = left @ right
    return rotation


def pivoted_axes(vectors: NDArray) -> NDArray[np.float64]:
    """Axes (k, m) of the groups by `cluster_qr`, m = k unless the vectors have a lower rank."""
    vectors = _scaled(vectors)
    chosen = pivot_rows(vectors)
    if not chosen:
        return np.eye(vectors.shape[1], 1)
    return nearest_rotation(vectors[chosen].T)


def alternated_axes(vectors: NDArray) -> NDArray[np.float64]:
    """Axes (k, m) of the groups by alternation, from the best of four starting points.

    One are the rows that pivoted QR chooses; the others, like in the paper, rows as far from each
    other in angle as can be had, of which the first is one of QR's (in the paper it is random).
    """
    vectors = _scaled(vectors)
    vectors = vectors[vectors.any(axis=1)]
    chosen = pivot_rows(vectors)
    if not chosen:
        return np.eye(vectors.shape[1], 1)
    # Every so many-th row will do for the choice among them.
    rows = unit(vectors, np.float64)
    few = rows[:: -(-len(rows) // _MAX_START)]
    starts = [nearest_rotation(rows[chosen].T)]
    starts += [_spread(few, rows[first], len(chosen)).T for first in chosen[:_N_SPREAD]]
    found = [_alternate(few, start, worth_another=_WORTH_ANOTHER_START) for start in starts]
    axes, _ = max(found, key=lambda one: one[1])
    return _alternate(rows, axes)[0]


def _scaled(vectors: NDArray) -> NDArray[np.float64]:
    """Vectors in double precision, of a size whose squares can be added."""
    peak = max(-float(vectors.min()), float(vectors.max()))
    return np.divide(vectors, peak if peak > 0 else 1, dtype=np.float64)


def _spread(rows: NDArray[np.float64], first: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The first and n − 1 other rows (n, k), each with the smallest |cosines| to those before."""
    chosen, cosines = [first], np.zeros(len(rows))
    while len(chosen) < n:
        cosines += np.abs(rows @ chosen[-1])
        chosen.append(rows[int(cosines.argmin())])
    return np.array(chosen)


def _alternate(
    rows: NDArray[np.float64],
    axes: NDArray[np.float64],
    *,
    worth_another: float = _WORTH_ANOTHER,
) -> tuple[NDArray[np.float64], float]:
    """Groups by the nearest axis, the rotation nearest to the groups, and so on.

    Returns the axes that no step improves any more, and their mean cosine: ΣS / n of the paper,
    whose objective 2(n − ΣS) falls with every step.
    """
    n_groups = axes.shape[1]
    before = -np.inf
    for _ in range(_MAX_ITERATIONS):
        groups, _ = nearest(rows, axes, are_unit=True)
        left, values, right = svd(group_sums(rows, groups, n_groups).T, full_matrices=False)
        reached = float(values.sum()) / len(rows)
        if reached - before <= worth_another:
            break
        before, axes = reached, left @ right
    return axes, before
