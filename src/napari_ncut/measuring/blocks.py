"""Planes and volumes of labels: how arrays of any axes are gone through piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
from ..imaging import parse_axes
from ..imaging.axes import Axes

_COLORS = {3: ("red", "green", "blue"), 4: ("red", "green", "blue")}


@dataclass(frozen=True)
class Blocks:
    """How an array of labels falls into planes, or into volumes.

    Attributes
    ----------
    axes : Axes
        Of the labels.
    volumes : bool
    """

    axes: Axes
    volumes: bool = False

    @classmethod
    def of(cls, shape: tuple[int, ...], axes: str | None, *, volumes: bool = False) -> Blocks:
        """Of an array of that shape; letters of channels among its axes are left out.

        Raises
        ------
        InputError
            If axes do not fit, or volumes are asked for without an axis Z.
        """
        names = None if axes is None else "".join(n for n in str(axes).upper() if n not in "CS")
        parsed = parse_axes(names, shape)
        if volumes and "Z" not in parsed.names:
            raise InputError(
                f"Volumes need an axis of depth, but the labels have the axes {parsed.names}. Say "
                f'which one it is, as in axes="ZYX", or measure plane by plane.'
            )
        return cls(parsed, volumes)

    @property
    def own(self) -> tuple[int, ...]:
        """Dimensions of a block, in the order Z, Y, X."""
        return tuple(self.axes.names.index(n) for n in ("ZYX" if self.volumes else "YX"))

    @property
    def stack(self) -> tuple[int, ...]:
        """Dimensions that count blocks."""
        return tuple(i for i in range(len(self.axes.names)) if i not in self.own)

    @property
    def stack_shape(self) -> tuple[int, ...]:
        """Their sizes."""
        return tuple(self.axes.shape[i] for i in self.stack)

    @property
    def n_dims(self) -> int:
        """2 for planes, 3 for volumes."""
        return len(self.own)

    @property
    def n_pixels(self) -> int:
        """Of a block."""
        return prod(self.axes.shape[i] for i in self.own)

    def __len__(self) -> int:
        return prod(self.stack_shape)

    def key(self, number: int) -> tuple[int | slice, ...]:
        """Index of a block in the array."""
        place = iter(np.unravel_index(number, self.stack_shape) if self.stack else ())
        return tuple(
            int(next(place)) if i in self.stack else slice(None)
            for i in range(len(self.axes.names))
        )

    def block(self, array: Any, number: int) -> NDArray:
        """One block (h, w) or (d, h, w) of an array with these axes; lazy ones are read."""
        read = np.asarray(array[self.key(number)])
        kept = sorted(self.own)
        return read.transpose([kept.index(i) for i in self.own])

    def labels(self, array: Any, number: int) -> NDArray:
        """One block of labels; an `InputError` unless they are whole numbers from 0."""
        read = self.block(array, number)
        check_labels(read)
        return read


def check_labels(labels: NDArray) -> None:
    """Raise an `InputError` unless these are masks or whole numbers from 0."""
    if labels.dtype.kind not in "biu":
        raise InputError(
            f"Labels of dtype {labels.dtype} cannot be used. Give a bool mask or whole numbers."
        )
    if labels.size and labels.min() < 0:
        raise InputError(
            f"The label map has negative labels, the lowest is {labels.min()}. Use 0 for none and "
            f"1 and up for classes."
        )


def checked_label_map(labels: ArrayLike) -> NDArray:
    """A mask or label map (h, w) or (n, h, w) as an array; an `InputError` if it is none."""
    given = np.asarray(labels)
    if given.ndim not in (2, 3) or given.dtype.kind not in "biu":
        raise InputError(
            f"A label map of shape {given.shape} and dtype {given.dtype} was given; a bool mask or "
            f"integer labels (h, w) or (n, h, w) are needed."
        )
    check_labels(given)
    return given


def as_labels(labels: ArrayLike) -> Any:
    """Labels as they are where they are an array of some kind, lazy or not, else as numpy's."""
    return labels if hasattr(labels, "shape") and hasattr(labels, "dtype") else np.asarray(labels)


def checked_spacing(given: float | Sequence[float], n_dims: int) -> tuple[float, ...]:
    """Size of a pixel along each axis of a plane or volume.

    Parameters
    ----------
    given
        One number for all sides, or (height, width), or (depth, height, width), of which planes
        take the last two.
    """
    sizes: list[Any] = []
    if is_number(given):
        sizes = [given] * n_dims
    elif isinstance(given, Iterable):
        sizes = list(given)
    if len(sizes) == 3 and n_dims == 2:
        sizes = sizes[1:]
    if len(sizes) != n_dims or not all(is_number(s) and s > 0 for s in sizes):
        wanted = "height and width" if n_dims == 2 else "depth, height and width"
        raise InputError(
            f"The spacing {given!r} cannot be used. Give one number above 0, or {wanted}."
        )
    return tuple(float(size) for size in sizes)


def channels_of(
    image: Any, axes: str | None, shape: tuple[int, ...], names: Sequence[str] | None
) -> dict[str, Any]:
    """The channels of an image, each shaped as the labels; lazy ones stay lazy.

    Parameters
    ----------
    image
        An array with an axis of channels or without, or a mapping from names to arrays that have
        the axes of the labels.
    axes
        Of the array.
    shape
        Of the labels.
    names
        Of the channels, in their order. Default: red, green, blue, or numbers from 0; of a single
        channel "".
    """
    if image is None:
        return {}
    if hasattr(image, "items"):
        channels = {str(name): as_labels(one) for name, one in image.items()}
    else:
        array = as_labels(image)
        parsed = parse_axes(axes, tuple(array.shape))
        channels = _split(array, parsed, names)
    for name, one in channels.items():
        if tuple(one.shape) != shape or one.dtype.kind not in "biuf":
            raise InputError(
                f"The image{f' {name}' if name else ''} has shape {tuple(one.shape)} and dtype "
                f"{one.dtype} beside labels of shape {shape}. Give real numbers, one for each "
                f"pixel of the labels."
            )
    return channels


def _split(array: Any, axes: Axes, names: Sequence[str] | None) -> dict[str, Any]:
    if axes.channel is None:
        if names is not None and len(names) != 1:
            raise InputError(f"{len(names)} names of channels were given for an image without any.")
        return {names[0] if names else "": array}
    count = axes.shape[axes.channel]
    known = _COLORS.get(count) if axes.is_color else None
    count = min(count, 3) if axes.is_color else count
    given = list(names) if names is not None else list(known or map(str, range(count)))
    if len(given) != count or len(set(given)) != count:
        raise InputError(
            f"The names of channels {given} cannot be used for {count} channels. Give one name for "
            f"each, all different."
        )
    before = (slice(None),) * axes.channel
    return {name: array[(*before, i)] for i, name in enumerate(given)}
