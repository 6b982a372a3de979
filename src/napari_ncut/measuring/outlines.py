"""Perimeters and surfaces of all segments at once, by Crofton's formula.

How often straight lines of a few directions cross a boundary tells its length or area. It is
`perimeter_crofton` of scikit-image where pixels are squares, and takes pixels of any sides, and
volumes: every direction counts with the part of the circle or sphere that is nearest to it
(Lehmann and Legland, Efficient n-dimensional surface estimation using Crofton formula and
run-length encoding, 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .scene import Scene


def outlines(scene: Scene, wanted: Sequence[str]) -> dict[str, NDArray]:
    """Perimeter and circularity, of volumes surface and sphericity; both shares are 1 at most."""
    size = scene.sizes
    if scene.n_dims == 2:
        perimeter = boundary_sizes(scene)
        # Outlines of a few pixels come out shorter than any could be.
        return {
            "perimeter": perimeter,
            "circularity": np.minimum(1.0, 4 * np.pi * size / np.square(perimeter)),
        }
    surface = boundary_sizes(scene)
    ball = np.cbrt(np.pi * np.square(6 * size))
    return {"surface": surface, "sphericity": np.minimum(1.0, ball / surface)}


def boundary_sizes(scene: Scene) -> NDArray[np.float64]:
    """Length of the outline, or area of the surface, of each segment (n,)."""
    steps = _directions(scene.n_dims)
    lengths = steps * scene.spacing
    weights = _weights(lengths) * scene.unit_size / np.linalg.norm(lengths, axis=1)
    padded = np.pad(scene.numbers, 1)
    total = np.zeros(scene.n + 1)
    for step, weight in zip(steps, weights, strict=True):
        one, other = _shifted(padded, step)
        differ = one != other
        for side in (one, other):
            total += weight * np.bincount(side[differ], minlength=scene.n + 1)
    return total[1:]


def _directions(n_dims: int) -> NDArray[np.int64]:
    """Steps to one of each two opposite neighbors, 4 in a plane and 13 in a volume."""
    steps = [step for step in product((-1, 0, 1), repeat=n_dims) if step > (0,) * n_dims]
    return np.array(steps)


def _weights(lengths: NDArray) -> NDArray[np.float64]:
    """What a crossing counts for each direction, in lines of a distance of 1."""
    units = lengths / np.linalg.norm(lengths, axis=1, keepdims=True)
    if units.shape[1] == 2:
        angles = np.arctan2(units[:, 0], units[:, 1]) % np.pi
        order = np.argsort(angles)
        gaps = np.diff(angles[order], append=angles[order[0]] + np.pi)
        share = np.empty(len(angles))
        share[order] = (gaps + np.roll(gaps, 1)) / 2
        return share / 2
    from scipy.spatial import SphericalVoronoi

    areas = SphericalVoronoi(np.concatenate([units, -units])).calculate_areas()
    share = areas[: len(units)] / (2 * np.pi)
    # A convex body's mean shadow is a quarter of its surface, and a line crosses it twice.
    return 2 * share


def _shifted(array: NDArray, step: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """Views of an array so that the second is the first, `step` further."""
    one = tuple(slice(max(0, -s), None if s <= 0 else -s) for s in step.tolist())
    other = tuple(slice(max(0, s), None if s >= 0 else s) for s in step.tolist())
    return array[one], array[other]
