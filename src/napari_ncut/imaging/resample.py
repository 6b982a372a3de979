"""Between pixels and feature grids: block means down, bilinear or edge-following maps up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


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
    import torch

    maps = torch.from_numpy(np.ascontiguousarray(grid.transpose(2, 0, 1)))
    return _enlarge_maps(maps, stride, shape).numpy().transpose(1, 2, 0)


def _enlarge_maps(maps: torch.Tensor, stride: int, shape: tuple[int, int]) -> torch.Tensor:
    from torch.nn.functional import interpolate

    size = (maps.shape[1] * stride, maps.shape[2] * stride)
    large = interpolate(maps[None], size=size, mode="bilinear", align_corners=False)[0]
    return large[:, : shape[0], : shape[1]]


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
    """

    def __init__(
        self, guide: NDArray[np.float32], stride: int, *, radius: int = 1, epsilon: float = 1e-4
    ) -> None:
        import torch

        self.shape = guide.shape[:2]
        self.stride = stride
        self._radius = radius
        if stride == 1:
            return
        self._guide = torch.from_numpy(np.ascontiguousarray(_gray(guide)))
        gray = self._guide.numpy()
        self._cell_mean = torch.from_numpy(np.ascontiguousarray(block_mean(gray, stride)))
        # Variance between cells only: maps have one value per cell, so what varies within one
        # could only flatten the slope.
        moments = self._window_mean(torch.stack([self._cell_mean, self._cell_mean**2]))
        self._mean = moments[0]
        self._variance = (moments[1] - self._mean**2).clamp(min=0) + epsilon

    def _window_mean(self, maps: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import avg_pool2d

        size = 2 * self._radius + 1
        return avg_pool2d(maps[None], size, 1, self._radius, count_include_pad=False)[0]

    def __call__(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge maps (m, rows, columns) to (m, h, w)."""
        import torch

        if self.stride == 1:
            return maps[:, : self.shape[0], : self.shape[1]]
        values = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))
        n_maps = len(values)
        window = self._window_mean(torch.cat([values, values * self._cell_mean]))
        slope = (window[n_maps:] - window[:n_maps] * self._mean) / self._variance
        offset = window[:n_maps] - slope * self._mean
        coefficients = _enlarge_maps(
            self._window_mean(torch.cat([slope, offset])), self.stride, self.shape
        )
        return torch.addcmul(coefficients[n_maps:], coefficients[:n_maps], self._guide).numpy()


def _gray(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luma of color (ITU-R BT.601 weights), the mean of other channels."""
    if plane.shape[-1] == 3:
        return plane @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return plane.mean(axis=-1, dtype=np.float32)
