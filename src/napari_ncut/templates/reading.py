"""Intensities as they are compared: linear in what is given, never clipped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..imaging import Channels, Planes, as_planes


def read_plane(planes: Planes, index: int) -> NDArray[np.float64]:
    """A plane (h, w, c) of lone images; integers as shares of the range of their dtype.

    So images of eight and of sixteen bits can be compared with each other. Where any channel is
    not finite, all are NaN.
    """
    raw = planes.sources[0].read(index)
    plane = raw.astype(np.float64)
    if raw.dtype.kind in "iu":
        plane /= float(np.iinfo(raw.dtype).max)
    plane[~np.isfinite(plane).all(axis=-1)] = np.nan
    return plane


def lone_plane(what: str, given: Any, axes: str | None, channels: Channels) -> NDArray[np.float64]:
    """The one plane of an image, (h, w, c); an `InputError` if there are several."""
    planes = as_planes(given, axes=axes, channels=channels)
    if len(planes) != 1 or planes.is_list:
        raise InputError(
            f"The {what} has to be one plane, but {len(planes)} were given. Choose one, for "
            f"example image[0]."
        )
    return read_plane(planes, 0)


def with_channels_of(image: NDArray[np.float64], n_channels: int) -> NDArray[np.float64]:
    """A plane with as many channels: those of a color are averaged, a single one is repeated."""
    if image.shape[-1] == n_channels:
        return image
    if n_channels == 1 and image.shape[-1] == 3:
        return image.mean(axis=-1, keepdims=True)
    if n_channels == 3 and image.shape[-1] == 1:
        return np.repeat(image, 3, axis=-1)
    raise InputError(
        f"The template has {image.shape[-1]} channels and the image {n_channels}. Give both alike, "
        f"or choose one channel."
    )
