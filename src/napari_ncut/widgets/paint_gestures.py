"""What the mouse does with the tool that is chosen: gestures become edits of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from ..painting import Painting
from .history import History
from .paint_mouse import Place
from .paint_tools import TOOLS

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ..painting.edits import Edit
    from .paint_panel import PaintPanel
    from .paint_session import PaintSession


class PaintGestures(QObject):
    """Carries out what is drawn on the layers of a session, as a panel is set.

    Parameters
    ----------
    viewer, history
        Where.
    session
        What is painted.
    panel
        Whose settings count.
    resting
        Whether the mouse is not ours at the moment, whatever the tool.

    Signals
    -------
    told(str)
        What happened, for the user.
    """

    told = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        history: History,
        session: PaintSession,
        panel: PaintPanel,
        resting: Callable[[], bool],
    ) -> None:
        super().__init__(panel)
        self._viewer = viewer
        self._history = history
        self._session = session
        self._panel = panel
        self._resting = resting
        self._n_told = 0
        # One of `TOOLS`; "" while the mouse is napari's.
        self.tool = ""

    @property
    def radius(self) -> float:
        """Of the snap brush, in pixels."""
        return self._panel.radius

    @property
    def current_class(self) -> int:
        """What is painted."""
        return self._session.classes.classes.current

    def ready(self, layer: Labels) -> bool:
        """Whether the mouse is ours on a layer."""
        ours = bool(self.tool) and TOOLS[self.tool].gesture != "own"
        mine = layer is self._session.segments or layer is self._session.painted
        return ours and mine and not self._resting()

    def plane_axes_of(self, layer: Labels) -> tuple[int, int] | None:
        """Axes of rows and columns; None where nothing can be painted."""
        try:
            return self._session.plane_axes()
        except InputError:
            return None

    def begin(self, place: Place) -> None:
        """A button is pressed: what comes now is one step."""
        if self._history.replaying:
            return
        self._n_told = 0
        title = TOOLS[self.tool].title.lower()
        self._session.begin(f"{title} (erase)" if place.erasing else title)

    def drag(self, path: NDArray, place: Place) -> None:
        """Paint along the way."""
        if not self._session.under_way or TOOLS[self.tool].gesture not in ("drag", "click"):
            return
        try:
            self._n_told += self._session.do(self._edits_along(path, place))
        except InputError as error:
            if len(path) == 1:
                self.told.emit(str(error))
            return
        if self._n_told:
            self.told.emit(f"{self._n_told:,} pixels changed.")

    def _edits_along(self, path: NDArray, place: Place) -> list[Edit]:
        """What the last leg of a drag changes."""
        painting, through = self._session.painting(), self._panel.through
        label = 0 if place.erasing or self.tool in ("unfill", "eraser") else self.current_class
        leg = path[-2:]
        if self.tool == "pick":
            self._pick(painting.class_at(path[-1]))
            return []
        if self.tool in ("fill", "unfill"):
            if len(path) == 1:
                return painting.fill(path[0], label, through=through)
            return painting.fill_along(leg, label, through=through)
        rule = self._panel.rule.value
        # What is mostly covered is told by the whole way.
        way = path if rule == "inside" else leg
        return painting.brush(way, self.radius, label, rule=rule, through=through)

    def finish(self, path: NDArray, place: Place) -> None:
        """The button is released, or a line is complete."""
        lines: dict[str, Callable[[Painting], list[Edit]]] = {
            "lasso": lambda painting: painting.lasso(
                path,
                0 if place.erasing else self.current_class,
                by=self._lasso_by(),
                through=self._panel.through,
            ),
            "merge": lambda painting: painting.merge(path, through=self._panel.through),
            "cut": lambda painting: painting.cut(path, through=self._panel.through),
        }
        nothing = {
            "lasso": "There is nothing within this line, or it is painted already.",
            "cut": "Nothing was parted: lead the line right across a segment.",
        }
        if self.tool in lines and self._session.under_way:
            try:
                changed = self._session.do(lines[self.tool](self._session.painting()))
                told = f"{changed:,} pixels changed." if changed else nothing.get(self.tool, "")
            except InputError as error:
                told = str(error)
            self.told.emit(told)
        self._session.end()

    def _lasso_by(self) -> Any:
        return "pixels" if self._session.segments is None else self._panel.lasso_by.value

    def _pick(self, label: int) -> None:
        if label:
            self._session.classes.classes.choose(label)
            name = self._session.classes.classes[label].name
            self.told.emit(f"“{name}” is the current class now.")
        else:
            self.told.emit("Nothing is painted here.")

    def pick_here(self) -> None:
        """Make the class under the cursor the current one."""
        layer = self._session.painted
        if layer is not None and self.plane_axes_of(layer) is not None:
            place = np.asarray(layer.world_to_data(self._viewer.cursor.position))[-layer.ndim :]
            self._pick(self._session.painting().class_at(place))
