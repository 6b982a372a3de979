"""Superpixel methods of OpenCV's ximgproc, which is in opencv-contrib-python alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..segmenters import Task
from .connectivity import connected_pieces
from .markers import grid_labels

# Pieces with less than this share of a superpixel's pixels join a neighbor.
_SMALLEST = 0.25
# Blocks of SEEDS that are halved further have no pixels.
_SMALLEST_BLOCK = 2


def seeds(task: Task, *, rounds: int, levels: int, prior: int, bins: int) -> NDArray:
    """SEEDS with as many levels of blocks as the plane has room for."""
    module, image, count = _ready(task)
    height, width = task.shape
    side = (task.n_pixels / count) ** 0.5
    room = int(np.log2(max(min(side, height, width) / _SMALLEST_BLOCK, 1)))
    levels = min(levels, max(room, 1))
    if min(height, width) < 2 * _SMALLEST_BLOCK or side < 2 * _SMALLEST_BLOCK:
        raise InputError(
            f"SEEDS cannot make {count} superpixels of {height} × {width} pixels: they need some "
            f"{(2 * _SMALLEST_BLOCK) ** 2} pixels each. Ask for fewer, or choose another method."
        )
    segmenter = module.createSuperpixelSEEDS(
        width, height, image.shape[2], count, levels, min(prior, 5), bins
    )
    segmenter.iterate(image, rounds)
    return _finished(segmenter.getLabels(), task)


def lsc(task: Task, *, rounds: int, ratio: float) -> NDArray:
    """Linear spectral clustering."""
    return _elsewhere(task, "lsc", ratio, rounds)


def mslic(task: Task, *, rounds: int, ruler: float) -> NDArray:
    """Manifold SLIC."""
    return _elsewhere(task, "mslic", ruler, rounds)


def _elsewhere(task: Task, method: str, weight: float, rounds: int) -> NDArray:
    """Methods that need a process of their own."""
    from .opencv_process import labels_of

    _, image, count = _ready(task)
    side = _side(task)
    if image.min() == image.max():
        # Nothing to see: any grid will do, and of some even surfaces OpenCV has none.
        return grid_labels(task.shape, count)
    return _finished(labels_of(image, method, side, weight, rounds), task)


def _ready(task: Task) -> tuple[Any, NDArray[np.uint8], int]:
    """OpenCV's module, the image as it takes it, and the number of superpixels."""
    import cv2

    from .opencv_process import ximgproc

    assert task.n_segments is not None  # the entries count
    return ximgproc(), _as_bytes(task, cv2), task.n_segments


def _as_bytes(task: Task, cv2: Any) -> NDArray[np.uint8]:
    """CIELAB of color, one channel of gray, all others mixed to a color first: uint8 (h, w, c)."""
    from ..imaging.channels import composite

    image, is_color = task.image, task.is_color
    if not is_color and image.shape[-1] not in (1, 3):
        image, is_color = composite(image), True
    as_bytes = np.ascontiguousarray(np.rint(image * 255).astype(np.uint8))
    if is_color:
        as_bytes = cv2.cvtColor(as_bytes, cv2.COLOR_RGB2Lab)
    return as_bytes


def _side(task: Task) -> int:
    """Of a square with as many pixels as a superpixel shall have."""
    assert task.n_segments is not None  # the entries count
    side = round((task.n_pixels / task.n_segments) ** 0.5)
    if side < 2 or min(task.shape) < 2:
        raise InputError(
            f"OpenCV cannot make {task.n_segments} superpixels of {task.shape[0]} × "
            f"{task.shape[1]} pixels: they need some 4 each. Ask for fewer, or choose another "
            f"method."
        )
    return side


def _finished(labels: NDArray, task: Task) -> NDArray[np.int32]:
    assert task.n_segments is not None  # the entries count
    return connected_pieces(labels, _SMALLEST * task.n_pixels / task.n_segments)
