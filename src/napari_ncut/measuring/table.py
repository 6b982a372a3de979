"""What was measured, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .properties import OF_CHANNEL, PROPERTIES, size_name

_POWERS = {1: "", 2: "²", 3: "³"}
# What columns are called that are no properties.
_TITLES = {
    "file": "File",
    "plane": "Plane",
    "stack": "Stack",
    "label": "Label",
    "class": "Class",
    "class_name": "Name",
    "count": "Count",
}
# What a column of a summary tells of a property, by the end of its name.
_STATISTICS = {"_mean": "mean", "_median": "median", "_std": "deviation"}


@dataclass(frozen=True, eq=False)
class MeasureTable:
    """Columns of one length, in a unit.

    Attributes
    ----------
    columns : dict of arrays (n,)
        By name; see `napari_ncut.measuring.PROPERTIES` for what they are.
    unit : str
        Of lengths; areas are in its square, volumes in its cube.
    n_dims : int
        2 where segments of planes were measured, 3 for segments of volumes.
    extent : float
        Area or volume of everything that was looked at, segments or not.
    class_names : dict
        Class → name.
    """

    columns: dict[str, NDArray]
    unit: str = "px"
    n_dims: int = 2
    extent: float = 0.0
    class_names: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    @property
    def size(self) -> str:
        """The column of how large segments are: "area" or "volume"."""
        return size_name(self.n_dims)

    @property
    def numeric(self) -> list[str]:
        """Names of the columns that are measured properties."""
        return [name for name in self.columns if _parts(name)[0] in PROPERTIES]

    def rows(self) -> Iterator[list[object]]:
        """Row by row, as plain numbers and texts."""
        columns = [values.tolist() for values in self.columns.values()]
        return (list(row) for row in zip(*columns, strict=True))

    def heading(self, name: str) -> str:
        """What a column is called for people, with its unit."""
        if name in _TITLES:
            return _TITLES[name]
        base, end = _parts(name)
        if base not in PROPERTIES:
            return name
        entry = PROPERTIES[base]
        title = f"{entry.title}, {end}" if end else entry.title
        return f"{title} ({self.unit}{_POWERS[entry.power]})" if entry.power else title

    def tooltip(self, name: str) -> str:
        """What a column tells, "" where its heading says all."""
        entry = PROPERTIES.get(_parts(name)[0])
        return "" if entry is None else f"{entry.title}: {entry.text}."

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write a CSV (UTF-8), whole or not at all; the last column tells the unit.

        Numbers that there are none of are empty.
        """
        from ..io import write_table

        write_table(Path(path), [*self.columns, "unit"], self.text_rows())

    def text_rows(self) -> Iterator[list[object]]:
        """Rows of the CSV."""
        for row in self.rows():
            yield [*("" if value != value else value for value in row), self.unit]

    def sorted_by(self, name: str, *, descending: bool = False) -> NDArray[np.intp]:
        """Order of rows by a column; equal ones keep theirs, missing numbers come last."""
        values = self.columns[name]
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), np.inf, -values if descending else values)
            return np.argsort(values, kind="stable")
        _, ranks = np.unique(values.astype(str) if values.dtype == object else values,
                             return_inverse=True)  # fmt: skip
        return np.argsort(-ranks if descending else ranks, kind="stable")


def _parts(name: str) -> tuple[str, str]:
    """The property of a column, and the channel or statistic of it."""
    base, _, end = name.partition(OF_CHANNEL)
    if base in PROPERTIES:
        return base, end
    for ending, statistic in _STATISTICS.items():
        if name.endswith(ending):
            return name.removesuffix(ending), statistic
    return name, ""


def joined(tables: Mapping[str, MeasureTable], column: str = "file") -> MeasureTable:
    """Tables under each other, with a column of which one each row is of.

    Columns that a table lacks are NaN or empty there. All have one unit and are of planes or of
    volumes.
    """
    every = list(tables.values())
    names = list(dict.fromkeys(name for table in every for name in table.columns))
    columns: dict[str, NDArray] = {
        column: np.repeat(np.array(list(tables), dtype=object), [len(t) for t in every])
    }
    for name in names:
        kinds = [table[name].dtype for table in every if name in table]
        empty: object = "" if kinds[0].kind == "O" else np.nan
        columns[name] = np.concatenate(
            [table[name] if name in table else np.full(len(table), empty) for table in every]
        )
    class_names: dict[int, str] = {}
    for table in every:
        class_names |= dict(table.class_names)
    return MeasureTable(
        columns,
        every[0].unit,
        every[0].n_dims,
        float(sum(table.extent for table in every)),
        class_names,
    )
