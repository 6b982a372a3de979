"""Outlines of the copies that would be painted, which follow the score at once."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from .layers import free_name, unwrap
from .preview import add_below

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .layers import Source
    from .template_steps import FoundCopies

_COLOR = "#ffb000"


class CopiesPreview:
    """A Labels layer on the block that was read; gone when it is dropped.

    Parameters
    ----------
    viewer
        Where it is shown.
    source
        On what it lies.
    found
        What may be shown.
    """

    def __init__(self, viewer: ViewerModel, source: Source, found: FoundCopies) -> None:
        self._viewer = viewer
        self._source = source
        self._found = found
        self._shown: NDArray[np.int64] = np.empty(0, np.int64)
        layer = Labels(
            np.zeros(source.shape, np.int32),
            name=free_name(viewer, f"{source.name} copies"),
            **source.spatial(),
        )
        layer.colormap = DirectLabelColormap(color_dict={None: _COLOR, 0: "transparent"})
        layer.opacity = 0.9
        layer.metadata["napari_ncut"] = {"role": "preview"}
        layer = unwrap(layer)
        add_below(viewer, layer, None)
        self._reference: weakref.ref[Labels] = weakref.ref(layer)

    @property
    def layer(self) -> Labels | None:
        """The layer, None once it is gone."""
        layer = self._reference()
        return layer if layer is not None and layer in self._viewer.layers else None

    def show(self, chosen: NDArray[np.int64]) -> None:
        """Show the copies with these numbers, from 1."""
        layer = self.layer
        if layer is None:
            return
        changed = np.setxor1d(self._shown, chosen)
        if not len(changed):
            return
        self._shown = chosen
        is_shown = np.zeros(len(self._found.matches) + 1, dtype=bool)
        is_shown[chosen] = True
        data: Any = layer.data
        for plane in np.unique(self._found.matches.planes[changed - 1]).tolist():
            numbers = self._found.outlines[plane]
            self._source.plane_in(data, plane)[:] = np.where(is_shown[numbers], numbers, 0)
        layer.refresh()

    def drop(self) -> None:
        """Take the layer away."""
        layer = self.layer
        if layer is not None:
            self._viewer.layers.remove(layer)
