"""How much there is of every class: counts and areas, quick enough to be asked while clicking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, is_number
from .blocks import checked_label_map


@dataclass(frozen=True)
class ClassMeasure:
    """What a class amounts to.

    Attributes
    ----------
    label : int
    count : int
        Connected things (8-connected in each plane).
    pixels : int
    area : float
        In the square of the given unit.
    fraction : float
        Share of all pixels, 0 to 1.
    """

    label: int
    count: int
    pixels: int
    area: float
    fraction: float


def measure_labels(
    labels: ArrayLike, *, pixel_size: tuple[float, float] = (1.0, 1.0), instances: bool = False
) -> list[ClassMeasure]:
    """Count and measure the classes of a label map.

    Quick enough to be asked while clicking; `measure_segments` tells what every single segment is
    like, and `summarize` the same of classes.

    Parameters
    ----------
    labels
        bool mask or integer label map, (h, w) or (n, h, w).
    pixel_size
        Height and width of a pixel in any unit.
    instances
        True if every label is one thing already; otherwise things are counted as connected pieces
        in each plane.

    Returns
    -------
    list of ClassMeasure
        Ascending by label; 0 is left out.
    """
    from scipy.ndimage import label as connected

    given = checked_label_map(labels)
    planes = given.reshape(-1, *given.shape[-2:]).astype(np.int64, copy=False)
    sizes = list(pixel_size) if isinstance(pixel_size, Iterable) else []
    if len(sizes) != 2 or not all(is_number(size) and size > 0 for size in sizes):
        raise InputError(
            f"The pixel size {pixel_size!r} cannot be used. Give height and width, both above 0."
        )
    unit = float(sizes[0]) * float(sizes[1])
    measures = []
    for number, n_pixels in zip(*np.unique(planes, return_counts=True), strict=True):
        if number == 0:
            continue
        count = (
            1
            if instances
            else sum(int(connected(plane == number, np.ones((3, 3)))[1]) for plane in planes)
        )
        n = int(n_pixels)
        measures.append(ClassMeasure(int(number), count, n, n * unit, n / planes.size))
    return measures
