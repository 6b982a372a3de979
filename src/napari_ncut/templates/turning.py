"""Templates turned and scaled, in all the ways in which copies are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number, regular_array
from .template import Template, bounds_of

_SCALES = (0.05, 20.0)


@dataclass(frozen=True, eq=False)
class Variant:
    """A template at one angle and scale.

    Attributes
    ----------
    template : int
        Which of the templates.
    angle, scale : float
        Degrees counterclockwise as one sees it; a factor.
    size : (int, int)
        Of the canvas that the turned template lies on, around the same middle.
    origin : (int, int)
        Row and column of the canvas at which `image` and `attention` begin.
    image : float64 array (h, w, c)
        What is compared, 0 where it is not.
    attention : bool array (h, w)
    segment : int32 array (size)
        Labels to paint.
    mask : bool array (size)
    """

    template: int
    angle: float
    scale: float
    size: tuple[int, int]
    origin: tuple[int, int]
    image: NDArray[np.float64]
    attention: NDArray[np.bool_]
    segment: NDArray[np.int32]
    mask: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what is compared."""
        return self.attention.shape[0], self.attention.shape[1]

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the canvas, in pixels from the first of `image`."""
        return (
            (self.size[0] - 1) / 2 - self.origin[0],
            (self.size[1] - 1) / 2 - self.origin[1],
        )


def variants_of(
    templates: Sequence[Template], rotations: Sequence[float], scales: Sequence[float]
) -> list[Variant]:
    """All templates at all angles and scales; an `InputError` for those that cannot be."""
    angles = _numbers("rotations", rotations, "degrees, such as (0, 90)")
    wanted = f"factors from {_SCALES[0]:g} to {_SCALES[1]:g}, such as (0.9, 1, 1.1)"
    factors = _numbers("scales", scales, wanted)
    if min(factors) < _SCALES[0] or max(factors) > _SCALES[1]:
        raise InputError(f"The scales {factors} cannot be used. Give {wanted}.")
    return [
        turned(template, number, angle, factor)
        for number, template in enumerate(templates)
        for angle in dict.fromkeys(angle % 360 for angle in angles)
        for factor in dict.fromkeys(factors)
    ]


def turned(template: Template, number: int, angle: float, scale: float) -> Variant:
    """A template at an angle and scale.

    Only what is compared tells of what is compared: what lies outside of the attention is not
    mixed into its edge.
    """
    height, width = template.shape
    if angle == 0 and scale == 1:
        shares = template.attention.astype(float)
        image, labels, mask = template.image, template.segment, template.mask
        size = (height, width)
    else:
        cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        # From the turned template back to the template, both from their middles.
        back = np.array([[cosine, sine], [-sine, cosine]]) / scale
        far = scale * np.abs([[cosine, sine], [sine, cosine]]) @ [height, width]
        rows_columns = np.maximum(np.ceil(far - 1e-6), 1).astype(int)
        size = int(rows_columns[0]), int(rows_columns[1])
        shares = _resampled(template.attention.astype(float), back, size, scale)
        there = np.maximum(shares, 1e-12)[..., np.newaxis]
        known = template.image * template.attention[..., np.newaxis]
        image = np.stack(
            [_resampled(known[..., c], back, size, scale) for c in range(known.shape[-1])], axis=-1
        )
        image = image / there
        mask = _resampled(template.mask.astype(float), back, size, scale) >= 0.5
        labels = _nearest(template.segment, back, size)
    attention = shares >= 0.5
    if not attention.any():
        raise InputError(
            f"Nothing is left of the template at a scale of {scale:g}. Give a larger scale."
        )
    rows, columns = bounds_of(attention)
    attention = attention[rows, columns]
    return Variant(
        number,
        float(angle),
        float(scale),
        size,
        (rows.start, columns.start),
        image[rows, columns] * attention[..., np.newaxis],
        attention,
        labels,
        mask & (labels > 0),
    )


def _resampled(
    values: NDArray[np.float64], back: NDArray, size: tuple[int, int], scale: float
) -> NDArray[np.float64]:
    """Linear interpolation about the middle, 0 beyond; smoothed first where it gets smaller."""
    from scipy.ndimage import affine_transform, gaussian_filter

    if scale < 1:
        values = gaussian_filter(values, (1 / scale - 1) / 2, mode="constant")
    result: NDArray[np.float64] = affine_transform(
        values, back, _offset(back, values.shape, size), output_shape=size, order=1
    )
    return result


def _nearest(labels: NDArray[np.int32], back: NDArray, size: tuple[int, int]) -> NDArray[np.int32]:
    """The nearest label that is one, so that a mask has labels to its very edge."""
    from scipy.ndimage import affine_transform, distance_transform_edt

    nearest = distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    filled = labels[tuple(nearest)]
    result: NDArray[np.int32] = affine_transform(
        filled, back, _offset(back, labels.shape, size), output_shape=size, order=0, mode="nearest"
    )
    return result


def _offset(back: NDArray, shape: tuple[int, ...], size: tuple[int, int]) -> NDArray[np.float64]:
    return (np.array(shape) - 1) / 2 - back @ ((np.array(size) - 1) / 2)


def _numbers(what: str, given: Sequence[float], wanted: str) -> list[float]:
    array = regular_array(what.capitalize(), given)
    values = np.atleast_1d(array).tolist()
    if array.ndim > 1 or not values or not all(is_number(value) for value in values):
        raise InputError(f"The {what} {given!r} cannot be used. Give {wanted}.")
    return [float(value) for value in values]
