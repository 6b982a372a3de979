"""The two layers that are painted, as arrays, and gestures that become steps of the history."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from ..painting import Painting
from ..painting.index import SegmentIndex
from ..progress import Progress, Steps
from .history import Command, Group, History
from .layers import free_name, unwrap
from .outputs import layer_added
from .paint_classes import LayerClasses
from .paint_commands import PaintEdits, show_changes
from .preview import add_below
from .roles import PAINTED, note
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from ..painting.blocks import Block
    from ..painting.edits import Edit

# Boxes of the segments of a larger plane are looked for in a thread, ahead of the first click.
_LARGE = 2**20
_OPACITY = 0.5
NOT_FLAT = "Painting by segments needs the 2D view; switch to it below the list of layers."


class PaintSession(QObject):
    """What is painted: a layer of segments and a painted one, and the gesture that is under way.

    Parameters
    ----------
    viewer
        Where the layers are.
    history
        Of the viewer.
    parent
        The widget.

    Signals
    -------
    layers_changed()
        Other layers are painted now, or none.
    """

    layers_changed = Signal()

    def __init__(self, viewer: ViewerModel, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._history = history
        self.classes = LayerClasses(history, self)
        self.image: Image | None = None
        self._segments: weakref.ref[Labels] | None = None
        self._painted: weakref.ref[Labels] | None = None
        self._painting: Painting | None = None
        self._blank: NDArray | None = None
        # Of the gesture that is under way.
        self._name = ""
        self._edits: list[Edit] = []
        self._commands: list[Command] = []
        # Whoever computes edits in a thread can tell whether anything has changed since.
        self.stamp = 0
        self._napari_steps = 0
        self._index_job = Job(self)
        self._index_job.finished.connect(self._on_index)
        history.before_undo.append(self.end)

    # ------------------------------------------------------------------------------------- layers

    @property
    def segments(self) -> Labels | None:
        """The layer of segments, None if there is none."""
        return self._there(self._segments)

    @property
    def painted(self) -> Labels | None:
        """The painted layer, None while there is none."""
        return self._there(self._painted)

    def _there(self, reference: weakref.ref[Labels] | None) -> Labels | None:
        layer = None if reference is None else reference()
        return layer if layer is not None and layer in self._viewer.layers else None

    def choose(self, segments: Labels | None, painted: Labels | None) -> None:
        """Paint other layers from now on."""
        if segments is self.segments and painted is self.painted:
            return
        self.end()
        self._watch(on=False)
        self._segments = None if segments is None else weakref.ref(unwrap(segments))
        self._painted = None if painted is None else weakref.ref(unwrap(painted))
        self._painting = None
        self._watch(on=True)
        self._napari_steps = len(self._steps_of_napari())
        for layer in (self.segments, self.painted):
            if layer is not None:
                self._history.follow(layer)
        self.classes.attach(self.painted)
        self.stamp += 1
        self.layers_changed.emit()
        self.look_ahead()

    def release(self) -> None:
        """Let go of the layers, for good."""
        self.end()
        self._watch(on=False)
        self.classes.attach(None)
        self._index_job.close()
        if self.end in self._history.before_undo:
            self._history.before_undo.remove(self.end)
        self._segments = self._painted = self._painting = None

    def _watch(self, *, on: bool) -> None:
        """Hear of what others do to the layers."""
        heard = ((self.segments, self._on_foreign), (self.painted, self._on_painted))
        for layer, listener in heard:
            if layer is not None:
                for event in (layer.events.paint, layer.events.data):
                    if on:
                        event.connect(listener)
                    else:
                        event.disconnect(listener)

    # ------------------------------------------------------------------------------------- arrays

    def plane_axes(self) -> tuple[int, int]:
        """Axes of rows and columns of the layers, as they are on screen.

        Raises
        ------
        InputError
            In the 3D view, or if the layers do not lie in the plane on screen.
        """
        layer = self.segments or self.painted or self.image
        if layer is None:
            raise InputError("Open an image first.")
        first = self._viewer.dims.ndim - layer.ndim
        axes = sorted(axis - first for axis in self._viewer.dims.displayed)
        if len(axes) != 2:
            raise InputError(NOT_FLAT)
        if axes[0] < 0:
            raise InputError(f"“{layer.name}” has no plane along the two axes on screen.")
        return axes[0], axes[1]

    def position(self) -> tuple[int, ...]:
        """Which plane is on screen, as a place of the layers; along the plane's axes it is 0.

        Raises
        ------
        InputError
            If the sliders are beyond the layers, or the view is 3D.
        """
        layer = self.segments or self.painted or self.image
        axes = self.plane_axes()
        assert layer is not None
        point = np.asarray(layer.world_to_data(self._viewer.dims.point), dtype=float)[-layer.ndim :]
        place = np.floor(point + 0.5).astype(int)
        place[list(axes)] = 0
        return tuple(int(at) for at in place)

    def painting(self) -> Painting:
        """The arrays of both layers; without a painted layer nothing is painted yet.

        Raises
        ------
        InputError
            If there are no layers, or they cannot be painted together.
        """
        axes, segments, painted = self.plane_axes(), self.segments, self.painted
        known = self._painting
        arrays = [None if layer is None else layer.data for layer in (segments, painted)]
        if arrays[1] is None:
            # What a new layer will hold; never the array of one that was deleted.
            if self._blank is None or self._blank.shape != self._shape():
                self._blank = np.zeros(self._shape(), np.uint8)
            arrays[1] = self._blank
        if (
            known is None
            or known.plane_axes != axes
            or known.segments is not arrays[0]
            or known.painted is not arrays[1]
        ):
            fresh = Painting(*arrays, plane_axes=axes)
            if known is not None and known.plane_axes == axes and known.segments is arrays[0]:
                fresh.inherit(known)
            self._painting = known = fresh
        if len(self._steps_of_napari()) != self._napari_steps:
            self._on_foreign()
        return known

    def _shape(self) -> tuple[int, ...]:
        layer = self.segments or self.painted
        if layer is not None:
            return tuple(int(side) for side in layer.data.shape)
        assert self.image is not None
        data = self.image.data[0] if self.image.multiscale else self.image.data
        return tuple(int(side) for side in data.shape[: self.image.ndim])

    # ----------------------------------------------------------------------------------- gestures

    @property
    def under_way(self) -> bool:
        """Whether a gesture has begun and not ended."""
        return bool(self._name)

    def begin(self, name: str) -> None:
        """All that is done from now on is one step, until `end`."""
        self.end()
        self._name = name

    def do(self, edits: Sequence[Edit]) -> int:
        """Write edits and show them; returns how many pixels changed."""
        if not edits:
            return 0
        if self.painted is None and any(edit.array == "painted" for edit in edits):
            self._add_painted()
        painting = self.painting()
        painting.write(edits)
        self._edits += edits
        self.stamp += 1
        for name, layer in (("segments", self.segments), ("painted", self.painted)):
            if layer is not None:
                show_changes(layer, [edit.box for edit in edits if edit.array == name])
        return sum(edit.n_changed for edit in edits)

    def end(self) -> bool:
        """The gesture is over: a step of the history, if anything changed."""
        name, edits, commands = self._name, self._edits, self._commands
        self._name, self._edits, self._commands = "", [], []
        if edits:
            layers = (self.segments, self.painted)
            commands.append(PaintEdits(name, edits, *layers, self._on_written))
        if commands:
            self._history.push(Group(name, commands))
        return bool(commands)

    def perform(self, name: str, edits: Sequence[Edit]) -> int:
        """Edits as one step; returns how many pixels changed."""
        self.begin(name)
        try:
            return self.do(edits)
        finally:
            self.end()

    def new_painted(self) -> Labels:
        """Add an empty painted layer, as a step of the history."""
        self.begin("new painted layer")
        layer = self._add_painted()
        self.end()
        return layer

    def _add_painted(self) -> Labels:
        """The layer that the blank array of the painting becomes."""
        painting, under = self.painting(), self.segments
        layer = painted_layer(self._viewer, self.image, under, painting.painted)
        self.classes.adorn(layer)
        self._watch(on=False)
        # Before the viewer tells of it: to all that hear, it is the painted one already.
        self._painted = weakref.ref(layer)
        painting.painted, self._blank = layer.data, None
        add_below(self._viewer, layer, under)
        self._watch(on=True)
        self._history.follow(layer)
        self._commands.append(layer_added(self._viewer, layer, under))
        self.classes.attach(layer)
        self.layers_changed.emit()
        return layer

    # ---------------------------------------------------------------------------------- by others

    def _on_written(self, layer: Labels, edit: Edit, forward: bool) -> None:
        """The history has written an edit."""
        self.stamp += 1
        painting = self._painting
        if painting is not None and layer is self.segments and painting.segments is layer.data:
            painting.follow(edit, forward=forward)

    def _on_foreign(self, event: Any = None) -> None:
        """Somebody else has changed the segments."""
        self.stamp += 1
        self._napari_steps = len(self._steps_of_napari())
        if self._painting is not None:
            self._painting.forget()

    def _on_painted(self, event: Any = None) -> None:
        self.stamp += 1

    def _steps_of_napari(self) -> Sequence[Any]:
        """Steps of napari's own on the segments: of those undone nobody tells."""
        return getattr(self.segments, "_undo_history", ())

    # ------------------------------------------------------------------------------------- ahead

    def look_ahead(self) -> None:
        """Find the boxes of the segments on screen in a thread, if the plane is large."""
        try:
            painting = self.painting()
            block = painting.block(self.position())
        except InputError:
            return
        segments = painting.segments
        large = block.size[1] * block.size[2] > _LARGE
        if segments is not None and large and not painting.knows(block):
            self._index_job.start(lambda: _index_steps(self.stamp, painting, block))

    def _on_index(self, result: tuple[int, Painting, Block, SegmentIndex]) -> None:
        stamp, painting, block, index = result
        if stamp == self.stamp and painting is self._painting and not painting.knows(block):
            painting.adopt(block, index)


def _index_steps(stamp: int, painting: Painting, block: Block) -> Steps[Any]:
    yield Progress("segments", 0, 1)
    return stamp, painting, block, SegmentIndex(block.read(painting.segments))


def painted_layer(
    viewer: ViewerModel, image: Image | None, segments: Labels | None, data: Any
) -> Labels:
    """A layer for an array of classes that lies on segments, or on an image; not in the viewer."""
    under = segments if segments is not None else image
    if under is None:
        raise InputError("Open an image first.")
    placed = {
        name: getattr(under, name)
        for name in ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
        if hasattr(under, name)
    }
    stem = image.name if image is not None else under.name
    layer = Labels(data, name=free_name(viewer, f"{stem} painted"), opacity=_OPACITY, **placed)
    note(layer, role=PAINTED)
    return unwrap(layer)
