"""From changed planes of a Labels layer to the command that writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .history import SMALL_EDIT, Command, PlaneEdit, SmallEdit, plane_difference

if TYPE_CHECKING:
    from napari.layers import Labels

    from .layers import Source

PlaneKey = tuple[int | slice, ...]


class LabelEdit:
    """Gathers changed planes, by indices while they are few, as compressed differences beyond.

    Parameters
    ----------
    layer
        Whose labels are to be written; nothing is before the command is performed.
    """

    def __init__(self, layer: Labels) -> None:
        self._layer = layer
        self._changes: list[tuple[PlaneKey, NDArray, NDArray]] = []
        self._differences: list[tuple[PlaneKey, bytes]] = []
        self.n_changed = 0

    def add(self, key: PlaneKey, before: NDArray, after: NDArray) -> None:
        """A plane that the layer holds at `key`, and what it is to become."""
        after = after.astype(before.dtype)
        changed = int(np.count_nonzero(after != before))
        if not changed:
            return
        self.n_changed += changed
        self._changes.append((key, before, after))
        # napari's own history writes by index arrays, which lazy arrays do not all take.
        if self.n_changed > SMALL_EDIT or not isinstance(self._layer.data, np.ndarray):
            self._pack()

    def command(self) -> Command | None:
        """The command that writes all that was added; None if nothing changes."""
        if self._differences:
            self._pack()
            return PlaneEdit(self._layer, self._differences)
        return _small_edit(self._layer, self._changes) if self._changes else None

    def _pack(self) -> None:
        self._differences += [(k, plane_difference(b, a)) for k, b, a in self._changes]
        self._changes.clear()


def key_in_layer(source: Source, plane: int, origin: NDArray) -> PlaneKey:
    """Index of a plane of a source in an array that begins `origin` before it."""
    key: list[int | slice] = []
    for place, start, size in zip(source.plane_key(plane), origin, source.sizes, strict=True):
        start = int(start)
        key.append(slice(start, start + int(size)) if isinstance(place, slice) else start + place)
    return tuple(key)


def _small_edit(layer: Labels, changes: list[tuple[PlaneKey, NDArray, NDArray]]) -> SmallEdit:
    indices, values = [], []
    for key, before, after in changes:
        changed = np.nonzero(after != before)
        along: Any = iter(changed)
        indices.append(
            [
                next(along) + place.start
                if isinstance(place, slice)
                else np.full(len(changed[0]), place)
                for place in key
            ]
        )
        values.append(after[changed])
    joined = tuple(np.concatenate(axis) for axis in zip(*indices, strict=True))
    return SmallEdit(layer, joined, np.concatenate(values))
