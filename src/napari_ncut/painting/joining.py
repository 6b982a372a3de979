"""Merging: segments become one, and the edge between them a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .blocks import padded, volume
from .edits import Box
from .mosaic import Mosaic, groups, neighbor_offsets

# A gap of so many pixels between two segments is taken in; half as many close it from each side.
_GAP = 4
# Numbers up to here are looked up in a table, higher ones searched.
_LOOKED_UP = 2**22


def joined(
    labels: NDArray, numbers: Sequence[int], boxes: Sequence[Box], target: int
) -> Iterator[tuple[Box, NDArray]]:
    """Give segments one number.

    Pixels of 0 become part of it that lie between two of the segments, in a gap of up to four
    pixels, and touch no other.

    Parameters
    ----------
    labels : integer array (planes, rows, columns)
    numbers, boxes
        The segments, and where each lies.
    target
        Their number from now on.

    Yields
    ------
    box, mask
        Where the number is written; every pixel is in one of them only.
    """
    # Ranked by size: what lies between two is written with the smaller one, so that nobody looks
    # for it in the box of the largest.
    order = sorted(range(len(boxes)), key=lambda i: -volume(boxes[i]))
    members = np.array(numbers)[order]
    first, *others = order
    if numbers[first] != target:
        yield boxes[first], labels[boxes[first]] == numbers[first]
    # What may be taken in, and what has to be seen for it.
    margin = 2 * _GAP + 1
    pads = (0 if labels.shape[0] == 1 else margin, margin, margin)
    with_edges = [padded(boxes[i], pads, labels.shape) for i in others]
    for group in groups(with_edges):
        mosaic = Mosaic([with_edges[i] for i in group], gap=_GAP + 1)
        canvas = mosaic.gathered(labels)
        member = _ranks(canvas, members)
        owned = np.append(np.array(group) + 2, -1)[mosaic.owners]
        taken = (member == owned) & (canvas != target)
        if any((labels[with_edges[i]] == 0).any() for i in group):
            taken |= _between(canvas, member) == owned
        for i in range(len(group)):
            patch = taken[mosaic.place(i)]
            if patch.any():
                yield mosaic.boxes[i], patch


def _ranks(canvas: NDArray, members: NDArray) -> NDArray[np.int32]:
    """The rank of the member that every pixel is part of, from 1; 0 of all others."""
    highest = int(canvas.max(initial=0))
    if highest <= _LOOKED_UP:
        ranks = np.zeros(highest + 1, dtype=np.int32)
        there = np.flatnonzero(members <= highest)
        ranks[members[there]] = there + 1
        return ranks[np.maximum(canvas, 0)]
    order = np.argsort(members)
    where = np.searchsorted(members, canvas, sorter=order).clip(0, len(members) - 1)
    rank = order[where] + 1
    return np.where(members[rank - 1] == canvas, rank, 0).astype(np.int32)


def _between(canvas: NDArray, member: NDArray[np.int32]) -> NDArray[np.int32]:
    """Where a gap between two members is that no other segment touches: the higher; 0 else."""
    from scipy.ndimage import maximum_filter, minimum_filter

    higher = np.zeros_like(member)
    empty = canvas == 0

    def window(reach: int) -> tuple[int, int, int]:
        side = 2 * reach + 1
        return (1 if canvas.shape[0] == 1 else side, side, side)

    is_member = (member > 0).astype(np.uint8)
    closed = minimum_filter(maximum_filter(is_member, window(_GAP // 2)), window(_GAP // 2)) > 0
    touched = maximum_filter((~empty & (member == 0)).astype(np.uint8), window(1)) > 0
    # Neighbors of the canvas' margins would lie outside of it.
    inside = np.zeros(canvas.shape, dtype=bool)
    inside[(slice(None), *[slice(_GAP, side - _GAP) for side in canvas.shape[1:]])] = True
    if canvas.shape[0] > 1:
        inside[:_GAP] = inside[-_GAP:] = False
    places = np.flatnonzero(empty & closed & ~touched & inside)
    around = member.reshape(-1)[places[:, np.newaxis] + neighbor_offsets(canvas.shape, _GAP)]
    none = np.iinfo(np.int32).max
    highest, lowest = around.max(axis=1), np.where(around > 0, around, none).min(axis=1)
    higher.reshape(-1)[places] = np.where(lowest < highest, highest, 0)
    return higher
