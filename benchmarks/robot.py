"""A robot user: clicks the middle of the largest error until a mask is right.

The errors are the 4-connected pieces of what a mask misses and of what it has too much. The next
click goes to the pixel of the largest piece that is deepest inside it, as far as the nearest pixel
outside the piece; outside the image counts as outside. It is positive on a miss and negative on a
false alarm. Of pieces of one size a miss comes first, and then, as of pixels of one depth, the
first in reading order, so that the same masks lead to the same clicks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_ncut.metrics import boundary_f

# Points (n, 2) as (row, column) and which of them are positive (n,), to a mask bool (h, w).
Predict = Callable[[NDArray[np.int64], NDArray[np.bool_]], NDArray[np.bool_]]
CLICKS = 20
TARGET = 0.85


class Click(NamedTuple):
    row: int
    column: int
    positive: bool


@dataclass(frozen=True)
class Session:
    """What came of clicking in one image.

    Attributes
    ----------
    iou, edges
        Intersection over union, and F of boundaries within 2 pixels, after every click; the last
        ones carried forward once there was no error left.
    clicks
        Those made.
    seconds
        That each of them took to answer.
    """

    iou: list[float]
    edges: list[float]
    clicks: list[Click]
    seconds: list[float]


def intersection_over_union(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """1 where both are empty."""
    union = int((mask | truth).sum())
    return int((mask & truth).sum()) / union if union else 1.0


def next_click(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Click | None:
    """Where the robot clicks, or None where there is no error."""
    largest = 0
    piece: NDArray[np.bool_] | None = None
    origin, positive = (0, 0), True
    for wrong, is_miss in ((truth & ~mask, True), (mask & ~truth, False)):
        pieces, _ = ndimage.label(wrong)
        areas = np.bincount(pieces.ravel())
        areas[0] = 0
        number = int(areas.argmax())
        if areas[number] > largest:
            largest = int(areas[number])
            box = ndimage.find_objects(pieces)[number - 1]
            piece, positive = pieces[box] == number, is_miss
            origin = (box[0].start, box[1].start)
    if piece is None:
        return None
    depth = ndimage.distance_transform_edt(np.pad(piece, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return Click(origin[0] + int(row), origin[1] + int(column), positive)


def use(predict: Predict, truth: NDArray[np.bool_], n_clicks: int = CLICKS) -> Session:
    """Click until there is no error, at most `n_clicks` times.

    Raises
    ------
    ValueError
        If `predict` returns anything but a bool mask of the truth's shape.
    """
    mask = np.zeros_like(truth)
    clicks: list[Click] = []
    iou: list[float] = []
    edges: list[float] = []
    seconds: list[float] = []
    while len(clicks) < n_clicks and (click := next_click(mask, truth)) is not None:
        clicks.append(click)
        points = np.array([(c.row, c.column) for c in clicks], dtype=np.int64)
        positive = np.array([c.positive for c in clicks])
        start = time.perf_counter()
        mask = predict(points, positive)
        seconds.append(time.perf_counter() - start)
        if mask.shape != truth.shape or mask.dtype != bool:
            raise ValueError(
                f"A mask of {mask.dtype} {mask.shape} came back. It must be bool {truth.shape}."
            )
        iou.append(intersection_over_union(mask, truth))
        edges.append(boundary_f(mask, truth))
    if not clicks:
        iou, edges = [intersection_over_union(mask, truth)], [boundary_f(mask, truth)]
    iou, edges = (values + values[-1:] * (n_clicks - len(values)) for values in (iou, edges))
    return Session(iou, edges, clicks, seconds)


def number_of_clicks(iou: list[float], target: float = TARGET) -> int:
    """After how many clicks the target is first reached; all of them if it never is."""
    return next((n for n, value in enumerate(iou, start=1) if value >= target), len(iou))
