"""What the layers of prompts ask for together: points, shapes and scribbles as one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points, Shapes

from ..errors import InputError
from ..prompts import Stroke
from . import prompts_layer, strokes_layer
from .live import Request
from .session import Prepared

if TYPE_CHECKING:
    from napari.components import ViewerModel


@dataclass(frozen=True, eq=False)
class PromptLayers:
    """The layers that are looked at; any of them may be missing."""

    points: Points | None
    negative: Points | None
    shapes: Shapes | None
    scribbles: Labels | None


@dataclass(frozen=True, eq=False)
class Asked:
    """A request, also without a positive prompt, and what could not be made part of it.

    Attributes
    ----------
    request : Request
    outside : int
        Points and shapes that lie on no image.
    unreadable : str
        Why a layer of strokes could not be read; empty if all could.
    """

    request: Request
    outside: int
    unreadable: str


def read_prompts(
    prepared: Prepared,
    viewer: ViewerModel,
    layers: PromptLayers,
    options: dict[str, Any],
    heat_label: int | None,
) -> Asked:
    """Read all prompts on prepared images, with options of `PromptSegmenter.predict`."""
    points, negative = layers.points, layers.negative
    places, inside = np.zeros((0, 3)), np.zeros(0, dtype=bool)
    signs, labels = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)
    if points is not None:
        places, inside = prepared.locate(points, viewer, prompts_layer.read_images(points))
        signs, labels = prompts_layer.read_signs(points), prompts_layer.read_classes(points)
    if negative is not None and negative is not points:
        more, more_inside = prepared.locate(negative, viewer, prompts_layer.read_images(negative))
        places, inside = np.vstack([places, more]), np.concatenate([inside, more_inside])
        signs = np.concatenate([signs, np.zeros(len(more), dtype=bool)])
        labels = np.concatenate([labels, prompts_layer.read_classes(negative, default=0)])
    # Class 0 is no class: such a point, made by hand in the table, counts for none.
    usable = inside & ((labels > 0) | ~signs)
    strokes, ignored, unreadable = _read_strokes(prepared, viewer, layers)
    request = Request(
        places[usable],
        signs[usable],
        labels[usable],
        options,
        heat_label=heat_label,
        strokes=tuple(strokes),
    )
    return Asked(request, int(np.count_nonzero(~inside)) + ignored, unreadable)


def _read_strokes(
    prepared: Prepared, viewer: ViewerModel, layers: PromptLayers
) -> tuple[list[Stroke], int, str]:
    """What was drawn, how much of it is ignored, and why a layer could not be read."""
    readers: tuple[tuple[Any, Any], ...] = (
        (layers.shapes, strokes_layer.read_shapes),
        (layers.scribbles, strokes_layer.read_scribbles),
    )
    strokes: list[Stroke] = []
    ignored, unreadable = 0, ""
    for layer, reader in readers:
        if layer is None:
            continue
        try:
            read = reader(layer, prepared, viewer)
        except InputError as error:
            unreadable = str(error)
            continue
        strokes += read.strokes
        ignored += read.ignored
    return strokes, ignored, unreadable
