"""Figures of boxes, foregrounds and parts, worked out by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import metrics as sklearn_metrics

from napari_ncut import InputError
from napari_ncut import object_metrics as om

TRUTH = np.array([[1, 1, 0, 0], [1, 1, 0, 0]])


def test_boxes_by_hand():
    # 2 × 2 and 2 × 2, one column in common: 2 / 6; apart: 0; touching sides have nothing in common.
    boxes = [[0, 0, 2, 2]]
    assert_allclose(om.box_iou(boxes, [[0, 1, 2, 3], [5, 5, 6, 6], [0, 2, 2, 4]]), [[1 / 3, 0, 0]])
    assert om.box_iou(boxes, np.zeros((0, 4))).shape == (1, 0)


def test_corloc_by_hand():
    truth = [[[0, 0, 2, 2], [4, 4, 8, 8]], [[0, 0, 4, 4]], [[0, 0, 4, 4]]]
    # The second true box; exactly a half; nothing found.
    boxes = [[4, 4, 8, 7], [0, 0, 2, 4], None]
    assert om.corloc(boxes, truth) == pytest.approx(2 / 3)
    assert om.corloc([[0, 0, 2, 3.9]], [[[0, 0, 4, 4]]]) == 0
    with pytest.raises(InputError, match="no true box"):
        om.corloc([None], [[]])


def test_masks_by_hand():
    found = np.array([[1, 0, 0, 0], [1, 1, 1, 0]])
    assert om.mask_iou(found, TRUTH) == pytest.approx(3 / 5)
    assert om.accuracy(found, TRUTH) == pytest.approx(6 / 8)
    assert om.mask_iou(np.zeros((2, 2)), np.zeros((2, 2))) == 1
    assert om.mask_iou(np.zeros((2, 2)), np.ones((2, 2))) == 0
    with pytest.raises(InputError, match="one shape"):
        om.mask_iou(np.zeros((2, 2)), np.zeros((2, 3)))


def test_masks_as_in_scikit_learn():
    random = np.random.RandomState(0)
    found, truth = random.rand(2, 20, 30) > 0.6
    flat = truth.ravel(), found.ravel()
    assert om.mask_iou(found, truth) == pytest.approx(sklearn_metrics.jaccard_score(*flat))
    assert om.accuracy(found, truth) == pytest.approx(sklearn_metrics.accuracy_score(*flat))
    f = sklearn_metrics.fbeta_score(*flat, beta=np.sqrt(0.3))
    assert_allclose(om.f_beta_curve(found, truth), f)


def test_soft_foregrounds_as_in_scikit_learn():
    random = np.random.RandomState(1)
    truth = random.rand(12, 9) > 0.5
    soft = np.clip(0.3 * truth + 0.7 * random.rand(12, 9), 0, 1)
    curve = om.f_beta_curve(soft, truth)
    for i in (0, 100, 254):
        above = soft > (i + 0.5) / 255
        f = sklearn_metrics.fbeta_score(truth.ravel(), above.ravel(), beta=np.sqrt(0.3))
        assert curve[i] == pytest.approx(f)


def test_largest_f_is_of_the_mean_over_images():
    # At high thresholds the first is right and the second finds nothing, at low ones the reverse.
    first, second = np.where(TRUTH, 1.0, 0.6), np.where(TRUTH, 0.4, 0.0)
    all_of_it = 1.3 * 4 / (0.3 * 4 + 8)
    assert om.max_f_beta([first], [TRUTH]) == om.max_f_beta([second], [TRUTH]) == 1
    assert om.max_f_beta([first, second], [TRUTH, TRUTH]) == pytest.approx((all_of_it + 1) / 2)
    with pytest.raises(InputError, match="0 to 1"):
        om.f_beta_curve(TRUTH * 255, TRUTH)


def test_objects_are_matched_one_to_one():
    truth = np.array([[1, 1, 1, 1, 0, 3, 3, 0]])
    # The first two lie in one true object, of which the larger is the match; 3 is not found.
    found = np.array([[5, 5, 5, 2, 0, 0, 0, 7]])
    assert_allclose(om.matched_objects(found, truth), [3 / 4, 0])
    assert om.matched_objects(found, np.zeros((1, 8), int)).shape == (0,)
    assert_allclose(om.matched_objects(np.zeros((1, 8), int), truth), [0, 0])


def test_points_are_rows_and_columns():
    labels = np.arange(6).reshape(2, 3)
    assert om.labels_at(labels, [[0, 2], [1, 0], [0.6, 1.4]]).tolist() == [2, 3, 4]
    with pytest.raises(InputError, match="rows come before columns"):
        om.labels_at(labels, [[2, 0]])


def test_parts_by_hand():
    # Two groups of two; one of them split in two: MI = H(truth) = ln 2, H(labels) = 1.5 ln 2.
    labels, truth = [1, 1, 2, 3], ["a", "a", "b", "b"]
    assert om.normalized_mutual_information(labels, truth) == pytest.approx(1 / 1.25)
    # One pair together in both; 1 and 2 of 6 pairs: (1 − 1/3) / (1.5 − 1/3).
    assert om.adjusted_rand_index(labels, truth) == pytest.approx(4 / 7)
    assert om.normalized_mutual_information([1, 1], [2, 2]) == 1


def test_parts_as_in_scikit_learn():
    random = np.random.RandomState(0)
    for n in (2, 10, 300):
        labels, truth = random.randint(0, 5, (2, n))
        assert om.normalized_mutual_information(labels, truth) == pytest.approx(
            sklearn_metrics.normalized_mutual_info_score(truth, labels), abs=1e-12
        )
        assert om.adjusted_rand_index(labels, truth) == pytest.approx(
            sklearn_metrics.adjusted_rand_score(truth, labels)
        )
