"""Patches of an array side by side, so that one call of a library serves all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .blocks import union, volume, within
from .edits import Box

# Patches of more pixels are worked on alone: beside small ones they would make much empty canvas.
_LARGE = 2**16
# Pixels of a box that neighbors share: handling one more costs as much as looking into so many.
_SHARED = 2**14


def groups(boxes: Sequence[Box]) -> Iterator[list[int]]:
    """Indices of boxes that are worked on together: small ones at once, large ones alone."""
    sizes = [volume(box) for box in boxes]
    small = [i for i, size in enumerate(sizes) if size <= _LARGE]
    if small:
        yield small
    yield from ([i] for i, size in enumerate(sizes) if size > _LARGE)


class Mosaic:
    """A canvas with a patch for every box, parted by empty columns.

    Parameters
    ----------
    boxes
        Boxes (planes, rows, columns).
    gap
        Pixels between them and around them: neighbors that far are always there, and empty. Where
        all are in one plane there are none above and below.
    """

    def __init__(self, boxes: Sequence[Box], gap: int = 1) -> None:
        self.boxes = list(boxes)
        sizes = np.array([[part.stop - part.start for part in box] for box in self.boxes])
        self._starts = np.concatenate([[0], np.cumsum(sizes[:, 2] + gap)]) + gap
        planes, rows = sizes[:, :2].max(axis=0).tolist()
        self.is_flat = planes == 1
        self._margins = (0 if self.is_flat else gap, gap)
        around = [side + 2 * m for side, m in zip((planes, rows), self._margins, strict=True)]
        self.shape = (*around, int(self._starts[-1]))
        self.owners = np.full(self.shape[2], -1)
        for i, size in enumerate(sizes[:, 2].tolist()):
            self.owners[self._starts[i] : self._starts[i] + size] = i

    def place(self, i: int) -> Box:
        """Where the patch of a box lies on the canvas."""
        planes, rows, columns = (part.stop - part.start for part in self.boxes[i])
        start, (above, gap) = int(self._starts[i]), self._margins
        return slice(above, above + planes), slice(gap, gap + rows), slice(start, start + columns)

    def gathered(self, values: NDArray) -> NDArray:
        """What an array (planes, rows, columns) holds in the boxes; 0 between them."""
        canvas = np.zeros(self.shape, dtype=values.dtype)
        for i, box in enumerate(self.boxes):
            canvas[self.place(i)] = values[box]
        return canvas


def together(pieces: Sequence[tuple[Box, NDArray]]) -> Iterator[tuple[Box, NDArray]]:
    """The same numbers in fewer boxes: neighbors share one, as long as it is small.

    Parameters
    ----------
    pieces
        Boxes, and the number that is written to every pixel of each; 0 for those that stay as they
        are. No pixel has a number in two of them.
    """
    if not pieces:
        return
    corners = np.array([[(part.start, part.stop) for part in box] for box, _ in pieces])
    longest = int((corners[..., 1].max(axis=0) - corners[..., 0].min(axis=0)).argmax())
    run: list[tuple[Box, NDArray]] = []
    for i in np.argsort(corners[:, longest, 0], kind="stable"):
        if run and volume(union([*(box for box, _ in run), pieces[i][0]])) > _SHARED:
            yield _joint(run)
            run = []
        run.append(pieces[i])
    yield _joint(run)


def _joint(pieces: Sequence[tuple[Box, NDArray]]) -> tuple[Box, NDArray]:
    if len(pieces) == 1:
        return pieces[0]
    box = union([one for one, _ in pieces])
    numbers = np.zeros([part.stop - part.start for part in box], dtype=pieces[0][1].dtype)
    for one, written in pieces:
        numbers[within(one, box)] += written
    return box, numbers


def neighbor_offsets(shape: tuple[int, ...], reach: int) -> NDArray[np.int64]:
    """Steps to all neighbors within a window, in flat indices of a canvas, the nearest first."""
    across = [range(-reach, reach + 1)] * 2
    above = [range(-reach, reach + 1) if shape[0] > 1 else range(1)]
    steps = np.array(np.meshgrid(*above, *across, indexing="ij")).reshape(3, -1).T
    steps = steps[np.argsort(np.abs(steps).sum(axis=1), kind="stable")][1:]
    return steps @ np.array([shape[1] * shape[2], shape[2], 1])
