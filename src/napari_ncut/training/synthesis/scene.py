"""What a synthesized image is, and what its makers share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class Scene:
    """A synthesized image with its truth.

    Attributes
    ----------
    image : float32 array (h, w) or (h, w, 3)
        0 to 1, gray or RGB.
    segmentations : int32 array (n, h, w)
        One or several partitions that people could draw, 1 and up, every pixel in a segment: such
        as parts, and the things that they are parts of.
    classes : uint8 array (h, w)
        What is of one kind has one number, 1 and up; 0 where nobody would say.
    """

    image: NDArray[np.float32]
    segmentations: NDArray[np.int32]
    classes: NDArray[np.uint8]


def smooth_noise(
    random: np.random.Generator, shape: tuple[int, int], scale: float
) -> NDArray[np.float32]:
    """A random field that varies over `scale` pixels, of zero mean and unit deviation."""
    factor = max(1, int(scale / 2))
    small = [-(-side // factor) + 4 for side in shape]
    field = ndimage.gaussian_filter(
        random.standard_normal(small).astype(np.float32), scale / factor, mode="wrap"
    )
    if factor > 1:
        field = ndimage.zoom(field, factor, order=1)
    field = field[: shape[0], : shape[1]]
    return ((field - field.mean()) / (field.std() + 1e-6)).astype(np.float32)


def relabeled(segments: NDArray) -> NDArray[np.int32]:
    """Connected pieces of equal numbers, numbered from 1."""
    from skimage.measure import label

    return label(segments, background=-1, connectivity=1).astype(np.int32)
