"""The two arrays that are painted: what is known of them, and edits written and taken back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .blocks import Block
from .edits import Edit
from .index import SegmentIndex

# So many planes' boxes are kept; they take some 10 MB for 20,000 segments.
_KEPT_INDICES = 6


class PaintedArrays:
    """Segments and what is painted, with an index of the segments and the steps that were done.

    Parameters
    ----------
    segments, painted, plane_axes
        As `Painting` has them.
    """

    def __init__(
        self, segments: Any, painted: Any, *, plane_axes: tuple[int, int] | None = None
    ) -> None:
        shape = tuple(int(side) for side in painted.shape)
        if len(shape) < 2:
            raise InputError(
                f"Labels of shape {shape} cannot be painted: planes have two dimensions at least."
            )
        if segments is not None and tuple(segments.shape) != shape:
            raise InputError(
                f"The segments have shape {tuple(segments.shape)} and what is painted {shape}. "
                f"Give arrays of one shape."
            )
        for name, array in (("segments", segments), ("painted", painted)):
            if array is not None and np.dtype(array.dtype).kind not in "iu":
                raise InputError(
                    f"The {name} are of dtype {array.dtype}. Give whole numbers, such as int32."
                )
        self.shape = shape
        self.segments = segments
        self.painted = painted
        first, second = sorted(axis % len(shape) for axis in plane_axes or (-2, -1))
        self.plane_axes = (first, second)
        self._indices: OrderedDict[Block, SegmentIndex] = OrderedDict()
        self._highest: int | None = None
        self._done: list[list[Edit]] = []
        self._undone: list[list[Edit]] = []

    # ------------------------------------------------------------------------------ what is known

    def block(self, position: ArrayLike, *, through: bool = False) -> Block:
        """The plane of a position, or with `through` the stack of planes that it is one of."""
        given = np.asarray(position, dtype=float).reshape(-1)
        return Block.at(self.shape, given.tolist(), self.plane_axes, through)

    def index(self, block: Block) -> SegmentIndex:
        """Boxes of the segments of a block; computed when first asked for, then kept up to date."""
        if block in self._indices:
            self._indices.move_to_end(block)
        else:
            self.adopt(block, SegmentIndex(block.read(self._known_segments())))
        return self._indices[block]

    def adopt(self, block: Block, index: SegmentIndex) -> None:
        """Take an index that was computed elsewhere, in a thread for example."""
        self._indices[block] = index
        while len(self._indices) > _KEPT_INDICES:
            self._indices.popitem(last=False)

    def inherit(self, other: PaintedArrays) -> None:
        """Take over what is known of the same segments."""
        self._indices = other._indices
        self._highest = other._highest

    def knows(self, block: Block) -> bool:
        """Whether there is an index of a block."""
        return block in self._indices

    def forget(self) -> None:
        """Somebody else has changed the segments: what is known of them is out of date."""
        self._indices.clear()
        self._highest = None

    def segment_at(self, position: ArrayLike) -> int:
        """The number of the segment at a place, 0 if there is none or it lies outside."""
        return self._value(self._known_segments(), position)

    def class_at(self, position: ArrayLike) -> int:
        """The class painted at a place, 0 if there is none or it lies outside."""
        return self._value(self.painted, position)

    # -------------------------------------------------------------------------------------- doing

    def write(self, edits: Iterable[Edit], *, forward: bool = True) -> None:
        """Write edits in their order, or take them back in the opposite one."""
        edits = list(edits)
        for edit in edits if forward else reversed(edits):
            if edit.array == "painted":
                edit.write(self.painted, forward=forward)
            else:
                edit.write(self._known_segments(), forward=forward)
                self.follow(edit, forward=forward)

    def follow(self, edit: Edit, *, forward: bool = True) -> None:
        """Keep boxes of segments up to date after an edit that was written."""
        if edit.array != "segments":
            return
        before, after = (edit.before, edit.after) if forward else (edit.after, edit.before)
        if self._highest is not None:
            self._highest = max(self._highest, int(after.max()))
        where = edit.where
        for block, index in list(self._indices.items()):
            box = block.box_of(edit.box)
            if box is not None:
                old, new = (block.values_seen(where, values) for values in (before, after))
                index.update(block.read(self.segments), box, block.seen(where), old, new)
            elif block.meets(edit.box):
                del self._indices[block]

    def apply(self, edits: Sequence[Edit]) -> list[Edit]:
        """Write edits as one step that `undo` takes back; nothing is remembered of none."""
        edits = list(edits)
        if edits:
            self.write(edits)
            self._done.append(edits)
            self._undone.clear()
        return edits

    def undo(self) -> bool:
        """Take the last step back; False if there is none."""
        if not self._done:
            return False
        step = self._done.pop()
        self.write(step, forward=False)
        self._undone.append(step)
        return True

    def redo(self) -> bool:
        """Do the step again that was undone last; False if there is none."""
        if not self._undone:
            return False
        step = self._undone.pop()
        self.write(step)
        self._done.append(step)
        return True

    # ------------------------------------------------------------------------------------ details

    def _known_segments(self) -> Any:
        if self.segments is None:
            raise InputError("There are no segments. Make or choose some first.")
        return self.segments

    def _value(self, data: Any, position: ArrayLike) -> int:
        place = np.floor(np.asarray(position, dtype=float) + 0.5).astype(int).reshape(-1)
        if len(place) != len(self.shape) or (place < 0).any() or (place >= self.shape).any():
            return 0
        return int(np.asarray(data[tuple(place.tolist())]))

    def _highest_number(self) -> int:
        """The highest number in the whole array, so that new ones are new in every plane."""
        if self._highest is None:
            segments = self._known_segments()
            if len(self.shape) == 2 or isinstance(segments, np.ndarray):
                self._highest = int(np.asarray(segments).max(initial=0))
            else:
                parts = (np.asarray(segments[i]) for i in range(self.shape[0]))
                self._highest = max(int(part.max(initial=0)) for part in parts)
        return self._highest
