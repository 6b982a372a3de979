"""The dock widget "Masks and classes": all things in images as masks, sorted into classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QMessageBox

from ..errors import InputError
from .label_pairing import paired_labels
from .layers import unwrap
from .mask_controls import LABELS
from .masks_panel import APPLY_TIP, MOVE_TIP, SAVE_TIP, MasksPanel
from .panels import allow
from .reading import Reading
from .segment_editor import NO_CLASSES, SegmentEditor
from .segment_export import export_paths, export_steps
from .segment_steps import (
    FoundMasks,
    class_steps,
    curve_steps,
    label_steps,
    mask_steps,
    save_class_steps,
    stored_class_steps,
)
from .segments import Segments, instance_blocks
from .session import session_of
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel

_MASKS_TIP = "Find masks of all things in the images; they become new layers of instances."
_FIRST_TIP = "Describe the masks and sort them into classes, which become a new layer."
_AGAIN_TIP = (
    "Sort the masks anew with these settings. Masks and what was measured in them are kept, so it\n"
    "is quick; moves, merges and names are not. One step of undo."
)
_FILTER = "Classes (*.npz)"
_NO_MASKS = "There are no masks yet: find masks first."


class MasksWidget(MasksPanel):
    """Finds masks of all things in images, sorts them into classes, and lets them be edited.

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
        # The descriptors that the curve is drawn of.
        self._drawn: Any = None
        self._job = Job(self)
        self._curve = Job(self)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(self.show_progress)
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        self._job.failed.connect(lambda reason: self._tell(reason))
        self._curve.finished.connect(self.classes.show_curve)
        self.on_release(
            self._job.close,
            self._curve.close,
            self.masks.release,
            self.classes.release,
            self.table.release,
            self.editor.release,
        )
        self.masks.changed.connect(self._refresh)
        self.classes.changed.connect(self._refresh)
        self.classes.curve_outdated.connect(self._draw_curve)
        self.editor.changed.connect(self._on_segments)
        self.editor.told.connect(self._tell)
        self.table.table.itemSelectionChanged.connect(self._allow_edits)
        self.run_button.clicked.connect(lambda: self.run())
        self.cluster_button.clicked.connect(lambda: self.cluster())
        self.apply_button.clicked.connect(lambda: self.apply_classes())
        self.save_button.clicked.connect(lambda: self.save_classes())
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

    def reading(self) -> Reading:
        """What would be read now; an `InputError` with the reason if nothing can be."""
        return self.masks.reading()

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        self.masks.show_fitting()
        if self._job.busy:
            return
        no_masks = self._why_no_masks()
        allow(self.run_button, no_masks, _MASKS_TIP)
        no_classes = self._why_no_classes()
        again = self._can_recluster
        allow(self.apply_button, self._why_not_measured(), APPLY_TIP)
        self.cluster_button.setText("Cluster again" if again else "Find classes")
        allow(self.cluster_button, no_classes, _AGAIN_TIP if again else _FIRST_TIP)
        self._allow_edits()
        reason = no_masks if self.editor.segments is None else no_masks or no_classes
        self.message.setText(reason or self._told)

    def _why_no_masks(self) -> str:
        try:
            reading = self.reading()
        except InputError as error:
            self.masks.echo.setText("")
            return str(error)
        told = reading.describe()
        if self.masks.model == LABELS:
            try:
                labels = paired_labels(self.masks.labels.value, reading)
            except InputError as error:
                self.masks.echo.setText(told)
                return str(error)
            if len(labels) > 1:
                pairs = zip(reading.sources, labels, strict=True)
                told = "\n".join(f"{source.name} ← {layer.name}" for source, layer in pairs)
            self.masks.echo.setText(told)
            return ""
        self.masks.echo.setText(told)
        return self.masks.download.why()

    def _why_no_classes(self) -> str:
        if self.editor.segments is not None and self._can_recluster:
            return ""
        return self._why_not_measured() or self.classes.download.why()

    def _why_not_measured(self) -> str:
        """Why the masks cannot be described anew, "" if they can be."""
        segments = self.editor.segments
        if segments is None:
            return _NO_MASKS
        if not sum(len(one) for one in segments.masks):
            return "There is no mask to be sorted. Find masks with other options."
        for source in segments.reading.sources:
            if source.layer is None or source.layer not in self._viewer.layers:
                return (
                    f"The image “{source.name}” is gone, so nothing can be measured in it. Choose "
                    f"what the masks were compared by before, open it again, or find masks of the "
                    f"others."
                )
        return ""

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
        allow(
            self.merge_button,
            reason or ("" if len(selected) > 1 else "Select two classes or more, with Ctrl."),
            "Make the selected classes one; it keeps the lowest number and its name.",
        )
        allow(
            self.split_button,
            reason or ("" if len(selected) == 1 else "Select one class."),
            "Part the selected class in so many, by what its segments look like.",
        )
        self.table.setEnabled(has_classes)
        allow(self.save_button, reason, SAVE_TIP)
        allow(self.move_button, "" if has_classes else NO_CLASSES, MOVE_TIP)
        no_masks = "" if self.editor.segments is not None else _NO_MASKS
        allow(
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
            labels = paired_labels(self.masks.labels.value, reading)
            self._job.start(
                lambda: label_steps(reading, labels), lambda found: self._on_masks(found, reading)
            )
            return
        model, options = self.masks.model, self.masks.mask_options()
        checkpoint = self.masks.own_weights
        models = session_of(self._viewer).sam_models
        self._job.start(
            lambda: mask_steps(reading, model, options, checkpoint, models),
            lambda found: self._on_masks(found, reading),
        )

    def cluster(self) -> None:
        """Find classes in a thread, from descriptors that are known where they are right."""
        segments = self.editor.segments
        if segments is None or self._why_no_classes():
            return
        settings = self.classes.settings()
        state = segments.state
        known = state.found if self._can_recluster and state is not None else None
        self._job.start(
            lambda: class_steps(segments, settings, known=known),
            lambda state: self.editor.arrive(state, segments),
        )

    def apply_classes(self) -> None:
        """Ask for a file of classes, and give the masks these, or none of them."""
        segments = self.editor.segments
        if segments is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Classes of other images", "", _FILTER)
        if chosen:
            remainder = self.classes.remainder.isChecked()
            self._job.start(
                lambda: stored_class_steps(segments, Path(chosen), remainder=remainder),
                lambda state: self.editor.arrive(state, segments),
            )

    def save_classes(self) -> None:
        """Ask for a file, and write the classes there for other images."""
        segments = self.editor.segments
        if segments is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(self, "Save classes", "classes.npz", _FILTER)
        if chosen:
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(".npz")
            self._job.start(
                lambda: save_class_steps(segments, path),
                lambda written: self._tell(f"Classes written to {written}"),
            )

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        for button in (self.run_button, self.cluster_button, self.apply_button):
            button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        self._allow_edits()
        if not busy:
            self._refresh()

    def _on_masks(self, result: FoundMasks, reading: Reading) -> None:
        masks, blocks = result
        there = [
            i
            for i, source in enumerate(reading.sources)
            if source.layer is not None and source.layer in self._viewer.layers
        ]
        if len(there) < len(reading.sources):
            show_info("An image was deleted meanwhile; its masks are not shown.")
        if not there:
            return
        ends = np.cumsum([0, *(source.n_planes for source in reading.sources)]).tolist()
        masks = tuple(one for i in there for one in masks[ends[i] : ends[i + 1]])
        if len(there) < len(reading.sources):
            reading = reading.only(there)
            blocks = instance_blocks(reading.sources, masks)
        self.editor.add(Segments(self._viewer, reading, masks, blocks))
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
        self._job.start(export_steps(segments, Path(chosen)), self._on_exported)

    def _on_exported(self, paths: list[Path]) -> None:
        names = ", ".join(path.name for path in paths)
        self._tell(f"Written to {paths[0].parent}: {names}")
