"""What is being drawn, as a line over the layers: no layer of its own, and gone when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .layers import data_to_world

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

_COLOR = (1.0, 0.85, 0.1, 1.0)
_ERASING = (1.0, 0.35, 0.3, 1.0)
_WIDTH = 2.0
_ON_TOP = 10**6
_ROUND = np.linspace(0, 2 * np.pi, 49)


class Sketch:
    """A line on the canvas.

    No public name leads to the canvas. Without it nothing is drawn; all else works.

    Parameters
    ----------
    viewer
        Whose canvas.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._line: Any = None

    @property
    def shown(self) -> bool:
        """Whether there is a line."""
        return self._line is not None and bool(self._line.visible)

    def show(self, layer: Labels, path: NDArray, *, erasing: bool = False) -> None:
        """Draw a line through places of a layer (n, ndim), in pixels."""
        displayed = list(self._viewer.dims.displayed)
        if len(path) < 2 or len(displayed) != 2:
            self.clear()
            return
        matrix, offset = data_to_world(layer)
        world = np.asarray(path, dtype=float) @ matrix.T + offset
        first = self._viewer.dims.ndim - layer.ndim
        # The canvas counts columns before rows.
        places = world[:, [axis - first for axis in displayed]][:, ::-1].astype(np.float32)
        line = self._made()
        if line is not None:
            line.set_data(pos=places, color=_ERASING if erasing else _COLOR)
            line.visible = True

    def show_disk(
        self, layer: Labels, place: NDArray, radius: float, axes: tuple[int, int], erasing: bool
    ) -> None:
        """Draw the outline of a disk around a place of a layer."""
        path = np.repeat(np.asarray(place, dtype=float)[np.newaxis], len(_ROUND), axis=0)
        path[:, axes[0]] += radius * np.sin(_ROUND)
        path[:, axes[1]] += radius * np.cos(_ROUND)
        self.show(layer, path, erasing=erasing)

    def clear(self) -> None:
        """Show nothing."""
        if self._line is not None:
            self._line.visible = False

    def remove(self) -> None:
        """Take the line off the canvas, for good."""
        line, self._line = self._line, None
        if line is not None:
            line.parent = None

    def _made(self) -> Any:
        if self._line is None:
            qt_viewer = getattr(getattr(self._viewer, "window", None), "_qt_viewer", None)
            view = getattr(getattr(qt_viewer, "canvas", None), "view", None)
            if view is None:
                return None
            from vispy.scene.visuals import Line

            self._line = Line(
                pos=np.zeros((2, 2), np.float32), color=_COLOR, width=_WIDTH, parent=view.scene
            )
            self._line.order = _ON_TOP
            self._line.set_gl_state("translucent", depth_test=False)
        return self._line
