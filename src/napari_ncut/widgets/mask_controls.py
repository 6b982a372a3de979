"""Controls of where masks come from, and of what is read of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import FileEdit
from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from ..backbones import BACKBONES, BackboneEntry
from ..sam.automatic import COMPACT
from ..sam.loading import list_sam_models
from .choices import LayerChoice, RunChoice
from .declared import DeclaredControls
from .feature_controls import InputControls
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
        self.image = LayerChoice(viewer, Image, "The image whose things are to be found.")
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
        self.inputs = InputControls()
        self.inputs.combine.visible = False
        self.shapes = LayerChoice(
            viewer,
            Shapes,
            "Its selected (or last) shape bounds what is read.",
            none="choose a Shapes layer",
        )
        self.checkpoint = FileEdit(
            mode="r",
            filter="*.pth *.pt *.ckpt *.bin *.safetensors",
            nullable=True,
            tooltip="A file of weights of your own, in place of those installed. Nothing in it is\n"
            "executed.",
        )
        self.options = DeclaredControls(MASK_PARAMETERS)
        self.echo = QLabel()
        self.echo.setWordWrap(True)
        self._build()
        self._on_source()

    def _build(self) -> None:
        rows = labeled_grid(
            [("Image", self.image), ("Masks from", self.source), ("Labels", self.labels)]
        )
        self._labels_label = rows.itemAtPosition(2, 0).widget()
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
        layout.addLayout(rows)
        layout.addWidget(self.echo)
        layout.addWidget(_section("What is read", read))
        self.options_section = _section("Options of the masks", options)
        layout.addWidget(self.options_section)
        self.image.chosen.connect(lambda _: self.changed.emit())
        self.source.chosen.connect(self._on_source)
        self.labels.chosen.connect(lambda _: self.changed.emit())
        self.shapes.chosen.connect(lambda _: self.changed.emit())
        self.inputs.changed.connect(lambda _: self.changed.emit())
        self.checkpoint.changed.connect(lambda _: self.changed.emit())
        self.options.changed.connect(self.changed)

    def release(self) -> None:
        """Follow the viewer's layers no longer."""
        for choice in (self.image, self.labels, self.shapes):
            choice.release()

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


def _section(title: str, content: QVBoxLayout) -> QCollapsible:
    holder = QWidget()
    content.setContentsMargins(0, 0, 0, 0)
    holder.setLayout(content)
    section = QCollapsible(title)
    section.addWidget(holder)
    section.layout().setContentsMargins(0, 0, 0, 0)
    return section
