"""Masks out as COCO's JSON: run lengths, boxes, scores and classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .atomic import replace_when_written

if TYPE_CHECKING:
    from ..sam.mask_set import MaskSet

# Of masks that have no classes.
_MASK = {1: "mask"}


def coco_document(
    named_sets: Mapping[str, MaskSet],
    categories: Mapping[int, str] | None = None,
    colors: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """What COCO's JSON says of masks, as plain data.

    Parameters
    ----------
    named_sets
        File name of every image, and its masks. Of their columns "class" becomes the category, and
        "score", or else "predicted_iou", the score. Images without masks are listed, too.
    categories
        Names of the classes. Classes that it does not name are called "class 3"; default: those
        that occur, or "mask" where masks have no class.
    colors
        Of classes, as texts; COCO itself knows none, programs that annotate do.

    Returns
    -------
    dict
        "images", "annotations" and "categories". Numbers of images and annotations count from 1;
        ``bbox`` is [left, top, width, height] in pixels, ``segmentation`` uncompressed run lengths.
    """
    colors = colors or {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    found: set[int] = set()
    for image_id, (name, masks) in enumerate(named_sets.items(), start=1):
        height, width = masks.shape
        images.append({"id": image_id, "file_name": name, "height": height, "width": width})
        classes = _classes(name, masks)
        found |= set(classes)
        scores = masks.columns.get("score", masks.columns.get("predicted_iou"))
        for i, (top, left, bottom, right) in enumerate(masks.boxes.tolist()):
            annotation = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": classes[i],
                "segmentation": masks.coco(i),
                "bbox": [left, top, right - left, bottom - top],
                "area": int(masks.areas[i]),
                "iscrowd": 0,
            }
            # JSON has no NaN.
            if scores is not None and isfinite(float(scores[i])):
                annotation["score"] = float(scores[i])
            annotations.append(annotation)
    has_classes = any("class" in masks.columns for masks in named_sets.values())
    names = dict(categories or {}) or ({} if has_classes else dict(_MASK))
    names |= {number: f"class {number}" for number in sorted(found - names.keys())}
    return {
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": int(n), "name": str(names[n])} | ({"color": colors[n]} if n in colors else {})
            for n in sorted(names)
        ],
    }


def write_coco(
    path: str | Path,
    named_sets: Mapping[str, MaskSet],
    categories: Mapping[int, str] | None = None,
    colors: Mapping[int, str] | None = None,
) -> None:
    """Write masks as COCO's JSON, whole or not at all; see `coco_document`."""
    document = coco_document(named_sets, categories, colors)
    with replace_when_written(Path(path)) as partial:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8")


def _classes(name: str, masks: MaskSet) -> list[int]:
    """Number of the class of every mask."""
    if "class" not in masks.columns:
        return [1] * len(masks)
    classes = np.asarray(masks.columns["class"])
    if classes.shape != (len(masks),) or classes.dtype.kind not in "biu":
        raise InputError(
            f"Classes of {name} have shape {classes.shape} and dtype {classes.dtype}. Give a whole "
            f"number for each of its {len(masks)} masks."
        )
    return [int(number) for number in classes]
