"""Large arrays within a budget of memory: on disk where they would not fit."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError


def empty_within(shape: tuple[int, ...], dtype: Any, budget: float) -> NDArray:
    """An array to be filled: in memory up to `budget` bytes, in a temporary file beyond.

    The file goes away with the array. What is read of it comes back from disk, or from memory that
    the system has free.

    Raises
    ------
    InputError
        If the disk has no room for it.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= budget:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="napari-ncut-") as file:
        try:
            # Written to its end, so that a full disk says so here and not at a later access.
            _reserve(file, size)
            # The map keeps the file open after its name and handle are gone.
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
        except OSError as error:
            raise InputError(
                f"The {size / 1e9:.1f} GB of features fit neither in memory (budget: "
                f"{budget / 1e9:.1f} GB) nor in {tempfile.gettempdir()} ({error.strerror}). Raise "
                f"memory, free some disk, or set TMPDIR to a larger one; or take a larger stride."
            ) from error


def _reserve(file: Any, size: int) -> None:
    import os

    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
