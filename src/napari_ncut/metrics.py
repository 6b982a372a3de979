"""How well a partition of an image agrees with those that people drew.

All take label maps of one shape, int, in which every number is a region, 0 as well. `truth` may be
several, (n, h, w), one of each annotator; figures are means over them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

__all__ = [
    "Overlaps",
    "achievable_accuracy",
    "boundary_f",
    "boundary_precision",
    "boundary_recall",
    "contingency",
    "covering",
    "overlaps",
    "rand_index",
    "undersegmentation_error",
    "variation_of_information",
]

Table = NDArray[np.float64]
# A table of all pairs of labels with so many cells for each pixel is quicker counted than pairs are
# sorted.
_COUNTED = 4


def covering(labels: ArrayLike, truth: ArrayLike) -> float:
    """How well the best region for each true region covers it.

    The intersection over union of every true region and the region that overlaps it best, averaged
    by area: 1 for equal partitions (Arbeláez et al., Contour detection and hierarchical image
    segmentation, 2011).
    """
    return float(np.mean([one.covering() for one in _overlaps(labels, truth)]))


def rand_index(labels: ArrayLike, truth: ArrayLike) -> float:
    """Share of pairs of pixels that both put together or both put apart.

    Over several annotators this is the probabilistic Rand index (Unnikrishnan et al., Toward
    objective evaluation of image segmentation algorithms, 2007).
    """
    return float(np.mean([one.rand_index() for one in _overlaps(labels, truth)]))


def variation_of_information(labels: ArrayLike, truth: ArrayLike) -> float:
    """What each partition tells that the other does not, in bits: 0 for equal ones.

    Meilă, Comparing clusterings: an axiomatic view, 2005.
    """
    return float(np.mean([one.variation_of_information() for one in _overlaps(labels, truth)]))


def achievable_accuracy(labels: ArrayLike, truth: ArrayLike) -> float:
    """Share of pixels that are right if every region is given the true one that it overlaps most.

    The achievable segmentation accuracy (ASA) of superpixels: no method that labels these regions
    as wholes can do better (Liu et al., Entropy rate superpixel segmentation, 2011). Counted in
    whole pixels, so exact; 1 if no region crosses a true boundary.
    """
    return float(np.mean([table_accuracy(t) for t in _tables(labels, truth)]))


def undersegmentation_error(labels: ArrayLike, truth: ArrayLike) -> float:
    """How much regions leak over true boundaries, as a share of all pixels: 0 if none does.

    Every region that lies in several true ones counts in each of them with the smaller of its two
    parts, that inside and that outside (Neubert and Protzel, Superpixel benchmark and comparison,
    2012). So a region that lies in two halves counts twice its half.
    """
    return float(np.mean([table_leakage(t) for t in _tables(labels, truth)]))


def boundary_recall(labels: ArrayLike, truth: ArrayLike, *, tolerance: float = 2.0) -> float:
    """Share of true boundary pixels with a found one within `tolerance` pixels.

    Martin et al., Learning to detect natural image boundaries, 2004, without their matching of
    pixels one to one, as is usual for superpixels. Boundary pixels are those of `boundary_f`; 1
    where nothing is to be found. Grows with the number of regions.
    """
    return float(np.mean([recall for _, recall in boundary_shares(labels, truth, tolerance)]))


def boundary_precision(labels: ArrayLike, truth: ArrayLike, *, tolerance: float = 2.0) -> float:
    """Share of found boundary pixels with a true one within `tolerance` pixels.

    The counterpart of `boundary_recall`: 1 where nothing was found. Falls with the number of
    regions, most of whose boundaries nobody drew.
    """
    return float(np.mean([one for one, _ in boundary_shares(labels, truth, tolerance)]))


def boundary_f(labels: ArrayLike, truth: ArrayLike, *, tolerance: float = 2.0) -> float:
    """How well boundaries lie on true ones: 1 if all do, 0 if none does.

    The harmonic mean of two shares: of boundary pixels that lie within `tolerance` pixels of a true
    one, and of true ones within it of a found one (Perazzi et al., A benchmark dataset and
    evaluation methodology for video object segmentation, 2016, without their matching of pixels one
    to one). Pixels at boundaries are those beside one of another number, on both sides of it; the
    border of the image is none.

    Parameters
    ----------
    labels, truth
        Masks or label maps (h, w); `truth` may be several, (n, h, w).
    tolerance
        Distance in pixels between middles of pixels. Larger forgives more.
    """
    return float(
        np.mean(
            [
                2 * precision * recall / max(precision + recall, 1e-12)
                for precision, recall in boundary_shares(labels, truth, tolerance)
            ]
        )
    )


def boundary_shares(
    labels: ArrayLike, truth: ArrayLike, tolerance: float
) -> Iterator[tuple[float, float]]:
    """Precision and recall of boundary pixels, for each truth."""
    from scipy.ndimage import distance_transform_edt

    found, several = _comparable(labels, truth)
    sides = _beside_others(found)
    near = distance_transform_edt(~sides) <= tolerance if sides.any() else sides
    for one in several:
        _check_comparable(found, one)
        drawn = _beside_others(one)
        beside = distance_transform_edt(~drawn) <= tolerance if drawn.any() else drawn
        yield (
            float(beside[sides].mean()) if sides.any() else 1.0,
            float(near[drawn].mean()) if drawn.any() else 1.0,
        )


def _beside_others(labels: NDArray) -> NDArray[np.bool_]:
    """Pixels (h, w) that share a side with one of another number."""
    edges = np.zeros(labels.shape, dtype=bool)
    for axis in range(labels.ndim):
        one, other = ((*[slice(None)] * axis, part) for part in (slice(None, -1), slice(1, None)))
        differ = labels[one] != labels[other]
        edges[one] |= differ
        edges[other] |= differ
    return edges


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pixels that regions of two label maps share, of pairs that share any alone.

    What `contingency` is as a table, which of maps with tens of thousands of regions would not fit
    into memory.

    Attributes
    ----------
    rows, columns : arrays (n,), (m,)
        Labels of the first and of the second map, ascending.
    row, column : int arrays (k,)
        Of every pair, places in these; ascending by row, then column.
    counts : float64 array (k,)
        Pixels that a pair shares.
    """

    rows: NDArray
    columns: NDArray
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    counts: NDArray[np.float64]

    @classmethod
    def of_table(cls, table: Table) -> Overlaps:
        """Those of a table of `contingency`, whose labels are not known."""
        row, column = np.nonzero(table)
        rows, columns = (np.arange(size) for size in table.shape)
        return cls(rows, columns, row, column, table[row, column])

    @property
    def row_sizes(self) -> NDArray[np.float64]:
        """Pixels of each region of the first map (n,)."""
        return _sums(self.row, self.counts, len(self.rows))

    @property
    def column_sizes(self) -> NDArray[np.float64]:
        """Pixels of each region of the second map (m,)."""
        return _sums(self.column, self.counts, len(self.columns))

    @property
    def ious(self) -> NDArray[np.float64]:
        """Intersection over union of each pair (k,)."""
        union = self.row_sizes[self.row] + self.column_sizes[self.column] - self.counts
        iou: NDArray[np.float64] = self.counts / union
        return iou

    def table(self) -> Table:
        """All pairs as a table, as `contingency` gives it."""
        table = np.zeros((len(self.rows), len(self.columns)))
        table[self.row, self.column] = self.counts
        return table

    def covering(self) -> float:
        """`covering` of the second map by the first."""
        best = np.zeros(len(self.columns))
        np.maximum.at(best, self.column, self.ious)
        sizes = self.column_sizes
        return float(best @ sizes / sizes.sum())

    def rand_index(self) -> float:
        """`rand_index` of both maps."""
        n = self.counts.sum()
        if n < 2:
            return 1.0
        together, rows, columns = (
            float(np.square(sums).sum())
            for sums in (self.counts, self.row_sizes, self.column_sizes)
        )
        return float(1 - (rows + columns - 2 * together) / (n * (n - 1)))

    def variation_of_information(self) -> float:
        """`variation_of_information` of both maps, in bits."""
        joint, rows, columns = (
            _entropy(sums / sums.sum()) for sums in (self.counts, self.row_sizes, self.column_sizes)
        )
        # Equal partitions differ by rounding alone, which must not make it negative.
        return max(0.0, 2 * joint - rows - columns)


