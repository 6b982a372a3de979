"""Painting by segments: operations on two arrays that say what would change in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..declared import checked_parameters
from ..errors import InputError, check_choice
from .blocks import Block, moved, padded, union, volume, within
from .class_operations import CLASS_OPERATIONS
from .drawing import Rectangle, enclosed, line_pixels, swept
from .edits import ArrayName, Box, Edit, bounding_box
from .index import counted
from .joining import joined
from .mosaic import together
from .splitting import split
from .state import PaintedArrays

Rule = Literal["touched", "inside"]
RULES = ("touched", "inside")
# Merging looks so far beyond the segments.
_SEEN_AROUND = 12
# What looking into one more box costs, in pixels of looking into one box of all.
_EACH = 8000
_NO_SEGMENT = (
    "There is no segment here: this is an edge, or nothing. Click inside a segment, or use the "
    "brush or the lasso."
)


class Painting(PaintedArrays):
    """Segments that can be painted, and what is painted.

    Operations change nothing: they return a list of `Edit`, which `apply` writes and `undo` takes
    back. Places are pixels, one number for every dimension of the arrays; a path is an array
    (n, ndim) of them. With `through` an operation goes through all planes of a stack, along the
    last axis that is none of the plane's, and otherwise stays in its plane.

    Parameters
    ----------
    segments : integer array or None
        Numbers from 1, 0 where there is no segment. None where there are only pixels to be painted.
    painted : integer array
        Of the same shape: classes from 1, 0 where nothing is painted. Like `segments` numpy's, or
        one that is read and written by slices, such as dask's and zarr's.
    plane_axes
        Axes of rows and columns. Default: the last two.

    Raises
    ------
    InputError
        If shapes differ, there are fewer than two dimensions, or an array holds no whole numbers.
    """

    # -------------------------------------------------------------------------------- by segments

    def fill(self, place: ArrayLike, label: int, *, through: bool = False) -> list[Edit]:
        """Paint the segment at a place; 0 as `label` erases it.

        Raises
        ------
        InputError
            If there is no segment, or the painted array does not hold the label.
        """
        number = self.segment_at(place)
        if number <= 0:
            raise InputError(_NO_SEGMENT)
        block = self.block(place, through=through)
        return self._paint(block, self._regions(block, [number]), label)

    def unfill(self, place: ArrayLike, *, through: bool = False) -> list[Edit]:
        """Erase what is painted in the segment at a place."""
        return self.fill(place, 0, through=through)

    def fill_along(self, path: ArrayLike, label: int, *, through: bool = False) -> list[Edit]:
        """Paint all segments under a line; edges and what lies outside are passed over."""
        block, points = self._path(path, through)
        numbers = self._numbers_under(block, self._plane_of(block, path), points)
        return self._paint(block, self._regions(block, numbers), label)

    def brush(
        self,
        path: ArrayLike,
        radius: float,
        label: int,
        *,
        rule: Rule = "touched",
        through: bool = False,
    ) -> list[Edit]:
        """Paint the segments that a disk touches on its way; 0 as `label` erases them.

        Parameters
        ----------
        path, radius
            Where its middle goes, and its size in pixels.
        label
            The class.
        rule
            "touched": all that it touches. "inside": those of which half or more is covered.
        through
            Whether segments are painted in all planes.
        """
        check_choice("rule", rule, RULES)
        block, points = self._path(path, through)
        covered = swept(points, radius, block.size[1:])
        numbers = self._numbers_in(block, self._plane_of(block, path), covered, rule)
        return self._paint(block, self._regions(block, numbers), label)

    def lasso(
        self,
        path: ArrayLike,
        label: int,
        *,
        by: Literal["segments", "pixels"] = "segments",
        through: bool = False,
    ) -> list[Edit]:
        """Paint what a line encloses: segments that mostly lie within, or pixels."""
        check_choice("by", by, ("segments", "pixels"))
        block, points = self._path(path, through)
        inside = enclosed(points, block.size[1:])
        if inside is None:
            return []
        if by == "segments":
            plane = self._plane_of(block, path)
            numbers = self._numbers_in(block, plane, inside, "inside")
            return self._paint(block, self._regions(block, numbers), label)
        box, mask = inside
        whole = np.broadcast_to(mask, (block.size[0], *mask.shape))
        return self._paint(block, [((block.whole[0], *box), whole)], label)

    def merge(self, path: ArrayLike, *, through: bool = False) -> list[Edit]:
        """Make one segment of all that a line touches; it gets the number of the largest.

        Edges (0) between them of up to four pixels become part of it, except where they touch
        other segments.

        Raises
        ------
        InputError
            If the line touches fewer than two segments.
        """
        block, points = self._path(path, through)
        numbers = self._numbers_under(block, self._plane_of(block, path), points)
        if len(numbers) < 2:
            raise InputError(
                "Segments are merged by a line across them, and this one touches "
                + ("one alone." if len(numbers) else "none.")
                + " Draw from one segment into another."
            )
        index, segments = self.index(block), self._known_segments()
        target = max(numbers, key=lambda number: index.areas[number])
        boxes = [index.boxes[number] for number in numbers]
        region = self._roomy(block, union(boxes), _SEEN_AROUND)
        labels = block.read(segments, region)
        changed = joined(labels, numbers, [within(box, region) for box in boxes], target)
        pieces = [(box, mask * labels.dtype.type(target)) for box, mask in changed]
        return self._numbered(block, region, labels, pieces)

    def cut(self, path: ArrayLike, *, through: bool = False) -> list[Edit]:
        """Part the segments that a line crosses; every pixel stays in one of the parts.

        The largest part keeps the number, others get new ones. A line that ends within a segment
        does not part it; crumbs of up to three pixels beside the line are no parts, unless a tenth
        of the segment. What is painted stays. With `through` the line goes through all planes.

        Raises
        ------
        InputError
            If the array of segments holds no further numbers.
        """
        block, points = self._path(path, through)
        segments, index = self._known_segments(), self.index(block)
        pixels = line_pixels(points, block.size[1:])
        numbers = self._numbers_at(block, None if through else 0, pixels)
        if not len(numbers):
            return []
        boxes = [index.boxes[number] for number in numbers]
        region = union(boxes)
        labels = block.read(segments, region)
        line = np.zeros(labels.shape[1:], dtype=bool)
        pixels = pixels - [region[1].start, region[2].start]
        line[tuple(pixels[((pixels >= 0) & (pixels < line.shape)).all(axis=1)].T)] = True
        following = self._highest_number() + 1
        pieces = []
        for box, mask, part in split(labels, numbers, [within(b, region) for b in boxes], line):
            self._check_number(following + int(part.max()) - 1)
            new = mask & (part > 0)
            pieces.append((box, np.where(new, part + (following - 1), 0).astype(labels.dtype)))
            following += int(part.max())
        return self._numbered(block, region, labels, pieces)

    def _numbered(
        self, block: Block, region: Box, labels: NDArray, pieces: list[tuple[Box, NDArray]]
    ) -> list[Edit]:
        """Edits that write numbers, in boxes of a region, to the segments."""
        edits = []
        for box, numbers in together(pieces):
            before = labels[box]
            after = np.where(numbers > 0, numbers, before)
            edits.append(self._edit("segments", block, moved(box, region), before, after))
        return [edit for edit in edits if edit is not None]

    # ---------------------------------------------------------------------------------- by pixels

    def paint_mask(
        self,
        mask: ArrayLike,
        label: int,
        position: ArrayLike | None = None,
        *,
        through: bool = False,
        over: bool = True,
    ) -> list[Edit]:
        """Paint where a mask is true.

        Parameters
        ----------
        mask : array (rows, columns), or (planes, rows, columns) with `through`
        label
            The class; 0 erases.
        position
            In the plane that is meant. Default: the first one.
        through
            Whether all planes of the stack are painted; one mask for all, or one for each.
        over
            Whether other classes are painted over.
        """
        block = self.block([0] * len(self.shape) if position is None else position, through=through)
        given = np.asarray(mask).astype(bool, copy=False)
        if given.shape not in (block.size, block.size[1:]):
            raise InputError(
                f"A mask of shape {given.shape} does not fit planes of shape {block.size[1:]}. "
                f"Give one of the same shape."
            )
        inner = bounding_box(np.broadcast_to(given, block.size))
        if inner is None:
            return []
        return self._paint(
            block, [(inner, np.broadcast_to(given, block.size)[inner])], label, over=over
        )

    def change_class(
        self,
        operation: str,
        label: int,
        position: ArrayLike | None = None,
        *,
        through: bool = False,
        over: bool = False,
        **parameters: Any,
    ) -> list[Edit]:
        """Do one of `CLASS_OPERATIONS` to all that is painted with a class.

        Parameters
        ----------
        operation
            "fill_holes", "grow", "shrink", "smooth", "keep_largest" or "remove_small".
        label
            The class.
        position
            In the plane that is meant. Default: the first one.
        through
            Whether the stack is worked on as one volume.
        over
            Whether what is gained may paint over other classes.
        **parameters
            Of the operation.

        Raises
        ------
        InputError
            If there is no such operation or parameter, or nothing is painted with the class.
        """
        check_choice("operation", operation, CLASS_OPERATIONS)
        entry = CLASS_OPERATIONS[operation]
        given = checked_parameters(entry.title, entry.parameters, parameters)
        block = self.block([0] * len(self.shape) if position is None else position, through=through)
        box = self._box_of_class(block, label)
        if box is None:
            raise InputError(
                f"Nothing is painted with class {label} here, so there is nothing to do."
            )
        reach = entry.reach(given)
        box = padded(box, (reach if through else 0, reach, reach), block.size)
        before = block.read(self.painted, box)
        mask = before == label
        after = entry.run(mask if through else mask[0], **given).reshape(mask.shape)
        gained = after & ~mask if over else after & (before == 0)
        lost = mask & ~after
        edit = self._edit(
            "painted", block, box, before, np.where(gained, label, np.where(lost, 0, before))
        )
        return [] if edit is None else [edit]

    def reset(
        self,
        position: ArrayLike | None = None,
        *,
        label: int | None = None,
        through: bool = False,
    ) -> list[Edit]:
        """Erase all that is painted in a plane, or what is painted with one class."""
        block = self.block([0] * len(self.shape) if position is None else position, through=through)
        edits = []
        for plane in range(block.size[0]):
            box = (slice(plane, plane + 1), *block.whole[1:])
            before = block.read(self.painted, box)
            after = 0 if label is None else np.where(before == label, 0, before)
            edits.append(self._edit("painted", block, box, before, after))
        return [edit for edit in edits if edit is not None]

    # ------------------------------------------------------------------------------------ details

    def _path(self, path: ArrayLike, through: bool) -> tuple[Block, NDArray[np.float64]]:
        points = np.atleast_2d(np.asarray(path, dtype=float))
        if points.ndim != 2 or not len(points) or not np.isfinite(points).all():
            raise InputError(
                f"A path of shape {points.shape} cannot be used. Give finite numbers "
                f"(n, {len(self.shape)}), at least one row."
            )
        block = self.block(points[0], through=through)
        return block, block.rows_columns(points)

    def _plane_of(self, block: Block, path: ArrayLike) -> int:
        return block.plane_of(np.atleast_2d(np.asarray(path, dtype=float))[0].tolist())

    def _numbers_under(self, block: Block, plane: int, points: NDArray) -> list[int]:
        """Segments under a line in one of the planes, in ascending order."""
        return self._numbers_at(block, plane, line_pixels(points, block.size[1:]))

    def _numbers_at(self, block: Block, plane: int | None, pixels: NDArray) -> list[int]:
        """Segments at pixels of one plane, or of all."""
        if not len(pixels):
            return []
        low, high = pixels.min(axis=0), pixels.max(axis=0) + 1
        planes = block.whole[0] if plane is None else slice(plane, plane + 1)
        box = (planes, slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))
        values = block.read(self._known_segments(), box)
        rows, columns = (pixels - low).T
        return list(counted(values[:, rows, columns].ravel()))

    def _numbers_in(
        self,
        block: Block,
        plane: int,
        covered: tuple[Rectangle, NDArray[np.bool_]] | None,
        rule: Rule,
    ) -> list[int]:
        """Segments that a mask touches in a plane, or that it mostly covers."""
        if covered is None:
            return []
        (rows, columns), mask = covered
        box = (slice(plane, plane + 1), rows, columns)
        values = block.read(self._known_segments(), box)[0]
        inside = list(counted(values[mask]).items())
        if rule == "touched":
            return [number for number, _ in inside]
        areas = self.index(self._plane(block, plane)).areas
        return [number for number, count in inside if 2 * count >= areas[number]]

    def _plane(self, block: Block, plane: int) -> Block:
        """One plane of a stack, as a block of its own."""
        position = list(block.place)
        if len(block.axes) == 3:
            position[block.axes[0]] = plane
        return self.block(position)

    def _regions(
        self, block: Block, numbers: Sequence[int]
    ) -> Iterator[tuple[Box, NDArray[np.bool_]]]:
        """Where segments lie: a box and a mask for each, or one for all if they are many."""
        if not len(numbers):
            return
        segments, known = self._known_segments(), self.index(block).boxes
        boxes = [known[number] for number in numbers]
        whole = union(boxes)
        if _EACH * len(boxes) + sum(volume(box) for box in boxes) <= volume(whole):
            for number, box in zip(numbers, boxes, strict=True):
                yield box, block.read(segments, box) == number
            return
        values = block.read(segments, whole)
        highest = self._highest_number()
        if highest <= max(4 * values.size, 2**16):
            chosen = np.zeros(highest + 1, dtype=bool)
            chosen[list(numbers)] = True
            yield whole, chosen[np.maximum(values, 0)]
        else:
            yield whole, np.isin(values, numbers)

    def _paint(
        self,
        block: Block,
        regions: Iterable[tuple[Box, NDArray[np.bool_]]],
        label: int,
        *,
        over: bool = True,
    ) -> list[Edit]:
        self._check_label(label)
        edits = []
        for box, mask in regions:
            before = block.read(self.painted, box)
            changed = mask if over else mask & (before == 0)
            edits.append(
                self._edit("painted", block, box, before, np.where(changed, label, before))
            )
        return [edit for edit in edits if edit is not None]

    def _edit(
        self, array: ArrayName, block: Block, box: Box, before: NDArray, after: NDArray | int
    ) -> Edit | None:
        new = after if isinstance(after, int) else block.as_in_array(after)
        return Edit.of(array, block.box_in_array(box), block.as_in_array(before), new)

    def _box_of_class(self, block: Block, label: int) -> Box | None:
        """Where a class lies; of lazy arrays one plane is in memory at a time."""
        found = []
        for plane in range(block.size[0]):
            at = slice(plane, plane + 1)
            inner = bounding_box(block.read(self.painted, (at, *block.whole[1:])) == label)
            if inner is not None:
                found.append((at, *inner[1:]))
        return union(found) if found else None

    def _roomy(self, block: Block, box: Box, by: int) -> Box:
        return padded(box, (by if len(block.axes) == 3 else 0, by, by), block.size)

    def _check_label(self, label: int) -> None:
        most = int(np.iinfo(self.painted.dtype).max)
        if not 0 <= int(label) <= most:
            raise InputError(
                f"The painted layer holds labels from 0 to {most}, and {label} is none of them. "
                f"Choose another class, or convert the layer to a larger type."
            )

    def _check_number(self, number: int) -> None:
        most = int(np.iinfo(self._known_segments().dtype).max)
        if number > most:
            raise InputError(
                f"The segments layer holds numbers up to {most}, and all are used. Convert it to a "
                f"larger type first, such as int32."
            )
