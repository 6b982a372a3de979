"""The dock widget "Segment": an image by any classic method, and all of them to choose from."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from napari.utils.notifications import show_info

from ..errors import InputError
from ..progress import Progress
from .classic_panel import ClassicPanel
from .classic_preview import PreviewDialog
from .classic_steps import (
    Segmented,
    Thumbnail,
    as_meant,
    preview_steps,
    segment_steps,
    show_notes,
    whole_image,
)
from .grabcut_panel import GrabCutPanel
from .history import Change, Command, Group, history_of
from .layers import free_name, unwrap
from .outputs import layer_added, layer_taken
from .panels import SCRIPT_TIP, allow, folded
from .region_view import show_outlines
from .roles import PAINTED, SEGMENTS, labels_on, machine_segments, note, notes_of
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .reading import Reading

_RUN_TIP = (
    "Segment the image; segments become a layer of labels, ready to be painted with.\n"
    "Done again, they take the place of earlier ones. One step of undo."
)
_PREVIEW_TIP = (
    "Show what every method makes of the current view, each as it finishes; a click on one\n"
    "segments by it. Methods that you have looked at have their settings of now."
)
_BUSY = "One moment."
# A view that is reduced less looks the same.
_WORTH_TELLING = 1.1


class ClassicWidget(ClassicPanel):
    """Segments an image by a classic method, chosen from a list or from thumbnails of all.

    Other panels that make segments are shown below by `add_section`.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = unwrap(napari_viewer)
        super().__init__(self._viewer)
        self.history = history_of(self._viewer)
        self.dialog: PreviewDialog | None = None
        self._told = ""
        # What runs, and the layer that it is to be written to.
        self._reading: Reading | None = None
        self._options: dict[str, Any] = {}
        self._target: weakref.ref[Labels] | None = None
        self._job, self._previews = Job(self), Job(self)
        self.grabcut = GrabCutPanel(self._viewer, self.history, self.input.reading)
        self.add_section("GrabCut, by rectangles and marks", folded("Cut", self.grabcut))
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(self.show_progress)
        self._job.finished.connect(self._on_segmented)
        self._job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        self._job.failed.connect(self._tell)
        self._previews.stepped.connect(self._on_preview)
        self._previews.finished.connect(self._on_previewed)
        self._previews.failed.connect(self._end_previews)
        self._previews.cancelled.connect(lambda: self._end_previews("Cancelled."))
        for job in (self._job, self._previews):
            job.busy_changed.connect(self._on_busy)
            self.on_release(job.close)
        self.on_release(self.input.release, self.grabcut.release, self._close_dialog)
        self.input.changed.connect(self._refresh)
        self.classic.changed.connect(self._refresh)
        self.run_button.clicked.connect(lambda: self.run())
        self.preview_button.clicked.connect(lambda: self.preview())
        self.script_button.clicked.connect(lambda: self.copy_script())
        self.cancel_button.clicked.connect(lambda: self.cancel())
        self.outlines.toggled.connect(self._on_outlines)
        self.undo_button.clicked.connect(lambda: self.history.undo())
        self.redo_button.clicked.connect(lambda: self.history.redo())
        self.follow(self.history.changed, self._refresh)
        self.follow(self._viewer.layers.events.removed, self._refresh)
        self.follow(self._viewer.layers.events.inserted, self._refresh)
        self.follow(self._viewer.dims.events.current_step, self._refresh)

    @property
    def busy(self) -> bool:
        """Whether anything is being computed or written."""
        return self._job.busy or self._previews.busy or self.grabcut.busy

    @property
    def segments(self) -> Labels | None:
        """The layer of segments that a method has made of the chosen image, None without one."""
        image = self.input.image.value
        return None if image is None else machine_segments(self._viewer, image)

    # ------------------------------------------------------------------------------------ segment

    def run(self) -> None:
        """Segment in a thread; the layer changes when it is done."""
        try:
            self._reading = self.input.reading()
        except InputError as error:
            self.message.setText(str(error))
            return
        if self.history.replaying:
            return
        reading, options = self._reading, self.classic.options()
        self._options = options
        layer = self.segments
        source = reading.sources[0]
        fits = layer is not None and tuple(layer.data.shape) == source.whole_shape()
        target = layer if fits else None
        self._target = None if target is None else weakref.ref(target)
        self._job.start(lambda: segment_steps(reading, options, target))

    def cancel(self) -> None:
        """Stop what is computed; nothing is changed."""
        self._job.cancel()
        self._previews.cancel()

    def _on_segmented(self, found: Segmented) -> None:
        reading = self._reading
        assert reading is not None
        image = reading.sources[0].layer
        if image is None or image not in self._viewer.layers:
            show_info("The image was deleted meanwhile; its segments are not shown.")
            return
        target = None if self._target is None else self._target()
        commands: list[Command] = []
        if target is not None and target in self._viewer.layers:
            if found.write is not None:
                commands.append(found.write)
            commands.append(self._noted(target))
        else:
            # Of another size, or deleted meanwhile.
            earlier = self.segments
            if earlier is not None:
                commands.append(layer_taken(self._viewer, earlier))
            commands.append(self._new_layer(reading, found))
        told = f"{self.classic.title_of(self._options['method'])}: {found.describe()}"
        self.history.perform(Group("segment", commands), lambda done: self._on_written(done, told))

    def _on_written(self, done: bool, told: str) -> None:
        self._tell(told if done else "The segments could not be written; nothing was changed.")
        if done and self.segments is not None:
            # Where keys for undo and redo act.
            self._viewer.layers.selection.active = self.segments

    def _new_layer(self, reading: Reading, found: Segmented) -> Command:
        source = reading.sources[0]
        image = source.layer
        layer = Labels(
            whole_image(source, found.planes),
            name=free_name(self._viewer, f"{image.name} segments"),
            **source.spatial(whole=True),
        )
        note(layer, role=SEGMENTS, segmenter=self._options)
        show_outlines(layer, self.outlines.isChecked())
        self.history.follow(layer)
        # What is painted stays on top.
        painted = labels_on(self._viewer, image, PAINTED)
        return layer_added(self._viewer, layer, painted[-1] if painted else None)

    def _noted(self, layer: Labels) -> Command:
        """The command that lets a layer tell what its new segments were made by."""
        before = notes_of(layer)["segmenter"], layer.features.copy()
        apply = partial(show_notes, weakref.ref(layer))
        return Change("note", apply, before, (self._options, None))

    def _on_outlines(self, on: bool) -> None:
        if (layer := self.segments) is not None:
            show_outlines(layer, on)

    # ------------------------------------------------------------------------------------- preview

    def preview(self) -> None:
        """Show all methods on the current view, in a window of their own."""
        try:
            reading = self.input.reading(view=True)
        except InputError as error:
            tell(error)
            return
        if self.dialog is None:
            self.dialog = PreviewDialog(self)
            self.dialog.chosen.connect(self.choose)
            self.dialog.finished.connect(lambda _: self._previews.cancel())
        self.dialog.begin(f"{reading.describe()}. Click the one you like.")
        self.dialog.show()
        self.dialog.raise_()
        settings = self.classic.settings()
        self._previews.start(lambda: preview_steps(reading, settings))

    def choose(self, method: str) -> None:
        """Segment by a method that was picked from the thumbnails."""
        self.classic.choose(method)
        # Two would compete for the processor.
        self._previews.cancel()
        self.run()

    def _on_preview(self, step: Progress | Thumbnail) -> None:
        if self.dialog is None:
            return
        if isinstance(step, Thumbnail):
            self.dialog.show_thumbnail(step)
        elif step.stage == "methods":
            self.dialog.progress.setRange(0, step.total)
            self.dialog.progress.setValue(step.done)

    def _on_previewed(self, factor: float) -> None:
        told = "Click the one you like."
        if factor > _WORTH_TELLING:
            told += f" The view was reduced {factor:.1f} times, and lengths with it."
        self._end_previews(told)

    def _end_previews(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.end(text)

    def _close_dialog(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.close()
            dialog.deleteLater()

    # ------------------------------------------------------------------------------------ what is

    def copy_script(self) -> None:
        """Copy a script that makes these segments."""
        from .scripts import copy_to_clipboard, function_script_of

        try:
            reading = self.input.reading()
        except InputError as error:
            tell(error)
            return
        options = self.classic.options()
        script = function_script_of(
            reading,
            "segment_classic",
            {"scaling": as_meant(reading.scaling), **options},
            "segments",
            defaults=self.classic.defaults(),
        )
        copy_to_clipboard(script)

    def _on_busy(self, _: bool = False) -> None:
        self.progress.setVisible(self._job.busy)
        self.progress.setMaximum(0)
        self.cancel_button.setEnabled(self._job.busy or self._previews.busy)
        self._refresh()

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        unreadable = self.input.why_not()
        missing = self.classic.entry.unavailable_because
        busy = _BUSY if self._job.busy or self.history.replaying else ""
        allow(self.run_button, unreadable or missing or busy, _RUN_TIP)
        allow(self.preview_button, unreadable, _PREVIEW_TIP)
        allow(self.script_button, unreadable, SCRIPT_TIP)
        self.grabcut.refresh()
        self.undo_button.setEnabled(self.history.can_undo and not busy)
        self.redo_button.setEnabled(self.history.can_redo and not busy)
        if not self._job.busy:
            self.message.setText(unreadable or missing or self._told)

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()
