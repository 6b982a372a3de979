"""How clicks become a margin per class on the feature grid: the registry of prompt methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice, is_number
from .clicks import Clicks
from .similarity import Similarity
from .tutorial import check_area, small_components

Normalization = Literal["stack", "plane", "absolute"]
NORMALIZATIONS: dict[str, str] = {
    "stack": "relative to all planes and images together, as in the tutorial",
    "plane": "relative to each plane alone: every plane gets some mask",
    "absolute": "by the cosine itself: the same everywhere, a mask may be empty",
}


@dataclass(frozen=True)
class PromptParameters:
    """What a user may set; None leaves it to the method."""

    threshold: float | None = None
    negative_threshold: float | None = None
    gamma: float | None = None
    normalization: Normalization = "stack"
    denoise_area_th: int | None = None

    def check(self) -> None:
        """Raise an `InputError` unless all can be used."""
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        for name in ("threshold", "negative_threshold"):
            value = getattr(self, name)
            if value is not None and not is_number(value):
                raise InputError(
                    f"{name} {value!r} cannot be used. Give a number, usually 0 to 1; higher gives "
                    f"a smaller mask."
                )
        if self.gamma is not None and not (is_number(self.gamma) and self.gamma > 0):
            raise InputError(
                f"gamma {self.gamma!r} cannot be used. Give a number above 0; higher gives a "
                f"smaller mask."
            )
        if self.denoise_area_th is not None:
            check_area("denoise_area_th", self.denoise_area_th, "grid cells")


@dataclass(frozen=True)
class GridResult:
    """What a method says about one plane.

    Attributes
    ----------
    margins : float32 array (n_classes, rows, columns)
        −1 to 1, above 0 inside; where several classes are, the largest wins.
    heat : float32 array (n_classes, rows, columns)
        0 to 1, likeness to the class's positive clicks.
    """

    margins: NDArray[np.float32]
    heat: NDArray[np.float32]


Method = Callable[[Similarity, Clicks, PromptParameters, int], GridResult]


def tutorial_rule(
    similarity: Similarity, clicks: Clicks, parameters: PromptParameters, plane: int
) -> GridResult:
    """The tutorial's rule for one plane: OR of the positives' masks, AND NOT OR of the negatives'.

    Defaults are the tutorial's: threshold .5 and components of 3 cells for a single click, .7 and 8
    for several, .7 and 10 beside negative clicks, whose own threshold is .99 without denoising. The
    component under a click is never taken for noise.
    """
    layout = similarity.layout
    gamma = 1.0 if parameters.gamma is None else parameters.gamma
    negative_threshold = (
        0.99 if parameters.negative_threshold is None else parameters.negative_threshold
    )
    margins, heats = [], []
    for label in clicks.labels:
        positives, negatives = clicks.positive_of(label), clicks.negative_of(label)
        threshold, area = _tutorial_defaults(len(positives), len(negatives))
        threshold = threshold if parameters.threshold is None else parameters.threshold
        area = area if parameters.denoise_area_th is None else parameters.denoise_area_th
        inside = np.full(layout.grids[plane], -1, dtype=np.float32)
        heat = np.zeros(layout.grids[plane], dtype=np.float32)
        for i in positives:
            cosines, scale = similarity.of(int(clicks.nodes[i]), plane, parameters.normalization)
            margin = _margin(cosines, scale.cut(threshold, gamma))
            own = _own_cell(clicks, int(i), plane, layout.stride)
            small = small_components(margin > 0, area, keep=own)
            margin[small] *= -1
            np.maximum(inside, margin, out=inside)
            np.maximum(heat, scale.heat(cosines, gamma), out=heat)
        for j in negatives:
            cosines, scale = similarity.of(int(clicks.nodes[j]), plane, parameters.normalization)
            np.minimum(inside, -_margin(cosines, scale.cut(negative_threshold, gamma)), out=inside)
        _hold_clicked_cells(inside, clicks, positives, negatives, plane, layout.stride)
        margins.append(inside)
        heats.append(heat)
    return GridResult(np.stack(margins), np.stack(heats))


def _tutorial_defaults(n_positive: int, n_negative: int) -> tuple[float, int]:
    if n_negative:
        return 0.7, 10
    return (0.5, 3) if n_positive == 1 else (0.7, 8)


def _margin(cosines: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
    """Distance of cosines from the cut, in units of the room above it, −1 to 1.

    Both sides in the same units, so that interpolation between a cell inside and one outside puts
    the edge in the middle rather than near the inside, whose cosines all lie between cut and 1.
    """
    # Cosines end at 1: any cut far outside leaves all of them on one side, as any other does.
    cut = min(max(cut, -1e6), 1e6)
    room = np.float32(max(1 - cut, 1e-6))
    return np.clip((cosines - np.float32(cut)) / room, -1, 1)


def _own_cell(clicks: Clicks, i: int, plane: int, stride: int) -> tuple[int, int] | None:
    if clicks.pixels[i, 0] != plane:
        return None
    row, column = clicks.pixels[i, 1:] // stride
    return int(row), int(column)


# Enough for the clicked cell to stay on its side after interpolation with neighbors on the other.
_HELD = np.float32(0.5)


def _hold_clicked_cells(
    margin: NDArray[np.float32],
    clicks: Clicks,
    positives: NDArray[np.int64],
    negatives: NDArray[np.int64],
    plane: int,
    stride: int,
) -> None:
    """Keep every clicked cell on its click's side, in place; a later click wins."""
    signs = [(int(i), 1) for i in positives] + [(int(j), -1) for j in negatives]
    for i, sign in sorted(signs):
        cell = _own_cell(clicks, i, plane, stride)
        if cell is not None:
            margin[cell] = sign * max(sign * margin[cell], _HELD)


METHODS: dict[str, Method] = {"tutorial": tutorial_rule}
# What "auto" stands for.
BEST_METHOD = "tutorial"


def prompt_method(name: str) -> Method:
    """The method of that name, or the best there is for "auto"."""
    return METHODS[
        BEST_METHOD if name == "auto" else check_choice("method", name, ["auto", *METHODS])
    ]
