"""Segments of the images that come next, made before they are asked for."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..io import ImageFile
from ..progress import Progress, Steps
from ..segmenters import segmenter_entry, segmenter_steps
from .image_folder import ImageFolder
from .work import label_shape

# Compressed; a plane of a megapixel takes some 100 kB.
_MAX_BYTES = 256 * 2**20

Segmenter = Callable[[ImageFile], Steps[NDArray[np.int32]]]


class SegmentCache:
    """Segments kept compressed, those used last up to a number of bytes."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, tuple[bytes, tuple[int, ...]]] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable) -> NDArray[np.int32] | None:
        """What is kept under a key, None if there is nothing."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        packed, shape = self._kept[key]
        return np.frombuffer(bytearray(zlib.decompress(packed)), np.int32).reshape(shape)

    def put(self, key: Hashable, segments: NDArray) -> None:
        """Keep segments; what was used longest ago may go for it."""
        data = np.ascontiguousarray(segments, np.int32)
        self._kept[key] = zlib.compress(data.tobytes(), level=1), data.shape
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(len(p) for p, _ in self._kept.values()) > self._max_bytes:
            self._kept.popitem(last=False)


@dataclass(frozen=True, eq=False)
class Segmented:
    """Segments of one image of a folder; None with the reason where there are none."""

    number: int
    segments: NDArray[np.int32] | None = field(repr=False)
    reason: str = ""


def segmenter(
    method: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    kind: str = "superpixels",
    n_segments: int | None = None,
) -> Segmenter:
    """Any entry of `napari_ncut.segmenters` as a function of an image file.

    Parameters
    ----------
    method, kind
        Its name, and "superpixels" or "classic".
    parameters
        Of the method.
    n_segments
        Of superpixels.

    Raises
    ------
    InputError
        If there is no such method, or it has no such parameters.
    """
    given = segmenter_entry(method, kind).checked(parameters or {})
    if n_segments is not None:
        given["n_segments"] = n_segments
    steps = segmenter_steps(kind)

    def run(image: ImageFile) -> Steps[NDArray[np.int32]]:
        found = yield from steps(image.data, axes=image.axes, method=method, **given)
        return np.asarray(found, np.int32).reshape(label_shape(image))

    return run


def segment_ahead_steps(
    folder: ImageFolder,
    number: int,
    segment: Segmenter,
    *,
    reach: int = 2,
    key: Hashable = None,
    cache: SegmentCache | None = None,
) -> Iterator[Progress | Segmented]:
    """Segments of an image and of its neighbors, the nearest first.

    Images with segments of their own, saved or in a draft, are left out, and so are those that the
    cache has. It may be closed between two steps; what was made until then is in the cache.

    Parameters
    ----------
    folder
        Its images.
    number
        The one that is shown; it comes first, then the next, the one before, and so on.
    segment
        Makes segments of an image file.
    reach
        How many on each side.
    key
        What tells other segmenters and parameters apart in the cache.
    cache
        Where segments go to; default: nowhere.
    """
    cache = SegmentCache() if cache is None else cache
    numbers = [i for i in near(number, reach) if 0 <= i < len(folder)]
    for done, i in enumerate(numbers):
        if (key, i) in cache or i in folder.unreadable or folder.has_work(i):
            continue
        yield Progress("segments of the next images", done, len(numbers))
        try:
            segments = yield from segment(folder.read(i))
        except InputError as error:
            yield Segmented(i, None, str(error))
            continue
        cache.put((key, i), segments)
        yield Segmented(i, segments)


def segment_ahead(
    folder: ImageFolder, number: int, segment: Segmenter, *, reach: int = 2
) -> dict[int, NDArray[np.int32]]:
    """`segment_ahead_steps` to its end: number of an image → its segments."""
    steps = segment_ahead_steps(folder, number, segment, reach=reach)
    found = [step for step in steps if isinstance(step, Segmented)]
    return {one.number: one.segments for one in found if one.segments is not None}


def near(number: int, reach: int) -> list[int]:
    """A number and those around it, the nearest first, later ones before earlier ones."""
    return sorted(range(number - reach, number + reach + 1), key=lambda i: (abs(i - number), -i))
