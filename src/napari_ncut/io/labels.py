"""Label maps out: TIFF for stacks and planes, PNG for planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .atomic import replace_when_written

LABEL_SUFFIXES = (".tif", ".tiff", ".png")


def write_labels(path: str | Path, labels: ArrayLike, *, axes: str | None = None) -> None:
    """Write a label map or mask, whole or not at all.

    Parameters
    ----------
    path
        File ending in ``.tif`` or ``.tiff`` (any number of planes, compressed without loss) or
        ``.png`` (one plane, up to 65,535 labels).
    labels
        bool mask or integer label map. The smallest unsigned integers that hold it are written; a
        mask becomes 0 and 1.
    axes
        Letters T, Z, Y, X, one per dimension, kept in the TIFF. Default: "YX" for two dimensions,
        "TYX" for three.

    Raises
    ------
    InputError
        If the labels do not fit the format.
    """
    path = Path(path)
    data = compact_labels(labels)
    axes = {2: "YX", 3: "TYX"}.get(data.ndim) if axes is None else str(axes).upper()
    if axes is None or len(axes) != data.ndim or axes[-2:] != "YX" or set(axes) - set("TZYX"):
        raise InputError(
            f"A label map of {data.ndim} dimensions cannot have the axes {axes!r}. Give one letter "
            f'of T, Z, Y, X per dimension, rows and columns last, for example axes="ZYX".'
        )
    check_label_format(path, data.ndim, data.dtype)
    with replace_when_written(path) as partial:
        if path.suffix.lower() == ".png":
            from PIL import Image

            Image.fromarray(data).save(partial)
        else:
            import tifffile

            tifffile.imwrite(
                partial,
                data,
                photometric="minisblack",
                compression="zlib",
                metadata={"axes": axes},
            )


def compact_labels(labels: ArrayLike) -> NDArray:
    """Labels as the smallest unsigned integers that hold them."""
    data = np.asarray(labels)
    if data.dtype.kind not in "biu" or data.size == 0 or data.min() < 0:
        raise InputError(
            f"Labels of shape {data.shape} and dtype {data.dtype} cannot be written. Give a bool "
            f"mask or whole numbers from 0."
        )
    return data.astype(np.min_scalar_type(int(data.max())))


def check_label_format(path: Path, ndim: int, dtype: np.dtype | None = None) -> None:
    """Raise an `InputError` unless labels of `ndim` dimensions can be written to such a file."""
    suffix = path.suffix.lower()
    if suffix not in LABEL_SUFFIXES:
        raise InputError(f"{path} cannot be written. Choose one of: {', '.join(LABEL_SUFFIXES)}.")
    if suffix == ".png" and ndim != 2:
        raise InputError(f"{path}: a PNG holds one plane, not a stack. Write TIFF instead.")
    if suffix == ".png" and dtype is not None and dtype.itemsize > 2:
        raise InputError("A PNG holds labels up to 65,535. Write TIFF instead.")
