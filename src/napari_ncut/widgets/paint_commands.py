"""Edits of two layers as one command of the history, shown where they changed something."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..painting.blocks import union

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..painting.edits import Box, Edit

# What napari shows a part of a layer with, and shows to nobody. Without them all is drawn anew.
_PARTIAL = ("_partial_labels_refresh", "_slice", "_slice_input", "_updated_slice")

Written = Callable[["Labels", "Edit", bool], None]


class PaintEdits:
    """Edits of a layer of segments and of a painted one.

    Parameters
    ----------
    name
        Of the command.
    edits
        In the order in which they were made.
    segments, painted
        The layers; held weakly.
    written
        A method that is told of every edit that was written to a layer, and whether forward.
    """

    def __init__(
        self,
        name: str,
        edits: Sequence[Edit],
        segments: Labels | None,
        painted: Labels | None,
        written: Written,
    ) -> None:
        self.name = name
        self._edits = list(edits)
        layers = {"segments": segments, "painted": painted}
        self._layers = {name: weakref.ref(one) for name, one in layers.items() if one is not None}
        self._written = weakref.WeakMethod(written)

    def redo(self) -> None:
        """Write them again."""
        self._write(self._edits, forward=True)

    def undo(self) -> None:
        """Take them back, the last one first."""
        self._write(self._edits[::-1], forward=False)

    def _write(self, edits: list[Edit], *, forward: bool) -> None:
        tell = self._written()
        for edit in edits:
            layer = self._layer(edit)
            if layer is not None:
                edit.write(layer.data, forward=forward)
                if tell is not None:
                    tell(layer, edit, forward)
        for name in self._layers:
            layer = self._layers[name]()
            if layer is not None:
                show_changes(layer, (edit.box for edit in edits if edit.array == name))

    def _layer(self, edit: Edit) -> Labels | None:
        reference = self._layers.get(edit.array)
        return None if reference is None else reference()


def show_changes(layer: Labels, boxes: Iterable[Box]) -> None:
    """Let a layer show what was written to its array in some boxes, and draw nothing else anew."""
    changed = list(boxes)
    if not changed:
        return
    if any(not hasattr(layer, name) for name in _PARTIAL) or not layer.loaded:
        layer.refresh(extent=False, thumbnail=False)
        return
    box = union(changed)
    displayed = list(layer._slice_input.displayed)
    plane = _displayed_plane(layer, box, displayed)
    if plane is None:
        return
    image = layer._slice.image
    key = tuple(box[axis] for axis in displayed)
    if not (isinstance(layer.data, np.ndarray) and np.shares_memory(layer.data, image.raw)):
        image.raw[key] = plane
    if layer.contour:
        # Where an outline is depends on neighbors.
        shape = layer.data.shape
        box = tuple(
            slice(max(0, part.start - layer.contour), min(side, part.stop + layer.contour))
            for part, side in zip(box, shape, strict=True)
        )
    else:
        image.view[key] = layer.colormap._data_to_texture(np.ascontiguousarray(plane))
    layer._updated_slice = box
    layer._partial_labels_refresh()


def _displayed_plane(layer: Labels, box: Box, displayed: list[int]) -> Any:
    """What of a box is on screen, with its axes as they lie there; None if nothing is."""
    if len(displayed) != 2:
        # In three dimensions napari draws everything anew.
        layer.refresh(extent=False, thumbnail=False)
        return None
    point = np.asarray(layer.world_to_data(layer._slice_input.world_slice.point))
    key: list[Any] = list(box)
    for axis in range(layer.ndim):
        if axis in displayed:
            continue
        place = int(np.round(point[axis]))
        if not box[axis].start <= place < box[axis].stop:
            return None
        key[axis] = place
    plane = np.asarray(layer.data[tuple(key)])
    return plane if displayed == sorted(displayed) else plane.T
