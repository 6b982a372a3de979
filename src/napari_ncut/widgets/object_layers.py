"""What "Find objects" adds to the viewer: labels of things, boxes around them, parts."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer, Shapes
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .layers import free_name, unwrap
from .segment_layers import block_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..objects.joint import Parts
    from ..objects.localization import Localization
    from .layers import Source
    from .reading import Reading

# What a layer is to the widget, and the layer.
KindedLayer = tuple[str, Layer]
_OPACITY, _BOX_OPACITY = 0.5, 0.9
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
        if not best:
            return "Nothing here: no region stands out from what is around it."
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
    reading: Reading, masks: Sequence[NDArray[np.bool_]], options: dict[str, Any]
) -> Steps[tuple[Parts, list[NDArray[np.int32]]]]:
    """Parts of things, with masks of every image, and the arrays that show them."""
    yield Progress("loading", 0, 1)
    from ..objects.joint import parts_steps

    found = yield from parts_steps(
        reading.images(),
        masks=list(masks) if len(reading.sources) > 1 else masks[0],
        axes=reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        **options,
    )
    planes = iter(found.planes)
    blocks = [block_of(source, list(islice(planes, source.n_planes))) for source in reading.sources]
    return found, blocks


def mask_of(layer: Labels, source: Source) -> NDArray[np.bool_]:
    """Where things are now in a layer that lies on what was read, shaped as the planes."""
    data = np.asarray(layer.data)
    planes = [source.plane_in(data, i) > 0 for i in range(source.n_planes)]
    return np.stack(planes).reshape(*source.stack_shape, *planes[0].shape)


def object_layer(viewer: ViewerModel, source: Source, result: FoundObjects) -> Labels:
    """A layer of things, which lies on the image; not yet in the viewer."""
    layer = Labels(
        result.labels,
        name=free_name(viewer, f"{_stem(source)} objects"),
        opacity=_OPACITY,
        **source.spatial(),
    )
    layer.features = object_features(result.found)
    layer.metadata["napari_ncut"] = {"role": "objects"}
    return layer


@dataclass(frozen=True, eq=False)
class Boxes:
    """Rectangles around things, along the edges of their outermost pixels, and how sure they are.

    Attributes
    ----------
    corners : list of arrays (4, ndim)
        In the data coordinates of a layer on the block that was read.
    confidences : list of float
    """

    corners: list[NDArray[np.float64]] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, source: Source, found: Localization) -> Boxes:
        """Of all things of an image."""
        pairs = [
            (_corners(source, plane, box), round(float(sure), 2))
            for plane, one in enumerate(found)
            for box, sure in zip(one.boxes, one.confidences, strict=True)
        ]
        return cls([corners for corners, _ in pairs], [sure for _, sure in pairs])

    @classmethod
    def on(cls, layer: Shapes) -> Boxes:
        """Those that a layer shows now; none if it is transparent."""
        if not len(layer.data) or not layer.opacity:
            return cls()
        return cls([np.array(one) for one in layer.data], layer.features["confidence"].tolist())

    def show(self, layer: Shapes) -> None:
        """Let a layer show these in place of what it shows; without any it is transparent."""
        layer.opacity = _BOX_OPACITY if self.corners else 0.0
        if not self.corners or self._are_in(layer):
            return
        layer.selected_data = set()
        layer.data = [(corners, "rectangle") for corners in self.corners]
        layer.edge_color = _BOX_COLOR
        layer.face_color = "transparent"
        layer.edge_width = float(layer.metadata["napari_ncut"]["width"])
        layer.features = {"confidence": self.confidences}

    def _are_in(self, layer: Shapes) -> bool:
        return len(layer.data) == len(self.corners) and all(
            np.array_equal(one, other) for one, other in zip(layer.data, self.corners, strict=True)
        )


def box_layer(viewer: ViewerModel, source: Source) -> Shapes:
    """A layer for boxes, which lies on the image, still empty; not yet in the viewer.

    It stays once it is there, and undo makes it transparent: napari's canvas may end the process
    when shapes that were taken down, emptied or hidden are drawn again after other layers have
    come and gone (0.9.2, on a software renderer).
    """
    layer = Shapes(
        ndim=len(source.names),
        name=free_name(viewer, f"{_stem(source)} boxes"),
        features={"confidence": np.zeros(0)},
        text={
            "string": "{confidence}",
            "color": _BOX_COLOR,
            "size": 9,
            "anchor": "upper_left",
        },
        **source.spatial(),
    )
    width = max(1.0, min(source.sizes[source.names.index(name)] for name in "YX") / 250)
    layer.metadata["napari_ncut"] = {"role": "boxes", "width": float(width)}
    return layer


def show_boxes(reference: weakref.ref[Shapes], boxes: Boxes) -> None:
    """Let a layer show boxes, if it is still there."""
    if (layer := reference()) is not None:
        boxes.show(layer)


def _stem(source: Source) -> str:
    image = source.layer
    return source.name if image is None else str(image.name)


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
    name = free_name(viewer, f"{_stem(source)} parts")
    layer = Labels(labels, name=name, opacity=_OPACITY, **source.spatial())
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

    A layer that comes back is made anew from what it held when it went: its canvas is gone.

    Parameters
    ----------
    name
        Of the command.
    viewer
        Where they lie.
    old, new
        Layers that go, by what they are to the widget, and those that come. Layers that the user
        has deleted stay deleted.
    on_made
        Called with what they are to the widget and with every layer that comes.
    """

    def __init__(
        self,
        name: str,
        viewer: ViewerModel,
        old: Sequence[KindedLayer],
        new: Sequence[KindedLayer],
        on_made: Callable[[str, Layer], None],
    ) -> None:
        self.name = name
        self._viewer = weakref.ref(viewer)
        self._on_made = on_made
        self._shown = [(kind, weakref.ref(unwrap(layer))) for kind, layer in old]
        self._hidden: list[tuple[str, Any]] = [(kind, unwrap(layer)) for kind, layer in new]

    def redo(self) -> None:
        """Show the new ones."""
        self._swap()

    def undo(self) -> None:
        """Show the old ones."""
        self._swap()

    def _swap(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        gone: list[tuple[str, Any]] = []
        for kind, reference in self._shown:
            layer = reference()
            if layer is not None and layer in viewer.layers:
                gone.append((kind, layer.as_layer_data_tuple()))
                viewer.layers.remove(layer)
        self._shown = []
        for kind, kept in self._hidden:
            layer = Layer.create(*kept) if isinstance(kept, tuple) else kept
            viewer.layers.insert(_under_boxes(viewer), layer)
            self._shown.append((kind, weakref.ref(layer)))
            self._on_made(kind, layer)
        self._hidden = gone


def _under_boxes(viewer: ViewerModel) -> int:
    """Where to lay something that boxes are to be seen on."""
    roles = [layer.metadata.get("napari_ncut", {}).get("role") for layer in viewer.layers]
    return roles.index("boxes") if "boxes" in roles else len(roles)
