"""Points files in and out: what napari saves from a Points layer, with signs and classes."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .atomic import replace_when_written

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
        or names; 0 or empty on negative points that count against every class) and `image` (file
        name or number).
    transform
        Affine (d + 1, d + 1) from the file's coordinates to pixels of the image, where the Points
        layer had a transform of its own.

    Raises
    ------
    InputError
        If there is no such file, or columns or entries are not as described.
    """
    path = Path(path)
    rows, columns = _read_rows(path)
    axes = sorted(
        (c for c in columns if c.startswith("axis-")),
        key=lambda c: int(c[5:]) if c[5:].isdigit() else -1,
    )
    if len(axes) < 2 or axes != [f"axis-{i}" for i in range(len(axes))]:
        raise InputError(
            f"{path} has the columns {', '.join(columns) or '(none)'}; axis-0 and axis-1 (and "
            f"axis-2 … for stacks), separated by commas, are needed, as napari writes them when a "
            f"Points layer is saved."
        )
    if not rows:
        raise InputError(
            f"{path} has no rows of points. It needs columns axis-0, axis-1 and at least one point."
        )
    points = np.array(
        [
            [_coordinate(row[axis], axis, number, path) for axis in axes]
            for number, row in enumerate(rows)
        ]
    )
    if transform is not None:
        points = apply_affine(points, transform)
    positive = (
        np.array([_sign(row["positive"], path) for row in rows])
        if "positive" in columns
        else np.ones(len(rows), bool)
    )
    classes, names = (
        _classes([row["class"] for row in rows], positive, path)
        if "class" in columns
        else (None, {})
    )
    images = [(row["image"] or "").strip() for row in rows] if "image" in columns else None
    return PointsTable(points, positive, classes, names, images)


def _read_rows(path: Path) -> tuple[list[dict[str, str | None]], list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns = [(name or "").strip() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            return list(reader), columns
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the path.") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            f"{path} is not a CSV of points ({error}). Save a Points layer from napari."
        ) from error


def _coordinate(text: str | None, axis: str, number: int, path: Path) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(
            f"{path} has {text!r} in the column {axis} of point {number}, which is no coordinate. "
            f"Correct or remove that row."
        )
    return value


def write_points(path: str | Path, table: PointsTable) -> None:
    """Write points as a CSV that napari opens as a Points layer and `read_points` reads back."""
    columns = ["index", *(f"axis-{i}" for i in range(table.points.shape[1])), "positive"]
    if table.classes is not None:
        columns.append("class")
    if table.images is not None:
        columns.append("image")
    with (
        replace_when_written(Path(path)) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for i, point in enumerate(table.points):
            row: list[object] = [i, *(float(v) for v in point), int(table.positive[i])]
            if table.classes is not None:
                number = int(table.classes[i])
                row.append(table.class_names.get(number, number))
            if table.images is not None:
                row.append(table.images[i])
            writer.writerow(row)


def apply_affine(points: NDArray[np.float64], transform: ArrayLike) -> NDArray[np.float64]:
    """Map points (n, d) by an affine matrix (d + 1, d + 1)."""
    matrix = np.asarray(transform, dtype=np.float64)
    d = points.shape[1]
    if matrix.shape != (d + 1, d + 1):
        raise InputError(
            f"A transform of shape {matrix.shape} was given for points of {d} coordinates; "
            f"({d + 1}, {d + 1}) is needed."
        )
    if not np.isfinite(matrix).all() or not np.array_equal(matrix[d], [*np.zeros(d), 1]):
        raise InputError(
            f"The transform is not affine: its last row is {matrix[d].tolist()}. "
            f"Give finite numbers, the last row being {[*[0] * d, 1]}."
        )
    return points @ matrix[:d, :d].T + matrix[:d, d]


def _sign(text: str | None, path: Path) -> bool:
    word = (text or "").strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InputError(
        f"{path} has {text!r} in the column `positive`. "
        f"Use 1 or 0, true or false, positive or negative."
    )


def _classes(
    texts: list[str | None], positive: NDArray[np.bool_], path: Path
) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Numbers of the classes and, where they have names, the names in order of appearance."""
    words = [(text or "").strip() for text in texts]
    if any(not word and sign for word, sign in zip(words, positive, strict=True)):
        raise InputError(
            f"{path} has an empty entry in the column `class`. Give a number or a name."
        )
    words = [word or "0" for word in words]
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        # 0 is no name: it is the class of negative points that count against every class.
        names = ["0", *(name for name in dict.fromkeys(words) if name != "0")]
        return np.array([names.index(word) for word in words]), dict(enumerate(names[1:], 1))
    if not ((values >= 0) & (values < 2**31) & (values == np.round(values))).all():
        raise InputError(
            f"{path} has classes that are no whole numbers from 0 to 2,147,483,647. "
            f"Use 1, 2, 3 … or names."
        )
    return values.astype(np.int64), {}
