"""Outlines along the edges of pixels, and back: what is traced and filled again is the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Directions of an edge: right, down, left, up; things lie at its right.
_STEPS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of one connected piece.

    Attributes
    ----------
    number : int
        Of the piece.
    outer : int array (n, 2)
        Corners as (x, y) in pixels, clockwise on screen, the first one not repeated. The middle of
        the first pixel lies at (0.5, 0.5).
    holes : list of int arrays (n, 2)
        Counterclockwise.
    """

    number: int
    outer: NDArray[np.int64]
    holes: list[NDArray[np.int64]]


def trace_outlines(pieces: NDArray) -> list[Outline]:
    """Outlines of connected pieces, by the edges of their pixels.

    No ring touches itself, so that they are valid polygons: where a piece closes around something
    at a corner, that is a hole that touches the outer ring there.

    Parameters
    ----------
    pieces
        Whole numbers (h, w): every number above 0 one piece that hangs together by sides of pixels
        (``skimage.measure.label(..., connectivity=1)``), 0 what has none.

    Returns
    -------
    list of Outline
        By ascending number.
    """
    starts, directions, numbers = _edges(pieces)
    if not len(starts):
        return []
    order, first = _in_rings(starts, directions, numbers, pieces.shape[1] + 1)
    starts, directions, numbers = starts[order], directions[order], numbers[order]
    lengths = np.diff(np.append(first, len(order)))
    ring = np.repeat(np.arange(len(first)), lengths)
    before = np.arange(len(order)) - 1
    before[first] = first + lengths - 1
    corners = directions != directions[before]
    points = np.column_stack([starts % (pieces.shape[1] + 1), starts // (pieces.shape[1] + 1)])
    points, ring = points[corners], ring[corners]
    begins = np.searchsorted(ring, np.arange(len(first)))
    outer = _signed_areas(points, begins) > 0
    rings = np.split(points, begins[1:])
    of_ring = numbers[first]
    found: dict[int, Outline] = {}
    # Outer rings first, each in the order of its number; then their holes.
    for i in np.lexsort((of_ring, ~outer)).tolist():
        number = int(of_ring[i])
        if outer[i]:
            found[number] = Outline(number, rings[i], [])
        else:
            found[number].holes.append(rings[i])
    return list(found.values())


def _edges(pieces: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray]:
    """Directed edges of all pieces: the corner each starts at, its direction and its piece."""
    width = pieces.shape[1]
    padded = np.pad(pieces, 1)
    starts, directions, numbers = [], [], []
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    for one, other, shift, direction in (
        (below, above, (0, 0), 0),
        (left, right, (0, 0), 1),
        (above, below, (0, 1), 2),
        (right, left, (1, 0), 3),
    ):
        rows, columns = np.nonzero((one != other) & (one > 0))
        starts.append((rows + shift[0]) * (width + 1) + columns + shift[1])
        directions.append(np.full(len(rows), direction, np.int8))
        numbers.append(one[rows, columns])
    return np.concatenate(starts), np.concatenate(directions), np.concatenate(numbers)


def _in_rings(
    starts: NDArray[np.int64], directions: NDArray[np.int8], numbers: NDArray, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of the edges along their rings, ring after ring, and where each begins in it."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    n = len(starts)
    # At a corner no two edges leave in one direction, so both together name an edge.
    names = starts * 4 + directions
    by_name = np.argsort(names)
    ends = starts + (_STEPS[directions] @ [width, 1])
    following = np.full(n, -1)
    # Turning left first parts what a piece encloses at a corner from what lies outside.
    for turn in (3, 0, 1):
        wanted = ends * 4 + (directions + turn) % 4
        place = by_name[np.minimum(np.searchsorted(names, wanted, sorter=by_name), n - 1)]
        fits = (following < 0) & (names[place] == wanted) & (numbers[place] == numbers)
        following[fits] = place[fits]
    links = csr_matrix((np.ones(n, bool), following, np.arange(n + 1)), shape=(n, n))
    n_rings, ring = connected_components(links, directed=True, connection="weak")
    _, first = np.unique(ring, return_index=True)
    # All rings in one chain, the end of each tied to the beginning of the next: walked through at
    # once rather than ring by ring.
    chain = following.copy()
    last = np.empty(n, np.int64)
    last[following] = np.arange(n)
    chain[last[first[:-1]]] = first[1:]
    end = last[first[-1]]
    counts = np.ones(n, np.int64)
    counts[end] = 0
    walk = csr_matrix(
        (np.ones(n - 1, bool), np.delete(chain, end), np.append(0, np.cumsum(counts))), shape=(n, n)
    )
    order = breadth_first_order(walk, first[0], return_predecessors=False)
    begins = np.append(0, np.cumsum(np.bincount(ring, minlength=n_rings)))[:-1]
    return np.asarray(order, np.int64), begins


def _signed_areas(points: NDArray[np.int64], begins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Twice the area of every ring, above 0 of those that go clockwise on screen."""
    after = np.arange(1, len(points) + 1)
    after[np.append(begins[1:], len(points)) - 1] = begins
    x, y = points.T
    return np.add.reduceat(x * y[after] - x[after] * y, begins)


def fill_outlines(
    rings: Sequence[NDArray], of_ring: NDArray, shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels whose middle lies within polygons.

    Parameters
    ----------
    rings
        Corners (n, 2) of each as (x, y), any numbers; closed by themselves.
    of_ring
        The polygon of every ring, counted from 0: what lies within two rings of one is a hole.
    shape
        Rows and columns; what lies outside is left out.

    Returns
    -------
    pixels : int64 array (k,)
        Indices in the flat plane, polygon after polygon.
    polygons : int64 array (k,)
        Whose each is.
    """
    height, width = shape
    rings = [np.asarray(one, float).reshape(-1, 2) for one in rings]
    lengths = np.array([len(one) for one in rings], np.int64)
    if not lengths.sum():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    points = np.concatenate(rings)
    ends = np.cumsum(lengths)
    after = np.arange(1, len(points) + 1)
    used = lengths > 0
    after[ends[used] - 1] = (ends - lengths)[used]
    x, y = points.T
    next_x, next_y = points[after].T
    # Rows whose middle an edge crosses; of a corner on it the lower edge alone counts.
    low = np.clip(np.ceil(np.minimum(y, next_y) - 0.5), 0, height).astype(np.int64)
    high = np.clip(np.ceil(np.maximum(y, next_y) - 0.5), 0, height).astype(np.int64)
    edge, row = _ranges(low, high)
    middle = row + 0.5
    slope = (next_x - x)[edge] / (next_y - y)[edge]
    crossing = x[edge] + (middle - y[edge]) * slope
    column = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)
    polygon = np.repeat(np.asarray(of_ring, np.int64), lengths)[edge]
    order = np.lexsort((column, row, polygon))
    column, row, polygon = column[order], row[order], polygon[order]
    # Of every row of a polygon crossings come in pairs: in and out.
    span, pixel = _ranges(column[0::2], column[1::2])
    return row[0::2][span] * width + pixel, polygon[0::2][span]


def _ranges(low: NDArray, high: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All whole numbers from every `low` up to below its `high`, and the index of each range."""
    counts = np.maximum(high - low, 0)
    index = np.repeat(np.arange(len(low)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return index, low[index] + within
