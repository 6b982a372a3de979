"""Which image and plane the points of a table belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..imaging.layout import whole_pixels
from .images import ImageFile
from .points import PointsTable


@dataclass(frozen=True)
class AssignedPoints:
    """Points of all images together, as `PromptSegmenter.predict` takes them.

    Attributes
    ----------
    points : float array (n, 3)
        Rows (plane, row, column); planes count over all images in order.
    positive : bool array (n,)
    classes : int array (n,) or None
    class_names : dict
        Number → name, where classes were given by name.
    note : str
        What had to be assumed, "" if nothing.
    """

    points: NDArray[np.float64]
    positive: NDArray[np.bool_]
    classes: NDArray[np.int64] | None
    class_names: dict[int, str] = field(default_factory=dict)
    note: str = ""


def assign_points(tables: Sequence[PointsTable], images: Sequence[ImageFile]) -> AssignedPoints:
    """Find the plane of every point.

    Parameters
    ----------
    tables
        One table for all images, or one for each in order. The points of one table for several
        images belong, in this order of precedence, to the image named in its column `image` (file
        name, stem, or number from 0); to the image whose number comes first, where points have one
        coordinate more than an image needs; or else to the first image.
    images
        The images. Each needs a coordinate for every T and Z axis, and row and column; where a
        point has one for a channel axis, too, that one does not count. Where `image` tells the
        image, points may have the coordinates of the image that needs most: the last ones count.

    Raises
    ------
    InputError
        If tables and images do not fit, or a point lies outside its image.
    """
    if len(tables) not in (1, len(images)):
        raise InputError(
            f"{len(tables)} tables of points were given for {len(images)} images. Give one for all "
            f"images, or one for each in the same order."
        )
    shapes = [_Places(image) for image in images]
    first_planes = np.cumsum([0, *(places.n_planes for places in shapes)])
    classes, names = _joined_classes(tables)
    note = ""
    located = []
    for number, table in enumerate(tables):
        if len(tables) == 1 and (len(images) > 1 or table.images is not None):
            owners, points, note = _owners(table, images, shapes)
        else:
            owners, points = _single_owner(table, number, images, shapes)
        pixels = np.empty((len(points), 3))
        for i, (owner, point) in enumerate(zip(owners, points, strict=True)):
            plane, row, column = shapes[owner].locate(point, i)
            pixels[i] = (first_planes[owner] + plane, row, column)
        located.append(pixels)
    positive = np.concatenate([table.positive for table in tables])
    return AssignedPoints(np.concatenate(located), positive, classes, names, note)


class _Places:
    """Where points of one image lie."""

    def __init__(self, image: ImageFile) -> None:
        from ..imaging import parse_axes

        axes = parse_axes(image.axes, image.data.shape)
        self.name = image.path.name
        self.stack, self.plane_shape, self.n_planes = (
            axes.stack_shape,
            axes.plane_shape,
            axes.n_planes,
        )
        self.n_coordinates = len(self.stack) + 2
        self._names = [axes.names[i] for i in axes.stack] + ["row", "column"]
        self._channel = None
        if axes.channel is not None and not axes.is_color:
            self._channel = axes.channel

    def without_channel(self, points: NDArray) -> NDArray | None:
        """Points with the image's own coordinates; None if they have another number of them."""
        if points.shape[1] == self.n_coordinates:
            return points
        if self.n_planes == 1 and points.shape[1] == 2:
            return np.column_stack([np.zeros((len(points), len(self.stack))), points])
        if self._channel is not None and points.shape[1] == self.n_coordinates + 1:
            return np.delete(points, self._channel, axis=1)
        return None

    def locate(self, point: NDArray, number: int) -> tuple[int, float, float]:
        """Plane in the image, row and column; an `InputError` outside."""
        pixel = whole_pixels(point)
        size = np.array([*self.stack, *self.plane_shape])
        if (pixel < 0).any() or (pixel >= size).any():
            where = ", ".join(f"{n} {v:g}" for n, v in zip(self._names, point, strict=True))
            sizes = " × ".join(map(str, size))
            raise InputError(
                f"Point {number} ({where}) lies outside the image {self.name} of {sizes} pixels. "
                f"Remove it, check that rows come before columns, or give the layer's transform."
            )
        plane = int(np.ravel_multi_index(tuple(pixel[:-2]), self.stack)) if self.stack else 0
        return plane, float(point[-2]), float(point[-1])


