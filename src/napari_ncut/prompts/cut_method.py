"""The conditioned cut as a prompt method: one cut for each class, over all planes at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .clicks import Clicks
from .conditioned import ConditionedCut, LeadingAffinity
from .margins import AlwaysReady, GridResult, hold_clicked_cells, margin_above
from .parameters import PromptParameters
from .tutorial import small_components

if TYPE_CHECKING:
    from ..spectral.embedding import Embedding

# More nodes than at one megapixel: so many of them, drawn once, stand for all.
_FITTED_NODES = 2**16
# Cuts that are kept: some megabytes each.
_KEPT_CUTS = 64
_DENOISE_AREA = 3
# A gamma beyond this, or below its inverse, makes no difference that single precision could hold.
_LARGE = 1e30


class CutMethod(AlwaysReady):
    """A `ConditionedCut` for each class: its positive clicks against all that counts against it.

    Against a class count its negative clicks, those of class 0, and the positive clicks of other
    classes. Of several clicks in one cell the last one counts. The mask is the group that was
    clicked or, with a threshold, where heat exceeds it: (1 + score) / 2 to the power of gamma.
    Components of fewer than 3 cells are dropped unless clicked. All planes and images are cut
    together, whatever the normalization, and negative clicks need no threshold of their own. Up to
    65,536 nodes all take part in the cut; of more a random sample does, and the others get their
    scores from it.
    """

    def __init__(self, embedding: Embedding) -> None:
        self._layout = embedding.layout
        self._vectors = embedding.vectors
        n_nodes = len(self._vectors)
        self._is_all = n_nodes <= _FITTED_NODES
        self._scale = np.float32(1 if self._is_all else np.sqrt(n_nodes / _FITTED_NODES))
        fitted = self._vectors
        if not self._is_all:
            # Of columns that are as long as before, profiles and degrees keep their size.
            chosen = np.random.RandomState(0).choice(n_nodes, _FITTED_NODES, replace=False)
            fitted = fitted[np.sort(chosen)] * self._scale
        self._affinity = LeadingAffinity(fitted, embedding.eigenvalues)
        self._cuts: OrderedDict[tuple[bytes, bytes], ConditionedCut] = OrderedDict()

    def prepare(self, clicks: Clicks, parameters: PromptParameters) -> Callable[[int], GridResult]:
        """Solve the cuts of classes whose clicks were not seen yet."""
        cuts = [self._cut_of(*_sides(clicks, label)) for label in clicks.labels]
        while len(self._cuts) > max(len(cuts), _KEPT_CUTS):
            self._cuts.popitem(last=False)
        gamma = 1.0 if parameters.gamma is None else parameters.gamma
        cut = 0.0 if parameters.threshold is None else _cut(parameters.threshold, gamma)
        area = parameters.denoise_area_th
        area = _DENOISE_AREA if area is None else area

        def on_plane(plane: int) -> GridResult:
            on_grid = np.stack([self._scores(of_class, plane) for of_class in cuts])
            margins = margin_above(on_grid, cut)
            for margin, label in zip(margins, clicks.labels, strict=True):
                self._finish(margin, clicks, label, plane, area)
            heat = ((1 + on_grid) / 2) ** np.float32(min(gamma, _LARGE))
            return GridResult(margins, heat.astype(np.float32, copy=False))

        return on_plane

    def _cut_of(
        self, positive: NDArray[np.int64], negative: NDArray[np.int64]
    ) -> ConditionedCut | None:
        """The cut of a class, None without a positive click."""
        if not len(positive):
            return None
        key = (positive.tobytes(), negative.tobytes())
        if key not in self._cuts:
            rows = (self._vectors[nodes] * self._scale for nodes in (positive, negative))
            self._cuts[key] = ConditionedCut().fit_leading(self._affinity, *rows)
        self._cuts.move_to_end(key)
        return self._cuts[key]

    def _scores(self, cut: ConditionedCut | None, plane: int) -> NDArray[np.float32]:
        """−1 to 1 on the grid of a plane."""
        nodes, grid = self._layout.nodes_of(plane), self._layout.grids[plane]
        if cut is None:
            return np.full(grid, -1, dtype=np.float32)
        if self._is_all:
            return cut.scores_[nodes].reshape(grid)
        return cut.scores(self._vectors[nodes] * self._scale).reshape(grid)

    def _finish(
        self, margin: NDArray[np.float32], clicks: Clicks, label: int, plane: int, min_area: int
    ) -> None:
        """Drop small components and put clicked cells on their side, in place."""
        positives, negatives = clicks.positive_of(label), _against(clicks, label)
        stride = self._layout.stride
        own = clicks.pixels[positives][clicks.pixels[positives, 0] == plane] // stride
        small = small_components(margin > 0, min_area, keep=(own[:, 1], own[:, 2]))
        margin[small] *= -1
        hold_clicked_cells(margin, clicks, positives, negatives, plane, stride)


def _against(clicks: Clicks, label: int) -> NDArray[np.int64]:
    """Indices of the clicks that count against a class, ascending."""
    others = np.flatnonzero(clicks.positive & (clicks.classes != label))
    return np.sort(np.concatenate([clicks.negative_of(label), others]))


def _sides(clicks: Clicks, label: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nodes clicked for and against a class, ascending; the last click on a node counts."""
    signs = {int(i): True for i in clicks.positive_of(label)}
    signs.update((int(i), False) for i in _against(clicks, label))
    of_node = {int(clicks.nodes[i]): signs[i] for i in sorted(signs)}
    positive, negative = (
        np.array(sorted(n for n, sign in of_node.items() if sign is wanted), dtype=np.int64)
        for wanted in (True, False)
    )
    return positive, negative


def _cut(threshold: float, gamma: float) -> float:
    """The score beyond which heat exceeds the threshold."""
    if threshold <= 0:
        return 2 * threshold - 1 - 1e-6
    with np.errstate(over="ignore"):
        return 2 * float(np.power(threshold, 1 / max(gamma, 1 / _LARGE))) - 1