def overlaps(labels: ArrayLike, truth: ArrayLike) -> Overlaps:
    """Pixels that each region and each true region share, of pairs that share any.

    Raises
    ------
    InputError
        If shapes differ or there are no pixels.
    """
    found, drawn = np.asarray(labels), np.asarray(truth)
    _check_comparable(found, drawn)
    rows, row = _ranked(found)
    columns, column = _ranked(drawn)
    joint, n_pairs = row * len(columns) + column, len(rows) * len(columns)
    if n_pairs <= _COUNTED * joint.size:
        table = np.bincount(joint, minlength=n_pairs)
        pairs = np.flatnonzero(table)
        counts = table[pairs]
    else:
        pairs, counts = np.unique(joint, return_counts=True)
    return Overlaps(rows, columns, *np.divmod(pairs, len(columns)), counts.astype(np.float64))


def _ranked(labels: NDArray) -> tuple[NDArray, NDArray[np.intp]]:
    """Labels that occur, ascending, and the place of every pixel's among them, flat."""
    flat = labels.ravel()
    numbered = labels.dtype.kind in "biu"
    lowest, highest = (int(flat.min()), int(flat.max())) if numbered else (0, 0)
    if not numbered or highest - lowest > _COUNTED * flat.size:
        there, place = np.unique(flat, return_inverse=True)
        return there, place
    shifted = flat.astype(np.intp) - lowest
    found = np.flatnonzero(np.bincount(shifted))
    places = np.zeros(highest - lowest + 1, dtype=np.intp)
    places[found] = np.arange(len(found))
    return (found + lowest).astype(labels.dtype, copy=False), places[shifted]