def _single_owner(
    table: PointsTable, number: int, images: Sequence[ImageFile], shapes: list[_Places]
) -> tuple[list[int], NDArray]:
    """Points of a table that has an image of its own."""
    places = shapes[number]
    points = places.without_channel(table.points)
    if points is None and len(images) == 1 and table.points.shape[1] == places.n_coordinates + 1:
        # Saved over several images of which this is the first.
        return _numbered(table.points, images, shapes)
    if points is None:
        raise _wrong_coordinates(table, places)
    return [number] * len(points), points


def _owners(
    table: PointsTable, images: Sequence[ImageFile], shapes: list[_Places]
) -> tuple[list[int], Any, str]:
    """Owner of every point of one table, its own coordinates, and what was assumed."""
    if table.images is not None:
        owners = [_named(entry, images) for entry in table.images]
        points = []
        most = max(places.n_coordinates for places in shapes)
        for i, owner in enumerate(owners):
            own = shapes[owner].without_channel(table.points[i : i + 1])
            if own is None and shapes[owner].n_coordinates < table.points.shape[1] <= most:
                # One layer of points over images of several kinds has the coordinates of the one
                # with most; the others lie under all its planes.
                own = table.points[i : i + 1, -shapes[owner].n_coordinates :]
            if own is None:
                raise _wrong_coordinates(table, shapes[owner])
            points.append(own[0])
        return owners, points, ""
    if all(table.points.shape[1] == places.n_coordinates + 1 for places in shapes):
        return *_numbered(table.points, images, shapes), ""
    points_of_first = shapes[0].without_channel(table.points)
    if points_of_first is None:
        raise _wrong_coordinates(table, shapes[0])
    note = (
        f"The points do not say which image they belong to: taken for the first, "
        f"{images[0].path.name}. A column `image` would tell."
    )
    return [0] * len(points_of_first), points_of_first, note


def _numbered(
    points: NDArray, images: Sequence[ImageFile], shapes: list[_Places]
) -> tuple[list[int], NDArray]:
    numbers = whole_pixels(points[:, 0])
    outside = np.flatnonzero((numbers < 0) | (numbers >= len(images)))
    if len(outside):
        i = int(outside[0])
        raise InputError(
            f"Point {i} is in image {numbers[i]}, counted from 0, by its first coordinate, but "
            f"{len(images)} image(s) were given. Give all images that the points were placed in."
        )
    return [int(n) for n in numbers], points[:, 1:]


def _named(entry: str, images: Sequence[ImageFile]) -> int:
    for matches in (
        [i for i, image in enumerate(images) if entry in (image.path.name, str(image.path))],
        [i for i, image in enumerate(images) if entry == image.path.stem],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise InputError(
                f"{len(matches)} images are called {entry!r}, so the column `image` does not tell "
                f"them apart. Use numbers in it, 0 for the first image."
            )
    if entry.removesuffix(".0").isdigit() and int(entry.removesuffix(".0")) < len(images):
        return int(entry.removesuffix(".0"))
    names = ", ".join(image.path.name for image in images)
    raise InputError(
        f"The points belong to an image {entry!r} by their column `image`, but the images are "
        f"{names}. Use file names, or numbers from 0 to {len(images) - 1}."
    )


def _wrong_coordinates(table: PointsTable, places: _Places) -> InputError:
    return InputError(
        f"The points have {table.points.shape[1]} coordinates, but {places.name} needs "
        f"{places.n_coordinates} ({', '.join(places._names)}). Save the points from a layer over "
        f"that image, or correct the image's axes with --axes."
    )


def _joined_classes(
    tables: Sequence[PointsTable],
) -> tuple[NDArray[np.int64] | None, dict[int, str]]:
    """Classes of all tables under one numbering: a name means the same class in each."""
    with_classes = [table.classes is not None for table in tables]
    if not any(with_classes):
        return None, {}
    if not all(with_classes):
        raise InputError(
            "Some tables of points have a column `class` and others have none. "
            "Give it to all or none."
        )
    named = [bool(table.class_names) for table in tables]
    if any(named) and not all(named):
        raise InputError(
            "Some tables of points name their classes and others number them. Use one of both."
        )
    order = list(dict.fromkeys(name for table in tables for name in table.class_names.values()))
    numbers = [
        np.array([order.index(table.class_names[int(c)]) + 1 if c else 0 for c in table.classes])
        if table.class_names
        else table.classes
        for table in tables
        if table.classes is not None
    ]
    return np.concatenate(numbers), dict(enumerate(order, 1))
