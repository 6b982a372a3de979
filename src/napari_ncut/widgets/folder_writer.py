"""Work on images of a folder on its way to the disk, in a thread; nothing of it is dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from ..folders import ImageFolder
from .workers import Job


@dataclass(frozen=True, eq=False)
class Task:
    """Work on one image, to be saved, or kept as a draft.

    Attributes
    ----------
    folder, number
        The image.
    painted, segments
        Copies: the user goes on painting while they are written.
    axes : str
        Letters of their axes.
    save : bool
        Whether to save it as done; else it is a draft.
    """

    folder: ImageFolder
    number: int
    painted: NDArray[np.int32] = field(repr=False)
    segments: NDArray[np.int32] | None = field(repr=False)
    axes: str = "YX"
    save: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """What image it is of."""
        return id(self.folder), self.number

    def run(self) -> None:
        """Write it; an `InputError` if it cannot be."""
        write = self.folder.save if self.save else self.folder.save_draft
        write(self.number, self.painted, self.segments, axes=self.axes)


class FolderWriter(QObject):
    """Writes tasks one by one, in their order; of one image the newest counts.

    What could not be written is kept, so that coming back to its image shows it, and the next task
    of that image tries again.

    Signals
    -------
    written(object)
        A task that is on the disk now.
    failed(object, str)
        One that is not, and why.
    """

    written = Signal(object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: dict[tuple[int, int, bool], Task] = {}
        self._writing: Task | None = None
        self._unwritten: dict[tuple[int, int], Task] = {}
        self._job = Job(self)
        self._job.stepped.connect(self._on_written)
        self._job.finished.connect(self._go_on)
        self._job.failed.connect(self._go_on)

    @property
    def busy(self) -> bool:
        """Whether anything is being written, or told of."""
        return self._job.busy or bool(self._waiting)

    def put(self, task: Task) -> None:
        """Write a task soon."""
        with self._lock:
            self._waiting.pop((*task.key, task.save), None)
            if task.save:
                # A draft that comes after what is saved is written, too; one before it is stale.
                self._waiting.pop((*task.key, False), None)
            self._waiting[(*task.key, task.save)] = task
        self._go_on()

    def kept(self, folder: ImageFolder, number: int) -> Task | None:
        """Work on an image that is not on the disk yet, or could not be written."""
        key = id(folder), number
        with self._lock:
            writing = self._writing if self._writing and self._writing.key == key else None
            waiting = self._waiting.get((*key, False)) or self._waiting.get((*key, True))
            return waiting or writing or self._unwritten.get(key)

    def is_unwritten(self, folder: ImageFolder, number: int) -> bool:
        """Whether work on an image could not be written."""
        return (id(folder), number) in self._unwritten

    def close(self, last: Task | None = None) -> list[str]:
        """Write here and now whatever waits, and a last task; why some could not be written."""
        self._job.close()
        if last is not None:
            with self._lock:
                self._waiting[(*last.key, last.save)] = last
        reasons = []
        for task in self._tasks():
            try:
                task.run()
            except InputError as error:
                reasons.append(str(error))
        return reasons

    def _go_on(self, _: object = None) -> None:
        if self._waiting and not self._job.busy:
            self._job.start(self._steps)

    def _tasks(self) -> Iterator[Task]:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                task = self._waiting.pop(next(iter(self._waiting)))
                self._writing = task
            yield task
            with self._lock:
                self._writing = None

    def _steps(self) -> Iterator[tuple[Task, str]]:
        for task in self._tasks():
            try:
                task.run()
            except InputError as error:
                with self._lock:
                    self._unwritten[task.key] = task
                yield task, str(error)
            else:
                with self._lock:
                    self._unwritten.pop(task.key, None)
                yield task, ""

    def _on_written(self, step: tuple[Task, str]) -> None:
        task, reason = step
        if reason:
            self.failed.emit(task, reason)
        else:
            self.written.emit(task)
