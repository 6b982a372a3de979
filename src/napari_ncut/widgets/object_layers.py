"""What "Find objects" adds to the viewer: labels of things, boxes around them, parts."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .layers import free_name, unwrap
from .segments import block_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..objects.joint import Parts
    from ..objects.localization import Localization
    from .layers import Source
    from .reading import Reading

_OPACITY = 0.5
_BOX_COLOR = "#ffb000"


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """Things of one image, made ready to be shown.

    Attributes
    ----------
    found : Localization
    labels : int32 array
        On the block that was read; every thing has a number of its own, plane after plane.
    """

    found: Localization
    labels: NDArray[np.int32] = field(repr=False)

    def describe(self, min_confidence: float) -> str:
        """How much was found, for the user."""
        n_things = sum(len(plane) for plane in self.found)
        best = max(self.found.confidence, default=0.0)
        if not n_things:
            return (
                f"Nothing here: the best guess has a confidence of {best:.2f}, below "
                f"{min_confidence:.2f}. Lower “Confidence” to see it."
            )
        empty = sum(not plane.found for plane in self.found)
        things = "1 object" if n_things == 1 else f"{n_things:,} objects"
        told = f"{things}, the surest with a confidence of {best:.2f}."
        return f"{told} Nothing in {empty} of {len(self.found)} planes." if empty else told


def object_steps(reading: Reading, options: dict[str, Any]) -> Steps[FoundObjects]:
    """Find things; torch is imported here, in the thread."""
    # The first step is shown before anything heavy is loaded.
    yield Progress("loading", 0, 1)
    from ..objects.finding import localize_steps

    found = yield from localize_steps(
        reading.images(),
        axes=reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        **options,
    )
    first, planes = 0, []
    for plane in found:
        planes.append(np.where(plane.labels > 0, plane.labels + first, 0))
        first += len(plane)
    return FoundObjects(found, block_of(reading.sources[0], planes))


def part_steps(
    reading: Reading, masks: Any, options: dict[str, Any]
) -> Steps[tuple[Parts, NDArray[np.int32]]]:
    """Parts of things, and the array that shows them."""
    yield Progress("loading", 0, 1)
    from ..objects.joint import parts_steps

    found = yield from parts_steps(
        reading.images(),
        masks=masks,
        axes=reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        **options,
    )
    return found, block_of(reading.sources[0], found.planes)


def mask_of(layer: Labels, source: Source) -> NDArray[np.bool_]:
    """Where things are now in a layer that lies on what was read, shaped as the planes."""
    data = np.asarray(layer.data)
    planes = [source.plane_in(data, i) > 0 for i in range(source.n_planes)]
    return np.stack(planes).reshape(*source.stack_shape, *planes[0].shape)


def object_layers(
    viewer: ViewerModel, source: Source, result: FoundObjects, *, boxes: bool
) -> list[Layer]:
    """Layers of things and of their boxes, which lie on the image; not yet in the viewer."""
    image = source.layer
    stem = source.name if image is None else image.name
    labels = Labels(
        result.labels,
        name=free_name(viewer, f"{stem} objects"),
        opacity=_OPACITY,
        **source.spatial(),
    )
    labels.features = object_features(result.found)
    labels.metadata["napari_ncut"] = {"role": "objects"}
    layers: list[Layer] = [labels]
    if boxes and any(plane.found for plane in result.found):
        layers.append(box_layer(viewer, source, result.found, f"{stem} boxes"))
    return layers


def box_layer(viewer: ViewerModel, source: Source, found: Localization, name: str) -> Shapes:
    """Rectangles around things, along the edges of their outermost pixels."""
    rectangles, sure = [], []
    for plane, of_plane in enumerate(found):
        for box, confidence in zip(of_plane.boxes, of_plane.confidences, strict=True):
            rectangles.append(_corners(source, plane, box))
            sure.append(float(confidence))
    layer = Shapes(
        rectangles,
        ndim=len(source.names),
        shape_type="rectangle",
        name=free_name(viewer, name),
        edge_color=_BOX_COLOR,
        face_color="transparent",
        edge_width=max(1.0, min(found[0].soft.shape) / 250),
        features={"confidence": np.round(sure, 2)},
        text={
            "string": "{confidence}",
            "color": _BOX_COLOR,
            "size": 9,
            "anchor": "upper_left",
            "translation": np.zeros(len(source.names)),
        },
        **source.spatial(),
    )
    layer.metadata["napari_ncut"] = {"role": "boxes"}
    return layer


def _corners(source: Source, plane: int, box: NDArray) -> NDArray[np.float64]:
    """The four corners of a box in the data coordinates of a layer on the block."""
    top, left, bottom, right = (float(side) - 0.5 for side in box)
    corners = np.zeros((4, len(source.names)))
    for i, (name, place) in enumerate(zip(source.names, source.plane_key(plane), strict=True)):
        if name == "Y":
            corners[:, i] = [top, top, bottom, bottom]
        elif name == "X":
            corners[:, i] = [left, right, right, left]
        elif not isinstance(place, slice):
            corners[:, i] = place
    return corners


def part_layer(viewer: ViewerModel, source: Source, labels: NDArray[np.int32]) -> Labels:
    """A layer of parts, which lies on the image; not yet in the viewer."""
    image = source.layer
    stem = source.name if image is None else image.name
    layer = Labels(
        labels, name=free_name(viewer, f"{stem} parts"), opacity=_OPACITY, **source.spatial()
    )
    layer.metadata["napari_ncut"] = {"role": "parts"}
    return layer


def object_features(found: Localization) -> Any:
    """What is known of every thing, as a table."""
    import pandas as pd

    counts = [len(plane) for plane in found]
    sure = [plane.confidences for plane in found]
    areas = [plane.objects.areas for plane in found]
    return pd.DataFrame(
        {
            "index": np.arange(1, sum(counts) + 1),
            "plane": np.repeat(np.arange(len(counts)), counts),
            "confidence": np.round(np.concatenate(sure), 4) if sure else [],
            "area": np.concatenate(areas) if areas else [],
        }
    )


class LayerSwap:
    """Layers that come in place of others, as a command that can be undone.

    Parameters
    ----------
    name
        Of the command.
    viewer
        Where they lie.
    old, new
        Layers that go, and those that come. Layers that the user has deleted stay deleted.
    """

    def __init__(self, name: str, viewer: ViewerModel, old: list[Layer], new: list[Layer]) -> None:
        self.name = name
        self._viewer = weakref.ref(viewer)
        self._old = [unwrap(layer) for layer in old]
        self._new = [unwrap(layer) for layer in new]

    def redo(self) -> None:
        """Show the new ones."""
        self._old = self._swap(self._old, self._new)

    def undo(self) -> None:
        """Show the old ones."""
        self._new = self._swap(self._new, self._old)

    def _swap(self, going: list[Layer], coming: list[Layer]) -> list[Layer]:
        viewer = self._viewer()
        if viewer is None:
            return going
        gone = [layer for layer in going if layer in viewer.layers]
        for layer in gone:
            viewer.layers.remove(layer)
        for layer in coming:
            viewer.layers.append(layer)
        return gone
