"""Long work beside the window: one job at a time, cancelled between steps, no stale results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import create_worker
from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.QtCore import QObject, Qt, QTimer, Signal

from ..devices import is_out_of_memory
from ..errors import InputError
from ..progress import Progress, Steps


class Job(QObject):
    """Runs generators of progress in a worker thread, the newest only.

    `start` makes whatever ran before stale: it is asked to stop at its next step and nothing of it
    arrives any more, whether it obeys at once or not. Only one generator runs at a time; the next
    begins when the one before has stopped, so that they never compete for the processor.

    Signals
    -------
    stepped(object)
        What the generator yields: a `Progress` or a partial result.
    finished(object)
        Its result.
    failed(str)
        Why it ended; the user has been told.
    cancelled()
        It was stopped by `cancel`.
    busy_changed(bool)
    """

    stepped = Signal(object)
    finished = Signal(object)
    failed = Signal(str)
    cancelled = Signal()
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: Any = None
        self._token = 0
        self._running = -1
        self._waiting: tuple[Callable[[], Steps[Any]], Callable[[Any], object]] | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a job that still counts is running or waiting."""
        return self._waiting is not None or self._running == self._token

    def start(
        self, make_steps: Callable[[], Steps[Any]], then: Callable[[Any], object] | None = None
    ) -> None:
        """Run `make_steps()` in a thread; what ran before is stale from now on.

        `then` is called with its result, in the window's thread, before `finished` is emitted.
        """
        if self._closed:
            return
        self._token += 1
        job = (make_steps, then or _nothing)
        if self._worker is None:
            self._launch(*job)
        else:
            self._waiting = job
            self._worker.quit()
        self.busy_changed.emit(True)

    def cancel(self) -> None:
        """Stop at the next step; nothing of it arrives any more."""
        if not self.busy:
            return
        self._token += 1
        self._waiting = None
        if self._worker is not None:
            self._worker.quit()
        self.busy_changed.emit(False)
        self.cancelled.emit()

    def close(self) -> None:
        """Cancel for good: the widget is going away."""
        self._closed = True
        self._token += 1
        self._waiting = None
        if self._worker is not None:
            self._worker.quit()

    def _launch(self, make_steps: Callable[[], Steps[Any]], then: Callable[[Any], object]) -> None:
        token = self._running = self._token

        def run() -> Steps[Any]:
            # Errors cross the thread as values: the worker class takes every RuntimeError, and so
            # all of torch's, for a sign that the window was closed, and drops it.
            try:
                return (yield from make_steps())
            except Exception as error:  # noqa: BLE001
                return _Failure(error)

        steps = run()

        def drive() -> Steps[Any]:
            return (yield from steps)

        worker = create_worker(drive)
        # In the worker's own thread: what a generator does when it is closed may take a while, and
        # otherwise would be done by the window's when it frees the worker.
        worker.aborted.connect(steps.close, type=Qt.ConnectionType.DirectConnection)
        worker.yielded.connect(lambda step: self._deliver(token, step))
        worker.returned.connect(lambda result: self._end(token, result, then))
        # napari means to pass warnings on by itself, but its class never gets to connect them;
        # where it does, its manager drops the second of two equal ones.
        worker.warned.connect(lambda warned: notification_manager.receive_warning(*warned))
        worker.finished.connect(self._on_stopped)
        self._worker = worker
        worker.start()

    def _deliver(self, token: int, step: Any) -> None:
        if token == self._token:
            self.stepped.emit(step)

    def _end(self, token: int, result: Any, then: Callable[[Any], object]) -> None:
        if token != self._token:
            return
        self._running = -1
        self.busy_changed.emit(False)
        if isinstance(result, _Failure):
            tell(result.error)
            self.failed.emit(str(result.error))
        else:
            then(result)
            self.finished.emit(result)

    def _on_stopped(self) -> None:
        self._worker = None
        if self._waiting is not None:
            job, self._waiting = self._waiting, None
            self._launch(*job)


def _nothing(result: Any) -> None:
    """For jobs whose steps are all that is wanted."""


@dataclass(frozen=True)
class _Failure:
    error: Exception


def tell(error: BaseException) -> None:
    """Show an error to the user: input errors as a plain sentence, others with their traceback."""
    if isinstance(error, InputError):
        show_warning(str(error))
    elif is_out_of_memory(error):
        show_error(
            "There is not enough memory for this. Choose a region, fewer planes, a coarser level "
            "or fewer eigenvectors; what you had is unchanged."
        )
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


def percent(step: Progress) -> str:
    """A step as a short text."""
    return f"{step.stage} {step.done}/{step.total}" if step.total > 1 else step.stage


def once_after(milliseconds: int, act: Callable[[], None], parent: QObject) -> QTimer:
    """A timer that acts once, so long after it was started last."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer
