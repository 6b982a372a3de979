"""Label maps out: TIFF for stacks and planes, PNG for planes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .atomic import replace_when_written
from .images import read_contents

LABEL_SUFFIXES = (".tif", ".tiff", ".png")


# Under what name classes are noted in a file.
_NOTE = "napari_ncut"


def write_labels(
    path: str | Path,
    labels: ArrayLike,
    *,
    axes: str | None = None,
    classes: Mapping[int, str] | None = None,
    colors: Mapping[int, str] | None = None,
) -> None:
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
    classes, colors
        Names of labels and their colors ("#rrggbb"), noted in the file for `read_labels`.

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
    note = {} if classes is None else {_NOTE: _noted(classes, colors or {})}
    with replace_when_written(path) as partial:
        if path.suffix.lower() == ".png":
            from PIL import Image, PngImagePlugin

            texts = PngImagePlugin.PngInfo()
            for name, text in note.items():
                texts.add_itxt(name, text)
            Image.fromarray(data).save(partial, pnginfo=texts)
        else:
            import tifffile

            tifffile.imwrite(
                partial,
                data,
                photometric="minisblack",
                compression="zlib",
                metadata={"axes": axes, **note},
            )


def read_labels(path: str | Path) -> tuple[NDArray, dict[int, str], dict[int, str]]:
    """Read a label map, and the names and colors of labels where `write_labels` noted them.

    Raises
    ------
    InputError
        If the file holds no whole numbers.
    """
    path = Path(path)
    labels, _ = read_contents(path)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "biu" or labels.ndim < 2:
        raise InputError(
            f"{path} holds no label map but {labels.dtype} of shape {labels.shape}. Give a file of "
            f"whole numbers."
        )
    try:
        classes = json.loads(_note_in(path)).get("classes", {})
        names = {int(label): str(one["name"]) for label, one in classes.items()}
        colors = {int(label): str(one["color"]) for label, one in classes.items() if "color" in one}
    except (ValueError, AttributeError, KeyError, TypeError):
        # A note of somebody else under our name; the labels are what was asked for.
        return labels, {}, {}
    return labels, names, colors


def _noted(classes: Mapping[int, str], colors: Mapping[int, str]) -> str:
    noted = {
        str(label): {"name": name, **({"color": colors[label]} if label in colors else {})}
        for label, name in classes.items()
    }
    return json.dumps({"classes": noted})


def _note_in(path: Path) -> str:
    """What is noted in a file, as JSON."""
    if path.suffix.lower() == ".png":
        from PIL import Image

        with Image.open(path) as file:
            return str(getattr(file, "text", {}).get(_NOTE, "{}"))
    if path.suffix.lower() in LABEL_SUFFIXES:
        import tifffile

        with tifffile.TiffFile(path) as file:
            return str(((file.shaped_metadata or ({},))[0] or {}).get(_NOTE, "{}"))
    return "{}"


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
