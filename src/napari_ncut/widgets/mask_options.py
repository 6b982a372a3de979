"""Options of automatic masks as parameters that a window can show."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

from ..declared import Parameter
from ..sam.automatic import COMPACT
from ..sam.options import MaskOptions


class _Face(NamedTuple):
    """How an option is shown; the range is that of its control."""

    label: str
    tooltip: str
    low: float
    high: float
    step: float


_FACES: dict[str, _Face] = {
    "min_persistence": _Face(
        "Persistence",
        "How long a region must last while the image is merged from fine to coarse.\n"
        "Higher gives fewer, clearer masks.",
        0, 1, 0.05,
    ),
    "points_per_side": _Face(
        "Points per side",
        "SAM is asked at so many points along each side.\n"
        "More finds smaller things, in time that grows with the square.",
        1, 128, 1,
    ),
    "points_per_batch": _Face(
        "Points at once",
        "More is faster and takes more memory; fewer are taken where memory is short.",
        1, 1024, 16,
    ),
    "pred_iou_thresh": _Face(
        "Quality",
        "Masks whose quality SAM itself predicts to be no better are dropped.\n"
        "Higher gives fewer masks.",
        0, 1, 0.01,
    ),
    "stability_score_thresh": _Face(
        "Stability",
        "Masks that change more than that when their threshold moves are dropped.\n"
        "Higher gives fewer masks.",
        0, 1, 0.01,
    ),
    "stability_score_offset": _Face(
        "Stability offset",
        "How far the threshold moves for “Stability”. Higher is stricter: fewer masks.",
        0, 5, 0.1,
    ),
    "box_nms_thresh": _Face(
        "Overlap",
        "Of masks that overlap by more than that only the best is kept.\n"
        "Higher gives more near-duplicates.",
        0, 1, 0.05,
    ),
    "crop_n_layers": _Face(
        "Layers of crops",
        "Look again at 2 × 2 parts of the image, at 4 × 4, …: finds things that are small in the\n"
        "whole. Each part takes as long as the image.",
        0, 4, 1,
    ),
    "crop_nms_thresh": _Face(
        "Overlap of crops",
        "The same as “Overlap”, between masks of different parts.",
        0, 1, 0.05,
    ),
    "crop_overlap_ratio": _Face(
        "Shared by crops",
        "How much the parts overlap, as a share of the shorter side. More takes longer.",
        0, 0.9, 0.05,
    ),
    "crop_n_points_downscale_factor": _Face(
        "Fewer points in crops",
        "Points per side are divided by it in each layer of crops. Higher is faster.",
        1, 8, 1,
    ),
    "min_mask_region_area": _Face(
        "Smallest area",
        "Holes and pieces of masks of fewer pixels are filled or dropped.\n"
        "Of the embedded network: the smallest mask, 16 pixels if it is less.",
        0, 1_000_000, 10,
    ),
}  # fmt: skip


def _parameter(default: Any, face: _Face) -> Parameter:
    return Parameter(type(default), default, **face._asdict())


# Point grids of one's own are given from Python only.
MASK_PARAMETERS: dict[str, Parameter] = {
    field.name: _parameter(field.default, _FACES[field.name])
    for field in fields(MaskOptions)
    if field.name != "point_grids"
}
_OF_COMPACT = ("min_persistence", "box_nms_thresh", "min_mask_region_area")


def options_of(model: str) -> list[str]:
    """Names of the options that count for a source of masks."""
    if model == COMPACT:
        return list(_OF_COMPACT)
    return [name for name in MASK_PARAMETERS if name != "min_persistence"]
