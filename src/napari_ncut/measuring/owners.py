"""Which class segments are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from .blocks import Blocks, as_labels
from .scene import Scene, renumbered


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes of segments: by their labels, or by a map that they lie on.

    Attributes
    ----------
    labels, classes : arrays (n,)
        Ascending labels, and the class of each; those of all others are 0. Without a map.
    map : array or None
        Of classes, shaped as the labels; `blocks` tells how it falls into planes or volumes.
    """

    labels: NDArray[np.int64]
    classes: NDArray[np.int64]
    map: Any = None
    blocks: Blocks | None = None

    @classmethod
    def of(cls, given: Any, blocks: Blocks) -> Classes | None:
        """What was given as classes; None for none, an `InputError` if it cannot be used."""
        none = np.empty(0, np.int64)
        if given is None:
            return None
        if isinstance(given, Mapping):
            pairs = sorted(given.items())
            if not all(is_number(v, whole=True) and v >= 0 for pair in pairs for v in pair):
                raise InputError(
                    "Classes are given by a mapping from labels to classes, whole numbers from 0 "
                    "both. Give names of classes beside it."
                )
            both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
            return cls(both[:, 0], both[:, 1])
        array = as_labels(given)
        shape = tuple(array.shape)
        if len(shape) == 1 and array.dtype.kind in "iu" and (not array.size or array.min() >= 0):
            numbers = np.arange(len(array), dtype=np.int64)
            return cls(numbers, np.asarray(array, dtype=np.int64))
        if shape != blocks.axes.shape:
            raise InputError(
                f"Classes of shape {shape} were given for labels of shape {blocks.axes.shape}. "
                f"Give a class for each pixel, an array with one for each label from 0 on, or a "
                f"mapping."
            )
        return cls(none, none, array, blocks)

    def of_segments(self, scene: Scene, values: NDArray, number: int) -> NDArray[np.int64]:
        """The class of each segment of a block, whose labels are `values` (n,); 0 for none."""
        if self.map is not None and self.blocks is not None:
            return _most_frequent(scene, self.blocks.labels(self.map, number))
        result = np.zeros(len(values), np.int64)
        if len(self.labels):
            place = np.searchsorted(self.labels, values).clip(max=len(self.labels) - 1)
            known = self.labels[place] == values
            result[known] = self.classes[place[known]]
        return result


def _most_frequent(scene: Scene, classes: NDArray) -> NDArray[np.int64]:
    """The class that most pixels of each segment have; of equally many the lower one."""
    # As 1 … n + 1, with "none" among them where it occurs.
    numbers, own = renumbered(classes)
    places = numbers.ravel()[scene.inside]
    width = len(own) + 1
    pairs, counts = np.unique(scene.owner * width + places, return_counts=True)
    owners, kinds = np.divmod(pairs, width)
    # The most frequent one of each segment comes last.
    order = np.lexsort((-kinds, counts, owners))
    result = np.zeros(scene.n, np.int64)
    result[owners[order]] = np.concatenate([[0], own]).astype(np.int64)[kinds[order]]
    return result
