"""The dock widget "NCUT features": images in, eigenvectors and a prompts layer out."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from napari.utils.notifications import show_info
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from ..backbones import backbone_entry
from ..backbones.estimate import estimate_run
from ..errors import InputError
from ..progress import Progress
from .choices import LayerChecklist, LayerChoice
from .feature_controls import BackboneControls, CutControls, InputControls
from .feature_layers import add_colors, add_eigenvectors
from .layers import Source, data_to_world, default_axes, unwrap
from .panels import DockedWidget, narrow_scroll, titled
from .prompts_layer import add_prompts_layer, base_layer
from .reading import Reading, layer_axes, read_settings
from .session import Prepared, session_of
from .workers import Job, percent

if TYPE_CHECKING:
    from napari.components import ViewerModel


class FeaturesWidget(DockedWidget):
    """Computes features and eigenvectors of Image layers, and prepares a prompts layer.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = unwrap(napari_viewer)
        self._session = session_of(self._viewer)
        self._job = Job(self)
        self._started = 0.0
        # Measured against estimated seconds of the last run: the next estimate learns from it.
        self._pace = 1.0
        self._described: Callable[[], Any] = lambda: None
        self._build()
        self._job.stepped.connect(self._on_progress)
        self._job.finished.connect(self._on_result)
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self.message.setText("Cancelled; nothing was changed."))
        self.on_release(self._job.close, self.images.release, self.shapes.release)
        self.follow(self._viewer.dims.events.current_step, self._refresh)
        self._on_images()

    # ------------------------------------------------------------------------------------ layout

    def _build(self) -> None:
        self.images = LayerChecklist(
            self._viewer,
            Image,
            "Image layers to use. Several are cut jointly, so that alike things get alike colors.",
        )
        self.inputs = InputControls()
        self.shapes = LayerChoice(
            self._viewer,
            Shapes,
            "Its selected (or last) shape bounds what is read.",
            none="choose a Shapes layer",
        )
        self.backbone = BackboneControls()
        self.cut = CutControls()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.run_button = QPushButton("Compute eigenvectors")
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setEnabled(False)
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.segment_button = QPushButton("Segment by points…")
        self.segment_button.setToolTip("Open the widget that turns clicks into masks")
        self.echo = QLabel()
        self.echo.setWordWrap(True)

        images = QVBoxLayout()
        images.addWidget(self.images)
        images.addWidget(self.echo)
        images.addWidget(self.inputs.native)
        images.addWidget(self.shapes)
        features = QVBoxLayout()
        features.addWidget(self.backbone.native)
        more = QCollapsible("Cut")
        more.addWidget(self.cut.native)
        features.addWidget(more)
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addWidget(titled("Images", images))
        layout.addWidget(titled("Features", features))
        layout.addStretch()
        scroll = narrow_scroll(inner)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 6, 4)
        outer.addWidget(scroll)
        outer.addWidget(self.message)
        outer.addWidget(self.progress)
        outer.addLayout(buttons)
        outer.addWidget(self.segment_button)

        self.images.chosen.connect(self._on_images)
        self.shapes.chosen.connect(self._refresh)
        for controls in (self.inputs, self.backbone, self.cut):
            controls.changed.connect(self._refresh)
        self.run_button.clicked.connect(lambda: self.run())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self.segment_button.clicked.connect(lambda: self.open_points_widget())

    # ---------------------------------------------------------------------------------- settings

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
        self._refresh()

    def _refresh(self, *_: Any) -> None:
        """Show what would be done and what it takes, or why it cannot be done."""
        layers = self.images.value
        controls = self.inputs
        controls.combine.visible = len(layers) > 1
        controls.level.visible = any(layer.multiscale for layer in layers)
        controls.channels.visible = "C" in self._all_axes and controls.combine.value == "images"
        controls.planes.visible = self._has_planes
        self.shapes.setVisible(controls.region.value == "shapes")
        if self._job.busy:
            return
        try:
            reading = self.reading()
        except InputError as error:
            self.echo.setText("")
            self.message.setText(str(error))
            self.run_button.setEnabled(False)
            self.run_button.setToolTip(str(error))
            return
        self.echo.setText(reading.describe())
        entry = backbone_entry(self.backbone.backbone.value)
        estimate = estimate_run(reading.layout(entry), entry, self.backbone.n_components.value)
        weights = (
            f"{entry.size / 1e6:.0f} MB of weights" if entry.size else "no weights, no download"
        )
        seconds = estimate.scaled(self._pace).text
        self.message.setText(f"{entry.name}: {weights} · {entry.license} · {seconds}")
        self.run_button.setEnabled(not entry.unavailable_because)
        self.run_button.setToolTip(entry.unavailable_because or "Compute features and cut them")

    @property
    def _has_planes(self) -> bool:
        """Whether there are several planes by the axes (controls of a hidden tab are invisible)."""
        return any(name in self._all_axes for name in "TZ")

    @property
    def _all_axes(self) -> set[str]:
        """The axes that any of the images has."""
        return set("".join(layer_axes(self.images.value, self._given_axes)))

    @property
    def _given_axes(self) -> str:
        return str(self.inputs.axes.value).strip().upper()

    def reading(self) -> Reading:
        """What would be read now; an `InputError` with the reason if nothing can be."""
        return read_settings(
            self._viewer,
            self.images.value,
            axes=self._given_axes,
            combine=self.inputs.combine.value,
            channels=self.inputs.channel_choice(),
            level=self.inputs.level.value,
            region=self.inputs.region.value,
            shapes=self.shapes.value,
            current_plane=self.inputs.planes.value == "current" and self._has_planes,
            scaling=self.inputs.scaling.value,
        )

    # --------------------------------------------------------------------------------------- run

    def run(self) -> None:
        """Compute in a thread; layers are added when it is done."""
        try:
            reading = self.reading()
        except InputError as error:
            self.message.setText(str(error))
            return
        options = {**self.backbone.options(), **self.cut.options()}
        self._sources: list[Source] = reading.sources
        self._started = time.perf_counter()
        entry = backbone_entry(options["backbone"])
        self._expected = estimate_run(reading.layout(entry), entry, options["n_components"]).seconds
        self._job.start(lambda: _embed(reading, options))

    def _on_progress(self, step: Progress) -> None:
        if step.done == 0 and step.stage == "features":
            # What went before is the import of torch, which the next run will not wait for.
            self._started = time.perf_counter()
        self.progress.setMaximum(max(step.total, 1) if step.total > 1 else 0)
        self.progress.setValue(step.done)
        self.message.setText(percent(step))

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        self.run_button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        if not busy:
            self._refresh()

    def _on_result(self, embedding: Any) -> None:
        sources = self._sources
        if not any(
            source.layer is not None and source.layer in self._viewer.layers for source in sources
        ):
            show_info("The image was deleted meanwhile; its eigenvectors are not shown.")
            return
        elapsed = time.perf_counter() - self._started
        self._pace = elapsed / max(self._expected, 0.1)
        prepared = Prepared(sources, embedding)
        add_colors(self._viewer, prepared)
        if self.cut.add_eigenvectors.value:
            add_eigenvectors(self._viewer, prepared)
        points = self._prompts_layer(prepared)
        self._viewer.layers.move(self._viewer.layers.index(points), len(self._viewer.layers))
        self._viewer.layers.selection.active = points
        if self._viewer.dims.ndisplay == 2:
            points.mode = "add"
        self._session.add(prepared)
        self._refresh()
        shape = " × ".join(map(str, embedding.layout.grids[0]))
        self.message.setText(
            f"Done in {elapsed:.1f} s: {embedding.n_components} eigenvectors on a grid of {shape} "
            f"(every {embedding.stride} px). Now click on things in the layer “{points.name}”."
        )

    def _prompts_layer(self, prepared: Prepared) -> Any:
        """The prompts layer of these images, made if there is none: clicks outlive a new cut."""
        image = base_layer(prepared.sources)
        name = f"{image.name} prompts"
        for layer in self._viewer.layers:
            ours = layer.metadata.get("napari_ncut", {}).get("role") == "prompts"
            if ours and layer.name == name and layer.ndim == image.ndim:
                mine, its = data_to_world(layer), data_to_world(image)
                if all(np.allclose(a, b) for a, b in zip(mine, its, strict=True)):
                    return layer
        return add_prompts_layer(self._viewer, prepared.sources, self._session.classes)

    def open_points_widget(self) -> None:
        """Open the widget "Segment by points" in the same window."""
        window = getattr(self._viewer, "window", None)
        if window is not None:
            window.add_plugin_dock_widget("napari-ncut", "Segment by points", tabify=True)


def _embed(reading: Reading, options: dict[str, Any]) -> Any:
    """`embed` of what is read, as a generator; torch is first imported here, in the thread."""
    from ..spectral import embed_steps

    return (
        yield from embed_steps(
            reading.images(),
            axes=reading.axes,
            channels=reading.channels,
            scaling=reading.scaling,
            **options,
        )
    )
