"""Tables in short: amounts of every class, and how many segments there are of every size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice, is_number
from .table import MeasureTable

_MOST_BINS = 10_000


def summarize(table: MeasureTable) -> MeasureTable:
    """Counts and sizes of every class.

    Parameters
    ----------
    table
        Of `measure_segments`.

    Returns
    -------
    MeasureTable
        A row for every class that has segments or a name, ascending; one row of all segments where
        no classes are known. Columns: "class" and "class_name" where they are known, "count",
        "area" (or "volume") in all, "area_fraction" of everything that was looked at, and mean,
        median and standard deviation of areas and of equivalent diameters; the last three are NaN
        of a class without segments.
    """
    size = table.size
    has_classes = "class" in table
    of_row = table["class"] if has_classes else np.zeros(len(table), np.int64)
    known = [label for label in table.class_names if label > 0] if has_classes else []
    classes = np.unique(np.concatenate([of_row, np.array(known, np.int64)]))
    if not has_classes:
        classes = np.zeros(1, np.int64)
    place = np.searchsorted(classes, of_row)
    n = len(classes)
    total = np.bincount(place, weights=table[size], minlength=n)
    columns: dict[str, NDArray] = {}
    if has_classes:
        columns["class"] = classes
        if table.class_names:
            texts = [table.class_names.get(int(one), "") for one in classes]
            columns["class_name"] = np.array(texts, dtype=object)
    columns["count"] = np.bincount(place, minlength=n)
    columns[size] = total
    columns[f"{size}_fraction"] = total / table.extent if table.extent else total
    diameters = table.columns.get("equivalent_diameter", diameters_of(table))
    for name, values in ((size, table[size]), ("equivalent_diameter", diameters)):
        for statistic, of_class in _statistics(values, place, n).items():
            columns[f"{name}_{statistic}"] = of_class
    return MeasureTable(columns, table.unit, table.n_dims, table.extent, table.class_names)


def diameters_of(table: MeasureTable) -> NDArray[np.float64]:
    """Diameter of the circle or ball as large as each segment."""
    size = table[table.size]
    return 2 * np.sqrt(size / np.pi) if table.n_dims == 2 else np.cbrt(6 * size / np.pi)


def _statistics(values: NDArray, place: NDArray, n: int) -> dict[str, NDArray]:
    """Mean, median and deviation of the values at each of n places, NaN where there are none."""
    counts = np.bincount(place, minlength=n)
    some = np.where(counts > 0, counts, np.nan)
    mean = np.bincount(place, weights=values, minlength=n) / some
    squares = np.bincount(place, weights=np.square(values - mean[place]), minlength=n)
    ordered = values[np.lexsort((values, place))]
    first = np.cumsum(counts) - counts
    median = np.full(n, np.nan)
    there = counts > 0
    low, high = (first + (counts - 1) // 2)[there], (first + counts // 2)[there]
    median[there] = (ordered[low] + ordered[high]) / 2
    return {"mean": mean, "median": median, "std": np.sqrt(squares / some)}


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many segments there are of every size.

    Attributes
    ----------
    property : str
        The column.
    edges : float64 array (n + 1,)
        Of bins, ascending; each has its lower edge, and the last one both.
    counts : int array (n,)
    """

    property: str
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


def size_histogram(
    table: MeasureTable,
    property: str | None = None,
    *,
    bins: int | str = 20,
    logarithmic: bool = False,
) -> Histogram:
    """Count segments by size, or by any other property.

    Parameters
    ----------
    table
        Of `measure_segments`.
    property
        A column of it. Default: area or volume.
    bins
        How many, or "auto" for what numpy finds best. More shows more detail and more noise.
    logarithmic
        Whether bins grow by a factor rather than by a step; what is not above 0 is left out.

    Returns
    -------
    Histogram
        What is not finite is left out. Without any segment, empty bins from 0 to 1.
    """
    name = table.size if property is None else property
    check_choice("property", name, table.numeric)
    automatic = bins == "auto"
    if not automatic and (not is_number(bins, whole=True) or not 1 <= int(bins) <= _MOST_BINS):
        raise InputError(
            f"{bins!r} bins cannot be had. Give a whole number from 1 to {_MOST_BINS}, or auto."
        )
    values = table[name].astype(np.float64)
    values = values[np.isfinite(values)]
    if logarithmic:
        values = np.log(values[values > 0])
    n_bins = min(len(np.histogram_bin_edges(values, "auto")) - 1, 200) if automatic else int(bins)
    counts, edges = np.histogram(values, n_bins)
    if logarithmic:
        edges = np.exp(edges)
    return Histogram(name, edges, counts)
