"""The dock widget "NCUT features": images in, eigenvectors and a prompts layer out."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Shapes
from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from ..backbones import BackboneEntry, backbone_entry
from ..backbones.estimate import Estimate, estimate_run
from ..errors import InputError
from ..progress import Progress, Steps
from .backbone_controls import BackboneControls
from .choices import LayerChecklist, LayerChoice
from .downloading import is_installed
from .feature_controls import CutControls, InputControls
from .feature_layers import (
    ColorChoice,
    ColorLayers,
    NodeColors,
    add_eigenvectors,
    color_steps,
)
from .groups import GroupsPanel
from .layers import Source, default_axes, unwrap
from .models import ModelsPanel
from .panels import DockedWidget, folded
from .prompts_layer import bring_prompts_layer
from .reading import Reading, layer_axes, read_settings
from .session import Prepared, session_of
from .workers import Job, percent, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..sam import SamModels


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
        self._lookup = Job(self)
        self._colors = ColorLayers(self._viewer, self)
        self._started = 0.0
        # Measured against estimated seconds of the last run: the next estimate learns from it.
        self._pace = 1.0
        self._described: Callable[[], Any] = lambda: None
        self._build()
        self._job.stepped.connect(self._on_progress)
        self._job.finished.connect(self._on_result)
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self.message.setText("Cancelled; nothing was changed."))
        self._lookup.finished.connect(self._on_found)
        self._lookup.failed.connect(self._refuse)
        self._colors.recolored.connect(lambda: self.coloring.keep())
        self._colors.failed.connect(self._on_not_recolored)
        self.on_release(
            self._job.close,
            self._lookup.close,
            self._colors.release,
            self.groups.release,
            self.images.release,
            self.shapes.release,
            self.models.release,
        )
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
        self.models = ModelsPanel()
        self.coloring = ColorChoice()
        self.groups = GroupsPanel(self._viewer, self._session, self._colors.of)
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
        self.models_section = folded("Models", self.models)
        features.addWidget(self.models_section)
        features.addWidget(folded("Network", self.backbone.network.native))
        features.addWidget(folded("Cut", self.cut.native))
        results = QVBoxLayout()
        results.addWidget(self.coloring.native)
        results.addWidget(folded("Groups", self.groups))
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        self._scroll = self.lay_out(
            {"Images": images, "Features": features, "Results": results},
            (self.message, self.progress, buttons, self.segment_button),
        )

        self.images.chosen.connect(self._on_images)
        self.shapes.chosen.connect(self._refresh)
        for controls in (self.inputs, self.backbone, self.backbone.network, self.cut):
            controls.changed.connect(self._refresh)
        self.backbone.backbone.changed.connect(self._show_model)
        self.backbone.asked.connect(self._look_up)
        self.models.changed.connect(self._refresh)
        self.coloring.choice.changed.connect(self._recolor)
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
            self._refuse(str(error))
            return
        self.echo.setText(reading.describe())
        try:
            entry, estimate = self._planned(reading)
        except InputError as error:
            self._refuse(str(error))
            return
        seconds = estimate.scaled(self._pace).text
        self.message.setText(f"{entry.title}: {entry.readable_size} · {entry.license} · {seconds}")
        self.run_button.setEnabled(True)
        self.run_button.setToolTip("Compute features and cut them")

    def _refuse(self, reason: str) -> None:
        self.message.setText(reason)
        self.run_button.setEnabled(False)
        self.run_button.setToolTip(reason)

    def _planned(self, reading: Reading) -> tuple[BackboneEntry, Estimate]:
        """The chosen backbone and what the run takes; an `InputError` if it cannot be run."""
        entry = self.backbone.entry
        if entry is None:
            raise InputError("Type the name of a network, then Enter: timm:resnet18.a1_in1k")
        if entry.unavailable_because:
            raise InputError(entry.unavailable_because)
        options = self.backbone.options()
        own = "checkpoint" in options
        if not own and not is_installed(entry):
            raise InputError(
                f"{entry.title} is not installed ({entry.readable_size}, license: "
                f"{entry.license}). Download it under Models, or choose a file under Network."
            )
        layer, stride = options["layer"], options["stride"]
        entry.check_stride(stride, layer)
        estimate = estimate_run(
            reading.layout(entry, layer, stride),
            entry,
            options["n_components"],
            layer=layer,
            dense=options.get("refine") == "dense",
            cut=self.cut.options(),
        )
        return entry, estimate

    # ------------------------------------------------------------------------------------ models

    def _show_model(self, _: Any = None) -> None:
        """Show the chosen network among the models, opened where it is not installed yet."""
        entry = self.backbone.entry
        if entry is None or entry.weights is None:
            return
        self.models.add_entry(entry)
        self.models.select(entry.name)
        if not is_installed(entry):
            self.models_section.expand(animate=False)
            # Its new height is known only after the layout has been done.
            QTimer.singleShot(0, self._scroll_to_models)

    def _scroll_to_models(self) -> None:
        self._scroll.ensureWidgetVisible(self.models_section, 0, 0)

    def _look_up(self, name: str) -> None:
        """Find a network by its name, in a thread: its library is imported for it."""
        self.message.setText(f"Looking for {name}…")
        self._lookup.start(lambda: _described(name))

    def _on_found(self, entry: BackboneEntry) -> None:
        self.backbone.offer(entry)
        self._show_model()
        self._refresh()

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
        try:
            self._expected = self._planned(reading)[1].seconds
        except InputError as error:
            self._refuse(str(error))
            return
        options = {**self.backbone.options(), **self.cut.options()}
        self._sources: list[Source] = reading.sources
        self._started = time.perf_counter()
        coloring, before = self.coloring.method, self._colors.before(reading.sources)
        models = self._session.sam_models
        self._job.start(lambda: _embed(reading, options, coloring, before, models))

    def _on_progress(self, step: Progress) -> None:
        if step.done == 0 and step.stage == "features":
            # What went before is the import of torch, which the next run will not wait for.
            self._started = time.perf_counter()
        if step.stage == "colors":
            # The estimate is of what went before.
            self._pace = (time.perf_counter() - self._started) / max(self._expected, 0.1)
        self.progress.setMaximum(max(step.total, 1) if step.total > 1 else 0)
        self.progress.setValue(step.done)
        self.message.setText(percent(step))

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        self.run_button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        self.coloring.choice.enabled = not busy
        if not busy:
            self._refresh()

    def _on_result(self, result: tuple[Any, NodeColors]) -> None:
        segmenter, colors = result
        embedding = segmenter.embedding
        sources = self._sources
        if not any(
            source.layer is not None and source.layer in self._viewer.layers for source in sources
        ):
            show_info("The image was deleted meanwhile; its eigenvectors are not shown.")
            return
        elapsed = time.perf_counter() - self._started
        prepared = Prepared(sources, segmenter)
        self._colors.show(prepared, colors)
        if colors.problem:
            self.coloring.take_back("pca")
            tell(InputError(colors.problem))
        self.coloring.keep()
        if self.cut.add_eigenvectors.value:
            add_eigenvectors(self._viewer, prepared)
        points = bring_prompts_layer(self._viewer, prepared.sources, self._session.classes)
        self._session.add(prepared)
        self._refresh()
        shape = " × ".join(map(str, embedding.layout.grids[0]))
        self.message.setText(
            f"Done in {elapsed:.1f} s: {embedding.n_components} eigenvectors on a grid of {shape} "
            f"(every {embedding.stride} px). Now click on things in the layer “{points.name}”."
        )

    def _recolor(self, _: Any = None) -> None:
        """Other colors are wanted: show what was computed last in them."""
        if self._session.embedded:
            self._colors.recolor(self._session.embedded[-1], self.coloring.method)

    def _on_not_recolored(self, reason: str) -> None:
        self.coloring.take_back()
        self.message.setText(reason)

    def open_points_widget(self) -> None:
        """Open the widget "Segment by points" in the same window."""
        window = getattr(self._viewer, "window", None)
        if window is not None:
            window.add_plugin_dock_widget("napari-ncut", "Segment by points", tabify=True)


def _described(name: str) -> Steps[BackboneEntry]:
    """`backbone_entry` as a generator, for a name outside of the list."""
    yield Progress("looking", 0, 1)
    return backbone_entry(name)


def _embed(
    reading: Reading,
    options: dict[str, Any],
    coloring: str,
    before: list[Any],
    sam_models: SamModels,
) -> Steps[tuple[Any, NodeColors]]:
    """`embed` of what is read, made ready for clicks, and its colors, as a generator.

    torch is first imported here, in the thread.
    """
    from ..prompts import PromptSegmenter
    from ..spectral import embed_steps

    embedding = yield from embed_steps(
        reading.images(),
        axes=reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        **options,
    )
    segmenter = PromptSegmenter(embedding, sam_models=sam_models)
    yield from segmenter.ready_steps()
    # Colors that cannot be had are no reason to lose the cut.
    colors = yield from color_steps(embedding, coloring, before, or_else="pca")
    return segmenter, colors
