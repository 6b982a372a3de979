"""Undo and redo: one history of commands per viewer, bound to keys on our own layers."""

from __future__ import annotations

import weakref
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..progress import Progress, Steps
from .layers import unwrap
from .workers import Job, tell

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
        """Set the value."""
        self.apply(self.after)

    def undo(self) -> None:
        """Set the value of before."""
        self.apply(self.before)


class Stroke:
    """The newest edit in a Labels layer's own history: painting, filling.

    It is undone only while it is the newest there: a script may have called `layer.undo()` itself.
    """

    name = "painting"

    def __init__(self, layer: Labels) -> None:
        self._layer = weakref.ref(layer)
        self._atoms = _newest(layer, "_undo_history")

    @classmethod
    def of(cls, layer: Labels, step: list[Any]) -> Stroke:
        """A stroke that was painted before the layer was followed."""
        stroke = cls(layer)
        stroke._atoms = list(step)
        return stroke

    def redo(self) -> None:
        """Do it again."""
        layer = self._layer()
        if layer is not None and _same(_newest(layer, "_redo_history"), self._atoms):
            layer.redo()

    def undo(self) -> None:
        """Take it back."""
        layer = self._layer()
        if layer is not None and _same(_newest(layer, "_undo_history"), self._atoms):
            layer.undo()


def _newest(layer: Labels, stack: str) -> list[Any] | None:
    """The newest step of a layer's history as napari keeps it, [] if there is none.

    napari shows its histories to nobody. None where a later version keeps them elsewhere: undo
    trusts the order of our own history then.
    """
    steps = getattr(layer, stack, None)
    if steps is None:
        return None
    return list(steps[-1]) if steps else []


def _same(step: list[Any] | None, other: list[Any] | None) -> bool:
    """Whether two steps hold the same changes; napari turns their order with every undo."""
    if step is None or other is None:
        return True
    return len(step) > 0 and {id(atom) for atom in step} == {id(atom) for atom in other}


