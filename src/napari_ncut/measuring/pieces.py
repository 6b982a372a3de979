"""Connected pieces of labels, of all labels at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .blocks import Blocks
from .scene import renumbered


def connected_pieces(labels: NDArray) -> tuple[NDArray[np.intp], NDArray]:
    """Every connected piece of one label as a number of its own, and which label it had.

    Pixels that share a corner hang together; pieces of different labels never join.

    Parameters
    ----------
    labels
        bool or whole numbers from 0, of any dimensions.

    Returns
    -------
    pieces : int array of the same shape
        0 stays 0; pieces 1 … n in the order of their first pixels.
    labels : array (n,)
        Of every piece.
    """
    from skimage.measure import label

    numbers, values = renumbered(labels)
    pieces = label(numbers, background=0, connectivity=max(numbers.ndim, 1)).astype(np.intp)
    of_piece = np.zeros(int(pieces.max(initial=0)) + 1, np.intp)
    of_piece[pieces.ravel()] = numbers.ravel()
    return pieces, values[of_piece[1:] - 1]


def pieces_steps(labels: Any, blocks: Blocks) -> Steps[tuple[NDArray[np.int32], NDArray]]:
    """Connected pieces of every plane or volume, numbered on through all of them.

    Returns
    -------
    pieces : int32 array, shaped as the labels
    labels : array (n + 1,)
        Of every piece; entry 0 is 0.
    """
    found = np.zeros(tuple(labels.shape), np.int32)
    before: list[NDArray] = [np.zeros(1, np.int64)]
    first = 0
    for i in range(len(blocks)):
        yield Progress("pieces", i, len(blocks))
        numbers, own = connected_pieces(blocks.labels(labels, i))
        blocks.block(found, i)[...] = np.where(numbers > 0, numbers + first, 0)
        before.append(own)
        first += len(own)
    return found, np.concatenate(before)
