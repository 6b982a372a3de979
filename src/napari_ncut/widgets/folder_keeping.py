"""When work on an image of a folder goes to the disk: saved when asked, as a draft by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from .folder_writer import FolderWriter, Task
from .workers import once_after, tell

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..folders import ImageFolder
    from .folder_classes import ClassSync
    from .folder_desk import Desk

# Milliseconds after the last step after which a draft is written.
_REST = 3000


class WorkKeeper(QObject):
    """Saves the image that is shown, and keeps drafts of it.

    Parameters
    ----------
    sync
        The window's classes, which are kept with the labels.

    Signals
    -------
    written(object)
        A task that is on the disk now.
    failed(object, str)
        One that is not, and why; the user has been told.
    """

    written = Signal(object)
    failed = Signal(object, str)

    def __init__(self, sync: ClassSync, parent: QObject) -> None:
        super().__init__(parent)
        self._sync = sync
        self._folder: ImageFolder | None = None
        self._desk: Desk | None = None
        self._writer = FolderWriter(self)
        self._writer.written.connect(self.written)
        self._writer.failed.connect(self._on_failed)
        self.timer = once_after(_REST, self.keep, self)

    @property
    def busy(self) -> bool:
        """Whether anything is being written."""
        return self._writer.busy

    def watch(self, folder: ImageFolder | None, desk: Desk | None) -> None:
        """Keep the work on this image from now on."""
        if desk is not self._desk:
            self.timer.stop()
        self._folder, self._desk = folder, desk

    def kept(self, folder: ImageFolder, number: int) -> Task | None:
        """Work on an image that is not on the disk yet, or could not be written."""
        return self._writer.kept(folder, number)

    def soon(self) -> None:
        """Write a draft when nothing more has happened for a while."""
        if self._desk is not None:
            self.timer.start()

    def save(self) -> bool:
        """Save the image shown, in a thread; False if there is nothing painted on."""
        self.timer.stop()
        task = self._task(save=True)
        if task is None or self._desk is None:
            return False
        self._writer.put(task)
        self._desk.note_written(saved=True)
        return True

    def keep(self, gone: Labels | None = None) -> None:
        """Write a draft of the image shown, in a thread, if anything has changed since the last.

        Parameters
        ----------
        gone
            What was painted on, if it has just been deleted.
        """
        self.timer.stop()
        desk, folder = self._desk, self._folder
        if desk is None or folder is None or not desk.is_changed(gone):
            return
        if gone is None and desk.is_as_saved() and not self.kept(folder, desk.number):
            # All was undone: the draft would say nothing new.
            desk.note_written(saved=True)
            try:
                folder.drop_draft(desk.number)
            except InputError as error:
                tell(error)
            return
        task = self._task(gone)
        if task is not None:
            self._writer.put(task)
            desk.note_written(saved=False, gone=gone)

    def close(self) -> None:
        """Write what is not written yet, here and now; Qt may have deleted the widget already."""
        changed = self._desk is not None and self._desk.is_changed()
        for reason in self._writer.close(self._task() if changed else None):
            show_warning(f"Unsaved work could not be written. {reason}")

    def _task(self, gone: Labels | None = None, *, save: bool = False) -> Task | None:
        desk, folder = self._desk, self._folder
        maps = None if desk is None else desk.maps(gone)
        if desk is None or folder is None or maps is None:
            return None
        painted = gone or desk.painted
        if painted is not None:
            self._sync.keep(folder, painted)
        return Task(folder, desk.number, *maps, axes=desk.axes, save=save)

    def _on_failed(self, task: Task, reason: str) -> None:
        """It stays in memory: whoever comes back to the image finds it."""
        show_warning(f"{task.folder.files[task.number].name} is not saved. {reason}")
        self.failed.emit(task, reason)
