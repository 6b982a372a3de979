"""Masks without any weights of SAM: regions that last while an image is merged from fine to coarse.

Every node of the tree in which regions merge is a region that exists from the level at which it is
made to the level at which it becomes part of something larger. What is a thing on its own lasts
long: its parts go together early, and it goes together with what surrounds it late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..regions.hierarchy import PlaneHierarchy
from .mask_set import MaskSet
from .options import MaskOptions

# Regions of fewer pixels are noise of the finest ones, if nobody says otherwise.
_SMALLEST = 16
# Whole, part, and subpart: what is nested deeper counts as the last.
_DEEPEST = 2


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
    n_regions = len(tree)
    persistence = tree.levels[tree.parents] - tree.levels
    least = max(_SMALLEST, options.min_mask_region_area)
    candidates = np.flatnonzero(
        (persistence >= options.min_persistence) & (persistence > 0) & (tree.areas >= least)
    )
    # The root is all there is, and merges with nothing.
    candidates = candidates[candidates != len(tree.parents) - 1]
    kept = _without_duplicates(
        tree.parents, tree.areas, persistence, candidates, options.box_nms_thresh
    )
    depth = np.zeros(len(tree.parents), np.int64)
    is_kept = np.zeros(len(tree.parents), bool)
    is_kept[kept] = True
    # Parents come after their children, so from the last down every parent is known before.
    parents = tree.parents.tolist()
    for node in range(len(parents) - 2, -1, -1):
        depth[node] = depth[parents[node]] + is_kept[parents[node]]
    kept = kept[np.lexsort((kept, -tree.areas[kept]))]
    leaves = _leaves(tree.parents, n_regions, kept)
    boxes, crops, points = _cropped(hierarchy.graph.labels, n_regions, leaves)
    return MaskSet(
        (hierarchy.graph.labels.shape[0], hierarchy.graph.labels.shape[1]),
        boxes,
        crops,
        {
            "stability_score": persistence[kept].astype(np.float32),
            "level": np.minimum(depth[kept], _DEEPEST),
            "boundary_level": tree.levels[tree.parents[kept]].astype(np.float32),
            "point": points,
        },
    )


def _without_duplicates(
    parents: NDArray[np.int32],
    areas: NDArray[np.float32],
    persistence: NDArray[np.float32],
    candidates: NDArray[np.int64],
    most: float,
) -> NDArray[np.int64]:
    """Candidates of which no two overlap by an IoU above `most`, those that last longest first.

    Regions of a tree are nested or apart, so the overlap is a ratio of areas.
    """
    is_kept = np.zeros(len(parents), bool)
    blocked = np.zeros(len(parents), bool)
    above, sizes, root = parents.tolist(), areas.tolist(), len(parents) - 1
    for node in candidates[np.argsort(-persistence[candidates], kind="stable")].tolist():
        # A better one below has blocked this on its own way up.
        if blocked[node]:
            continue
        path = []
        up, free = above[node], True
        while up != root and sizes[node] > most * sizes[up]:
            if is_kept[up]:
                free = False
                break
            path.append(up)
            up = above[up]
        if free:
            is_kept[node] = True
            blocked[path] = True
    return np.flatnonzero(is_kept)


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
