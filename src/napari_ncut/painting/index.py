"""Where segments lie: the boxes and areas of all of them, kept up to date."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .blocks import moved, union
from .edits import Box, bounding_box

# Numbers that are much larger than there are pixels are renumbered before they are counted.
_SPARSE = 4
# More values than these are counted, fewer sorted.
_FEW = 2**14


class SegmentIndex:
    """Boxes and areas of the segments of an array.

    Parameters
    ----------
    labels : integer array
        Numbers from 1, 0 where there is no segment.
    """

    def __init__(self, labels: NDArray) -> None:
        from scipy.ndimage import find_objects

        numbers, compact = _compact(labels)
        counts = np.bincount(compact.ravel(), minlength=len(numbers) + 1)[1:]
        there = zip(numbers.tolist(), find_objects(compact, len(numbers)), strict=True)
        self.boxes: dict[int, Box] = {number: box for number, box in there if box is not None}
        self.areas: dict[int, int] = {
            number: count
            for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)
            if count
        }
        self._highest = max(self.boxes, default=0)

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def highest(self) -> int:
        """The highest number that there is or has been."""
        return self._highest

    def update(self, labels: NDArray, box: Box, where: NDArray, old: NDArray, new: NDArray) -> None:
        """Follow a change that has been written.

        Parameters
        ----------
        labels
            The whole array, as it is now.
        box, where
            Which pixels changed: a box, and a mask of its shape that touches all its sides.
        old, new
            What these pixels were, and what they are.
        """
        lost, gained = counted(old), counted(new)
        for number, count in lost.items():
            self.areas[number] = self.areas.get(number, 0) - count
        for number, count in gained.items():
            self.areas[number] = self.areas.get(number, 0) + count
        if len(gained) == 1 and gained.get(int(new[0])) == len(new):
            self._grow(int(new[0]), box)
        elif gained:
            self._grow_many(sorted(gained), box, where, new)
        for number in lost:
            self._shrink(labels, number)

    def _grow_many(self, numbers: list[int], box: Box, where: NDArray, new: NDArray) -> None:
        from scipy.ndimage import find_objects

        compact = np.zeros(where.shape, dtype=np.int32)
        order = np.searchsorted(numbers, new).clip(0, len(numbers) - 1)
        compact[where] = np.where(np.array(numbers)[order] == new, order + 1, 0)
        for number, inner in zip(numbers, find_objects(compact), strict=True):
            if inner is not None:
                self._grow(number, moved(inner, box))

    def _grow(self, number: int, box: Box) -> None:
        known = self.boxes.get(number)
        self.boxes[number] = box if known is None else union([known, box])
        self._highest = max(self._highest, number)

    def _shrink(self, labels: NDArray, number: int) -> None:
        if not self.areas.get(number):
            self.areas.pop(number, None)
            self.boxes.pop(number, None)
            return
        box = self.boxes[number]
        inner = bounding_box(labels[box] == number)
        assert inner is not None
        self.boxes[number] = moved(inner, box)


def counted(values: NDArray) -> dict[int, int]:
    """Every number above 0 in ascending order, and how often it is there."""
    if len(values) and (values == values[0]).all():
        return {int(values[0]): len(values)} if values[0] > 0 else {}
    if len(values) > _FEW and int(values.max()) <= len(values):
        counts = np.bincount(np.maximum(values, 0))
        (numbers,) = np.nonzero(counts)
        counts = counts[numbers]
    else:
        numbers, counts = np.unique(values, return_counts=True)
    segments = numbers > 0
    return dict(zip(numbers[segments].tolist(), counts[segments].tolist(), strict=True))


def _compact(labels: NDArray) -> tuple[NDArray, NDArray]:
    """Numbers above 0, and labels that count them from 1."""
    highest = int(labels.max(initial=0))
    lowest = int(labels.min(initial=0))
    if lowest >= 0 and highest <= _SPARSE * max(labels.size, 64):
        # Most numbers are there; those that are not have no box.
        kind = np.int32 if highest < 2**31 else np.int64
        return np.arange(1, highest + 1), labels.astype(kind, copy=False)
    numbers, inverse = np.unique(labels, return_inverse=True)
    below = int(np.count_nonzero(numbers <= 0))
    compact = np.maximum(inverse.reshape(labels.shape) - below + 1, 0)
    return numbers[below:], compact.astype(np.int32)
