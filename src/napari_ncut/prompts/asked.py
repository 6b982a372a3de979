"""What was asked of a method, and how its answer becomes pixels that obey the prompts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..imaging import GuidedUpsampler
from .clicks import Clicks
from .drawn import Drawn
from .margins import PlaneAnswer
from .methods import MethodEntry
from .parameters import PromptParameters
from .pixels import drop_small, hold_clicked_pixels

if TYPE_CHECKING:
    from ..spectral import Embedding

# Upsamplers hold a gray plane each; these many planes are clicked back and forth between.
_KEPT_UPSAMPLERS = 16


class Upsamplers:
    """What brings planes of the feature grid to pixels, of the planes that were asked for last.

    Parameters
    ----------
    embedding
        Of the planes.
    """

    def __init__(self, embedding: Embedding) -> None:
        self._embedding = embedding
        self._kept: OrderedDict[int, GuidedUpsampler] = OrderedDict()

    def of(self, plane: int) -> Callable[[], GuidedUpsampler]:
        """What gives that of a plane; most answers need none."""
        return partial(self._of, plane)

    def _of(self, plane: int) -> GuidedUpsampler:
        if plane not in self._kept:
            self._kept[plane] = self._embedding.upsampler(plane)
            if len(self._kept) > _KEPT_UPSAMPLERS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(plane)
        return self._kept[plane]


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked: by which method, with which clicks and strokes, and how to read them."""

    entry: MethodEntry
    clicks: Clicks
    drawn: Drawn
    parameters: PromptParameters

    def pixels(
        self,
        plane: int,
        shape: tuple[int, int],
        answer: PlaneAnswer | None,
        upsampler: Callable[[], GuidedUpsampler],
        *,
        min_area: int,
        with_scores: bool,
    ) -> tuple[NDArray, NDArray[np.float32] | None]:
        """Classes (h, w) of a plane, and likeness (n_classes, h, w) if that is wanted.

        Every click and stroke is on its own side. Without an `answer` there is nothing.
        """
        clicks, drawn = self.clicks, self.drawn
        classes = clicks.labels
        dtype = np.min_scalar_type(max(classes, default=1))
        if answer is None:
            empty = (
                np.zeros((max(1, len(classes)), *shape), dtype=np.float32) if with_scores else None
            )
            return np.zeros(shape, dtype=dtype), empty
        labels = answer.class_map(classes, dtype, upsampler)
        # What stands for a stroke is a click to other methods; of a thing with a hole in its middle
        # it need not be part.
        held = clicks.own if self.entry.asks_about_things else clicks
        drawn.hold(labels, plane)
        hold_clicked_pixels(labels, held, plane)
        if self.entry.asks_about_things:
            drawn.take_away(labels, plane)
        else:
            drawn.limit(labels, clicks, plane)
        if min_area > 1:
            drop_small(labels, clicks, plane, min_area)
        if drawn.strokes:
            drawn.hold(labels, plane)
            hold_clicked_pixels(labels, held, plane)
        scores = answer.heat_map(upsampler) if with_scores else None
        return labels, scores
