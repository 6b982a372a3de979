"""Images of any kind as SAM expects them: three colors of 0 to 255."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backbones.tensors import match_channels
from ..imaging import Channels, Planes, Scaling, as_planes


def planes_for_sam(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling | None = None,
) -> Planes:
    """`as_planes`, where images of 8 bits keep their values unless `scaling` says otherwise.

    So a photograph looks to SAM as its authors show it.
    """
    if scaling is None:
        several = isinstance(images, list | tuple)
        kinds = [_scaling_of(image) for image in images] if several else []
        # A list of numbers is an image that is written out, and no list of images.
        is_list = several and all(hasattr(image, "dtype") for image in images)
        scaling = kinds if is_list and kinds else _scaling_of(images)
    return as_planes(images, axes=axes, channels=channels, scaling=scaling)


def as_sam_sees(planes: Planes) -> Planes:
    """Planes that are there already, scaled as `planes_for_sam` scales them where nothing is said.

    Scalings other than the usual one, "stack", were chosen by somebody, and stay.
    """
    return planes.with_scalings(
        "dtype"
        if _is_usual(source.scaling) and _scaling_of(source.data) == "dtype"
        else source.scaling
        for source in planes.sources
    )


def _is_usual(scaling: Any) -> bool:
    return isinstance(scaling, str) and scaling == "stack"


def rgb(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A plane (h, w, c) in [0, 1] as (h, w, 3): gray repeated, other channels mixed to color."""
    matched = match_channels(plane, 3)
    return np.ascontiguousarray(np.rint(matched * np.float32(255)).astype(np.uint8))


def _scaling_of(image: Any) -> Any:
    return "dtype" if getattr(image, "dtype", None) in (np.uint8, np.bool_) else "stack"
