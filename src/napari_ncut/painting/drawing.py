"""What is drawn, as pixels of a plane: lines, the way of a disk, what a line encloses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..prompts.drawing import polygon_area

Rectangle = tuple[slice, slice]


def line_pixels(path: NDArray, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Pixels of a line that no path of neighbors, diagonal ones included, leads across.

    Parameters
    ----------
    path : array (n, 2)
        Corners, as rows and columns; one alone is a dot.
    shape
        Of the plane; what lies outside is left out.

    Returns
    -------
    int64 array (m, 2)
        Rows and columns; some may be there twice.
    """
    from skimage.draw import line

    corners = np.floor(np.asarray(path, dtype=float) + 0.5).astype(int)
    # A leg that leaves the plane is followed only as far as it can matter.
    corners = np.clip(corners, -4 * max(shape), 5 * max(shape))
    legs = [np.column_stack(line(*start, *stop)) for start, stop in pairwise(corners)]
    pixels = np.concatenate(legs or [corners])
    step = np.abs(np.diff(pixels, axis=0))
    (diagonal,) = np.nonzero(step.all(axis=1))
    corner_pixels = np.column_stack([pixels[diagonal, 0], pixels[diagonal + 1, 1]])
    pixels = np.concatenate([pixels, corner_pixels])
    inside = ((pixels >= 0) & (pixels < shape)).all(axis=1)
    return pixels[inside]


def swept(
    path: NDArray, radius: float, shape: tuple[int, int]
) -> tuple[Rectangle, NDArray[np.bool_]] | None:
    """What a disk covers on its way, as a box of the plane and a mask; None outside the plane.

    Parameters
    ----------
    path : array (n, 2)
        Places of its middle, between which it moves straight on.
    radius
        In pixels; pixels whose middle it reaches are covered, the one under its own middle always.
    """
    points = np.asarray(path, dtype=float)
    radius = max(float(radius), 0.5)
    low = np.maximum(np.floor(points.min(axis=0) - radius).astype(int), 0)
    high = np.minimum(np.ceil(points.max(axis=0) + radius).astype(int) + 1, shape)
    if (high <= low).any():
        return None
    mask = np.zeros(high - low, dtype=bool)
    for start, stop in pairwise(points if len(points) > 1 else np.repeat(points, 2, axis=0)):
        _cover_leg(mask, start - low, stop - low, radius)
    middle = np.floor(points + 0.5).astype(int)
    middle = middle[((middle >= low) & (middle < high)).all(axis=1)] - low
    mask[tuple(middle.T)] = True
    return (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))), mask


def _cover_leg(mask: NDArray[np.bool_], start: NDArray, stop: NDArray, radius: float) -> None:
    """Mark what lies within a radius of a straight line."""
    first = np.maximum(np.floor(np.minimum(start, stop) - radius).astype(int), 0)
    last = np.minimum(np.ceil(np.maximum(start, stop) + radius).astype(int) + 1, mask.shape)
    if (last <= first).any():
        return
    rows = np.arange(first[0], last[0])[:, np.newaxis] - start[0]
    columns = np.arange(first[1], last[1])[np.newaxis] - start[1]
    along = stop - start
    length = float(along @ along)
    share = 0.0 if not length else np.clip((rows * along[0] + columns * along[1]) / length, 0, 1)
    distance = (rows - share * along[0]) ** 2 + (columns - share * along[1]) ** 2
    mask[first[0] : last[0], first[1] : last[1]] |= distance <= radius**2


def enclosed(path: NDArray, shape: tuple[int, int]) -> tuple[Rectangle, NDArray[np.bool_]] | None:
    """Pixels within a line that is closed from its end to its beginning; None if there are none.

    Parameters
    ----------
    path : array (n, 2)
        Corners, as rows and columns.
    """
    points = np.asarray(path, dtype=float)
    if len(points) < 3:
        return None
    area = polygon_area(points, shape)
    return None if area.empty else (area.window, area.inside)
