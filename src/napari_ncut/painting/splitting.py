"""A cut: segments that a line crosses are parted, and every pixel stays in one of the parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .edits import Box
from .mosaic import Mosaic, groups, neighbor_offsets

# Parts of fewer pixels that are less than a tenth of what was cut are crumbs at a corner of the
# line, and go to their neighbor.
_CRUMB = 4
_CRUMB_SHARE = 0.1


def split(
    labels: NDArray, numbers: Sequence[int], boxes: Sequence[Box], line: NDArray[np.bool_]
) -> Iterator[tuple[Box, NDArray, NDArray]]:
    """Part segments along a line.

    Parameters
    ----------
    labels : integer array (planes, rows, columns)
    numbers, boxes
        The segments that may be parted, and where each lies.
    line : bool array, broadcast to the shape of `labels`
        Closed against diagonal steps, as `line_pixels` has it.

    Yields
    ------
    box, mask, part
        Of every segment that falls apart: its box, where it lies there, and which part every
        pixel of it belongs to: 0 for the largest, which keeps the number, then 1, 2, …
    """
    line = np.broadcast_to(line, labels.shape)
    for group in groups(boxes):
        mosaic = Mosaic([boxes[i] for i in group])
        owners = np.append(np.array([numbers[i] for i in group]), -1)
        mask = mosaic.gathered(labels) == owners[mosaic.owners]
        parts = _parts(mask, mosaic.gathered(line) & mask, mosaic.owners)
        if parts is None:
            continue
        for i in np.unique(mosaic.owners[np.nonzero(parts)[2]]).tolist():
            place = mosaic.place(i)
            yield mosaic.boxes[i], mask[place], parts[place]


def _parts(
    mask: NDArray[np.bool_], line: NDArray[np.bool_], owners: NDArray
) -> NDArray[np.int64] | None:
    """Which part of its segment every pixel belongs to; None if nothing falls apart."""
    from scipy.ndimage import label

    touching = np.ones((3, 3, 3), dtype=bool)
    pieces, n_pieces = label(mask & ~line, touching)
    whole, n_whole = label(mask, touching)
    # What every piece is a part of, and how large both are.
    of_piece = np.zeros(n_pieces + 1, dtype=int)
    of_piece[pieces] = whole
    of_piece[0] = 0
    sizes, whole_sizes = np.bincount(pieces.ravel()), np.bincount(whole.ravel())
    crumbs = (sizes < _CRUMB) & (sizes < _CRUMB_SHARE * whole_sizes[of_piece])
    counts = np.bincount(of_piece[1:][~crumbs[1:]], minlength=n_whole + 1)
    falls_apart = counts > 1
    falls_apart[0] = False
    if not falls_apart.any():
        return None
    pieces[(crumbs | ~falls_apart[of_piece])[pieces]] = 0
    _spread(pieces, np.flatnonzero((pieces == 0) & falls_apart[whole]))
    sizes = np.bincount(pieces.ravel(), minlength=n_pieces + 1)
    return _ranks(pieces, sizes, of_piece, falls_apart & (np.arange(n_whole + 1) > 0), owners)


def _ranks(
    pieces: NDArray,
    sizes: NDArray,
    of_piece: NDArray,
    falls_apart: NDArray[np.bool_],
    owners: NDArray,
) -> NDArray[np.int64]:
    """Number the parts of every segment: 0 for those that keep its number."""
    (kept,) = np.nonzero(falls_apart[of_piece])
    # The largest of each piece that was connected stays; it comes first in this order.
    kept = kept[np.lexsort((-sizes[kept], of_piece[kept]))]
    largest = np.append(True, np.diff(of_piece[kept]) > 0)
    others = np.sort(kept[~largest])
    owner_of = np.zeros(len(sizes), dtype=int)
    places = np.nonzero(pieces)
    owner_of[pieces[places]] = owners[places[2]]
    by_owner = others[np.argsort(owner_of[others], kind="stable")]
    first = np.append(True, np.diff(owner_of[by_owner]) > 0)
    start = np.maximum.accumulate(np.where(first, np.arange(len(by_owner)), 0))
    rank = np.zeros(len(sizes), dtype=np.int64)
    rank[by_owner] = np.arange(len(by_owner)) - start + 1
    return rank[pieces]


def _spread(pieces: NDArray, open_pixels: NDArray) -> None:
    """Give pixels, as flat indices, to the piece that they touch, ring after ring."""
    flat = pieces.reshape(-1)
    # Neighbors that share a side come before those across a corner.
    offsets = neighbor_offsets(pieces.shape, 1)
    while len(open_pixels):
        around = flat[open_pixels[:, np.newaxis] + offsets]
        found = around[np.arange(len(around)), (around > 0).argmax(axis=1)]
        if not found.any():
            return
        flat[open_pixels] = found
        open_pixels = open_pixels[found == 0]
