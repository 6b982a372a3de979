"""What was drawn, as pixels: areas of polygons and paths, and points spread over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Spreading points looks at no more than this many places along each side of what was drawn.
_PLACES = 64


@dataclass(frozen=True, eq=False)
class Area:
    """Pixels of a plane.

    Attributes
    ----------
    top, left : int
        Pixel of the map's first entry.
    inside : bool array (rows, columns)
        Where the area is; everything beyond the map is outside.
    """

    top: int
    left: int
    inside: NDArray[np.bool_]

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return not self.inside.any()

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the map lies in its plane."""
        height, width = self.inside.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether pixels are inside; rows and columns are broadcast against each other."""
        height, width = self.inside.shape
        rows, columns = rows - self.top, columns - self.left
        known = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        there = self.inside[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        return np.asarray(known & there)

    def pixels(self) -> NDArray[np.int64]:
        """All its pixels, (n, 2)."""
        rows, columns = np.divmod(np.flatnonzero(self.inside), self.inside.shape[1])
        return np.column_stack([rows + self.top, columns + self.left])

    def dilated(self, by: int, shape: tuple[int, int]) -> Area:
        """Wider by some pixels in rows and columns, within a plane of `shape`."""
        height, width = self.inside.shape
        wide = np.zeros((height + 2 * by, width + 2 * by), dtype=bool)
        for shift in range(2 * by + 1):
            wide[shift : shift + height, by : by + width] |= self.inside
        along = wide.copy()
        for shift in range(1, by + 1):
            along[:, shift:] |= wide[:, :-shift]
            along[:, :-shift] |= wide[:, shift:]
        top, left = max(self.top - by, 0), max(self.left - by, 0)
        bottom, right = self.top + height + by, self.left + width + by
        cut = along[
            top - (self.top - by) : min(bottom, shape[0]) - (self.top - by),
            left - (self.left - by) : min(right, shape[1]) - (self.left - by),
        ]
        return Area(top, left, cut)


def area_of_map(mask: NDArray[np.bool_]) -> Area:
    """The area of a bool map (h, w), cut to where it is true."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Area(0, 0, np.zeros((1, 1), dtype=bool))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Area(int(rows[0]), int(columns[0]), mask[window])


def _pixels_between(low: float, high: float, size: int) -> tuple[int, int]:
    """First pixel whose middle is at `low` or above, and the one after the last up to `high`."""
    return max(0, int(np.ceil(max(low, -1.0)))), min(size, int(np.floor(min(high, size))) + 1)


def box_area(first: tuple[float, float], last: tuple[float, float], shape: tuple[int, int]) -> Area:
    """Pixels of a plane of `shape` whose middles lie in a box, or the one under its middle."""
    top, bottom = _pixels_between(first[0], last[0], shape[0])
    left, right = _pixels_between(first[1], last[1], shape[1])
    if bottom <= top or right <= left:
        return _under((first[0] + last[0]) / 2, (first[1] + last[1]) / 2, shape)
    return Area(top, left, np.ones((bottom - top, right - left), dtype=bool))


def _under(row: float, column: float, shape: tuple[int, int]) -> Area:
    """The pixel under a place; nothing outside of the plane."""
    inside = -0.5 <= row < shape[0] - 0.5 and -0.5 <= column < shape[1] - 0.5
    place = (int(np.floor(row + 0.5)), int(np.floor(column + 0.5))) if inside else (0, 0)
    return Area(*place, np.full((1, 1), inside))


def polygon_area(vertices: NDArray[np.float64], shape: tuple[int, int]) -> Area:
    """Pixels of a plane of `shape` whose middles lie in a polygon, by the even-odd rule.

    In time that grows with the polygon's outline and the area, not with their product as for a
    test of every pixel against every side: freehand outlines have hundreds of sides.
    """
    (low_row, low_column), (high_row, high_column) = vertices.min(axis=0), vertices.max(axis=0)
    top, bottom = _pixels_between(low_row, high_row, shape[0])
    left, right = _pixels_between(low_column, high_column, shape[1])
    middle = vertices.mean(axis=0)
    if bottom <= top or right <= left:
        return _under(middle[0], middle[1], shape)
    height, width = bottom - top, right - left
    starts, ends = vertices, np.roll(vertices, -1, axis=0)
    up = starts[:, 0] <= ends[:, 0]
    lower = np.where(up[:, np.newaxis], starts, ends)
    upper = np.where(up[:, np.newaxis], ends, starts)
    # Every side crosses the rows from that of its lower end up to before that of its upper one.
    first = np.clip(np.ceil(lower[:, 0]), top, bottom).astype(np.int64)
    last = np.clip(np.ceil(upper[:, 0]), top, bottom).astype(np.int64)
    side = np.repeat(np.arange(len(vertices)), last - first)
    before = np.concatenate([[0], np.cumsum(last - first)[:-1]])
    rows = first[side] + np.arange(len(side)) - before[side]
    slope = (upper[side, 1] - lower[side, 1]) / (upper[side, 0] - lower[side, 0])
    crossing = lower[side, 1] + (rows - lower[side, 0]) * slope
    columns = np.clip(np.ceil(crossing), left, right).astype(np.int64)
    # One column more for sides that cross to the right of all pixels.
    places = (rows - top) * (width + 1) + columns - left
    toggles = np.bincount(places, minlength=height * (width + 1)).astype(np.uint8) & 1
    parity = np.bitwise_xor.accumulate(toggles.reshape(height, width + 1), axis=1)
    inside = parity[:, :width].astype(bool)
    return Area(top, left, inside) if inside.any() else _under(middle[0], middle[1], shape)


