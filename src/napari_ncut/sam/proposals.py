"""Masks without any weights of SAM: regions that last while an image is merged from fine to coarse.

Every node of the tree in which regions merge is a region that exists from the level at which it is
made to the level at which it becomes part of something larger. What is a thing on its own lasts
long: its parts go together early, and it goes together with what surrounds it late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..regions.hierarchy import PlaneHierarchy
from ..regions.tree import MergeTree
from .mask_set import MaskSet
from .options import MaskOptions

# Regions of fewer pixels are noise of the finest ones, if nobody says otherwise.
_SMALLEST = 16
# Whole, part, and subpart: what is nested deeper counts as the last.
_DEEPEST = 2
# A region that has lost less than a fifth of its pixels is still the same one.
_SAME = 0.8
# Of regions that last equally long, the one to take has itself the longest share of that.
_TIE = 1e-3


def hierarchy_masks(hierarchy: PlaneHierarchy, options: MaskOptions) -> MaskSet:
    """Regions of a plane that last, without near-duplicates of each other.

    Parameters
    ----------
    hierarchy
        Regions and their tree.
    options
        ``min_persistence``, ``box_nms_thresh`` (the overlap of nested regions beyond which only the
        one that lasts longer is kept) and ``min_mask_region_area`` count.

    Returns
    -------
    MaskSet
        The largest first, with "stability_score", the span of levels for which a region lasts, 0 to
        1; "level": 0 of regions that lie in no other, 1 of their parts, 2 of all that is deeper;
        "boundary_level", at which a region becomes part of something larger; and "point" (row,
        column), a pixel of it.
    """
    tree = hierarchy.tree
    paths = _Paths(tree)
    own = tree.levels[tree.parents] - tree.levels
    lasts, ends = paths.spans()
    least = max(_SMALLEST, options.min_mask_region_area)
    chosen = (lasts >= options.min_persistence) & (own > 0) & (tree.areas >= least)
    # What is nearly all of the plane is nothing on its own.
    chosen &= tree.areas <= _SAME * tree.areas[-1]
    candidates = np.flatnonzero(chosen)
    best_first = candidates[np.argsort(-(lasts + _TIE * own)[candidates], kind="stable")]
    kept = paths.without_duplicates(best_first, options.box_nms_thresh)
    depth = np.zeros(len(tree.parents), np.int64)
    is_kept = np.zeros(len(tree.parents), bool)
    is_kept[kept] = True
    # Parents come after their children, so from the last down every parent is known before.
    parents = tree.parents.tolist()
    for node in range(len(parents) - 2, -1, -1):
        depth[node] = depth[parents[node]] + is_kept[parents[node]]
    kept = kept[np.lexsort((kept, -tree.areas[kept]))]
    leaves = _leaves(tree.parents, len(tree), kept)
    boxes, crops, points = _cropped(hierarchy.graph.labels, len(tree), leaves)
    return MaskSet(
        (hierarchy.graph.labels.shape[0], hierarchy.graph.labels.shape[1]),
        boxes,
        crops,
        {
            "stability_score": lasts[kept].astype(np.float32),
            "level": np.minimum(depth[kept], _DEEPEST),
            "boundary_level": ends[kept].astype(np.float32),
            "point": points,
        },
    )


class _Paths:
    """A tree as paths, each from a region up through all that it is the largest part of.

    Regions that are nearly the same lie on one path, since of two parts only one is more than half.
    """

    def __init__(self, tree: MergeTree) -> None:
        self._tree = tree
        n = len(tree.parents)
        parents, areas = tree.parents.tolist(), tree.areas.tolist()
        largest = [-1] * n
        for node in range(n - 1):
            up = parents[node]
            if largest[up] < 0 or areas[node] > areas[largest[up]]:
                largest[up] = node
        self._paths: list[NDArray[np.int64]] = []
        self._place = np.zeros((n, 2), np.int64)
        for top in range(n - 1, -1, -1):
            if top != n - 1 and largest[parents[top]] == top:
                continue
            path = [top]
            while largest[path[-1]] >= 0:
                path.append(largest[path[-1]])
            nodes = np.array(path[::-1], np.int64)
            self._place[nodes, 0] = len(self._paths)
            self._place[nodes, 1] = np.arange(len(nodes))
            self._paths.append(nodes)

    def spans(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For what span of levels each region is nearly the same, and where that ends."""
        tree = self._tree
        above = tree.levels[tree.parents].astype(np.float64)
        above[-1] = 1.0
        lasts, ends = np.zeros(len(above)), np.zeros(len(above))
        for path in self._paths:
            areas = tree.areas[path].astype(np.float64)
            first = np.searchsorted(areas, _SAME * areas, side="right")
            last = np.searchsorted(areas, areas / _SAME, side="left") - 1
            ends[path] = above[path[last]]
            lasts[path] = ends[path] - tree.levels[path[first]]
        return lasts, ends

    def without_duplicates(self, best_first: NDArray[np.int64], most: float) -> NDArray[np.int64]:
        """Nodes, each of which overlaps no better one by an IoU above `most`; ascending.

        Regions of a tree are nested or apart, so the overlap is a ratio of areas. Below a half
        `most` counts as a half: a part that is less than that is no duplicate.
        """
        most = max(most, 0.5)
        areas = [self._tree.areas[path].astype(np.float64) for path in self._paths]
        blocked = [np.zeros(len(path), bool) for path in self._paths]
        kept = []
        for node in best_first.tolist():
            number, place = self._place[node].tolist()
            if blocked[number][place]:
                continue
            kept.append(node)
            own, size = areas[number], areas[number][place]
            first = np.searchsorted(own, most * size, side="right")
            last = np.searchsorted(own, size / most, side="left")
            blocked[number][first:last] = True
        return np.sort(np.array(kept, np.int64))


