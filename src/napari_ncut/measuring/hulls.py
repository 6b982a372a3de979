"""Convex hulls of segments, by scikit-image, one by one: what cannot be had of all at once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import nan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .scene import Scene

_AT_ONCE = 100


def hulls(scene: Scene, wanted: Sequence[str]) -> Steps[dict[str, NDArray]]:
    """Solidity and Feret diameter."""
    from skimage.measure import regionprops

    columns = {name: np.full(scene.n, np.nan) for name in wanted}
    things = regionprops(scene.numbers, spacing=scene.spacing)
    for start in range(0, scene.n, _AT_ONCE):
        yield Progress("convex hulls", start, scene.n)
        for i in range(start, min(start + _AT_ONCE, scene.n)):
            for name in wanted:
                columns[name][i] = _MEASURES[name](things[i])
    return columns


def _solidity(thing: Any) -> float:
    with warnings.catch_warnings():
        # A volume that is flat has no hull, and scikit-image says so in a warning.
        warnings.simplefilter("ignore")
        convex = float(thing.area_convex)
    return float(thing.area) / convex if convex else nan


def _feret(thing: Any) -> float:
    if prod(thing.image.shape) == 0:
        return nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(thing.feret_diameter_max) if thing.area_convex else nan


_MEASURES = {"solidity": _solidity, "feret_max": _feret}
