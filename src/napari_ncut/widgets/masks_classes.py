"""The dock widget "Masks and classes": all things in an image as masks, sorted into classes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from ..errors import InputError
from ..progress import Progress
from .layers import default_axes, unwrap
from .mask_controls import LABELS
from .masks_panel import MOVE_TIP, MasksPanel
from .models import is_installed
from .outputs import output_fits
from .reading import Reading, layer_axes, read_settings
from .segment_editor import NO_CLASSES, SegmentEditor
from .segment_export import export_paths, export_steps
from .segment_steps import class_steps, curve_steps, label_steps, mask_steps
from .segments import Segments
from .workers import Job, percent

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..backbones import BackboneEntry

_MASKS_TIP = "Find masks of all things in the image; they become a new layer of instances."
_FIRST_TIP = "Describe the masks and sort them into classes, which become a new layer."
_AGAIN_TIP = (
    "Sort the masks anew with these settings. Masks and what was measured in them are kept, so it\n"
    "is quick; moves, merges and names are not. One step of undo."
)
_NO_MASKS = "There are no masks yet: find masks first."


class MasksWidget(MasksPanel):
    """Finds masks of all things in an image, sorts them into classes, and lets them be edited.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = unwrap(napari_viewer)
        super().__init__(self._viewer)
        self.editor = SegmentEditor(self._viewer, self.class_list, self.move_button.isChecked, self)
        self._told = ""
        self._described: Callable[[], Any] = lambda: None
        # The descriptors that the curve is drawn of.
        self._drawn: Any = None
        self._arrive: Callable[[Any], None] = lambda _: None
        self._job = Job(self)
        self._curve = Job(self)
        self._connect()
        self._on_image()

    def _connect(self) -> None:
        self._job.stepped.connect(self._on_progress)
        self._job.finished.connect(lambda result: self._arrive(result))
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        self._job.failed.connect(lambda reason: self._tell(reason))
        self._curve.finished.connect(self.classes.show_curve)
        self.on_release(
            self._job.close,
            self._curve.close,
            self.masks.release,
            self.table.release,
            self.editor.release,
        )
        self.masks.changed.connect(self._on_masks_changed)
        self.classes.changed.connect(self._refresh)
        self.classes.curve_outdated.connect(self._draw_curve)
        self.editor.changed.connect(self._on_segments)
        self.editor.told.connect(self._tell)
        self.table.table.itemSelectionChanged.connect(self._allow_edits)
        self.run_button.clicked.connect(lambda: self.run())
        self.cluster_button.clicked.connect(lambda: self.cluster())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self.merge_button.clicked.connect(lambda: self.editor.merge(self._selected()))
        self.split_button.clicked.connect(
            lambda: self.editor.split(self.class_list.current, self.parts.value())
        )
        self.undo_button.clicked.connect(lambda: self.editor.history.undo())
        self.redo_button.clicked.connect(lambda: self.editor.history.redo())
        self.export_button.clicked.connect(lambda: self.export())
        self.follow(self.editor.history.changed, self.editor.on_history)
        self.follow(self.editor.history.changed, self._refresh)
        self.follow(self._viewer.dims.events.current_step, self._refresh)
        self.follow(self._viewer.layers.events.removed, self.editor.on_removed)
        self.follow(self._viewer.layers.selection.events.active, self.editor.on_active)

    # ---------------------------------------------------------------------------------- settings

    def _on_masks_changed(self) -> None:
        if self.masks.image.value is not self._described():
            self._on_image()
        else:
            self._refresh()

    def _on_image(self) -> None:
        """Another image is chosen: offer what fits it."""
        layer = self.masks.image.value
        if layer is not None:
            self._described = weakref.ref(layer)
            self.masks.inputs.axes.value = default_axes(layer)
            shapes = [data.shape for data in layer.data] if layer.multiscale else []
            self.masks.inputs.offer_levels(shapes)
        self._refresh()

    def reading(self) -> Reading:
        """What would be read now; an `InputError` with the reason if nothing can be."""
        layer, controls = self.masks.image.value, self.masks.inputs
        if layer is None:
            raise InputError("Open an image first, then choose it under “Image”.")
        axes = str(controls.axes.value).strip().upper()
        return read_settings(
            self._viewer,
            [layer],
            axes=axes,
            combine="images",
            channels=controls.channel_choice(),
            level=controls.level.value,
            region=controls.region.value,
            shapes=self.masks.shapes.value,
            current_plane=controls.planes.value == "current" and self._has("TZ"),
            scaling=controls.scaling.value,
        )

    def _has(self, names: str) -> bool:
        """Whether the image has any of these axes."""
        layer = self.masks.image.value
        axes = str(self.masks.inputs.axes.value).strip().upper()
        return layer is not None and bool(set(names) & set("".join(layer_axes([layer], axes))))

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        layer, controls = self.masks.image.value, self.masks.inputs
        controls.level.visible = layer is not None and layer.multiscale
        controls.channels.visible = self._has("C")
        controls.planes.visible = self._has("TZ")
        self.masks.shapes.setVisible(controls.region.value == "shapes")
        if self._job.busy:
            return
        no_masks = self._why_no_masks()
        _allow(self.run_button, no_masks, _MASKS_TIP)
        no_classes = self._why_no_classes()
        again = self._can_recluster
        self.cluster_button.setText("Cluster again" if again else "Find classes")
        _allow(self.cluster_button, no_classes, _AGAIN_TIP if again else _FIRST_TIP)
        self._allow_edits()
        reason = no_masks if self.editor.segments is None else no_masks or no_classes
        self.message.setText(reason or self._told)

    def _why_no_masks(self) -> str:
        try:
            reading = self.reading()
        except InputError as error:
            self.masks.echo.setText("")
            return str(error)
        self.masks.echo.setText(reading.describe())
        if self.masks.model == LABELS:
            layer = self.masks.labels.value
            if layer is None:
                return "Choose the Labels layer that has the masks, under “Labels”."
            if not output_fits(layer, reading):
                return (
                    f"“{layer.name}” does not lie on “{reading.sources[0].name}” pixel by pixel. "
                    f"Choose another Labels layer."
                )
            return ""
        if self.masks.own_weights is not None:
            return ""
        return _missing(self.masks.network, "choose a file under “Options of the masks”")

    def _why_no_classes(self) -> str:
        segments = self.editor.segments
        if segments is None:
            return _NO_MASKS
        if self._can_recluster:
            return ""
        if not sum(len(one) for one in segments.masks):
            return "There is no mask to be sorted. Find masks with other options."
        if segments.source.layer is None or segments.source.layer not in self._viewer.layers:
            return (
                f"The image “{segments.source.name}” is gone, so nothing can be measured in it. "
                f"Choose what the masks were compared by before, or open it again."
            )
        return _missing(self.classes.network, "compare by something else")

    @property
    def _can_recluster(self) -> bool:
        """Whether what is known of the masks is what the settings ask for."""
        state = self.editor.state
        return state is not None and state.description == self.classes.settings().description

    def _allow_edits(self) -> None:
        idle = not self._job.busy and not self.editor.history.replaying
        has_classes = self.editor.state is not None
        reason = "" if idle and has_classes else "One moment." if not idle else NO_CLASSES
        selected = self._selected() if has_classes else []
        _allow(
            self.merge_button,
            reason or ("" if len(selected) > 1 else "Select two classes or more, with Ctrl."),
            "Make the selected classes one; it keeps the lowest number and its name.",
        )
        _allow(
            self.split_button,
            reason or ("" if len(selected) == 1 else "Select one class."),
            "Part the selected class in so many, by what its segments look like.",
        )
        self.table.setEnabled(has_classes)
        _allow(self.move_button, "" if has_classes else NO_CLASSES, MOVE_TIP)
        no_masks = "" if self.editor.segments is not None else _NO_MASKS
        _allow(
            self.export_button,
            no_masks or ("" if idle else "One moment."),
            "Write label TIFFs of both layers as they are now, a table (CSV) and COCO's JSON to a\n"
            "folder: all of them or none.",
        )
        self.undo_button.setEnabled(idle and self.editor.history.can_undo)
        self.redo_button.setEnabled(idle and self.editor.history.can_redo)

    def _selected(self) -> list[int]:
        return [number for number in self.table.selected if number != self.class_list.new]

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()

    # --------------------------------------------------------------------------------------- run

    def run(self) -> None:
        """Find masks in a thread; a new layer is added when it is done."""
        reason = self._why_no_masks()
        if reason:
            self.message.setText(reason)
            return
        reading = self.reading()
        if self.masks.model == LABELS:
            labels = self.masks.labels.value
            self._start(lambda: label_steps(reading, labels), self._on_masks, reading)
            return
        model, options = self.masks.model, self.masks.mask_options()
        checkpoint = self.masks.own_weights
        self._start(
            lambda: mask_steps(reading, model, options, checkpoint), self._on_masks, reading
        )

    def cluster(self) -> None:
        """Find classes in a thread, from descriptors that are known where they are right."""
        segments = self.editor.segments
        if segments is None or self._why_no_classes():
            return
        settings = self.classes.settings()
        state = segments.state
        known = state.found if self._can_recluster and state is not None else None
        self._start(
            lambda: class_steps(segments, settings, known=known), self.editor.arrive, segments
        )

    def _start(self, steps: Callable[[], Any], arrive: Callable[..., None], *more: Any) -> None:
        self._arrive = lambda result: arrive(result, *more)
        self._job.start(steps)

    def _on_progress(self, step: Progress) -> None:
        self.progress.setMaximum(max(step.total, 1) if step.total > 1 else 0)
        self.progress.setValue(step.done)
        self.message.setText(percent(step))

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        for button in (self.run_button, self.cluster_button):
            button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        self._allow_edits()
        if not busy:
            self._refresh()

    def _on_masks(self, result: Any, reading: Reading) -> None:
        masks, block = result
        source = reading.sources[0]
        if source.layer is None or source.layer not in self._viewer.layers:
            show_info("The image was deleted meanwhile; its masks are not shown.")
            return
        self.editor.add(Segments(self._viewer, reading, masks, block))
        n = sum(len(one) for one in masks)
        self._tell(
            f"{n:,} masks. Now find classes."
            if n
            else "No mask was found. Try other options, or another source of masks."
        )

    def _on_segments(self) -> None:
        """Other segments or classes are edited."""
        state = self.editor.state
        self.table.show_counts(state)
        if state is not None:
            # Whoever changed it may have more to tell, and does so next.
            self._told = state.describe()
        descriptors = None if state is None else state.found.descriptors
        if descriptors is not self._drawn:
            self._draw_curve()
        if self.editor.segments is None:
            self._told = ""
        self._refresh()

    def _draw_curve(self) -> None:
        """The curve is of other masks or settings now."""
        state, settings = self.editor.state, self.classes.settings()
        self._drawn = None if state is None else state.found.descriptors
        self._curve.cancel()
        if state is None:
            self.classes.show_curve(None)
            return
        found = state.found
        self._curve.start(lambda: curve_steps(found, settings.clusterer, settings.parameters))

    # -------------------------------------------------------------------------------------- export

    def export(self) -> None:
        """Ask for a folder, and write there."""
        segments = self.editor.segments
        if segments is None:
            return
        chosen = QFileDialog.getExistingDirectory(self, "Export to a folder")
        if not chosen:
            return
        there = [p.name for p in export_paths(segments, Path(chosen)).values() if p.exists()]
        if there:
            answer = QMessageBox.question(
                self, "Replace files?", f"{', '.join(there)} are there already. Replace them?"
            )
            if answer != QMessageBox.StandardButton.Yes:
                return
        self._start(export_steps(segments, Path(chosen)), self._on_exported)

    def _on_exported(self, paths: list[Path]) -> None:
        names = ", ".join(path.name for path in paths)
        self._tell(f"Written to {paths[0].parent}: {names}")


def _allow(button: QPushButton, reason: str, tooltip: str) -> None:
    """Enable a button, or disable it and say why."""
    button.setEnabled(not reason)
    button.setToolTip(reason or tooltip)


def _missing(entry: BackboneEntry | None, otherwise: str) -> str:
    """Why a network cannot be used, "" if it can be."""
    if entry is None:
        return ""
    if entry.unavailable_because:
        return entry.unavailable_because
    if is_installed(entry):
        return ""
    return (
        f"{entry.title} is not installed ({entry.readable_size}, license: {entry.license}). "
        f"Download it in the widget “NCUT features” under Models, or {otherwise}."
    )