class SmallEdit(Stroke):
    """A result of few pixels, written as if it were painted, into napari's own history.

    Parameters
    ----------
    layer
        The Labels layer; its array is numpy's.
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
        """Write, for the first time or again."""
        if self._first is None:
            super().redo()
        elif (layer := self._layer()) is not None:
            before = _newest(layer, "_undo_history")
            layer.data_setitem(*self._first)
            after = _newest(layer, "_undo_history")
            # Where every pixel had its value already, napari notes nothing.
            self._atoms = [] if before is not None and _same(before, after) else after
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
        """Write plane by plane."""
        layer = self._layer()
        if layer is None:
            return
        done = 0
        try:
            for key, packed in self._differences:
                yield Progress("labels", done, len(self._differences))
                _apply_difference(layer, key, packed)
                done += 1
        except BaseException:
            # All planes or none: what was written is taken back.
            for key, packed in self._differences[:done]:
                _apply_difference(layer, key, packed)
            raise

    # The difference is an exclusive or: applying it twice is the identity.
    undo = redo

    def show(self) -> None:
        """Let the layer show what was written to its array."""
        if (layer := self._layer()) is not None:
            layer.refresh()


def _apply_difference(layer: Labels, key: Any, packed: bytes) -> None:
    plane = np.array(layer.data[key])
    difference = np.frombuffer(zlib.decompress(packed), dtype=plane.dtype)
    layer.data[key] = plane ^ difference.reshape(plane.shape)


def plane_difference(before: NDArray, after: NDArray) -> bytes:
    """What turns one plane of labels into another and back, compressed."""
    return zlib.compress(np.ascontiguousarray(before ^ after).tobytes(), level=1)


@dataclass
class Group:
    """Several commands as one step."""

    name: str
    commands: list[Command] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class PutAside:
    """Steps of a history while what they are about is not in the viewer."""

    done: list[Command | Group] = field(repr=False)
    undone: list[Command | Group] = field(repr=False)


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
        self._done: list[Command | Group] = []
        self._undone: list[Command | Group] = []
        self._writing = False
        self._replaying = False
        self._locked = ""
        self._followed: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._job = Job(self)
        self._job.finished.connect(self._on_part_done)
        self._job.failed.connect(self._on_failed)
        self._parts: deque[tuple[Command, bool]] = deque()
        self._ready: list[tuple[Command, bool]] = []
        self._then: Callable[[bool], None] = lambda _: None
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
    def writing(self) -> bool:
        """Whether a command is writing at this very moment: what changes is no new command."""
        return self._writing

    @property
    def replaying(self) -> bool:
        """Whether a command is being carried out, possibly in a thread."""
        return self._replaying

    def lock(self, reason: str) -> None:
        """Let nothing be undone for a while; the reason is told to who tries. "" unlocks."""
        self._locked = reason

    def push(self, command: Command | Group) -> None:
        """Remember what the user has just done."""
        if self._writing:
            return
        self._done.append(command)
        del self._done[:-_MAX_COMMANDS]
        self._undone.clear()
        self.changed.emit()

    def put_aside(self) -> PutAside:
        """Forget all steps, and give them away: what they are about leaves the viewer."""
        aside = PutAside(self._done, self._undone)
        self._done, self._undone = [], []
        self.changed.emit()
        return aside

    def bring_back(self, aside: PutAside) -> None:
        """Know steps again that were put aside, before those that were done since."""
        self._done[:0] = aside.done
        self._undone = [] if len(self._done) > len(aside.done) else aside.undone
        del self._done[:-_MAX_COMMANDS]
        self.changed.emit()

    def perform(self, command: Command | Group, then: Callable[[bool], None] | None = None) -> None:
        """Do a command and remember it; `then` is told whether it succeeded when it is done."""

        def done(success: bool) -> None:
            if success:
                self.push(command)
            if then is not None:
                then(success)

        self._carry_out(command, True, done)

    def undo(self) -> None:
        """Undo the newest command."""
        self._step(self._done, self._undone, forward=False)

    def redo(self) -> None:
        """Do the command again that was undone last."""
        self._step(self._undone, self._done, forward=True)

    def _step(self, taken: list, given: list, *, forward: bool) -> None:
        for flush in list(self.before_undo):
            flush()
        if self._locked or self._replaying:
            show_info(self._locked or "Still undoing; one moment.")
        elif not taken:
            show_info(f"Nothing to {'redo' if forward else 'undo'}.")
        else:
            command = taken.pop()
            self._carry_out(
                command, forward, lambda success: (given if success else taken).append(command)
            )

    def _carry_out(
        self, command: Command | Group, forward: bool, then: Callable[[bool], None]
    ) -> None:
        """Do or undo the parts of a command one by one: quick ones here, long ones in a thread."""
        parts = list(command.commands) if isinstance(command, Group) else [command]
        if not forward:
            parts.reverse()
        self._parts = deque((part, forward) for part in parts)
        self._ready = []
        self._then = then
        self._replaying = True
        self._go_on()

    def _go_on(self) -> None:
        while self._parts:
            command, forward = self._parts[0]
            self._writing = True
            try:
                steps = command.redo() if forward else command.undo()
            except Exception as error:  # noqa: BLE001
                tell(error)
                self._writing = False
                self._on_failed()
                return
            self._writing = False
            if steps is not None:
                self._job.start(lambda steps=steps: steps)
                return
            self._ready.append(self._parts.popleft())
        self._end(True)

    def _on_part_done(self, _: Any = None) -> None:
        command, forward = self._parts.popleft()
        self._ready.append((command, forward))
        if hasattr(command, "show"):
            command.show()
        self._go_on()

    def _on_failed(self, _: str = "") -> None:
        """Take back the parts that were done, so that a failed command has changed nothing."""
        if not self._ready or not self._replaying:
            self._parts.clear()
            self._end(False)
            return
        self._parts = deque((command, not forward) for command, forward in reversed(self._ready))
        self._ready = []
        then, self._then = self._then, lambda _: None
        self._then = lambda _: then(False)
        self._go_on()

    def _end(self, success: bool) -> None:
        self._replaying = False
        then, self._then = self._then, lambda _: None
        then(success)
        self.changed.emit()

    def follows(self, layer: Layer) -> bool:
        """Whether undo and redo are bound on a layer."""
        return unwrap(layer) in self._followed

    def follow(self, layer: Layer) -> None:
        """Bind undo and redo on a layer, and remember what is painted on it."""
        layer = unwrap(layer)
        if layer in self._followed:
            return
        self._followed.add(layer)
        layer.bind_key("Control-Z", lambda _: self.undo(), overwrite=True)
        layer.bind_key("Control-Shift-Z", lambda _: self.redo(), overwrite=True)
        if not hasattr(layer.events, "paint"):
            return
        reference = weakref.ref(layer)

        def remember(event: Any = None) -> None:
            if (painted := reference()) is not None:
                self.push(Stroke(painted))

        layer.events.paint.connect(remember)
        # What was painted before can be undone, too, after everything that came later.
        painted_before = getattr(layer, "_undo_history", ())
        self._done[:0] = [Stroke.of(layer, step) for step in painted_before]
        self.changed.emit()


_HISTORIES: weakref.WeakKeyDictionary[ViewerModel, History] = weakref.WeakKeyDictionary()


def history_of(viewer: ViewerModel) -> History:
    """The history of a viewer, made when first asked for."""
    viewer = unwrap(viewer)
    if viewer not in _HISTORIES:
        _HISTORIES[viewer] = History()
    return _HISTORIES[viewer]
