"""Layers of prompts that are drawn: Shapes around things, Labels scribbled over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray

from ..errors import InputError
from ..prompts import Box, Polygon, Scribble, Stroke
from . import prompts_layer
from .classes import ClassList
from .layers import Source, data_to_world, free_name, lay_on

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Shapes

    from .session import Prepared

# The label of scribbles that means "not this"; the largest that every type of labels can hold.
NEGATIVE = 255
_ELLIPSE_VERTICES = 64
# A scribble has few labels; a map of instances would make as many classes.
_MOST_LABELS = 50
# A label's pixel is cut in so many parts at most to cover finer pixels of an image.
_MOST_PARTS = 2**22


# ------------------------------------------------------------------------------------- new layers


def add_shapes_layer(viewer: ViewerModel, sources: list[Source], classes: ClassList) -> Shapes:
    """Add an empty Shapes layer on the image, ready for a box."""
    layer = prompts_layer.base_layer(sources)
    source = next(source for source in sources if source.layer is layer)
    rows, columns = source.names.index("Y"), source.names.index("X")
    side = min((source.sizes * source.factors)[[rows, columns]])
    shapes = viewer.add_shapes(
        ndim=layer.ndim,
        name=free_name(viewer, f"{layer.name} shapes"),
        edge_width=float(np.clip(side / 200, 0.5, 10)),
        metadata={"napari_ncut": {"role": "shapes"}},
        **lay_on(layer, np.ones(layer.ndim), np.zeros(layer.ndim)),
    )
    prompts_layer.adopt(shapes, classes, image=sources[0].name if len(sources) > 1 else None)
    shapes.mode = "add_rectangle"
    return shapes


def add_scribbles_layer(viewer: ViewerModel, sources: list[Source], classes: ClassList) -> Labels:
    """Add an empty Labels layer on the image, ready for painting."""
    layer = prompts_layer.base_layer(sources)
    source = next(source for source in sources if source.layer is layer)
    shape = source.whole_shape()
    labels = viewer.add_labels(
        np.zeros(shape, dtype=np.uint8),
        name=free_name(viewer, f"{layer.name} scribbles"),
        opacity=0.8,
        metadata={"napari_ncut": {"role": "scribbles"}},
        **source.spatial(whole=True),
    )
    side = min(shape[source.names.index("Y")], shape[source.names.index("X")])
    labels.brush_size = int(np.clip(side / 100, 2, 12))
    labels.selected_label = classes.current
    paint_scribbles(labels, classes)
    labels.mode = "paint"
    return labels


def is_made_by_us(layer: Any) -> bool:
    """Whether this module added a layer, so that its colors are ours to choose."""
    return layer.metadata.get("napari_ncut", {}).get("role") in ("shapes", "scribbles")


def paint_scribbles(labels: Labels, classes: ClassList) -> None:
    """Let colors be those of the classes, and what is negative black."""
    labels.colormap = DirectLabelColormap(color_dict={**classes.color_dict(), NEGATIVE: "black"})


def paint_shapes(shapes: Shapes, classes: ClassList) -> None:
    """Let outlines be in the color of their class, and what is negative dark inside."""
    if not len(shapes.data):
        return
    signs, labels = prompts_layer.read_signs(shapes), prompts_layer.read_classes(shapes)
    known = {entry.label: transform_color(entry.color)[0] for entry in classes.entries}
    gray = transform_color("gray")[0]
    edges = np.array([known.get(int(label), gray) for label in labels])
    faces = np.where(signs[:, np.newaxis], edges * [1, 1, 1, 0.15], [0, 0, 0, 0.5])
    for name, wanted in (("edge_color", edges), ("face_color", faces)):
        if not np.allclose(getattr(shapes, name), wanted):
            setattr(shapes, name, wanted)


# ----------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, eq=False)
class Read:
    """Strokes of a layer, and how many things in it are none: off the images, or without area."""

    strokes: list[Stroke]
    ignored: int


def read_shapes(shapes: Shapes, prepared: Prepared, viewer: ViewerModel) -> Read:
    """What is drawn in a Shapes layer; coordinates go through the world, as those of points do.

    Rectangles are boxes where they lie along rows and columns of the image; they, polygons and
    ellipses surround things. Lines and paths are scribbles.
    """
    signs, labels = prompts_layer.read_signs(shapes), prompts_layer.read_classes(shapes)
    images = prompts_layer.read_images(shapes)
    matrix, offset = data_to_world(shapes)
    strokes: list[Stroke] = []
    for i, (vertices, kind) in enumerate(zip(shapes.data, shapes.shape_type, strict=True)):
        if labels[i] < (1 if signs[i] else 0):
            continue
        world = np.asarray(vertices, dtype=float) @ matrix.T + offset
        wanted = None if images is None else images[i]
        stroke = _shape_stroke(prepared, viewer, world, str(kind), signs[i], labels[i], wanted)
        if stroke is not None:
            strokes.append(stroke)
    return Read(strokes, len(shapes.data) - len(strokes))


def _shape_stroke(
    prepared: Prepared,
    viewer: ViewerModel,
    world: NDArray[np.float64],
    kind: str,
    positive: bool,
    label: int,
    image: str | None,
) -> Stroke | None:
    """The stroke on the image that is named, or on the first that the shape lies on."""
    numbers = sorted(range(len(prepared.sources)), key=lambda n: prepared.sources[n].name != image)
    for number in numbers:
        places = _on_one_plane(prepared, number, world, viewer)
        if places is None:
            continue
        plane, vertices = places
        try:
            stroke = _as_stroke(kind, vertices, plane, int(label), bool(positive))
        except InputError:
            # Without an area: a click with the rectangle tool, or a polygon at its first corners.
            continue
        if not stroke.area(prepared.embedding.layout.shapes[plane]).empty:
            return stroke
    return None


def _on_one_plane(
    prepared: Prepared, number: int, world: NDArray[np.float64], viewer: ViewerModel
) -> tuple[int, NDArray[np.float64]] | None:
    """The plane of a source on which all vertices lie, and their (row, column), also beyond it."""
    source = prepared.sources[number]
    in_layer = prepared.in_layer(source, world, viewer)
    if in_layer is None:
        return None
    places, _ = source.pixels_of(in_layer)
    # Rows and columns do not choose the plane: a box may reach beyond the image.
    for dim in (source.names.index("Y"), source.names.index("X")):
        in_layer[:, dim] = (source.starts[dim] + 0.5) * source.factors[dim] - 0.5
    _, on_planes = source.pixels_of(in_layer)
    if not on_planes.all() or len(np.unique(places[:, 0])) != 1:
        return None
    # Shapes are kept as float32: what was drawn from pixel to pixel shall end there.
    vertices = np.round(places[:, 1:], 3)
    return int(prepared.first_planes[number] + places[0, 0]), vertices


def _as_stroke(
    kind: str, vertices: NDArray[np.float64], plane: int, label: int, positive: bool
) -> Stroke:
    if kind in ("line", "path"):
        return Scribble(vertices, plane=plane, label=label, positive=positive)
    if kind == "rectangle":
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        along = np.isclose(vertices, low, atol=1e-3) | np.isclose(vertices, high, atol=1e-3)
        if along.all():
            box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
            return Box(*box, plane=plane, label=label, positive=positive)
    if kind == "ellipse":
        # napari keeps the corners of the rectangle around it.
        middle = vertices.mean(axis=0)
        one, other = (vertices[1] - vertices[0]) / 2, (vertices[3] - vertices[0]) / 2
        angles = np.linspace(0, 2 * np.pi, _ELLIPSE_VERTICES, endpoint=False)[:, np.newaxis]
        vertices = middle + np.cos(angles) * one + np.sin(angles) * other
    return Polygon(vertices, plane=plane, label=label, positive=positive)


def read_scribbles(labels: Labels, prepared: Prepared, viewer: ViewerModel) -> Read:
    """What is painted in a Labels layer: label n is class n, `NEGATIVE` is "not this"."""
    data = np.asarray(labels.data[0] if labels.multiscale else labels.data)
    drawn = np.flatnonzero(data)
    if not len(drawn):
        return Read([], 0)
    values = data.reshape(-1)[drawn].astype(np.int64)
    present = np.unique(values)
    if len(present) > _MOST_LABELS or present[0] < 0:
        raise InputError(
            f"{labels.name!r} has {len(present)} labels from {present[0]} to {present[-1]}, but "
            f"scribbles have the numbers of classes, at most {_MOST_LABELS}. For instances, choose "
            f"a layer in which all have the number of their class."
        )
    world, parts = _world_of(labels, np.column_stack(np.unravel_index(drawn, data.shape)), prepared)
    places, inside = prepared.locate_world(world, viewer)
    places, values = places[inside], np.repeat(values, parts)[inside]
    if not len(places):
        return Read([], 1)
    pixels = np.floor(places + 0.5).astype(np.int64)
    strokes: list[Stroke] = []
    for plane, label in np.unique(np.column_stack([pixels[:, 0], values]), axis=0):
        mine = (pixels[:, 0] == plane) & (values == label)
        own = np.zeros(prepared.embedding.layout.shapes[plane], dtype=bool)
        rows, columns = np.clip(pixels[mine, 1:], 0, np.array(own.shape) - 1).T
        own[rows, columns] = True
        positive = bool(label != NEGATIVE)
        number = int(label) if positive else 0
        strokes.append(Scribble(own, plane=int(plane), label=number, positive=positive))
    return Read(strokes, 0)


def _world_of(
    labels: Labels, places: NDArray[np.int64], prepared: Prepared
) -> tuple[NDArray[np.float64], int]:
    """World coordinates of label pixels, each in as many parts as pixels of the images need."""
    matrix, offset = data_to_world(labels)
    finest = np.inf
    for source in prepared.sources:
        layer = source.layer
        if layer is not None:
            dims = [source.names.index("Y"), source.names.index("X")]
            sizes = np.linalg.norm(data_to_world(layer)[0], axis=0) * source.factors
            finest = min(finest, sizes[dims].min())
    coarse = np.linalg.norm(matrix, axis=0)[-2:].max()
    side = int(
        np.clip(np.ceil(coarse / finest - 1e-6), 1, max(1, (_MOST_PARTS / len(places)) ** 0.5))
    )
    shifts = (np.arange(side) + 0.5) / side - 0.5
    grid = np.zeros((side * side, labels.ndim))
    grid[:, -2:] = np.stack(np.meshgrid(shifts, shifts, indexing="ij"), axis=-1).reshape(-1, 2)
    fine = (places[:, np.newaxis] + grid).reshape(-1, labels.ndim)
    return fine @ matrix.T + offset, side * side
