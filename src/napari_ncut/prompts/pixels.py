"""Label maps at full resolution: what clicks hold, what is too small, and how they are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from .clicks import Clicks
from .tutorial import small_components


def check_planes(planes: Sequence[int], n_planes: int) -> Sequence[int]:
    """Planes as a list; an `InputError` if there is no such plane."""
    wanted = list(planes) if isinstance(planes, Iterable) else [planes]
    for plane in wanted:
        if not is_number(plane, whole=True) or not 0 <= plane < n_planes:
            raise InputError(
                f"There is no plane {plane!r}. Give a list of whole numbers from 0 to "
                f"{n_planes - 1}, the planes that were embedded."
            )
    return [int(plane) for plane in wanted]


def hold_clicked_pixels(labels: NDArray, clicks: Clicks, plane: int) -> None:
    """Put every clicked pixel on its click's side, in place; a later click wins."""
    for i in np.flatnonzero(clicks.pixels[:, 0] == plane):
        pixel = (clicks.pixels[i, 1], clicks.pixels[i, 2])
        if clicks.positive[i]:
            labels[pixel] = clicks.classes[i]
        elif clicks.classes[i] in (0, labels[pixel]):
            labels[pixel] = 0


def drop_small(labels: NDArray, clicks: Clicks, plane: int, min_area: int) -> None:
    """Drop pieces of fewer pixels that were not clicked, in place."""
    here = clicks.positive & (clicks.pixels[:, 0] == plane)
    for label in clicks.labels:
        own = clicks.pixels[here & (clicks.classes == label)]
        small = small_components(labels == label, min_area, keep=(own[:, 1], own[:, 2]))
        labels[small] = 0


def scores_as_given(scores: Any, stacks: tuple, is_list: bool, as_mask: bool) -> Any:
    """Bring the class axis of scores, which comes after a stack's planes, to the front."""
    if as_mask:
        return scores
    if is_list:
        return [
            s if stack == () else np.moveaxis(s, 1, 0)
            for s, stack in zip(scores, stacks, strict=True)
        ]
    return scores if stacks[0] == () else np.moveaxis(scores, 1, 0)
