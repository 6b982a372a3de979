"""Clicks on the layers of instances and classes that move a segment to the current class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.layers import Labels

MODIFIER = "Control"
# A press that moves further is a drag of the view.
_STILL = 5


class SegmentClicks:
    """Listens to clicks on layers.

    Parameters
    ----------
    clicked
        Called with the layer and the place in world coordinates.
    armed
        Whether clicks without the modifier count.
    """

    def __init__(self, clicked: Callable[[Labels, Any], None], armed: Callable[[], bool]) -> None:
        self._clicked = clicked
        self._armed = armed
        self._layers: list[Labels] = []

    def watch(self, layers: list[Labels]) -> None:
        """Listen to these layers, and to no others any more."""
        self.release()
        self._layers = list(layers)
        for layer in self._layers:
            layer.mouse_drag_callbacks.append(self._on_press)

    def release(self) -> None:
        """Listen no longer."""
        for layer in self._layers:
            if self._on_press in layer.mouse_drag_callbacks:
                layer.mouse_drag_callbacks.remove(self._on_press)
        self._layers = []

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:
        # In other modes a click paints or picks.
        counts = self._armed() or MODIFIER in event.modifiers
        if not counts or str(layer.mode) != "pan_zoom" or event.button != 1:
            return
        start, world = np.asarray(event.pos), np.asarray(event.position)
        if len(event.dims_displayed) != 2:
            return
        yield
        while event.type == "mouse_move":
            if np.abs(np.asarray(event.pos) - start).max() > _STILL:
                return
            yield
        self._clicked(layer, world)
