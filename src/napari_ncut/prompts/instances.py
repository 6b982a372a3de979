"""From classes to single things: connected, split where they touch, counted and measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
from ..measuring.blocks import checked_label_map
from ..measuring.pieces import connected_pieces
from .tutorial import check_area

# A pixel is on a boundary from this probability on.
_BOUNDARY = 0.5


def label_instances(
    labels: ArrayLike,
    *,
    split: bool = False,
    boundaries: ArrayLike | None = None,
    through_planes: bool = False,
    min_area: int = 0,
    min_distance: int = 5,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give every connected thing of a label map a number of its own.

    Parameters
    ----------
    labels
        bool mask or integer label map, (h, w) or (n, h, w). Things of different classes never join.
    split
        Whether to split things that touch, by a watershed of the distance to their border.
    boundaries
        With `split`: probability, 0 to 1, of a boundary at every pixel, of the shape of `labels`
        (see `PromptSegmenter.boundaries`). Things are parted where there is one as well.
    through_planes
        Whether things in neighboring planes join (depth), or every plane stands alone (time).
    min_area
        Things of fewer pixels are dropped.
    min_distance
        With `split`: smallest distance in pixels between the middles of two things. Larger splits
        less.

    Returns
    -------
    instances : int32 array
        0 for none, 1 … n.
    classes : int array (n + 1,)
        Class of every instance; entry 0 is 0.
    """
    given = checked_label_map(labels)
    edges = None if boundaries is None else np.asarray(boundaries)
    if edges is not None and edges.shape != given.shape:
        raise InputError(
            f"Boundaries of shape {edges.shape} were given for labels of shape {given.shape}. Give "
            f"one number for every pixel."
        )
    check_area("min_area", min_area, "pixels")
    if not is_number(min_distance) or min_distance < 1:
        raise InputError(
            f"min_distance {min_distance!r} cannot be used. Give a number of pixels from 1."
        )
    volumes = given[np.newaxis] if given.ndim == 2 or through_planes else given
    instances = np.zeros(volumes.shape, dtype=np.int32)
    classes: list[int] = [0]
    for i, (volume, target) in enumerate(zip(volumes, instances, strict=True)):
        edge = None if edges is None else edges.reshape(volumes.shape)[i]
        if not split:
            _number_pieces(volume, target, classes, min_area)
            continue
        for label in np.unique(volume[volume > 0]):
            things = _things(volume == label, edge, min_distance)
            _number_things(things, int(label), target, classes, min_area)
    return instances.reshape(given.shape), np.array(classes, dtype=np.int64)


def _things(mask: NDArray[np.bool_], edges: NDArray | None, min_distance: int) -> NDArray[np.int32]:
    """Connected things, parted at their necks and at boundaries that run through them."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    inside = mask if edges is None else mask & (edges < _BOUNDARY)
    # A little smoothing keeps ragged borders from making a summit of every bump.
    height = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1.0) * mask
    summits = _summits(height, connected_pieces(mask)[0], min_distance)
    things: NDArray[np.int32] = watershed(-height, summits, mask=mask)
    return things


def _number_pieces(
    volume: NDArray, target: NDArray[np.int32], classes: list[int], min_area: int
) -> None:
    """Number the connected pieces of all classes in `target`, class after class, in place."""
    pieces, labels = connected_pieces(volume)
    areas = np.bincount(pieces.ravel(), minlength=len(labels) + 1)[1:]
    order = np.argsort(labels, kind="stable")
    kept = order[areas[order] >= max(1, min_area)]
    number = np.zeros(len(labels) + 1, dtype=np.int32)
    number[kept + 1] = np.arange(len(classes), len(classes) + len(kept))
    target[...] = number[pieces]
    classes.extend(labels[kept].tolist())


def _number_things(
    things: NDArray[np.int32],
    label: int,
    target: NDArray[np.int32],
    classes: list[int],
    min_area: int,
) -> None:
    """Number the things of one class in `target`, after those in `classes`, in place."""
    areas = np.bincount(things.ravel())
    kept = np.flatnonzero((areas >= max(1, min_area)) & (np.arange(len(areas)) > 0))
    number = np.zeros(len(areas), dtype=np.int32)
    number[kept] = np.arange(len(classes), len(classes) + len(kept))
    np.maximum(target, number[things], out=target)
    classes.extend([label] * len(kept))


def _summits(height: NDArray, things: NDArray, min_distance: int) -> NDArray[np.int32]:
    from skimage.feature import peak_local_max

    peaks = peak_local_max(
        height, min_distance=int(min_distance), labels=things, exclude_border=False
    )
    markers = np.zeros(height.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    # Things too small for a summit of their own would be flooded from nowhere and lost.
    found = np.unique(things[markers > 0])
    lost = (things > 0) & ~np.isin(things, found)
    markers[lost] = things[lost] + len(peaks)
    return markers
