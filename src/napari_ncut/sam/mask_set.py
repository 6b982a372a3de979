"""Many masks of one plane, each kept cropped to its box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class MaskSet:
    """Masks of one plane, which may overlap, and what is known of each.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the plane.
    boxes : int64 array (n, 4)
        Top, left, bottom and right of every mask, the last two exclusive; all 0 of an empty mask.
    crops : tuple of bool arrays
        Every mask inside its box.
    columns : dict of arrays (n, …)
        What is known of each, such as "predicted_iou" (n,), "stability_score" (n,), "point" (n, 2)
        as (row, column), "level" (n,): 0 whole, 1 part, 2 subpart.
    """

    shape: tuple[int, int]
    boxes: NDArray[np.int64]
    crops: tuple[NDArray[np.bool_], ...]
    columns: dict[str, NDArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = {name: len(v) for name, v in self.columns.items() if len(v) != len(self.crops)}
        if wrong or len(self.boxes) != len(self.crops):
            raise InputError(
                f"{len(self.crops)} masks have {len(self.boxes)} boxes and columns of other "
                f"lengths: {wrong}. Give one of each for every mask."
            )

    @classmethod
    def of(
        cls,
        masks: Iterable[ArrayLike],
        shape: tuple[int, int] | None = None,
        columns: dict[str, ArrayLike] | None = None,
    ) -> MaskSet:
        """Crop whole masks.

        Parameters
        ----------
        masks
            bool (h, w), each; or one array (n, h, w).
        shape
            Of the plane, needed where there are no masks.
        columns
            What is known of each.
        """
        boxes, crops = [], []
        for mask in masks:
            given = np.asarray(mask)
            if given.ndim != 2 or (shape is not None and given.shape != tuple(shape)):
                raise InputError(
                    f"A mask of shape {given.shape} was given; all must be (rows, columns) of one "
                    f"plane{'' if shape is None else f', {tuple(shape)}'}."
                )
            shape = (given.shape[0], given.shape[1])
            box = _box(given != 0)
            boxes.append(box)
            crops.append((given[box[0] : box[2], box[1] : box[3]] != 0).copy())
        if shape is None:
            raise InputError("Without a mask the shape of the plane is needed: give shape=(h, w).")
        return cls(
            (int(shape[0]), int(shape[1])),
            np.array(boxes, dtype=np.int64).reshape(-1, 4),
            tuple(crops),
            {name: np.asarray(values) for name, values in (columns or {}).items()},
        )

    @classmethod
    def of_labels(cls, labels: ArrayLike) -> MaskSet:
        """Every label (h, w) above 0 as a mask, ascending; column "label" has its number."""
        from scipy.ndimage import find_objects

        given = np.asarray(labels)
        if given.ndim != 2 or given.dtype.kind not in "iub":
            raise InputError(
                f"Labels of shape {given.shape} and dtype {given.dtype} were given; integers "
                f"(rows, columns) are needed."
            )
        numbers, compact = np.unique(given, return_inverse=True)
        compact = compact.reshape(given.shape) + (0 if numbers.size and numbers[0] == 0 else 1)
        positive = numbers[numbers != 0]
        places = find_objects(compact)
        boxes = [[p[0].start, p[1].start, p[0].stop, p[1].stop] for p in places]
        crops = tuple(compact[place] == i for i, place in enumerate(places, start=1))
        return cls(
            (given.shape[0], given.shape[1]),
            np.array(boxes, dtype=np.int64).reshape(-1, 4),
            crops,
            {"label": positive.astype(np.int64)},
        )

    def __len__(self) -> int:
        return len(self.crops)

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        """Whole masks (h, w), one by one."""
        return (self.mask(i) for i in range(len(self)))

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of every mask (n,)."""
        return np.array([int(np.count_nonzero(crop)) for crop in self.crops], dtype=np.int64)

    def mask(self, i: int) -> NDArray[np.bool_]:
        """One whole mask, bool (h, w)."""
        whole = np.zeros(self.shape, dtype=bool)
        top, left, bottom, right = self.boxes[i]
        whole[top:bottom, left:right] = self.crops[i]
        return whole

    def stack(self) -> NDArray[np.bool_]:
        """All whole masks, bool (n, h, w). Mind the memory."""
        return (
            np.stack([self.mask(i) for i in range(len(self))])
            if len(self)
            else np.zeros((0, *self.shape), dtype=bool)
        )

    def select(self, chosen: ArrayLike) -> MaskSet:
        """Those of given numbers, in that order, or where a bool array (n,) is True."""
        numbers = np.asarray(chosen)
        numbers = np.flatnonzero(numbers) if numbers.dtype == bool else numbers.astype(np.int64)
        return MaskSet(
            self.shape,
            self.boxes[numbers],
            tuple(self.crops[i] for i in numbers),
            {name: values[numbers] for name, values in self.columns.items()},
        )

    def with_columns(self, **columns: ArrayLike) -> MaskSet:
        """The same masks with more, or other, known of them."""
        added = {name: np.asarray(values) for name, values in columns.items()}
        return MaskSet(self.shape, self.boxes, self.crops, {**self.columns, **added})

    @staticmethod
    def joined(sets: Sequence[MaskSet]) -> MaskSet:
        """Masks of one plane from several sets, with the columns that all of them have."""
        if not sets or len({one.shape for one in sets}) != 1:
            raise InputError(
                f"Masks of planes {[one.shape for one in sets]} cannot be joined. Give sets of one "
                f"plane."
            )
        names = [n for n in sets[0].columns if all(n in one.columns for one in sets)]
        return MaskSet(
            sets[0].shape,
            np.concatenate([one.boxes for one in sets]),
            tuple(crop for one in sets for crop in one.crops),
            {name: np.concatenate([one.columns[name] for one in sets]) for name in names},
        )

    def membership(self) -> sparse.csr_array:
        """Which pixels, counted row by row, every mask has: a sparse bool array (n, h · w)."""
        pixels = []
        for (top, left, _, _), crop in zip(self.boxes, self.crops, strict=True):
            rows, columns = np.nonzero(crop)
            pixels.append((rows + top) * self.shape[1] + columns + left)
        ends = np.concatenate([[0], np.cumsum([len(p) for p in pixels])]).astype(np.int64)
        indices = np.concatenate(pixels) if pixels else np.zeros(0, np.int64)
        size = (len(self), self.shape[0] * self.shape[1])
        return sparse.csr_array((np.ones(len(indices), bool), indices, ends), shape=size)

    def labels(self, numbers: ArrayLike | None = None) -> NDArray[np.int32]:
        """One label map (h, w) of masks that may overlap: the smaller of two lies on top.

        Parameters
        ----------
        numbers
            Label of each mask (n,), 0 for "leave out"; default 1 … n.

        Notes
        -----
        The rule: a pixel belongs to the mask of the fewest pixels that has it; of masks of one size
        to the first. So parts show on the wholes that hold them, and nothing small is hidden.
        """
        given = np.arange(1, len(self) + 1) if numbers is None else np.asarray(numbers)
        result = np.zeros(self.shape, dtype=np.int32)
        for i in np.argsort(self.areas, kind="stable")[::-1]:
            if given[i]:
                top, left, bottom, right = self.boxes[i]
                result[top:bottom, left:right][self.crops[i]] = given[i]
        return result

    def coco(self, i: int) -> dict[str, Any]:
        """COCO's uncompressed run lengths: ``size`` [h, w], ``counts`` by columns, 0s first."""
        return run_lengths(self.mask(i))


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Uncompressed run lengths of a mask (h, w), as COCO writes them."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.append(changes, mask.size) if mask.size not in changes[-1:] else changes
    counts = np.diff(np.concatenate([[0], ends]))
    return {"size": list(mask.shape), "counts": [int(count) for count in counts]}


def from_run_lengths(runs: dict[str, Any]) -> NDArray[np.bool_]:
    """The mask (h, w) that `run_lengths` told."""
    height, width = runs["size"]
    counts = np.asarray(runs["counts"], dtype=np.int64)
    if counts.sum() != height * width or (counts < 0).any():
        raise InputError(
            f"Run lengths add up to {counts.sum()}, but a mask of {height} × {width} has "
            f"{height * width} pixels."
        )
    values = np.arange(len(counts)) % 2 == 1
    mask: NDArray[np.bool_] = np.repeat(values, counts).reshape(width, height).T
    return mask


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
