"""The tutorial's rule, for several clicks and classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .clicks import Clicks
from .margins import AlwaysReady, GridResult, hold_clicked_cells, margin_above, own_cell
from .parameters import PromptParameters
from .similarity import Similarity
from .tutorial import small_components

if TYPE_CHECKING:
    from ..spectral.embedding import Embedding


class TutorialMethod(AlwaysReady):
    """The tutorial's rule: OR of the positives' masks, AND NOT OR of the negatives'.

    Defaults are the tutorial's: threshold .5 and components of 3 cells for a single click, .7 and 8
    for several, .7 and 10 beside negative clicks, whose own threshold is .99 without denoising. The
    component under a click is never taken for noise.
    """

    def __init__(self, embedding: Embedding) -> None:
        self._similarity = Similarity(embedding)

    def prepare(self, clicks: Clicks, parameters: PromptParameters) -> Callable[[int], GridResult]:
        """Compute the cosines to the clicks that are not known yet."""
        self._similarity.prepare(clicks.nodes)
        return partial(self._on_plane, clicks, parameters)

    def _on_plane(self, clicks: Clicks, parameters: PromptParameters, plane: int) -> GridResult:
        similarity, layout = self._similarity, self._similarity.layout
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
                node = int(clicks.nodes[i])
                cosines, scale = similarity.of(node, plane, parameters.normalization)
                margin = margin_above(cosines, scale.cut(threshold, gamma))
                own = own_cell(clicks, int(i), plane, layout.stride)
                small = small_components(margin > 0, area, keep=own)
                margin[small] *= -1
                np.maximum(inside, margin, out=inside)
                np.maximum(heat, scale.heat(cosines, gamma), out=heat)
            for j in negatives:
                node = int(clicks.nodes[j])
                cosines, scale = similarity.of(node, plane, parameters.normalization)
                cut = scale.cut(negative_threshold, gamma)
                np.minimum(inside, -margin_above(cosines, cut), out=inside)
            hold_clicked_cells(inside, clicks, positives, negatives, plane, layout.stride)
            margins.append(inside)
            heats.append(heat)
        return GridResult(np.stack(margins), np.stack(heats))


def _tutorial_defaults(n_positive: int, n_negative: int) -> tuple[float, int]:
    if n_negative:
        return 0.7, 10
    return (0.5, 3) if n_positive == 1 else (0.7, 8)
