"""What an operation changes: pixels of one array within a box, exactly reversible."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ArrayName = Literal["segments", "painted"]
Box = tuple[slice, ...]
# Beyond so many bytes values are kept compressed: labels shrink to a hundredth.
_COMPRESSED_FROM = 2**18


@dataclass(frozen=True, eq=False)
class Edit:
    """Pixels of one array that change, with what they were and what they become.

    Attributes
    ----------
    array : str
        "segments" or "painted".
    box : tuple of slices
        Where in the array, one slice for each of its dimensions.
    n_changed : int
        How many pixels change.
    """

    array: ArrayName
    box: Box
    n_changed: int
    _where: _Kept | None = field(repr=False)
    _before: _Kept = field(repr=False)
    _after: _Kept = field(repr=False)

    @classmethod
    def of(cls, array: ArrayName, box: Box, before: NDArray, after: NDArray | int) -> Edit | None:
        """What turns `before`, which lies in `box`, into `after`; None if nothing changes.

        Parameters
        ----------
        array
            "segments" or "painted".
        box
            Where both lie.
        before, after : arrays of the shape of the box, or one number
        """
        after = np.broadcast_to(np.asarray(after, dtype=before.dtype), before.shape)
        changed = before != after
        inner = bounding_box(changed)
        if inner is None:
            return None
        changed = changed[inner]
        tight = tuple(
            slice(outer.start + part.start, outer.start + part.stop)
            for outer, part in zip(box, inner, strict=True)
        )
        everywhere = bool(changed.all())
        old, new = before[inner][changed], after[inner][changed]
        where = None if everywhere else _Kept.of(np.packbits(changed))
        return cls(array, tight, len(old), where, _Kept.of(old), _Kept.of(new))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the box."""
        return tuple(part.stop - part.start for part in self.box)

    @property
    def where(self) -> NDArray[np.bool_]:
        """Which pixels of the box change."""
        if self._where is None:
            return np.ones(self.shape, dtype=bool)
        packed = self._where.values()
        count = int(np.prod(self.shape))
        return np.unpackbits(packed, count=count).astype(bool).reshape(self.shape)

    @property
    def before(self) -> NDArray:
        """What the changed pixels were, in the order of `where`."""
        return self._before.values()

    @property
    def after(self) -> NDArray:
        """What the changed pixels become, in the order of `where`."""
        return self._after.values()

    def write(self, data: Any, *, forward: bool = True) -> None:
        """Write what pixels become into an array, or what they were.

        Parameters
        ----------
        data : array
            numpy, or anything that is read and written by slices, such as dask's and zarr's.
        forward
            False brings back what was before.
        """
        patch = np.array(data[self.box])
        patch[self.where] = self.after if forward else self.before
        data[self.box] = patch


@dataclass(frozen=True, eq=False)
class _Kept:
    """Values of one dimension: a single number if they are all alike, packed if they are many."""

    data: Any
    dtype: Any
    size: int
    packed: bool = False

    @classmethod
    def of(cls, values: NDArray) -> _Kept:
        if len(values) and (values == values[0]).all():
            return cls(values[0], values.dtype, len(values))
        if values.nbytes < _COMPRESSED_FROM:
            return cls(values, values.dtype, len(values))
        packed = zlib.compress(np.ascontiguousarray(values).tobytes(), level=1)
        return cls(packed, values.dtype, len(values), packed=True)

    def values(self) -> NDArray:
        if self.packed:
            return np.frombuffer(zlib.decompress(self.data), dtype=self.dtype)
        if np.ndim(self.data) == 0:
            return np.full(self.size, self.data, dtype=self.dtype)
        return np.asarray(self.data)


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds all that is true; None if nothing is."""
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        (places,) = np.nonzero(mask.any(axis=others))
        if not len(places):
            return None
        box.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(box)
