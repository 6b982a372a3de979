"""Where a further click would tell most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Doubt is averaged over this share of a plane's shorter side: a click decides about a thing, and
# thin seams of doubt along every border are of no use.
_REACH = 0.03
# Doubt below which nothing is worth asking.
_LEAST = 0.15


def most_doubtful(
    maps: dict[int, NDArray[np.float32]], clicked: NDArray[np.int64]
) -> tuple[int, int, int] | None:
    """The place (plane, row, column) around which doubt is largest, away from clicks.

    Parameters
    ----------
    maps
        How undecided every pixel (h, w) of a plane is, 0 to 1.
    clicked
        (n, 3), where was clicked.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    best, found = _LEAST, None
    for plane, doubt in maps.items():
        reach = max(1.0, _REACH * min(doubt.shape))
        around = gaussian_filter(doubt, reach / 2, mode="constant")
        away = np.ones(doubt.shape, bool)
        here = clicked[clicked[:, 0] == plane]
        if len(here):
            away[here[:, 1], here[:, 2]] = False
            around = np.where(distance_transform_edt(away) > reach, around, 0)
        row, column = np.unravel_index(int(around.argmax()), around.shape)
        if around[row, column] > best:
            best, found = float(around[row, column]), (plane, int(row), int(column))
    return found
