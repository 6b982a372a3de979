"""The two layers of one image that show its segments and their classes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from .label_edit import PlaneKey, key_in_layer
from .layers import free_name, lay_on, unwrap
from .preview import add_below
from .segment_state import SegmentState, changed_planes
from .segment_tables import (
    Table,
    beside_others,
    class_features,
    instance_features,
    mask_features,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..sam.mask_set import MaskSet
    from .layers import Source

_OPACITY = 0.6


class SegmentLayers:
    """The layers of instances and of classes of one image among those read together.

    Parameters
    ----------
    viewer
        Where the layers are.
    source
        What was read of the image.
    number
        Of the image, from 0.
    masks
        Of the planes of the image.
    first_plane, first_mask
        How many planes and masks images before it have.
    instances
        `instance_block` of the masks.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        source: Source,
        number: int,
        masks: Sequence[MaskSet],
        first_plane: int,
        first_mask: int,
        instances: NDArray,
    ) -> None:
        self._viewer = viewer
        self.source = source
        self.number = number
        self.planes = range(first_plane, first_plane + len(masks))
        self.first_mask = first_mask
        self._masks = masks
        self._classes: weakref.ref[Labels] | None = None
        layer = self._add("instances", instances)
        self._instances = weakref.ref(layer)
        layer.features = mask_features(masks, first_mask)

    @property
    def instances(self) -> Labels | None:
        """The layer of instances, None once it is deleted."""
        return self._alive(self._instances)

    @property
    def classes(self) -> Labels | None:
        """The layer of classes, None before there are classes and once it is deleted."""
        return self._alive(self._classes)

    @property
    def both(self) -> list[Labels]:
        """Those of both that there are, instances first."""
        return [one for one in (self.instances, self.classes) if one is not None]

    def block(self, state: SegmentState) -> NDArray[np.int32]:
        """Class label maps of the image as one array."""
        return block_of(self.source, state.planes(self.planes))

    def add_classes(
        self, block: NDArray, colors: dict[int | None, str], painted: Callable[[Any], None]
    ) -> None:
        """Add the layer of classes; `painted` is called when somebody paints on it."""
        instances = self.instances
        layer = self._add("classes", block, below=instances)
        if instances is not None and not instances.contour:
            # Two fillings on one another would mix their colors.
            instances.contour = 1
        layer.colormap = DirectLabelColormap(color_dict=colors)
        layer.events.paint.connect(painted)
        self._classes = weakref.ref(layer)

    def show(self, state: SegmentState, table: Table) -> None:
        """Tables and colors of both layers; pixels are written by commands.

        `table` is that of all images, `SemanticClasses.features`.
        """
        classes, instances = self.classes, self.instances
        if classes is not None:
            classes.colormap = DirectLabelColormap(color_dict=state.colors())
            classes.features = class_features(table, self.number, state.found.names)
            ours = classes.metadata.get("napari_ncut", {})
            classes.metadata["napari_ncut"] = {**ours, "classes": dict(state.found.names)}
        if instances is not None:
            own = instance_features(table, self.number)
            instances.features = beside_others(own, instances.features)

    def changes(
        self, layer: Labels, before: SegmentState, after: SegmentState
    ) -> Iterator[tuple[PlaneKey, NDArray, NDArray]]:
        """Where in the layer planes lie that change, what they hold, and what they are to hold."""
        if layer.data.shape != self.source.shape:
            return
        origin = np.zeros_like(self.source.starts)
        names = self.source.names
        rows_first = names.index("Y") < names.index("X")
        for plane in changed_planes(before, after):
            if plane not in self.planes:
                continue
            (old,), (new,) = before.planes([plane]), after.planes([plane])
            if not rows_first:
                old, new = old.T, new.T
            key = key_in_layer(self.source, plane - self.planes.start, origin)
            current = np.asarray(layer.data[key])
            yield key, current, np.where(old != new, new, current)

    def segment_at(self, layer: Labels, world: Any) -> int | None:
        """Number of the mask at a place in world coordinates, None where there is none.

        Parameters
        ----------
        layer
            One of the two layers.
        world
            Of the canvas.
        """
        place = np.asarray(layer.world_to_data(world), dtype=float)
        pixel = np.floor(place + 0.5).astype(int)
        if ((pixel < 0) | (pixel >= self.source.shape)).any():
            return None
        names = self.source.names
        stack = [int(pixel[i]) for i, name in enumerate(names) if name not in "CYX"]
        plane = int(np.ravel_multi_index(stack, self.source.stack_shape)) if stack else 0
        row, column = int(pixel[names.index("Y")]), int(pixel[names.index("X")])
        masks = self._masks[plane]
        top, left, bottom, right = masks.boxes.T.reshape(4, -1)
        near = (top <= row) & (row < bottom) & (left <= column) & (column < right)
        holding = [
            i
            for i in np.flatnonzero(near).tolist()
            if masks.crops[i][row - int(top[i]), column - int(left[i])]
        ]
        if not holding:
            return None
        first = self.first_mask + sum(len(one) for one in self._masks[:plane])
        # The smallest lies on top, the first of equal ones.
        return first + min(holding, key=lambda i: (int(masks.areas[i]), i)) + 1

    # -------------------------------------------------------------------------------------- inside

    def _alive(self, reference: weakref.ref[Labels] | None) -> Labels | None:
        layer = None if reference is None else reference()
        return layer if layer is not None and layer in self._viewer.layers else None

    def _add(self, kind: str, data: NDArray, below: Labels | None = None) -> Labels:
        image = self.source.layer
        name = free_name(
            self._viewer, f"{self.source.name if image is None else image.name} {kind}"
        )
        layer = Labels(data, name=name, opacity=_OPACITY, **self._spatial())
        layer.metadata["napari_ncut"] = {"role": kind}
        add_below(self._viewer, layer, below)
        return unwrap(layer)

    def _spatial(self) -> dict[str, Any]:
        """Where the image lies; once it is deleted, where the layer of instances does."""
        if self.source.layer is not None:
            return self.source.spatial()
        other = self.instances
        if other is None:
            return {}
        return lay_on(other, np.ones(other.ndim), np.zeros(other.ndim))


def block_of(source: Source, planes: Sequence[NDArray]) -> NDArray[np.int32]:
    """Label maps (h, w) of all planes as one array that lies on the block that was read."""
    data = np.zeros(source.shape, np.int32)
    for i, plane in enumerate(planes):
        source.plane_in(data, i)[...] = plane
    return data


def instance_block(
    source: Source, masks: Sequence[MaskSet], first_mask: int = 0
) -> NDArray[np.int32]:
    """Every mask by a number of its own, plane after plane; smaller ones on top.

    `first_mask` is how many masks images before have: no number is twice in all of them.
    """
    planes = []
    for one in masks:
        planes.append(one.labels(np.arange(first_mask + 1, first_mask + len(one) + 1)))
        first_mask += len(one)
    return block_of(source, planes)
