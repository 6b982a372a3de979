"""Sparse graphs of nodes: who is joined to whom, and the eigenvectors of such a graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from ..progress import Progress, Steps
from .affinity import Kernel
from .neighbors import NeighborIndex, check_n_neighbors, pair_distances, prepared_rows

# Weaker pairs are not joined: beside the 1 of the diagonal a double hardly holds them, and an
# underflown 0 must not pass for an edge.
_FAINTEST = 1e-12
# exp(−20) is 2e-9: rows farther than that from all are brought nearer (see `Kernel.reaching`).
_REACH = 20.0


def neighbor_graph_steps(features: NDArray, kernel: Kernel, n_neighbors: int) -> Steps[csr_array]:
    """Affinities among nearest neighbors, as a generator of progress.

    Two nodes are joined if one is among the nearest neighbors of the other (von Luxburg, "A
    tutorial on spectral clustering", Statistics and Computing 2007, section 2.2), by the kernel's
    affinity exp(−d²/2σ²); pairs below 1e-12 are left out.

    Parameters
    ----------
    features
        Nodes (n, d), finite.
    kernel
        Which rows are alike.
    n_neighbors
        Neighbors of every node, itself not counted; n − 1 if there are fewer. More join more
        distant nodes and take more time and memory. Ties are broken by index.

    Returns
    -------
    csr_array (n, n)
        float64, symmetric, 1 on the diagonal, indices sorted.

    Raises
    ------
    InputError
        If `n_neighbors` is no whole number from 1.
    """
    check_n_neighbors(n_neighbors)
    rows = prepared_rows(kernel, features)
    i, j = yield from neighbor_pairs_steps(rows, n_neighbors)
    return graph_of_pairs(i, j, pair_affinities(rows, i, j), len(rows))


def neighbor_pairs_steps(
    rows: NDArray[np.float32], n_neighbors: int
) -> Steps[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs i < j (p,) of prepared rows (n, d) of which one is a nearest neighbor of the other."""
    n_nodes = len(rows)
    n_neighbors = min(n_neighbors, n_nodes - 1)
    if n_neighbors == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    yield Progress("neighbors", 0, 1)
    index = NeighborIndex(rows)
    # One more, since a node is its own neighbor; every distinct row is asked for once.
    nearest = np.empty((len(index.rows), n_neighbors + 1), dtype=np.int64)
    for block in index.blocks(len(index.rows)):
        yield Progress("neighbors", block.start, len(index.rows))
        nearest[block], _ = index.nearest(index.rows[block], n_neighbors + 1)
    yield Progress("neighbors", 1, 1)
    nearest = nearest[index.row_of]
    nodes = np.arange(n_nodes)
    itself = nearest == nodes[:, np.newaxis]
    # A node with many of its own kind may come after them: then the last is one too many.
    itself[~itself.any(axis=1), -1] = True
    others = nearest[~itself].reshape(n_nodes, n_neighbors)
    return unique_pairs(np.repeat(nodes, n_neighbors), others.ravel(), n_nodes)


def unique_pairs(
    i: NDArray, j: NDArray, n_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of different nodes once, as i < j, in order."""
    keys = np.minimum(i, j).astype(np.int64) * n_nodes + np.maximum(i, j)
    first, second = np.divmod(np.unique(keys), n_nodes)
    return first, second


def pair_affinities(rows: NDArray[np.float32], i: NDArray, j: NDArray) -> NDArray[np.float64]:
    """exp(−|xᵢ − xⱼ|²) of pairs i, j (p,) of prepared rows (n, d)."""
    affinities: NDArray[np.float64] = np.exp(-pair_distances(rows, i, rows, j))
    return affinities


def graph_of_pairs(i: NDArray, j: NDArray, weights: NDArray, n_nodes: int) -> csr_array:
    """The symmetric graph (n, n) of pairs that are each named once, with 1 on the diagonal."""
    kept = weights >= _FAINTEST
    i, j, weights = i[kept], j[kept], weights[kept]
    # SciPy's eigensolvers and graph functions are at home in 32-bit indices.
    wide = n_nodes + 2 * len(i) >= 2**31
    nodes = np.arange(n_nodes)
    rows = np.concatenate([i, j, nodes]).astype(np.int64 if wide else np.int32)
    columns = np.concatenate([j, i, nodes]).astype(rows.dtype)
    values = np.concatenate([weights, weights, np.ones(n_nodes)])
    graph = coo_array((values, (rows, columns)), shape=(n_nodes, n_nodes)).tocsr()
    graph.sort_indices()
    return graph


def component_count(graph: csr_array) -> int:
    """Number of parts of a symmetric graph (n, n) that no edge joins."""
    return int(connected_components(graph, directed=False, return_labels=False))


def neighbor_extension(
    kernel: Kernel, reference: NDArray, n_neighbors: int, features: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What the Nyström extension of new nodes takes: their nearest fitted nodes.

    With d(x) = Σⱼ a(x, j), the eigenvectors at x are u(x) = d(x)^-½ Σⱼ a(x, j) dⱼ^-½ uⱼ / λ, which
    at a fitted node is the equation that u solves, if its whole row is summed (Bengio et al.,
    "Out-of-Sample Extensions for LLE, Isomap, MDS, Eigenmaps, and Spectral Clustering", NIPS 2003).
    The row of a fitted node holds itself, its neighbors, and the nodes whose neighbor it is. The
    last are not found here, so that the extension is only near the fit. Ask for one neighbor more
    than the graph had: a fitted node finds itself first.

    Parameters
    ----------
    kernel
        That of the graph.
    reference
        Fitted nodes (m, d).
    n_neighbors
        Fitted nodes for each new one; m if there are fewer.
    features
        New nodes (n, d).

    Returns
    -------
    indices : int64 array (n, k)
        Nearest first, ties broken by index.
    affinities : float64 array (n, k)
        Of a node far from all, times a factor that raises the largest to exp(−20): it leaves the
        direction of u(x) as it is.

    Raises
    ------
    InputError
        If `n_neighbors` is no whole number from 1.
    """
    check_n_neighbors(n_neighbors)
    index = NeighborIndex(prepared_rows(kernel, reference))
    n_neighbors = min(n_neighbors, index.n_nodes)
    indices = np.empty((len(features), n_neighbors), dtype=np.int64)
    affinities = np.empty((len(features), n_neighbors))
    for block in index.blocks(len(features)):
        queries = prepared_rows(kernel, features[block])
        indices[block], squares = index.nearest(queries, n_neighbors)
        squares -= np.clip(squares[:, :1] - _REACH, 0, None)
        affinities[block] = np.exp(-squares)
    return indices, affinities
