"""Specks and pinholes of masks, removed within their boxes."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]

_EIGHT = np.ones((3, 3), dtype=bool)


def without_small_regions(
    crop: Mask, box: Box, shape: tuple[int, int], least: float
) -> tuple[Mask, Box, bool]:
    """Fill holes, then drop pieces, of fewer than `least` pixels; the largest piece always stays.

    Pixels hang together across corners, in masks as in holes.

    Parameters
    ----------
    crop, box
        The mask within its box (top, left, bottom, right).
    shape
        Of the plane. What a mask leaves of it between itself and the edge may be a hole, too.
    least
        In pixels.

    Returns
    -------
    crop, box
        The mask now, in its own box, (0, 0, 0, 0) where it is empty.
    changed
        Whether anything was.
    """
    top, left, bottom, right = box
    # So much more around it that what is outside is as large as it has to be, or all there is.
    reach = ceil(least)
    above, before = min(reach, top), min(reach, left)
    below, after = min(reach, shape[0] - bottom), min(reach, shape[1] - right)
    mask = np.pad(crop, ((above, below), (before, after)))
    if not mask.size:
        return crop, box, False
    mask, filled = _without_small(mask, least, holes=True)
    mask, dropped = _without_small(mask, least, holes=False)
    if not (filled or dropped):
        return crop, box, False
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((0, 0), dtype=bool), (0, 0, 0, 0), True
    inner = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    moved = (top - above, left - before)
    new = (inner[0] + moved[0], inner[1] + moved[1], inner[2] + moved[0], inner[3] + moved[1])
    return mask[inner[0] : inner[2], inner[1] : inner[3]].copy(), new, True


def _without_small(mask: Mask, least: float, *, holes: bool) -> tuple[Mask, bool]:
    from scipy.ndimage import label

    pieces, n_pieces = label(mask ^ holes, structure=_EIGHT)
    sizes = np.bincount(pieces.ravel(), minlength=n_pieces + 1)
    small = sizes < least
    small[0] = False
    if not small.any():
        return mask, False
    if holes:
        return mask | small[pieces], True
    if small[1:].all():
        small[1 + int(sizes[1:].argmax())] = False
    return mask & ~small[pieces], True
