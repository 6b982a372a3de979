"""Prompts, sorted by the thing that they are about; and masks of things as instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .clicks import Clicks
from .drawing import Area, spread
from .strokes import Box, Stroke

if TYPE_CHECKING:
    from ..sam import MaskSet

# Points that tell where a scribble is: SAM was trained with about as many at a time.
_ALONG = 8


@dataclass(frozen=True, eq=False)
class Thing:
    """What is asked about one thing on a plane.

    Attributes
    ----------
    label : int
        Its class.
    pixels, positive : int array (k, 2), bool array (k,)
        Points (row, column) on it, and beside it.
    box : tuple of 4 floats, or None
        Top, left, bottom and right of what was drawn around it.
    outline : Area or None
        Its pixels as they were drawn, where that says more than a box.
    held : tuple of Area
        Pixels that are part of it, whatever the answer.
    """

    label: int
    pixels: NDArray[np.int64]
    positive: NDArray[np.bool_]
    box: tuple[float, float, float, float] | None = None
    outline: Area | None = None
    held: tuple[Area, ...] = ()

    @property
    def question(self) -> tuple[object, ...]:
        """Equal for things about which the same is asked."""
        areas = [
            None if a is None else (a.top, a.left, a.inside.shape, a.inside.tobytes())
            for a in (self.outline, *self.held)
        ]
        return self.pixels.tobytes(), self.positive.tobytes(), self.box, *areas

    def whole_outline(self, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
        """The outline as a mask (h, w)."""
        if self.outline is None:
            return None
        mask = np.zeros(shape, dtype=bool)
        mask[self.outline.window] = self.outline.inside
        return mask

    def hold(self, mask: NDArray[np.bool_]) -> None:
        """Put clicked pixels on their sides and scribbled ones in, in place."""
        for area in self.held:
            mask[area.window] |= area.inside
        mask[self.pixels[:, 0], self.pixels[:, 1]] = self.positive


def things_on(clicks: Clicks, plane: int, *, each_point: bool) -> list[Thing]:
    """The things that prompts on a plane are about, class by class.

    Each positive box, polygon and mask is about a thing of its own. Points and scribbles in one
    (in several: in the smallest) are about the same thing; those in none are about one thing
    together, or with `each_point` each positive one about its own. Negative ones in none are about
    all that points ask for, or, where points ask for nothing, about all.
    """
    own = clicks.own
    here = own.pixels[:, 0] == plane
    drawn = [(stroke, area) for stroke, area in clicks.strokes if stroke.plane == plane]
    things: list[Thing] = []
    for label in clicks.labels:
        positive = [
            _Spot(pixel[None, 1:])
            for pixel in own.pixels[here & own.positive & (own.classes == label)]
        ]
        against = here & ~own.positive & ((own.classes == label) | (own.classes == 0))
        negative = [_Spot(pixel[None, 1:]) for pixel in own.pixels[against]]
        outlines = []
        for stroke, area in drawn:
            if stroke.positive and stroke.number == label and stroke.tells_outside:
                outlines.append((stroke, area))
            elif stroke.positive and stroke.number == label:
                positive.append(_Spot(spread(area.pixels(), _ALONG), area))
            elif not stroke.positive and stroke.number in (0, label):
                middle = stroke.middle(area)
                places = spread(area.pixels(), _ALONG) if middle is None else middle[:1]
                negative.append(_Spot(places))
        things += _of_class(label, positive, negative, outlines, each_point)
    return things


@dataclass(frozen=True, eq=False)
class _Spot:
    """Places (k, 2) that belong together: one point, or those along a scribble."""

    places: NDArray[np.int64]
    area: Area | None = None


def _of_class(
    label: int,
    positive: list[_Spot],
    negative: list[_Spot],
    outlines: list[tuple[Stroke, Area]],
    each_point: bool,
) -> list[Thing]:
    areas = [area for _, area in outlines]
    inside: list[list[_Spot]] = [[] for _ in outlines]
    beside: list[list[_Spot]] = [[] for _ in outlines]
    free: list[_Spot] = []
    for spot in positive:
        holding = _holding(areas, spot)
        if holding:
            inside[min(holding, key=lambda i: areas[i].inside.sum())].append(spot)
        else:
            free.append(spot)
    everywhere: list[_Spot] = []
    for spot in negative:
        holding = _holding(areas, spot)
        for i in holding:
            beside[i].append(spot)
        if not holding:
            everywhere.append(spot)
    if not free:
        beside = [[*spots, *everywhere] for spots in beside]
    things = [
        _thing(label, inside[i], beside[i], stroke, area)
        for i, (stroke, area) in enumerate(outlines)
    ]
    groups = [[spot] for spot in free] if each_point else [free] if free else []
    return things + [_thing(label, group, everywhere) for group in groups]


def _holding(areas: Sequence[Area], spot: _Spot) -> list[int]:
    """Numbers of the areas that hold most of a spot."""
    rows, columns = spot.places.T
    return [i for i, area in enumerate(areas) if 2 * area.at(rows, columns).sum() > len(rows)]


def _thing(
    label: int,
    inside: list[_Spot],
    beside: list[_Spot],
    stroke: Stroke | None = None,
    area: Area | None = None,
) -> Thing:
    spots = [*inside, *beside]
    pixels = np.concatenate([np.empty((0, 2), np.int64), *(spot.places for spot in spots)])
    counts = [sum(len(spot.places) for spot in some) for some in (inside, beside)]
    return Thing(
        label,
        pixels,
        np.repeat([True, False], counts),
        None if area is None else _box_of(stroke, area),
        None if isinstance(stroke, Box) else area,
        tuple(spot.area for spot in inside if spot.area is not None),
    )


def _box_of(stroke: Stroke | None, area: Area) -> tuple[float, float, float, float]:
    """Top, left, bottom and right; of a box as it was drawn, within the plane."""
    rows, columns = (np.flatnonzero(area.inside.any(axis=axis)) for axis in (1, 0))
    # Half a pixel more than the middles of the pixels that it holds: where they end.
    ends = (
        area.top + rows[0] - 0.5,
        area.left + columns[0] - 0.5,
        area.top + rows[-1] + 0.5,
        area.left + columns[-1] + 0.5,
    )
    if not isinstance(stroke, Box):
        return ends
    sides = [
        sorted(pair) for pair in ((stroke.row0, stroke.row1), (stroke.column0, stroke.column1))
    ]
    low = (max(sides[0][0], ends[0] - 0.5), max(sides[1][0], ends[1] - 0.5))
    # At least as far as into the first pixels, where a network expects a box to reach.
    high = (
        max(min(sides[0][1], ends[2] + 0.5), 0.25),
        max(min(sides[1][1], ends[3] + 0.5), 0.25),
    )
    return (low[0], low[1], high[0], high[1])


@dataclass(frozen=True, eq=False)
class ThingScores:
    """What a network thinks of its answers about one thing.

    Attributes
    ----------
    label : int
        Class of the thing.
    scores : tuple of float
        Of the whole, a part and a subpart: how well each covers a thing, 0 to 1 (predicted IoU).
    chosen : int
        Which of them is shown.
    """

    label: int
    scores: tuple[float, ...]
    chosen: int

    @property
    def score(self) -> float:
        """Of the answer that is shown."""
        return self.scores[self.chosen]


@dataclass(frozen=True, eq=False)
class PlaneThings:
    """The things on one plane.

    Attributes
    ----------
    numbers : int32 array (h, w)
        0 for none, 1 … n.
    classes : int64 array (n + 1,)
        Class of every thing; entry 0 is 0.
    scores : tuple of ThingScores
        Of every thing, from the first; empty where the method has none.
    """

    numbers: NDArray[np.int32]
    classes: NDArray[np.int64]
    scores: tuple[ThingScores, ...] = ()

    @classmethod
    def of_masks(
        cls, labels: NDArray, masks: MaskSet, scores: Sequence[ThingScores]
    ) -> PlaneThings:
        """Number the things of a class map (h, w) by their masks; those with no pixel are left out.

        Where masks overlap, the smaller one of the pixel's class has it.
        """
        classes = np.array([0, *(one.label for one in scores)], np.int64)
        numbers = masks.labels()
        numbers[classes[numbers] != labels] = 0
        missing = (labels > 0) & (numbers == 0)
        if missing.any():
            for i in np.argsort(masks.areas, kind="stable"):
                top, left, bottom, right = masks.boxes[i]
                window = (slice(top, bottom), slice(left, right))
                mine = missing[window] & masks.crops[i] & (labels[window] == classes[i + 1])
                numbers[window][mine] = i + 1
                missing[window][mine] = False
        kept, numbers_kept = np.unique(np.append(numbers, 0), return_inverse=True)
        renumbered = numbers_kept[:-1].reshape(numbers.shape).astype(np.int32)
        return cls(renumbered, classes[kept], tuple(scores[i - 1] for i in kept[kept > 0]))
