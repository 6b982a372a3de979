"""How large segments are, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .properties import size_name
from .scene import Scene

_AXES = ("depth", "row", "column")
_FIRST, _BEHIND = ("front", "top", "left"), ("back", "bottom", "right")


def sizes(scene: Scene, wanted: Sequence[str]) -> dict[str, NDArray]:
    """Pixels, area or volume, their share of everything, equivalent diameter."""
    size = scene.sizes
    if scene.n_dims == 2:
        diameter = 2 * np.sqrt(size / np.pi)
    else:
        diameter = np.cbrt(6 * size / np.pi)
    name = size_name(scene.n_dims)
    return {
        "pixels": scene.pixels,
        name: size,
        f"{name}_fraction": scene.pixels / scene.numbers.size,
        "equivalent_diameter": diameter,
    }


def places(scene: Scene, wanted: Sequence[str]) -> dict[str, NDArray]:
    """Middle in the unit, bounding box in pixels, whether the border is touched."""
    n = scene.n_dims
    first, behind = scene.boxes
    middle = scene.centroids * scene.spacing
    result: dict[str, NDArray] = {}
    for axis in range(n):
        name = 3 - n + axis
        result[f"centroid_{_AXES[name]}"] = middle[:, axis]
        result[_FIRST[name]] = first[:, axis]
        result[_BEHIND[name]] = behind[:, axis]
    at_border = (first == 0) | (behind == scene.numbers.shape)
    # A volume of one plane has no depth in which anything could go on.
    at_border &= np.array(scene.numbers.shape) > 1
    result["touches_border"] = at_border.any(axis=1).astype(np.int64)
    return result
