"""Which layers are painted when nobody has chosen any, and how segments are shown."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

from .layers import unwrap
from .region_view import show_outlines
from .roles import PAINTED, SEGMENTS, role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

    from .choices import LayerChoice

# A green that is seen on dark and on stained images, and is no color of the first classes.
_GREEN = (0.25, 1.0, 0.1, 0.6)
# Results of other widgets that can be painted, where there are no segments made for it.
_ALSO_SEGMENTS = ("superpixels", "regions", "instances", "objects", "parts")


class AutomaticLayers:
    """Chooses segments and a painted layer of an image where there is no choice yet.

    Parameters
    ----------
    viewer
        Where the layers are.
    lies
        Whether labels lie on the image.
    segments, painted
        The choices; what the user has chosen stays.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        lies: Callable[[Any], bool],
        segments: LayerChoice,
        painted: LayerChoice,
    ) -> None:
        self._viewer = viewer
        self._lies = lies
        self._segments = segments
        self._painted = painted

    def choose(self) -> None:
        """Choose the topmost layers of the image, where none is chosen."""
        if self._segments.value is None:
            layers = self._lying((SEGMENTS,)) or self._lying(_ALSO_SEGMENTS)
            self._segments.value = next(iter(layers), None)
        if self._painted.value is None:
            self._painted.value = next(iter(self._lying((PAINTED,))), None)

    def on_inserted(self, layer: Layer) -> None:
        """A layer is new: segments just made are those that one wants to paint."""
        if role_of(layer) not in (SEGMENTS, PAINTED):
            return
        choice = self._segments if role_of(layer) == SEGMENTS else self._painted
        if self._lies(layer) and (choice is self._segments or choice.value is None):
            choice.refresh()
            choice.value = layer

    def _lying(self, roles: tuple[str, ...]) -> list[Layer]:
        return [
            unwrap(layer)
            for layer in reversed(self._viewer.layers)
            if role_of(layer) in roles and self._lies(unwrap(layer))
        ]


class Boundaries:
    """Shows where segments end, in one color: those of napari's would hide what is painted."""

    def __init__(self) -> None:
        self._layer: weakref.ref[Labels] | None = None
        self._before: Any = None
        self._mine: Any = None

    def show(self, layer: Labels | None, *, one_color: bool) -> None:
        """Outline the segments of this layer, and give the one before its colors back."""
        known = None if self._layer is None else self._layer()
        if known is not None and (known is not layer or not one_color):
            if known.colormap is self._mine:
                known.colormap = self._before
            self._layer = self._before = None
            known = None
        if layer is None:
            return
        if not layer.contour:
            # Filled segments would hide what is painted, and the image.
            show_outlines(layer, True)
        if one_color and known is None:
            self._layer, self._before = weakref.ref(layer), layer.colormap
            colors = np.array([(0.0, 0.0, 0.0, 0.0), _GREEN])
            self._mine = CyclicLabelColormap(colors=colors, name="boundaries")
            layer.colormap = self._mine
            # What was assigned may be a copy.
            self._mine = layer.colormap
