"""Directions: rows of unit length, the nearest of several to each, k-means among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

# Nodes that groups are fitted to; the directions of more are those of a sample, drawn once.
MAX_FITTED = 100_000
# Nodes among which starting points are chosen.
_MAX_START = 10_000
# Cosines held at once, in entries: 1 MB in single precision stays in a core's cache.
_BLOCK_ENTRIES = 2**18
# 1 − cos below this is rounding in single precision: the directions are one.
_SAME_DIRECTION = 1e-6
_MAX_ITERATIONS = 100
# Mean cosine that an iteration has to win.
_WORTH_ANOTHER = 1e-5


def one_thread() -> Any:
    """Keep linear algebra to one thread.

    Products of small blocks gain little by a second one, and lose much on a busy machine, where the
    threads wait for each other by spinning (409,600 nodes, 250 groups, two cores shared with other
    work: 7 s with one thread, 22 s with two).
    """
    return threadpool_limits(1, user_api="blas")


def unit(rows: NDArray, dtype: type = np.float32) -> NDArray:
    """Rows (n, k) of any length, however small or large, brought to length 1; zeros stay."""
    peak = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    scaled = np.divide(rows, np.where(peak > 0, peak, 1), dtype=np.result_type(rows, dtype))
    length = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, np.newaxis]
    result: NDArray = np.divide(scaled, np.where(length > 0, length, 1)).astype(dtype, copy=False)
    return result


def sample(n_nodes: int, random_state: int, most: int) -> slice | NDArray[np.intp]:
    """All of `n_nodes`, or so many of them as may be."""
    if n_nodes <= most:
        return slice(None)
    # Every so-and-so-many-th node would be columns of an image.
    chosen: NDArray[np.intp] = np.random.RandomState(random_state).choice(
        n_nodes, most, replace=False
    )
    return np.sort(chosen)


def cosine_blocks(
    vectors: NDArray, axes: NDArray, *, either_sign: bool = False, are_unit: bool = False
) -> Iterator[tuple[slice, NDArray]]:
    """(rows, cosines (rows, m) of nodes and axes), as many as fit; computed in the axes' dtype.

    Parameters
    ----------
    vectors
        Nodes (n, k or more); the first k columns are used.
    axes
        Unit columns (k, m).
    either_sign
        Whether opposite directions are one.
    are_unit
        Whether the nodes have length 1 already.
    """
    n_vectors, n_axes = axes.shape
    size = max(1, _BLOCK_ENTRIES // max(n_axes, n_vectors))
    for first in range(0, len(vectors), size):
        rows = slice(first, min(first + size, len(vectors)))
        block = vectors[rows, :n_vectors]
        cosines = (block if are_unit else unit(block, axes.dtype.type)) @ axes
        yield rows, np.abs(cosines, out=cosines) if either_sign else cosines


def nearest(
    vectors: NDArray, axes: NDArray, *, either_sign: bool = False, are_unit: bool = False
) -> tuple[NDArray[np.int32], NDArray]:
    """Index of the axis of largest cosine (the first of equals) per node (n,), and the cosine."""
    groups = np.empty(len(vectors), dtype=np.int32)
    cosines = np.empty(len(vectors), dtype=axes.dtype)
    for rows, block in cosine_blocks(vectors, axes, either_sign=either_sign, are_unit=are_unit):
        best = block.argmax(axis=1)
        groups[rows] = best
        cosines[rows] = np.take_along_axis(block, best[:, np.newaxis], axis=1)[:, 0]
    return groups, cosines


def group_sums(rows: NDArray, groups: NDArray[np.integer], n_groups: int) -> NDArray:
    """Sums (n_groups, k) of the rows (n, k) of each group."""
    ones = np.ones(len(rows), dtype=rows.dtype)
    members = csr_array((ones, groups, np.arange(len(rows) + 1)), shape=(len(rows), n_groups))
    sums: NDArray = members.T @ rows
    return sums


def spherical_kmeans(
    rows: NDArray[np.float32], n_groups: int, random_state: int, *, n_starts: int = 4
) -> NDArray[np.float32]:
    """Directions (k, m) of at most `n_groups` groups of unit rows (n, k), by k-means.

    Maximizes the sum of cosines between nodes and the direction of their group (Dhillon & Modha,
    "Concept decompositions for large sparse text data using clustering", Machine Learning 2001),
    from the best of several k-means++ starts (Arthur & Vassilvitskii, SODA 2007) among at most
    10,000 rows. There are fewer groups than asked for where there are fewer distinct directions;
    rows of zeros have none.
    """
    rows = rows[rows.any(axis=1)]
    if len(rows) == 0:
        return np.zeros((rows.shape[1], 1), dtype=np.float32)
    random = np.random.RandomState(random_state)
    few = rows
    if len(rows) > max(_MAX_START, n_groups):
        most = max(_MAX_START, n_groups)
        few = rows[np.sort(random.choice(len(rows), most, replace=False))]
    starts = [_lloyd(few, _plus_plus(few, n_groups, random)) for _ in range(n_starts)]
    axes, _ = max(starts, key=lambda start: start[1])
    if few is not rows:
        axes, _ = _lloyd(rows, axes)
    return axes


def _plus_plus(
    rows: NDArray[np.float32], n_groups: int, random: np.random.RandomState
) -> NDArray[np.float32]:
    """Starting directions (k, m), far from each other: of several candidates the best each time."""
    n_candidates = 2 + int(np.log(n_groups))
    chosen = [int(random.randint(len(rows)))]
    distance = _distances(rows, chosen)[0]
    while len(chosen) < n_groups:
        distance[distance < _SAME_DIRECTION] = 0
        cumulative = np.cumsum(distance, dtype=np.float64)
        if cumulative[-1] == 0:
            break
        drawn = random.random_sample(n_candidates) * cumulative[-1]
        candidates = np.searchsorted(cumulative, drawn, side="right").clip(0, len(rows) - 1)
        after = np.minimum(_distances(rows, candidates), distance)
        best = int(after.sum(axis=1, dtype=np.float64).argmin())
        chosen.append(int(candidates[best]))
        distance = after[best]
    return rows[chosen].T


def _distances(rows: NDArray[np.float32], chosen: list[int] | NDArray) -> NDArray[np.float32]:
    """1 − cos of the chosen rows to all, (m, n): half the squared distance."""
    distances: NDArray[np.float32] = np.maximum(1 - rows[chosen] @ rows.T, 0)
    return distances


def _lloyd(
    rows: NDArray[np.float32], axes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """Directions that no iteration improves any more, and the mean cosine of the rows to them."""
    before, better = -np.inf, axes
    for _ in range(_MAX_ITERATIONS):
        groups, cosines = nearest(rows, axes, are_unit=True)
        reached = float(cosines.mean(dtype=np.float64))
        if reached - before <= _WORTH_ANOTHER:
            break
        before, better = reached, axes
        axes = _updated(rows, groups, cosines, axes)
    return better, before


def _updated(
    rows: NDArray[np.float32],
    groups: NDArray[np.int32],
    cosines: NDArray[np.float32],
    axes: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Mean directions of the groups; an empty one moves to the row that is worst off, or ends."""
    n_groups = axes.shape[1]
    sums = group_sums(rows, groups, n_groups)
    vanishing = np.linalg.norm(sums, axis=1) <= _SAME_DIRECTION
    result = np.where(vanishing[:, np.newaxis], axes.T, unit(sums))
    empty = np.flatnonzero(np.bincount(groups, minlength=n_groups) == 0)
    if len(empty) == 0:
        return result.T
    distance, kept = 1 - cosines, np.ones(n_groups, dtype=bool)
    for group in empty:
        worst = int(distance.argmax())
        kept[group] = distance[worst] > _SAME_DIRECTION
        if not kept[group]:
            continue
        result[group] = rows[worst]
        distance = np.minimum(distance, _distances(rows, [worst])[0])
    return result[kept].T
