"""Arrays in, float planes out: every image, stack or list of them as one sequence of planes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, regular_array
from .axes import Axes, parse_axes
from .channels import Channels, composite, selected_channels
from .intensity import (
    DEFAULT_PERCENTILES,
    ImageScaling,
    Limits,
    Scaling,
    check_dtype,
    dtype_limits,
    given_limits,
    is_of_each_image,
    percentile_limits,
    plain_scaling,
    scale_intensities,
)
from .several import for_each_image

# Limits "per stack" are measured on at most this many planes, spread evenly, so that a lazy stack
# need not be read whole before its first plane can be used.
_PLANES_FOR_LIMITS = 16


@dataclass(frozen=True)
class ImageSource:
    """One array, the meaning of its axes, and its scaling; reads one plane at a time."""

    data: Any
    axes: Axes
    channels: tuple[int, ...]
    is_color: bool
    is_composite: bool
    scaling: ImageScaling

    @property
    def n_channels(self) -> int:
        """Channels of a plane as it is handed out."""
        return 3 if self.is_composite else len(self.channels)

    def read(self, index: int) -> NDArray:
        """Plane `index` in C order over the stack axes: (h, w, c), in the array's own dtype."""
        position = np.unravel_index(index, self.axes.stack_shape) if self.axes.stack else ()
        key: list[int | slice] = [slice(None)] * len(self.axes.names)
        for axis, place in zip(self.axes.stack, position, strict=True):
            key[axis] = int(place)
        plane = np.asarray(self.data[tuple(key)])
        left = [name for name in self.axes.names if name in "CSYX"]
        channel = [name for name in left if name in "CS"]
        plane = plane.transpose([left.index(name) for name in ["Y", "X", *channel]])
        if not channel:
            return plane[..., np.newaxis]
        return plane[..., list(self.channels)]


