"""What strokes say to every method: clicks, pixels that are held, and limits of objects."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..imaging import PlaneLayout
from .clicks import Clicks
from .drawing import Area, just_outside, spread, well_inside
from .parameters import Mode
from .strokes import Stroke

# Clicks around a stroke, and how far results may reach beyond boxes and polygons: nobody draws
# them to the pixel.
_AROUND = 8
_MARGIN = 2


@dataclass(frozen=True, eq=False)
class Drawn:
    """Strokes as clicks, and what else they say.

    Attributes
    ----------
    pixels, positive, classes : arrays
        As of `Clicks`.
    strokes : list of (Stroke, Area)
        In the order given.
    mode : str
        "object" lets boxes and polygons limit.
    """

    pixels: NDArray[np.int64]
    positive: NDArray[np.bool_]
    classes: NDArray[np.int64]
    strokes: list[tuple[Stroke, Area]]
    mode: Mode
    _limits: dict[tuple[int, int], NDArray[np.bool_]] = field(default_factory=dict)

    def before(self, clicks: Clicks, layout: PlaneLayout) -> Clicks:
        """The clicks of strokes, then those of the user, which have the last word."""
        if not len(self.pixels):
            return clicks
        return Clicks(
            np.concatenate([self.pixels, clicks.pixels]),
            np.concatenate([layout.node_at(self.pixels), clicks.nodes]),
            np.concatenate([self.positive, clicks.positive]),
            np.concatenate([self.classes, clicks.classes]),
            self.strokes,
            len(self.pixels),
        )

    def hold(self, labels: NDArray, plane: int) -> None:
        """Put pixels on the sides of scribbles, in place; a later one wins."""
        for stroke, area in self.strokes:
            if stroke.plane == plane and stroke.holds_pixels:
                _put(labels[area.window], area.inside, stroke)

    def limit(self, labels: NDArray, clicks: Clicks, plane: int) -> None:
        """Take away what objects cannot be, in place, but for pieces that were clicked."""
        if self.mode != "object":
            return
        self.take_away(labels, plane)
        limiting = {
            stroke.number
            for stroke, _ in self.strokes
            if stroke.plane == plane and stroke.limits and stroke.positive
        }
        for number in sorted(limiting):
            beyond = (labels == number) & ~self._limit(plane, number, labels.shape)
            mine = clicks.pixels[
                clicks.positive & (clicks.classes == number) & (clicks.pixels[:, 0] == plane), 1:
            ]
            mine = mine[beyond[mine[:, 0], mine[:, 1]]]
            if len(mine):
                from scipy.ndimage import label

                pieces, _ = label(beyond, np.ones((3, 3)))
                beyond &= ~np.isin(pieces, pieces[mine[:, 0], mine[:, 1]])
            labels[beyond] = 0

    def take_away(self, labels: NDArray, plane: int) -> None:
        """Take away what lies in negative boxes and polygons, in place."""
        for stroke, area in self.strokes:
            if stroke.plane == plane and stroke.limits and not stroke.positive:
                _put(labels[area.window], area.inside, stroke)

    def _limit(self, plane: int, number: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where a class may be: its boxes and polygons, somewhat wider."""
        if (plane, number) not in self._limits:
            allowed = np.zeros(shape, dtype=bool)
            for stroke, area in self.strokes:
                mine = (stroke.plane, stroke.number) == (plane, number)
                if mine and stroke.limits and stroke.positive:
                    wide = area.dilated(_MARGIN, (shape[0], shape[1]))
                    allowed[wide.window] |= wide.inside
            self._limits[plane, number] = allowed
        return self._limits[plane, number]


def _put(window: NDArray, inside: NDArray[np.bool_], stroke: Stroke) -> None:
    if stroke.positive:
        window[inside] = stroke.number
    elif stroke.number:
        window[inside & (window == stroke.number)] = 0
    else:
        window[inside] = 0


def read_strokes(layout: PlaneLayout, strokes: tuple[Stroke, ...], mode: Mode) -> Drawn:
    """Turn strokes into clicks; an `InputError` if one does not fit the images.

    What lies just outside of a stroke speaks against its class with mode "object" alone: with
    "similar" it may well be another thing of the kind.
    """
    areas = [(stroke, _area(layout, stroke, i)) for i, stroke in enumerate(strokes)]
    places, signs, numbers = [np.empty((0, 3), np.int64)], [], []
    for stroke, area in areas:
        count = stroke.clicks_object if mode == "object" else stroke.clicks_similar
        inner = stroke.middle(area)
        if inner is None:
            inner = (
                spread(area.pixels(), count) if stroke.holds_pixels else well_inside(area, count)
            )
        outer = _around(layout, areas, stroke, area) if mode == "object" else inner[:0]
        for chosen, positive in ((outer, False), (inner[:count], stroke.positive)):
            places.append(np.column_stack([np.full(len(chosen), stroke.plane), chosen]))
            signs.append(np.full(len(chosen), positive))
            numbers.append(np.full(len(chosen), stroke.number))
    return Drawn(
        np.concatenate(places),
        np.concatenate([np.empty(0, bool), *signs]).astype(bool),
        np.concatenate([np.empty(0, np.int64), *numbers]).astype(np.int64),
        areas,
        mode,
    )


def _area(layout: PlaneLayout, stroke: Stroke, i: int) -> Area:
    what = f"Stroke {i} (a {type(stroke).__name__})"
    if stroke.plane >= len(layout):
        raise InputError(
            f"{what} is on plane {stroke.plane}, but there are planes 0 to {len(layout) - 1}."
        )
    shape = layout.shapes[stroke.plane]
    area = stroke.area(shape)
    if area.empty:
        raise InputError(
            f"{what} lies outside the image of {shape[0]} × {shape[1]} pixels. Remove it, or check "
            f"that rows come before columns."
        )
    return area


def _around(
    layout: PlaneLayout, areas: list[tuple[Stroke, Area]], stroke: Stroke, area: Area
) -> NDArray[np.int64]:
    """Pixels around a stroke that tell what it is not, where the class was drawn nowhere else."""
    if not (stroke.tells_outside and stroke.positive):
        return np.empty((0, 2), np.int64)
    # No cell of the grid is both just outside and in the stroke.
    pixels = just_outside(area, _AROUND, layout.stride + 1)
    shape = np.array(layout.shapes[stroke.plane])
    pixels = pixels[((pixels >= 0) & (pixels < shape)).all(axis=1)]
    for other, drawn in areas:
        if other.positive and (other.plane, other.number) == (stroke.plane, stroke.number):
            pixels = pixels[~drawn.at(pixels[:, 0], pixels[:, 1])]
    return pixels
