"""The dock widget "Image folder": one image after another, and nothing that was painted is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QFileDialog

from ..errors import InputError
from ..folders import ImageFolder
from .folder_ahead import SegmentAhead
from .folder_desk import Desk, Opened, classes_on, open_steps, paint_classes
from .folder_files import FolderFiles
from .folder_panel import FolderPanel
from .folder_writer import FolderWriter, Task
from .history import history_of
from .keys import bind_weakly
from .layers import unwrap
from .panels import allow
from .roles import PAINTED, role_of
from .session import session_of
from .workers import Job, once_after, percent, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

# Milliseconds after the last step after which a draft is written.
_REST = 3000
# Images put aside with their layers and steps of undo, and what their labels may take together.
_MAX_ASIDE, _MAX_ASIDE_BYTES = 6, 512 * 2**20
_NO_FOLDER = "Open a folder of images first."
_SAVE_TIP = (
    "Save what is painted and the segments, mark the image as done and go to the next.\n"
    "Key: S on our layers"
)
_NEXT_TIP = "Go to the next image; what is unsaved is kept as a draft. Key: N on our layers"
_PREVIOUS_TIP = "Go back; what is unsaved is kept as a draft. Key: Shift+N on our layers"
_DONE_TIP = "Mark this image as done, or as not done, without saving."


class FolderWidget(FolderPanel):
    """Goes through the images of a folder: layers come and go, drafts keep what is not saved.

    Every image has steps of undo of its own: they go and come back with its layers.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = unwrap(napari_viewer)
        self.history = history_of(self._viewer)
        self.classes = session_of(self._viewer).classes
        self.folder: ImageFolder | None = None
        self.desk: Desk | None = None
        self._aside: dict[int, Desk] = {}
        self._wanted = 0
        self._direction = 0
        self._moving = False
        self._filling = False
        self._told = ""
        self._told_ahead = ""
        self._job = Job(self)
        self.writer = FolderWriter(self)
        self.segments_ahead = SegmentAhead(self.segmenter, self)
        self.files = FolderFiles(self)
        self._soon = once_after(_REST, self.keep_draft, self)
        self._arriving: Desk | None = None
        self._later = once_after(20, self._arrive_later, self)
        self._forgetting = once_after(0, self._forget, self)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(lambda step: self.message.setText(percent(step)))
        self._job.finished.connect(self._on_opened)
        self._job.failed.connect(self._on_unreadable)
        self.writer.written.connect(self._on_written)
        self.writer.failed.connect(self._on_unwritten)
        self.segments_ahead.found.connect(self._on_segments)
        self.segments_ahead.told.connect(self._on_ahead)
        self.path.given.connect(self.open)
        self.open_button.clicked.connect(lambda: self._choose_folder())
        self.images.asked.connect(self._on_asked)
        self.previous_button.clicked.connect(lambda: self.previous())
        self.next_button.clicked.connect(lambda: self.next())
        self.save_button.clicked.connect(lambda: self.save_and_next())
        self.done_button.clicked.connect(lambda: self.toggle_done())
        self.undo_button.clicked.connect(lambda: self.history.undo())
        self.redo_button.clicked.connect(lambda: self.history.redo())
        self.cancel_button.clicked.connect(lambda: self.files.cancel())
        # The last is the first to be called: work is kept before anything is let go.
        self.on_release(
            self._job.close, self.images.close_job, self.segments_ahead.close, self.files.close,
            self._write_all,
        )  # fmt: skip
        self.follow(self.history.changed, self._on_history)
        self.follow(self.classes.changed, self._on_classes)
        self.follow(self._viewer.layers.events.removed, self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether anything is being read, written or computed."""
        return (
            self._job.busy
            or self.writer.busy
            or self.segments_ahead.busy
            or self.files.busy
            or self.images.busy
            or self.history.replaying
        )

    @property
    def number(self) -> int | None:
        """The image that is shown."""
        return None if self.desk is None else self.desk.number

    # ------------------------------------------------------------------------------------- folder

    def open(self, path: str | Path) -> None:
        """Open a folder and show its first image that is not done."""
        try:
            folder = ImageFolder(str(path).strip().strip('"'))
        except InputError as error:
            tell(error)
            self._tell(str(error))
            return
        self._leave()
        self._aside.clear()
        self._job.cancel()
        self.folder = folder
        self.path.setText(str(folder.path))
        self._give_classes(folder)
        self._take_classes(folder)
        self.images.show_folder(folder)
        first = next((i for i in range(len(folder)) if not folder.is_done(i)), 0)
        self._direction = 1
        self.go_to(first)

    def _choose_folder(self) -> None:
        start = str(self.folder.path.parent) if self.folder else self.path.text()
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images", start)
        if chosen:
            self.open(chosen)

    # --------------------------------------------------------------------------------------- moves

    def go_to(self, number: int) -> None:
        """Show another image of the folder; what is unsaved is kept as a draft."""
        folder = self.folder
        if folder is None or not 0 <= number < len(folder):
            return
        self._wanted = number
        self._told = ""
        self.images.show_current(number)
        if self.desk is not None and self.desk.number == number:
            self._job.cancel()
            return
        if number in self._aside:
            self._job.cancel()
            self._arrive(self._aside.pop(number))
            return
        kept = self.writer.kept(folder, number)
        self._job.start(lambda: open_steps(folder, number, kept))

    def next(self) -> None:
        """Go to the next image that can be read."""
        self._step(1)

    def previous(self) -> None:
        """Go to the image before that can be read."""
        self._step(-1)

    def save_and_next(self) -> None:
        """Save what is painted, and go on."""
        if self.save():
            self.next()

    def _step(self, direction: int) -> None:
        folder = self.folder
        if folder is None:
            self._tell(_NO_FOLDER)
            return
        self._direction = direction
        number = self._wanted + direction
        skip = self.skip_done.isChecked()
        while 0 <= number < len(folder) and (
            number in folder.unreadable or (skip and folder.is_done(number))
        ):
            number += direction
        if 0 <= number < len(folder):
            self.go_to(number)
        else:
            self._tell(f"This is the {'last' if direction > 0 else 'first'} image.")

    def _on_asked(self, number: int) -> None:
        self._direction = 0
        self.go_to(number)

    def _on_opened(self, opened: Opened) -> None:
        folder = self.folder
        if folder is not None and opened.image.path == folder.files[opened.number]:
            # Files of other formats may have brought classes.
            self._take_classes(folder)
            self._arrive(Desk(self._viewer, opened, self.classes))

    def _arrive(self, desk: Desk) -> None:
        """Show an image in the place of the one before."""
        if self.history.replaying:
            # Whatever is being undone belongs to the image before.
            self._arriving = desk
            self._later.start()
            return
        if desk.number != self._wanted:
            return
        before = self.desk
        place = self._leave()
        if place is None:
            place = len(self._viewer.layers)
        self.desk = desk
        self._moving = True
        desk.show(place, self.history)
        self._moving = False
        if before is None or before.shape != desk.shape:
            self._viewer.reset_view()
        self._adopt()
        painted = desk.painted
        if painted is not None:
            paint_classes(painted, self.classes)
        self.images.refresh()
        self._refresh()
        self.segments_ahead.go_to(self.folder, desk.number)

    def _arrive_later(self) -> None:
        desk, self._arriving = self._arriving, None
        if desk is not None:
            self._arrive(desk)

    def _leave(self) -> int | None:
        """Take the layers of the image shown out of the viewer; where they were."""
        self.keep_draft()
        desk, self.desk = self.desk, None
        if desk is None:
            return None
        has_painted = desk.painted is not None
        self._moving = True
        place = desk.put_aside(self.history)
        self._moving = False
        if has_painted:
            self._aside[desk.number] = desk
        while self._aside and (
            len(self._aside) > _MAX_ASIDE
            or sum(one.nbytes for one in self._aside.values()) > _MAX_ASIDE_BYTES
        ):
            self._aside.pop(next(iter(self._aside)))
        return place

    def _adopt(self) -> None:
        """Keys on all layers of the image shown."""
        keys = {"N": self.next, "Shift-N": self.previous, "S": self.save_and_next}
        for layer in [] if self.desk is None else self.desk.layers:
            for key, act in keys.items():
                bind_weakly(layer, key, act)

    def _on_unreadable(self, reason: str) -> None:
        """An image could not be shown: it is marked, and who was on the way goes on."""
        self.images.refresh()
        folder = self.folder
        if folder is not None and self._wanted in folder.unreadable and self._direction:
            self._step(self._direction)
            return
        if self.desk is not None:
            self._wanted = self.desk.number
            self.images.show_current(self._wanted)
        self._tell(reason)

    # -------------------------------------------------------------------------------------- saving

    def save(self) -> bool:
        """Save what is painted on the image shown, in a thread; whether there is anything."""
        desk, folder = self.desk, self.folder
        maps = None if desk is None else desk.maps()
        if desk is None or folder is None or maps is None:
            self._tell("There is no painted layer to save." if folder else _NO_FOLDER)
            return False
        self._soon.stop()
        self._keep_classes()
        self.writer.put(Task(folder, desk.number, *maps, axes=desk.axes, save=True))
        desk.note_written(saved=True)
        return True

    def keep_draft(self, gone: Labels | None = None) -> None:
        """Write a draft of the image shown, in a thread, if anything has changed since the last.

        Parameters
        ----------
        gone
            What was painted on, if it has just been deleted.
        """
        self._soon.stop()
        desk, folder = self.desk, self.folder
        if desk is None or folder is None or not desk.is_changed(gone):
            return
        if gone is None and desk.is_as_saved() and not self.writer.kept(folder, desk.number):
            # All was undone: the draft would say nothing new.
            desk.note_written(saved=True)
            self._drop_draft(folder, desk.number)
            return
        maps = desk.maps(gone)
        if maps is not None:
            self._keep_classes()
            self.writer.put(Task(folder, desk.number, *maps, axes=desk.axes))
            desk.note_written(saved=False, gone=gone)

    def toggle_done(self) -> None:
        """Mark the image shown as done, or as not done."""
        if self.folder is None or self.desk is None:
            return
        number = self.desk.number
        try:
            self.folder.mark(number, done=not self.folder.is_done(number))
        except InputError as error:
            tell(error)
        self.images.refresh()
        self._refresh()

    def _drop_draft(self, folder: ImageFolder, number: int) -> None:
        try:
            folder.drop_draft(number)
        except InputError as error:
            tell(error)
        self.images.refresh()

    def _on_written(self, task: Task) -> None:
        self.images.refresh()
        self._refresh()
        if task.save:
            self._tell(f"Saved {task.folder.files[task.number].name}.")

    def _on_unwritten(self, task: Task, reason: str) -> None:
        """It is kept in memory: whoever comes back to the image finds it."""
        show_warning(f"{task.folder.files[task.number].name} is not saved. {reason}")
        for desk in (self.desk, self._aside.get(task.number)):
            if desk is not None and desk.number == task.number and task.folder is self.folder:
                desk.note_unwritten()
        self._tell(reason)

    def _write_all(self) -> None:
        """Write what is not written yet, here and now; Qt may have deleted this widget already."""
        desk, folder = self.desk, self.folder
        last = None
        if desk is not None and folder is not None and desk.is_changed():
            maps = desk.maps()
            if maps is not None:
                last = Task(folder, desk.number, *maps, axes=desk.axes)
        for reason in self.writer.close(last):
            show_warning(f"Unsaved work could not be written. {reason}")

    # ------------------------------------------------------------------------------------- classes

    def _take_classes(self, folder: ImageFolder) -> None:
        """Let the window's classes be those of a folder."""
        self._filling = True
        names, colors = folder.names, folder.colors
        self.classes.ensure(sorted(names), names)
        for label, name in names.items():
            self.classes.rename(label, name)
            self.classes.recolor(label, colors[label])
        self._filling = False

    def _give_classes(self, folder: ImageFolder) -> None:
        """Let a folder know the classes that the user has named, so that no file takes theirs."""
        own = [one for one in self.classes.entries if one.name != f"class {one.label}"]
        names = {one.label: one.name for one in own} | folder.names
        colors = {one.label: one.color for one in own} | folder.colors
        if names != folder.names:
            try:
                folder.set_classes(names, colors)
            except InputError as error:
                tell(error)

    def _on_classes(self) -> None:
        """A class was added, renamed or recolored in the window."""
        painted = None if self.desk is None else self.desk.painted
        if painted is not None and not self._filling:
            paint_classes(painted, self.classes)
            self._soon.start()

    def _keep_classes(self) -> None:
        """Let the folder's classes be those of the layer that is painted on."""
        painted = None if self.desk is None else self.desk.painted
        if painted is None or self.folder is None:
            return
        names, colors = classes_on(painted)
        # Files may have brought classes that no layer knows.
        known = {n: name for n, name in self.folder.names.items() if n not in names}
        own = {n: self.folder.colors[n] for n in known}
        try:
            self.folder.set_classes({**known, **names}, {**own, **colors})
        except InputError as error:
            tell(error)

    # -------------------------------------------------------------------------------------- what is

    def _on_segments(self, number: int, segments: Any) -> None:
        if self.desk is not None and self.desk.number == number:
            self.desk.add_segments(segments, self.history)
            self._adopt()

    def _on_ahead(self, text: str) -> None:
        self._told_ahead = text
        self._refresh()

    def _on_history(self) -> None:
        if self.desk is not None and not self._moving:
            self._soon.start()
        self._refresh()

    def _on_removed(self, event: Any) -> None:
        """Layers that the user deletes, or that go because the window is closed."""
        desk, gone = self.desk, unwrap(event.value)
        if desk is None or self._moving:
            return
        if role_of(gone) == PAINTED and desk.painted is None:
            self.keep_draft(gone)
        elif gone in desk.images and not any(one in self._viewer.layers for one in desk.images):
            show_info("The image was deleted; choose it in the list to bring it back.")
            self.keep_draft()
            self._forgetting.start()

    def _forget(self) -> None:
        """Show no image any more; choosing one in the list reads it anew."""
        desk = self.desk
        self._leave()
        if desk is not None:
            self._aside.pop(desk.number, None)
        self.images.show_current(-1)
        self._refresh()

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        folder, desk = self.folder, self.desk
        none = _NO_FOLDER if folder is None else ""
        nothing = none or ("" if desk is not None else "No image is shown.")
        allow(self.next_button, none, _NEXT_TIP)
        allow(self.previous_button, none, _PREVIOUS_TIP)
        allow(self.save_button, nothing, _SAVE_TIP)
        allow(self.done_button, nothing, _DONE_TIP)
        done = folder is not None and desk is not None and folder.is_done(desk.number)
        self.done_button.setText("Mark as not done" if done else "Mark as done")
        self.counts.setText("" if folder is None else f"{folder.n_done} of {len(folder)} done")
        self.files.refresh(nothing)
        idle = not self.history.replaying
        self.undo_button.setEnabled(idle and self.history.can_undo)
        self.redo_button.setEnabled(idle and self.history.can_redo)
        self.message.setText(none or " ".join(filter(None, (self._told, self._told_ahead))))

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()
