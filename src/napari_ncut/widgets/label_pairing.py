"""Which Labels layer has the masks of which image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .outputs import output_fits

if TYPE_CHECKING:
    from napari.layers import Labels

    from .reading import Reading

# A pair that does not fit costs more than all others can together.
_NEVER = 1e9


def paired_labels(layers: Sequence[Labels], reading: Reading) -> list[Labels]:
    """The Labels layer of every image that is read.

    A layer lies on its image pixel by pixel. Where several do, names decide, which mostly begin
    alike, and where those do not, the order.

    Raises
    ------
    InputError
        If there are more or fewer layers than images, or they do not lie on the images.
    """
    from scipy.optimize import linear_sum_assignment

    names = [source.name for source in reading.sources]
    if len(layers) != len(names):
        raise InputError(
            f"{len(layers)} Labels layers are checked for {len(names)} images. Check the one that "
            f"has the masks for each, under “Labels”."
            if len(names) > 1 or layers
            else "Check the Labels layer that has the masks, under “Labels”."
        )
    costs = np.array(
        [
            [
                abs(i - j) / len(names) - _alike(name, layer.name)
                if output_fits(layer, reading, i)
                else _NEVER
                for j, layer in enumerate(layers)
            ]
            for i, name in enumerate(names)
        ]
    )
    _, chosen = linear_sum_assignment(costs)
    found = [layers[j] for j in chosen]
    wrong = [i for i, j in enumerate(chosen) if costs[i, j] >= _NEVER]
    if wrong:
        raise InputError(
            f"“{found[wrong[0]].name}” does not lie on “{names[wrong[0]]}” pixel by pixel. Check "
            f"another Labels layer."
        )
    return found


def _alike(name: str, other: str) -> int:
    """How many letters two names begin with alike."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False))
    )
