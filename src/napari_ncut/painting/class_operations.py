"""What can be done to all that is painted with one class: a registry of functions of a mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..declared import Parameter

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ClassOperation:
    """One operation on the mask of a class.

    Attributes
    ----------
    name, title, text
        In scripts; on a button; what it does, in one sentence.
    run
        Mask, with the parameters as keywords, to mask; of a plane or of a volume.
    parameters
        Name → what may be set.
    reach
        How many pixels around the class it has to see, as a function of the parameters.
    """

    name: str
    title: str
    text: str
    run: Callable[..., Mask]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    reach: Callable[[Mapping[str, Any]], int] = lambda _: 1


def fill_holes(mask: Mask, *, largest: int | None) -> Mask:
    """Fill what the class encloses, up to a number of pixels; None for holes of any size."""
    from scipy.ndimage import binary_fill_holes

    filled = binary_fill_holes(mask)
    if largest is None:
        return filled
    holes = filled & ~mask
    pieces, sizes = _pieces(holes, touching=False)
    return mask | (holes & (sizes <= largest)[pieces])


def grow(mask: Mask, *, pixels: float) -> Mask:
    """Add all that is at most so far away."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~mask) <= pixels


def shrink(mask: Mask, *, pixels: float) -> Mask:
    """Take away all that is at most so far inside; the border of the image is no edge."""
    from scipy.ndimage import distance_transform_edt

    return mask if mask.all() else distance_transform_edt(mask) > pixels


def smooth(mask: Mask, *, pixels: float) -> Mask:
    """Let every pixel be what most around it are, near ones counting more."""
    from scipy.ndimage import gaussian_filter

    # A plane of a volume of one has nothing above or below.
    sigma = [pixels if side > 1 else 0.0 for side in mask.shape]
    return gaussian_filter(mask.astype(np.float32), sigma, mode="nearest") > 0.5


def keep_largest(mask: Mask, *, count: int) -> Mask:
    """Keep the largest connected pieces, so many of them."""
    pieces, sizes = _pieces(mask)
    sizes[0] = 0
    kept = np.zeros(len(sizes), dtype=bool)
    kept[np.argsort(-sizes, kind="stable")[:count]] = True
    kept[0] = False
    return kept[pieces]


def remove_small(mask: Mask, *, smallest: int) -> Mask:
    """Take away connected pieces of fewer pixels."""
    pieces, sizes = _pieces(mask)
    sizes[0] = 0
    return (sizes >= smallest)[pieces] & mask


def _pieces(mask: Mask, *, touching: bool = True) -> tuple[NDArray, NDArray]:
    """Connected pieces, across corners too if `touching`, and their sizes."""
    from scipy.ndimage import generate_binary_structure, label

    pieces, _ = label(mask, generate_binary_structure(mask.ndim, mask.ndim if touching else 1))
    return pieces, np.bincount(pieces.ravel())


def _pixels(default: float, text: str) -> dict[str, Parameter]:
    return {
        "pixels": Parameter(
            float, default, low=0.5, high=100.0, step=0.5, label="Pixels", tooltip=text
        )
    }


CLASS_OPERATIONS: dict[str, ClassOperation] = {
    operation.name: operation
    for operation in (
        ClassOperation(
            "fill_holes",
            "Fill holes",
            "Paints what the class encloses; what another class holds there stays.",
            fill_holes,
            {
                "largest": Parameter(
                    int,
                    None,
                    low=0,
                    high=10_000_000,
                    label="Up to",
                    tooltip="In pixels; more fills larger holes. Automatic: holes of any size.",
                )
            },
        ),
        ClassOperation(
            "grow",
            "Grow",
            "Adds a rim all around; it ends where another class begins.",
            grow,
            _pixels(1.0, "Width of the rim; more makes the class larger."),
            lambda given: int(np.ceil(given["pixels"])) + 1,
        ),
        ClassOperation(
            "shrink",
            "Shrink",
            "Takes a rim away; what is narrower than two rims vanishes.",
            shrink,
            _pixels(1.0, "Width of the rim; more makes the class smaller."),
        ),
        ClassOperation(
            "smooth",
            "Smooth",
            "Rounds corners, closes notches and drops thorns.",
            smooth,
            _pixels(2.0, "Details of up to about this size go; more gives rounder outlines."),
            lambda given: int(np.ceil(4 * given["pixels"])) + 1,
        ),
        ClassOperation(
            "keep_largest",
            "Keep largest",
            "Keeps the largest connected piece, or a few of them, and erases all others.",
            keep_largest,
            {
                "count": Parameter(
                    int,
                    1,
                    low=1,
                    high=100_000,
                    label="Pieces",
                    tooltip="How many of the largest connected pieces stay.",
                )
            },
        ),
        ClassOperation(
            "remove_small",
            "Remove small",
            "Erases connected pieces that have fewer pixels.",
            remove_small,
            {
                "smallest": Parameter(
                    int,
                    50,
                    low=1,
                    high=10_000_000,
                    step=10,
                    label="Below",
                    tooltip="In pixels; more erases larger pieces.",
                )
            },
        ),
    )
}
