"""What a method gives: a foreground, on cells or pixels, before it is refined and judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..imaging import enlarge
from .scene import Matrix, ObjectScene


@dataclass(frozen=True, eq=False)
class Candidate:
    """A foreground that a method found; what is connected in it may be a thing each.

    Attributes
    ----------
    soft : float32 array (h, w)
        How likely each pixel is of the foreground, 0 to 1.
    cells : float32 array (rows, columns)
        The same on the feature grid, where the method worked there; else empty.
    """

    soft: Matrix
    cells: Matrix

    @classmethod
    def of_cells(cls, scene: ObjectScene, cells: NDArray) -> Candidate:
        """Of values 0 to 1 on the feature grid, which become pixels by interpolation."""
        values = np.asarray(cells, np.float32)
        soft = enlarge(np.ascontiguousarray(values[..., np.newaxis]), scene.stride, scene.shape)
        return cls(soft[..., 0], values)

    @classmethod
    def of_regions(cls, labels: NDArray[np.int32], values: NDArray) -> Candidate:
        """Of values 0 to 1 of every region of a label map (h, w) from 0."""
        return cls(np.asarray(values, np.float32)[labels], np.zeros((0, 0), np.float32))
