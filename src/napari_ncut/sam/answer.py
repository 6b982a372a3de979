"""What SAM answers to a prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .mask_set import MaskSet

Masks = NDArray[np.bool_]


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
    """

    logits: NDArray[np.float32]
    scores: NDArray[np.float32]
    shape: tuple[int, int]
    covered: tuple[int, int]
    _enlarge: Callable[[NDArray[np.float32]], Masks] = field(repr=False)

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
        own = self.logits[thing] if self.several else self.logits
        return self._enlarge(own[which][np.newaxis])[0]

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
