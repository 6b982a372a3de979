"""What is known of masks in classes, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .mask_set import MaskSet

if TYPE_CHECKING:
    from .class_results import ClassResults

# Columns of masks that tell how good they are, the best known first.
_SCORES = ("score", "predicted_iou", "stability_score")


def class_table(found: ClassResults, image: int | None, n_components: int) -> dict[str, NDArray]:
    """Columns (n,) of all masks, or of those of one image; see `SemanticClasses.features`."""
    images = np.repeat(
        np.arange(len(found.layout.stacks)),
        [int(np.prod(stack, dtype=int)) for stack in found.layout.stacks],
    )
    firsts = np.searchsorted(images, images)
    boxes = np.concatenate([one.boxes for one in found.masks]).reshape(-1, 4)
    names = np.array([found.names.get(int(c), "") for c in found.classes], dtype=object)
    table: dict[str, NDArray] = {
        "index": np.arange(1, len(found) + 1),
        "image": images[found.planes],
        "plane": found.planes - firsts[found.planes],
        "class": found.classes.astype(np.int64),
        "name": names,
        "score": np.concatenate([scores_of(one) for one in found.masks]),
        "fit": found.fit,
        "area": found.areas,
        "row": (boxes[:, 0] + boxes[:, 2] - 1) / 2,
        "column": (boxes[:, 1] + boxes[:, 3] - 1) / 2,
    }
    components = found.descriptors.components(n_components)
    table |= {f"component {i + 1}": components[:, i] for i in range(n_components)}
    if image is None:
        return table
    chosen = table["image"] == image
    return {name: values[chosen] for name, values in table.items()}


def scores_of(masks: MaskSet) -> NDArray[np.float64]:
    """How good each mask is said to be, by SAM or by how long its region lasts; NaN if unknown."""
    known = next((masks.columns[name] for name in _SCORES if name in masks.columns), None)
    return np.full(len(masks), np.nan) if known is None else np.asarray(known, dtype=np.float64)
