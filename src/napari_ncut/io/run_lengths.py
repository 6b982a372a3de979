"""COCO's run lengths, plain and compressed, to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


def pixels_of_runs(counts: str | Sequence[int], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Pixels of a mask as COCO writes it: runs of zeros and ones in turn, column by column.

    Parameters
    ----------
    counts
        Lengths, or the text that pycocotools packs them in.
    shape
        Rows and columns.

    Returns
    -------
    int64 array
        Indices in the flat plane, row after row.
    """
    height, width = shape
    lengths = unpack_runs(counts) if isinstance(counts, str) else np.asarray(counts, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise InputError(
            f"Run lengths add up to {int(lengths.sum())} pixels, but a plane of {height} × {width} "
            f"has {height * width}. Check the image's size in the file."
        )
    inside = np.arange(len(lengths)) % 2 == 1
    places = np.flatnonzero(np.repeat(inside, lengths))
    return places % height * width + places // height


def unpack_runs(text: str) -> NDArray[np.int64]:
    """Lengths of runs from pycocotools' text.

    Every number is written in groups of five bits, lowest first, in letters from "0" on whose sixth
    bit tells that another follows; from the fourth number on it is the difference to the number two
    before.
    """
    letters = np.frombuffer(text.encode("latin-1", "replace"), np.uint8).astype(np.int64) - 48
    if not len(letters):
        return np.zeros(0, np.int64)
    if letters.min() < 0 or letters.max() > 63 or letters[-1] & 32:
        raise InputError("Compressed run lengths are broken: letters that cannot occur in them.")
    ends = np.flatnonzero(letters & 32 == 0)
    begins = np.append(0, ends[:-1] + 1)
    place = np.arange(len(letters)) - np.repeat(begins, ends - begins + 1)
    if place.max() > 11:
        raise InputError("Compressed run lengths are broken: a number without an end.")
    values = np.add.reduceat((letters & 31) << 5 * place, begins)
    negative = letters[ends] & 16 > 0
    values[negative] -= 1 << 5 * (place[ends[negative]] + 1)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
