"""Nearest neighbors of nodes: exactly, and the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import InputError, is_number
from .affinity import Kernel

# Up to so many dimensions a tree looks at few nodes; beyond, at nearly all of them, one by one.
_TREE_DIMENSIONS = 8
# Candidates beyond the neighbors asked for. If the last of them is farther than the last neighbor,
# no node that was not looked at can be among the neighbors.
_SPARE = 8
# Distances from inner products are right to so much of the squared length of the rows.
_ROUNDING = 1e-12
# Node pairs looked at between two steps of progress, and numbers held for exact distances.
_PAIRS_PER_STEP = 2**26
_BLOCK_ENTRIES = 2**22


def check_n_neighbors(n_neighbors: object) -> None:
    """Raise an `InputError` unless this is a number of neighbors."""
    if not is_number(n_neighbors, whole=True) or n_neighbors < 1:  # type: ignore[operator]
        raise InputError(
            f"n_neighbors {n_neighbors!r} cannot be used. Give a whole number from 1; more join "
            f"more distant nodes."
        )


def prepared_rows(kernel: Kernel, features: NDArray) -> NDArray[np.float32]:
    """Features (n, d) in units of √2·bandwidth, so that affinities are exp(−|x − y|²)."""
    import torch

    rows = np.empty(features.shape, dtype=np.float32)
    size = max(1, _BLOCK_ENTRIES // features.shape[1])
    for first in range(0, len(features), size):
        block = slice(first, first + size)
        rows[block] = kernel.prepare(features[block], "cpu", torch.float32).numpy()
    return rows


def pair_distances(
    x: NDArray[np.float32], i: NDArray, y: NDArray[np.float32], j: NDArray
) -> NDArray[np.float64]:
    """|xᵢ − yⱼ|² of pairs i, j (p,), from differences: no digits are lost to far-off rows."""
    result = np.empty(len(i))
    size = max(1, _BLOCK_ENTRIES // x.shape[1])
    for first in range(0, len(i), size):
        block = slice(first, first + size)
        difference = np.subtract(x[i[block]], y[j[block]], dtype=np.float64)
        result[block] = np.einsum("pd,pd->p", difference, difference)
    return result


class NeighborIndex:
    """Finds the nearest of n nodes, ties broken by the node's index.

    Distances are computed once per distinct row: an empty background is one row, however many
    nodes it has. scikit-learn proposes candidates, by a tree in few dimensions and by blocks of
    inner products in many; their distances are then taken exactly, and more candidates are asked
    for wherever the last neighbor ties with the last candidate.

    Parameters
    ----------
    rows
        Nodes (n, d), float32.
    """

    def __init__(self, rows: NDArray[np.float32]) -> None:
        from sklearn.neighbors import NearestNeighbors

        n_nodes, n_features = rows.shape
        # Bytes compare faster than numbers; adding 0 makes −0 the same bytes as 0.
        as_bytes = np.ascontiguousarray(rows + np.float32(0)).view(f"V{4 * n_features}").ravel()
        _, first, group = np.unique(as_bytes, return_index=True, return_inverse=True)
        self.n_nodes = n_nodes
        self.rows = rows[first]
        # Row of every node, and the nodes of every row, by index.
        self.row_of = group
        self._members = np.argsort(group, kind="stable")
        self._counts = np.bincount(group, minlength=len(first))
        self._starts = np.cumsum(self._counts) - self._counts
        self._margin = _ROUNDING * float(np.einsum("nd,nd->n", self.rows, self.rows).max())
        method = "kd_tree" if n_features <= _TREE_DIMENSIONS else "brute"
        self._candidates: Any = NearestNeighbors(algorithm=method).fit(self.rows)

    def blocks(self, n_queries: int) -> Iterator[slice]:
        """Blocks of so many queries, each a fraction of a second's work."""
        size = max(64, _PAIRS_PER_STEP // len(self.rows))
        for first in range(0, n_queries, size):
            yield slice(first, min(first + size, n_queries))

    def nearest(
        self, queries: NDArray[np.float32], n_neighbors: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Nearest nodes (q, k) and squared distances (q, k), ascending, of queries (q, d).

        `n_neighbors` must not exceed the number of nodes.
        """
        nodes = np.empty((len(queries), n_neighbors), dtype=np.int64)
        squares = np.empty((len(queries), n_neighbors))
        pending = np.arange(len(queries))
        n_candidates = n_neighbors + _SPARE
        while len(pending):
            n_candidates = min(n_candidates, len(self.rows))
            size = max(1, _BLOCK_ENTRIES // n_candidates)
            undecided = []
            for first in range(0, len(pending), size):
                some = pending[first : first + size]
                nodes[some], squares[some], decided = self._among(
                    queries[some], n_neighbors, n_candidates
                )
                undecided.append(some[~decided])
            pending = np.concatenate(undecided)
            n_candidates *= 4
        return nodes, squares

    def _among(
        self, queries: NDArray[np.float32], n_neighbors: int, n_candidates: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Nearest nodes among the candidates, and whether no others can be among them."""
        n_queries = len(queries)
        with threadpool_limits(1, user_api="blas"):
            found, rows = self._candidates.kneighbors(queries, n_candidates)
        query = np.repeat(np.arange(n_queries), n_candidates)
        row = rows.ravel()
        square = pair_distances(queries, query, self.rows, row)
        # Candidate rows to their nodes. Those beyond the first k of a row are never needed.
        counts = np.minimum(self._counts[row], n_neighbors)
        which = np.repeat(np.arange(len(row)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        node = self._members[self._starts[row][which] + within]
        query, square = query[which], square[which]
        order = np.lexsort((node, square, query))
        starts = np.searchsorted(query, np.arange(n_queries))
        kept = order[starts[:, np.newaxis] + np.arange(n_neighbors)]
        nodes, squares = node[kept], square[kept]
        complete = n_candidates == len(self.rows)
        beyond = found[:, -1] ** 2 * (1 - 1e-6) - self._margin
        return nodes, squares, (squares[:, -1] < beyond) | complete
