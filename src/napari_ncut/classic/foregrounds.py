"""Foreground and background by energies over the whole plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from ..side_by_side import one_blas_thread
from .images import as_bytes, color, gray, is_flat
from .numbering import numbered_parts, numbered_things
from .thresholds import otsu_levels

# GrabCut's models have five colors each.
_LEAST_PIXELS = 5


def chan_vese(
    task: Task, *, mu: float, rounds: int, smooth: float, polarity: str, **numbering: Any
) -> NDArray:
    """Two phases of even brightness with a short border, of which one is the foreground."""
    image = gray(task, smooth)
    if is_flat(image):
        return np.zeros(task.shape, np.int32)
    inside = _level_set(image, mu, 1.0, 1.0, rounds) > 0
    if inside.any() and not inside.all():
        brighter = image[inside].mean() > image[~inside].mean()
        inside = inside if brighter == (polarity == "bright") else ~inside
    return numbered_things(inside, **numbering)


def chan_vese_bins(
    task: Task,
    *,
    bins: int,
    mu: float,
    lambda1: float,
    lambda2: float,
    rounds: int,
    **numbering: Any,
) -> NDArray:
    """The level set cut into steps of equal height."""
    image = gray(task)
    if is_flat(image):
        return np.ones(task.shape, np.int32)
    level = _level_set(image, mu, lambda1, lambda2, rounds)
    span = max(float(level.max() - level.min()), np.finfo(np.float64).tiny)
    steps = np.minimum((level - level.min()) / span * bins, bins - 1).astype(np.int32)
    return numbered_parts(steps, **numbering)


def _level_set(
    image: NDArray[np.float32], mu: float, lambda1: float, lambda2: float, rounds: int
) -> NDArray[np.float64]:
    from skimage.segmentation import chan_vese as segment

    _, level, _ = segment(
        image,
        mu=mu,
        lambda1=lambda1,
        lambda2=lambda2,
        tol=1e-3,
        max_num_iter=rounds,
        dt=0.5,
        init_level_set="checkerboard",
        extended_output=True,
    )
    return np.asarray(level, np.float64)


def random_walker(
    task: Task, *, sure: float, beta: float, smooth: float, polarity: str, **numbering: Any
) -> NDArray:
    """Whether a walker from a pixel meets what is surely foreground or background first."""
    from skimage.segmentation import random_walker as walk

    image = gray(task, smooth)
    levels = otsu_levels(image, 2)
    if not levels:
        return np.zeros(task.shape, np.int32)
    above = image > levels[0]
    markers = np.zeros(task.shape, np.int32)
    for number, side, share in ((1, ~above, sure), (2, above, 1 - sure)):
        limit = np.quantile(image[side], share)
        markers[side & ((image <= limit) if number == 1 else (image >= limit))] = number
    # Threads of linear algebra wait by spinning: its small products took ten times as long.
    with one_blas_thread():
        # Sides are asked for, so that probabilities need not be exact.
        found = walk(image.astype(np.float64), markers, beta=beta, mode="cg_j", prob_tol=1)
    return numbered_things(found == (2 if polarity == "bright" else 1), **numbering)


def grabcut(task: Task, *, margin: float, rounds: int, **numbering: Any) -> NDArray:
    """GrabCut of a rectangle that leaves a margin at every border."""
    import cv2

    height, width = task.shape
    image = as_bytes(color(task))
    top, left = (max(1, round(side * margin)) for side in task.shape)
    inner = max(0, height - 2 * top) * max(0, width - 2 * left)
    if is_flat(image) or inner < _LEAST_PIXELS or height * width - inner < _LEAST_PIXELS:
        return np.zeros(task.shape, np.int32)
    mask = np.zeros(task.shape, np.uint8)
    # Its models begin with a k-means of OpenCV's, which draws at random.
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(image),
        mask,
        (left, top, width - 2 * left, height - 2 * top),
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        rounds,
        cv2.GC_INIT_WITH_RECT,
    )
    return numbered_things((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), **numbering)
