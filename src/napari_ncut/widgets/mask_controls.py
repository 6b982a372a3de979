"""Controls of where masks come from, and of what is read of the image."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from ..backbones import BACKBONES, BackboneEntry
from ..errors import InputError
from ..sam.automatic import COMPACT
from .choices import LayerChecklist, LayerChoice, RunChoice
from .declared import DeclaredControls
from .downloading import DownloadBar
from .feature_controls import InputControls
from .layers import default_axes
from .mask_options import MASK_PARAMETERS, options_of
from .panels import folded, labeled_grid
from .reading import Reading, layer_axes, read_settings
from .sam_controls import chosen_path, sam_choices, weights_edit

if TYPE_CHECKING:
    from napari.components import ViewerModel

LABELS = "labels"


class MaskControls(QWidget):
    """The images, and the source of their masks.

    Parameters
    ----------
    viewer
        Whose layers are offered.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._described: Callable[[], Any] = lambda: None
        self.images = LayerChecklist(
            viewer,
            Image,
            "Images whose things are to be found. Several are sorted together: a class means the\n"
            "same in all of them, and each gets layers of its own.",
        )
        self.source = RunChoice(
            "Where masks come from.\n"
            "Embedded network: regions that last while the image is merged from fine to coarse;\n"
            "nothing has to be downloaded. SAM: the Segment Anything Model, asked at a grid of\n"
            "points; its weights must be installed. Or the labels of a layer, such as nuclei that\n"
            "another plugin found."
        )
        self.source.set_choices(
            [("embedded network", COMPACT), ("a Labels layer", LABELS), *sam_choices()], COMPACT
        )
        self.labels = LayerChecklist(
            viewer,
            Labels,
            "Every label of every plane becomes one mask. The layer itself stays as it is; the\n"
            "new layer of instances numbers them from 1. Check one for every image.",
            pick_new=False,
        )
        self.inputs = InputControls()
        self.shapes = LayerChoice(
            viewer,
            Shapes,
            "Its selected (or last) shape bounds what is read.",
            none="choose a Shapes layer",
        )
        self.checkpoint = weights_edit()
        self.download = DownloadBar("choose a file under “Options of the masks”")
        self.options = DeclaredControls(MASK_PARAMETERS)
        self.echo = QLabel()
        self.echo.setWordWrap(True)
        self._build()
        self._on_source()
        self._on_images()

    def _build(self) -> None:
        rows = labeled_grid([("Masks from", self.source), ("Labels", self.labels)])
        self._labels_label = rows.itemAtPosition(1, 0).widget()
        read = QVBoxLayout()
        read.addWidget(self.inputs.native)
        read.addWidget(self.shapes)
        own = labeled_grid([("Own weights", self.checkpoint.native)])
        self._own_label = own.itemAtPosition(0, 0).widget()
        options = QVBoxLayout()
        options.addLayout(own)
        options.addWidget(self.options)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.images)
        layout.addWidget(self.echo)
        layout.addLayout(rows)
        layout.addWidget(folded("What is read", read))
        self.options_section = folded("Options of the masks", options)
        layout.addWidget(self.options_section)
        self.images.chosen.connect(self._on_images)
        self.source.chosen.connect(self._on_source)
        self.labels.chosen.connect(lambda _: self.changed.emit())
        self.shapes.chosen.connect(lambda _: self.changed.emit())
        self.inputs.changed.connect(lambda _: self.changed.emit())
        self.checkpoint.changed.connect(lambda _: self._on_weights())
        self.download.changed.connect(self.changed)
        self.options.changed.connect(self.changed)

    def release(self) -> None:
        """Follow the viewer's layers no longer."""
        for part in (self.images, self.labels, self.shapes, self.download):
            part.release()

    @property
    def model(self) -> str:
        """What `automatic_masks` is to use, or `LABELS`."""
        return str(self.source.value)

    @property
    def network(self) -> BackboneEntry | None:
        """The SAM that is chosen, None if it is none."""
        return BACKBONES.get(self.model) if self.model not in (COMPACT, LABELS) else None

    @property
    def own_weights(self) -> Any:
        """The file of weights that was chosen for SAM, or None."""
        return None if self.network is None else chosen_path(self.checkpoint)

    def mask_options(self) -> dict[str, Any]:
        """Options of `automatic_masks` that count for the source."""
        values = self.options.values()
        return {name: values[name] for name in options_of(self.model)}

    # ------------------------------------------------------------------------------- what is read

    def _on_images(self, _: Any = None) -> None:
        """Other images are checked: offer what fits them."""
        layers = self.images.value
        first = layers[0] if layers else None
        # Axes and level that the user set hold as long as the image is the same.
        if first is not None and first is not self._described():
            self._described = weakref.ref(first)
            self.inputs.axes.value = default_axes(first)
            shapes = [data.shape for data in first.data] if first.multiscale else []
            self.inputs.offer_levels(shapes)
        self.changed.emit()

    def reading(self) -> Reading:
        """What would be read now; an `InputError` with the reason if nothing can be."""
        layers, controls = self.images.value, self.inputs
        if not layers:
            raise InputError("Open an image first, then check it above.")
        return read_settings(
            self._viewer,
            layers,
            axes=self._axes,
            combine=controls.combine.value,
            channels=controls.channel_choice(),
            level=controls.level.value,
            region=controls.region.value,
            shapes=self.shapes.value,
            current_plane=controls.planes.value == "current" and self._has("TZ"),
            scaling=controls.scaling.value,
        )

    def show_fitting(self) -> None:
        """Show what can be set of the images that are checked."""
        layers, controls = self.images.value, self.inputs
        controls.combine.visible = len(layers) > 1
        controls.level.visible = any(layer.multiscale for layer in layers)
        controls.channels.visible = self._has("C") and controls.combine.value == "images"
        controls.planes.visible = self._has("TZ")
        self.shapes.setVisible(controls.region.value == "shapes")

    @property
    def _axes(self) -> str:
        return str(self.inputs.axes.value).strip().upper()

    def _has(self, names: str) -> bool:
        """Whether any of the images has any of these axes."""
        layers = self.images.value
        return bool(layers) and bool(set(names) & set("".join(layer_axes(layers, self._axes))))

    def _on_source(self, _: Any = None) -> None:
        by_labels, is_sam = self.model == LABELS, self.network is not None
        for part in (self.labels, self._labels_label):
            part.setVisible(by_labels)
        for part in (self.checkpoint.native, self._own_label):
            part.setVisible(is_sam)
        self.options_section.setVisible(not by_labels)
        if not by_labels:
            self.options.show_only(options_of(self.model))
        self._on_weights()

    def _on_weights(self) -> None:
        """Offer the download of a network whose weights are neither here nor in a file."""
        self.download.offer(None if self.own_weights is not None else self.network)
        self.changed.emit()
