"""One plane or volume with its segments, as every property is measured in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Up to so many times the number of pixels labels are renumbered by a table of all of them.
_SPARSE = 4


@dataclass(frozen=True, eq=False)
class Scene:
    """Segments of a plane or a volume.

    Attributes
    ----------
    numbers : int array (h, w) or (d, h, w)
        0 for none, else 1 … n, each at least once.
    n : int
        How many segments there are.
    spacing : tuple of float
        Size of a pixel along each axis.
    channels : dict of functions
        Name → what gives the intensities, shaped as `numbers`; read when they are needed.
    """

    numbers: NDArray[np.intp]
    n: int
    spacing: tuple[float, ...]
    channels: Mapping[str, Callable[[], NDArray]] = field(default_factory=dict)

    @property
    def n_dims(self) -> int:
        """2 of a plane, 3 of a volume."""
        return self.numbers.ndim

    @property
    def unit_size(self) -> float:
        """Area of a pixel, or volume of a voxel."""
        return float(np.prod(self.spacing))

    @cached_property
    def inside(self) -> NDArray[np.intp]:
        """Flat places of all pixels of segments."""
        return np.flatnonzero(self.numbers)

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """Of each of these pixels the segment, from 0."""
        owner: NDArray[np.intp] = self.numbers.ravel()[self.inside] - 1
        return owner

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """How many pixels each segment has (n,)."""
        return np.bincount(self.owner, minlength=self.n).astype(np.int64)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Area or volume of each segment (n,)."""
        return self.pixels.astype(np.float64) * self.unit_size

    @cached_property
    def places(self) -> tuple[NDArray[np.intp], ...]:
        """Index of each pixel of a segment along each axis."""
        return np.unravel_index(self.inside, self.numbers.shape)

    @cached_property
    def centroids(self) -> NDArray[np.float64]:
        """Middle of each segment, in pixels (n, n_dims)."""
        return np.stack([self.mean_of(along) for along in self.places], axis=1)

    @cached_property
    def boxes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First index of each segment along each axis, and that behind the last (n, n_dims)."""
        first = np.full((self.n, self.n_dims), np.iinfo(np.int64).max)
        last = np.full((self.n, self.n_dims), -1, np.int64)
        for axis, along in enumerate(self.places):
            np.minimum.at(first[:, axis], self.owner, along)
            np.maximum.at(last[:, axis], self.owner, along)
        return first, last + 1

    def sum_of(self, values: NDArray) -> NDArray[np.float64]:
        """Sum of one number of each pixel over every segment (n,)."""
        sums = np.bincount(self.owner, weights=values, minlength=self.n)
        return sums.astype(np.float64, copy=False)

    def mean_of(self, values: NDArray) -> NDArray[np.float64]:
        """Mean of one number of each pixel over every segment (n,)."""
        mean: NDArray[np.float64] = self.sum_of(values) / self.pixels
        return mean


def renumbered(labels: NDArray) -> tuple[NDArray[np.intp], NDArray]:
    """Labels as numbers without gaps, and what each of them was called.

    Parameters
    ----------
    labels
        Whole numbers from 0, or bool.

    Returns
    -------
    numbers : int array of the same shape
        0 stays 0; the others 1 … n in ascending order.
    values : array (n,)
    """
    given = labels.astype(np.uint8) if labels.dtype == bool else labels
    highest = int(given.max()) if given.size else 0
    if highest <= max(_SPARSE * given.size, 2**16):
        counts = np.bincount(given.ravel().astype(np.intp, copy=False), minlength=1)
        counts[0] = 0
        values = np.flatnonzero(counts)
        table = np.zeros(len(counts), np.intp)
        table[values] = np.arange(1, len(values) + 1)
        return table[given.astype(np.intp, copy=False)], values
    values, flat = np.unique(given, return_inverse=True)
    numbers = flat.reshape(given.shape).astype(np.intp, copy=False)
    if values[0] != 0:
        return numbers + 1, values
    return numbers, values[1:]