def _leaves(
    parents: NDArray[np.int32], n_regions: int, nodes: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Finest regions that every node consists of."""
    members: dict[int, list[int]] = {int(node): [] for node in nodes}
    above, root = parents.tolist(), len(parents) - 1
    # The next kept node above each, so that a deep tree is not walked up by each of its leaves.
    following = list(range(len(above)))
    for node in range(len(above) - 1, -1, -1):
        up = above[node] if node != root else node
        following[node] = up if up in members or up == root else following[up]
    for leaf in range(n_regions):
        node = leaf if leaf in members else following[leaf]
        while node in members:
            members[node].append(leaf)
            node = following[node] if node != root else -1
    return [np.array(members[int(node)], np.int64) for node in nodes]


def _cropped(
    labels: NDArray, n_regions: int, leaves: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], tuple[NDArray[np.bool_], ...], NDArray[np.float64]]:
    """Boxes, masks within them, and a pixel of each, of sets of regions of a label map."""
    from scipy.ndimage import find_objects

    places = find_objects(labels.astype(np.int32) + 1, n_regions)
    ends = np.array([[p[0].start, p[1].start, p[0].stop, p[1].stop] for p in places], np.int64)
    boxes, crops, points = [], [], []
    chosen = np.zeros(n_regions, bool)
    for own in leaves:
        box = [*ends[own, :2].min(axis=0).tolist(), *ends[own, 2:].max(axis=0).tolist()]
        chosen[own] = True
        crop = chosen[labels[box[0] : box[2], box[1] : box[3]]]
        chosen[own] = False
        boxes.append(box)
        crops.append(crop)
        points.append(_inner_pixel(crop) + np.array(box[:2]))
    n = len(boxes)
    return (
        np.array(boxes, np.int64).reshape(n, 4),
        tuple(crops),
        np.array(points, np.float64).reshape(n, 2),
    )


def _inner_pixel(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The pixel of a mask that is nearest to its middle."""
    pixels = np.argwhere(mask)
    middle = pixels.mean(axis=0)
    nearest: NDArray[np.int64] = pixels[int(((pixels - middle) ** 2).sum(axis=1).argmin())]
    return nearest
