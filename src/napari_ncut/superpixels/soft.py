"""Soft k-means on a grid: every pixel is shared by the superpixels of the nine cells around it.

The core of superpixel sampling networks (Jampani et al., Superpixel Sampling Networks, 2018), in
plain tensors and differentiable. Pixels of a cell share their nine candidates; sorted by cell, all
distances and all sums are products of small matrices, on a processor and on a GPU alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# A superpixel that has less than this many pixels in all stays where it was.
_NOTHING = 1e-6


@dataclass(frozen=True)
class SoftGrid:
    """Cells of a plane, and which of them lie around each: index tables.

    Attributes
    ----------
    shape : (int, int)
        Pixels of the plane, (h, w).
    cells : (int, int)
        Rows and columns of cells, one for each superpixel.
    pixels : int64 Tensor (k, s)
        Pixels of every cell as row · w + column; short cells repeat their first one.
    inside : bool Tensor (k, s)
        False where a pixel is such a repetition.
    candidates : int64 Tensor (k, 9)
        Cells around each, itself in the middle; itself again where there is none.
    there : bool Tensor (k, 9)
        False where there is none.
    """

    shape: tuple[int, int]
    cells: tuple[int, int]
    pixels: Tensor
    inside: Tensor
    candidates: Tensor
    there: Tensor

    @classmethod
    def of(cls, shape: tuple[int, int], n_segments: int, device: str = "cpu") -> SoftGrid:
        """The grid of about `n_segments` nearly square cells for a plane (h, w)."""
        cells = grid_cells(shape, n_segments)
        axes = [_cells_along(size, n) for size, n in zip(shape, cells, strict=True)]
        (rows, in_rows), (columns, in_columns) = axes
        pixels = rows[:, None, :, None] * shape[1] + columns[None, :, None, :]
        inside = in_rows[:, None, :, None] & in_columns[None, :, None, :]
        n_cells = cells[0] * cells[1]
        own = np.arange(n_cells).reshape(cells)
        around = np.pad(own, 1, constant_values=-1)
        views = [
            around[down : down + cells[0], across : across + cells[1]]
            for down in range(3)
            for across in range(3)
        ]
        candidates = np.stack(views, axis=-1).reshape(n_cells, 9)
        there = candidates >= 0
        tables = (
            pixels.reshape(n_cells, -1),
            inside.reshape(n_cells, -1),
            np.where(there, candidates, own.reshape(-1, 1)),
            there,
        )
        return cls(
            (shape[0], shape[1]), cells, *(torch.from_numpy(table).to(device) for table in tables)
        )

    def __len__(self) -> int:
        return self.cells[0] * self.cells[1]

    @property
    def spacing(self) -> float:
        """Side in pixels of a square as large as a cell."""
        return float(np.sqrt(self.shape[0] * self.shape[1] / len(self)))

    def arranged(self, values: Tensor) -> Tensor:
        """Values of pixels (n, h · w, d), row by row, sorted by cell: (n, k, s, d)."""
        found = values.index_select(1, self.pixels.reshape(-1))
        return found.reshape(len(values), *self.pixels.shape, values.shape[-1])

    def raster(self, values: Tensor) -> Tensor:
        """Values sorted by cell (n, k, s) as planes (n, h, w)."""
        result = values.new_zeros(len(values), self.shape[0] * self.shape[1])
        inside = self.inside.reshape(-1)
        result[:, self.pixels.reshape(-1)[inside]] = values.reshape(len(values), -1)[:, inside]
        return result.reshape(len(values), *self.shape)


@dataclass(frozen=True)
class SoftAssignment:
    """How much of every pixel belongs to each of its nine candidates.

    Attributes
    ----------
    grid : SoftGrid
    shares : Tensor (n, k, 9, s)
        Of the pixels sorted by cell; they add up to 1, and are 0 for repeated pixels.
    centers : Tensor (n, k, d)
        Mean features of the superpixels.
    """

    grid: SoftGrid
    shares: Tensor
    centers: Tensor

    def hard(self) -> Tensor:
        """The candidate (0 to 8) with the largest share, (n, k, s)."""
        # Repeated pixels have no shares, and are nowhere looked at.
        return self.shares.argmax(dim=2)

    def labels(self) -> Tensor:
        """The superpixel of every pixel, from 0: int64 (n, h, w)."""
        best = self.hard()
        candidates = self.grid.candidates[None].expand(len(best), -1, -1)
        return self.grid.raster(candidates.gather(2, best))

    def pooled(self, values: Tensor) -> Tensor:
        """Mean values (n, k, d) of superpixels, of values sorted by cell (n, k, s, d)."""
        sums, weights = _summed(self.grid, self.shares, values)
        return sums / weights.clamp_min(_NOTHING)

    def spread(self, means: Tensor) -> Tensor:
        """Values (n, k, s, d) of pixels as mixtures of the means (n, k, d) of superpixels."""
        return self.shares.transpose(-1, -2) @ means[:, self.grid.candidates]


def soft_superpixels(features: Tensor, grid: SoftGrid, iterations: int = 10) -> SoftAssignment:
    """Assign pixels to superpixels by alternating shares and means.

    Parameters
    ----------
    features
        (n, h · w, d) of all pixels, row by row, color and place among them.
    grid
        Of the plane.
    iterations
        How often; more lets superpixels move further.
    """
    x = grid.arranged(features)
    inside = grid.inside[None, :, None].to(x.dtype)
    centers = (inside @ x).squeeze(2) / inside.sum(dim=-1)
    shares = _shares(x, centers, grid) * inside
    for _ in range(max(1, iterations) - 1):
        sums, weights = _summed(grid, shares, x)
        moved = sums / weights.clamp_min(_NOTHING)
        centers = torch.where(weights > _NOTHING, moved, centers)
        shares = _shares(x, centers, grid) * inside
    return SoftAssignment(grid, shares, centers)


def _shares(x: Tensor, centers: Tensor, grid: SoftGrid) -> Tensor:
    """Softmax over the candidates of minus the squared distances."""
    near = centers[:, grid.candidates]
    # What a pixel's own square adds to all nine cancels.
    offsets = near.square().sum(dim=-1, keepdim=True)
    offsets = offsets.masked_fill(~grid.there[None, :, :, None], float("inf"))
    # Candidates before pixels: the softmax takes a tenth of the time so.
    return (2 * (near @ x.transpose(-1, -2)) - offsets).softmax(dim=2)


def _summed(grid: SoftGrid, shares: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Sums (n, k, d) of values by shares, and sums (n, k, 1) of the shares."""
    n, k = shares.shape[:2]
    of_cells = shares @ values
    weights = shares.sum(dim=-1, keepdim=True)
    joined = torch.cat([of_cells, weights], dim=-1).reshape(n, k * 9, -1)
    total = joined.new_zeros(n, k, joined.shape[-1])
    total = total.index_add(1, grid.candidates.reshape(-1), joined)
    return total[..., :-1], total[..., -1:]


def grid_cells(shape: tuple[int, int], n_segments: int) -> tuple[int, int]:
    """Rows and columns of about `n_segments` nearly square cells, none of them without pixels."""
    height, width = shape
    rows = int(np.clip(round((n_segments * height / width) ** 0.5), 1, min(height, n_segments)))
    columns = int(np.clip(round(n_segments / rows), 1, width))
    return rows, columns


def _cells_along(size: int, n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, s) of the cells along an axis, and which of them are not repeated."""
    begins = -(-np.arange(n_cells + 1) * size // n_cells)
    longest = int(np.diff(begins).max())
    places = begins[:-1, None] + np.arange(longest)
    inside = places < begins[1:, None]
    return np.where(inside, places, begins[:-1, None]), inside
