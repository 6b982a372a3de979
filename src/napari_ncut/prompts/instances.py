"""From classes to single things: connected, split where they touch, counted and measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
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
    given = _check_labels(labels)
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
        for label in np.unique(volume[volume > 0]):
            mask = volume == label
            things = _things(mask, edge, min_distance) if split else _connected(mask)
            _number_things(things, int(label), target, classes, min_area)
    return instances.reshape(given.shape), np.array(classes, dtype=np.int64)


def _check_labels(labels: ArrayLike) -> NDArray:
    given = np.asarray(labels)
    if given.ndim not in (2, 3) or given.dtype.kind not in "biu":
        raise InputError(
            f"A label map of shape {given.shape} and dtype {given.dtype} was given; a bool mask or "
            f"integer labels (h, w) or (n, h, w) are needed."
        )
    if given.size and given.min() < 0:
        raise InputError(
            f"The label map has negative labels, the lowest is {given.min()}. Use 0 for none and "
            f"1 and up for classes."
        )
    return given


def _connected(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    from skimage.measure import label as connected

    things: NDArray[np.int32] = connected(mask, connectivity=mask.ndim).astype(np.int32)
    return things


def _things(mask: NDArray[np.bool_], edges: NDArray | None, min_distance: int) -> NDArray[np.int32]:
    """Connected things, parted at their necks and at boundaries that run through them."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    inside = mask if edges is None else mask & (edges < _BOUNDARY)
    # A little smoothing keeps ragged borders from making a summit of every bump.
    height = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1.0) * mask
    summits = _summits(height, _connected(mask), min_distance)
    things: NDArray[np.int32] = watershed(-height, summits, mask=mask)
    return things


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


@dataclass(frozen=True)
class ClassMeasure:
    """What a class amounts to.

    Attributes
    ----------
    label : int
    count : int
        Connected things (8-connected in each plane).
    pixels : int
    area : float
        In the square of the given unit.
    fraction : float
        Share of all pixels, 0 to 1.
    """

    label: int
    count: int
    pixels: int
    area: float
    fraction: float


def measure_labels(
    labels: ArrayLike, *, pixel_size: tuple[float, float] = (1.0, 1.0), instances: bool = False
) -> list[ClassMeasure]:
    """Count and measure the classes of a label map.

    Parameters
    ----------
    labels
        bool mask or integer label map, (h, w) or (n, h, w).
    pixel_size
        Height and width of a pixel in any unit.
    instances
        True if every label is one thing already; otherwise things are counted as connected pieces
        in each plane.

    Returns
    -------
    list of ClassMeasure
        Ascending by label; 0 is left out.
    """
    from scipy.ndimage import label as connected

    given = _check_labels(labels)
    planes = given.reshape(-1, *given.shape[-2:]).astype(np.int64, copy=False)
    sizes = list(pixel_size) if isinstance(pixel_size, Iterable) else []
    if len(sizes) != 2 or not all(is_number(size) and size > 0 for size in sizes):
        raise InputError(
            f"The pixel size {pixel_size!r} cannot be used. Give height and width, both above 0."
        )
    unit = float(sizes[0]) * float(sizes[1])
    measures = []
    for number, n_pixels in zip(*np.unique(planes, return_counts=True), strict=True):
        if number == 0:
            continue
        count = (
            1
            if instances
            else sum(int(connected(plane == number, np.ones((3, 3)))[1]) for plane in planes)
        )
        n = int(n_pixels)
        measures.append(ClassMeasure(int(number), count, n, n * unit, n / planes.size))
    return measures
