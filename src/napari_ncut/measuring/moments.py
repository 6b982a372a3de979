"""Shape from second moments: the ellipse or ellipsoid that a segment is most like.

As regionprops of scikit-image has it, of all segments at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .scene import Scene

# Differences of moments below this share of them are rounding.
_ROUNDING = 1e-12


def shapes(scene: Scene, wanted: Sequence[str]) -> dict[str, NDArray]:
    """Axes, aspect ratio, eccentricity, orientation in degrees, share of the bounding box."""
    spread = _second_moments(scene)
    # Ascending; rounding can leave a trace below 0.
    values = np.linalg.eigvalsh(spread).clip(min=0)
    values[values < _ROUNDING * values[:, -1:]] = 0
    if scene.n_dims == 2:
        minor, major = 4 * np.sqrt(values).T
    else:
        # The ellipsoid's half axes are √(5 λ).
        minor, _, major = 2 * np.sqrt(5 * values).T
    first, behind = scene.boxes
    result = {
        "major_axis": major,
        "minor_axis": minor,
        "aspect_ratio": _ratio(major, minor),
        "extent": scene.pixels / (behind - first).prod(axis=1),
    }
    if scene.n_dims == 2:
        result["eccentricity"] = np.sqrt(1 - _ratio(values[:, 0], values[:, 1], empty=1.0))
        result["orientation"] = _orientation(spread)
    return result


def _second_moments(scene: Scene) -> NDArray[np.float64]:
    """Covariance of places (n, n_dims, n_dims), in the square of the unit."""
    n = scene.n_dims
    middle = scene.centroids
    apart = [
        (along - middle[scene.owner, axis]) * scene.spacing[axis]
        for axis, along in enumerate(scene.places)
    ]
    spread = np.empty((scene.n, n, n))
    for i in range(n):
        for j in range(i, n):
            spread[:, i, j] = spread[:, j, i] = scene.mean_of(apart[i] * apart[j])
    return spread


def _orientation(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, both, columns = spread[:, 0, 0], spread[:, 0, 1], spread[:, 1, 1]
    angle = np.degrees(0.5 * np.arctan2(2 * both, rows - columns))
    size = rows + columns
    alike = np.hypot(rows - columns, 2 * both) <= _ROUNDING * size
    return np.where(alike, np.nan, angle)


def _ratio(one: NDArray, other: NDArray, empty: float = np.nan) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(
        one, other, out=np.full(np.shape(one), empty), where=other > 0
    )
    return ratio
