"""Images with all that a superpixel network's training needs of them, and crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..imaging import as_planes
from ..superpixels.ssn import scaled_color
from ..superpixels.ssn_sources import Source
from .samples import Sample

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """An image with all that training needs of it.

    Attributes
    ----------
    plane : float32 array (h, w, c)
        The image in [0, 1].
    color : float16 array (h, w, 3)
        Scaled CIELAB.
    maps : list of float16 arrays (rows, columns, d)
        Of the source; none where it is trained as well.
    segmentations : int32 array (n, h, w)
    """

    plane: Image
    color: NDArray[np.float16]
    maps: list[NDArray[np.float16]]
    segmentations: NDArray[np.int32]

    @classmethod
    def of(cls, sample: Sample, source: Source, *, frozen: bool = True) -> Scene:
        """What there is to know of a sample."""
        plane = as_planes(sample.image, axes="YXC")[0]
        color = scaled_color(plane, True, source.settings).astype(np.float16)
        maps = [one.astype(np.float16) for one in source.maps(plane)] if frozen else []
        return cls(plane, color, maps, sample.segmentations)

    def crop(self, random: np.random.Generator, side: int, strides: Sequence[int]) -> Scene:
        """A crop on whole cells, mirrored at random; smaller where the image is."""
        step = max(strides, default=1)
        size = [min(side, n) // step * step or n for n in self.color.shape[:2]]
        spare = [(n - s) // step for n, s in zip(self.color.shape[:2], size, strict=True)]
        first = [int(random.integers(n + 1)) * step for n in spare]
        turned = [slice(None, None, -1 if random.random() < 0.5 else 1) for _ in range(2)]

        def part(array: NDArray, stride: int = 1) -> NDArray:
            rows, columns = (
                slice(f // stride, -(-(f + s) // stride)) for f, s in zip(first, size, strict=True)
            )
            return array[rows, columns][turned[0], turned[1]]

        segments = part(np.moveaxis(self.segmentations, 0, -1))
        return Scene(
            part(self.plane),
            part(self.color),
            [part(one, stride) for one, stride in zip(self.maps, strides, strict=False)],
            np.moveaxis(segments, -1, 0),
        )
