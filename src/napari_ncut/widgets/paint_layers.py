"""Which layers are painted when nobody has chosen any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layers import unwrap
from .roles import PAINTED, SEGMENTS, lies_on, role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .choices import LayerChoice

# Results of other widgets that can be painted, where there are no segments made for it.
_ALSO_SEGMENTS = ("superpixels", "regions", "instances", "objects", "parts")


class AutomaticLayers:
    """Chooses segments and a painted layer of an image where there is no choice yet.

    Parameters
    ----------
    viewer
        Where the layers are.
    image, segments, painted
        The choices; what the user has chosen stays.
    """

    def __init__(
        self, viewer: ViewerModel, image: LayerChoice, segments: LayerChoice, painted: LayerChoice
    ) -> None:
        self._viewer = viewer
        self._image = image
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
        image = self._image.value
        if image is None or role_of(layer) not in (SEGMENTS, PAINTED):
            return
        choice = self._segments if role_of(layer) == SEGMENTS else self._painted
        if lies_on(layer, image) and (choice is self._segments or choice.value is None):
            choice.refresh()
            choice.value = layer

    def _lying(self, roles: tuple[str, ...]) -> list[Layer]:
        image = self._image.value
        if image is None:
            return []
        return [
            unwrap(layer)
            for layer in reversed(self._viewer.layers)
            if role_of(layer) in roles and lies_on(layer, image)
        ]
