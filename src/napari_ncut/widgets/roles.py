"""What layers are to us: a word in their metadata that widgets know each other's layers by.

A Labels layer of segments holds what can be painted, one whole number from 1 for each, 0 where
there is none; a painted one holds classes, 0 where nothing is painted. Both lie on their image,
pixel by pixel, and belong to whichever image that is: no widget has to be told of another's layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from .layers import data_to_world, unwrap

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

SEGMENTS = "segments"
PAINTED = "painted"
_KEY = "napari_ncut"


def notes_of(layer: Layer) -> dict[str, Any]:
    """What we have noted in a layer: "role", and "classes" as label → name where it has some."""
    return dict(layer.metadata.get(_KEY, {}))


def note(layer: Layer, **notes: Any) -> None:
    """Note more in a layer, such as ``role=PAINTED``; all else that is noted stays."""
    layer.metadata[_KEY] = {**notes_of(layer), **notes}


def role_of(layer: Layer) -> str:
    """The role of a layer, "" of one that is not ours."""
    return str(notes_of(layer).get("role", ""))


def labels_on(viewer: ViewerModel, image: Image, role: str) -> list[Labels]:
    """Labels layers of a role that lie on an image pixel by pixel, the topmost first."""
    return [
        unwrap(layer)
        for layer in reversed(viewer.layers)
        if isinstance(unwrap(layer), Labels) and role_of(layer) == role and lies_on(layer, image)
    ]


def machine_segments(viewer: ViewerModel, image: Image) -> Labels | None:
    """Segments on an image that a method made, and that another may take the place of.

    They are those with a note "segmenter", the method with its parameters.
    """
    layers = labels_on(viewer, image, SEGMENTS)
    return next((layer for layer in layers if "segmenter" in notes_of(layer)), None)


def lies_on(layer: Labels, image: Image) -> bool:
    """Whether labels cover an image pixel by pixel; of a pyramid, one of its levels."""
    if layer.multiscale or layer.ndim != image.ndim:
        return False
    shapes = [level.shape for level in image.data] if image.multiscale else [image.data.shape]
    ndim = image.ndim
    shape = tuple(layer.data.shape)
    fitting = [own[:ndim] for own in shapes if tuple(own[:ndim]) == shape]
    if not fitting:
        return False
    factors = np.array(shapes[0][:ndim]) / np.array(shape)
    matrix, offset = data_to_world(image)
    own_matrix, own_offset = data_to_world(layer)
    # The middle of the first pixel of a coarser level lies further in.
    first = offset + matrix @ ((factors - 1) / 2)
    near = 1e-6 * max(1.0, float(np.abs(first).max()))
    return bool(
        np.allclose(own_matrix, matrix * factors, atol=near)
        and np.allclose(own_offset, first, atol=near)
    )
