"""Controls of where masks come from, and of what is read of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import FileEdit
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ..backbones import BACKBONES, BackboneEntry
from ..sam.automatic import COMPACT
from ..sam.loading import list_sam_models
from .choices import LayerChoice, RunChoice
from .declared import DeclaredControls
from .image_input import ImageInput, section
from .mask_options import MASK_PARAMETERS, options_of
from .panels import labeled_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel

LABELS = "labels"


class MaskControls(QWidget):
    """The image, and the source of its masks.

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
        self.input = ImageInput(viewer, "The image whose things are to be found.")
        self.image, self.inputs = self.input.image, self.input.inputs
        self.shapes, self.echo = self.input.shapes, self.input.echo
        self.source = RunChoice(
            "Where masks come from.\n"
            "Embedded network: regions that last while the image is merged from fine to coarse;\n"
            "nothing has to be downloaded. SAM: the Segment Anything Model, asked at a grid of\n"
            "points; its weights must be installed. Or the labels of a layer, such as nuclei that\n"
            "another plugin found."
        )
        sam = [
            (f"{entry.title} ({entry.readable_size})", name)
            for name in list_sam_models()
            if (entry := BACKBONES.get(name)) is not None
        ]
        self.source.set_choices(
            [("embedded network", COMPACT), ("a Labels layer", LABELS), *sam], COMPACT
        )
        self.labels = LayerChoice(
            viewer,
            Labels,
            "Every label of every plane becomes one mask. The layer itself stays as it is; the\n"
            "new layer of instances numbers them from 1.",
            none="choose a Labels layer",
        )
        self.checkpoint = FileEdit(
            mode="r",
            filter="*.pth *.pt *.ckpt *.bin *.safetensors",
            nullable=True,
            tooltip="A file of weights of your own, in place of those installed. Nothing in it is\n"
            "executed.",
        )
        self.options = DeclaredControls(MASK_PARAMETERS)
        self._build()
        self._on_source()

    def _build(self) -> None:
        rows = labeled_grid([("Masks from", self.source), ("Labels", self.labels)])
        self._labels_label = rows.itemAtPosition(1, 0).widget()
        own = labeled_grid([("Own weights", self.checkpoint.native)])
        self._own_label = own.itemAtPosition(0, 0).widget()
        options = QVBoxLayout()
        options.addLayout(own)
        options.addWidget(self.options)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.input)
        layout.addLayout(rows)
        self.options_section = section("Options of the masks", options)
        layout.addWidget(self.options_section)
        self.input.changed.connect(self.changed)
        self.source.chosen.connect(self._on_source)
        self.labels.chosen.connect(lambda _: self.changed.emit())
        self.checkpoint.changed.connect(lambda _: self.changed.emit())
        self.options.changed.connect(self.changed)

    def release(self) -> None:
        """Follow the viewer's layers no longer."""
        self.input.release()
        self.labels.release()

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
        path = self.checkpoint.value
        return path if self.network is not None and path is not None and str(path) != "." else None

    def mask_options(self) -> dict[str, Any]:
        """Options of `automatic_masks` that count for the source."""
        values = self.options.values()
        return {name: values[name] for name in options_of(self.model)}

    def _on_source(self, _: Any = None) -> None:
        by_labels, is_sam = self.model == LABELS, self.network is not None
        for part in (self.labels, self._labels_label):
            part.setVisible(by_labels)
        for part in (self.checkpoint.native, self._own_label):
            part.setVisible(is_sam)
        self.options_section.setVisible(not by_labels)
        if not by_labels:
            self.options.show_only(options_of(self.model))
        self.changed.emit()
