"""What a prompt method answers for a plane; on the feature grid, margins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..imaging import GuidedUpsampler
from ..progress import Steps
from .clicks import Clicks
from .parameters import PromptParameters

# Enough for the clicked cell to stay on its side after interpolation with neighbors on the other.
_HELD = np.float32(0.5)


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

    def class_map(
        self, classes: list[int], dtype: np.dtype, upsampler: Callable[[], GuidedUpsampler]
    ) -> NDArray:
        """The class (h, w) of the largest margin above 0 at every pixel, 0 without one."""
        enlarge = upsampler()
        labels = np.zeros(enlarge.shape, dtype=dtype)
        for rows, margins in enlarge.bands(self.margins):
            _put_winning_class(labels[rows], margins, classes)
        return labels

    def heat_map(self, upsampler: Callable[[], GuidedUpsampler]) -> NDArray[np.float32]:
        """Likeness (n_classes, h, w)."""
        return np.clip(upsampler()(self.heat), 0, 1)

    def doubt_map(self, upsampler: Callable[[], GuidedUpsampler]) -> NDArray[np.float32]:
        """How undecided every pixel (h, w) is, 0 to 1."""
        return doubt_of(np.clip(upsampler()(self.margins), -1, 1))


def doubt_of(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """How undecided margins (n_classes, …), −1 to 1, leave it: 1 where two sides are even."""
    best = np.sort(np.concatenate([margins, np.zeros_like(margins[:1])]), axis=0)
    # Against the second class, or against none, whose margin is 0.
    doubt: NDArray[np.float32] = 1 - np.minimum(best[-1] - best[-2], 1)
    if len(margins) == 1:
        doubt = 1 - np.abs(margins[0])
    return doubt


class PlaneAnswer(Protocol):
    """What a method says about one plane."""

    def class_map(
        self, classes: list[int], dtype: np.dtype, upsampler: Callable[[], GuidedUpsampler]
    ) -> NDArray:
        """The class (h, w) of every pixel, 0 without one; `upsampler` enlarges grids."""
        ...

    def heat_map(self, upsampler: Callable[[], GuidedUpsampler]) -> NDArray[np.float32]:
        """Likeness (n_classes, h, w) to every class, 0 to 1."""
        ...

    def doubt_map(self, upsampler: Callable[[], GuidedUpsampler]) -> NDArray[np.float32]:
        """How undecided every pixel (h, w) is, 0 to 1."""
        ...


class PromptMethod(Protocol):
    """A way from clicks to margins, made for one embedding; it may remember what it computed."""

    def prepare(self, clicks: Clicks, parameters: PromptParameters) -> Callable[[int], PlaneAnswer]:
        """Do once what concerns all planes, and return what answers for a plane."""
        ...

    def ready_steps(self, planes: Sequence[int], parameters: PromptParameters) -> Steps[None]:
        """Compute ahead what the first click on each of these planes would wait for."""
        ...

    def is_ready(self, plane: int, parameters: PromptParameters) -> bool:
        """Whether a click on a plane may be answered without asking for that first."""
        ...


class AlwaysReady:
    """What a method says that has nothing worth computing ahead."""

    def ready_steps(self, planes: Sequence[int], parameters: PromptParameters) -> Steps[None]:
        """See `PromptMethod`."""
        yield from ()

    def is_ready(self, plane: int, parameters: PromptParameters) -> bool:
        """See `PromptMethod`."""
        return True


def _put_winning_class(labels: NDArray, margins: NDArray[np.float32], classes: list[int]) -> None:
    """Write the class of the largest margin above 0 into `labels`, which are 0, in place."""
    best = np.zeros(labels.shape, dtype=np.float32)
    for margin, number in zip(margins, classes, strict=True):
        # Classes ascend, so the last one to be better than all before it is the largest number.
        better = (margin > best) * labels.dtype.type(number)
        np.maximum(labels, better, out=labels)
        np.maximum(best, margin, out=best)


def own_cell(clicks: Clicks, i: int, plane: int, stride: int) -> tuple[int, int] | None:
    """The cell under a click, if it lies on this plane."""
    if clicks.pixels[i, 0] != plane:
        return None
    row, column = clicks.pixels[i, 1:] // stride
    return int(row), int(column)


def hold_clicked_cells(
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
        cell = own_cell(clicks, i, plane, stride)
        if cell is not None:
            margin[cell] = sign * max(sign * margin[cell], _HELD)


def margin_above(values: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
    """Distance of values from a cut, in units of the room above it up to 1, −1 to 1.

    Both sides in the same units, so that interpolation between a cell inside and one outside puts
    the edge in the middle rather than near the inside, whose values all lie between cut and 1.
    """
    # Values end at 1: any cut far outside leaves all of them on one side, as any other does.
    cut = min(max(cut, -1e6), 1e6)
    room = np.float32(max(1 - cut, 1e-6))
    return np.clip((values - np.float32(cut)) / room, -1, 1)
