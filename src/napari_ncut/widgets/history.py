"""Undo and redo: one history of commands per viewer, bound to keys on our own layers."""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..progress import Progress, Steps
from .layers import unwrap
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

# napari keeps a hundred steps, too.
_MAX_COMMANDS = 100
# Up to this many changed pixels go through napari's own history (`Labels.data_setitem`): it keeps
# an index per dimension for every pixel, some 30 bytes each, and writes them in under 0.1 s.
SMALL_EDIT = 2**19


class Command(Protocol):
    """Something that can be done, undone and done again.

    Each returns None when it is done at once, or a generator of progress for work that takes long,
    which is then driven in a thread.
    """

    name: str

    def redo(self) -> Steps[None] | None:
        """Do it, for the first time or again."""
        ...

    def undo(self) -> Steps[None] | None:
        """Bring back what was before."""
        ...


@dataclass
class Change:
    """A value that is set by a function."""

    name: str
    apply: Callable[[Any], None]
    before: Any
    after: Any

    def redo(self) -> None:
        self.apply(self.after)

    def undo(self) -> None:
        self.apply(self.before)


class Stroke:
    """An edit that a Labels layer keeps in its own history: painting, filling."""

    name = "painting"

    def __init__(self, layer: Labels) -> None:
        self._layer = weakref.ref(layer)

    def redo(self) -> None:
        if (layer := self._layer()) is not None:
            layer.redo()

    def undo(self) -> None:
        if (layer := self._layer()) is not None:
            layer.undo()


class SmallEdit(Stroke):
    """A result of few pixels, written as if it were painted, into napari's own history.

    Parameters
    ----------
    layer
        The Labels layer.
    indices
        Index arrays of the changed pixels, one per dimension.
    values
        Their new labels.
    """

    name = "result"

    def __init__(self, layer: Labels, indices: tuple[NDArray, ...], values: NDArray) -> None:
        super().__init__(layer)
        self._first: tuple[tuple[NDArray, ...], NDArray] | None = (indices, values)

    def redo(self) -> None:
        if self._first is None:
            super().redo()
        elif (layer := self._layer()) is not None:
            layer.data_setitem(*self._first)
            self._first = None


class PlaneEdit:
    """A large edit of labels: the difference of every changed plane, compressed.

    Parameters
    ----------
    layer
        The Labels layer; its array may be lazy, planes are read and written one by one.
    differences
        (index of a plane in the array, `plane_difference`).
    """

    name = "result"

    def __init__(self, layer: Labels, differences: list[tuple[Any, bytes]]) -> None:
        self._layer = weakref.ref(layer)
        self._differences = differences

    def redo(self) -> Steps[None]:
        layer = self._layer()
        if layer is None:
            return
        for done, (key, packed) in enumerate(self._differences):
            yield Progress("labels", done, len(self._differences))
            plane = np.array(layer.data[key])
            difference = np.frombuffer(zlib.decompress(packed), dtype=plane.dtype)
            layer.data[key] = plane ^ difference.reshape(plane.shape)

    # The difference is an exclusive or: applying it twice is the identity.
    undo = redo


def plane_difference(before: NDArray, after: NDArray) -> bytes:
    """What turns one plane of labels into another and back, compressed."""
    return zlib.compress(np.ascontiguousarray(before ^ after).tobytes(), level=1)


@dataclass
class Group:
    """Several commands as one step."""

    name: str
    commands: list[Command] = field(default_factory=list)

    def redo(self) -> Steps[None]:
        for command in self.commands:
            yield from command.redo() or ()

    def undo(self) -> Steps[None]:
        for command in reversed(self.commands):
            yield from command.undo() or ()


class History(QObject):
    """The commands of one viewer, newest last; made by `history_of`.

    Signals
    -------
    changed()
        Something was done, undone or done again; `can_undo` and `can_redo` may have changed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._done: list[Command] = []
        self._undone: list[Command] = []
        self._replaying = False
        self._followed: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._job = Job(self)
        self.before_undo: list[Callable[[], None]] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._undone)

    @property
    def replaying(self) -> bool:
        """Whether a command is being carried out: what changes now is no new command."""
        return self._replaying

    def push(self, command: Command) -> None:
        """Remember what the user has just done."""
        if self._replaying:
            return
        self._done.append(command)
        del self._done[:-_MAX_COMMANDS]
        self._undone.clear()
        self.changed.emit()

    def perform(self, command: Command, then: Callable[[], None] | None = None) -> None:
        """Do a command and remember it; `then` is called when it is done."""

        def done() -> None:
            self.push(command)
            if then is not None:
                then()

        self._carry_out(command.redo, done)

    def undo(self) -> None:
        """Undo the newest command."""
        for flush in self.before_undo:
            flush()
        if self._replaying:
            show_info("Still undoing; one moment.")
        elif not self._done:
            show_info("Nothing to undo.")
        else:
            command = self._done.pop()
            self._carry_out(command.undo, lambda: self._undone.append(command))

    def redo(self) -> None:
        """Do the command again that was undone last."""
        if self._replaying:
            show_info("Still undoing; one moment.")
        elif not self._undone:
            show_info("Nothing to redo.")
        else:
            command = self._undone.pop()
            self._carry_out(command.redo, lambda: self._done.append(command))

    def _carry_out(
        self, action: Callable[[], Steps[None] | None], done: Callable[[], None]
    ) -> None:
        """Run an action: its quick parts at once, what is left after a first step in a thread."""
        self._replaying = True
        try:
            steps = action()
            first = next(steps, None) if steps is not None else None
        except BaseException:
            self._replaying = False
            raise
        if first is None:
            self._settle(done)
            return
        self._after = lambda _: self._settle(done)
        self._job.finished.connect(self._on_finished)
        self._job.start(lambda: steps)

    def _on_finished(self, result: Any) -> None:
        self._job.finished.disconnect(self._on_finished)
        self._after(result)

    def _settle(self, done: Callable[[], None]) -> None:
        self._replaying = False
        for layer in list(self._followed):
            layer.refresh()
        done()
        self.changed.emit()

    def follow(self, layer: Layer) -> None:
        """Bind undo and redo on a layer, and remember what is painted on it."""
        layer = unwrap(layer)
        if layer in self._followed:
            return
        self._followed.add(layer)
        layer.bind_key("Control-Z", lambda _: self.undo(), overwrite=True)
        layer.bind_key("Control-Shift-Z", lambda _: self.redo(), overwrite=True)
        if hasattr(layer.events, "paint"):
            reference = weakref.ref(layer)

            def remember(event: Any = None) -> None:
                if (painted := reference()) is not None:
                    self.push(Stroke(painted))

            layer.events.paint.connect(remember)


_HISTORIES: weakref.WeakKeyDictionary[ViewerModel, History] = weakref.WeakKeyDictionary()


def history_of(viewer: ViewerModel) -> History:
    """The history of a viewer, made when first asked for."""
    viewer = unwrap(viewer)
    if viewer not in _HISTORIES:
        _HISTORIES[viewer] = History()
    return _HISTORIES[viewer]
