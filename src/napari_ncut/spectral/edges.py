"""Edge strengths of images: where contours lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array

# Gradients of images in [0, 1] below this are rounding.
_FLAT = 1e-6
# Share of the contour pixels of an image that are weaker than those that count as 1.
_STRONG = 0.95


def check_edges(what: str, edges: ArrayLike) -> NDArray[np.float32]:
    """Edge strengths as float32 (h, w); an `InputError` unless they are in [0, 1]."""
    given = regular_array(what, edges)
    if given.ndim != 2 or 0 in given.shape:
        raise InputError(
            f"{what} have shape {given.shape}; an array (rows, columns) of edge strengths is "
            f"needed, one for every plane."
        )
    if given.dtype.kind not in "biuf":
        raise InputError(f"{what} are of dtype {given.dtype}. Give numbers from 0 to 1.")
    low, high = given.min(), given.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(
            f"{what} contain NaN or infinite strengths. Set those pixels to 0, which is no edge."
        )
    if low < 0 or high > 1:
        raise InputError(
            f"{what} reach from {low:g} to {high:g}; strengths from 0 (no edge) to 1 are needed. "
            f"Divide them by their largest value."
        )
    return given.astype(np.float32)


def size_text(shape: Sequence[int]) -> str:
    """A shape as people write it."""
    return " × ".join(map(str, shape))


def edge_map(plane: NDArray, sigma: float = 1.5) -> NDArray[np.float32]:
    """Edge strengths of an image: thin contours where its channels change the most.

    The gradient of all channels together (Di Zenzo, "A note on the gradient of a multi-image",
    CVGIP 1986) at the scale of a Gaussian, kept where it is largest along its own direction
    (Canny, PAMI 1986), and divided so that the strongest 5% of these contours are 1.

    Parameters
    ----------
    plane
        Image (h, w, c), values about 0 to 1.
    sigma
        Of the Gaussian, in pixels. Larger finds fewer, coarser contours.

    Returns
    -------
    float32 array (h, w)
        In [0, 1]; 0 everywhere in a constant image.

    Raises
    ------
    InputError
        If sigma is no number above 0, or the plane has another shape or is not finite.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    if not is_number(sigma) or sigma <= 0:
        raise InputError(f"Sigma {sigma!r} cannot be used. Give a number of pixels above 0.")
    plane = regular_array("The plane", plane)
    if plane.ndim != 3 or 0 in plane.shape or not np.isfinite(plane).all():
        raise InputError(
            f"A plane of shape {plane.shape} was given; finite values (rows, columns, channels) "
            f"are needed."
        )
    tensor = np.zeros((3, *plane.shape[:2]))
    for channel in np.moveaxis(plane, -1, 0):
        channel = channel.astype(np.float64)
        down, right = (
            gaussian_filter(channel, sigma, order=order, mode="nearest")
            for order in ((1, 0), (0, 1))
        )
        tensor += np.stack([down * down, right * right, down * right])
    downs, rights, mixed = tensor
    strength = np.sqrt((downs + rights + np.hypot(downs - rights, 2 * mixed)) / 2)
    angle = np.arctan2(2 * mixed, downs - rights) / 2
    away = np.stack([np.cos(angle), np.sin(angle)])
    here = np.indices(strength.shape)
    beside = [
        map_coordinates(strength, here + side * away, order=1, mode="nearest") for side in (-1, 1)
    ]
    # A step between two pixels is as strong on both: rounding must not choose one of them.
    contour = (strength * (1 + 1e-6) >= np.maximum(*beside)) & (strength > _FLAT)
    if not contour.any():
        return np.zeros(strength.shape, dtype=np.float32)
    scale = np.quantile(strength[contour], _STRONG)
    return np.where(contour, np.minimum(strength / scale, 1), 0).astype(np.float32)
