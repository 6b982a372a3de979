"""Points and boxes of files, asked of a SAM and answered as labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..sam import MaskSet

if TYPE_CHECKING:
    from ..io import PointsTable
    from ..prompts import Box
    from ..sam import SamAnswer, SamSegmenter


def check_prompts(
    clicks: PointsTable | None, corners: list[list[float]] | None, text: str | None = None
) -> None:
    """Raise an `InputError` unless prompts go together, before an image is looked at."""
    if text is not None:
        if clicks is not None or corners is not None:
            raise InputError("Words find things alone. Give --text, or --points and --boxes.")
        return
    if clicks is None:
        if corners is None:
            raise InputError(
                "Nothing says what to segment. Give --points, --boxes or both, or --text."
            )
        return
    if clicks.points.shape[1] != 2:
        raise InputError(
            f"Points of {clicks.points.shape[1]} coordinates were given for one plane. Give those "
            f"of that plane alone, with the columns axis-0 and axis-1."
        )
    if corners is not None and len(corners) > 1:
        raise InputError(
            f"{len(corners)} boxes were given with points. Give one box with points, or boxes "
            f"alone."
        )
    things = _things(clicks)
    if not len(things) and corners is None:
        raise InputError("There is no positive point. Give at least one, or a box.")
    if len(things) > 1 and corners is not None:
        raise InputError(
            f"Points of {len(things)} classes were given with a box. Give points of one class."
        )


def label_map(
    segmenter: SamSegmenter,
    clicks: PointsTable | None,
    corners: list[list[float]] | None,
    answer: str,
) -> tuple[NDArray[np.int32], dict[int, float]]:
    """What points and boxes are on, (h, w), and how well each label is thought to fit.

    Parameters
    ----------
    segmenter
        With the image set.
    clicks, corners
        Points, and boxes as (top, left, bottom, right); one of them at least.
    answer
        One of `sam.answer.ANSWERS`.
    """
    if clicks is None:
        found = segmenter.predict(boxes=corners)
        numbers = list(range(1, len(found.scores) + 1))
        return _labels_of(found, answer, numbers)
    things = _things(clicks)
    classes = _classes(clicks)
    # Points that are all negative are about what is in the box.
    things = things if len(things) else np.array([1])
    labels = np.zeros(segmenter.shape or (0, 0), np.int32)
    scores: dict[int, float] = {}
    for thing in things.tolist():
        own = (classes == thing) | (classes == 0)
        found = segmenter.predict(
            clicks.points[own],
            clicks.positive[own],
            boxes=None if corners is None else corners[0],
        )
        of_thing, score = _labels_of(found, answer, [thing])
        labels[of_thing > 0] = thing
        scores |= score
    return labels, scores


def named(
    segmenter: SamSegmenter, text: str, least: float
) -> tuple[NDArray[np.int32], dict[int, float]]:
    """The things that words name as labels (h, w), from the surest on, and how probable each is."""
    found = segmenter.find(text, least=least)
    masks = found.mask_set()
    scores = found.scores[:, 0].tolist()
    return masks.labels(), {i: float(score) for i, score in enumerate(scores, start=1)}


def _classes(clicks: PointsTable) -> NDArray[np.int64]:
    if clicks.classes is None:
        return np.ones(len(clicks.points), np.int64)
    return clicks.classes


def _things(clicks: PointsTable) -> NDArray[np.int64]:
    """Classes that have a positive point."""
    return np.unique(_classes(clicks)[clicks.positive])


def _labels_of(
    found: SamAnswer, answer: str, numbers: list[int]
) -> tuple[NDArray[np.int32], dict[int, float]]:
    """Labels of one of the answers about each thing; the smaller of two things lies on top."""
    n_answers = found.scores.shape[-1]
    scores = found.scores.reshape(-1, n_answers)
    chosen = np.array([found.number_of(answer, thing) for thing in range(len(scores))], np.int64)
    masks = MaskSet.of(
        (found.mask(int(which), thing) for thing, which in enumerate(chosen)), found.shape
    )
    sure = scores[np.arange(len(scores)), chosen]
    return masks.labels(numbers), dict(zip(numbers, map(float, sure), strict=True))


def corners_of(box: Box) -> list[float]:
    """Top, left, bottom and right of a box whose corners may come in any order."""
    rows, columns = sorted((box.row0, box.row1)), sorted((box.column0, box.column1))
    return [rows[0], columns[0], rows[1], columns[1]]
