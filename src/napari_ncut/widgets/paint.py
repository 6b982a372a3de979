"""The dock widget "Paint segments": masks made of segments, corrected where they leak."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..painting import Painting
from .history import history_of
from .keys import ShiftDigits
from .layers import unwrap
from .paint_gestures import PaintGestures
from .paint_jobs import PaintJobs
from .paint_keys import LayerKeys, paint_keys
from .paint_layers import AutomaticLayers, Boundaries
from .paint_mouse import PaintMouse
from .paint_panel import PaintPanel
from .paint_session import NOT_FLAT, PaintSession
from .paint_sketch import Sketch
from .paint_tools import TOOLS
from .panels import allow, folded
from .template_panel import TemplatePanel
from .workers import tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels


_NO_IMAGE = "Open an image first, then choose it under “Image”."
_NO_SEGMENTS = "There are no segments of this image yet: make some, or choose a layer of them."
_BUSY = "One moment."
_HINT = {
    "": "Choose a tool, then paint on the image. Space held moves the view.",
    "cut": "Click the corners of the line; Enter or a double click cuts.",
}


class PaintWidget(PaintPanel):
    """Paints segments of an image with classes, and corrects the segments.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = unwrap(napari_viewer)
        self._history = history_of(self._viewer)
        self._session: PaintSession | None = None
        session = PaintSession(self._viewer, self._history, None)
        super().__init__(self._viewer, session.classes.classes)
        session.setParent(self)
        self._session = session
        self._told = ""
        self._paused = False
        self._setting = False
        self._moded: list[weakref.ref[Labels]] = []
        self._jobs = PaintJobs(self._viewer, self._history, session, self)
        self._sketch = Sketch(self._viewer)
        self._gestures = PaintGestures(
            self._viewer,
            self._history,
            session,
            self,
            self._is_resting,
        )
        self._mouse = PaintMouse(self._gestures, self._sketch)
        self._keys = LayerKeys(paint_keys(), {"Space": PaintWidget._pause}, self)
        self._boundaries = Boundaries()
        self._layers = AutomaticLayers(
            self._viewer, self.lies_on_image, self.segments, self.painted
        )
        self._digits = ShiftDigits(
            self._viewer, lambda layer: unwrap(layer) in self._own(), self._on_digit, self
        )
        self.copies = TemplatePanel(
            self._viewer,
            self._history,
            self.input.reading,
            lambda: self.painted_layer,
            lambda: self.current_class,
            session.classes.adorn,
        )
        self.add_section("Copies of something painted", folded("Find and paint", self.copies))
        self._connect()
        self._layers.choose()
        self._on_choice()

    def _connect(self) -> None:
        job = self._jobs.job
        job.stepped.connect(self.show_progress)
        job.busy_changed.connect(self._on_busy)
        job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        job.failed.connect(self._tell)
        self._jobs.told.connect(self._tell)
        self._gestures.told.connect(self._say)
        self.on_release(
            self._sketch.remove,
            self._session.release,
            self._jobs.job.close,
            self._digits.release,
            self._keys.release,
            self._mouse.release,
            self._free_layers,
            lambda: self._boundaries.show(None, one_color=False),
            lambda: self._listen_to_modes([]),
            self.table.release,
            self.copies.release,
            self.input.release,
            self.segments.release,
            self.painted.release,
        )
        self.input.changed.connect(self._on_image)
        self.segments.chosen.connect(lambda _: self._on_choice())
        self.painted.chosen.connect(lambda _: self._on_choice())
        self.follow(self._viewer.layers.events.inserted, self._on_inserted)
        self.follow(self._viewer.layers.events.removed, self._on_choice)
        self.follow(self._viewer.layers.selection.events.active, self._on_active)
        self.follow(self._viewer.dims.events.current_step, self._on_plane)
        self.follow(self._viewer.dims.events.ndisplay, self._on_display)
        self.follow(self._history.changed, self._refresh)
        self._session.layers_changed.connect(self._on_layers)
        self.tool_chosen.connect(self.choose_tool)
        self._session.classes.classes.current_changed.connect(lambda _: self._set_napari())
        self.size.valueChanged.connect(lambda _: self._set_napari())
        self.make_button.clicked.connect(lambda: self.make_segments())
        self.boundaries.toggled.connect(lambda _: self._show_layers())
        self.one_color.toggled.connect(lambda _: self._show_boundaries())
        self.shows_painted.toggled.connect(lambda _: self._show_layers())
        for name, button in self.operations.items():
            button.clicked.connect(lambda _, name=name: self.change_class(name))
        self.reset_class.clicked.connect(lambda: self.reset(self.current_class))
        self.reset_all.clicked.connect(lambda: self.reset())
        self.cancel_button.clicked.connect(lambda: self._jobs.job.cancel())
        self.undo_button.clicked.connect(lambda: self._history.undo())
        self.redo_button.clicked.connect(lambda: self._history.redo())

    # --------------------------------------------------------------------------- for other widgets

    @property
    def image(self) -> Image | None:
        """The image that is painted on."""
        return self.input.image.value

    @property
    def segments_layer(self) -> Labels | None:
        """The layer of segments, None if there is none."""
        return self._session.segments

    @property
    def painted_layer(self) -> Labels | None:
        """The painted layer, None while there is none: it is added with the first stroke."""
        return self._session.painted

    @property
    def current_class(self) -> int:
        """The label that is painted now."""
        return self._session.classes.classes.current

    @property
    def position(self) -> tuple[int, ...]:
        """Which plane is on screen, as a place of the layers; along the plane's axes it is 0."""
        return self._session.position()

    @property
    def painting(self) -> Painting:
        """The arrays of the layers, for whoever computes something from them."""
        return self._session.painting()

    @property
    def tool(self) -> str:
        """The tool that is chosen, one of `TOOLS`; "" while the mouse is napari's."""
        return self._gestures.tool

    @property
    def busy(self) -> bool:
        """Whether something is computed or written."""
        return self._jobs.job.busy or self.copies.busy

    def paint_mask(
        self,
        mask: ArrayLike,
        label: int | None = None,
        *,
        position: Sequence[int] | None = None,
        over: bool = True,
        name: str = "paint mask",
    ) -> int:
        """Paint where a mask is true, as one step of undo.

        Parameters
        ----------
        mask : bool array (rows, columns)
            Of the plane; rows are the first of its axes in the layers.
        label
            The class, 0 to erase. Default: the current one.
        position
            In the plane that is meant, as `position` has it. Default: the one on screen.
        over
            Whether other classes are painted over.
        name
            Of the step.

        Returns
        -------
        int
            How many pixels changed.

        Raises
        ------
        InputError
            If there is no image, or the mask does not fit its planes.
        """
        where = self._session.position() if position is None else tuple(position)
        chosen = self.current_class if label is None else label
        edits = self._session.painting().paint_mask(mask, chosen, where, over=over)
        return self._session.perform(name, edits)

    # -------------------------------------------------------------------------------------- layers

    def _own(self) -> list[Labels]:
        return [layer for layer in (self.segments_layer, self.painted_layer) if layer is not None]

    def _on_image(self) -> None:
        """Another image is chosen, or something else of it is read."""
        if self._session.image is not self.image:
            self.segments.refresh()
            self.painted.refresh()
            self._layers.choose()
        self._on_choice()

    def _on_inserted(self, event: Any = None) -> None:
        self._layers.on_inserted(unwrap(event.value))
        self._on_choice()

    def _on_choice(self, event: Any = None) -> None:
        """Paint the layers that are chosen."""
        if self._setting:
            return
        self._setting = True
        self.painted.refresh()
        self._setting = False
        self._session.image = self.image
        self._session.choose(self.segments.value, self.painted.value)
        self._refresh()

    def _on_layers(self) -> None:
        """The session has other layers."""
        painted = self._session.painted
        if painted is not None and self.painted.value is not painted:
            self._setting = True
            self.painted.refresh()
            self.painted.value = painted
            self._setting = False
        own = self._own()
        self._mouse.watch(own)
        self._keys.bind(own)
        self._show_boundaries()
        self._listen_to_modes(own)
        self._show_layers()
        self._refresh()

    def _listen_to_modes(self, layers: list[Labels]) -> None:
        for reference in self._moded:
            if (layer := reference()) is not None:
                layer.events.mode.disconnect(self._on_mode)
        self._moded = [weakref.ref(layer) for layer in layers]
        for layer in layers:
            layer.events.mode.connect(self._on_mode)

    def _show_boundaries(self) -> None:
        self._boundaries.show(self.segments_layer, one_color=self.one_color.isChecked())

    def _show_layers(self) -> None:
        self._setting = True
        for layer, box in (
            (self.segments_layer, self.boundaries),
            (self.painted_layer, self.shows_painted),
        ):
            # A layer that is shown or hidden changes its mode.
            if layer is not None and layer.visible != box.isChecked():
                layer.visible = box.isChecked()
        self._setting = False
        self._arm()

    # ---------------------------------------------------------------------------------------- tools

    def choose_tool(self, name: str) -> None:
        """Choose what the mouse does, one of `TOOLS`; "" gives it back to napari."""
        self._mouse.drop()
        reason = self._why_not(name) if name else ""
        if reason:
            self._tell(reason)
            name = ""
        self._gestures.tool = name
        self.show_tool(name)
        if name:
            wanted = self._layer_for(name)
            if self._viewer.layers.selection.active not in wanted:
                self._viewer.layers.selection.active = wanted[-1]
        self._arm()
        self._tell(_HINT.get(name, ""))

    def _layer_for(self, name: str) -> list[Labels]:
        """Layers that have to be selected for a tool; one is added if there is none."""
        own = TOOLS[name].gesture == "own"
        if self.painted_layer is None and (own or self.segments_layer is None):
            self._session.new_painted()
        return [layer for layer in self._own() if not own or layer is self.painted_layer]

    def _arm(self) -> None:
        """Let the mouse be ours or napari's, as the tool asks."""
        own = TOOLS[self.tool].gesture == "own" if self.tool else False
        self._setting = True
        for layer in self._own():
            if own:
                layer.mode = self.tool if layer is self.painted_layer else "pan_zoom"
            elif self.tool:
                layer.mode = "pan_zoom"
                layer.mouse_pan = self._paused or self._viewer.dims.ndisplay == 3
            elif str(layer.mode) == "pan_zoom":
                layer.mouse_pan = True
        self._setting = False
        self._set_napari()

    def _free_layers(self) -> None:
        self._gestures.tool = ""
        self._arm()

    def _set_napari(self) -> None:
        """Let napari's own brush paint what ours do."""
        layer = self.painted_layer
        if layer is not None:
            if self.current_class <= np.iinfo(layer.data.dtype).max:
                layer.selected_label = self.current_class
            layer.brush_size = self.size.value()

    def _on_mode(self, event: Any = None) -> None:
        """The user has chosen one of napari's own modes: our tool makes way."""
        if self._setting or not self.tool:
            return
        layer = self.painted_layer
        if TOOLS[self.tool].gesture != "own" or layer is None or str(layer.mode) != self.tool:
            self._mouse.drop()
            self._gestures.tool = ""
            self.show_tool("")
            self._arm()

    def _on_active(self, event: Any = None) -> None:
        self._sketch.clear()

    def pick_here(self) -> None:
        """Make the class under the cursor the current one."""
        self._gestures.pick_here()

    def _pause(self, on: bool) -> None:
        """While Space is held the view is moved."""
        self._paused = on
        self._arm()

    def _is_resting(self) -> bool:
        """Whether the mouse is napari's for a moment."""
        busy = self._jobs.job.busy or self._history.replaying
        return self._paused or busy or self._viewer.dims.ndisplay == 3

    def larger(self, by: int) -> None:
        """Make the brush larger, by steps that grow with it; smaller below 0."""
        size = self.size.value()
        self.size.setValue(size + by * max(1, size // 10))

    def _on_digit(self, digit: int) -> None:
        self._session.classes.classes.choose(digit)

    def complete(self) -> None:
        """End the line that is being drawn, and do what it is for."""
        self._mouse.complete()

    def drop(self) -> None:
        """Drop the line that is being drawn; without one, the tool."""
        if not self._mouse.drop():
            self.choose_tool("")

    def drop_last(self) -> None:
        """Take the last corner of the line back."""
        layer = self._viewer.layers.selection.active
        if layer is not None:
            self._mouse.drop_last(layer)

    # ------------------------------------------------------------------------------ long operations

    def change_class(self, operation: str) -> None:
        """Do an operation to all of the current class, in a thread."""
        title = self.operations[operation].text().lower()
        given = self.amounts[operation].values()
        over = self.over.isChecked()
        self._jobs.change_class(title, operation, self.current_class, self.through, over, given)

    def reset(self, label: int | None = None) -> None:
        """Erase all that is painted, or one class, in the plane on screen or in all."""
        self._jobs.reset(label, self.through)

    def make_segments(self) -> None:
        """Part the image in small segments, in a thread; they become a layer."""
        try:
            reading = self.input.reading()
        except InputError as error:
            tell(error)
            return
        options = {"method": self.method.value, "n_segments": self.number.value()}
        self._jobs.make_segments(reading, options)

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        self.cancel_button.setEnabled(busy)
        self._refresh()

    # ------------------------------------------------------------------------------------ what is

    def _on_plane(self, event: Any = None) -> None:
        self._sketch.clear()
        self._session.look_ahead()

    def _on_display(self, event: Any = None) -> None:
        self._arm()
        self._refresh()

    def _why_not(self, name: str) -> str:
        if self.image is None:
            return _NO_IMAGE
        if self._viewer.dims.ndisplay == 3:
            return NOT_FLAT
        if TOOLS[name].needs_segments and self.segments.value is None:
            return _NO_SEGMENTS
        return ""

    def _refresh(self, *_: Any) -> None:
        """Show what can be done, or why it cannot be."""
        if self._session is None:
            return
        busy = _BUSY if self._jobs.job.busy else ""
        unreadable = self.input.why_not()
        self.copies.refresh()
        allow(self.make_button, unreadable or busy, self.make_tip)
        for name, button in self.tools.items():
            allow(button, self._why_not(name), TOOLS[name].tooltip)
        nothing = "" if self.painted_layer is not None else "Nothing is painted yet."
        for name, button in self.operations.items():
            allow(button, nothing or busy, self.tips[name])
        for button in (self.reset_class, self.reset_all):
            button.setEnabled(not (nothing or busy))
        layer = self.segments_layer or self.painted_layer or self.image
        self.show_planes(layer is not None and layer.ndim > 2)
        idle = not (self._history.replaying or busy)
        self.undo_button.setEnabled(idle and self._history.can_undo)
        self.redo_button.setEnabled(idle and self._history.can_redo)
        if not busy:
            hint = _NO_SEGMENTS if self.image is not None and self.segments.value is None else ""
            self.message.setText((unreadable if self.image is None else "") or self._told or hint)

    def _say(self, text: str) -> None:
        """What a gesture does, while it does it: nothing else is looked at."""
        self._told = text
        self.message.setText(text)

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()
