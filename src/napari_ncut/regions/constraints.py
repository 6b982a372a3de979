"""Painted labels as constraints: what is to be one region, and what never is.

The rule
--------
1. A finest region that holds pixels of several labels is parted, each of its pixels going to the
   nearest of them.
2. Finest regions painted with one label become one finest region, in several pieces if they do not
   touch.
3. Regions of different labels never become one. Everything else merges as it did, over the least
   probable boundary first, with one exception: where a merge would join two labels, it is left out,
   and what has no label goes with that one to which its boundaries are the weaker.

So the tree is that of the minimum spanning forest rooted in the labels (Cousty et al., Watershed
cuts: minimum spanning forests and the drop of water principle, 2009) on the boundaries of the tree
that was; must-link and cannot-link as in Klein, Kamvar and Manning, From instance-level constraints
to space-level constraints, 2002, without moving what was not named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .graph import RegionGraph
from .library import load_higra
from .tree import MergeTree

if TYPE_CHECKING:
    from .hierarchy import PlaneHierarchy


def constrained(plane: PlaneHierarchy, painted: NDArray) -> PlaneHierarchy:
    """A hierarchy that obeys painted labels at every granularity.

    Parameters
    ----------
    plane
        What regions there are and how they merge.
    painted
        Whole numbers (h, w), 0 where nothing is painted.

    Returns
    -------
    PlaneHierarchy
        Of the same finest regions, but those that were parted or became one. Regions keep the
        numbers that cuts give them; parts that are new have higher ones.
    """
    places = np.flatnonzero(painted)
    if not len(places):
        return plane
    _, names = np.unique(painted.ravel()[places], return_inverse=True)
    marks = np.zeros(painted.shape, np.int64)
    marks.ravel()[places] = names + 1
    regions, labels = _marked(plane.graph.labels, marks)
    if len(np.unique(regions)) < len(regions):
        plane = _parted(plane, marks, regions[:-1][regions[1:] == regions[:-1]])
        regions, labels = _marked(plane.graph.labels, marks)
    return _forest(plane, regions, labels)


def _marked(
    regions: NDArray[np.int32], marks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a region and a label that it holds pixels of, by ascending regions."""
    somewhere = marks > 0
    n_marks = int(marks.max()) + 1
    keys = np.unique(regions[somewhere].astype(np.int64) * n_marks + marks[somewhere])
    return keys // n_marks, keys % n_marks


def _forest(
    plane: PlaneHierarchy, regions: NDArray[np.int64], labels: NDArray[np.int64]
) -> PlaneHierarchy:
    """Merge regions of one label, and make the tree over all that is left."""
    from .hierarchy import PlaneHierarchy

    higra = load_higra()
    edges, levels = _spanning_edges(plane, regions)
    # The first region of a label stands for all.
    _, first, of_label = np.unique(labels, return_index=True, return_inverse=True)
    stands_for = np.arange(len(plane.tree))
    stands_for[regions] = regions[first][of_label]
    kept, new = np.unique(stands_for, return_inverse=True)
    graph = _merged(plane.graph, new.astype(np.int32))
    roots = new[regions[first]]
    ordered = np.concatenate([new[edges], np.stack([roots[:-1], roots[1:]], axis=1)])
    of_higra = higra.UndirectedGraph(len(kept))
    of_higra.add_edges(*ordered.T)
    # Their places as weights: what comes first merges first, and labels come last.
    tree, places = higra.bpt_canonical(of_higra, np.arange(len(ordered), dtype=np.float64))
    of_edges = np.concatenate([levels, np.full(len(roots) - 1, np.inf)])
    of_merges = of_edges[places[len(kept) :].astype(np.int64)]
    # What is one now has the number of its largest part.
    by_area = np.argsort(plane.tree.areas[: len(new)], kind="stable")
    numbers = np.empty(len(kept), np.int32)
    numbers[new[by_area]] = plane.tree.numbers[by_area]
    return PlaneHierarchy(graph, MergeTree.of(tree.parents(), of_merges, graph.areas, numbers))


