"""What SAM answers to a prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import check_choice
from .mask_set import MaskSet

Masks = NDArray[np.bool_]
# The one that SAM thinks best, or by size.
ANSWERS = ("best", "whole", "part", "subpart")


@dataclass(frozen=True, eq=False)
class SamAnswer:
    """Masks of one thing, or of as many as there were boxes.

    Attributes
    ----------
    logits : float32 array (m, s, s), or (n, m, s, s) of n boxes
        On the network's own raster; give one of them back as ``mask`` to refine it.
    scores : float32 array (m,), or (n, m)
        How well the network thinks that each of its m answers covers a thing (predicted IoU).
    shape : (int, int)
        Rows and columns of the image.
    covered : (int, int)
        Rows and columns of the raster that show the image; what lies beyond means nothing.
    threshold : float
        Logits above it are mask.
    """

    logits: NDArray[np.float32]
    scores: NDArray[np.float32]
    shape: tuple[int, int]
    covered: tuple[int, int]
    _enlarge_logits: Callable[[NDArray[np.float32]], NDArray[np.float32]] = field(repr=False)
    threshold: float = 0.0

    @property
    def several(self) -> bool:
        """Whether several boxes were asked about, each a thing of its own."""
        return self.logits.ndim == 4

    @property
    def best_index(self) -> NDArray[np.int64]:
        """Which answer the network thinks best: a number, or (n,) of boxes."""
        return np.asarray(self.scores.argmax(axis=-1))

    def mask(self, which: int, thing: int = 0) -> Masks:
        """One answer, bool (h, w); with several boxes about one of the things."""
        return self.pixel_logits(which, thing) > self.threshold

    def pixel_logits(self, which: int, thing: int = 0) -> NDArray[np.float32]:
        """One answer before it is cut at the threshold, (h, w): logits of probabilities."""
        own = self.logits[thing] if self.several else self.logits
        return self._enlarge_logits(own[which][np.newaxis])[0]

    def number_of(self, answer: str, thing: int = 0) -> int:
        """Which of the answers about a thing is meant by "best", "whole", "part" or "subpart".

        Of fewer answers than three the last is the smallest there is.
        """
        check_choice("answer", answer, ANSWERS)
        scores = self.scores.reshape(-1, self.scores.shape[-1])[thing]
        if answer == "best":
            return int(scores.argmax())
        order = self.order.reshape(-1, len(scores))[thing]
        return int(order[min(ANSWERS.index(answer) - 1, len(order) - 1)])

    def _enlarge(self, logits: NDArray[np.float32]) -> Masks:
        # One at a time: logits of many at full size would take four times the memory of masks.
        masks = np.empty((len(logits), *self.shape), dtype=bool)
        for i in range(len(logits)):
            masks[i] = self._enlarge_logits(logits[i : i + 1])[0] > self.threshold
        return masks

    @cached_property
    def masks(self) -> Masks:
        """All answers in SAM's order, bool (m, h, w) or (n, m, h, w); mind the memory of boxes."""
        flat = self.logits.reshape(-1, *self.logits.shape[-2:])
        return self._enlarge(flat).reshape(*self.scores.shape, *self.shape)

    @cached_property
    def best(self) -> Masks:
        """The best answer, bool (h, w), or (n, h, w) of boxes."""
        return self._enlarge(self._best_logits).reshape(*self.scores.shape[:-1], *self.shape)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Numbers of the answers from the largest, the whole, to the smallest part: (m,), (n, m).

        By size on the network's own raster; ``masks[order[1]]`` is the part.
        """
        inside = self.logits[..., : self.covered[0], : self.covered[1]]
        sizes = np.count_nonzero(inside > 0, axis=(-2, -1))
        return np.argsort(-sizes, axis=-1, kind="stable")

    @property
    def best_logits(self) -> NDArray[np.float32]:
        """Of the best answer, (s, s) or (n, s, s): what ``mask`` takes."""
        return self._best_logits.reshape(*self.scores.shape[:-1], *self.logits.shape[-2:])

    @property
    def _best_logits(self) -> NDArray[np.float32]:
        flat = self.logits.reshape(-1, *self.logits.shape[-3:])
        return flat[np.arange(len(flat)), self.best_index.reshape(-1)]

    def mask_set(self) -> MaskSet:
        """The best mask of each thing, kept cropped, with the column "predicted_iou"."""
        best = self.scores.reshape(-1, self.scores.shape[-1]).max(axis=1)
        # One by one, since all at full size may not fit in memory.
        masks = (self._enlarge(logits[np.newaxis])[0] for logits in self._best_logits)
        return MaskSet.of(masks, self.shape, {"predicted_iou": best})
