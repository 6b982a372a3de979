"""What is known of segments and classes as the tables of their layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..sam.class_table import scores_of

if TYPE_CHECKING:
    from ..sam.classes import SemanticClasses
    from ..sam.mask_set import MaskSet

Table = dict[str, NDArray]


def mask_features(masks: Sequence[MaskSet], first: int = 0) -> Any:
    """What is known of masks of one image before they have classes; `first` masks lie before."""
    import pandas as pd

    n = sum(len(one) for one in masks)
    columns: dict[str, Any] = {
        "index": np.arange(first + 1, first + n + 1),
        "plane": np.repeat(np.arange(len(masks)), [len(one) for one in masks]),
        "score": np.concatenate([scores_of(one) for one in masks]),
        "area": np.concatenate([one.areas for one in masks]),
    }
    return pd.DataFrame(columns)


def instance_features(table: Table, image: int) -> Any:
    """What is known of the masks of one image in classes, of the table of all."""
    import pandas as pd

    inside = table["image"] == image
    return pd.DataFrame({name: v[inside] for name, v in table.items() if name != "image"})


def class_features(table: Table, image: int, names: Mapping[int, str]) -> Any:
    """Name, and count and area in one image, of every class."""
    import pandas as pd

    inside = table["image"] == image
    classes, areas = table["class"][inside], table["area"][inside]
    rows = [
        (number, name, int((classes == number).sum()), int(areas[classes == number].sum()))
        for number, name in sorted(names.items())
    ]
    return pd.DataFrame(rows, columns=["index", "name", "count", "area"])


def amount_of(found: SemanticClasses, number: int) -> tuple[int, int]:
    """How many masks a class has in all images, and their pixels."""
    inside = found.classes == number
    return int(inside.sum()), int(found.areas[inside].sum())


def beside_others(table: Any, before: Any) -> Any:
    """A table with the columns that others have added to the one before, such as clusters."""
    if len(before) == len(table):
        for name in before.columns:
            if name not in table.columns:
                table[name] = before[name].to_numpy()
    return table
