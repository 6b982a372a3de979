"""Segments from clusters: of pixels and of superpixels, by color and place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from .images import as_bytes, color, is_flat
from .numbering import numbered_parts

# Clusters are found among so many pixels, spread evenly; all others join the nearest.
_MOST_ROWS = 20_000
# Below this side OpenCV's superpixels make no sense, and may end the process.
_LEAST_SIDE = 4


def kmeans(task: Task, *, k: int, color_importance: float, **numbering: Any) -> NDArray:
    """k-means of color (0 to 255) and of place, divided by the importance of color."""
    rows = pixel_rows(task, color_importance)
    step = max(1, -(-len(rows) // _MOST_ROWS))
    # A step that shares a factor with the width would see the same few columns of every row.
    while step > 1 and np.gcd(step, task.shape[1]) > 1:
        step += 1
    found = _clustered(rows[::step], k).predict(rows)
    return numbered_parts(found.reshape(task.shape), **numbering)


def pixel_rows(task: Task, color_importance: float) -> NDArray[np.float32]:
    """Rows (red, green, blue, row, column) of all pixels."""
    places = np.indices(task.shape, dtype=np.float32).reshape(2, -1).T
    colors = color(task).reshape(-1, 3) * np.float32(255)
    return np.concatenate([colors, places / np.float32(color_importance)], axis=1)


def slickmeans(
    task: Task,
    *,
    k: int,
    color_importance: float,
    region_size: int,
    ruler: float,
    **numbering: Any,
) -> NDArray:
    """k-means of superpixels by where they are and their mean color in CIELAB."""
    pieces = superpixels(task, region_size, ruler).ravel() - 1
    rows = np.concatenate(
        [_lab_bytes(task).reshape(-1, 3), np.indices(task.shape).reshape(2, -1).T], axis=1
    ).astype(np.float64)
    counts = np.bincount(pieces)
    means = np.stack([np.bincount(pieces, column) / counts for column in rows.T], axis=1)
    means[:, 3:] /= color_importance
    found = _clustered(means.astype(np.float32), k).predict(means.astype(np.float32))
    return numbered_parts(found[pieces].reshape(task.shape), **numbering)


def mslic(task: Task, *, region_size: int, ruler: float) -> NDArray:
    """Manifold SLIC."""
    return superpixels(task, region_size, ruler)


def superpixels(task: Task, region_size: int, ruler: float) -> NDArray[np.int32]:
    """Manifold SLIC's superpixels, from 1, of about `region_size` × `region_size` pixels."""
    from ..superpixels.connectivity import connected_pieces
    from ..superpixels.markers import grid_labels
    from ..superpixels.opencv_process import labels_of, ximgproc

    ximgproc()  # what is missing is told before a process is started for it
    side = max(region_size, _LEAST_SIDE)
    if min(task.shape) < 2 * _LEAST_SIDE or side >= max(task.shape):
        return np.ones(task.shape, np.int32)
    image = _lab_bytes(task)
    if is_flat(image):
        return grid_labels(task.shape, max(1, round(task.n_pixels / side**2)))
    found = labels_of(image, "mslic", side, ruler, 10)
    # A quarter of what a superpixel shall have is a fragment.
    return connected_pieces(found, side**2 / 4)


def _lab_bytes(task: Task) -> NDArray[np.uint8]:
    """CIELAB as OpenCV scales it for bytes."""
    import cv2

    return np.asarray(cv2.cvtColor(as_bytes(color(task)), cv2.COLOR_RGB2Lab), np.uint8)


def _clustered(rows: NDArray[np.float32], k: int) -> Any:
    """k-means of rows, its clusters in the order of their centers; the same every time."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    k = min(k, len(np.unique(rows, axis=0)))
    # Several threads add up in any order, so that the last digits differ from time to time.
    with threadpool_limits(1, user_api="openmp"):
        found = KMeans(k, n_init=1, random_state=0, max_iter=100).fit(rows)
    centers = found.cluster_centers_
    found.cluster_centers_ = np.ascontiguousarray(centers[np.lexsort(centers.T[::-1])])
    return found


def felzenszwalb(task: Task, *, scale: float, sigma: float, min_size: int) -> NDArray:
    """Graph-based segmentation by scikit-image."""
    import warnings

    from skimage.segmentation import felzenszwalb as segment

    with warnings.catch_warnings():
        # Of more than three channels, which are meant.
        warnings.simplefilter("ignore", RuntimeWarning)
        return segment(task.image, scale=scale, sigma=sigma, min_size=min_size, channel_axis=-1)


def quickshift(
    task: Task, *, max_dist: float, ratio: float, kernel_size: float, sigma: float
) -> NDArray:
    """Quickshift by scikit-image, of color in CIELAB."""
    from skimage.segmentation import quickshift as segment

    return segment(
        color(task).astype(np.float64),
        kernel_size=kernel_size,
        max_dist=max_dist,
        ratio=ratio,
        sigma=sigma,
        convert2lab=True,
        rng=0,
    )


def graph(task: Task, *, sigma: float, k: float, min_size: int) -> NDArray:
    """Graph-based segmentation by OpenCV."""
    from ..superpixels.opencv_process import ximgproc

    segmenter = ximgproc().segmentation.createGraphSegmentation(sigma, k, min_size)
    found: NDArray = segmenter.processImage(as_bytes(color(task)))
    return found
