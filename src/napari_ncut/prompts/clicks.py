"""Clicks: where, which sign, which class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, regular_array
from ..imaging import PlaneLayout

if TYPE_CHECKING:
    from .drawing import Area
    from .strokes import Stroke

# What every format of label maps can hold.
MAX_CLASS = 2**31 - 1


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
    strokes : sequence of (Stroke, Area)
        What was drawn, for methods that look at it themselves.
    n_drawn : int
        So many of the clicks, the first ones, stand for strokes.
    """

    pixels: NDArray[np.int64]
    nodes: NDArray[np.int64]
    positive: NDArray[np.bool_]
    classes: NDArray[np.int64]
    strokes: Sequence[tuple[Stroke, Area]] = ()
    n_drawn: int = 0

    @property
    def own(self) -> Clicks:
        """Without those that stand for strokes."""
        rest = slice(self.n_drawn, None)
        return Clicks(self.pixels[rest], self.nodes[rest], self.positive[rest], self.classes[rest])

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

    def about(self, label: int) -> NDArray[np.bool_]:
        """Which clicks (n,) are for or against a class, not counting those for others."""
        return (self.classes == label) | (~self.positive & (self.classes == 0))


def check_clicks(
    layout: PlaneLayout, points: ArrayLike, positive: ArrayLike | None, classes: ArrayLike | None
) -> Clicks:
    """Check points, signs and classes against the images; an `InputError` if they do not fit."""
    pixels = layout.pixels_inside(points)
    n_points = len(pixels)
    signs = np.ones(n_points, bool)
    if positive is not None:
        signs = _one_each("positive", positive, n_points, "True or False")
    if n_points and not np.isin(signs, (0, 1)).all():
        raise InputError(
            f"`positive` has the entries {_shown(signs)}. Give True for a positive point and False "
            f"for a negative one."
        )
    numbers = np.ones(n_points, np.int64)
    if classes is not None:
        numbers = _one_each("classes", classes, n_points, "whole number")
    if not _are_whole(numbers):
        raise InputError(
            f"`classes` has the entries {_shown(numbers)}. Give whole numbers up to {MAX_CLASS}."
        )
    signs, numbers = signs.astype(bool), numbers.astype(np.int64)
    if (numbers < 0).any() or (numbers[signs] < 1).any():
        raise InputError(
            "Classes of positive points must be 1 or more (0 means none in a label map); "
            "0 is for negative points that count against every class."
        )
    return Clicks(pixels, layout.node_at(pixels), signs, numbers)


def _one_each(what: str, given: ArrayLike, n_points: int, entry: str) -> NDArray:
    entries = regular_array(f"`{what}`", given)
    if entries.shape != (n_points,):
        raise InputError(
            f"`{what}` has shape {entries.shape}; a list with one {entry} for each of {n_points} "
            f"points is needed."
        )
    return entries


def _shown(entries: NDArray) -> str:
    different = list(dict.fromkeys(entries.tolist()))
    return ", ".join(map(repr, different[:5])) + (" …" if len(different) > 5 else "")


def _are_whole(numbers: NDArray) -> bool:
    """Whether there are only whole numbers; floats that are whole come from tables."""
    if numbers.dtype.kind not in "biuf" or not (np.abs(numbers.astype(float)) <= MAX_CLASS).all():
        return False
    return bool((numbers == np.round(numbers)).all())
