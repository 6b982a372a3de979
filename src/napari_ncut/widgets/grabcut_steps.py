"""What GrabCut's panel does in its thread: cutting, and what that changes in the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .history import Command
from .label_edit import LabelEdit, PlaneKey, key_in_layer
from .layers import level_data

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..classic.grabcut_iterations import GrabCut, GrabCutState
    from .layers import Source
    from .reading import Reading


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be cut.

    Attributes
    ----------
    reading, plane
        Of which image.
    cutter : GrabCut or None
        Of that plane, if there is one already.
    state : GrabCutState or None
        To go on from.
    boxes, marks
        As `GrabCut` takes them.
    rounds : int
    background : bool
        Whether the background is numbered, too.
    layer : Labels
        Where segments go.
    is_new : bool
        Whether it is not in the viewer yet.
    skipped : int
        Rectangles that cannot be used.
    """

    reading: Reading
    plane: int
    cutter: GrabCut | None
    state: GrabCutState | None
    boxes: list[tuple[float, ...]]
    marks: NDArray[np.uint8] | None
    rounds: int
    background: bool
    layer: Labels
    is_new: bool
    skipped: int

    @property
    def source(self) -> Source:
        """What is read of the image."""
        return self.reading.sources[0]

    @property
    def key(self) -> Any:
        """What has to be the same for a cut to go on."""
        return key_of(self.reading, self.plane)

    @property
    def place(self) -> PlaneKey:
        """Where the plane lies in the layer."""
        return key_in_layer(self.source, self.plane, self.source.starts)


@dataclass(frozen=True, eq=False)
class Cut:
    """What arrives from the thread: the cutter, where it stands, and the edit of the layer."""

    cutter: GrabCut
    state: GrabCutState
    command: Command | None
    before: NDArray
    n_foreground: int


def cut_steps(order: Order) -> Steps[Cut]:
    """Cut a plane; it is read if there is nothing that has it already."""
    yield Progress("cutting", 0, 1)
    from ..classic.grabcut_iterations import GrabCut, GrabCutState
    from ..imaging import as_planes

    reading, cutter = order.reading, order.cutter
    if cutter is None:
        planes = as_planes(
            reading.images(), axes=reading.axes, channels=reading.channels, scaling=reading.scaling
        )
        cutter = GrabCut.of_plane(planes[order.plane])
    cutter.state = order.state or GrabCutState()
    cutter.set_boxes(order.boxes)
    cutter.set_marks(order.marks)
    mask = yield from cutter.iterate_steps(order.rounds)
    labels = cutter.segments(background=order.background)
    source = order.source
    upright = source.names.index("Y") < source.names.index("X")
    # A copy: the layer may be painted on before this arrives.
    before = np.array(order.layer.data[order.place])
    edit = LabelEdit(order.layer)
    edit.add(order.place, before, labels if upright else labels.T)
    n_foreground = int(labels[mask].max(initial=0))
    return Cut(cutter, cutter.state, edit.command(), before, n_foreground)


def key_of(reading: Reading, plane: int) -> Any:
    """What has to be the same for a cut to go on: image, what is read of it, and the plane."""
    source = reading.sources[0]
    read = (source.level, tuple(source.starts.tolist()), tuple(source.sizes.tolist()))
    settings = repr((reading.axes, reading.channels, reading.scaling))
    return source.reference, id(array_of(source)), read, settings, plane


def array_of(source: Source) -> Any:
    """The array that is read, None once its layer is gone."""
    layer = source.layer
    return None if layer is None else level_data(layer, source.level)
