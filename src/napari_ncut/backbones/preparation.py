"""Features brought to comparable units before a cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import check_choice

Preparations = Literal["standardize", "l2", "none"]
PREPARATIONS: Mapping[str, str] = {
    "l2": "every cell's features to unit length: their direction counts (networks)",
    "standardize": "every feature to zero mean and unit deviation: units differ (filters)",
    "none": "as they are",
}

_CHUNK = 65536
# Rows whose sums single precision adds up to its last digit; they stay in a core's cache.
_MOMENT_ROWS = 1024
# Features of images in [0, 1] that vary less than this vary by rounding only; dividing by it would
# turn that noise into signal.
_CONSTANT = 1e-6


def check_preparation(preparation: object) -> str:
    """Return `preparation` if there is such a one, else raise an `InputError`."""
    return check_choice("preparation", preparation, PREPARATIONS)


@dataclass(frozen=True)
class Preparation:
    """How features are prepared: kind "standardize", "l2" or "none", with what was fitted."""

    kind: str
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, kind: str, features: NDArray[np.float32]) -> Preparation:
        """Choose mean and scale for features (n, d)."""
        n_features = features.shape[1]
        if kind != "standardize":
            return cls(kind, np.zeros(n_features), np.ones(n_features))
        mean, variance = column_moments(features)
        deviation = np.sqrt(variance)
        return cls(
            kind,
            mean,
            np.divide(1, deviation, out=np.zeros(n_features), where=deviation > _CONSTANT),
        )

    def apply(self, features: NDArray[np.float32]) -> None:
        """Prepare features (n, d) in place and by blocks: they may be the largest array."""
        mean, scale = self.mean.astype(np.float32), self.scale.astype(np.float32)
        for first in range(0, len(features), _CHUNK):
            block = features[first : first + _CHUNK]
            if self.kind == "standardize":
                block -= mean
                block *= scale
            elif self.kind == "l2":
                length = np.linalg.norm(block, axis=1, keepdims=True)
                block /= np.where(length > 0, length, 1)


def column_moments(features: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each column, added up in float64 over blocks, in one pass.

    Blocks of float32 stay float32, where a block's sums are as exact as its entries; unless their
    squares are beyond its range.
    """
    mean, variance = _moments(features, features.dtype)
    if not np.isfinite(variance).all():
        mean, variance = _moments(features, np.dtype(np.float64))
    return mean, variance


def _moments(features: NDArray, dtype: np.dtype) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Taken from a part, it need not be the mean: it only has to keep squares small.
    center = features[:_CHUNK].mean(axis=0, dtype=np.float64).astype(dtype)
    sums, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, len(features), _MOMENT_ROWS):
            block = features[first : first + _MOMENT_ROWS] - center
            one = np.ones(len(block), dtype=block.dtype)
            sums += one @ block
            squares += one @ np.square(block, out=block)
        shift = sums / len(features)
        return center + shift, np.maximum(squares / len(features) - shift**2, 0)
