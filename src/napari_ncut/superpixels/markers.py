"""A given number of places, spread evenly over a plane or a volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def spread_markers(
    shape: Sequence[int], n_markers: int, sides: Sequence[float] | None = None
) -> NDArray[np.int32]:
    """Exactly `n_markers` pixels, numbered from 1, as far from each other as a grid lets them be.

    Parameters
    ----------
    shape
        Of a plane or a volume, with at least as many pixels.
    n_markers
        How many.
    sides
        Of a pixel along each axis. Default: equal.

    Returns
    -------
    int32 array
        0 where there is no marker.
    """
    markers = np.zeros(tuple(shape), np.int32)
    places = _spread(list(shape), n_markers, list(sides or [1.0] * len(shape)))
    markers[tuple(places.T)] = np.arange(1, n_markers + 1)
    return markers


def _spread(shape: list[int], n: int, sides: list[float]) -> NDArray[np.int64]:
    """Places (n, d): so many in each of some lines, planes, … along the first axis."""
    if len(shape) == 1:
        return ((np.arange(n) * 2 + 1) * shape[0] // (2 * n))[:, np.newaxis]
    rest = int(np.prod(shape[1:]))
    # Cubes as large as one marker's share have this side.
    sizes = [s * side for s, side in zip(shape, sides, strict=True)]
    cube = (float(np.prod(sizes)) / n) ** (1 / len(shape))
    lines = int(np.clip(round(sizes[0] / cube), -(-n // rest), min(shape[0], n)))
    begins = np.arange(lines + 1) * n // lines
    parts = []
    for i, in_line in enumerate(np.diff(begins)):
        places = _spread(shape[1:], int(in_line), sides[1:])
        first = np.full((len(places), 1), (2 * i + 1) * shape[0] // (2 * lines))
        parts.append(np.concatenate([first, places], axis=1))
    return np.concatenate(parts)


def grid_labels(shape: Sequence[int], n_segments: int) -> NDArray[np.int32]:
    """Exactly so many pieces of a plane or volume without edges, by the nearest of even markers."""
    from skimage.segmentation import watershed

    markers = spread_markers(shape, n_segments)
    labels: NDArray[np.int32] = watershed(np.zeros(tuple(shape)), markers, compactness=1.0)
    return labels
