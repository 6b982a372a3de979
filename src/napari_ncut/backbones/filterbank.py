"""Classic multi-scale features, without weights: the backbone that always works."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging import block_mean, enlarge
from .entry import BackboneEntry

Image = NDArray[np.float32]


class FilterBank:
    """Color, edge and texture filters at Gaussian scales of 1, 2, 4 and 8 pixels.

    Color images are taken to CIE Lab first, so that distances mean what the eye sees; other
    channels are used as they are. Edges and texture are measured on lightness (or the mean of the
    channels). Scales of 4 and 8 pixels are computed on images reduced by 2 and 4, which loses
    nothing that such a Gaussian would have kept and costs a sixteenth.

    Parameters
    ----------
    entry
        The registry's entry.
    layers
        One of 0 to 3: scales up to 2**layer pixels are used.
    node
        "all", "color", "edge" or "texture".
    stride
        Pixels per cell or None.
    device
        Not used: the filters run on the CPU.
    """

    def __init__(
        self,
        entry: BackboneEntry,
        *,
        layers: tuple[int, ...],
        node: str,
        stride: int | None = None,
        device: str | None = None,
    ) -> None:
        self.name = entry.name
        self.stride = stride
        self.options: dict[str, Any] = {}
        # A later layer has all the scales of an earlier one.
        self._n_scales = max(layers) + 1
        self._families = list(FAMILIES.values()) if node == "all" else [FAMILIES[node]]

    def features(self, planes: list[Image], stride: int) -> list[Image]:
        """Feature maps (ceil(h / stride), ceil(w / stride), d), float32, of planes (h, w, c)."""
        return [self._plane_features(plane, stride) for plane in planes]

    def _plane_features(self, plane: Image, stride: int) -> Image:
        channels = perceptual(plane)
        maps = []
        for scale in range(self._n_scales):
            factor = 2 ** max(0, scale - 1)
            reduced = block_mean(channels, factor)
            sigma = 2.0**scale / factor
            filtered = np.concatenate(
                [family(reduced, sigma) for family in self._families], axis=-1
            )
            maps.append(_to_grid(filtered, factor, stride, plane.shape[:2]))
        return np.concatenate(maps, axis=-1)


def perceptual(plane: Image) -> Image:
    """RGB to Lab in units of the lightness range; other channels as they are."""
    if plane.shape[-1] != 3:
        return plane
    from skimage.color import rgb2lab

    lab: Image = (rgb2lab(plane) / 100).astype(np.float32)
    return lab


def _lightness(channels: Image) -> Image:
    return channels[..., 0] if channels.shape[-1] == 3 else channels.mean(axis=-1)


def _color(channels: Image, sigma: float) -> Image:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(channels, (sigma, sigma, 0), mode="nearest")


def _edge(channels: Image, sigma: float) -> Image:
    from scipy.ndimage import gaussian_gradient_magnitude, gaussian_laplace

    light = _lightness(channels)
    # Multiplying by powers of sigma makes responses comparable between scales (Lindeberg 1998).
    gradient = sigma * gaussian_gradient_magnitude(light, sigma, mode="nearest")
    laplacian = sigma**2 * gaussian_laplace(light, sigma, mode="nearest")
    return np.stack([gradient, laplacian], axis=-1)


def _texture(channels: Image, sigma: float) -> Image:
    from scipy.ndimage import gaussian_filter
    from skimage.feature import structure_tensor, structure_tensor_eigenvalues

    light = _lightness(channels)
    rows, columns = light.shape
    # scikit-image takes an image one pixel wide for a line and refuses it: double that pixel.
    padded = np.pad(light, ((0, rows == 1), (0, columns == 1)), mode="edge")
    tensor = structure_tensor(padded, sigma=sigma, mode="nearest", order="rc")
    strength = np.sqrt(np.clip(structure_tensor_eigenvalues(tensor), 0, None))
    strength = strength[:, :rows, :columns]
    mean = gaussian_filter(light, sigma, mode="nearest")
    variance = gaussian_filter(light * light, sigma, mode="nearest") - mean * mean
    contrast = np.sqrt(np.clip(variance, 0, None))
    return np.stack([*strength, contrast], axis=-1).astype(np.float32)


FAMILIES = {"color": _color, "edge": _edge, "texture": _texture}


def _to_grid(maps: Image, factor: int, stride: int, shape: tuple[int, int]) -> Image:
    """Bring maps of an image reduced by `factor` to the grid of `stride` for a plane of `shape`."""
    if stride >= factor:
        return block_mean(maps, stride // factor)
    grid = (-(-shape[0] // stride), -(-shape[1] // stride))
    return enlarge(maps, factor // stride, grid)
