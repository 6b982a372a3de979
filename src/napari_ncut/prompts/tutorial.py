"""The rule of the NCUT segmentation tutorial: from one clicked node to a mask.

Source: ncut-pytorch 1.5.3 to 1.8.19, `get_mask` (MIT licence), reimplemented from its description.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array

if TYPE_CHECKING:
    import torch

# Quantiles are taken on a sample of this size, drawn with a generator of its own: the original
# reseeds numpy's global one.
_QUANTILE_NODES = 10_000
_LOW, _HIGH = 0.01, 0.99
# Cosines that differ by less than this differ by rounding.
_CONSTANT = 1e-6
# A gamma beyond this, or below its inverse, makes no difference that single precision could hold.
_LARGE = 1e30


def get_mask(
    eigenvectors: ArrayLike | torch.Tensor,
    prompt: ArrayLike | torch.Tensor,
    threshold: float = 0.5,
    gamma: float = 1.0,
    denoise: bool = True,
    denoise_area_th: int = 3,
) -> NDArray[np.uint8]:
    """Mask of all nodes like one prompt, by the NCUT tutorial's rule.

    The cosine distance h of every node to the prompt is standardized over all nodes of all images,
    turned to exp(−γ z), and stretched so that its 1 % and 99 % quantiles become 0 and 1; the mask
    is what exceeds the threshold. The best hundredth always does; see `PromptSegmenter` and its
    ``normalization="absolute"`` for masks that may be empty.

    Parameters
    ----------
    eigenvectors
        (n, rows, columns, k), or (rows, columns, k) of one image.
    prompt
        Eigenvector (k,) of the clicked node.
    threshold
        Higher gives a smaller mask.
    gamma
        Higher gives a smaller mask.
    denoise
        Whether to remove small 8-connected components, image by image.
    denoise_area_th
        Components of fewer grid cells are removed.

    Returns
    -------
    uint8 array (n, rows, columns) or (rows, columns)
        1 inside, 0 outside. Where all nodes are alike, the mask is everything if their cosine to
        the prompt exceeds the threshold, else nothing.
    """
    import torch

    if not is_number(threshold) or not is_number(gamma) or gamma <= 0:
        raise InputError(
            f"Threshold {threshold!r} and gamma {gamma!r} cannot be used. Give numbers, gamma "
            f"above 0."
        )
    check_area("denoise_area_th", denoise_area_th, "grid cells")
    vectors, clicked = _numbers(eigenvectors), _numbers(prompt)
    if vectors.ndim not in (3, 4) or clicked.shape != vectors.shape[-1:]:
        raise InputError(
            f"Eigenvectors of shape {tuple(vectors.shape)} and a prompt of shape "
            f"{tuple(clicked.shape)} were given; (n, rows, columns, k) and (k,) are needed."
        )
    if not torch.isfinite(vectors).all() or not torch.isfinite(clicked).all():
        raise InputError("Eigenvectors or prompt contain NaN or infinite values.")
    # The order of operations is the original's, so that masks agree to the last bit.
    vectors = torch.nn.functional.normalize(vectors, p=2, dim=-1)
    clicked = torch.nn.functional.normalize(clicked, p=2, dim=-1)
    cosine = (vectors @ clicked.unsqueeze(-1)).squeeze(-1)
    distance = 1 - cosine
    deviation = distance.std()
    if distance.numel() < 2 or deviation < _CONSTANT:
        inside = cosine > threshold
    else:
        heat = 1 / torch.exp((distance - distance.mean()) / deviation) ** gamma
        low, high = _quantiles(heat.flatten())
        inside = (heat - low) / (high - low) > threshold
    mask = inside.numpy()
    if denoise:
        planes = mask if mask.ndim == 3 else mask[np.newaxis]
        for plane in planes:
            plane &= ~small_components(plane, denoise_area_th)
    return mask.astype(np.uint8)


def _numbers(given: ArrayLike | torch.Tensor) -> torch.Tensor:
    import torch

    array = regular_array("The eigenvectors", given)
    if array.dtype.kind not in "biuf":
        raise InputError(f"Eigenvectors of dtype {array.dtype} cannot be used. Give real numbers.")
    return torch.as_tensor(array, dtype=torch.float32)


def check_area(what: str, area: object, unit: str) -> None:
    """Raise an `InputError` unless pieces of the mask can be held against this area."""
    if not is_number(area) or area < 0:  # type: ignore[operator]
        raise InputError(
            f"{what} {area!r} cannot be used. Give a number of {unit} from 0 (which drops nothing)."
        )


def small_components(
    mask: NDArray[np.bool_], min_area: int, keep: tuple[Any, Any] | None = None
) -> NDArray[np.bool_]:
    """Where a mask (rows, columns) has 8-connected components of fewer than `min_area` cells.

    Components that contain a cell of `keep`, (rows, columns), are never small.
    """
    if min_area <= 1:
        return np.zeros_like(mask)
    from scipy.ndimage import label

    components, _ = label(mask, structure=np.ones((3, 3)))
    small = np.bincount(components.ravel()) < min_area
    small[0] = False
    if keep is not None:
        small[components[keep]] = False
    result: NDArray[np.bool_] = small[components]
    return result


@lru_cache(maxsize=8)
def quantile_sample(n_nodes: int) -> NDArray[np.int64] | slice:
    """The nodes whose quantiles stand for those of all."""
    if n_nodes <= _QUANTILE_NODES:
        return slice(None)
    return np.random.RandomState(0).choice(n_nodes, _QUANTILE_NODES, replace=False)


def _quantiles(heat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    sample = heat[quantile_sample(len(heat))]
    return sample.quantile(_LOW), sample.quantile(_HIGH)


@dataclass(frozen=True)
class HeatScale:
    """How one click's cosines become heat (0 to 1, more is more alike) and where a threshold cuts.

    Heat is a falling function of the cosine distance, so a threshold and a gamma do nothing but
    choose a cosine: masks follow the sliders without a look at the nodes.

    Attributes
    ----------
    mean, deviation : float
        Of the cosine distances of the nodes that are compared.
    low, high : tuple of (z, z, weight)
        The standardized distances between which the quantiles of heat lie.
    """

    mean: float
    deviation: float
    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @classmethod
    def fit(cls, cosines: NDArray[np.float32]) -> HeatScale:
        """Measure cosines (n,) of all nodes that are compared with each other."""
        distance = 1 - cosines
        mean = float(distance.mean(dtype=np.float64))
        deviation = float(distance.std(ddof=1, dtype=np.float64)) if len(distance) > 1 else 0.0
        if deviation < _CONSTANT:
            return cls(mean, 0.0, (0, 0, 0), (0, 0, 0))
        z = np.sort((distance[quantile_sample(len(distance))] - mean) / deviation)[::-1]
        return cls(mean, deviation, _neighbors(z, _LOW), _neighbors(z, _HIGH))

    @property
    def _warmest(self) -> float:
        """The z from which heat is 1; exponents are taken from there, so that none overflows."""
        return min(self.high[:2])

    def _limits(self, gamma: float) -> tuple[float, float]:
        def quantile(neighbors: tuple[float, float, float]) -> float:
            *ends, weight = neighbors
            first, second = (np.exp(-gamma * (z - self._warmest)) for z in ends)
            return float((1 - weight) * first + weight * second)

        return quantile(self.low), quantile(self.high)

    def cut(self, threshold: float, gamma: float) -> float:
        """The cosine that a node must exceed."""
        if self.deviation == 0:
            return threshold
        low, high = self._limits(gamma)
        level = low + threshold * (high - low)
        if level <= 0:
            return -np.inf
        return 1 - self.mean - self.deviation * (self._warmest - float(np.log(level)) / gamma)

    def heat(self, cosines: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
        """Heat of nodes, clipped to 0 … 1."""
        if self.deviation == 0:
            return np.clip(cosines, 0, 1)
        low, high = self._limits(gamma)
        z = (1 - cosines - np.float32(self.mean)) / np.float32(self.deviation)
        z = np.maximum(z - np.float32(self._warmest), 0)
        span = np.float32(max(high - low, float(np.finfo(np.float32).tiny)))
        heat = np.exp(-np.float32(min(gamma, _LARGE)) * z)
        return np.clip((heat - np.float32(low)) / span, 0, 1)


@dataclass(frozen=True)
class AbsoluteScale:
    """Heat as max(cos, 0)^γ: the same in every image, so that a mask may be empty."""

    def cut(self, threshold: float, gamma: float) -> float:
        """The cosine that a node must exceed."""
        with np.errstate(over="ignore"):
            return float(np.sign(threshold) * np.power(abs(threshold), 1 / max(gamma, 1 / _LARGE)))

    def heat(self, cosines: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
        """Heat of nodes, 0 … 1."""
        return np.clip(cosines, 0, 1) ** np.float32(np.clip(gamma, 1 / _LARGE, _LARGE))


def _neighbors(z: NDArray, quantile: float) -> tuple[float, float, float]:
    """The two entries of falling z (rising heat) around a quantile, and its place between them."""
    place = quantile * (len(z) - 1)
    first = int(place)
    second = min(first + 1, len(z) - 1)
    return float(z[first]), float(z[second]), place - first
