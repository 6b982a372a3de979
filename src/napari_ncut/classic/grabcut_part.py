"""One cut of GrabCut: colors of foreground and background, and the boundary between them.

OpenCV's grabCut does it. Beyond half a million pixels its graph takes a minute and gigabytes, so
large parts are cut on a coarser grid first and then, at full resolution, along the boundary alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# OpenCV's own numbers: certain background and foreground, probable background and foreground.
BGD, FGD, PROBABLY_BGD, PROBABLY_FGD = range(4)

# Parts with more pixels are cut on a coarser grid first.
MAX_PIXELS = 2**19
# The boundary is refined in windows of so many pixels a side, each with a rim that is cut, too, but
# not kept, so that windows fit together.
_TILE, _RIM = 512, 32
# So many pixels of a side tell its colors well enough.
_SAMPLES = 50_000
# k-means in OpenCV starts from random colors: the same seed makes the same cut.
_SEED = 0
# As OpenCV keeps a mixture of five Gaussians of three channels: weights, means, covariances.
_MODEL_SIZE = 65
_GAUSSIANS = 5
# In half sides of a box from its middle: the ellipse of what is foreground, the one outside of
# which is background, and the square in which that is.
_MIDDLE, _CORNERS, _NEAR = 0.5, 1.1, 1.15


@dataclass(frozen=True, eq=False)
class Models:
    """Mixtures of Gaussians, of the colors of background and foreground, as OpenCV keeps them."""

    background: NDArray[np.float64]
    foreground: NDArray[np.float64]

    def copies(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For OpenCV to write in."""
        return self.background.copy(), self.foreground.copy()


def cut(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], models: Models | None, *, learn: bool = True
) -> Iterator[tuple[NDArray[np.bool_], Models] | None]:
    """Cut once; yields None between pieces of work, and the result at the end.

    Parameters
    ----------
    image
        (h, w, 3).
    mask
        OpenCV's numbers (h, w), both foreground and background among them.
    models
        Of the cut before; None to make them of the mask.
    learn
        Whether colors are learned anew from the mask before cutting.

    Yields
    ------
    (bool (h, w), Models)
        Where the foreground is, and its colors.
    """
    if mask.size <= MAX_PIXELS:
        yield _cut_small(image, mask, models, learn=learn)
        return
    factor = int(np.ceil(np.sqrt(mask.size / MAX_PIXELS)))
    foreground, coarse_models = _cut_small(
        _reduced(image, factor), _reduced_mask(mask, factor), models, learn=learn
    )
    yield None
    height, width = mask.shape
    large = foreground.repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width]
    sure = (mask == BGD) | (mask == FGD)
    large = np.where(sure, mask == FGD, large)
    if not large.any() or large.all():
        yield large, coarse_models
        return
    # Pixels differ more from each other than means of blocks do.
    yield from _refined(image, sure, large, factor, models_of(image[large], image[~large]))
    yield large, coarse_models


def models_of(foreground: NDArray[np.uint8], background: NDArray[np.uint8]) -> Models:
    """The colors of some pixels of either side, each (n, 3)."""
    sides = [_thinned(background), _thinned(foreground)]
    row = np.concatenate(sides)[np.newaxis]
    numbers = np.repeat(np.array([BGD, FGD], np.uint8), [len(side) for side in sides])
    models = np.zeros((1, _MODEL_SIZE)), np.zeros((1, _MODEL_SIZE))
    cv2 = _seeded()
    cv2.grabCut(row, numbers[np.newaxis].copy(), None, *models, 0, cv2.GC_INIT_WITH_MASK)
    return Models(*models)


def models_of_middle(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], box: tuple[slice, slice]
) -> Models | None:
    """Colors of the middle of a box, and of its corners and its rim; marks overrule both.

    None if marks leave nothing of either.
    """
    row, column = np.ogrid[: image.shape[0], : image.shape[1]]
    ways = [
        np.abs(place - (span.start + span.stop - 1) / 2) / max((span.stop - span.start) / 2, 1)
        for place, span in zip((row, column), box, strict=True)
    ]
    distance = np.hypot(*ways)
    around = (np.maximum(*ways) <= _NEAR) & (distance > _CORNERS) & (mask != FGD)
    middle = ((distance <= _MIDDLE) & (mask != BGD)) | (mask == FGD)
    if not middle.any() or not around.any():
        return None
    return models_of(image[middle], image[around])


def _cut_small(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], models: Models | None, *, learn: bool
) -> tuple[NDArray[np.bool_], Models]:
    """OpenCV's cut of all pixels at once."""
    cv2 = _seeded()
    is_foreground = (mask == FGD) | (mask == PROBABLY_FGD)
    if models is None:
        models = models_of(image[is_foreground], image[~is_foreground])
    written = mask.copy()
    kept = models.copies()
    mode = cv2.GC_EVAL if learn else cv2.GC_EVAL_FREEZE_MODEL
    cv2.grabCut(np.ascontiguousarray(image), written, None, *kept, 1, mode)
    return (written == FGD) | (written == PROBABLY_FGD), Models(*kept)


def _refined(
    image: NDArray[np.uint8],
    sure: NDArray[np.bool_],
    foreground: NDArray[np.bool_],
    reach: int,
    models: Models,
) -> Iterator[None]:
    """Move the boundary of `foreground`, in place, by up to some `reach` pixels, tile by tile."""
    import cv2

    side = np.ones((2 * reach + 1,) * 2, np.uint8)
    seen = foreground.astype(np.uint8)
    band = (cv2.dilate(seen, side) != cv2.erode(seen, side)) & ~sure
    coarse = np.where(foreground, FGD, BGD).astype(np.uint8) + 2 * band.astype(np.uint8)
    for top in range(0, image.shape[0], _TILE):
        for left in range(0, image.shape[1], _TILE):
            if not band[top : top + _TILE, left : left + _TILE].any():
                continue
            first = max(top - _RIM, 0), max(left - _RIM, 0)
            window = (
                slice(first[0], top + _TILE + _RIM),
                slice(first[1], left + _TILE + _RIM),
            )
            found, _ = _cut_small(image[window], coarse[window], models, learn=False)
            kept = found[top - first[0] :, left - first[1] :][:_TILE, :_TILE]
            foreground[top : top + _TILE, left : left + _TILE] = kept
            yield None


def _reduced(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of blocks."""
    from ..imaging import block_mean

    return np.rint(block_mean(image.astype(np.float32), factor)).astype(np.uint8)


def _reduced_mask(mask: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Numbers of blocks: what is certain of any of their pixels, foreground before background."""
    order = np.array([PROBABLY_BGD, PROBABLY_FGD, BGD, FGD], np.uint8)
    ranks = np.argsort(order).astype(np.uint8)[mask]
    rows, columns = (np.arange(0, size, factor) for size in mask.shape)
    highest = np.maximum.reduceat(np.maximum.reduceat(ranks, rows, axis=0), columns, axis=1)
    return order[highest]


def _thinned(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Some of the colors, evenly; repeated where there are fewer than a mixture has parts."""
    some = colors[:: -(-len(colors) // _SAMPLES)]
    return some if len(some) >= _GAUSSIANS else np.resize(some, (_GAUSSIANS, 3))


def _seeded() -> Any:
    """OpenCV's module, at the beginning of its random numbers (those of this thread)."""
    import cv2

    cv2.setRNGSeed(_SEED)
    return cv2
