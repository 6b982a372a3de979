"""What is known of masks, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..sam.mask_set import MaskSet

# How columns of several numbers are told apart.
_PARTS = {2: ("row", "column"), 4: ("top", "left", "bottom", "right")}


def mask_table(named_sets: Mapping[str, MaskSet]) -> tuple[list[str], list[list[object]]]:
    """Names of columns, and a row for every mask, as `write_table` takes them.

    Parameters
    ----------
    named_sets
        Name of every image, and its masks.

    Returns
    -------
    columns
        "image", "label" (from 1, the number in `MaskSet.labels`), "top", "left", "bottom", "right",
        "area", and what is known of any mask; "point" becomes "point_row" and "point_column".
    rows
        Empty text where one set lacks a column of another.
    """
    widths: dict[str, tuple[int, ...]] = {}
    for masks in named_sets.values():
        widths |= {name: v.shape[1:] for name, v in masks.columns.items() if name not in widths}
    columns = ["image", "label", "top", "left", "bottom", "right", "area"]
    columns += [part for name, shape in widths.items() for part in _parts(name, shape)]
    rows: list[list[object]] = []
    for image, masks in named_sets.items():
        known = [
            np.asarray(masks.columns[name]).reshape(len(masks), len(_parts(name, shape))).tolist()
            if name in masks.columns
            else [[""] * len(_parts(name, shape))] * len(masks)
            for name, shape in widths.items()
        ]
        for i, box in enumerate(masks.boxes.tolist()):
            own = [value for column in known for value in column[i]]
            rows.append([image, i + 1, *box, int(masks.areas[i]), *own])
    return columns, rows


def _parts(name: str, shape: tuple[int, ...]) -> list[str]:
    if not shape:
        return [name]
    n = int(np.prod(shape))
    return [f"{name}_{part}" for part in _PARTS.get(n, range(n))]
