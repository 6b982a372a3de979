"""What was computed once is not computed again: results kept by the content that they came from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def content_key(array: NDArray) -> tuple[Hashable, ...]:
    """A key that equal arrays share, and no others (but for one chance in 2¹²⁸)."""
    import xxhash

    contiguous = np.ascontiguousarray(array)
    content: Any = contiguous.reshape(-1).view(np.uint8)
    return (
        xxhash.xxh3_128_digest(content),
        contiguous.shape,
        contiguous.dtype.str,
    )


class ContentCache(Generic[T]):
    """Keeps the results used last, up to a number of bytes; safe to use from several threads.

    Parameters
    ----------
    most_bytes
        Beyond it the results that were not asked for longest are dropped.
    size_of
        Bytes of a result.
    """

    def __init__(self, most_bytes: float, size_of: Callable[[T], int]) -> None:
        self._most_bytes, self._size_of = most_bytes, size_of
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def known(self, key: Hashable) -> T | None:
        """The result of that key, None if it is not there."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of that key, made if it is not there."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        # Not under the lock: others may ask for what is there while this is made.
        result = make()
        size = self._size_of(result)
        with self._lock:
            # Somebody else may have made it meanwhile.
            self._bytes += size - self._kept.pop(key, (None, 0))[1]
            self._kept[key] = (result, size)
            while self._bytes > self._most_bytes:
                self._bytes -= self._kept.popitem(last=False)[1][1]
        return result
