"""What was done on one image: its painted classes and its segments."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..imaging import parse_axes
from ..io import ImageFile


@dataclass(frozen=True, eq=False)
class Work:
    """Label maps of one image.

    Attributes
    ----------
    painted : int32 array or None
        Classes, 0 where nothing is painted; shaped as `label_shape`. None where there is none yet.
    segments : int32 array or None
        What can be painted, numbered from 1.
    origin : str
        Where it comes from: "draft", "saved", the name of an annotation format, or "".
    """

    painted: NDArray[np.int32] | None = field(default=None, repr=False)
    segments: NDArray[np.int32] | None = field(default=None, repr=False)
    origin: str = ""


def label_shape(image: ImageFile) -> tuple[int, ...]:
    """Shape of the labels of an image: planes, rows and columns, without channels and colors."""
    parsed = parse_axes(image.axes, image.data.shape)
    return (*parsed.stack_shape, *parsed.plane_shape)


def label_axes(image: ImageFile) -> str:
    """Letters of the axes of the labels of an image, rows and columns last."""
    parsed = parse_axes(image.axes, image.data.shape)
    return "".join(name for name in parsed.names if name not in "CSYX") + "YX"


def plane_first(image: ImageFile) -> tuple[list[NDArray], bool]:
    """An image as it is shown: axes in the order of its labels, every channel by itself.

    Returns
    -------
    arrays
        One, or one for each channel; shaped as the labels, of a color image with three or four
        samples behind. Lazy where the file is.
    is_color : bool
    """
    parsed = parse_axes(image.axes, image.data.shape)
    channel = parsed.channel
    order = [*parsed.stack, parsed.names.index("Y"), parsed.names.index("X")]
    if parsed.is_color and channel is not None:
        return [_ordered(image.data, [*order, channel])], True
    if channel is None:
        return [_ordered(image.data, order)], False
    turned = _ordered(image.data, [channel, *order])
    return [turned[i] for i in range(turned.shape[0])], False


def _ordered(data: NDArray, order: list[int]) -> NDArray:
    # Lazy arrays of zarr cannot be turned; they mostly need not be.
    return data if order == list(range(len(order))) else np.transpose(np.asarray(data), order)
