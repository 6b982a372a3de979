"""Watersheds: of the distance from the background, and of the gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from .images import gray, is_flat
from .numbering import numbered_parts, without_small
from .thresholds import otsu_foreground


def distance(
    task: Task,
    *,
    markers: str,
    depth: float,
    min_distance: int,
    smooth: float,
    polarity: str,
    smallest: int,
) -> NDArray:
    """Things above Otsu's level, parted at their waists."""
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import label
    from skimage.segmentation import watershed

    inside = otsu_foreground(gray(task, smooth), polarity)
    if not inside.any():
        return np.zeros(task.shape, np.int32)
    # What is outside the plane is no background.
    deep = distance_transform_edt(inside) if not inside.all() else np.ones(task.shape)
    if markers == "h-maxima":
        from skimage.morphology import h_maxima

        seeds = label(h_maxima(deep, depth) * inside, connectivity=2)
    else:
        seeds = _peaks(deep, min_distance, inside)
    pieces = label(inside, connectivity=1)
    # Of what is too small to have a marker all pixels are one.
    marked = np.zeros(int(pieces.max()) + 1, bool)
    marked[pieces[seeds > 0]] = True
    seeds = np.where(marked[pieces] | ~inside, seeds, pieces + int(seeds.max()))
    return without_small(watershed(-deep, seeds, mask=inside), smallest)


def _peaks(deep: NDArray, min_distance: int, inside: NDArray) -> NDArray[np.int32]:
    from skimage.feature import peak_local_max

    places = peak_local_max(
        deep, min_distance=min_distance, exclude_border=False, labels=inside.astype(int)
    )
    seeds = np.zeros(deep.shape, np.int32)
    seeds[tuple(places.T)] = np.arange(1, len(places) + 1)
    return seeds


def gradient(task: Task, *, depth: float, smooth: float, smallest: int) -> NDArray:
    """Basins of Sobel's gradient that are deep enough."""
    from skimage.filters import sobel
    from skimage.measure import label
    from skimage.morphology import h_minima, local_minima
    from skimage.segmentation import watershed

    height = sobel(gray(task, smooth))
    if is_flat(height):
        return np.ones(task.shape, np.int32)
    lowest = h_minima(height, depth) if depth > 0 else local_minima(height)
    if not lowest.any():
        return np.ones(task.shape, np.int32)
    basins = watershed(height, label(lowest, connectivity=2))
    return numbered_parts(basins, smallest=smallest)
