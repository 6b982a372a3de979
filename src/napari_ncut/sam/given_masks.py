"""The masks of every plane: those that were given, in any of their forms, or regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..imaging import Planes
from ..imaging.planes import ImageSource
from ..progress import Progress, Steps
from .mask_set import MaskSet

# At this level nuclei, cells and precipitates of the images to choose by are mostly one region.
LEVEL = 0.35

_ACCEPTED = (
    "Give a MaskSet for every plane, or label maps of the size of the images without channels, "
    "one for each image."
)


def masks_of_planes(planes: Planes, masks: Any) -> tuple[MaskSet, ...]:
    """The masks of every plane.

    Parameters
    ----------
    planes
        Of the images.
    masks
        A `MaskSet` for one plane; a list with one for every plane of all images; or label maps as
        the images are: integers (h, w), (n, h, w) for a stack, a list of them (or of lists of
        `MaskSet`) for a list of images. Of one plane also bool (n, h, w), one mask each.

    Raises
    ------
    InputError
        If they do not fit the planes.
    """
    if isinstance(masks, (list, tuple)) and all(isinstance(one, MaskSet) for one in masks):
        found = list(masks)
    elif isinstance(masks, (list, tuple)) and planes.is_list:
        if len(masks) != len(planes.sources):
            raise InputError(
                f"Masks of {len(masks)} images were given for {len(planes.sources)} images. "
                f"{_ACCEPTED}"
            )
        pairs = zip(planes.sources, masks, strict=True)
        found = [one for source, given in pairs for one in _of_image(source, given)]
    elif len(planes.sources) == 1:
        found = _of_image(planes.sources[0], masks)
    else:
        raise InputError(
            f"Masks for {len(planes.sources)} images are needed, and {type(masks).__name__} was "
            f"given. {_ACCEPTED}"
        )
    if len(found) != len(planes):
        raise InputError(
            f"Masks of {len(found)} planes were given for {len(planes)} planes. {_ACCEPTED}"
        )
    for i, (one, shape) in enumerate(zip(found, planes.shapes, strict=True)):
        if one.shape != tuple(shape):
            raise InputError(
                f"Masks of {one.shape[0]} × {one.shape[1]} pixels were given for plane {i} of "
                f"{shape[0]} × {shape[1]}. {_ACCEPTED}"
            )
    return tuple(found)


def _of_image(source: ImageSource, given: Any) -> list[MaskSet]:
    if isinstance(given, MaskSet):
        return [given]
    if isinstance(given, (list, tuple)) and all(isinstance(one, MaskSet) for one in given):
        return list(given)
    try:
        labels = np.asarray(given)
    except ValueError as error:
        raise InputError(f"Masks of different sizes cannot be one image's. {_ACCEPTED}") from error
    shape = (*source.axes.stack_shape, *source.axes.plane_shape)
    if labels.dtype == bool and labels.ndim == 3 and not source.axes.stack_shape:
        return [MaskSet.of(labels, source.axes.plane_shape)]
    flat = (source.axes.n_planes, *source.axes.plane_shape)
    if labels.dtype.kind not in "iub" or labels.shape not in (shape, flat):
        raise InputError(
            f"Masks of shape {labels.shape} and dtype {labels.dtype} were given for an image of "
            f"{' × '.join(map(str, shape))}. {_ACCEPTED}"
        )
    if labels.size and labels.min() < 0:
        raise InputError(
            "Label maps with numbers below 0 cannot be used. 0 is no mask, each mask has a number "
            "above."
        )
    return [MaskSet.of_labels(plane) for plane in labels.reshape(flat)]


def region_steps(planes: Planes, level: float, device: str | None) -> Steps[tuple[MaskSet, ...]]:
    """Regions of every plane at a level of granularity, as a generator of progress."""
    from ..backbones.compact import Compact
    from ..regions.hierarchy import PlaneHierarchy

    network = Compact(device=device)
    found = []
    for i in range(len(planes)):
        yield Progress("regions", i, len(planes))
        hierarchy = PlaneHierarchy.of(planes[i], network)
        found.append(MaskSet.of_labels(hierarchy.labels(hierarchy.tree.cut(level))))
    yield Progress("regions", len(planes), len(planes))
    return tuple(found)


def remainder_pieces(masks: Sequence[MaskSet]) -> tuple[MaskSet, ...]:
    """The connected pieces of what is in no mask, of every plane."""
    from skimage.measure import label

    return tuple(
        MaskSet.of_labels(label(one.labels(np.ones(len(one))) == 0, connectivity=1))
        for one in masks
    )
