"""Shapes as areas of the plane on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..prompts.drawing import polygon_area
from .layers import data_to_world

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Shapes

    from .layers import Source

_ELLIPSE_VERTICES = 64


def in_image(image: Image, world: NDArray[np.float64], viewer: ViewerModel) -> NDArray[np.float64]:
    """World coordinates as data coordinates of an image; what they lack is what sliders show."""
    missing = image.ndim - world.shape[1]
    if missing > 0:
        first = viewer.dims.ndim - image.ndim
        sliders = np.asarray(viewer.dims.point)[first : first + missing]
        world = np.column_stack([np.tile(sliders, (len(world), 1)), world])
    matrix, offset = data_to_world(image)
    places: NDArray[np.float64] = np.linalg.solve(matrix, (world[:, -image.ndim :] - offset).T).T
    return places


def outline(vertices: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """The polygon that a shape is: of an ellipse napari keeps the corners around it."""
    if kind != "ellipse":
        return vertices
    middle = vertices.mean(axis=0)
    one, other = (vertices[1] - vertices[0]) / 2, (vertices[3] - vertices[0]) / 2
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_VERTICES, endpoint=False)[:, np.newaxis]
    return middle + np.cos(angles) * one + np.sin(angles) * other


def area_of_shape(shapes: Shapes, source: Source, viewer: ViewerModel) -> NDArray[np.bool_]:
    """Pixels (h, w) of a plane of a source that the selected (or last) shape surrounds.

    Raises
    ------
    InputError
        If there is none, or it surrounds nothing of the image.
    """
    image = source.layer
    if image is None or not len(shapes.data):
        raise InputError("Draw a shape around one painted copy first.")
    number = max(shapes.selected_data, default=len(shapes.data) - 1)
    kind = str(shapes.shape_type[number])
    if kind in ("line", "path"):
        raise InputError("A line surrounds nothing. Draw a rectangle, an ellipse or a polygon.")
    matrix, offset = data_to_world(shapes)
    vertices = outline(np.asarray(shapes.data[number], dtype=float), kind)
    pixels, _ = source.pixels_of(in_image(image, vertices @ matrix.T + offset, viewer))
    height, width = (int(source.sizes[source.names.index(name)]) for name in "YX")
    # Shapes are kept as float32: what was drawn from pixel to pixel shall end there.
    area = polygon_area(np.round(pixels[:, 1:], 3), (height, width))
    if area.empty:
        raise InputError("That shape does not touch the image. Draw it around a painted copy.")
    inside = np.zeros((height, width), dtype=bool)
    inside[area.window] = area.inside
    return inside
