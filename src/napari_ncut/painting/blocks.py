"""The part of an array that one works on: a plane, or planes that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .edits import Box


@dataclass(frozen=True)
class Block:
    """A plane of an array, or a stack of them, seen as (planes, rows, columns).

    Attributes
    ----------
    shape : tuple of int
        Of the whole array.
    axes : tuple of int
        Those of the array that are (planes, rows, columns); without a stack (rows, columns).
    place : tuple of int
        Index along every other axis; what it has along `axes` is 0.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    place: tuple[int, ...]

    @classmethod
    def at(
        cls,
        shape: tuple[int, ...],
        position: Sequence[float],
        plane_axes: tuple[int, int],
        through: bool,
    ) -> Block:
        """The plane that a position lies in, or with `through` the stack of it and its neighbors.

        The stack goes along the last axis that is none of the plane's.
        """
        if len(position) != len(shape):
            raise InputError(
                f"A position of {len(position)} numbers does not fit labels of {len(shape)} "
                f"dimensions. Give one number, in pixels, for each."
            )
        others = [axis for axis in range(len(shape)) if axis not in plane_axes]
        axes = (others[-1], *plane_axes) if through and others else plane_axes
        place = [0] * len(shape)
        for axis in others:
            place[axis] = int(np.floor(position[axis] + 0.5))
            if not 0 <= place[axis] < shape[axis]:
                raise InputError(
                    f"Plane {place[axis]} of dimension {axis} does not exist: there are "
                    f"{shape[axis]}, counted from 0."
                )
            if axis in axes:
                place[axis] = 0
        return cls(shape, axes, tuple(place))

    @property
    def size(self) -> tuple[int, int, int]:
        """Numbers of planes, rows and columns."""
        planes = self.shape[self.axes[0]] if len(self.axes) == 3 else 1
        return planes, self.shape[self.axes[-2]], self.shape[self.axes[-1]]

    @property
    def whole(self) -> Box:
        """The box (planes, rows, columns) of everything."""
        return tuple(slice(0, side) for side in self.size)

    def rows_columns(self, path: NDArray) -> NDArray[np.float64]:
        """Positions (n, ndim) within planes, as (n, 2)."""
        return np.asarray(path, dtype=float)[:, list(self.axes[-2:])]

    def plane_of(self, position: Sequence[float]) -> int:
        """Which of the planes a position lies in."""
        return int(np.floor(position[self.axes[0]] + 0.5)) if len(self.axes) == 3 else 0

    def box_in_array(self, box: Box) -> Box:
        """A box (planes, rows, columns) as one of the array."""
        parts = [slice(at, at + 1) for at in self.place]
        for axis, part in zip(self.axes, box[-len(self.axes) :], strict=True):
            parts[axis] = part
        return tuple(parts)

    def box_of(self, box: Box) -> Box | None:
        """A box of the array as (planes, rows, columns); None if it lies elsewhere, even partly."""
        for axis, part in enumerate(box):
            at = self.place[axis]
            if axis not in self.axes and (part.start, part.stop) != (at, at + 1):
                return None
        inner = tuple(box[axis] for axis in self.axes)
        return inner if len(inner) == 3 else (slice(0, 1), *inner)

    def meets(self, box: Box) -> bool:
        """Whether any of a box of the array lies here."""
        return all(
            axis in self.axes or part.start <= self.place[axis] < part.stop
            for axis, part in enumerate(box)
        )

    def read(self, data: Any, box: Box | None = None) -> NDArray:
        """What an array holds in a box, as (planes, rows, columns); of numpy's a view."""
        return self.seen(np.asarray(data[self.box_in_array(box or self.whole)]))

    def seen(self, values: NDArray) -> NDArray:
        """Values of a box of the array as (planes, rows, columns)."""
        others = [axis for axis in range(values.ndim) if axis not in self.axes]
        turned = np.transpose(values, [*others, *self.axes])
        return turned.reshape(-1, *turned.shape[-2:])

    def values_seen(self, where: NDArray[np.bool_], values: NDArray) -> NDArray:
        """Values of the pixels of a mask of the array, in the order of `seen(where)`."""
        if list(self.axes) == sorted(self.axes):
            return values
        spread = np.zeros(where.shape, dtype=values.dtype)
        spread[where] = values
        return self.seen(spread)[self.seen(where)]

    def as_in_array(self, values: NDArray) -> NDArray:
        """Values (planes, rows, columns) with the axes of the array."""
        others = [axis for axis in range(len(self.shape)) if axis not in self.axes]
        inner = values.shape[-len(self.axes) :]
        turned = values.reshape((1,) * len(others) + inner)
        return np.transpose(turned, np.argsort([*others, *self.axes]))


def padded(box: Box, by: Sequence[int], size: Sequence[int]) -> Box:
    """A box made larger on all sides, within (planes, rows, columns)."""
    return tuple(
        slice(max(0, part.start - more), min(side, part.stop + more))
        for part, more, side in zip(box, by, size, strict=True)
    )


def union(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of these."""
    return tuple(
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in zip(*boxes, strict=True)
    )


def volume(box: Box) -> int:
    """Number of pixels of a box."""
    return prod(part.stop - part.start for part in box)


def within(box: Box, region: Box) -> Box:
    """A box as one of the region that it lies in."""
    return tuple(
        slice(b.start - r.start, b.stop - r.start) for b, r in zip(box, region, strict=True)
    )


def moved(box: Box, region: Box) -> Box:
    """A box of a region as one of what the region lies in."""
    return tuple(
        slice(b.start + r.start, b.stop + r.start) for b, r in zip(box, region, strict=True)
    )
