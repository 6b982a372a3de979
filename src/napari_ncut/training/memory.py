"""Memory of training steps."""

from __future__ import annotations

import ctypes

# Options of mallopt(3).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_memory() -> None:
    """Let glibc keep what is freed: a step takes half the time if pages need not be asked for."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1)):
            libc.mallopt(option, value)
