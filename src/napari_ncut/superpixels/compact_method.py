"""Superpixels of our boundary map: basins of it, merged where that costs least."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..backbones.compact import Compact
from ..regions.graph import RegionGraph
from ..regions.merging import Merging, merge_model
from ..regions.watershed import fine_regions, flooded_height
from ..segmenters import Task
from .connectivity import mutual_pairs
from .markers import spread_markers

# Share of the pairs that would merge that do so before all are judged anew: larger regions tell
# more. Fewer at a time take longer.
_AT_ONCE = 0.5
# Of basins, beside that for `granularity`: many superpixels need smaller ones to begin with.
_SMOOTHING = 0.75
# How much distance from a marker counts where there are fewer basins than superpixels.
_COMPACTNESS = 0.001


def compact(task: Task, *, evenness: float) -> NDArray[np.int32]:
    """Exactly as many superpixels as asked for, each a connected union of basins.

    Merging two regions puts the smaller one's pixels at stake, as far as there is a boundary
    between them: the cost of a merge is the probability of a boundary times the smaller area to the
    power of `evenness`.
    """
    assert task.n_segments is not None  # its entry counts
    maps = Compact(device=task.device).maps(task.image)
    labels = fine_regions(maps.boundary, task.image, smoothing=_SMOOTHING)
    if int(labels.max()) + 1 < task.n_segments:
        return _flooded(task, flooded_height(maps.boundary, task.image))
    graph = RegionGraph.of(labels, maps.boundary)
    groups = merged(Merging.of(graph, maps, task.image), task.n_segments, evenness)
    return groups[labels].astype(np.int32)


def merged(merging: Merging, n_left: int, evenness: float) -> NDArray[np.int64]:
    """Groups (n,) of regions, from 0, when `n_left` are left; neighbors alone are joined."""
    model = merge_model()
    groups = np.arange(len(merging))
    while len(merging) > n_left:
        strengths = model.strength(merging.features())
        smaller = merging.areas[merging.edges].min(axis=1)
        pairs = mutual_pairs(merging.edges, strengths * smaller**evenness, len(merging))
        pairs = pairs[: max(1, min(len(merging) - n_left, int(len(pairs) * _AT_ONCE)))]
        step = np.arange(len(merging))
        step[pairs[:, 1]] = pairs[:, 0]
        _, step = np.unique(step, return_inverse=True)
        groups = step[groups]
        merging = merging.contracted(step)
    return groups


def _flooded(task: Task, height: NDArray[np.float32]) -> NDArray[np.int32]:
    """Of more superpixels than there are basins: floods from evenly spread markers."""
    from skimage.segmentation import watershed

    assert task.n_segments is not None  # its entry counts
    markers = spread_markers(task.shape, task.n_segments)
    labels: NDArray[np.int32] = watershed(height, markers, compactness=_COMPACTNESS)
    return labels
