"""Thresholds: what is brighter, or darker, than a level that is given or found."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..segmenters import Task
from .images import ROUNDING, gray, in_steps, is_flat
from .numbering import numbered_parts, numbered_things

# The search for the best of so many thresholds takes minutes beyond it.
_MOST_CLASSES = 5


def threshold(
    task: Task, *, level: float, smooth: float, polarity: str, **numbering: Any
) -> NDArray:
    """Above one fixed level."""
    return numbered_things(_beyond(gray(task, smooth), level + ROUNDING, polarity), **numbering)


def otsu(task: Task, **options: Any) -> NDArray:
    """Otsu's level."""
    return _automatic(task, "threshold_otsu", **options)


def li(task: Task, **options: Any) -> NDArray:
    """Li's level of least cross-entropy."""
    return _automatic(task, "threshold_li", **options)


def yen(task: Task, **options: Any) -> NDArray:
    """Yen's level."""
    return _automatic(task, "threshold_yen", **options)


def triangle(task: Task, **options: Any) -> NDArray:
    """The triangle's level."""
    return _automatic(task, "threshold_triangle", **options)


def _automatic(task: Task, name: str, *, smooth: float, polarity: str, **numbering: Any) -> NDArray:
    from skimage import filters

    image = in_steps(gray(task, smooth))
    if is_flat(image):
        return np.zeros(task.shape, np.int32)
    level = float(getattr(filters, name)(image))
    return numbered_things(_beyond(image, level, polarity), **numbering)


def multi_otsu(task: Task, *, classes: int, smooth: float, **numbering: Any) -> NDArray:
    """Classes of brightness, of which 1 is the darkest."""
    if classes > _MOST_CLASSES:
        raise InputError(
            f"Multi-Otsu finds up to {_MOST_CLASSES} classes, but {classes} were asked for. Ask "
            f"for fewer, or choose kmeans."
        )
    image = in_steps(gray(task, smooth))
    return numbered_parts(np.digitize(image, otsu_levels(image, classes)), **numbering)


def otsu_levels(image: NDArray, classes: int) -> list[float]:
    """Levels between so many classes, or as many as there are different intensities."""
    from skimage.filters import threshold_multiotsu

    different = np.unique(image).astype(np.float64)
    if len(different) <= classes:
        return [float(level) for level in (different[1:] + different[:-1]) / 2]
    try:
        return [float(level) for level in threshold_multiotsu(image, classes)]
    except ValueError:
        # Different intensities that fall into one bin of its histogram.
        return otsu_levels(image, classes - 1)


def local(
    task: Task,
    *,
    block: int,
    weights: str,
    contrast: float,
    smooth: float,
    polarity: str,
    **numbering: Any,
) -> NDArray:
    """Brighter, or darker, than what is around."""
    from skimage.filters import threshold_local

    image = gray(task, smooth)
    around = threshold_local(image, block + 1 - block % 2, weights)
    beyond = image > around + contrast if polarity == "bright" else image < around - contrast
    return numbered_things(beyond, **numbering)


def hysteresis(
    task: Task,
    *,
    low: float | None,
    high: float | None,
    smooth: float,
    polarity: str,
    **numbering: Any,
) -> NDArray:
    """What is beyond the nearer level and hangs together with something beyond the further one."""
    from skimage.filters import apply_hysteresis_threshold

    image = gray(task, smooth)
    if is_flat(image) and None in (low, high):
        return np.zeros(task.shape, np.int32)
    lower, upper = _two_levels(image, low, high)
    if lower > upper:
        raise InputError(
            f"The lower level {lower:.3g} is above the higher one, {upper:.3g}. Give low ≤ high, "
            f"or leave one out to have it chosen."
        )
    if polarity == "bright":
        beyond = apply_hysteresis_threshold(image, lower + ROUNDING, upper + ROUNDING)
    else:
        # What is at a level counts as dark, as with all thresholds.
        beyond = apply_hysteresis_threshold(-image, -upper - ROUNDING, -lower - ROUNDING)
    return numbered_things(beyond, **numbering)


def _two_levels(
    image: NDArray[np.float32], low: float | None, high: float | None
) -> tuple[float, float]:
    """Those given, else the ones that part three classes."""
    if low is not None and high is not None:
        return low, high
    steps = in_steps(image)
    found = otsu_levels(steps, 3)
    unit = 255 if steps.dtype == np.uint8 else 1
    return found[0] / unit if low is None else low, found[-1] / unit if high is None else high


def _beyond(image: NDArray, level: float, polarity: str) -> NDArray[np.bool_]:
    return image > level if polarity == "bright" else image <= level


def otsu_foreground(image: NDArray[np.float32], polarity: str) -> NDArray[np.bool_]:
    """What Otsu's level parts from the rest; nothing of an even image."""
    from skimage.filters import threshold_otsu

    if is_flat(image):
        return np.zeros(image.shape, bool)
    steps = in_steps(image)
    return _beyond(steps, float(threshold_otsu(steps)), polarity)