def _merged(graph: RegionGraph, new: NDArray[np.int32]) -> RegionGraph:
    """The graph in which every region has become the one of number `new`."""
    n = int(new.max()) + 1
    ends = np.sort(new[graph.edges].astype(np.int64), axis=1)
    between = ends[:, 0] != ends[:, 1]
    keys, inverse = np.unique(ends[between] @ np.array([n, 1]), return_inverse=True)
    own = graph.lengths[between].astype(np.float64)
    lengths = np.bincount(inverse, own, minlength=len(keys))
    sums = np.bincount(inverse, own * graph.boundary[between], minlength=len(keys))
    edges = np.stack([keys // n, keys % n], axis=1).astype(np.int32)
    return RegionGraph(
        new[graph.labels],
        edges,
        lengths.astype(np.float32),
        (sums / np.maximum(lengths, 1)).astype(np.float32),
    )


def _spanning_edges(
    plane: PlaneHierarchy, regions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Edges that join every region without a label to others, and their levels, ascending."""
    from scipy import sparse

    n, graph, tree = len(plane.tree), plane.graph, plane.tree
    merges = tree.common(graph.edges[:, 0], graph.edges[:, 1])
    # Merge by merge, so that where no label is all merges as it did, those of equal levels, too.
    order = np.lexsort((graph.boundary, merges))
    edges, levels = graph.edges[order].astype(np.int64), tree.levels[merges[order]]
    # All regions with a label as one vertex, from which the forest grows.
    vertices = np.arange(n)
    vertices[regions] = regions[0]
    ends = np.sort(vertices[edges], axis=1)
    differ = np.flatnonzero(ends[:, 0] != ends[:, 1])
    _, first = np.unique(ends[differ, 0] * n + ends[differ, 1], return_index=True)
    places = differ[first]
    entries = (places + 1.0, (ends[places, 0], ends[places, 1]))
    weights = sparse.coo_array(entries, shape=(n, n)).tocsr()
    kept = np.sort(sparse.csgraph.minimum_spanning_tree(weights).data.astype(np.int64)) - 1
    return edges[kept], levels[kept]


def _parted(
    plane: PlaneHierarchy, marks: NDArray[np.int64], shared: NDArray[np.int64]
) -> PlaneHierarchy:
    """Part finest regions that hold several labels; `shared` has each once less than its labels."""
    from .hierarchy import PlaneHierarchy

    old = plane.graph.labels
    n, n_new = len(plane.tree), len(shared)
    labels = _nearest(old, marks, np.unique(shared))
    graph = RegionGraph.of(labels, np.zeros(labels.shape, np.float32))
    origin = np.concatenate([np.arange(n), shared])
    strengths = _inherited(plane.graph, np.sort(origin[graph.edges], axis=1))
    graph = RegionGraph(labels, graph.edges, graph.lengths, strengths)
    # First the parts of each region merge again, one after the other, then all as before.
    merges = n + n_new + np.arange(n_new)
    is_last = np.append(shared[1:] != shared[:-1], True)
    moved = np.where(plane.tree.parents < n, 0, plane.tree.parents + 2 * n_new)
    parents = np.empty(2 * (n + n_new) - 1, np.int64)
    parents[:n] = moved[:n]
    parents[n : n + n_new] = merges
    parents[merges] = np.where(is_last, moved[shared], merges + 1)
    parents[n + 2 * n_new :] = moved[n:]
    is_first = np.append(True, is_last[:-1])
    parents[shared[is_first]] = merges[is_first]
    levels = np.concatenate([np.zeros(n_new), plane.tree.levels[n:]])
    numbers = np.concatenate([plane.tree.numbers[:n], n + 1 + np.arange(n_new)]).astype(np.int32)
    return PlaneHierarchy(graph, MergeTree.of(parents, levels, graph.areas, numbers))


def _nearest(
    regions: NDArray[np.int32], marks: NDArray[np.int64], shared: NDArray[np.int64]
) -> NDArray[np.int32]:
    """New numbers of regions (h, w): further labels of each shared region follow all others."""
    from scipy.spatial import cKDTree

    n, n_marks = int(regions.max()) + 1, int(marks.max()) + 1
    is_shared = np.zeros(n, bool)
    is_shared[shared] = True
    pixels = np.argwhere(is_shared[regions])
    of_pixels = regions[tuple(pixels.T)].astype(np.int64)
    # So far apart along a third axis that the nearest one lies in the same region.
    apart = 2.0 * sum(regions.shape) * of_pixels
    places = np.column_stack([pixels, apart])
    painted = marks[tuple(pixels.T)] > 0
    _, nearest = cKDTree(places[painted]).query(places)
    labels = marks[tuple(pixels[painted].T)][nearest]
    keys, which = np.unique(of_pixels * n_marks + labels, return_inverse=True)
    of_keys = keys // n_marks
    is_first = np.append(True, of_keys[1:] != of_keys[:-1])
    numbers = of_keys.copy()
    numbers[~is_first] = n + np.arange(int((~is_first).sum()))
    result = regions.copy()
    result[tuple(pixels.T)] = numbers[which]
    return result


def _inherited(graph: RegionGraph, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    """Boundary strengths of pairs of old regions, smaller first; 0 within one."""
    n = len(graph)
    known = graph.edges[:, 0].astype(np.int64) * n + graph.edges[:, 1]
    wanted = pairs[:, 0] * n + pairs[:, 1]
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found = (pairs[:, 0] != pairs[:, 1]) & (known[places] == wanted)
    strengths: NDArray[np.float32] = np.where(found, graph.boundary[places], np.float32(0))
    return strengths
