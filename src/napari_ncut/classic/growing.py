"""Regions that grow: by the lecture-hall rule of the running mean, and by flooding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from .numbering import numbered_parts


def region_growing(task: Task, *, tolerance: float, spacing: int, smallest: int) -> NDArray:
    """Regions grown from seeds everywhere, until every pixel is in one.

    Seeds lie on a grid; where nothing grows to, on a grid of half the distance, and so on.
    Regions that meet are one if their means are no further apart than pixels may be.
    """
    labels = np.zeros(task.shape, np.int32)
    # No coarser than the plane: the first grid has a seed.
    spacing = max(1, min(spacing, *task.shape))
    while not labels.all():
        places = np.zeros(task.shape, bool)
        places[spacing // 2 :: spacing, spacing // 2 :: spacing] = True
        places &= labels == 0
        labels[places] = np.arange(1, np.count_nonzero(places) + 1) + int(labels.max())
        if spacing > 1:
            labels = grown(task.image, labels, tolerance)
        spacing = max(1, spacing // 2)
    return numbered_parts(_joined(task.image, labels - 1, tolerance), smallest=smallest)


def grown(image: NDArray, seeds: NDArray, tolerance: float) -> NDArray[np.int32]:
    """Let regions grow: a neighbor p of R joins if it differs by less from R's mean.

    All regions grow at once, by one pixel in a round, and means follow after every round. A pixel
    that several regions would take goes to the one it is most alike. Pixels that did not fit are
    asked again when nothing else joins, until none fits: means may have come nearer to them.

    Parameters
    ----------
    image
        (h, w), or (h, w, c), of which the channel that differs most counts.
    seeds
        Whole numbers (h, w): 0 where nothing is yet, else the region that a pixel is in.
    tolerance
        T of |I(p) − mean(R)| < T, in units of the image. Higher gives larger regions.

    Returns
    -------
    int32 array (h, w)
        Seeds and what has joined them; 0 where nothing did.

    Notes
    -----
    The seeded rule of Adams and Bischof (Seeded region growing, TPAMI 1994), with a tolerance in
    place of their queue, so that it can be computed for all pixels of a round together.
    """
    image = np.asarray(image)
    width = image.shape[1]
    values = np.asfortranarray(image.reshape(image.shape[0] * width, -1), np.float64)
    labels = np.asarray(seeds, np.int32).ravel().copy()
    n_regions = int(labels.max()) + 1
    counts = np.bincount(labels, minlength=n_regions).astype(np.float64)
    sums = _sums(labels, values, n_regions)
    newest = np.flatnonzero(labels)
    # Pairs of a pixel and a region beside it that it did not fit, yet.
    waiting: list[tuple[NDArray, NDArray]] = []
    while True:
        asked_again = not newest.size
        if asked_again:
            pixels, regions = (np.concatenate(part) for part in zip(*waiting, strict=True))
            waiting = []
        else:
            pixels, of = _beside(newest, width, len(labels))
            regions = labels[of]
        free = labels[pixels] == 0
        pixels, regions = pixels[free], regions[free]
        means = sums / np.maximum(counts, 1)[:, np.newaxis]
        distances = _apart(values, pixels, means, regions)
        fits = distances < tolerance
        waiting.append((pixels[~fits], regions[~fits]))
        near = np.flatnonzero(fits)
        order = near[np.lexsort((regions[near], distances[near], pixels[near]))]
        first = np.append(True, pixels[order][1:] != pixels[order][:-1])[: len(order)]
        joining = order[first]
        newest, joined = pixels[joining], regions[joining]
        if asked_again and not newest.size:
            break
        labels[newest] = joined
        counts += np.bincount(joined, minlength=n_regions)
        sums += _sums(joined, values[newest], n_regions)
    return labels.reshape(image.shape[:2])


def _sums(labels: NDArray, values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(labels, column, n) for column in values.T], axis=1)


def _beside(places: NDArray, width: int, n: int) -> tuple[NDArray, NDArray]:
    """Pixels at the sides of those at `places`, and which of these each is beside."""
    column = places % width
    inside = {
        -width: places >= width,
        width: places < n - width,
        -1: column > 0,
        1: column < width - 1,
    }
    of = np.concatenate([places[there] for there in inside.values()])
    return np.concatenate([places[there] + step for step, there in inside.items()]), of


def _apart(values: NDArray, ones: NDArray, means: NDArray, others: NDArray) -> NDArray[np.float64]:
    """How far rows are from others in the column in which they differ most."""
    found: NDArray[np.float64] = np.zeros(len(ones))
    for value, mean in zip(values.T, means.T, strict=True):
        np.maximum(found, np.abs(value[ones] - mean[others]), out=found)
    return found


def _joined(image: NDArray, labels: NDArray, tolerance: float) -> NDArray:
    """Join neighbors (numbers from 0) whose means are nearer than the tolerance, nearest first."""
    from ..regions.graph import RegionGraph
    from ..superpixels.connectivity import mutual_pairs

    edges = RegionGraph.of(labels, np.zeros(labels.shape, np.float32)).edges.astype(np.int64)
    n = int(labels.max()) + 1
    counts: NDArray[Any] = np.bincount(labels.ravel(), minlength=n)
    sums = _sums(labels.ravel(), image.reshape(labels.size, -1).astype(np.float64), n)
    groups = np.arange(n)
    while True:
        means = sums / counts[:, np.newaxis]
        distances = _apart(means, edges[:, 0], means, edges[:, 1])
        near = distances < tolerance
        if not near.any():
            return groups[labels]
        pairs = mutual_pairs(edges[near], distances[near], len(counts))
        step = np.arange(len(counts))
        step[pairs[:, 1]] = pairs[:, 0]
        left = np.bincount(step, minlength=len(counts)) > 0
        step = (np.cumsum(left) - 1)[step]
        groups = step[groups]
        n_left = int(left.sum())
        sums = _sums(step, sums, n_left)
        counts = np.bincount(step, counts, n_left)
        edges = np.sort(step[edges], axis=1)
        keys = np.unique(edges[:, 0] * n_left + edges[:, 1])
        edges = np.stack([keys // n_left, keys % n_left], axis=1)
        edges = edges[edges[:, 0] != edges[:, 1]]


def flood(task: Task, *, tolerance: float, smallest: int) -> NDArray:
    """What can be walked through by steps no higher than the tolerance is one segment."""
    return numbered_parts(flat_zones(task.image, tolerance), smallest=smallest)


def flat_zones(image: NDArray[Any], tolerance: float) -> NDArray[np.integer]:
    """Pieces (h, w) within which neighbors differ by at most `tolerance` in every channel."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    height, width = image.shape[:2]
    places = np.arange(height * width).reshape(height, width)
    across = (np.abs(np.diff(image, axis=1)) <= tolerance).all(axis=-1)
    down = (np.abs(np.diff(image, axis=0)) <= tolerance).all(axis=-1)
    one = np.concatenate([places[:, :-1][across], places[:-1][down]])
    other = np.concatenate([places[:, 1:][across], places[1:][down]])
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(places.size,) * 2)
    _, found = connected_components(graph, directed=False)
    return found.reshape(height, width)
