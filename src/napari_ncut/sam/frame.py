"""How an image lies on the square canvas that a network sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """An image, resized to cover part of a canvas from its upper left corner on.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the image.
    size : (int, int)
        Rows and columns of the canvas that it covers; what lies beyond is no image.
    side : int
        Pixels of a side of the canvas.
    direct : bool
        Whether masks are enlarged to the image at once, rather than to the canvas first.
    """

    shape: tuple[int, int]
    size: tuple[int, int]
    side: int
    direct: bool = False

    @classmethod
    def padded(cls, shape: tuple[int, int], side: int) -> Frame:
        """The longest side covers the canvas; proportions stay, and the rest is empty."""
        scale = side * 1.0 / max(shape)
        height, width = (max(1, int(n * scale + 0.5)) for n in shape)
        return cls(shape, (height, width), side)

    @classmethod
    def stretched(cls, shape: tuple[int, int], side: int) -> Frame:
        """The image covers all of the canvas, whatever its proportions."""
        return cls(shape, (side, side), side, direct=True)

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 2) as (row, column) of the image → (x, y) of the canvas."""
        scale = np.array([n / full for n, full in zip(self.size, self.shape, strict=True)])
        return np.ascontiguousarray((points * scale)[:, ::-1])

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) as (top, left, bottom, right) → (left, top, right, bottom) of the canvas."""
        return self.points(boxes.reshape(-1, 2)).reshape(-1, 4)

    def resized(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image (h, w, 3) at the size at which it lies on the canvas."""
        from PIL import Image

        # As the authors of SAM resize; any other way moves its answers.
        size = (self.size[1], self.size[0])
        return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
