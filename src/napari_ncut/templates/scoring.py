"""How alike a template is to every place of a plane: exact sums of products, by Fourier transforms.

OpenCV's matchTemplate has no answer on even ground with a mask (it gives infinities there), and is
optional; a masked normalized correlation takes three more transforms, and those of the plane are
shared by all angles and scales.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .turning import Variant

# Transforms of larger tiles would not be quicker, and take memory.
_TILE = 2048
# Variance below this share of that of the whole plane is rounding.
_EVEN = 1e-10


@dataclass(frozen=True)
class Measure:
    """A way to compare.

    Attributes
    ----------
    title, text : str
        For people.
    centered : bool
        Whether scores are the same whatever is added to a channel of the plane. Its mean is
        taken away then: fine contrasts on high ground are not lost in rounding.
    compare : function
        Of a variant and a `Tile`: scores in [−1, 1] of all places.
    check : function
        An `InputError` if a variant cannot be compared so.
    """

    title: str
    text: str
    centered: bool
    compare: Callable[[Variant, Tile], NDArray[np.float64]]
    check: Callable[[Variant], None]


class Tile:
    """A part of a plane, transformed once for all variants.

    Parameters
    ----------
    pixels
        (h, w, c) without NaN.
    unknown
        (h, w): where pixels are none; or None.
    """

    def __init__(self, pixels: NDArray[np.float64], unknown: NDArray[np.bool_] | None) -> None:
        from scipy.fft import next_fast_len

        self.shape = pixels.shape[:2]
        self._size = [next_fast_len(n, real=True) for n in self.shape]
        self._channels = [self._forward(pixels[..., c]) for c in range(pixels.shape[-1])]
        self._squares = self._forward(np.square(pixels).sum(axis=-1))
        self._unknown = None if unknown is None else self._forward(unknown.astype(float))

    def products(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """At every place the sum of pixels times weights (h, w, c), over all channels."""
        parts = [
            channel * self._turned(weights[..., c]) for c, channel in enumerate(self._channels)
        ]
        return self._back(np.sum(parts, axis=0), weights.shape)

    def squares(self, attention: NDArray[np.bool_]) -> NDArray[np.float64]:
        """At every place the sum of squares of pixels under the attention."""
        return self._back(self._squares * self._turned(attention.astype(float)), attention.shape)

    def moments(
        self, attention: NDArray[np.bool_]
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Sums of pixels under the attention, of every channel, and of squares of all."""
        kernel, shape = self._turned(attention.astype(float)), attention.shape
        sums = [self._back(channel * kernel, shape) for channel in self._channels]
        return sums, self._back(self._squares * kernel, shape)

    def known(self, attention: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Where all pixels under the attention are numbers; None for everywhere."""
        if self._unknown is None:
            return None
        kernel = self._turned(attention.astype(float))
        return self._back(self._unknown * kernel, attention.shape) < 0.5

    def _forward(self, values: NDArray[np.float64]) -> NDArray[np.complex128]:
        from scipy.fft import rfft2

        result: NDArray[np.complex128] = rfft2(values, s=self._size)
        return result

    def _turned(self, kernel: NDArray[np.float64]) -> NDArray[np.complex128]:
        """What makes a product of transforms a correlation."""
        return np.conj(self._forward(kernel))

    def _back(self, product: NDArray, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """All places at which something of `shape` lies within."""
        from scipy.fft import irfft2

        whole = irfft2(product, s=self._size)
        return whole[: self.shape[0] - shape[0] + 1, : self.shape[1] - shape[1] + 1]


def _correlation(variant: Variant, tile: Tile) -> NDArray[np.float64]:
    """Normalized cross-correlation about the means of every channel, under the attention."""
    attention = variant.attention
    n_pixels = attention.sum()
    weights = _centered(variant)
    products = tile.products(weights)
    sums, squares = tile.moments(attention)
    spread = squares - np.sum([np.square(one) for one in sums], axis=0) / n_pixels
    even = spread <= _EVEN * max(float(squares.max()), 1e-300)
    scale = np.sqrt(np.square(weights).sum() * np.where(even, 1.0, spread))
    return np.where(even, 0.0, products / scale)


def _check_uneven(variant: Variant) -> None:
    power = np.square(variant.image).sum()
    if np.square(_centered(variant)).sum() <= 1e-12 * power:
        raise InputError(
            "The template is even where it is compared, so that nothing tells where it lies. Let "
            'the attention take in some of what is around it, or compare by "difference".'
        )


def _centered(variant: Variant) -> NDArray[np.float64]:
    """A template less its means under the attention."""
    under = variant.attention[..., np.newaxis]
    means = variant.image.sum(axis=(0, 1)) / variant.attention.sum()
    return np.where(under, variant.image - means, 0.0)


def _difference(variant: Variant, tile: Tile) -> NDArray[np.float64]:
    """1 less the normalized squared difference under the attention."""
    own = np.square(variant.image).sum()
    squares = np.maximum(tile.squares(variant.attention), 0.0)
    products = tile.products(variant.image)
    scale = np.sqrt(own * np.maximum(squares, 1e-12 * own))
    return 1 - np.maximum(own - 2 * products + squares, 0.0) / scale


def _check_bright(variant: Variant) -> None:
    if not np.square(variant.image).sum() > 0:
        raise InputError(
            "The template is black where it is compared, so that differences cannot be measured "
            'by it. Compare by "correlation", with some of what is around it.'
        )


MEASURES = {
    "correlation": Measure(
        "Pattern",
        "normalized correlation: the pattern counts, whatever the brightness and contrast",
        True,
        _correlation,
        _check_uneven,
    ),
    "difference": Measure(
        "Brightness and color",
        "1 less the normalized squared difference: brightness and color count, too",
        False,
        _difference,
        _check_bright,
    ),
}


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """The best score at every place of a plane, and whose it is.

    Attributes
    ----------
    scores : float32 array (h, w)
        −1 to 1 at the pixel in the middle of what is compared; −inf where nothing fits.
    variants : int32 array (h, w)
        Index of the variant that has it.
    """

    scores: NDArray[np.float32]
    variants: NDArray[np.int32]


def score_steps(
    plane: NDArray[np.float64], variants: Sequence[Variant], measure: Measure
) -> Iterator[ScoreMap | tuple[int, int]]:
    """Scores of all places; yields (done, total) before each piece of work, and the map at the end.

    Parameters
    ----------
    plane
        (h, w, c); NaN where it is unknown: nothing is found there.
    variants
        Those that are larger than the plane are nowhere.
    measure
        One of `MEASURES`.
    """
    shape = plane.shape[:2]
    scores = np.full(shape, -np.inf, np.float32)
    best = np.zeros(shape, np.int32)
    fitting = [i for i, v in enumerate(variants) if (np.array(v.shape) <= shape).all()]
    unknown = np.asarray(np.isnan(plane).any(axis=-1))
    ground: Any = np.nanmean(plane, axis=(0, 1)) if measure.centered and not unknown.all() else 0.0
    largest = np.max([variants[i].shape for i in fitting], axis=0, initial=1)
    steps = np.maximum(_TILE - largest, largest)
    corners = [(top, left) for top in range(0, shape[0], steps[0])
               for left in range(0, shape[1], steps[1])] if fitting else []  # fmt: skip
    total = len(corners) * len(fitting)
    for number, (top, left) in enumerate(corners):
        window = (
            slice(top, top + steps[0] + largest[0] - 1),
            slice(left, left + steps[1] + largest[1] - 1),
        )
        is_unknown = unknown[window]
        pixels = np.where(is_unknown[..., np.newaxis], 0.0, plane[window] - ground)
        tile = Tile(pixels, is_unknown if is_unknown.any() else None)
        for i, index in enumerate(fitting):
            yield number * len(fitting) + i, total
            variant = variants[index]
            if (np.array(variant.shape) > tile.shape).any():
                continue
            found = np.clip(measure.compare(variant, tile), -1, 1).astype(np.float32)
            known = tile.known(variant.attention)
            if known is not None:
                found[~known] = -np.inf
            found = found[: steps[0], : steps[1]]
            first = top + variant.shape[0] // 2, left + variant.shape[1] // 2
            place = (
                slice(first[0], first[0] + found.shape[0]),
                slice(first[1], first[1] + found.shape[1]),
            )
            better = found > scores[place]
            scores[place][better] = found[better]
            best[place][better] = index
    yield ScoreMap(scores, best)
