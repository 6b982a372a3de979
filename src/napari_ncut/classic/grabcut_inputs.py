"""What GrabCut is given: boxes, marks and a plane, checked and as OpenCV takes them."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, real_matrix, regular_array


class Mark(IntEnum):
    """What a pixel of the marks says."""

    NONE = 0
    FOREGROUND = 1
    BACKGROUND = 2
    PROBABLY_FOREGROUND = 3
    PROBABLY_BACKGROUND = 4


def eight_bits(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A plane in [0, 1] as the three channels of eight bits that OpenCV takes."""
    from ..imaging.channels import composite

    if plane.shape[-1] == 1:
        plane = np.repeat(plane, 3, axis=-1)
    elif plane.shape[-1] != 3:
        plane = composite(plane)
    return np.ascontiguousarray(np.rint(plane * 255).astype(np.uint8))


def pixels_of(boxes: ArrayLike, shape: tuple[int, int]) -> list[tuple[int, ...]]:
    """First and last row and column + 1 of boxes, those that are equal once."""
    from ..prompts.drawing import box_area

    given = regular_array("Boxes", boxes)
    if given.size == 0:
        return []
    rows = real_matrix("Boxes", "(n, 4)", "a single one to one row", np.atleast_2d(given))
    if rows.shape[1] != 4 or not np.isfinite(rows).all():
        raise InputError(
            f"Boxes of shape {rows.shape} cannot be used. Give rows of four finite numbers: row, "
            f"column, row and column of two corners."
        )
    spans: list[tuple[int, ...]] = []
    for number, box in enumerate(rows.astype(float)):
        first, last = np.minimum(box[:2], box[2:]), np.maximum(box[:2], box[2:])
        area = box_area(tuple(first), tuple(last), shape)
        if (first == last).any() or area.empty:
            why = "has no area" if (first == last).any() else "does not touch the image"
            raise InputError(
                f"Box {number} (counted from 0), {box.tolist()}, {why}. The image has "
                f"{shape[0]} × {shape[1]} pixels; give corners apart, around some of it."
            )
        window = area.window
        spans.append((window[0].start, window[1].start, window[0].stop, window[1].stop))
    return list(dict.fromkeys(spans))


def checked_marks(marks: ArrayLike, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A copy of marks; an `InputError` unless they have that shape and numbers of `Mark`."""
    given = regular_array("Marks", marks)
    wrong = given.dtype.kind not in "biu" or given.shape != shape
    if wrong or (given.size and not 0 <= given.min() <= given.max() <= max(Mark)):
        span = f" from {given.min()} to {given.max()}" if given.size and not wrong else ""
        meaning = ", ".join(f"{mark.value} {words_of(mark)}" for mark in Mark)
        raise InputError(
            f"Marks of shape {given.shape} and dtype {given.dtype}{span} cannot be used. Give "
            f"whole numbers of the image's shape {shape}: {meaning}."
        )
    # A copy: whoever paints on must not change what is being computed with.
    return given.astype(np.uint8)


def words_of(mark: Mark) -> str:
    """What a mark is called, for people."""
    return mark.name.lower().replace("_", " ")


def sides_of(marked: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where marks say foreground, and where background."""
    return (
        (marked == Mark.FOREGROUND) | (marked == Mark.PROBABLY_FOREGROUND),
        (marked == Mark.BACKGROUND) | (marked == Mark.PROBABLY_BACKGROUND),
    )
