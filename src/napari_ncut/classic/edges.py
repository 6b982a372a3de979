"""Edges that are closed to regions: what lies between is a segment, edges themselves are 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from .images import as_bytes, color, gray, is_flat
from .numbering import without_small


def sobel(task: Task, **options: Any) -> NDArray:
    """Sobel's gradient."""
    return _gradient(task, "sobel", **options)


def scharr(task: Task, **options: Any) -> NDArray:
    """Scharr's gradient."""
    return _gradient(task, "scharr", **options)


def _gradient(
    task: Task, name: str, *, threshold: float | None, smooth: float, **closing: Any
) -> NDArray:
    from skimage import filters

    strength = getattr(filters, name)(gray(task, smooth))
    return regions_between(strength > _level(strength, threshold), **closing)


def canny(
    task: Task, *, sigma: float, low: float | None, high: float | None, **closing: Any
) -> NDArray:
    """Canny's edges."""
    from skimage.feature import canny as detect

    image = gray(task)
    edges = detect(image, sigma=sigma, low_threshold=low, high_threshold=high)
    return regions_between(edges, **closing)


def log(task: Task, *, sigma: float, threshold: float | None, **closing: Any) -> NDArray:
    """Where the Laplacian of a Gaussian changes its sign steeply enough."""
    from scipy.ndimage import gaussian_laplace

    response = gaussian_laplace(gray(task), sigma, mode="nearest")
    steps = np.zeros(task.shape, np.float32)
    for axis in (0, 1):
        before = np.moveaxis(response, axis, 0)[:-1]
        after = np.moveaxis(response, axis, 0)[1:]
        crossing = np.where((before < 0) != (after < 0), np.abs(after - before), 0)
        # Of two pixels the one nearer to the crossing.
        first = np.abs(before) <= np.abs(after)
        view = np.moveaxis(steps, axis, 0)
        view[:-1] = np.maximum(view[:-1], np.where(first, crossing, 0))
        view[1:] = np.maximum(view[1:], np.where(first, 0, crossing))
    if threshold is None:
        crossings = steps[steps > 0]
        threshold = _level(crossings, None) if crossings.size else 0.0
    return regions_between(steps > threshold, **closing)


def icas_edges(
    task: Task,
    *,
    edge_th: float,
    d: int,
    sigma_color: float,
    sigma_space: float,
    template: int,
    search: int,
    h: float,
    h_color: float,
    **closing: Any,
) -> NDArray:
    """Noise taken out by a bilateral filter and non-local means, then Sobel's gradient."""
    import cv2

    # The functions for color take blue first.
    image = as_bytes(color(task))[..., ::-1].copy()
    if is_flat(image):
        return np.ones(task.shape, np.int32)
    smooth = cv2.bilateralFilter(image, d, sigma_color, sigma_space)
    clean = cv2.fastNlMeansDenoisingColored(
        smooth, None, h, h_color, template + 1 - template % 2, search + 1 - search % 2
    )
    across = cv2.Sobel(clean, cv2.CV_64F, 1, 0, ksize=3)
    down = cv2.Sobel(clean, cv2.CV_64F, 0, 1, ksize=3)
    strength = np.hypot(across, down)
    strength *= 255 / max(float(strength.max()), 1.0)
    return regions_between(strength.mean(axis=-1) > edge_th, **closing)


def regions_between(
    edges: NDArray[np.bool_], *, close: int, grow: int, smallest: int
) -> NDArray[np.integer]:
    """Pieces without edges, numbered from 1; 0 where edges stay.

    Parameters
    ----------
    edges
        True on edges (h, w).
    close
        Pixels to each side within which gaps in edges are closed.
    grow
        Pixels by which regions then grow over edges.
    smallest
        Pixels below which a region becomes part of the edges.
    """
    from skimage.measure import label
    from skimage.morphology import closing
    from skimage.segmentation import expand_labels

    if close:
        edges = closing(edges, np.ones((2 * close + 1, 2 * close + 1), bool))
    pieces: NDArray[np.integer] = label(~edges, background=0, connectivity=1)
    pieces = without_small(pieces, smallest)
    return expand_labels(pieces, grow) if grow else pieces


def _level(strength: NDArray, threshold: float | None) -> float:
    """The threshold that is given, or Otsu's."""
    from skimage.filters import threshold_otsu

    if threshold is not None:
        return threshold
    return float(threshold_otsu(strength)) if not is_flat(strength) else float(strength.flat[0])