def path_area(vertices: NDArray[np.float64], shape: tuple[int, int]) -> Area:
    """Pixels of a plane of `shape` under a line through vertices."""
    # Steps of at most a pixel; of lines that lead far outside, only so much of the way.
    limit = 4 * max(shape)
    vertices = np.clip(vertices, -limit, [shape[0] + limit, shape[1] + limit])
    starts, moves = vertices[:-1], np.diff(vertices, axis=0)
    counts = np.ceil(np.abs(moves).max(axis=1, initial=0)).astype(np.int64) + 1
    segment = np.repeat(np.arange(len(moves)), counts)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(moves) else np.zeros(1, int)
    share = (np.arange(len(segment)) - before[segment]) / np.maximum(counts - 1, 1)[segment]
    places = np.concatenate([starts[segment] + share[:, np.newaxis] * moves[segment], vertices])
    pixels = np.floor(places + 0.5).astype(np.int64)
    kept = ((pixels >= 0) & (pixels < np.array(shape))).all(axis=1)
    return area_of_pixels(pixels[kept])


def area_of_pixels(pixels: NDArray[np.int64]) -> Area:
    """The area of pixels (n, 2)."""
    if not len(pixels):
        return Area(0, 0, np.zeros((1, 1), dtype=bool))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    inside = np.zeros(high - low + 1, dtype=bool)
    inside[tuple((pixels - low).T)] = True
    return Area(int(low[0]), int(low[1]), inside)


def spread(pixels: NDArray[np.int64], count: int, first: int | None = None) -> NDArray[np.int64]:
    """At most `count` of the pixels (n, 2), each as far from those before it as can be.

    Parameters
    ----------
    pixels
        Where to choose.
    count
        How many.
    first
        Index of the one to start with; default: the one nearest to the middle of all.
    """
    if len(pixels) <= count:
        return pixels
    start = None if first is None else pixels[first]
    pixels = _thinned(pixels)
    if start is None:
        start = pixels[((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    chosen = [start]
    distance = ((pixels - start) ** 2).sum(axis=1)
    while len(chosen) < count and distance.max(initial=0) > 0:
        chosen.append(pixels[int(distance.argmax())])
        distance = np.minimum(distance, ((pixels - chosen[-1]) ** 2).sum(axis=1))
    return np.array(chosen)


def _thinned(pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """One pixel for each place of a raster over them: the one nearest to the place's mean.

    Of a broad stroke of a brush that is one near its middle line.
    """
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    block = max(1, int(np.ceil((high - low + 1).max() / _PLACES)))
    if block == 1:
        return pixels
    width = int((high[1] - low[1]) // block + 1)
    blocks = (pixels - low) // block
    _, number, counts = np.unique(
        blocks[:, 0] * width + blocks[:, 1], return_inverse=True, return_counts=True
    )
    means = np.column_stack([np.bincount(number, weights=axis) for axis in pixels.T])
    off = ((pixels - (means / counts[:, np.newaxis])[number]) ** 2).sum(axis=1)
    order = np.lexsort((off, number))
    leaders = order[np.concatenate([[0], np.cumsum(counts)[:-1]])]
    return np.asarray(pixels[leaders])


def well_inside(area: Area, count: int) -> NDArray[np.int64]:
    """At most `count` pixels deep in an area, the deepest first, spread evenly over its pieces."""
    from scipy.ndimage import distance_transform_edt, label

    rows, columns, _ = _raster(area, 0)
    sampled = np.pad(area.at(rows[:, np.newaxis], columns), 1)
    if not sampled.any():
        return spread(area.pixels(), count)
    depth = distance_transform_edt(sampled)
    pieces, n_pieces = label(sampled)
    deepest = np.zeros(n_pieces + 1)
    np.maximum.at(deepest, pieces.ravel(), depth.ravel())
    # Pieces far thinner than the others are slips of a pen, or noise of what made a mask.
    deepest[4 * deepest < deepest.max()] = np.inf
    chosen = np.argwhere(sampled & (2 * depth >= deepest[pieces])) - 1
    middle = int(depth[tuple((chosen + 1).T)].argmax())
    return spread(np.column_stack([rows[chosen[:, 0]], columns[chosen[:, 1]]]), count, middle)


def just_outside(area: Area, count: int, distance: int) -> NDArray[np.int64]:
    """At most `count` pixels about `distance` from an area, all around; may be off the plane."""
    from scipy.ndimage import distance_transform_edt

    rows, columns, step = _raster(area, distance)
    depth = distance_transform_edt(~area.at(rows[:, np.newaxis], columns)) * step
    ring = np.argwhere((depth >= distance) & (depth < distance + 1.5 * step))
    return spread(np.column_stack([rows[ring[:, 0]], columns[ring[:, 1]]]), count)


def _raster(area: Area, beyond: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Rows and columns of a coarse look at an area and what lies up to so far beyond, and its step.

    Distances over a whole image would cost more than all else.
    """
    height, width = area.inside.shape
    step = max(1, int(np.ceil(max(height, width) / (1.5 * _PLACES))))
    reach = beyond + 2 * step if beyond else 0
    rows = np.arange(area.top - reach + step // 2, area.top + height + reach, step)
    columns = np.arange(area.left - reach + step // 2, area.left + width + reach, step)
    return rows, columns, step
