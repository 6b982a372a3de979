"""One connected piece for every number, none of them too small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..regions.graph import RegionGraph


def connected_pieces(labels: NDArray, smallest: float = 0) -> NDArray[np.int32]:
    """Number connected pieces anew; small ones go to the neighbor that they share most with.

    Parameters
    ----------
    labels
        Whole numbers (h, w) or (d, h, w), of which every one counts, 0 as well.
    smallest
        Pixels below which a piece joins another.

    Returns
    -------
    int32 array, shaped as `labels`
        Numbers from 1, in the order of their first pixels, each of them one piece by sides of
        pixels.
    """
    from skimage.measure import label

    pieces = label(np.asarray(labels) + 1, background=0, connectivity=1).astype(np.int32) - 1
    if smallest > 1:
        pieces = _without_small(pieces, smallest)
    return in_order(pieces)


def in_order(labels: NDArray) -> NDArray[np.int32]:
    """The same parts, numbered from 1 in the order of their first pixels."""
    found, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    numbers = np.empty(len(found), np.int32)
    numbers[np.argsort(first)] = np.arange(1, len(found) + 1, dtype=np.int32)
    return numbers[inverse].reshape(labels.shape)


def _without_small(pieces: NDArray[np.int32], smallest: float) -> NDArray[np.int32]:
    """Join pieces (from 0, all used) of fewer pixels, small ones among each other first."""
    graph = RegionGraph.of(pieces, np.zeros(pieces.shape, np.float32))
    n_pieces = len(graph)
    groups = np.arange(n_pieces)
    ends = np.concatenate([graph.edges, graph.edges[:, ::-1]]).astype(np.int64)
    shared = np.concatenate([graph.lengths, graph.lengths])
    while True:
        areas = np.bincount(groups, graph.areas, minlength=n_pieces)
        one, other = groups[ends].T
        # From small pieces to larger ones alone (the number decides among equals): no circles.
        larger = (areas[other] > areas[one]) | ((areas[other] == areas[one]) & (other > one))
        usable = np.flatnonzero((one != other) & (areas[one] < smallest) & larger)
        if not len(usable):
            return groups[pieces].astype(np.int32)
        keys, inverse = np.unique(one[usable] * n_pieces + other[usable], return_inverse=True)
        lengths = np.bincount(inverse, shared[usable])
        order = np.lexsort((lengths, keys // n_pieces))
        # The last of every small piece is what it shares most with.
        chosen = keys[order]
        sources = chosen // n_pieces
        last = np.append(sources[1:] != sources[:-1], True)
        target = np.arange(n_pieces)
        target[sources[last]] = chosen[last] % n_pieces
        while not np.array_equal(target, further := target[target]):
            target = further
        groups = target[groups]


def mutual_pairs(
    edges: NDArray[np.int64], costs: NDArray[np.floating], n: int
) -> NDArray[np.int64]:
    """Pairs (m, 2) of which each is the other's cheapest to join, the cheapest first."""
    order = np.argsort(costs, kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    best = np.full(n, len(edges))
    np.minimum.at(best, edges.ravel(), np.repeat(ranks, 2))
    mutual = (best[edges] == ranks[:, np.newaxis]).all(axis=1)
    chosen = order[mutual[order]]
    found: NDArray[np.int64] = edges[chosen]
    return found
