"""Overlapping parts of an image that are looked at beside the whole."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np
from numpy.typing import NDArray

# Pixels within which a mask counts as cut off by the edge of its crop.
_NEAR = 20


@dataclass(frozen=True)
class Crop:
    """A part of an image: the pixels from (top, left) to before (bottom, right).

    Attributes
    ----------
    layer
        0 for the whole image, 1 for its quarters …
    """

    top: int
    left: int
    bottom: int
    right: int
    layer: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right."""
        return self.top, self.left, self.bottom, self.right

    def cut(self, image: NDArray) -> NDArray:
        """That part of an image."""
        return image[self.top : self.bottom, self.left : self.right]

    def cuts_off(self, box: NDArray[np.int64], shape: tuple[int, int]) -> bool:
        """Whether a mask with this box, whose ends are its last pixels, ends where the crop does.

        Edges of the image, of this shape, cut nothing off.
        """
        of_crop = np.abs(box - np.array(self.box)) <= _NEAR
        of_image = np.abs(box - np.array([0, 0, *shape])) <= _NEAR
        return bool((of_crop & ~of_image).any())


def crops_of(shape: tuple[int, int], n_layers: int, overlap_ratio: float) -> list[Crop]:
    """The whole image, and in every layer twice as many crops along each side.

    Parameters
    ----------
    shape
        Of the image.
    n_layers
        Layers of crops beside the image itself.
    overlap_ratio
        Share of the image's shorter side by which crops of the first layer overlap; halved in each
        further layer.
    """
    height, width = shape
    crops = [Crop(0, 0, height, width, 0)]
    for layer in range(1, n_layers + 1):
        n = 2**layer
        overlap = int(overlap_ratio * min(shape) * (2 / n))
        tall, wide = (ceil((overlap * (n - 1) + side) / n) for side in shape)
        lefts, tops = ([(size - overlap) * i for i in range(n)] for size in (wide, tall))
        for left, top in product(lefts, tops):
            crop = Crop(top, left, min(top + tall, height), min(left + wide, width), layer)
            # Of images of a few pixels nothing may be left for the last crops.
            if crop.bottom > crop.top and crop.right > crop.left:
                crops.append(crop)
    return crops
