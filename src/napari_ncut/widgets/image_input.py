"""The image to work on, what of it is read, and where in the viewer that comes from."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from ..errors import InputError
from .choices import LayerChoice
from .feature_controls import InputControls
from .layers import default_axes
from .panels import folded, labeled_grid
from .reading import Reading, layer_axes, read_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ImageInput(QWidget):
    """A choice of one image, with axes, channels, level, region, planes and intensities.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    tooltip
        What the image is for.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, tooltip: str) -> None:
        super().__init__()
        self._viewer = viewer
        self.image = LayerChoice(viewer, Image, tooltip)
        self.inputs = InputControls()
        self.inputs.combine.visible = False
        self.shapes = LayerChoice(
            viewer,
            Shapes,
            "Its selected (or last) shape bounds what is read.",
            none="choose a Shapes layer",
        )
        self.echo = QLabel()
        self.echo.setWordWrap(True)
        self._described: Callable[[], Any] = lambda: None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Image", self.image)]))
        layout.addWidget(self.echo)
        layout.addWidget(self._what_is_read())
        self.image.chosen.connect(lambda _: self._on_changed())
        self.shapes.chosen.connect(lambda _: self._on_changed())
        self.inputs.changed.connect(lambda _: self._on_changed())
        self._on_changed()

    def release(self) -> None:
        """Follow the viewer's layers no longer."""
        for choice in (self.image, self.shapes):
            choice.release()

    def reading(self, *, view: bool = False, also: Sequence[Image] = ()) -> Reading:
        """What would be read now; an `InputError` with the reason if nothing can be.

        With `view` it is what is on screen, the current plane alone; `also` are further images,
        which are read with the same settings.
        """
        layer, controls = self.image.value, self.inputs
        if layer is None:
            raise InputError("Open an image first, then choose it under “Image”.")
        return read_settings(
            self._viewer,
            [layer, *also],
            axes=str(controls.axes.value).strip().upper(),
            combine="images",
            channels=controls.channel_choice(),
            level=controls.level.value,
            region="view" if view else controls.region.value,
            shapes=self.shapes.value,
            current_plane=(view or controls.planes.value == "current") and self._has("TZ"),
            scaling=controls.scaling.value,
        )

    def why_not(self) -> str:
        """Why nothing can be read; "" if it can. What is read is shown."""
        try:
            reading = self.reading()
        except InputError as error:
            self.echo.setText("")
            return str(error)
        self.echo.setText(reading.describe())
        return ""

    def _what_is_read(self) -> QCollapsible:
        content = QVBoxLayout()
        content.addWidget(self.inputs.native)
        content.addWidget(self.shapes)
        return folded("What is read", content)

    def _on_changed(self) -> None:
        layer, controls = self.image.value, self.inputs
        if layer is not None and layer is not self._described():
            self._described = weakref.ref(layer)
            controls.axes.value = default_axes(layer)
            controls.offer_levels([data.shape for data in layer.data] if layer.multiscale else [])
        controls.level.visible = layer is not None and layer.multiscale
        controls.channels.visible = self._has("C")
        controls.planes.visible = self._has("TZ")
        self.shapes.setVisible(controls.region.value == "shapes")
        self.changed.emit()

    def _has(self, names: str) -> bool:
        """Whether the image has any of these axes."""
        layer = self.image.value
        axes = str(self.inputs.axes.value).strip().upper()
        return layer is not None and bool(set(names) & set("".join(layer_axes([layer], axes))))
