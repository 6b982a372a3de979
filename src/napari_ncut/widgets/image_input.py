"""One image to be worked on, and what of it is read."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from ..errors import InputError
from .choices import LayerChoice
from .feature_controls import InputControls
from .layers import default_axes
from .panels import labeled_grid
from .reading import Reading, layer_axes, read_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ImageInput(QWidget):
    """A choice of one image, with its axes, channels, level, region and planes.

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
        # The layer that the controls are set for.
        self._described: Callable[[], Any] = lambda: None
        self._build()
        self._on_image()

    def _build(self) -> None:
        read = QVBoxLayout()
        read.addWidget(self.inputs.native)
        read.addWidget(self.shapes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid([("Image", self.image)]))
        layout.addWidget(self.echo)
        layout.addWidget(section("What is read", read))
        self.image.chosen.connect(lambda _: self._on_image())
        self.shapes.chosen.connect(lambda _: self._on_change())
        self.inputs.changed.connect(lambda _: self._on_change())

    def release(self) -> None:
        """Follow the viewer's layers no longer."""
        for choice in (self.image, self.shapes):
            choice.release()

    def reading(self) -> Reading:
        """What would be read now; an `InputError` with the reason if nothing can be."""
        layer, controls = self.image.value, self.inputs
        if layer is None:
            raise InputError("Open an image first, then choose it under “Image”.")
        return read_settings(
            self._viewer,
            [layer],
            axes=self._axes,
            combine="images",
            channels=controls.channel_choice(),
            level=controls.level.value,
            region=controls.region.value,
            shapes=self.shapes.value,
            current_plane=controls.planes.value == "current" and self.has("TZ"),
            scaling=controls.scaling.value,
        )

    def has(self, names: str) -> bool:
        """Whether the image has any of these axes."""
        layer = self.image.value
        return layer is not None and bool(
            set(names) & set("".join(layer_axes([layer], self._axes)))
        )

    def refresh(self) -> str:
        """Say below what is read; returns why nothing can be, "" if it can."""
        layer, controls = self.image.value, self.inputs
        controls.level.visible = layer is not None and layer.multiscale
        controls.channels.visible = self.has("C")
        controls.planes.visible = self.has("TZ")
        self.shapes.setVisible(controls.region.value == "shapes")
        try:
            reading = self.reading()
        except InputError as error:
            self.echo.setText("")
            return str(error)
        self.echo.setText(reading.describe())
        return ""

    @property
    def _axes(self) -> str:
        return str(self.inputs.axes.value).strip().upper()

    def _on_change(self) -> None:
        if self.image.value is not self._described():
            self._on_image()
        else:
            self.changed.emit()

    def _on_image(self) -> None:
        """Another image is chosen: offer what fits it."""
        layer = self.image.value
        if layer is not None:
            self._described = weakref.ref(layer)
            with self.inputs.changed.blocked():
                self.inputs.axes.value = default_axes(layer)
                shapes = [data.shape for data in layer.data] if layer.multiscale else []
                self.inputs.offer_levels(shapes)
        self.changed.emit()


def section(title: str, content: QVBoxLayout) -> QCollapsible:
    """Content that is folded away at first."""
    holder = QWidget()
    content.setContentsMargins(0, 0, 0, 0)
    holder.setLayout(content)
    folded = QCollapsible(title)
    folded.addWidget(holder)
    folded.layout().setContentsMargins(0, 0, 0, 0)
    return folded
