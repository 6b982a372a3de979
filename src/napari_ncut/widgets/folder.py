"""The dock widget "Image folder": one image after another, and nothing that was painted is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog

from ..errors import InputError
from ..folders import ImageFolder
from .folder_ahead import SegmentAhead
from .folder_classes import ClassSync, paint_classes
from .folder_desk import Aside, Desk, Opened, open_steps
from .folder_files import FolderFiles
from .folder_keeping import WorkKeeper
from .folder_pages import LayerPages
from .folder_panel import NO_FOLDER, FolderPanel
from .history import history_of
from .keys import bind_weakly
from .layers import unwrap
from .roles import PAINTED, role_of
from .session import session_of
from .workers import Job, once_after, percent, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

    from .folder_writer import Task


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
        self.pages: LayerPages | None = None
        self._aside = Aside()
        self._wanted = 0
        self._direction = 0
        self._moving = False
        self.sync = ClassSync(self.classes)
        self._told = ""
        self._told_ahead = ""
        self._job = Job(self)
        self.keeper = WorkKeeper(self.sync, self)
        self.segments_ahead = SegmentAhead(self.segmenter, self)
        self.files = FolderFiles(self)
        self._arriving: Desk | None = None
        self._later = once_after(20, self._arrive_later, self)
        self._forgetting = once_after(0, self._forget, self)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(lambda step: self.message.setText(percent(step)))
        self._job.finished.connect(self._on_opened)
        self._job.failed.connect(self._on_unreadable)
        self.keeper.written.connect(self._on_written)
        self.keeper.failed.connect(self._on_unwritten)
        self.segments_ahead.found.connect(self._on_segments)
        self.segments_ahead.told.connect(self._on_ahead)
        self.path.given.connect(self.open)
        self.open_button.clicked.connect(lambda: self._choose_folder())
        self.layers_button.clicked.connect(lambda: self.open_layers())
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
            self.keeper.close,
        )  # fmt: skip
        self.follow(self.history.changed, self._on_history)
        self.follow(self.classes.changed, self._on_classes)
        self.follow(self._viewer.layers.events.removed, self._on_removed)
        self.follow(self._viewer.layers.events.inserted, self._on_inserted)

    @property
    def busy(self) -> bool:
        """Whether anything is being read, written or computed."""
        return (
            self._job.busy
            or self.keeper.busy
            or self.segments_ahead.busy
            or self.files.busy
            or self.images.busy
            or self.history.replaying
        )

    @property
    def listed(self) -> ImageFolder | LayerPages | None:
        """What the list shows."""
        return self.pages or self.folder

    @property
    def number(self) -> int | None:
        """The image that is shown."""
        if self.pages is not None:
            return self._wanted
        return None if self.desk is None else self.desk.number

    @property
    def painted(self) -> Labels | None:
        """What classes are painted on, None if it was deleted."""
        if self.pages is not None:
            return self.pages.painted(self._wanted)
        return None if self.desk is None else self.desk.painted

    @property
    def stem(self) -> str:
        """What files of the image shown are called."""
        if self.folder is not None and self.desk is not None:
            return self.folder.stem(self.desk.number)
        image = None if self.pages is None else self.pages.image(self._wanted)
        return re.sub(r"[^\w.-]+", "_", "image" if image is None else image.name)

    @property
    def axes(self) -> str | None:
        """Letters of the axes of its labels, where they are known."""
        return None if self.desk is None else self.desk.axes

    # ------------------------------------------------------------------------------------- folder

    def open(self, path: str | Path) -> None:
        """Open a folder and show its first image that is not done."""
        try:
            folder = ImageFolder(str(path).strip().strip('"'))
        except InputError as error:
            tell(error)
            self._tell(str(error))
            return
        self._close()
        self.folder = folder
        self.path.setText(str(folder.path))
        self.sync.give(folder)
        self.sync.take(folder)
        self.images.show_folder(folder)
        first = next((i for i in range(len(folder)) if not folder.is_done(i)), 0)
        self._direction = 1
        self.go_to(first)

    def open_layers(self) -> None:
        """List the planes of the selected stack, or all images of the window."""
        try:
            # Those of a folder go first: they are no layers of the user's.
            self._close()
            pages = LayerPages(self._viewer)
        except InputError as error:
            self.images.show_folder(None)
            tell(error)
            self._tell(str(error))
            return
        self.pages = pages
        self.images.show_folder(pages)
        self.go_to(next((i for i in range(len(pages)) if not pages.is_done(i)), 0))

    def _close(self) -> None:
        """Let go of the folder, or of the layers, that are listed."""
        self._leave()
        self._aside.clear()
        self._job.cancel()
        self.segments_ahead.go_to(None)
        self.folder = self.pages = None

    def _choose_folder(self) -> None:
        start = str(self.folder.path.parent) if self.folder else self.path.text()
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images", start)
        if chosen:
            self.open(chosen)

    # --------------------------------------------------------------------------------------- moves

    def go_to(self, number: int) -> None:
        """Show another image of the folder; what is unsaved is kept as a draft."""
        folder = self.folder
        if self.listed is None or not 0 <= number < len(self.listed):
            return
        self._wanted = number
        self._told = ""
        self.images.show_current(number)
        if folder is None:
            self._show_page(number)
            return
        if self.desk is not None and self.desk.number == number:
            self._job.cancel()
            return
        if number in self._aside:
            self._job.cancel()
            self._arrive(self._aside.pop(number))
            return
        kept = self.keeper.kept(folder, number)
        self._job.start(lambda: open_steps(folder, number, kept))

    def _show_page(self, number: int) -> None:
        if self.pages is not None:
            self.pages.show(number, self.classes, self.history)
            shown = (self.pages.image(number), self.pages.painted(number))
            self._bind_keys([layer for layer in shown if layer is not None])
        self.images.refresh()
        self._refresh()

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
        folder = self.listed
        if folder is None:
            self._tell(NO_FOLDER)
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
            self.sync.take(folder)
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
        self.keeper.keep()
        desk, self.desk = self.desk, None
        self.keeper.watch(None, None)
        if desk is None:
            return None
        has_painted = desk.painted is not None
        self._moving = True
        place = desk.put_aside(self.history)
        self._moving = False
        if has_painted:
            self._aside.keep(desk)
        return place

    def _adopt(self) -> None:
        """Care for all layers of the image shown."""
        self.keeper.watch(self.folder, self.desk)
        if self.desk is not None:
            self._bind_keys(self.desk.layers)

    def _bind_keys(self, layers: list[Layer]) -> None:
        keys = {"N": self.next, "Shift-N": self.previous, "Shift-S": self.save_and_next}
        for layer in layers:
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
        """Save what is painted on the image shown, in a thread; whether there is anything.

        Of layers that lie in no folder it marks as done.
        """
        if self.pages is not None:
            self.pages.mark(self._wanted, done=True)
            self.images.refresh()
            return True
        if self.keeper.save():
            return True
        self._tell("There is no painted layer to save." if self.folder else NO_FOLDER)
        return False

    def toggle_done(self) -> None:
        """Mark the image shown as done, or as not done."""
        listed, number = self.listed, self.number
        if listed is None or number is None:
            return
        try:
            listed.mark(number, done=not listed.is_done(number))
        except InputError as error:
            tell(error)
        self.images.refresh()
        self._refresh()

    def _on_written(self, task: Task) -> None:
        self.images.refresh()
        if task.save:
            self._tell(f"Saved {task.folder.title(task.number)}.")

    def _on_unwritten(self, task: Task, reason: str) -> None:
        for desk in (self.desk, self._aside.get(task.number)):
            if desk is not None and desk.number == task.number and task.folder is self.folder:
                desk.note_unwritten()
        self._tell(reason)

    # ------------------------------------------------------------------------------------- classes

    def _on_classes(self) -> None:
        """A class was added, renamed or recolored in the window."""
        painted = self.painted
        if painted is not None and not self.sync.taking:
            paint_classes(painted, self.classes)
            self.keeper.soon()

    # -------------------------------------------------------------------------------------- what is

    def _on_segments(self, number: int, segments: Any) -> None:
        if self.desk is not None and self.desk.number == number:
            self.desk.add_segments(segments, self.segmenter.noted(), self.history)
            self._adopt()

    def _on_ahead(self, text: str) -> None:
        self._told_ahead = text
        self._refresh()

    def _on_history(self) -> None:
        if self.desk is not None and not self._moving:
            self.keeper.soon()
        self._refresh()

    def _on_inserted(self, event: Any) -> None:
        """Other widgets make segments, and layers to paint on."""
        if self.desk is not None and not self._moving:
            self._adopt()

    def _on_removed(self, event: Any) -> None:
        """Layers that the user deletes, or that go because the window is closed."""
        desk, gone = self.desk, unwrap(event.value)
        if desk is None or self._moving:
            return
        if role_of(gone) == PAINTED and desk.painted is None:
            self.keeper.keep(gone)
        elif gone in desk.images and not any(one in self._viewer.layers for one in desk.images):
            self.keeper.keep()
            # Not of a window that is being closed.
            self._forgetting.start()

    def _forget(self) -> None:
        """Show no image any more; choosing one in the list reads it anew."""
        desk = self.desk
        self._leave()
        if desk is not None:
            self._aside.pop(desk.number, None)
        self.images.show_current(-1)
        self._tell("The image was deleted; choose it in the list to bring it back.")

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        nothing = self.show_state(self.listed, self.number, in_folder=self.folder is not None)
        self.files.refresh(nothing, in_folder=self.folder is not None)
        idle = not self.history.replaying
        self.undo_button.setEnabled(idle and self.history.can_undo)
        self.redo_button.setEnabled(idle and self.history.can_redo)
        told = self._told or ("" if self.listed else NO_FOLDER)
        self.message.setText(" ".join(filter(None, (told, self._told_ahead))))

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()