class Planes(Sequence[NDArray[np.float32]]):
    """A sequence of float32 planes (h, w, c) in [0, 1], read and scaled when they are asked for.

    Made by `as_planes`. Planes run over all images given, in order, and in each image in C order
    over its T and Z axes.

    Attributes
    ----------
    sources : list of ImageSource
        The images.
    is_list : bool
        Whether a list of images was given (results are lists then).
    n_channels : int
        Channels of every plane; one-channel images among color ones are repeated.
    """

    def __init__(
        self,
        sources: list[ImageSource],
        *,
        is_list: bool,
        percentiles: tuple[float, float] = DEFAULT_PERCENTILES,
    ) -> None:
        self.sources = sources
        self.is_list = is_list
        self.n_channels = _common_channels(sources)
        self._percentiles = percentiles
        self._limits: dict[int, Limits] = {}
        self._places = [
            (s, i) for s, source in enumerate(sources) for i in range(source.axes.n_planes)
        ]

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) in pixels of every plane."""
        return tuple(self.sources[s].axes.plane_shape for s, _ in self._places)

    @property
    def stacks(self) -> tuple[tuple[int, ...], ...]:
        """Shape of the stack axes of every image; () for a single plane."""
        return tuple(source.axes.stack_shape for source in self.sources)

    def with_channels(self, n_channels: int) -> Planes:
        """The same planes, repeated to this many channels if they have but one."""
        planes = Planes(self.sources, is_list=self.is_list, percentiles=self._percentiles)
        if self.n_channels == 1:
            planes.n_channels = n_channels
        return planes

    def with_scalings(self, scalings: Iterable[ImageScaling]) -> Planes:
        """The same planes with another scaling for every image; see `as_planes`."""
        sources = [
            replace(source, scaling=scaling)
            for source, scaling in zip(self.sources, scalings, strict=True)
        ]
        planes = Planes(sources, is_list=self.is_list, percentiles=self._percentiles)
        planes.n_channels = self.n_channels
        return planes

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.float32]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number, place = self._places[index]
        source = self.sources[number]
        raw = source.read(place)
        with _telling_which(number, self.is_list):
            limits = self._limits_of(number, raw)
        plane = scale_intensities(raw, limits)
        if source.is_composite:
            plane = composite(plane)
        if plane.shape[-1] < self.n_channels:
            plane = np.repeat(plane, self.n_channels, axis=-1)
        return np.ascontiguousarray(plane)

    def _limits_of(self, number: int, raw: NDArray) -> Limits:
        source = self.sources[number]
        if source.scaling == "plane":
            try:
                return percentile_limits([raw], self._percentiles, joint=source.is_color)
            except InputError:
                # An empty frame in a good stack is no error; `as_planes` has checked the stack.
                return np.zeros((raw.shape[-1], 2))
        if number not in self._limits:
            self._limits[number] = self._stack_limits(source, raw.dtype)
        return self._limits[number]

    def _stack_limits(self, source: ImageSource, dtype: np.dtype) -> Limits:
        n_channels = len(source.channels)
        if source.scaling == "dtype":
            return dtype_limits(dtype, n_channels)
        if not isinstance(source.scaling, str):
            return given_limits(source.scaling, n_channels)
        n_planes = source.axes.n_planes
        chosen = np.unique(np.linspace(0, n_planes - 1, min(n_planes, _PLANES_FOR_LIMITS)).round())
        return percentile_limits(
            (source.read(int(i)) for i in chosen), self._percentiles, joint=source.is_color
        )


def as_planes(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    percentiles: tuple[float, float] = DEFAULT_PERCENTILES,
) -> Planes:
    """Describe an image, a stack or a list of images as a sequence of float planes.

    Parameters
    ----------
    images
        One array (numpy, dask, zarr, anything with ``shape``, ``dtype`` and slicing) or a list of
        arrays of any sizes and dtypes; one-channel images may stand among color ones. Lazy arrays
        are read plane by plane. dtype bool, integer or float; NaN and infinities are allowed, and
        what a masked array masks is NaN.
    axes
        Letters T, Z, C, S, Y, X, one per dimension ("YX", "YXC", "ZCYX" …). A trailing C of three
        or four samples, or S, is color (alpha is dropped); any other C is channels. Without it a
        2-D array is "YX" and anything else is an error. Of several images one for all, or a list
        with one item (or None) per image.
    channels
        Index or indices of the channels to use, "all" (also alpha), or "composite": all channels
        mixed to RGB. Default: all, of a color image its three samples.
    scaling
        How intensities become 0 to 1: "stack" by percentiles over all planes of an image, "plane"
        over each plane alone, "dtype" by the range of the dtype, or contrast limits: (low, high)
        or one pair per channel. Color images are scaled jointly, so that hues stay. Of several
        images one for all, or a list with one item per image, in which limits are lists of pairs:
        ``["stack", [(0, 255)]]``.
    percentiles
        Lower and upper percentile. A narrower pair gives more contrast and more clipping.

    Raises
    ------
    InputError
        If the input is no image, or the axes, channels or limits do not fit it.
    """
    scaling = plain_scaling(scaling)
    is_list = isinstance(images, (list, tuple)) and not _is_nested_numbers(images)
    if is_list and len(images) == 0:
        raise InputError("The list of images is empty. Give at least one image.")
    arrays = list(images) if is_list else [images]
    all_axes = for_each_image("axes", axes, len(arrays))
    of_each = is_of_each_image(scaling)
    scalings = (
        for_each_image("scaling", scaling, len(arrays)) if of_each else [scaling] * len(arrays)
    )
    sources = []
    for number, (array, its_axes, its_scaling) in enumerate(
        zip(arrays, all_axes, scalings, strict=True)
    ):
        with _telling_which(number, is_list):
            check_scaling(its_scaling, percentiles)
            sources.append(_describe(array, its_axes, channels, its_scaling))
    return Planes(sources, is_list=is_list, percentiles=percentiles)


@contextmanager
def _telling_which(number: int, is_list: bool) -> Iterator[None]:
    """Let an `InputError` about one of several images say which one."""
    try:
        yield
    except InputError as error:
        if not is_list:
            raise
        raise InputError(f"Image {number} (counted from 0): {error}") from error


def check_scaling(scaling: ImageScaling, percentiles: tuple[float, float]) -> None:
    """Raise an `InputError` unless `scaling`, of one image, and `percentiles` can be used."""
    if isinstance(scaling, str) and scaling not in ("stack", "plane", "dtype"):
        raise InputError(
            f'Unknown scaling {scaling!r}. Choose "stack", "plane", "dtype" or give contrast '
            f"limits (low, high)."
        )
    if len(percentiles) != 2 or not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise InputError(
            f"Percentiles {percentiles!r} cannot be used. Give two numbers 0 ≤ low < high ≤ 100."
        )


def _is_nested_numbers(images: Sequence[Any]) -> bool:
    """Whether a list is one image written out as nested lists of numbers."""
    first = images[0] if len(images) else None
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    return isinstance(first, (bool, int, float, np.number)) and isinstance(images[0], (list, tuple))


def _describe(
    array: Any, axes: str | None, channels: Channels, scaling: ImageScaling
) -> ImageSource:
    if isinstance(array, (str, bytes)) or hasattr(array, "__fspath__"):
        raise InputError(
            f"An array is needed, but a path or text was given: {str(array)[:80]!r}. "
            f"Read the file first, for example with napari_ncut.read_image(path)."
        )
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        array = regular_array("The image", array)
    dtype = getattr(array, "dtype", None)
    if not isinstance(dtype, np.dtype):  # torch tensors know their dtype by another name
        array = np.asarray(array)
        dtype = array.dtype
    check_dtype(dtype)
    if isinstance(array, np.ma.MaskedArray):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    parsed = parse_axes(axes, array.shape)
    n_channels = 1 if parsed.channel is None else parsed.shape[parsed.channel]
    chosen = selected_channels(channels, n_channels, parsed.is_color)
    is_color = parsed.is_color and chosen == [0, 1, 2]
    if not isinstance(scaling, str):
        given_limits(scaling, len(chosen))
    return ImageSource(
        data=array,
        axes=parsed,
        channels=tuple(chosen),
        is_color=is_color,
        is_composite=channels == "composite" and not is_color and len(chosen) > 1,
        scaling=scaling,
    )


def _common_channels(sources: list[ImageSource]) -> int:
    """Channels that all planes can have: images of one channel go with those of any number."""
    first_with = {
        source.n_channels: number for number, source in reversed(list(enumerate(sources)))
    }
    counts = sorted(first_with)
    if len(set(counts) - {1}) > 1:
        told = ", ".join(f"image {first_with[n]} has {n}" for n in counts)
        raise InputError(
            f"The images have different numbers of channels ({told}, counted from 0). Choose one "
            f'channel, or "composite", which mixes channels to RGB; images of one channel go with '
            f"any."
        )
    return counts[-1]
