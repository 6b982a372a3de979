"""Which segments are edited, and their edits: each one step of the viewer's history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from ..progress import run_steps
from .history import history_of
from .layers import unwrap
from .segment_classes import SegmentClasses
from .segment_clicks import SegmentClicks
from .workers import tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .segment_state import SegmentState
    from .segment_steps import FoundClasses
    from .segments import Segments

_HINT = "Ctrl + click on a segment moves it to the selected class."
NO_CLASSES = "There are no classes yet: find classes first."


class SegmentEditor(QObject):
    """Edits the segments of one run of many, those whose layers were selected last.

    Parameters
    ----------
    viewer
        Whose layers and history.
    classes
        Shows the classes, and which one segments are moved to.
    armed
        Whether a click without the modifier moves a segment.

    Signals
    -------
    changed()
        Other segments are edited, or these have changed.
    told(str)
        What came of an edit.
    """

    changed = Signal()
    told = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        classes: SegmentClasses,
        armed: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._classes = classes
        self.history = history_of(viewer)
        self.segments: Segments | None = None
        # Of every run whose layers are still there.
        self._known: list[Segments] = []
        self._clicks = SegmentClicks(self.move_at, armed)
        # A result that arrived while something was undone.
        self._late: Callable[[], None] | None = None
        classes.renamed.connect(
            lambda number, name: self.edit(
                "rename", lambda state: state.edited(state.found.rename(number, name))
            )
        )
        classes.recolored.connect(
            lambda number, color: self.edit(
                "recolor", lambda state: state.edited(state.found.recolor(number, color))
            )
        )

    @property
    def state(self) -> SegmentState | None:
        """The classes that are edited, None if there are none."""
        return None if self.segments is None else self.segments.state

    # -------------------------------------------------------------------------------- which ones

    def add(self, segments: Segments) -> None:
        """Edit new segments from now on."""
        self._known.append(segments)
        self._show(segments)
        self._viewer.layers.selection.active = segments.images[0].instances

    def release(self) -> None:
        """Let go of all segments and their layers."""
        self._clicks.release()
        for one in self._known:
            one.shown = []
        self._known, self.segments, self._late = [], None, None

    def on_active(self, event: Any = None) -> None:
        """A layer was selected: if it is one of an earlier run, edit that."""
        active = unwrap(self._viewer.layers.selection.active)
        for segments in self._known:
            if segments is not self.segments and active in segments.layers:
                self._show(segments)
                return

    def on_removed(self, event: Any = None) -> None:
        """A layer was deleted: segments that no layer shows any more are forgotten."""
        self._known = [one for one in self._known if one.layers]
        if self.segments is not None and self.segments not in self._known:
            self._show(self._known[-1] if self._known else None)
        else:
            self.changed.emit()

    def on_history(self) -> None:
        """Something was undone or done again: what waited for it arrives."""
        if self._late is not None and not self.history.replaying:
            late, self._late = self._late, None
            late()

    def _show(self, segments: Segments | None) -> None:
        for one in self._known:
            one.shown = []
        self.segments = segments
        self._clicks.release()
        if segments is not None:
            segments.shown = [self._on_state]
            self._clicks.watch(segments.layers)
            for layer in segments.layers:
                self.history.follow(layer)
        self._on_state()

    def _on_state(self) -> None:
        self._classes.show(self.state)
        self.changed.emit()

    # ------------------------------------------------------------------------------------- edits

    def arrive(self, result: FoundClasses, segments: Segments) -> None:
        """Show classes that were found for segments; a step of undo if there were classes."""
        if segments not in self._known:
            show_info("The masks were deleted meanwhile; their classes are not shown.")
        elif self.history.replaying:
            # What is undone or done again at this moment comes first.
            self._late = lambda: self.arrive(result, segments)
        elif result.blocks is not None and not segments.classes_layers:
            segments.show_first(result.state, result.blocks)
            if segments is self.segments:
                self._show(segments)
                self._viewer.layers.selection.active = segments.layers[0]
            self.told.emit(f"{result.state.describe()} {_HINT}")
        else:
            command = result.command
            if result.version != segments.version:
                # Edited or painted on meanwhile.
                command = None
            n_layers = len(segments.layers)
            segments.complete()
            if segments is self.segments and len(segments.layers) > n_layers:
                self._show(segments)
            if command is None:
                command = run_steps(segments.edit_steps("cluster again", result.state))
            self.history.perform(command, then=lambda _: self.told.emit(result.state.describe()))

    def merge(self, numbers: list[int]) -> None:
        """Make classes one."""
        self.edit("merge", lambda state: state.edited(state.found.merge(numbers)))

    def split(self, number: int, parts: int) -> None:
        """Part a class."""
        self.edit("split", lambda state: state.edited(state.found.split(number, parts)))

    def move_at(self, layer: Any, world: Any) -> None:
        """Move the segment at a place of a layer, in world coordinates, to the current class."""
        segments, state = self.segments, self.state
        if segments is None or state is None:
            show_info(NO_CLASSES)
            return
        number = segments.segment_at(layer, world)
        wanted = self._classes.current
        if number is None:
            self.told.emit("There is no segment at that place.")
        elif state.found.classes[number - 1] == wanted:
            self.told.emit(f"Segment {number} is in “{self._classes[wanted].name}” already.")
        else:
            target = None if wanted == self._classes.new else wanted
            self.edit("move", lambda state: state.edited(state.found.move(number, target)))

    def edit(self, name: str, make: Callable[[SegmentState], SegmentState]) -> None:
        """Change the classes by a command."""
        segments, state = self.segments, self.state
        if segments is None or state is None:
            return
        if self.history.replaying:
            show_info("Still undoing; one moment.")
            return
        try:
            after = make(state)
        except InputError as error:
            tell(error)
            return
        group = run_steps(segments.edit_steps(name, after))
        self.history.perform(group, then=lambda _: self.told.emit(after.describe()))
