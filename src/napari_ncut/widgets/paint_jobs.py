"""What takes a while in "Paint segments": operations of a class, and making segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from ..progress import Progress, Steps
from .history import Group, History
from .outputs import layer_added, layer_taken
from .region_keeping import labels_layer
from .region_view import show_outlines
from .roles import SEGMENTS, machine_segments, note
from .superpixel_controls import superpixel_steps
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..painting import Painting
    from ..painting.edits import Edit
    from .paint_session import PaintSession
    from .reading import Reading


class PaintJobs(QObject):
    """Computes in a thread; what arrives is one step of the history.

    Parameters
    ----------
    viewer, history
        Where.
    session
        What is painted.
    parent
        The widget.

    Signals
    -------
    told(str)
        What has come of it, for the user.
    """

    told = Signal(str)

    def __init__(
        self, viewer: ViewerModel, history: History, session: PaintSession, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._history = history
        self._session = session
        self.job = Job(self)

    def change_class(
        self,
        title: str,
        operation: str,
        label: int,
        through: bool,
        over: bool,
        given: Mapping[str, Any],
    ) -> None:
        """Do an operation to all of a class."""

        def edits(painting: Painting, position: tuple[int, ...]) -> list[Edit]:
            return painting.change_class(
                operation, label, position, through=through, over=over, **given
            )

        self._compute(title, edits)

    def reset(self, label: int | None, through: bool) -> None:
        """Erase all that is painted, or one class."""
        self._compute(
            "erase all" if label is None else "erase class",
            lambda painting, position: painting.reset(position, label=label, through=through),
        )

    def _compute(self, name: str, edits: Callable[[Painting, tuple[int, ...]], list[Edit]]) -> None:
        try:
            painting, position = self._session.painting(), self._session.position()
        except InputError as error:
            self.told.emit(str(error))
            return
        stamp = self._session.stamp

        def steps() -> Steps[list[Edit] | str]:
            yield Progress(name, 0, 1)
            try:
                return edits(painting, position)
            except InputError as error:
                # Nothing that a window has to pop up for.
                return str(error)

        def arrive(found: list[Edit] | str) -> None:
            if isinstance(found, str):
                self.told.emit(found)
            elif self._session.stamp != stamp:
                self.told.emit("What is painted has changed meanwhile; press the button again.")
            else:
                changed = self._session.perform(name, found)
                told = f"{changed:,} pixels changed." if changed else "Nothing changes by this."
                self.told.emit(told)

        self.job.start(steps, arrive)

    def make_segments(self, reading: Reading, options: dict[str, Any]) -> None:
        """Part an image in small segments; they become a layer."""
        self.job.start(
            lambda: superpixel_steps(reading, options), partial(self._on_segments, reading, options)
        )

    def _on_segments(self, reading: Reading, options: dict[str, Any], kept: Any) -> None:
        try:
            layer = labels_layer(self._viewer, reading.sources[0], kept, "segments", options)
        except InputError as error:
            tell(error)
            return
        note(layer, role=SEGMENTS, segmenter=options)
        show_outlines(layer, True)
        self._history.follow(layer)
        image = reading.sources[0].layer
        earlier = None if image is None else machine_segments(self._viewer, image)
        taken = [] if earlier is None else [layer_taken(self._viewer, earlier)]
        added = layer_added(self._viewer, layer, self._session.painted)
        self._history.perform(Group("make segments", [*taken, added]))
        self.told.emit(f"{max(kept.n_regions):,} segments. Choose a tool and paint.")
