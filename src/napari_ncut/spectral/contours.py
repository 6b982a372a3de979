"""Contours between nodes: an edge on the straight line between two cells cuts their affinity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..errors import InputError, is_number
from ..imaging.layout import PlaneLayout
from ..progress import Progress, Steps
from .affinity import Kernel
from .edges import check_edges, size_text
from .graphs import graph_of_pairs, neighbor_pairs_steps, pair_affinities, unique_pairs
from .neighbors import check_n_neighbors, prepared_rows

# Pairs whose lines are walked at once, and the most of one graph: 2 GB while it is made.
_BLOCK_PAIRS = 2**18
_MOST_PAIRS = 2**24


def grid_pairs(grid: tuple[int, int], radius: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """All pairs of cells that lie within a radius, each once.

    Parameters
    ----------
    grid
        (rows, columns).
    radius
        Largest distance of cell centers, in cells, at least 1.

    Returns
    -------
    i, j : int32 arrays (p,)
        i < j, cells counted rows first; ordered by their offset.

    Raises
    ------
    InputError
        If the radius is no number from 1.
    """
    check_radius(radius)
    rows, columns = grid
    cells = np.arange(rows * columns, dtype=np.int32).reshape(grid)
    first, second = [cells[:0, 0]], [cells[:0, 0]]
    for down, right in _offsets(grid, radius):
        left = max(0, -right)
        first.append(cells[: rows - down, left : columns - max(0, right)].ravel())
        second.append(cells[down:, left + right : columns + min(0, right)].ravel())
    return np.concatenate(first), np.concatenate(second)


def _offsets(grid: tuple[int, int], radius: float) -> list[tuple[int, int]]:
    """(rows, columns) from a cell to the later ones within the radius."""
    down = np.arange(min(int(radius), grid[0] - 1) + 1)[:, np.newaxis]
    reach = min(int(radius), grid[1] - 1)
    right = np.arange(-reach, reach + 1)[np.newaxis, :]
    later = (down > 0) | (right > 0)
    found = np.argwhere(later & (down**2 + right**2 <= radius**2))
    return [(int(r), int(c) - reach) for r, c in found]


def check_strength(strength: object) -> None:
    """Raise an `InputError` unless contours can cut so much."""
    if not is_number(strength) or strength < 0:  # type: ignore[operator]
        raise InputError(
            f"Contour strength {strength!r} cannot be used. Give a number from 0, which lets "
            f"contours be; larger cuts more."
        )


def check_radius(radius: object) -> None:
    """Raise an `InputError` unless this is a radius in cells."""
    if not is_number(radius) or radius < 1:  # type: ignore[operator]
        raise InputError(
            f"Radius {radius!r} cannot be used. Give a number of cells from 1; larger lets "
            f"contours part cells that lie farther apart, and takes more time and memory."
        )


def intervening_contour(
    edges: NDArray, stride: int, i: NDArray, j: NDArray, grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Strongest edge between two cells, for many pairs.

    The intervening contour of Leung & Malik, "Contour continuity in region based image
    segmentation", ECCV 1998. The straight line between the cells' centers is walked in steps of
    half a cell, where every point stands for the strongest of the pixels half-way to the next ones;
    at stride 1 in steps of a pixel. Where the line passes between two points both count; where it
    passes diagonally between two that touch by a corner, the weaker of these counts, so that no
    line slips through a contour. The two ends do not count: a contour that runs through a cell
    parts those on its sides, and leaves the cell to the side that its features are like, rather
    than alone.

    Parameters
    ----------
    edges
        Edge strengths (h, w) in [0, 1].
    stride
        Pixels per cell.
    i, j
        Pairs of cells (p,), counted rows first, in any distance and order.
    grid
        (rows, columns) = (⌈h / stride⌉, ⌈w / stride⌉).

    Returns
    -------
    float32 array (p,)
        In [0, 1].

    Raises
    ------
    InputError
        If the edges have another shape, are not finite or leave [0, 1].
    """
    strengths = check_edges("The edges", edges)
    if tuple(grid) != tuple(-(-size // stride) for size in strengths.shape):
        raise InputError(
            f"Edges of {size_text(strengths.shape)} pixels do not belong to a grid of "
            f"{size_text(grid)} cells of {stride} pixels. Give the edges of the image at its full "
            f"size."
        )
    lattice, per_cell = _lattice(strengths, stride, grid)
    result = np.empty(len(i), dtype=np.float32)
    for first in range(0, len(i), _BLOCK_PAIRS):
        block = slice(first, first + _BLOCK_PAIRS)
        result[block] = _strongest_between(lattice, per_cell, i[block], j[block], grid[1])
    return result


def _strongest_between(
    lattice: NDArray[np.float32], per_cell: int, i: NDArray, j: NDArray, n_columns: int
) -> NDArray[np.float32]:
    # From the earlier to the later cell: the same points in both directions.
    row, column = np.divmod(np.minimum(i, j), n_columns)
    last_row, last_column = np.divmod(np.maximum(i, j), n_columns)
    down, right = per_cell * (last_row - row), per_cell * (last_column - column)
    row, column = (per_cell * v + per_cell - 1 for v in (row, column))
    return _strongest_on_lines(lattice, row, column, down, right)


def _lattice(
    strengths: NDArray[np.float32], stride: int, grid: tuple[int, int]
) -> tuple[NDArray[np.float32], int]:
    """Strongest edges around points in steps of half a cell, and the number of steps per cell.

    The center of cell (r, c) is point (2r + 1, 2c + 1); at stride 1, where nothing lies between
    two pixels, it is (r, c).
    """
    if stride == 1:
        return strengths, 1
    for axis in (0, 1):
        # In quarters of a pixel: point p lies at 2·stride·p and stands for what is within one
        # stride of it. The center of pixel x lies at 4x + 2.
        point = 2 * stride * np.arange(2 * grid[axis] + 1)
        last = strengths.shape[axis] - 1
        low = np.clip(-(-(point - stride - 2) // 4), 0, last)
        high = np.clip((point + stride - 2) // 4, 0, last)
        pooled = strengths.take(low, axis)
        for step in range(1, int((high - low).max()) + 1):
            np.maximum(pooled, strengths.take(np.minimum(low + step, high), axis), out=pooled)
        strengths = pooled
    return strengths, 2


def _strongest_on_lines(
    lattice: NDArray[np.float32], row: NDArray, column: NDArray, down: NDArray, right: NDArray
) -> NDArray[np.float32]:
    """Largest value between points (row, column) and (row + down, column + right), all (p,)."""
    length = np.maximum(np.abs(down), np.abs(right))
    # Longest lines first: those that are not at their end yet are then the first ones.
    order = np.argsort(-length, kind="stable")
    row, column, down, right, length = (
        v[order].astype(np.int64) for v in (row, column, down, right, length)
    )
    width = lattice.shape[1]
    flat = lattice.ravel()
    strongest = np.zeros(len(order), dtype=np.float32)
    for step in range(1, int(length.max(initial=0))):
        n_left = int(np.searchsorted(-length, -step))
        r, r_rest = np.divmod(down[:n_left] * step, length[:n_left])
        c, c_rest = np.divmod(right[:n_left] * step, length[:n_left])
        at = (row[:n_left] + r) * width + column[:n_left] + c
        np.maximum(strongest[:n_left], flat[at], out=strongest[:n_left])
        # One of the coordinates is whole: the neighbor along the other one.
        at += np.where(r_rest > 0, width, 0) + (c_rest > 0)
        np.maximum(strongest[:n_left], flat[at], out=strongest[:n_left])
    diagonal = np.flatnonzero((np.abs(down) == np.abs(right)) & (length > 0))
    row, column, length = row[diagonal], column[diagonal], length[diagonal]
    down, right = np.sign(down[diagonal]), np.sign(right[diagonal])
    for step in range(int(length.max(initial=0))):
        n_left = int(np.searchsorted(-length, -step))
        at = (row[:n_left] + down[:n_left] * step) * width + column[:n_left] + right[:n_left] * step
        beside = np.minimum(flat[at + down[:n_left] * width], flat[at + right[:n_left]])
        some = diagonal[:n_left]
        strongest[some] = np.maximum(strongest[some], beside)
    result = np.empty_like(strongest)
    result[order] = strongest
    return result


def contour_graph_steps(
    features: NDArray,
    kernel: Kernel,
    layout: PlaneLayout,
    edge_maps: Sequence[NDArray],
    *,
    radius: float = 5,
    n_neighbors: int = 32,
    strength: float = 3.0,
) -> Steps[csr_array]:
    """Affinities cut by contours, as a generator of progress.

    Joined are the nearest neighbors among all nodes (see `neighbor_graph_steps`), which tie alike
    parts of an image, its planes and other images together, and in every plane the cells within a
    radius (Cour, Bénézit & Shi, "Spectral segmentation with multiscale graph decomposition", CVPR
    2005). The affinity of two cells of one plane is the kernel's times exp(−strength · e), where e
    is the strongest edge between them (see `intervening_contour`; Arbeláez et al., "Contour
    Detection and Hierarchical Image Segmentation", PAMI 2011, section 3.2, where 1/ρ = 10). Between
    planes no contour intervenes.

    Parameters
    ----------
    features
        Nodes (n, d) in the order of the layout, finite.
    kernel
        Which rows are alike.
    layout
        Where they lie.
    edge_maps
        Edge strengths (h, w) in [0, 1] of every plane, best as thin contours: cells within a band
        that is wider than they are get joined to nothing.
    radius
        In cells, at least 1. Larger lets a contour with gaps part its sides more clearly; time and
        memory grow with its square.
    n_neighbors
        Nearest neighbors of every node, in any plane.
    strength
        How much an edge of strength 1 cuts: to exp(−strength). 0 lets contours be. Where edges are
        dense, 5 and more leave single cells so alone that they take eigenvectors for themselves.

    Returns
    -------
    csr_array (n, n)
        float64, symmetric, 1 on the diagonal, indices sorted.

    Raises
    ------
    InputError
        If anything given cannot be used; nothing has been computed then.
    """
    check_n_neighbors(n_neighbors)
    check_radius(radius)
    check_strength(strength)
    maps = _check_edge_maps(edge_maps, layout)
    if len(features) != layout.n_nodes:
        raise InputError(
            f"There are {len(features)} nodes, but the images have {layout.n_nodes} cells. Give "
            f"the features of all cells of these images."
        )
    n_pairs = sum(_count_pairs(grid, radius) for grid in layout.grids)
    if n_pairs > _MOST_PAIRS:
        raise InputError(
            f"A radius of {radius:g} cells joins {n_pairs:,} pairs; {_MOST_PAIRS:,} fit in memory. "
            f"Give a smaller radius or a larger stride."
        )
    n_nodes = layout.n_nodes
    rows = prepared_rows(kernel, features)
    first, second = yield from neighbor_pairs_steps(rows, n_neighbors)
    plane_of = np.repeat(np.arange(len(layout)), np.diff(layout.offsets))
    apart = plane_of[first] != plane_of[second]
    pairs = [(first[apart], second[apart])]
    weights = [pair_affinities(rows, *pairs[0])]
    # Sorted by the first node, hence by plane.
    first, second = first[~apart], second[~apart]
    starts = np.searchsorted(first, layout.offsets)
    for plane, grid in enumerate(layout.grids):
        yield Progress("contours", plane, len(layout))
        offset = layout.nodes_of(plane).start
        near, far = grid_pairs(grid, radius), slice(starts[plane], starts[plane + 1])
        i, j = unique_pairs(
            np.concatenate([near[0], first[far] - offset]),
            np.concatenate([near[1], second[far] - offset]),
            grid[0] * grid[1],
        )
        weight = pair_affinities(rows, i + offset, j + offset)
        lattice, per_cell = _lattice(maps[plane], layout.stride, grid)
        for start in range(0, len(i), _BLOCK_PAIRS):
            yield Progress("contours", plane * len(i) + start, len(layout) * len(i))
            block = slice(start, start + _BLOCK_PAIRS)
            strongest = _strongest_between(lattice, per_cell, i[block], j[block], grid[1])
            weight[block] *= np.exp(-strength * strongest)
        pairs.append((i + offset, j + offset))
        weights.append(weight)
    yield Progress("graph", 0, 1)
    i, j = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return graph_of_pairs(i, j, np.concatenate(weights), n_nodes)


def _count_pairs(grid: tuple[int, int], radius: float) -> int:
    return sum((grid[0] - down) * (grid[1] - abs(right)) for down, right in _offsets(grid, radius))


def _check_edge_maps(edge_maps: Sequence[NDArray], layout: PlaneLayout) -> list[NDArray]:
    if len(edge_maps) != len(layout):
        raise InputError(
            f"{len(edge_maps)} edge map(s) were given for {len(layout)} plane(s). Give one for "
            f"every plane, in their order."
        )
    maps = []
    for plane, (edges, shape) in enumerate(zip(edge_maps, layout.shapes, strict=True)):
        checked = check_edges(f"The edges of plane {plane}", edges)
        if checked.shape != tuple(shape):
            raise InputError(
                f"The edges of plane {plane} have {size_text(checked.shape)} pixels, the plane has "
                f"{size_text(shape)}. Give edges at the full size of the image."
            )
        maps.append(checked)
    return maps
