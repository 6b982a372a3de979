"""Boxes and scribbles from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .images import ImageFile, read_contents
from .points import _coordinate, _read_rows, _sign

if TYPE_CHECKING:
    from ..prompts import Box, Scribble

_CORNERS = ("row0", "column0", "row1", "column1")
# What scribbles of the window use, too.
NEGATIVE_LABEL = 255


def read_boxes(path: str | Path) -> list[Box]:
    """Read a CSV of boxes.

    Parameters
    ----------
    path
        CSV with the columns row0, column0, row1 and column1 in pixels, and optionally `plane`
        (counted over all images, from 0), `class` (whole numbers; 0 or empty on negative boxes that
        count against every class) and `positive` (as in points files).

    Raises
    ------
    InputError
        If there is no such file, or columns or entries are not as described.
    """
    from ..prompts import Box

    path = Path(path)
    rows, columns = _read_rows(path)
    missing = [name for name in _CORNERS if name not in columns]
    if missing or not rows:
        raise InputError(
            f"{path} has the columns {', '.join(columns) or '(none)'} and {len(rows)} rows; "
            f"{', '.join(_CORNERS)} (and optionally plane, class, positive), separated by commas, "
            f"and at least one box are needed."
        )
    boxes = []
    for number, row in enumerate(rows):
        positive = _sign(row["positive"], path) if "positive" in columns else True
        label = None
        if "class" in columns:
            empty = not (row["class"] or "").strip()
            label = 0 if empty else _whole(row["class"], "class", number, path)
        plane = _whole(row["plane"], "plane", number, path) if "plane" in columns else 0
        corners = [_coordinate(row[name], name, number, path) for name in _CORNERS]
        try:
            boxes.append(Box(*corners, plane=plane, label=label, positive=positive))
        except InputError as error:
            raise InputError(f"{path}, box {number}: {error}") from error
    return boxes


def _whole(text: str | None, column: str, number: int, path: Path) -> int:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not np.isfinite(value) or value != np.round(value):
        raise InputError(
            f"{path} has {text!r} in the column {column} of box {number}, which is no whole number."
        )
    return int(value)


def read_scribbles(path: str | Path, image: ImageFile) -> list[Scribble]:
    """Read a label image of scribbles on an image: label n is class n, 255 is “not this”.

    Raises
    ------
    InputError
        If it cannot be read, or has another size than the image.
    """
    from ..imaging import parse_axes
    from ..prompts import Scribble

    axes = parse_axes(image.axes, image.data.shape)
    shape = (*axes.stack_shape, *axes.plane_shape)
    labels = np.asarray(read_contents(Path(path))[0])
    if labels.shape != shape:
        raise InputError(
            f"{path} has the shape {labels.shape}, but the image {image.path.name} has planes of "
            f"{shape}. Give a label image of the same size."
        )
    return Scribble.from_labels(labels.reshape(-1, *axes.plane_shape), negative=NEGATIVE_LABEL)
