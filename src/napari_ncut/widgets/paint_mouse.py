"""The mouse on the layers that are painted: drags, lines and clicks, while a tool is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .paint_sketch import Sketch
from .paint_tools import TOOLS

if TYPE_CHECKING:
    from napari.layers import Labels

_ERASES = "Control"
_LEFT, _RIGHT = 1, 2
# Corners nearer than this to the one before, on the screen, are one click of a double click.
_STILL = 4


@dataclass(frozen=True)
class Place:
    """Where the mouse is: in pixels of the layer, and whether it erases."""

    at: NDArray[np.float64]
    erasing: bool


class PaintActions(Protocol):
    """What a widget does when the mouse tells."""

    tool: str
    radius: float

    def ready(self, layer: Labels) -> bool:
        """Whether the mouse is ours on a layer."""
        ...

    def plane_axes_of(self, layer: Labels) -> tuple[int, int] | None:
        """Axes of rows and columns; None where nothing can be painted."""
        ...

    def begin(self, place: Place) -> None:
        """A button is pressed."""
        ...

    def drag(self, path: NDArray, place: Place) -> None:
        """It is dragged along these places, the first of which have been told before."""
        ...

    def finish(self, path: NDArray, place: Place) -> None:
        """It is released after this way, or a line of corners is complete."""
        ...


class PaintMouse:
    """Listens to the mouse on layers.

    Parameters
    ----------
    actions
        Who is told.
    sketch
        What shows a line while it is drawn.
    """

    def __init__(self, actions: PaintActions, sketch: Sketch) -> None:
        self._actions = actions
        self._sketch = sketch
        self._layers: list[Labels] = []
        self._corners: list[NDArray[np.float64]] = []
        self._last_press: NDArray[np.float64] | None = None

    @property
    def n_corners(self) -> int:
        """How many corners of a line have been clicked."""
        return len(self._corners)

    def watch(self, layers: list[Labels]) -> None:
        """Listen to these layers, and to no others any more.

        Those that were listened to before are left alone: a drag may be under way on one of them.
        """
        gone = [layer for layer in self._layers if layer not in layers]
        if gone:
            self.drop()
        for layer in gone:
            for callbacks, mine in self._callbacks(layer):
                if mine in callbacks:
                    callbacks.remove(mine)
        for layer in layers:
            if layer not in self._layers:
                for callbacks, mine in self._callbacks(layer):
                    callbacks.append(mine)
        self._layers = list(layers)

    def release(self) -> None:
        """Listen no longer."""
        self.drop()
        self.watch([])

    def _callbacks(self, layer: Labels) -> list[tuple[list[Any], Any]]:
        return [
            (layer.mouse_drag_callbacks, self._on_press),
            (layer.mouse_move_callbacks, self._on_move),
            (layer.mouse_double_click_callbacks, self._on_double_click),
        ]

    # ------------------------------------------------------------------------------------ corners

    def drop(self) -> bool:
        """Forget the corners of a line; whether there were any."""
        there = bool(self._corners)
        self._corners = []
        self._last_press = None
        self._sketch.clear()
        return there

    def drop_last(self, layer: Labels) -> None:
        """Take the last corner back."""
        del self._corners[-1:]
        self._sketch.show(layer, np.array(self._corners))

    def complete(self) -> bool:
        """End a line of corners; whether there was one."""
        corners, self._corners = self._corners, []
        self._sketch.clear()
        if len(corners) < 2:
            return False
        path = np.array(corners)
        self._actions.begin(Place(path[0], False))
        self._actions.finish(path, Place(path[-1], False))
        return True

    # -------------------------------------------------------------------------------------- mouse

    def _place(self, layer: Labels, event: Any) -> Place:
        at = np.asarray(layer.world_to_data(event.position), dtype=float)[-layer.ndim :]
        button = event.button == _RIGHT or _RIGHT in getattr(event, "buttons", ())
        return Place(at, button or _ERASES in event.modifiers)

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:
        if not self._actions.ready(layer) or event.button not in (_LEFT, _RIGHT):
            return
        place = self._place(layer, event)
        gesture = TOOLS[self._actions.tool].gesture
        if gesture == "corners":
            if event.button != _LEFT:
                return
            yield from self._on_corner(layer, event, place)
            return
        path = [place.at]
        self._actions.begin(place)
        self._actions.drag(np.array(path), place)
        self._show(layer, path, place, gesture)
        yield
        while event.type == "mouse_move":
            path.append(self._place(layer, event).at)
            self._actions.drag(np.array(path), place)
            self._show(layer, path, place, gesture)
            yield
        self._sketch.clear()
        self._actions.finish(np.array(path), place)

    def _on_corner(self, layer: Labels, event: Any, place: Place) -> Iterator[None]:
        """A corner is where the button is released; the second press of a double click is none."""
        pressed = np.asarray(event.pos, dtype=float)
        again = self._last_press is not None and self._corners
        if again and np.abs(pressed - self._last_press).max() <= _STILL:
            return
        self._last_press = pressed
        self._corners.append(place.at)
        self._sketch.show(layer, np.array(self._corners))
        yield

    def _on_double_click(self, layer: Labels, event: Any) -> None:
        if self._actions.ready(layer) and TOOLS[self._actions.tool].gesture == "corners":
            self.complete()

    def _on_move(self, layer: Labels, event: Any) -> None:
        if not self._actions.ready(layer):
            return
        place = self._place(layer, event)
        if self._corners:
            self._sketch.show(layer, np.array([*self._corners, place.at]))
        else:
            self._show(layer, [place.at], place, TOOLS[self._actions.tool].gesture)

    def _show(
        self, layer: Labels, path: list[NDArray[np.float64]], place: Place, gesture: str
    ) -> None:
        """The way of a line, or the disk of a brush."""
        if gesture in ("stroke", "lasso"):
            closed = [*path, path[0]] if gesture == "lasso" and len(path) > 2 else path
            self._sketch.show(layer, np.array(closed), erasing=place.erasing)
        elif self._actions.tool in ("brush", "eraser"):
            axes = self._actions.plane_axes_of(layer)
            erasing = place.erasing or self._actions.tool == "eraser"
            if axes is not None:
                self._sketch.show_disk(layer, path[-1], self._actions.radius, axes, erasing)
