"""Points files in: what napari saves from a Points layer, with signs and classes."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

_TRUE = {"1", "1.0", "true", "t", "yes", "positive", "pos", "+", ""}
_FALSE = {"0", "0.0", "false", "f", "no", "negative", "neg", "-", "-1", "-1.0"}


@dataclass(frozen=True)
class PointsTable:
    """Points of one file.

    Attributes
    ----------
    points : float array (n, d)
        Coordinates in pixels, in the order of the columns axis-0, axis-1, …
    positive : bool array (n,)
    classes : int array (n,) or None
        None where the file has no class column.
    class_names : dict
        Number → name, where classes were given by name.
    images : list of str or None
        Entry of the column "image" of each point, where there is one.
    """

    points: NDArray[np.float64]
    positive: NDArray[np.bool_]
    classes: NDArray[np.int64] | None = None
    class_names: dict[int, str] = field(default_factory=dict)
    images: list[str] | None = None


def read_points(path: str | Path, *, transform: ArrayLike | None = None) -> PointsTable:
    """Read a CSV of points.

    Parameters
    ----------
    path
        CSV with columns axis-0, axis-1, … (one per dimension, as napari saves them), and optionally
        `positive` (1/0, 1.0/0.0, true/false, positive/negative; default positive), `class` (numbers
        or names) and `image` (file name or number).
    transform
        Affine (d + 1, d + 1) from the file's coordinates to pixels of the image, where the Points
        layer had a transform of its own.

    Raises
    ------
    InputError
        If there is no such file, or columns or entries are not as described.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
            columns = list(rows[0]) if rows else []
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the path.") from error
    except (UnicodeDecodeError, csv.Error, IsADirectoryError) as error:
        raise InputError(
            f"{path} is not a CSV of points ({error}). Save a Points layer from napari."
        ) from error
    if not rows:
        raise InputError(
            f"{path} has no rows of points. It needs columns axis-0, axis-1 and at least one point."
        )
    axes = sorted(
        (c for c in columns if c and c.startswith("axis-")),
        key=lambda c: int(c[5:]) if c[5:].isdigit() else -1,
    )
    if len(axes) < 2 or axes != [f"axis-{i}" for i in range(len(axes))]:
        raise InputError(
            f"{path} has the columns {', '.join(map(str, columns))}; axis-0 and axis-1 (and axis-2 … for stacks) are "
            f"needed, as napari writes them when a Points layer is saved."
        )
    try:
        points = np.array([[float(row[axis]) for axis in axes] for row in rows])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path} has a coordinate that is no number ({error}). Correct that row."
        ) from error
    if transform is not None:
        points = apply_affine(points, transform)
    positive = (
        np.array([_sign(row["positive"], path) for row in rows])
        if "positive" in columns
        else np.ones(len(rows), bool)
    )
    classes, names = (
        _classes([row["class"] for row in rows], path) if "class" in columns else (None, {})
    )
    images = [row["image"] for row in rows] if "image" in columns else None
    return PointsTable(points, positive, classes, names, images)


def apply_affine(points: NDArray[np.float64], transform: ArrayLike) -> NDArray[np.float64]:
    """Map points (n, d) by an affine matrix (d + 1, d + 1)."""
    matrix = np.asarray(transform, dtype=np.float64)
    d = points.shape[1]
    if matrix.shape != (d + 1, d + 1):
        raise InputError(
            f"A transform of shape {matrix.shape} was given for points of {d} coordinates; ({d + 1}, {d + 1}) is needed."
        )
    return points @ matrix[:d, :d].T + matrix[:d, d]


def _sign(text: str | None, path: Path) -> bool:
    word = (text or "").strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InputError(
        f"{path} has {text!r} in the column `positive`. Use 1 or 0, true or false, positive or negative."
    )


def _classes(texts: list[str | None], path: Path) -> tuple[NDArray[np.int64], dict[int, str]]:
    words = [(text or "").strip() for text in texts]
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        names = list(dict.fromkeys(words))
        if "" in names:
            raise InputError(
                f"{path} has an empty entry in the column `class`. Give a number or a name."
            ) from None
        return np.array([names.index(word) + 1 for word in words]), dict(enumerate(names, 1))
    if (values != np.round(values)).any() or (values < 0).any():
        raise InputError(
            f"{path} has classes that are no whole numbers from 0. Use 1, 2, 3 … or names."
        )
    return values.astype(np.int64), {}
