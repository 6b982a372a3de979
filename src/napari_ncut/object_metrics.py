"""How well things and their parts are found: boxes, foregrounds, points on parts.

Boxes are (top, left, bottom, right) in pixels, the last two exclusive. Points are (row, column).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

__all__ = [
    "accuracy",
    "adjusted_rand_index",
    "box_iou",
    "corloc",
    "f_beta_curve",
    "labels_at",
    "mask_iou",
    "match_pairs",
    "match_shares",
    "matched_objects",
    "matched_pairs",
    "max_f_beta",
    "normalized_mutual_information",
]

# Of the F measure of salient objects: precision counts more than recall (Achanta et al.,
# Frequency-tuned salient region detection, 2009).
BETA_SQUARED = 0.3
_THRESHOLDS = 255
_LOCALIZED = 0.5


def box_iou(boxes: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of each two boxes, (n, m)."""
    one, other = _boxes(boxes)[:, np.newaxis], _boxes(others)[np.newaxis]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    common = sides.clip(min=0).prod(axis=-1)
    areas = [(box[..., 2:] - box[..., :2]).clip(min=0).prod(axis=-1) for box in (one, other)]
    union = areas[0] + areas[1] - common
    ratio: NDArray[np.float64] = np.divide(
        common, union, out=np.zeros(common.shape), where=union > 0
    )
    return ratio


def corloc(boxes: Iterable[ArrayLike | None], truth: Iterable[ArrayLike]) -> float:
    """Share of images whose box overlaps one of the true ones by an IoU of 0.5 or more.

    Deselaers et al., Localizing objects while learning their appearance, 2010.

    Parameters
    ----------
    boxes
        One (4,) for each image, or None where nothing was found, which counts as wrong.
    truth
        (m, 4) for each image, m ≥ 1.
    """
    hits = []
    for box, true in zip(boxes, truth, strict=True):
        if not np.size(true):
            raise InputError("An image has no true box, so its box cannot be right. Leave it out.")
        hits.append(
            box is not None and bool(box_iou(np.asarray(box)[np.newaxis], true).max() >= _LOCALIZED)
        )
    return _mean(hits, "images")


def mask_iou(mask: ArrayLike, truth: ArrayLike) -> float:
    """Intersection over union of two masks (h, w); 1 if both are empty."""
    found, true = _pair(mask, truth)
    union = np.count_nonzero(found | true)
    return float(np.count_nonzero(found & true) / union) if union else 1.0


def accuracy(mask: ArrayLike, truth: ArrayLike) -> float:
    """Share of pixels on which two masks (h, w) agree."""
    found, true = _pair(mask, truth)
    return float((found == true).mean())


