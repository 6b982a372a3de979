"""What the next click means: sign, class and image, on all layers of prompts at once."""

from __future__ import annotations

from typing import Any

from . import prompts_layer, strokes_layer
from .choices import LayerChoice
from .classes import ClassList


class NextClick:
    """Sign and class of what is added next, be it a point, a shape or a stroke of the brush.

    Parameters
    ----------
    points, shapes, scribbles
        Which layers are chosen for each.
    classes
        Whose current one it is.
    """

    def __init__(
        self, points: LayerChoice, shapes: LayerChoice, scribbles: LayerChoice, classes: ClassList
    ) -> None:
        self._points, self._shapes, self._scribbles = points, shapes, scribbles
        self._classes = classes

    @property
    def layers(self) -> list[Any]:
        """Those whose columns tell sign and class."""
        chosen = (self._points.value, self._shapes.value)
        return [layer for layer in chosen if layer is not None]

    @property
    def positive(self) -> bool:
        """Whether it means "like this"."""
        return not self.layers or prompts_layer.next_sign(self.layers[0])

    def flip(self) -> None:
        """Let it mean the opposite."""
        positive = not self.positive
        for layer in self.layers:
            prompts_layer.set_defaults(layer, positive=positive)
        self.renew(positive)

    def choose_class(self, label: int) -> None:
        """Let it be of a class."""
        if self._points.value is not None:
            prompts_layer.set_defaults(self._points.value, label=label)
        self.renew()

    def choose_image(self, name: str) -> None:
        """Let it lie on the image of this name."""
        for layer in self.layers:
            prompts_layer.set_defaults(layer, image=name)

    def renew(self, positive: bool | None = None) -> None:
        """Let shapes and brush mean what the next point means."""
        positive = self.positive if positive is None else positive
        shapes, scribbles = self._shapes.value, self._scribbles.value
        if shapes is not None:
            prompts_layer.set_defaults(shapes, positive=positive, label=self._classes.current)
        if scribbles is not None:
            label = self._classes.current if positive else strokes_layer.NEGATIVE
            scribbles.selected_label = label
