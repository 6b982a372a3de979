"""What tells of a region whether it is part of a thing: contrast, closedness, place, the cut.

Numbers that mean the same in every plane and for every backbone: distances count in units of the
plane's own, so that a model of them can be asked about features that it was not trained with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..regions.graph import RegionGraph
from ..regions.tree import MergeTree
from .cut import cut_vectors
from .scene import Matrix, Pieces

# Numbers of regions at which evidence is taken. A region is judged by its own and by that of the
# larger ones that it is part of.
LEVELS = (200, 70, 24)
# Shares of the plane's border from which on a region counts as background.
_TOUCHES = (0.01, 0.1, 0.3)
# A thing, as far as closedness goes: hardly on the border, and not nearly all of the plane.
_OPEN, _LARGEST = 0.04, 0.6
# How steeply walks avoid boundaries, and differences.
_WALL, _STEP = 8.0, 4.0
_EIGENVECTORS = 3


def evidence(pieces: Pieces) -> Matrix:
    """Numbers for every region, (n, `N_EVIDENCE`)."""
    columns = [level_evidence(pieces)]
    for n_regions in LEVELS[1:]:
        groups, larger = _merged(pieces, n_regions)
        columns.append(level_evidence(larger)[groups])
    return np.concatenate(columns, axis=1)


def _merged(pieces: Pieces, n_regions: int) -> tuple[NDArray[np.int32], Pieces]:
    groups, tree = pieces.tree.coarsened(n_regions)
    areas = pieces.graph.areas
    n = int(groups.max()) + 1
    total = np.bincount(groups, areas, n)

    def means(rows: Matrix) -> Matrix:
        sums = np.zeros((n, rows.shape[1]))
        np.add.at(sums, groups, rows * areas[:, np.newaxis])
        return (sums / total[:, np.newaxis]).astype(np.float32)

    larger = Pieces(
        graph=_merged_graph(pieces.graph, groups),
        tree=tree,
        groups=groups[pieces.groups],
        features=means(pieces.features),
        kind=means(pieces.kind),
        color=means(pieces.color),
    )
    return groups, larger


def _merged_graph(graph: RegionGraph, groups: NDArray[np.int32]) -> RegionGraph:
    """The graph of larger regions, of which boundaries are known by the smaller ones'."""
    n = int(groups.max()) + 1
    ends = np.sort(groups[graph.edges].reshape(-1, 2), axis=1).astype(np.int64)
    left = np.flatnonzero(ends[:, 0] != ends[:, 1])
    keys, inverse = np.unique(ends[left, 0] * n + ends[left, 1], return_inverse=True)
    lengths = np.bincount(inverse, graph.lengths[left], len(keys))
    sums = np.bincount(inverse, (graph.boundary * graph.lengths)[left], len(keys))
    return RegionGraph(
        groups[graph.labels],
        np.stack([keys // n, keys % n], axis=1).astype(np.int32),
        lengths.astype(np.float32),
        (sums / np.maximum(lengths, 1)).astype(np.float32),
    )


def level_evidence(pieces: Pieces) -> Matrix:
    """Numbers for every region of one level, (n, `N_EVIDENCE` / number of levels)."""
    n = len(pieces)
    if n < 2:
        return np.zeros((n, N_EVIDENCE // len(LEVELS)), np.float32)
    areas = pieces.graph.areas / pieces.graph.areas.sum()
    contact = pieces.contact / pieces.contact.sum()
    columns = []
    for rows in (pieces.features, pieces.kind, pieces.color):
        distances = relative_distances(rows, areas)
        columns += _contrasts(pieces.graph, distances, areas, contact)
    columns += _shape(pieces, areas, contact)
    columns += _closedness(pieces.tree, areas, contact)
    columns += _cut(pieces, areas, contact)
    return np.stack(columns, axis=1).astype(np.float32)


def relative_distances(rows: Matrix, areas: Matrix) -> Matrix:
    """Distances of all pairs (n, n) in units of their mean over pairs of pixels, at most 4."""
    squares = np.square(rows).sum(axis=1)
    square = np.maximum(squares[:, np.newaxis] + squares - 2 * rows @ rows.T, 0)
    distances = np.sqrt(square)
    np.fill_diagonal(distances, 0)
    mean = float(areas @ distances @ areas)
    # Differences in rounding alone are none.
    if mean <= 1e-5 * max(float(np.sqrt(squares.max())), 1e-6):
        return np.zeros_like(distances)
    return np.minimum(distances / mean, 4).astype(np.float32)


def _contrasts(
    graph: RegionGraph, distances: Matrix, areas: Matrix, contact: Matrix
) -> list[Matrix]:
    """By one kind of distance: to the border, to everything, to neighbors, and by walking."""
    order = np.argsort(distances, axis=1)
    weights = contact[order].cumsum(axis=1)
    nearest = np.take_along_axis(distances, order, axis=1)
    # The tenth of the border that is most alike: it is enough to go on at one side.
    enough = (weights >= 0.1).argmax(axis=1)[:, np.newaxis]
    one, other = graph.edges.T
    step = distances[one, other]
    beside = _sums(len(graph), graph.edges, step * graph.lengths)
    lengths = _sums(len(graph), graph.edges, graph.lengths)
    walk = graph.lengths * np.exp(-_STEP * step - _WALL / 2 * graph.boundary)
    return [
        distances @ contact,
        np.take_along_axis(nearest, enough, axis=1)[:, 0],
        distances @ areas,
        beside / np.maximum(lengths, 1),
        waiting(graph.edges, walk, contact),
    ]


def waiting(edges: NDArray[np.int32], weights: Matrix, contact: Matrix) -> Matrix:
    """How long a walk along edges takes from every region to leave the plane, ranked 0 to 1.

    The time to absorption of a Markov chain whose absorbing states lie around the plane (Jiang et
    al., Saliency detection via absorbing Markov chain, 2013).
    """
    n = len(contact)
    matrix = np.zeros((n, n))
    matrix[edges[:, 0], edges[:, 1]] = weights
    matrix += matrix.T
    out = contact / max(float(contact.max()), 1e-12) * max(float(matrix.sum(axis=1).mean()), 1e-9)
    degrees = matrix.sum(axis=1) + out + 1e-9
    steps = np.linalg.solve(np.diag(degrees) - matrix, degrees)
    ranks = np.argsort(np.argsort(steps, kind="stable"), kind="stable")
    return (ranks / max(n - 1, 1)).astype(np.float32)


def _shape(pieces: Pieces, areas: Matrix, contact: Matrix) -> list[Matrix]:
    """Size, place, how much lies on the border, and how strong the outline is."""
    graph = pieces.graph
    height, width = graph.labels.shape
    away = (graph.centers + 0.5) / np.array([height, width], np.float32) - 0.5
    lengths = _sums(len(graph), graph.edges, graph.lengths)
    outline = _sums(len(graph), graph.edges, graph.boundary * graph.lengths)
    walk = graph.lengths * np.exp(-_WALL * graph.boundary)
    return [
        np.sqrt(areas),
        np.hypot(away[:, 0], away[:, 1]),
        np.sqrt(contact),
        pieces.contact / np.maximum(lengths + pieces.contact, 1),
        outline / np.maximum(lengths, 1),
        waiting(graph.edges, walk, contact),
    ]


def _closedness(tree: MergeTree, areas: Matrix, contact: Matrix) -> list[Matrix]:
    """At what level a region becomes one with the border, and the best thing it is part of."""
    members = ancestry(tree)
    touching, size = members @ contact, members @ areas
    columns = []
    for share in _TOUCHES:
        big = (touching > share)[:, np.newaxis]
        columns.append(np.where(members & big, tree.levels[:, np.newaxis], 1.0).min(axis=0))
    lasts = tree.levels[tree.parents] - tree.levels
    lasts[-1] = 0
    thing = (touching <= _OPEN) & (size <= _LARGEST)
    worth = np.where(members & thing[:, np.newaxis], lasts[:, np.newaxis], 0)
    best = worth.argmax(axis=0)
    found = worth.max(axis=0)
    columns += [found, np.where(found > 0, np.sqrt(size[best]), 0)]
    return columns


def _cut(pieces: Pieces, areas: Matrix, contact: Matrix) -> list[Matrix]:
    """Eigenvectors of all pairs, by features, color and what parts them, away from the border."""
    n = len(pieces)
    levels = merge_levels(pieces.tree)
    deep = relative_distances(pieces.features, areas)
    color = relative_distances(pieces.color, areas)
    affinity = np.exp(-2 * deep - color - 3 * levels)
    vectors = cut_vectors(affinity * np.sqrt(np.outer(areas, areas)), _EIGENVECTORS + 1)[:, 1:]
    columns = []
    for i in range(_EIGENVECTORS):
        if i >= vectors.shape[1]:
            columns.append(np.zeros(n, np.float32))
            continue
        vector = vectors[:, i]
        deviation = float(np.sqrt(areas @ np.square(vector - areas @ vector))) or 1.0
        apart = (vector - contact @ vector) / deviation
        # Of either sign: what matters is the side away from the border.
        columns.append(np.clip(apart * (np.sign(areas @ apart) or 1.0), -4, 4))
    return columns


def ancestry(tree: MergeTree) -> NDArray[np.bool_]:
    """Which regions every node of a small tree consists of, (2n - 1, n)."""
    regions = np.arange(len(tree))
    found = np.zeros((len(tree.parents), len(tree)), bool)
    nodes: NDArray = regions
    while True:
        found[nodes, regions] = True
        above = tree.parents[nodes]
        if np.array_equal(above, nodes):
            return found
        nodes = above


def merge_levels(tree: MergeTree) -> Matrix:
    """The level at which each two regions (n, n) become one."""
    n = len(tree)
    one, other = np.indices((n, n))
    levels = tree.levels[tree.common(one.ravel(), other.ravel())].reshape(n, n)
    np.fill_diagonal(levels, 0)
    return levels


def _sums(n: int, edges: NDArray[np.int32], values: NDArray) -> Matrix:
    """Sum over the edges of every region."""
    return np.bincount(edges.T.ravel(), np.tile(values, 2), minlength=n).astype(np.float32)


N_EVIDENCE = len(LEVELS) * (3 * 5 + 6 + len(_TOUCHES) + 2 + _EIGENVECTORS)
