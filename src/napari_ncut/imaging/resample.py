"""Between pixels and feature grids: block means down, bilinear or edge-following maps up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def block_mean(image: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Mean over blocks of `stride` × `stride` pixels of (h, w, …).

    Blocks cut by the border average the pixels that they have.
    """
    if stride == 1:
        return image
    rows = np.arange(0, image.shape[0], stride)
    columns = np.arange(0, image.shape[1], stride)
    sums = np.add.reduceat(np.add.reduceat(image, rows, axis=0), columns, axis=1)
    heights = np.diff(np.append(rows, image.shape[0]))
    widths = np.diff(np.append(columns, image.shape[1]))
    areas = (heights[:, None] * widths).astype(np.float32)
    areas = areas.reshape(*areas.shape, *(1,) * (image.ndim - 2))
    means: NDArray[np.float32] = np.divide(sums, areas)
    return means


def enlarge(grid: NDArray[np.float32], stride: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear interpolation of (rows, columns, c) from cell centers to pixels (h, w, c)."""
    if stride == 1:
        return grid[: shape[0], : shape[1]]
    large = np.empty((*shape, grid.shape[2]), dtype=np.float32)
    for rows, band in _enlarged_bands(grid.transpose(2, 0, 1), stride, shape):
        large[rows] = band.transpose(1, 2, 0)
    return large


# Pixels of a band that is enlarged at once: a few maps of it stay in a core's cache, where all maps
# at full size would make every step wait for memory.
_BAND_PIXELS = 2**15


def _enlarged_bands(
    maps: NDArray[np.float32], stride: int, shape: tuple[int, int]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Bilinear interpolation of (m, rows, columns) by bands: (pixel rows, maps (m, …, w)).

    By numpy and not by torch: threads would wait for each other after each of the many small
    steps, which is long where something else keeps a core busy.
    """
    height, width = shape
    n_maps, n_rows, _ = maps.shape
    # Pixels between two centers of cells, a gap, share the two. There is one gap more than cells:
    # before the first center and after the last nothing changes. A gap starts `half` pixels before
    # the cell at its end.
    half = (stride + 1) // 2
    weights = (0.5 + (np.arange(stride) + 0.5 - half) / stride).astype(np.float32)
    left, step = _gaps(maps, axis=2)
    wide = step[..., np.newaxis] * weights + left[..., np.newaxis]
    wide = wide.reshape(n_maps, n_rows, -1)[..., half : half + width]
    upper, step = (part[:, :, np.newaxis] for part in _gaps(wide, axis=1))
    n_gaps = max(1, _BAND_PIXELS // (width * stride))
    for first in range(0, n_rows + 1, n_gaps):
        last = min(first + n_gaps, n_rows + 1)
        band = step[:, first:last] * weights[:, np.newaxis]
        band += upper[:, first:last]
        start = first * stride - half
        rows = slice(max(start, 0), min(last * stride - half, height))
        if rows.start < rows.stop:
            flat = band.reshape(n_maps, -1, width)
            yield rows, flat[:, rows.start - start : rows.stop - start]


def _gaps(maps: NDArray[np.float32], axis: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values at the start of each gap along an axis, and by how much they change within it."""
    ends = [(0, 0)] * maps.ndim
    ends[axis] = (1, 1)
    padded = np.pad(maps, ends, mode="edge")
    start = padded[:, :-1] if axis == 1 else padded[..., :-1]
    return start, np.diff(padded, axis=axis)


# Width in pixels of the Gaussian that takes noise out of a guide. On noisy fluorescence at a stride
# of 2 pixels it decides whether a guide helps at all, on clean images it costs next to nothing
# (benchmarks/edges.py --choose). Wider ones do as well on average, but shift a sharp edge.
_NOISE = 0.7


class GuidedUpsampler:
    """Enlarges maps on the feature grid to pixels so that their edges follow the image.

    The fast guided filter (He & Sun, "Fast Guided Filter", arXiv:1505.00996): around every cell the
    map is fitted by a linear function of the image, map ≈ a·I + b; a and b are enlarged bilinearly
    and applied to the full-resolution image. Where the image has no edge this is bilinear
    interpolation; where it has one, the map steps with it. Preparing costs one pass over the image,
    each map afterwards a few milliseconds per megapixel.

    Parameters
    ----------
    guide
        Plane (h, w, c), float32 in [0, 1].
    stride
        Pixels per cell.
    radius
        Cells around each cell that take part in its fit; larger is smoother.
    epsilon
        Variance of the image below which it does not guide. Larger follows strong edges only.
    noise
        Width in pixels of the Gaussian that takes noise out of the guide; 0 leaves it as it is.
    """

    def __init__(
        self,
        guide: NDArray[np.float32],
        stride: int,
        *,
        radius: int = 1,
        epsilon: float = 1e-4,
        noise: float = _NOISE,
    ) -> None:
        self.shape = guide.shape[:2]
        self.stride = stride
        self._radius = radius
        if stride == 1:
            return
        from scipy.ndimage import gaussian_filter

        # What differs from pixel to pixel is noise, which would fray edges (benchmarks/edges.py).
        self._guide = gaussian_filter(gray(guide), noise, mode="nearest", truncate=2)
        self._cell_mean = block_mean(self._guide, stride)
        self._window_area = self._window_sum(np.ones((1, *self._cell_mean.shape), np.float32))
        # Variance between cells only: maps have one value per cell, so what varies within one
        # could only flatten the slope.
        moments = self._window_mean(np.stack([self._cell_mean, self._cell_mean**2]))
        self._mean = moments[0]
        self._variance = (moments[1] - self._mean**2).clip(min=0) + np.float32(epsilon)

    def _window_sum(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        for _ in range(2):
            total = maps.copy()
            for shift in range(1, self._radius + 1):
                total[:, shift:] += maps[:, :-shift]
                total[:, :-shift] += maps[:, shift:]
            # The second round sums along the other axis and turns the maps back.
            maps = total.transpose(0, 2, 1)
        return maps

    def _window_mean(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean over the cells of each cell's window that exist."""
        return self._window_sum(maps) / self._window_area

    def __call__(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge maps (m, rows, columns) to (m, h, w)."""
        large = np.empty((len(maps), *self.shape), dtype=np.float32)
        for rows, band in self.bands(maps):
            large[:, rows] = band
        return large

    def bands(self, maps: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Enlarge maps (m, rows, columns) by bands, from top to bottom.

        What needs the enlarged maps only to choose something by them is fastest band by band.

        Yields
        ------
        rows : slice
            Rows of pixels.
        band : float32 array (m, n rows, w)
        """
        if self.stride == 1:
            yield slice(0, self.shape[0]), maps
            return
        n_maps = len(maps)
        window = self._window_mean(np.concatenate([maps, maps * self._cell_mean]))
        slope = (window[n_maps:] - window[:n_maps] * self._mean) / self._variance
        offset = window[:n_maps] - slope * self._mean
        coefficients = self._window_mean(np.concatenate([slope, offset]))
        for rows, band in _enlarged_bands(coefficients, self.stride, self.shape):
            large = band[:n_maps]
            large *= self._guide[rows]
            large += band[n_maps:]
            yield rows, large


def gray(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luma of color (ITU-R BT.601 weights), the mean of other channels."""
    if plane.shape[-1] == 3:
        return plane @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return plane.mean(axis=-1, dtype=np.float32)
