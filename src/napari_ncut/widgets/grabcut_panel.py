"""GrabCut by hand: rectangles, marks, and a key that sharpens what they mean."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes
from napari.utils.notifications import show_info

from ..classic.grabcut_iterations import REQUIRES
from ..declared import missing_because
from ..errors import InputError
from .grabcut_controls import GrabCutControls
from .grabcut_layers import (
    MARK_KINDS,
    boxes_layer,
    boxes_on_plane,
    marks_layer,
    marks_on_plane,
    result_layer,
)
from .grabcut_steps import Cut, Order, array_of, cut_steps, key_of
from .history import Change, Group, History
from .keys import ShiftDigits, bind_weakly
from .layers import unwrap
from .outputs import layer_added
from .panels import allow, show_step
from .shapes_steps import ShapesSteps
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..classic.grabcut_iterations import GrabCut, GrabCutState
    from .layers import Source
    from .reading import Reading

# Of planes that were cut the newest are gone on with; each keeps a map of its rectangles.
_MOST_STATES = 50
_RUN_TIP = (
    "Cut the plane on screen: colors of foreground and background are learned, and the boundary\n"
    "moves to where the image has edges. Again sharpens it. One step of undo.\n"
    "Key: I on rectangles, marks and the result."
)
_AGAIN_TIP = "Forget what was learned in this plane: the next cut begins with rectangles and marks."


class GrabCutPanel(GrabCutControls):
    """GrabCut of the plane on screen, as a section of a widget.

    Parameters
    ----------
    viewer, history
        Where.
    reading
        What is read of which image; an `InputError` with the reason if nothing can be.
    """

    def __init__(
        self, viewer: ViewerModel, history: History, reading: Callable[[], Reading]
    ) -> None:
        self._viewer = unwrap(viewer)
        super().__init__(self._viewer)
        self._history = history
        self._reading = reading
        # The plane cut last, with the array it was read of: while that lives, its id is its own.
        self._cutter: tuple[Any, GrabCut, Any] | None = None
        self._states: dict[Any, GrabCutState] = {}
        self._job = Job(self)
        self._shapes_steps = ShapesSteps(history, self)
        self._digits = ShiftDigits(self._viewer, self._are_chosen_marks, self._choose_mark, self)
        self._connect()
        self.refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(lambda step: show_step(step, self.progress, self.message))
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self.message.setText("Cancelled; nothing is changed."))
        self._job.failed.connect(self.message.setText)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self.boxes.chosen.connect(self._on_boxes)
        self.marks.chosen.connect(self._on_marks)
        self.new_boxes.clicked.connect(lambda: self.draw_boxes())
        for mark, button in self.mark_buttons.items():
            button.clicked.connect(partial(self._on_mark_button, mark))
        self.run_button.clicked.connect(lambda: self.iterate())
        self.again_button.clicked.connect(lambda: self.start_over())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())

    @property
    def busy(self) -> bool:
        """Whether it is cutting, or a step is being written."""
        return self._job.busy or self._history.replaying

    def release(self) -> None:
        """Stop, and let go of the viewer and its layers."""
        self._job.close()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._digits.release()
        self._shapes_steps.release()
        self.boxes.release()
        self.marks.release()

    # ----------------------------------------------------------------------------- boxes and marks

    def draw_boxes(self) -> Shapes | None:
        """Let the next drag on the image be a rectangle; a layer for them is made if none is."""
        layer = self.boxes.value
        if layer is None:
            source = self._source()
            if source is None:
                return None
            layer = boxes_layer(self._viewer, source)
            self.boxes.value = layer
        self._viewer.layers.selection.active = layer
        layer.mode = "add_rectangle"
        return layer

    def paint_marks(self, mark: int) -> Labels | None:
        """Let the brush paint that mark; a layer for them is made if there is none."""
        layer = self.marks.value
        if layer is None:
            source = self._source()
            if source is None:
                return None
            layer = marks_layer(self._viewer, source)
            self.marks.value = layer
        self._viewer.layers.selection.active = layer
        layer.selected_label = mark
        layer.mode = "paint"
        return layer

    def _on_mark_button(self, mark: int, _: bool = False) -> None:
        self.paint_marks(mark)

    def _choose_mark(self, digit: int) -> None:
        if digit <= len(MARK_KINDS):
            self.paint_marks(int(MARK_KINDS[digit - 1][0]))

    def _are_chosen_marks(self, layer: Any) -> bool:
        return unwrap(layer) is self.marks.value

    def _on_boxes(self, layer: Shapes | None) -> None:
        self._shapes_steps.watch(layer)
        if layer is not None:
            bind_weakly(layer, "I", self.iterate)
        self.refresh()

    def _on_marks(self, layer: Labels | None) -> None:
        if layer is not None:
            self._history.follow(layer)
            bind_weakly(layer, "I", self.iterate)
        self.refresh()

    def _source(self) -> Source | None:
        try:
            return self._reading().sources[0]
        except InputError as error:
            self.message.setText(str(error))
            return None

    def refresh(self) -> None:
        """Show whether anything can be cut; to be called when the image is another."""
        if self._job.busy:
            return
        reason = missing_because("GrabCut", REQUIRES) or self._why_not()
        allow(self.run_button, reason, _RUN_TIP)
        allow(self.again_button, reason, _AGAIN_TIP)

    def _why_not(self) -> str:
        try:
            self._reading()
        except InputError as error:
            return str(error)
        if self.boxes.value is None and self.marks.value is None:
            return "Draw a rectangle around something, or paint marks, first."
        return ""

    # ---------------------------------------------------------------------------------------- cuts

    def iterate(self) -> None:
        """Cut the plane on screen in a thread, from where it stands."""
        if self.busy:
            return
        self._shapes_steps.note()
        try:
            order = self._order()
        except InputError as error:
            self.message.setText(str(error))
            tell(error)
            return
        self._job.start(lambda: cut_steps(order), lambda cut: self._on_cut(cut, order))

    def start_over(self) -> None:
        """Forget what was learned in the plane on screen, as a step of undo."""
        try:
            reading, plane = self._plane()
        except InputError as error:
            self.message.setText(str(error))
            return
        key = key_of(reading, plane)
        before = self._states.get(key)
        if before is not None and not self.busy:
            apply = partial(_set_state, weakref.ref(self), key)
            self._history.perform(Change("start over", apply, before, None))
        self.message.setText("The next cut begins with rectangles and marks.")

    def _plane(self) -> tuple[Reading, int]:
        reading = self._reading()
        plane = reading.sources[0].visible_plane(self._viewer)
        if plane is None:
            raise InputError(
                f"The sliders show no plane of “{reading.sources[0].name}”. Move them onto one."
            )
        return reading, plane

    def _order(self) -> Order:
        """What a cut now would be of; an `InputError` if there can be none."""
        reading, plane = self._plane()
        source = reading.sources[0]
        boxes, skipped, marks = [], 0, None
        if self.boxes.value is not None:
            boxes, skipped = boxes_on_plane(self.boxes.value, source, plane, self._viewer)
        if self.marks.value is not None:
            marks = marks_on_plane(self.marks.value, source, plane)
        key = key_of(reading, plane)
        known = self._cutter[1] if self._cutter is not None and self._cutter[0] == key else None
        layer, is_new = result_layer(self._viewer, source)
        return Order(
            reading,
            plane,
            known,
            self._states.get(key),
            boxes,
            marks,
            self.rounds.value(),
            self.background.isChecked(),
            layer,
            is_new,
            skipped,
        )

    def _on_removed(self, event: Any = None) -> None:
        """The image may be gone; nothing of it is kept then."""
        if self._cutter is not None:
            image = self._cutter[0][0]()
            if image is None or image not in self._viewer.layers:
                self._cutter = None

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        self.cancel_button.setVisible(busy)
        self.run_button.setEnabled(not busy)
        self.again_button.setEnabled(not busy)
        if not busy:
            self.refresh()

    def _on_cut(self, cut: Cut, order: Order) -> None:
        image = order.source.layer
        if image is None or image not in self._viewer.layers:
            show_info("The image was deleted meanwhile; what was cut is not shown.")
            return
        key, layer = order.key, order.layer
        self._cutter = (key, cut.cutter, array_of(order.source))
        gone = not order.is_new and layer not in self._viewer.layers
        undone = self._states.get(key) is not order.state
        if gone or undone or not np.array_equal(layer.data[order.place], cut.before):
            # What it was to change has changed meanwhile: undone, painted on, deleted.
            self.iterate()
            return
        group = Group("GrabCut")
        if order.is_new:
            group.commands.append(layer_added(self._viewer, layer, self._lowest()))
        if cut.command is not None:
            group.commands.append(cut.command)
        apply = partial(_set_state, weakref.ref(self), key)
        group.commands.append(Change("GrabCut", apply, order.state, cut.state))
        self._history.follow(layer)
        bind_weakly(layer, "I", self.iterate)
        self._history.perform(group)
        self.message.setText(_told(cut, order.skipped))

    def _lowest(self) -> Any:
        """Which of the prompts lies lowest: the result is to lie below all."""
        layers = [one for one in (self.boxes.value, self.marks.value) if one is not None]
        return min(layers, key=self._viewer.layers.index, default=None)

    def keep_state(self, key: Any, state: GrabCutState | None) -> None:
        """What the next cut of a plane goes on from; None for nothing."""
        self._states.pop(key, None)
        if state is not None:
            self._states[key] = state
        for old in list(self._states)[:-_MOST_STATES]:
            del self._states[old]


def _set_state(reference: weakref.ref[GrabCutPanel], key: Any, state: GrabCutState | None) -> None:
    if (panel := reference()) is not None:
        panel.keep_state(key, state)


def _told(cut: Cut, skipped: int) -> str:
    if not cut.n_foreground:
        return "Nothing but background was found. Mark some of the foreground, and cut again."
    pieces = f"{cut.n_foreground} piece{'' if cut.n_foreground == 1 else 's'} of foreground"
    ignored = f" {skipped} rectangle(s) without area or beside the image are ignored."
    return (
        f"{pieces}. Again sharpens it; paint marks where it is wrong.{ignored if skipped else ''}"
    )
