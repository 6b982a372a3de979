"""Masks that were found one after the other, filtered and made a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .mask_set import MaskSet
from .small_regions import without_small_regions


@dataclass(frozen=True)
class Found:
    """A mask within its box, and what is known of it.

    Attributes
    ----------
    crop, box
        The mask, and its top, left, bottom and right in the plane.
    ends
        Top, left, and the last row and column, by which duplicates are told; of an empty mask the
        corner of the part that it was found in.
    predicted_iou, stability_score, point, level
        See `automatic_masks`.
    part
        Top, left, bottom and right of the part of the image that was looked at.
    """

    crop: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    ends: tuple[int, int, int, int]
    predicted_iou: float
    stability_score: float
    point: tuple[float, float]
    level: int
    part: tuple[int, int, int, int]


def without_duplicates(found: Sequence[Found], scores: ArrayLike, most: float) -> list[Found]:
    """The masks, best first, whose box overlaps no better one's by an IoU above `most`."""
    import torch
    from torchvision.ops import nms

    if not found:
        return []
    # x before y, and ends as they are, as the generator that these thresholds come from.
    boxes = np.array([one.ends for one in found], dtype=np.float32)[:, [1, 0, 3, 2]]
    given = torch.from_numpy(np.asarray(scores, dtype=np.float32))
    kept = nms(torch.from_numpy(boxes), given, most)
    return [found[i] for i in kept.tolist()]


def cleaned(
    found: Sequence[Found], shape: tuple[int, int], least: float, most: float
) -> list[Found]:
    """Without small holes and pieces; of what became duplicates, those stay that were clean."""
    from dataclasses import replace

    result, untouched = [], []
    for one in found:
        crop, box, changed = without_small_regions(one.crop, one.box, shape, least)
        if changed:
            top, left, bottom, right = box
            ends = (top, left, bottom - 1, right - 1) if crop.size else box
            one = replace(one, crop=crop, box=box, ends=ends)
        result.append(one)
        untouched.append(not changed)
    return without_duplicates(result, untouched, most)


def as_mask_set(found: Sequence[Found], shape: tuple[int, int]) -> MaskSet:
    """All of them, in their order."""
    n = len(found)
    return MaskSet(
        shape,
        np.array([one.box for one in found], dtype=np.int64).reshape(n, 4),
        tuple(one.crop for one in found),
        {
            "predicted_iou": np.array([one.predicted_iou for one in found], dtype=np.float32),
            "stability_score": np.array([one.stability_score for one in found], dtype=np.float32),
            "point": np.array([one.point for one in found], dtype=np.float64).reshape(n, 2),
            "crop_box": np.array([one.part for one in found], dtype=np.int64).reshape(n, 4),
            "level": np.array([one.level for one in found], dtype=np.int64),
        },
    )
