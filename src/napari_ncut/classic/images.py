"""What methods see of an image: gray, color, or bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task

# What float32 makes of 8 or 16 bits differs by less from the fraction that is meant.
ROUNDING = 1e-6


def gray(task: Task, smooth: float = 0.0) -> NDArray[np.float32]:
    """One intensity (h, w): luminance of color, the mean of other channels.

    Parameters
    ----------
    task
        The image.
    smooth
        Width of a Gaussian in pixels, 0 for none.
    """
    if task.is_color:
        from skimage.color import rgb2gray

        found = rgb2gray(task.image)
    else:
        found = task.image.mean(axis=-1, dtype=np.float32)
    if smooth > 0:
        from skimage.filters import gaussian

        found = gaussian(found, smooth, preserve_range=True)
    return np.ascontiguousarray(found, dtype=np.float32)


def color(task: Task) -> NDArray[np.float32]:
    """Red, green and blue (h, w, 3): gray repeated, other channels mixed to a color."""
    from ..imaging.channels import composite

    if task.is_color:
        return task.image
    if task.image.shape[-1] == 1:
        return np.repeat(task.image, 3, axis=-1)
    return composite(task.image)


def in_steps(image: NDArray[np.float32]) -> NDArray:
    """Bytes, where an image in [0, 1] has no other values, else the image as it is.

    Levels are chosen by histograms, which for whole numbers have a bin for each.
    """
    steps = image * np.float32(255)
    whole = np.rint(steps)
    return whole.astype(np.uint8) if np.abs(steps - whole).max() < ROUNDING * 255 else image


def as_bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[0, 1] as 0 to 255."""
    return np.ascontiguousarray(np.rint(image * np.float32(255)).astype(np.uint8))


def is_flat(image: NDArray) -> bool:
    """Whether all pixels are equal, so that there is nothing to tell apart."""
    return bool((image == image[(0,) * min(image.ndim, 2)]).all())
