"""Regions, what they touch, and what is measured in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class RegionGraph:
    """A partition of a plane, and which regions touch.

    Attributes
    ----------
    labels : int32 array (h, w)
        Regions from 0, all numbers used. Of volumes (d, h, w).
    edges : int32 array (m, 2)
        Pairs of regions that share a side of a pixel, the smaller number first, ascending.
    lengths : float32 array (m,)
        Pixel sides that each pair shares.
    boundary : float32 array (m,)
        Mean of the boundary map along them, 0 to 1.
    """

    labels: NDArray[np.int32]
    edges: NDArray[np.int32]
    lengths: NDArray[np.float32]
    boundary: NDArray[np.float32]

    @classmethod
    def of(cls, labels: NDArray[np.int32], boundary: NDArray[np.float32]) -> RegionGraph:
        """The graph of labels, with strengths from a boundary map of the same shape."""
        n_regions = int(labels.max()) + 1
        keys, strengths = [], []
        for axis in range(labels.ndim):
            here = (*[slice(None)] * axis, slice(None, -1))
            there = (*[slice(None)] * axis, slice(1, None))
            one, other = labels[here].ravel(), labels[there].ravel()
            differ = np.flatnonzero(one != other)
            one, other = one[differ], other[differ]
            lower, upper = np.minimum(one, other), np.maximum(one, other)
            keys.append(lower.astype(np.int64) * n_regions + upper)
            # A boundary one pixel wide lies on one of the two sides.
            strengths.append(
                np.maximum(boundary[here].ravel()[differ], boundary[there].ravel()[differ])
            )
        unique, inverse = np.unique(np.concatenate(keys), return_inverse=True)
        lengths = np.bincount(inverse, minlength=len(unique)).astype(np.float32)
        sums = np.bincount(inverse, np.concatenate(strengths), minlength=len(unique))
        edges = np.stack([unique // n_regions, unique % n_regions], axis=1).astype(np.int32)
        return cls(labels, edges, lengths, (sums / np.maximum(lengths, 1)).astype(np.float32))

    def __len__(self) -> int:
        return len(self.areas)

    @cached_property
    def areas(self) -> NDArray[np.float32]:
        """Pixels of every region."""
        return np.bincount(self.labels.ravel()).astype(np.float32)

    @cached_property
    def centers(self) -> NDArray[np.float32]:
        """Mean (row, column) of every region, in pixels."""
        flat = self.labels.ravel()
        sums = [np.bincount(flat, axis.ravel()) for axis in np.indices(self.labels.shape)]
        return (np.stack(sums, axis=1) / self.areas[:, np.newaxis]).astype(np.float32)

    def means(self, maps: NDArray[np.float32], stride: int = 1) -> NDArray[np.float32]:
        """Mean in every region of maps (ceil(h/stride), ceil(w/stride), d), as (n, d)."""
        flat = maps.reshape(maps.shape[0] * maps.shape[1], maps.shape[-1])
        means = self._shares(maps.shape[:2], stride) @ flat
        return means.astype(np.float32)

    def _shares(self, grid: tuple[int, ...], stride: int) -> sparse.csr_array:
        """The share of every cell in every region, rows summing to 1."""
        height, width = self.labels.shape
        cells = (np.arange(height) // stride)[:, np.newaxis] * grid[1] + np.arange(width) // stride
        entries = (self.labels.ravel(), cells.ravel())
        weights = (1 / self.areas)[self.labels.ravel()]
        return sparse.coo_array((weights, entries), shape=(len(self), grid[0] * grid[1])).tocsr()

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        """Boundary strengths as a symmetric sparse matrix (n, n), never 0 where regions touch."""
        one, other = self.edges.T
        weights = np.concatenate([self.boundary, self.boundary]) + np.float32(1e-6)
        entries = (np.concatenate([one, other]), np.concatenate([other, one]))
        return sparse.coo_array((weights, entries), shape=(len(self), len(self))).tocsr()
