"""Agreement of partitions: by hand, and against other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import variation_of_information as skimage_variation
from sklearn.metrics import rand_score

from napari_ncut.errors import InputError
from napari_ncut.metrics import (
    achievable_accuracy,
    boundary_f,
    boundary_precision,
    boundary_recall,
    contingency,
    covering,
    overlaps,
    rand_index,
    undersegmentation_error,
    variation_of_information,
)

# Four columns of one pixel; people part them in the middle.
TRUTH = np.array([[5, 5, 9, 9]])
THREE = np.array([[0, 0, 0, 7]])


def test_contingency():
    np.testing.assert_array_equal(contingency(THREE, TRUTH), [[2, 1], [0, 1]])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[1, 1, 0, 0]], (1, 1, 0)),
        ([[1, 1, 1, 1]], (1 / 2, 2 / 6, 1)),
        ([[0, 1, 2, 3]], (1 / 2, 4 / 6, 1)),
        # Each of the two true regions is covered by 2/3 and by 1/2; 3 of 6 pairs agree.
        (THREE, ((2 / 3 + 1 / 2) / 2, 3 / 6, 0.75 * np.log2(3))),
    ],
)
def test_by_hand(labels, expected):
    for metric, value in zip(
        (covering, rand_index, variation_of_information), expected, strict=True
    ):
        assert metric(np.array(labels), TRUTH) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(4))
def test_against_other_libraries(seed: int):
    random = np.random.default_rng(seed)
    labels, truth = random.integers(0, 7, (20, 13)), random.integers(2, 5, (20, 13))
    assert rand_index(labels, truth) == pytest.approx(rand_score(truth.ravel(), labels.ravel()))
    assert variation_of_information(labels, truth) == pytest.approx(
        sum(skimage_variation(truth, labels))
    )


def test_several_annotators_are_averaged():
    both = np.stack([TRUTH, THREE])
    for metric in (covering, rand_index, variation_of_information):
        assert metric(THREE, both) == pytest.approx(
            (metric(THREE, TRUTH) + metric(THREE, THREE)) / 2
        )


def test_shapes_must_agree():
    with pytest.raises(InputError, match="one shape"):
        covering(THREE, TRUTH.T)
    with pytest.raises(InputError, match="no truth"):
        covering(THREE, np.empty((0, 1, 4), int))


def squares(*corners: tuple[int, int], side: int = 10) -> np.ndarray:
    labels = np.zeros((40, 40), int)
    for number, (row, column) in enumerate(corners, start=1):
        labels[row : row + side, column : column + side] = number
    return labels


def test_boundaries_within_two_pixels_are_found():
    truth = squares((10, 10))
    assert boundary_f(truth, truth) == 1
    assert boundary_f(squares((11, 10)), truth) == 1
    assert boundary_f(squares((10, 10), side=15) > 0, truth > 0) < 0.6
    assert boundary_f(squares((10, 10)), squares((25, 25))) < 0.2


def test_boundary_f_by_hand():
    # Boundaries at columns 1 and 2, and 6 and 7: every pixel is 4 or more away from the other's.
    one, other = np.arange(10) >= 2, np.arange(10) >= 7
    one, other = (np.tile(line, (5, 1)) for line in (one, other))
    assert boundary_f(one, other, tolerance=3) == 0
    # Within 4 lies the nearer one of each pair: precision and recall are a half.
    assert boundary_f(one, other, tolerance=4) == 0.5
    assert boundary_f(one, other, tolerance=5) == 1


def test_boundary_f_of_several_and_of_nothing():
    truth, nothing = squares((10, 10)), np.zeros((40, 40), int)
    assert boundary_f(truth, np.stack([truth, nothing])) == 0.5
    assert boundary_f(nothing, nothing) == 1
    with pytest.raises(InputError, match="cannot be compared"):
        boundary_f(truth, truth[:20])


# ------------------------------------------------------------------------------------- superpixels


def test_superpixel_figures_by_hand():
    # Truth ab|cd; superpixels of three and of one pixel: three of four pixels can be right. The
    # larger one lies in the left segment with 2 of 3 pixels and in the right one with 1 of 3: each
    # time the smaller part, 1 pixel, leaks.
    assert achievable_accuracy(THREE, TRUTH) == 3 / 4
    assert undersegmentation_error(THREE, TRUTH) == 2 / 4
    for finer in ([[1, 1, 2, 2]], [[4, 3, 2, 1]]):
        assert achievable_accuracy(finer, TRUTH) == 1
        assert undersegmentation_error(finer, TRUTH) == 0
    assert achievable_accuracy([[1, 1, 1, 1]], TRUTH) == 1 / 2
    assert undersegmentation_error([[1, 1, 1, 1]], TRUTH) == 1
    # Ties go to one of both; annotators are averaged.
    both = np.stack([TRUTH, THREE])
    assert achievable_accuracy([[0, 0, 1, 1]], both) == pytest.approx((1 + 3 / 4) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_is_that_of_the_best_labeling(seed: int):
    random = np.random.default_rng(seed)
    labels, truth = random.integers(0, 9, (15, 11)), random.integers(0, 4, (15, 11))
    best = np.empty_like(truth)
    leaks = 0
    for n in np.unique(labels):
        inside = labels == n
        best[inside] = np.bincount(truth[inside]).argmax()
        for m in np.unique(truth[inside]):
            leaks += min((inside & (truth == m)).sum(), (inside & (truth != m)).sum())
    assert achievable_accuracy(labels, truth) == pytest.approx((best == truth).mean())
    assert undersegmentation_error(labels, truth) == pytest.approx(leaks / truth.size)


def test_boundary_recall_and_precision_by_hand():
    # True boundary pixels in columns 4 and 5; found ones in 4, 5 and in 9, 10.
    truth = np.tile(np.arange(14) >= 5, (6, 1))
    labels = np.tile(np.digitize(np.arange(14), [5, 10]), (6, 1))
    assert boundary_recall(labels, truth) == 1
    assert boundary_precision(labels, truth) == 1 / 2
    assert boundary_precision(truth, labels) == 1
    assert boundary_recall(truth, labels) == 1 / 2
    # Column 9 is 4 away from column 5.
    assert boundary_precision(labels, truth, tolerance=4) == 3 / 4
    nothing = np.zeros_like(labels)
    assert boundary_recall(nothing, truth) == 0 and boundary_precision(nothing, truth) == 1
    assert boundary_recall(labels, nothing) == 1 and boundary_precision(labels, nothing) == 0
    assert boundary_f(labels, truth) == pytest.approx(2 / 3)


@pytest.mark.parametrize("far", [0, 3, 2**40])
def test_overlaps_of_labels_of_any_size(far: int) -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(-2, 5, (2, 30, 40))
    first[first > 3] += far
    found = overlaps(first, second)
    expected = {
        (int(a), int(b)): int(((first == a) & (second == b)).sum())
        for a in np.unique(first)
        for b in np.unique(second)
        if ((first == a) & (second == b)).any()
    }
    pairs = zip(found.rows[found.row].tolist(), found.columns[found.column].tolist(), strict=True)
    assert dict(zip(pairs, found.counts.tolist(), strict=True)) == expected
    assert found.rows.dtype == first.dtype