def contingency(labels: ArrayLike, truth: ArrayLike) -> Table:
    """Pixels that each region (rows) and each true region (columns) share, both ascending.

    Raises
    ------
    InputError
        If shapes differ or there are no pixels.
    """
    return overlaps(labels, truth).table()


def table_covering(table: Table) -> float:
    """`covering` of a table of `contingency`."""
    return Overlaps.of_table(table).covering()


def table_accuracy(table: Table) -> float:
    """`achievable_accuracy` of a table of `contingency`."""
    return float(table.max(axis=1).sum() / table.sum())


def table_leakage(table: Table) -> float:
    """`undersegmentation_error` of a table of `contingency`."""
    outside = table.sum(axis=1, keepdims=True) - table
    return float(np.minimum(table, outside).sum() / table.sum())


def table_rand_index(table: Table) -> float:
    """`rand_index` of a table of `contingency`."""
    return Overlaps.of_table(table).rand_index()


def table_variation(table: Table) -> float:
    """`variation_of_information` of a table of `contingency`."""
    return Overlaps.of_table(table).variation_of_information()


def _sums(place: NDArray, weights: NDArray, n: int) -> NDArray[np.float64]:
    return np.bincount(place, weights=weights, minlength=n).astype(np.float64, copy=False)


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _check_comparable(found: NDArray, drawn: NDArray) -> None:
    if found.shape != drawn.shape or found.size == 0:
        raise InputError(
            f"Labels of shape {found.shape} cannot be compared with a truth of shape "
            f"{drawn.shape}. Give label maps of one shape that have pixels."
        )


def _comparable(labels: ArrayLike, truth: ArrayLike) -> tuple[NDArray, NDArray]:
    """Labels, and one truth or more (n, …) to compare them with."""
    drawn, found = np.asarray(truth), np.asarray(labels)
    several = drawn if drawn.ndim == found.ndim + 1 else drawn[np.newaxis]
    if len(several) == 0:
        raise InputError("There is no truth to compare with. Give at least one.")
    return found, several


def _overlaps(labels: ArrayLike, truth: ArrayLike) -> list[Overlaps]:
    found, several = _comparable(labels, truth)
    return [overlaps(found, one) for one in several]


def _tables(labels: ArrayLike, truth: ArrayLike) -> list[Table]:
    return [one.table() for one in _overlaps(labels, truth)]
