"""Looking at a plane before it can be asked about: beside the window, with progress and cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from .live import looking_options
from .workers import Job, percent

if TYPE_CHECKING:
    from .session import Prepared


class Looking(QObject):
    """Lets a network look at one plane at a time; going on clicking does not begin it anew.

    Signals
    -------
    ready()
        The plane that was wanted can be asked about.
    told(str)
        How far it is, or why it ended; "" once it is done.
    stepped(object)
        A `Progress`.
    busy_changed(bool)
    """

    ready = Signal()
    told = Signal(str)
    stepped = Signal(object)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wanted: tuple[Any, ...] | None = None
        self._job = Job(self)
        self._job.stepped.connect(self._on_step)
        self._job.finished.connect(lambda _: self._end("", ready=True))
        self._job.failed.connect(lambda reason: self._end(reason))
        self._job.cancelled.connect(lambda: self._end("cancelled; the next click begins anew"))
        self._job.busy_changed.connect(self.busy_changed)

    @property
    def busy(self) -> bool:
        """Whether a plane is being looked at."""
        return self._job.busy

    def want(self, prepared: Prepared, plane: int, options: dict[str, Any]) -> None:
        """Look at a plane with the model of options, unless that is what is being done."""
        asked = looking_options(options)
        wanted = (prepared, plane, tuple(asked.items()))
        if self.busy and wanted == self._wanted:
            return
        self._wanted = wanted
        self._job.start(lambda: prepared.segmenter.ready_steps([plane], **asked))
        self.told.emit("SAM looks at the image")

    def cancel(self) -> None:
        """Look no further."""
        self._job.cancel()

    def release(self) -> None:
        """Stop, for good."""
        self._job.close()
        self._wanted = None

    def _on_step(self, step: Any) -> None:
        self.stepped.emit(step)
        self.told.emit(f"SAM looks at the image: {percent(step)}")

    def _end(self, reason: str, *, ready: bool = False) -> None:
        self._wanted = None
        self.told.emit(reason)
        if ready:
            self.ready.emit()
