"""From where things are to one number for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def numbered_things(
    labels: NDArray, *, connected: bool = True, smallest: int = 0
) -> NDArray[np.integer]:
    """Numbers of what stands out from a background, which is 0.

    Parameters
    ----------
    labels
        0 for the background, or False; another number for every kind of thing.
    connected
        Whether every piece that is connected by sides of pixels gets a number of its own.
    smallest
        Pixels below which a piece becomes background; of pieces alone.
    """
    if not connected:
        return np.asarray(labels).astype(np.int32)
    from skimage.measure import label

    pieces: NDArray[np.integer] = label(labels, background=0, connectivity=1)
    return without_small(pieces, smallest)


def without_small(pieces: NDArray[np.integer], smallest: int) -> NDArray[np.integer]:
    """Pieces (from 1) of fewer pixels become 0."""
    if smallest <= 1:
        return pieces
    areas = np.bincount(pieces.ravel())
    kept = areas >= smallest
    kept[0] = False
    return np.where(kept[pieces], pieces, 0)


def numbered_parts(
    labels: NDArray, *, connected: bool = True, smallest: int = 0
) -> NDArray[np.integer]:
    """Numbers of parts that together cover the plane; every number counts, 0 as well.

    Parameters
    ----------
    labels
        A number for every kind of part.
    connected
        Whether every piece that is connected by sides of pixels gets a number of its own.
    smallest
        Pixels below which a piece joins the neighbor that it shares most with; of pieces alone.
    """
    if not connected:
        return np.asarray(labels)
    from ..superpixels.connectivity import connected_pieces

    return connected_pieces(labels, smallest)
