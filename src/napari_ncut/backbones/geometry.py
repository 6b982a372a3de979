"""Where a network's cells lie on a plane: extended borders, shifted passes, tiles, resampling.

Positions are in pixels of the plane, or of its resized copy; pixel i reaches from i to i + 1 here,
so that the cell r of a grid of stride s has its middle at (r + ½)·s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray


def mirrored(first: int, last: int, size: int) -> NDArray[np.int64]:
    """Pixels `first` … `last` - 1 of an axis of `size` pixels that goes on mirrored at both ends.

    A mirror image keeps the texture of the border, where a margin of zeros would be an edge that
    is not in the image; it also serves axes shorter than the margin.
    """
    period = np.arange(first, last) % (2 * size)
    return np.minimum(period, 2 * size - 1 - period)


def shifts(stride: int, factor: int) -> list[int]:
    """Where `factor` passes at `stride` must begin for their cells to interleave.

    The cells of pass i then have the middles of the cells i, i + factor, i + 2·factor … of a grid
    of stride / factor: −¼ and +¼ of the stride for two passes.
    """
    fine = stride / factor
    # Halves always upwards: to the nearest even number, steps of 7 would become 8 and 6.
    return [floor((i + 0.5) * fine - 0.5 * stride + 0.5) for i in range(factor)]


@dataclass(frozen=True)
class Window:
    """A run of cells along one axis: computed from `first` to `last`, with how much each counts."""

    first: int
    last: int
    weights: NDArray[np.float32]


def windows(n_cells: int, size: int, overlap: int, step: int = 1) -> Iterator[Window]:
    """Cover `n_cells` by windows of at most `size`, which overlap and fade into each other.

    They begin at multiples of `step`, so that cells `step` times as large lie in each of them as
    they lie in the whole.
    """
    if n_cells <= size:
        yield Window(0, n_cells, np.ones(n_cells, np.float32))
        return
    n_steps, size_steps = -(-n_cells // step), max(size // step, 1)
    overlap_steps = min(-(-overlap // step), size_steps - 1)
    count = -(-(n_steps - overlap_steps) // (size_steps - overlap_steps))
    starts = np.round(np.linspace(0, n_steps - size_steps, count)).astype(int) * step
    for first in starts:
        last = min(int(first) + size_steps * step, n_cells)
        weights = np.ones(last - first)
        ramp = (np.arange(last - first) + 1.0) / (overlap + 1)
        if first > 0:
            weights = np.minimum(weights, ramp)
        if last < n_cells:
            weights = np.minimum(weights, ramp[::-1])
        yield Window(int(first), last, weights.astype(np.float32))


def sampling(
    n_cells: int, own: float, n_wanted: int, stride: float, size: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    """How to read `n_wanted` cells of `stride` from a map of `n_cells` cells of stride `own`.

    The map is taken to lie in the middle of an axis of `size` pixels, as maps of convolutions with
    symmetric padding, or none, do.

    Returns
    -------
    None where the map's first cells are the ones wanted; else the lower neighbor of each wanted
    cell, and the share of the upper one.
    """
    if own == stride and n_cells >= n_wanted and n_cells * own == size:
        return None
    first = (size - own * (n_cells - 1)) / 2
    places = np.clip(((np.arange(n_wanted) + 0.5) * stride - first) / own, 0, n_cells - 1)
    lower = np.minimum(places.astype(np.int64), max(n_cells - 2, 0))
    return lower, (places - lower).astype(np.float32)
