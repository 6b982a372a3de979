"""Clicks: where, which sign, which class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..imaging import PlaneLayout


@dataclass(frozen=True)
class Clicks:
    """Checked clicks inside the images.

    Attributes
    ----------
    pixels : int array (n, 3)
        (plane, row, column).
    nodes : int array (n,)
        Node under each.
    positive : bool array (n,)
    classes : int array (n,)
        Class of each; 0 on negative clicks that count against every class.
    """

    pixels: NDArray[np.int64]
    nodes: NDArray[np.int64]
    positive: NDArray[np.bool_]
    classes: NDArray[np.int64]

    @property
    def labels(self) -> list[int]:
        """The classes that have a positive click, ascending."""
        return [int(c) for c in np.unique(self.classes[self.positive])]

    def positive_of(self, label: int) -> NDArray[np.int64]:
        """Indices of the positive clicks of a class."""
        return np.flatnonzero(self.positive & (self.classes == label))

    def negative_of(self, label: int) -> NDArray[np.int64]:
        """Indices of the negative clicks that count against a class."""
        return np.flatnonzero(~self.positive & ((self.classes == label) | (self.classes == 0)))


def check_clicks(
    layout: PlaneLayout, points: ArrayLike, positive: ArrayLike | None, classes: ArrayLike | None
) -> Clicks:
    """Check points, signs and classes against the images; an `InputError` if they do not fit."""
    pixels = layout.pixels_inside(points)
    n_points = len(pixels)
    signs = np.ones(n_points, bool) if positive is None else np.asarray(positive)
    if signs.shape != (n_points,) or (n_points and not np.isin(signs, (0, 1)).all()):
        raise InputError(
            f"`positive` has shape {signs.shape}; one True or False for each of {n_points} points "
            f"is needed."
        )
    numbers = np.ones(n_points, np.int64) if classes is None else np.asarray(classes)
    if numbers.shape != (n_points,) or not _are_whole(numbers):
        raise InputError(
            f"`classes` has shape {numbers.shape}; one whole number for each of {n_points} points "
            f"is needed."
        )
    signs, numbers = signs.astype(bool), numbers.astype(np.int64)
    if (numbers < 0).any() or (numbers[signs] < 1).any():
        raise InputError(
            "Classes of positive points must be 1 or more (0 means none in a label map); "
            "0 is for negative points that count against every class."
        )
    return Clicks(pixels, layout.node_at(pixels), signs, numbers)


def _are_whole(numbers: NDArray) -> bool:
    """Whether there are only whole numbers; floats that are whole come from tables."""
    if numbers.dtype.kind == "f":
        return bool((np.isfinite(numbers) & (numbers == np.round(numbers))).all())
    return numbers.dtype.kind in "biu"
