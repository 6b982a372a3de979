"""The segment of a template painted over each of its copies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, regular_array
from .matches import Matches
from .template import Template
from .turning import turned

Window = tuple[slice, slice]


def paint_copies(
    template: Template | Sequence[Template],
    matches: Matches,
    painted: ArrayLike | tuple[int, ...],
    *,
    instances: bool = False,
) -> NDArray:
    """Paint the segment of a template, turned and scaled alike, over its copies.

    Parameters
    ----------
    template
        That was looked for, or those.
    matches
        Of `find_copies`.
    painted
        Labels (h, w), or (n, h, w) of a stack, to paint on; they are not changed. Or a shape, for
        none so far.
    instances
        Whether every copy gets a number of its own, above all that there are, in place of the
        segment's labels.

    Returns
    -------
    integer array
        Of the shape and dtype of `painted`, int32 of a shape. Where copies touch, the better one
        counts.

    Raises
    ------
    InputError
        If what is painted has no such plane, or its dtype does not hold the labels.
    """
    templates = [template] if isinstance(template, Template) else list(template)
    if isinstance(painted, tuple) and all(isinstance(n, int | np.integer) for n in painted):
        labels: NDArray = np.zeros(painted, np.int32)
    else:
        labels = np.array(regular_array("What is painted", painted))
    if labels.ndim < 2 or labels.dtype.kind not in "iu":
        raise InputError(
            f"Labels of shape {labels.shape} and dtype {labels.dtype} cannot be painted on. Give "
            f"whole numbers (h, w), or such planes."
        )
    planes = labels.reshape(-1, *labels.shape[-2:])
    if len(matches) and matches.planes.max() >= len(planes):
        raise InputError(
            f"A copy lies in plane {matches.planes.max()}, but {len(planes)} are painted on. Give "
            f"labels of all planes."
        )
    first = int(labels.max(initial=0)) + 1
    most = first + len(matches) - 1 if instances else max(int(t.segment.max()) for t in templates)
    if most > np.iinfo(labels.dtype).max:
        raise InputError(
            f"Labels of dtype {labels.dtype} hold no {most}. Convert them to a larger type, such "
            f"as int32."
        )
    keys = list(
        zip(
            matches.templates.tolist(),
            matches.angles.tolist(),
            matches.scales.tolist(),
            strict=True,
        )
    )
    variants = {key: turned(templates[key[0]], *key) for key in dict.fromkeys(keys)}
    # The best last, on top of the others.
    for i in np.argsort(matches.scores, kind="stable"):
        variant, plane = variants[keys[i]], planes[matches.planes[i]]
        window, own = window_of(variant.size, matches.rows[i], matches.columns[i], plane.shape)
        mask = variant.mask[own]
        plane[window][mask] = first + i if instances else variant.segment[own][mask]
    return labels


def window_of(
    size: tuple[int, int], row: float, column: float, shape: tuple[int, ...]
) -> tuple[Window, Window]:
    """Where a canvas around a place lies in a plane, and which part of it does."""
    window, own = [], []
    for length, middle, limit in zip(size, (row, column), shape, strict=True):
        start = round(middle - (length - 1) / 2)
        low, high = max(start, 0), max(min(start + length, limit), 0)
        window.append(slice(low, max(high, low)))
        own.append(slice(low - start, max(high, low) - start))
    return (window[0], window[1]), (own[0], own[1])
