"""Masks of images, measured: the part that finding classes and applying them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, is_number
from ..imaging import Planes
from ..progress import Steps
from .given_masks import masks_of_planes, region_steps, remainder_pieces
from .mask_set import MaskSet
from .pooling import Pooled, pooled_steps

if TYPE_CHECKING:
    from ..backbones import Backbone, FeatureMaps
    from ..spectral import Embedding


@dataclass(frozen=True)
class Measured:
    """Masks of every plane, and what was measured in them.

    Attributes
    ----------
    masks, pieces : tuple of MaskSet
        Of every plane; connected pieces of what is in no mask, none unless they were asked for.
    own : Pooled
        Of the masks.
    rest : Pooled or None
        Of the pieces.
    """

    masks: tuple[MaskSet, ...]
    pieces: tuple[MaskSet, ...]
    own: Pooled = field(repr=False)
    rest: Pooled | None = field(repr=False)


def check_level(level: object) -> float:
    """The level of regions as a number; an `InputError` if it is none from 0 to 1."""
    if not is_number(level) or not 0 <= level <= 1:  # type: ignore[operator]
        raise InputError(
            f"The level {level!r} cannot be used. Give a number from 0, the finest regions, to 1, "
            f"one region."
        )
    return float(level)  # type: ignore[arg-type]


def measured_steps(
    planes: Planes,
    masks: Any,
    descriptor: str | Backbone | FeatureMaps | Embedding,
    *,
    remainder: bool,
    level: float,
    device: str | None,
    random_state: int = 0,
) -> Steps[Measured]:
    """Measure the masks that were given, or regions, as a generator of progress.

    Parameters
    ----------
    planes
        Of the images.
    masks
        As `semantic_classes` takes them.
    descriptor
        What `ready_descriptor` gave.
    remainder
        Whether what is in no mask is measured, too.
    level
        Of regions, where no masks are given.
    device, random_state
        See `pooled_steps`.
    """
    level = check_level(level)
    sets = (
        (yield from region_steps(planes, level, device))
        if masks is None
        else masks_of_planes(planes, masks)
    )
    pieces = remainder_pieces(sets) if remainder else ()
    # Masks and pieces of a plane are measured together: its maps are computed once.
    both = list(sets)
    if remainder:
        both = [MaskSet.joined([one, piece]) for one, piece in zip(sets, pieces, strict=True)]
    pooled = yield from pooled_steps(
        planes, both, descriptor, device=device, random_state=random_state
    )
    is_mask = np.concatenate(
        [np.arange(len(all_)) < len(one) for all_, one in zip(both, sets, strict=True)]
    )
    rest = pooled.rows(~is_mask) if remainder else None
    return Measured(tuple(sets), tuple(pieces), pooled.rows(is_mask), rest)
