"""Prompts that are drawn: boxes, polygons, scribbles and masks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array
from .clicks import MAX_CLASS
from .drawing import Area, area_of_map, box_area, path_area, polygon_area

__all__ = ["Box", "Mask", "Polygon", "Scribble", "Stroke"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Stroke(ABC):
    """Something drawn on one plane; positive ("like this") or negative ("not this").

    Parameters
    ----------
    plane
        On which plane, counted over all images that were embedded together.
    label
        Class, 1 and up; 0 on negative strokes that count against all. None where there are no
        classes: 1 then, and 0 on negative ones.
    positive
        False for "not this".
    """

    plane: int = 0
    label: int | None = None
    positive: bool = True

    # Class variables of the kinds, not fields: how many clicks inside a stroke stands for, with
    # "similar" and with "object"; whether what lies just outside is not meant; whether all of its
    # pixels end on its side; whether an object cannot reach beyond it.
    clicks_similar = clicks_object = 0
    tells_outside = holds_pixels = limits = False

    def __post_init__(self) -> None:
        if not is_number(self.plane, whole=True) or self.plane < 0:
            raise InputError(
                f"A stroke on plane {self.plane!r} cannot be used. Give a whole number from 0."
            )
        if not isinstance(self.positive, bool | np.bool_):
            raise InputError(
                f"A stroke's `positive` is {self.positive!r}. Give True for “like this” and False "
                f"for “not this”."
            )
        least = 1 if self.positive else 0
        if self.label is not None and not (
            is_number(self.label, whole=True) and least <= self.label <= MAX_CLASS
        ):
            raise InputError(
                f"A stroke of class {self.label!r} cannot be used. Give a whole number from 1 to "
                f"{MAX_CLASS}, or 0 on a negative stroke that counts against every class."
            )

    @property
    def number(self) -> int:
        """Its class as a number."""
        return int(self.positive) if self.label is None else int(self.label)

    @abstractmethod
    def area(self, shape: tuple[int, int]) -> Area:
        """Its pixels on a plane of that shape; what lies outside is cut off."""

    def middle(self, area: Area) -> NDArray[np.int64] | None:
        """Pixels (n, 2) that stand for it, where they follow from what it is."""
        return None


@dataclass(frozen=True, eq=False)
class Box(Stroke):
    """A rectangle around a thing, or around an example of what is meant.

    Parameters
    ----------
    row0, column0, row1, column1
        Two opposite corners in pixels, in any order: pixels belong to it whose middles lie between
        them, at least the one under its middle. What lies outside of the image is cut off.
    plane, label, positive
        See `Stroke`.

    Notes
    -----
    With mode "object" a positive box says: the thing is in here. Its middle is clicked, what lies
    just outside is clicked as "not this", and nothing of its class is further than 2 pixels
    outside the boxes and polygons of the class on that plane, but for connected pieces that hold
    another positive prompt. A negative box says: nothing of this class is in here.

    With mode "similar" a box says: things like what is in here, and limits nothing.
    """

    row0: float
    column0: float
    row1: float
    column1: float

    clicks_similar, clicks_object = 5, 1
    tells_outside = limits = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(is_number(value) for value in self._corners):
            raise InputError(
                f"A box with the corners {self._corners} cannot be used. Give four finite numbers "
                f"in pixels: row0, column0, row1, column1."
            )
        if self.row0 == self.row1 or self.column0 == self.column1:
            raise InputError(
                f"A box with the corners {self._corners} has no area. Give two opposite corners."
            )

    @property
    def _corners(self) -> tuple[float, float, float, float]:
        return self.row0, self.column0, self.row1, self.column1

    def area(self, shape: tuple[int, int]) -> Area:
        """See `Stroke.area`."""
        rows, columns = sorted((self.row0, self.row1)), sorted((self.column0, self.column1))
        return box_area((rows[0], columns[0]), (rows[1], columns[1]), shape)

    def middle(self, area: Area) -> NDArray[np.int64]:
        """Its middle, then the places half way from there to the corners."""
        shares = np.array([[0, 0], [-1, -1], [-1, 1], [1, -1], [1, 1]]) / 4
        size = np.array(area.inside.shape)
        places = (size - 1) / 2 + shares * size
        places = np.clip(np.floor(places + 0.5).astype(np.int64), 0, size - 1)
        _, order = np.unique(places @ np.array([size[1], 1]), return_index=True)
        return np.asarray(places[np.sort(order)] + [area.top, area.left])


@dataclass(frozen=True, eq=False)
class Polygon(Stroke):
    """An outline drawn near that of a thing: a polygon, or a lasso.

    Parameters
    ----------
    vertices
        (n, 2) rows (row, column) in pixels, at least three; the last is joined to the first. Where
        it crosses itself, what is enclosed an odd number of times is inside. What lies outside of
        the image is cut off.
    plane, label, positive
        See `Stroke`.

    Notes
    -----
    As a `Box`, but up to five clicks lie well inside the outline, whatever its shape.
    """

    vertices: ArrayLike
    _vertices: NDArray[np.float64] = field(init=False, repr=False)

    clicks_similar, clicks_object = 5, 5
    tells_outside = limits = True

    def __post_init__(self) -> None:
        super().__post_init__()
        vertices = _places("A polygon", self.vertices, 3)
        if np.linalg.matrix_rank(vertices - vertices[0]) < 2:
            raise InputError(
                "A polygon whose vertices lie on one line has no area. Give its outline."
            )
        object.__setattr__(self, "_vertices", vertices)

    def area(self, shape: tuple[int, int]) -> Area:
        """See `Stroke.area`."""
        return polygon_area(self._vertices, shape)


@dataclass(frozen=True, eq=False)
class Scribble(Stroke):
    """A line drawn over a thing with a pen or a brush; all its pixels end on its side.

    Parameters
    ----------
    pixels
        bool (h, w), true where was drawn, of the plane's size; or (n, 2) rows (row, column) in
        pixels, a line through which is drawn, one pixel wide. What lies outside is cut off.
    plane, label, positive
        See `Stroke`.

    Notes
    -----
    Up to 24 clicks lie along it, as far from each other as can be. They and its pixels are all it
    says; a box of the same class limits no piece that holds one of its clicks.
    """

    pixels: ArrayLike
    _map: NDArray[np.bool_] | None = field(init=False, repr=False, default=None)
    _path: NDArray[np.float64] | None = field(init=False, repr=False, default=None)

    clicks_similar, clicks_object = 24, 24
    holds_pixels = True

    def __post_init__(self) -> None:
        super().__post_init__()
        given = regular_array("A scribble", self.pixels)
        if given.dtype.kind == "b":
            object.__setattr__(self, "_map", _plane_map("A scribble", given))
        else:
            object.__setattr__(self, "_path", _places("The path of a scribble", given, 1))

    @classmethod
    def from_labels(
        cls, labels: ArrayLike, *, plane: int = 0, negative: int | None = None
    ) -> list[Scribble]:
        """One scribble for each class of a label map.

        Parameters
        ----------
        labels
            Whole numbers (h, w), or (n, h, w) for planes from `plane` on: 0 is none, others are
            classes.
        plane
            Of the (first) map.
        negative
            The label that stands for "not this", whatever the class; None if none does.
        """
        return [
            cls(own, plane=number, label=0 if label == negative else label,
                positive=label != negative)
            for number, label, own in _classes_of("Scribbles", labels, plane)
        ]  # fmt: skip

    def area(self, shape: tuple[int, int]) -> Area:
        """See `Stroke.area`."""
        if self._map is not None:
            return _fitting("A scribble", self._map, shape)
        assert self._path is not None
        return path_area(self._path, shape)


@dataclass(frozen=True, eq=False)
class Mask(Stroke):
    """An existing mask, to be refined, or whose things are an example of what is meant.

    Parameters
    ----------
    pixels
        bool (h, w), of the plane's size.
    plane, label, positive
        See `Stroke`.

    Notes
    -----
    Up to 16 clicks lie deep inside, spread evenly; with mode "object" what lies just outside is
    clicked as "not this". The result is what the method makes of these: pixels of the mask may be
    given up, and it may grow. Draw the same as a `Scribble` to hold all pixels.
    """

    pixels: ArrayLike
    _map: NDArray[np.bool_] = field(init=False, repr=False)

    clicks_similar, clicks_object = 16, 16
    tells_outside = True

    def __post_init__(self) -> None:
        super().__post_init__()
        given = regular_array("A mask", self.pixels)
        if given.dtype.kind != "b":
            raise InputError(
                f"A mask of dtype {given.dtype} cannot be used. Give a bool array (h, w), for "
                f"example labels == 1; for all classes of a label map use Mask.from_labels(labels)."
            )
        object.__setattr__(self, "_map", _plane_map("A mask", given))

    @classmethod
    def from_labels(cls, labels: ArrayLike, *, plane: int = 0) -> list[Mask]:
        """One mask for each class of a label map (h, w), or (n, h, w) from `plane` on."""
        return [
            cls(own, plane=number, label=label)
            for number, label, own in _classes_of("Masks", labels, plane)
        ]

    def area(self, shape: tuple[int, int]) -> Area:
        """See `Stroke.area`."""
        return _fitting("A mask", self._map, shape)


# What a label map of prompts may hold: more is a map of instances.
_MOST_CLASSES = 256


def _classes_of(
    what: str, labels: ArrayLike, first: int
) -> list[tuple[int, int, NDArray[np.bool_]]]:
    """(plane, label, where it is) of all labels of a map or several."""
    given = regular_array(what, labels)
    if given.dtype.kind not in "biu" or given.ndim not in (2, 3):
        raise InputError(
            f"{what} of dtype {given.dtype} and shape {given.shape} cannot be used. Give a label "
            f"map (h, w) of whole numbers, or (n, h, w)."
        )
    maps = given[np.newaxis] if given.ndim == 2 else given
    result = []
    for number, one in enumerate(maps, first):
        present = [int(label) for label in np.unique(one[one != 0])]
        if present and (present[0] < 0 or present[-1] > MAX_CLASS):
            raise InputError(
                f"{what} have the label {present[0] if present[0] < 0 else present[-1]}. Labels "
                f"are classes, from 1 to {MAX_CLASS}; 0 is none."
            )
        if len(present) > _MOST_CLASSES:
            raise InputError(
                f"{what} have {len(present)} labels on plane {number}, but labels are classes, at "
                f"most {_MOST_CLASSES}. If these are instances, give (labels > 0) as one class."
            )
        result += [(number, label, one == label) for label in present]
    return result


def _places(what: str, given: ArrayLike, least: int) -> NDArray[np.float64]:
    places = regular_array(what, given)
    if places.dtype.kind not in "iuf" or places.ndim != 2 or places.shape[1] != 2:
        raise InputError(
            f"{what} of dtype {places.dtype} and shape {places.shape} cannot be used. Give (n, 2) "
            f"rows (row, column) in pixels."
        )
    if len(places) < least:
        raise InputError(f"{what} has {len(places)} vertices; at least {least} are needed.")
    if not np.isfinite(places).all():
        raise InputError(f"{what} has NaN or infinite coordinates. Remove those vertices.")
    # A copy: what was given may change, what was read of a stroke is remembered.
    return places.astype(np.float64)


def _plane_map(what: str, given: NDArray) -> NDArray[np.bool_]:
    if given.ndim != 2:
        raise InputError(
            f"{what} has shape {given.shape}; one plane (h, w) is needed. Make one for each plane."
        )
    if not given.any():
        raise InputError(f"{what} is empty: no pixel is true. Leave it out.")
    return given.copy()


def _fitting(what: str, given: NDArray[np.bool_], shape: tuple[int, int]) -> Area:
    if given.shape != shape:
        raise InputError(
            f"{what} of {given.shape[0]} × {given.shape[1]} pixels was given for a plane of "
            f"{shape[0]} × {shape[1]}. Give one of the plane's size."
        )
    return area_of_map(given)


def check_strokes(strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
    """Strokes as a tuple; an `InputError` if there is anything else among them."""
    if isinstance(strokes, Stroke) or not isinstance(strokes, Sequence):
        raise InputError(
            f"`strokes` is a {type(strokes).__name__}. Give a list of Box, Polygon, Scribble and "
            f"Mask."
        )
    for stroke in strokes:
        if not isinstance(stroke, Stroke):
            raise InputError(
                f"`strokes` has a {type(stroke).__name__} in it. Give a list of Box, Polygon, "
                f"Scribble and Mask; points go to `points`."
            )
    return tuple(strokes)
