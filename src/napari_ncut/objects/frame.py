"""Frames of one color around a picture, which are no part of what it shows."""

from __future__ import annotations

import numpy as np

from .scene import Matrix

# How even a frame is, how much what lies within differs from it, along what share of a side, and
# how wide it is at most, as a share of the plane.
_EVEN, _STEP, _ALONG, _WIDEST = 0.03, 0.08, 0.75, 0.12


def inside_frame(plane: Matrix) -> tuple[slice, slice]:
    """Rows and columns of a plane (h, w, c) within its frame; all of them if it has none.

    A side has a frame if its outermost lines are of one color and end in a step along most of the
    side. So a dark background around things is none: it does not end anywhere.
    """
    rows = _ends(plane)
    columns = _ends(plane[rows].transpose(1, 0, 2))
    return rows, columns


def _ends(plane: Matrix) -> slice:
    n = len(plane)
    first = _width(plane)
    last = n - _width(plane[::-1])
    return slice(first, last) if last - first > n // 2 else slice(0, n)


def _width(plane: Matrix) -> int:
    """Lines of the frame at the upper side."""
    most = int(_WIDEST * len(plane))
    lines = plane[: most + 3]
    color = np.median(lines[0], axis=0)
    away = np.abs(lines - color).max(axis=-1)
    even = (away <= _EVEN).mean(axis=1) > 0.95
    width = int(np.argmin(even)) if not even.all() else 0
    if not 0 < width <= most:
        return 0
    # Resampled and compressed pictures take a line or two from one to the other.
    within = away[width : width + 3].max(axis=0)
    if (within > _STEP).mean() < _ALONG:
        return 0
    blurred = int((away[width : width + 2] <= _STEP).mean(axis=1).argmin())
    return width + max(1, blurred)