def f_beta_curve(soft: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Fβ of a soft foreground (h, w), 0 to 1, at 255 thresholds, β² = 0.3.

    The harmonic mean of precision and recall of ``soft > (i + ½) / 255``, i from 0; 0 where nothing
    true is found. A binary foreground has one value at all thresholds.
    """
    values, true = np.asarray(soft, dtype=np.float64), np.asarray(truth) != 0
    _check_shapes(values, true)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise InputError("A soft foreground has to have numbers from 0 to 1. Rescale it.")
    # Level k of a value means that it exceeds the first k thresholds.
    levels = np.floor(values * _THRESHOLDS + 0.5).astype(np.int64).ravel()
    above = _exceeding(np.bincount(levels, minlength=_THRESHOLDS + 1))
    right = _exceeding(np.bincount(levels[true.ravel()], minlength=_THRESHOLDS + 1))
    n_true = max(int(true.sum()), 1)
    # F = (1 + β²) P R / (β² P + R), with P = right / above and R = right / true.
    scores: NDArray[np.float64] = (1 + BETA_SQUARED) * right / (BETA_SQUARED * n_true + above)
    return scores


def _exceeding(counts: NDArray) -> NDArray:
    return counts[::-1].cumsum()[::-1][1:]


def max_f_beta(soft: Iterable[ArrayLike], truth: Iterable[ArrayLike]) -> float:
    """Largest Fβ over thresholds of its mean over images, see `f_beta_curve`."""
    curves = [f_beta_curve(one, true) for one, true in zip(soft, truth, strict=True)]
    if not curves:
        raise InputError("There are no images to measure. Give at least one.")
    return float(np.mean(curves, axis=0).max())


def matched_objects(labels: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of every true object with the one found that is matched to it.

    Objects are matched one to one so that their overlaps add up to the most.

    Parameters
    ----------
    labels, truth
        Label maps (h, w), 0 for none.

    Returns
    -------
    float64 array (n true objects,)
        In the order of their numbers; 0 where none was left to match.
    """
    from .metrics import overlaps

    found, true = np.asarray(labels), np.asarray(truth)
    _check_shapes(found, true)
    shared = overlaps(found, true)
    of_things = (shared.rows[shared.row] != 0) & (shared.columns[shared.column] != 0)
    row, column, ious = (a[of_things] for a in (shared.row, shared.column, shared.ious))
    best = np.zeros(len(shared.columns))
    chosen = match_pairs(row, column, ious)
    best[column[chosen]] = ious[chosen]
    return best[shared.columns != 0]


def match_pairs(row: NDArray, column: NDArray, weights: NDArray) -> NDArray[np.intp]:
    """Pairs of which none share a row or a column, and whose weights add up to the most.

    Parameters
    ----------
    row, column : int arrays (k,)
        The pairs that there are; each occurs once.
    weights : float array (k,)
        Above 0.

    Returns
    -------
    int array
        Which of the pairs, ascending.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    alone = (np.bincount(row)[row] == 1) & (np.bincount(column)[column] == 1)
    chosen = np.flatnonzero(alone)
    rest = np.flatnonzero(~alone)
    if not len(rest):
        return chosen
    rows, i = np.unique(row[rest], return_inverse=True)
    columns, j = np.unique(column[rest], return_inverse=True)
    n, m = len(rows), len(columns)
    # Every row may also stay alone, in a column of its own, which costs what no pair gains.
    most = float(weights[rest].max()) + 1
    costs = coo_array(
        (
            np.concatenate([most - weights[rest], np.full(n, most)]),
            (np.concatenate([i, np.arange(n)]), np.concatenate([j, m + np.arange(n)])),
        ),
        shape=(n, m + n),
    ).tocsr()
    one, other = min_weight_full_bipartite_matching(costs)
    paired = other < m
    kept = np.isin(i * m + j, one[paired] * m + other[paired])
    return np.sort(np.concatenate([chosen, rest[kept]]))


def matched_pairs(
    row: NDArray, column: NDArray, ious: NDArray[np.float64], threshold: float
) -> NDArray[np.intp]:
    """Which pairs of things are matches: as many as can be, and of those the best.

    Parameters
    ----------
    row, column : int arrays (k,)
        Things of one image and of the other, in pairs that overlap.
    ious : float64 array (k,)
    threshold
        Intersection over union that a match has at least.
    """
    enough = np.flatnonzero(ious >= threshold)
    # One match more counts more than all that better ones could add.
    weights = 1 + ious[enough] / (2 * max(len(enough), 1))
    return enough[match_pairs(row[enough], column[enough], weights)]


def match_shares(n_matched: int, n_found: int, n_true: int) -> dict[str, float]:
    """Precision, recall, F1 and average precision of things that were matched.

    The average precision of label maps, which have no confidences, is matches over matches and all
    that was missed or found in vain (as in the 2018 Data Science Bowl). All are 1 where there is
    nothing and nothing was found.
    """
    shares = {
        "precision": (n_matched, n_found),
        "recall": (n_matched, n_true),
        "f1": (2 * n_matched, n_found + n_true),
        "ap": (n_matched, n_found + n_true - n_matched),
    }
    none = float(n_found == n_true == 0)
    return {name: part / whole if whole else none for name, (part, whole) in shares.items()}


def labels_at(labels: ArrayLike, points: ArrayLike) -> NDArray:
    """Labels (n,) of a map (h, w) under points (n, 2) as (row, column), in pixels.

    Raises
    ------
    InputError
        If a point lies outside of the map.
    """
    given, places = np.asarray(labels), np.asarray(points, dtype=np.float64).reshape(-1, 2)
    pixels = np.floor(places + 0.5).astype(np.int64)
    outside = ((pixels < 0) | (pixels >= given.shape)).any(axis=1)
    if outside.any():
        row, column = places[int(outside.argmax())]
        raise InputError(
            f"The point at row {row:g}, column {column:g} lies outside of a label map of "
            f"{given.shape[0]} × {given.shape[1]} pixels. Check that rows come before columns."
        )
    return given[pixels[:, 0], pixels[:, 1]]


def normalized_mutual_information(labels: ArrayLike, truth: ArrayLike) -> float:
    """What two labelings of the same things tell of each other, 0 to 1.

    Mutual information over the mean of both entropies; 1 if both are one group.
    """
    table = _table(labels, truth) / np.size(labels)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    outer = np.outer(rows, columns)
    some = table > 0
    information = float((table[some] * np.log(table[some] / outer[some])).sum())
    entropies = [float(-(p * np.log(p)).sum()) for p in (rows, columns)]
    if not any(entropies):
        return 1.0
    return max(0.0, information / float(np.mean(entropies)))


def adjusted_rand_index(labels: ArrayLike, truth: ArrayLike) -> float:
    """Share of pairs that both labelings treat alike, less what chance gives: 1 for equal ones.

    Hubert and Arabie, Comparing partitions, 1985.
    """
    table = _table(labels, truth)
    together, rows, columns, everything = (
        float((n * (n - 1) / 2).sum())
        for n in (table, table.sum(axis=1), table.sum(axis=0), table.sum(keepdims=True))
    )
    expected = rows * columns / max(everything, 1)
    most = (rows + columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _table(labels: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    from .metrics import contingency

    return contingency(np.ravel(np.asarray(labels)), np.ravel(np.asarray(truth)))


def _boxes(boxes: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(boxes, dtype=np.float64)
    if given.size == 0:
        return np.zeros((0, 4))
    if given.ndim != 2 or given.shape[1] != 4:
        raise InputError(
            f"Boxes of shape {given.shape} cannot be used. Give rows (top, left, bottom, right)."
        )
    return given


def _pair(mask: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    found, true = np.asarray(mask) != 0, np.asarray(truth) != 0
    _check_shapes(found, true)
    return found, true


def _check_shapes(found: NDArray, true: NDArray) -> None:
    if found.shape != true.shape or found.size == 0:
        raise InputError(
            f"A mask of shape {found.shape} cannot be compared with a truth of shape "
            f"{true.shape}. Give masks of one shape that have pixels."
        )


def _mean(values: Sequence[float], what: str) -> float:
    if not len(values):
        raise InputError(f"There are no {what} to measure. Give at least one.")
    return float(np.mean(values))
