"""Superpixel methods of scikit-image."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from .connectivity import connected_pieces
from .markers import spread_markers

# Lightness goes up to a hundred, and so shall other channels.
_LIGHTNESS = 100
# Pieces with less than this share of a superpixel's pixels join a neighbor.
_SMALLEST = 0.25
# Quickshift's superpixels of fewer pixels are noise.
_FEWEST_PIXELS = 4


def slic(task: Task, *, compactness: float, rounds: int, sigma: float) -> NDArray:
    """SLIC, of any number of channels."""
    return _slic(task, compactness=compactness, max_num_iter=rounds, sigma=sigma)


def slic_zero(task: Task, *, rounds: int, sigma: float) -> NDArray:
    """SLIC-zero, of any number of channels."""
    return _slic(task, slic_zero=True, max_num_iter=rounds, sigma=sigma)


def _slic(task: Task, *, compactness: float = 10.0, **options: Any) -> NDArray:
    from skimage.segmentation import slic as segment

    assert task.n_segments is not None  # its entry counts
    if not task.is_color:
        # It scales intensities to [0, 1] itself, and color alone to the hundred of lightness.
        compactness /= _LIGHTNESS
    labels = segment(
        task.image,
        n_segments=task.n_segments,
        compactness=compactness,
        convert2lab=task.is_color,
        channel_axis=-1,
        spacing=task.spacing or None,
        # Pieces are joined below, and by their neighbors rather than by the order of pixels.
        enforce_connectivity=False,
        **options,
    )
    return connected_pieces(labels, _SMALLEST * task.n_pixels / task.n_segments)


def compact_watershed(task: Task, *, compactness: float, sigma: float) -> NDArray:
    """Watershed of the strongest edge of all channels from evenly spread markers."""
    from scipy.ndimage import gaussian_gradient_magnitude
    from skimage.segmentation import watershed

    assert task.n_segments is not None  # its entry counts
    sides = task.spacing or (1.0,) * len(task.shape)
    widths = [max(sigma, 1.0) / side for side in sides]
    edges = np.max(
        [
            gaussian_gradient_magnitude(channel, widths, mode="nearest")
            for channel in np.moveaxis(task.image, -1, 0)
        ],
        axis=0,
    )
    markers = spread_markers(task.shape, task.n_segments, sides)
    labels: NDArray = watershed(edges, markers, compactness=compactness)
    return labels


def felzenszwalb(task: Task, *, scale: float, sigma: float, min_size: int) -> NDArray:
    """Graph-based segmentation of all channels together."""
    from skimage.segmentation import felzenszwalb as segment

    with warnings.catch_warnings():
        # Of more than three channels, which are meant.
        warnings.simplefilter("ignore", RuntimeWarning)
        labels = segment(task.image, scale=scale, sigma=sigma, min_size=min_size, channel_axis=-1)
    # It joins pixels across corners, too; pieces that only touch there part.
    return connected_pieces(labels, min_size)


def quickshift(
    task: Task, *, kernel_size: float, max_dist: float, ratio: float, sigma: float
) -> NDArray:
    """Quickshift of all channels together."""
    from skimage.segmentation import quickshift as segment

    labels = segment(
        np.ascontiguousarray(_as_lab(task), dtype=np.float64),
        kernel_size=kernel_size,
        max_dist=max_dist,
        ratio=ratio,
        sigma=sigma,
        convert2lab=False,
        rng=0,
    )
    return connected_pieces(labels, _FEWEST_PIXELS)


def _as_lab(task: Task) -> NDArray[np.float32]:
    """CIELAB of color; other channels up to the same hundred."""
    from skimage.color import rgb2lab

    if task.is_color:
        return rgb2lab(task.image).astype(np.float32)
    return task.image * np.float32(_LIGHTNESS)
