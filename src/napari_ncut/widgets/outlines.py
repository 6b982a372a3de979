"""Outlines that can be seen, and that do not keep the window waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Labels

    from .layers import Source

# napari takes a fifth of a second for every million pixels whose outlines it has to find, and does
# it anew whenever labels change.
_MOST_PIXELS = 2_000_000
_FILL, _LINE = 0.45, 1.0


def thickness_on(source: Source) -> int:
    """Thickness of outlines, in pixels, at which a whole plane on screen still shows them."""
    side = min(int(source.sizes[source.names.index(name)]) for name in "YX")
    return int(np.clip(round(side / 250), 1, 12))


def outline_or_fill(layer: Labels, source: Source) -> None:
    """Show labels by their outlines where that is quick, else filled and transparent."""
    pixels = np.prod([int(source.sizes[source.names.index(name)]) for name in "YX"])
    outlined = pixels <= _MOST_PIXELS
    layer.contour = thickness_on(source) if outlined else 0
    layer.opacity = _LINE if outlined else _FILL


def outlines_of(numbers: NDArray[np.int32], thickness: int) -> NDArray[np.int32]:
    """Labels where another one, or the border, is so many pixels away along rows or columns."""
    padded = np.pad(numbers, thickness)
    height, width = numbers.shape
    inner = np.ones(numbers.shape, dtype=bool)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        top, left = rows * thickness, columns * thickness
        inner &= padded[top : top + height, left : left + width] == numbers
    return np.where(inner, 0, numbers)
