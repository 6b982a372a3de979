"""Layers of GrabCut: rectangles, marks with named colors, and the segments that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from ..classic import Mark
from ..errors import InputError
from .layers import block_in, data_to_world, free_name, lay_on, unwrap
from .outlines import outline_or_fill
from .region_paint import new_labels
from .roles import SEGMENTS, labels_on, note, notes_of, role_of
from .shapes_area import in_image

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from .layers import Source

BOXES, MARKS = "grabcut boxes", "grabcut marks"
_MADE_BY = "GrabCut"
# What one paints, what it is called, its color: green and orange stay apart for all eyes.
MARK_KINDS = (
    (Mark.FOREGROUND, "Foreground", "#009e73"),
    (Mark.BACKGROUND, "Background", "#d55e00"),
    (Mark.PROBABLY_FOREGROUND, "Likely foreground", "#8fe3c8"),
    (Mark.PROBABLY_BACKGROUND, "Likely background", "#ffbf94"),
)
_BOX_COLOR = "#ffb000"


def boxes_layer(viewer: ViewerModel, source: Source) -> Shapes:
    """Add an empty Shapes layer on an image, ready for a rectangle."""
    image = _image_of(source)
    side = min((source.sizes * source.factors)[[source.names.index(name) for name in "YX"]])
    shapes = viewer.add_shapes(
        ndim=image.ndim,
        name=free_name(viewer, f"{image.name} rectangles"),
        edge_width=float(np.clip(side / 200, 0.5, 10)),
        edge_color=_BOX_COLOR,
        face_color="transparent",
        # Whoever looks at layers as they are added knows them by it.
        metadata={"napari_ncut": {"role": BOXES}},
        **lay_on(image, np.ones(image.ndim), np.zeros(image.ndim)),
    )
    shapes.current_edge_color = _BOX_COLOR
    shapes.current_face_color = "transparent"
    shapes.mode = "add_rectangle"
    return unwrap(shapes)


def marks_layer(viewer: ViewerModel, source: Source) -> Labels:
    """Add an empty Labels layer on an image, ready for marks."""
    image = _image_of(source)
    shape = source.whole_shape()
    names = {int(mark): name for mark, name, _ in MARK_KINDS}
    marks = viewer.add_labels(
        np.zeros(shape, np.uint8),
        name=free_name(viewer, f"{image.name} marks"),
        opacity=0.8,
        metadata={"napari_ncut": {"role": MARKS, "classes": names}},
        **source.spatial(whole=True),
    )
    colors = {int(mark): color for mark, _, color in MARK_KINDS}
    marks.colormap = DirectLabelColormap(
        color_dict={None: "transparent", 0: "transparent", **colors}
    )
    side = min(shape[source.names.index(name)] for name in "YX")
    marks.brush_size = int(np.clip(side / 80, 3, 15))
    marks.selected_label = int(Mark.FOREGROUND)
    marks.mode = "paint"
    return unwrap(marks)


def are_boxes(layer: Any) -> bool:
    """Whether a layer holds rectangles of ours."""
    return role_of(layer) == BOXES


def are_marks(layer: Any) -> bool:
    """Whether a layer holds marks of ours."""
    return role_of(layer) == MARKS


def boxes_on_plane(
    shapes: Shapes, source: Source, plane: int, viewer: ViewerModel
) -> tuple[list[tuple[float, ...]], int]:
    """Shapes as boxes (row, column, row, column) in pixels of a plane of a source.

    Returns
    -------
    list of boxes, int
        Of all that lie on that plane; and how many on it could not be used, since they have no area
        or do not touch the image.
    """
    matrix, offset = data_to_world(shapes)
    image = _image_of(source)
    dims = [source.names.index(name) for name in "YX"]
    height, width = (int(source.sizes[dim]) for dim in dims)
    boxes, unusable = [], 0
    for vertices in shapes.data:
        world = np.asarray(vertices, dtype=float) @ matrix.T + offset
        places = in_image(image, world, viewer)
        pixels, _ = source.pixels_of(places)
        # Rows and columns do not choose the plane: a rectangle may reach beyond the image.
        places[:, dims] = ((source.starts + 0.5) * source.factors - 0.5)[dims]
        of_plane, inside = source.pixels_of(places)
        if not inside.all() or (of_plane[:, 0] != plane).any():
            continue
        # Shapes are kept as float32: what was drawn from pixel to pixel shall end there.
        low, high = np.round(pixels[:, 1:].min(axis=0), 3), np.round(pixels[:, 1:].max(axis=0), 3)
        touches = (high > -0.5).all() and low[0] < height - 0.5 and low[1] < width - 0.5
        if touches and (high > low).all():
            boxes.append((*low.tolist(), *high.tolist()))
        else:
            unusable += 1
    return boxes, unusable


def marks_on_plane(layer: Labels, source: Source, plane: int) -> NDArray[np.uint8]:
    """A copy of the marks of a plane of a source, (h, w)."""
    block = source.plane_in(block_in(layer, source), plane)
    return np.array(block, dtype=np.uint8)


def result_layer(viewer: ViewerModel, source: Source) -> tuple[Labels, bool]:
    """The Labels layer that segments of an image go to, and whether it is new, not yet added."""
    for layer in labels_on(viewer, _image_of(source), SEGMENTS):
        fits = tuple(layer.data.shape) == source.whole_shape()
        if fits and notes_of(layer).get("made_by") == _MADE_BY:
            return layer, False
    layer = new_labels(viewer, source, _MADE_BY)
    outline_or_fill(layer, source)
    note(layer, role=SEGMENTS, made_by=_MADE_BY)
    return layer, True


def _image_of(source: Source) -> Image:
    image = source.layer
    if image is None:
        raise InputError(f"The image “{source.name}” is gone. Choose another.")
    return image
