"""Intensities of any dtype to float32 in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

ImageScaling = Literal["stack", "plane", "dtype"] | Sequence[float] | Sequence[Sequence[float]]
# Of several images one for all, or a list with one for each.
Scaling = ImageScaling | Sequence[Literal["stack", "plane", "dtype"] | Sequence[Any]]
Limits = NDArray[np.float64]

DEFAULT_PERCENTILES = (1.0, 99.8)
# Percentiles of half a million values are known to a few thousandths of a percent: more would only
# cost time on every new plane.
_MAX_SAMPLES = 500_000
# Differences of larger numbers would overflow, quotients of smaller ones too.
_LARGE = 1e300
_LARGEST_LIMIT = float(np.finfo(np.float32).max)


def check_dtype(dtype: np.dtype) -> None:
    """Raise an `InputError` unless intensities of this dtype can be scaled."""
    if dtype.kind not in "biuf":
        raise InputError(
            f"An image of dtype {dtype} cannot be used. Accepted are bool, integers and floats"
            + (
                " (take the magnitude or the real part of complex data)."
                if dtype.kind == "c"
                else "."
            )
        )


def _finite_samples(plane: NDArray, joint: bool) -> list[NDArray[np.float64]]:
    """Finite values of each channel (or of all together), thinned evenly."""
    n_channels = plane.shape[-1]
    flat = plane.reshape(-1, n_channels)
    step = max(1, -(-flat.shape[0] // _MAX_SAMPLES))
    # A step that shares a factor with the width would see the same few columns of every row.
    while step > 1 and gcd(step, plane.shape[1]) > 1:
        step += 1
    flat = flat[::step].astype(np.float64)
    columns = [flat.ravel()] if joint else list(flat.T)
    return [values[np.isfinite(values)].clip(-_LARGE, _LARGE) for values in columns]


def percentile_limits(
    planes: Iterable[NDArray],
    percentiles: tuple[float, float] = DEFAULT_PERCENTILES,
    *,
    joint: bool = False,
) -> Limits:
    """Lower and upper limit of intensities by percentiles.

    Parameters
    ----------
    planes
        Arrays (h, w, c) of one image; NaN and infinities are ignored.
    percentiles
        The two percentiles, 0 to 100.
    joint
        True gives all channels the same limits, so that the hue of color images is kept.

    Returns
    -------
    array (c, 2)
        Rows (low, high). Where the percentiles coincide (a few bright spots on an even ground)
        the extremes are taken; where those coincide too (a constant image) high is low.

    Raises
    ------
    InputError
        If there is not one finite value.
    """
    collected: list[list[NDArray[np.float64]]] = []
    n_channels = 0
    for plane in planes:
        n_channels = plane.shape[-1]
        collected.append(_finite_samples(plane, joint))
    limits = []
    for values in (np.concatenate(channel) for channel in zip(*collected, strict=True)):
        if values.size == 0:
            limits.append((np.nan, np.nan))
            continue
        low, high = np.percentile(values, percentiles)
        if high <= low:
            low, high = values.min(), values.max()
        limits.append((low, high))
    result = np.array(limits * n_channels if joint else limits, dtype=np.float64)
    if np.isnan(result).all():
        raise InputError(
            "The image has no finite value (all NaN or infinite). Check how it was loaded or made."
        )
    return result


def dtype_limits(dtype: np.dtype, n_channels: int) -> Limits:
    """Limits of the whole range of an integer dtype; 0 to 1 for bool and floats."""
    low, high = (0, 1)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = info.min, info.max
    return np.tile(np.array([[low, high]], dtype=np.float64), (n_channels, 1))


def plain_scaling(scaling: Any) -> Any:
    """`scaling` with arrays and tuples as lists: plain data can be compared and kept."""
    if isinstance(scaling, np.ndarray | np.generic):
        scaling = scaling.tolist()
    if isinstance(scaling, list | tuple):
        return [plain_scaling(item) for item in scaling]
    return scaling


def is_of_each_image(scaling: Any) -> bool:
    """Whether a plain `scaling` has one item per image.

    Its form alone says so, never the number of images or channels: an item that is a name, or a
    list of pairs, is of an image; a lone pair is of a channel.
    """
    return isinstance(scaling, list) and any(
        isinstance(item, str)
        or (isinstance(item, list) and any(isinstance(inner, list) for inner in item))
        for item in scaling
    )


def given_limits(scaling: Sequence, n_channels: int) -> Limits:
    """Contrast limits as given: (low, high), or a list of one such pair, or of one per channel."""
    try:
        limits = np.array(scaling, dtype=np.float64)
    except (TypeError, ValueError):
        limits = np.empty(0)
    if limits.shape in ((2,), (1, 2)):
        limits = np.tile(limits, (n_channels, 1))
    if (
        limits.shape != (n_channels, 2)
        or not (np.abs(limits) < _LARGEST_LIMIT).all()
        or (limits[:, 1] <= limits[:, 0]).any()
    ):
        pairs = limits.ndim == 2 and limits.shape != (n_channels, 2)
        hint = " Limits of each image are nested: [[(0, 255)], [(0, 4000)]]." if pairs else ""
        raise InputError(
            f"Contrast limits {scaling!r} cannot be used. Give (low, high) with low < high, or one "
            f'such pair for each of the {n_channels} channels, or "stack", "plane" or "dtype".'
            f"{hint}"
        )
    return limits


def scale_intensities(plane: NDArray, limits: Limits) -> NDArray[np.float32]:
    """Map (h, w, c) from `limits` to [0, 1], clipped.

    NaN counts as the lower limit, infinities as the limit on their side. A channel whose limits
    coincide becomes 0.
    """
    low = limits[:, 0]
    span = limits[:, 1] - low
    usable = span > 1 / _LARGE
    gain = np.where(usable, 1.0 / np.where(usable, span, 1.0), 0.0)
    low = np.where(np.isfinite(low), low, 0.0)
    if plane.dtype.kind != "f":
        plane = plane.astype(np.float32 if plane.dtype.itemsize <= 2 else np.float64)
    else:
        plane = np.nan_to_num(plane.astype(np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        # Infinite times a gain of 0 would be NaN again; clip to the limits first.
        plane = np.clip(plane, low, low + np.where(usable, span, 0.0))
    gain = np.minimum(gain, float(np.finfo(plane.dtype).max))
    scaled = (plane - low.astype(plane.dtype)) * gain.astype(plane.dtype)
    return np.clip(scaled, 0, 1).astype(np.float32)
