"""Comparisons, against hand-worked cases, scikit-learn, scipy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from skimage.metrics import variation_of_information
from sklearn.metrics import f1_score, jaccard_score, rand_score

from napari_ncut import InputError, compare_labels
from napari_ncut.measuring.comparing import FIGURES
from napari_ncut.metrics import contingency, overlaps
from napari_ncut.object_metrics import match_pairs, matched_pairs

MAPS = arrays(np.uint8, (5, 6), elements=st.integers(0, 4))
COUNTS = ("objects", "other_objects", "matched", "variation_of_information")


def scene(seed: int, n: int = 6, size: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, n, (size // 4, size // 4))
    return np.kron(blocks, np.ones((4, 4), int))


def shifted(labels: np.ndarray) -> np.ndarray:
    moved = np.roll(labels, 1, axis=0)
    moved[:3] = 0
    return moved


def test_classes_as_scikit_learn_has_it():
    one, two = scene(0), shifted(scene(0))
    found = compare_labels(one, two, things="pieces")
    flat = (two.ravel(), one.ravel())
    numbers = [1, 2, 3, 4, 5]
    assert found.classes["class"].tolist() == numbers
    wanted = jaccard_score(*flat, labels=numbers, average=None)
    np.testing.assert_allclose(found.classes["iou"], wanted)
    dice = f1_score(*flat, labels=numbers, average=None)
    np.testing.assert_allclose(found.classes["dice"], dice)
    assert found.figures["iou"] == pytest.approx(wanted.mean())
    assert found.figures["dice"] == pytest.approx(dice.mean())
    assert found.figures["accuracy"] == pytest.approx((one == two).mean())


def test_partitions_as_libraries_have_it():
    one, two = scene(1, 12), shifted(scene(1, 12))
    figures = compare_labels(one, two).figures
    assert figures["rand_index"] == pytest.approx(rand_score(two.ravel(), one.ravel()))
    split, merge = variation_of_information(two, one)
    assert figures["variation_of_information"] == pytest.approx(split + merge)


def test_things_by_hand():
    truth = np.zeros((4, 12), int)
    truth[:, :4], truth[:, 4:8], truth[:, 9:] = 1, 2, 3
    found = np.zeros_like(truth)
    found[:, :3] = 5  # IoU 12/16
    found[:2, 4:8] = 6  # IoU 8/16
    found[3, 4:8] = 7  # IoU 4/16
    figures = compare_labels(found, truth).figures
    assert figures["objects"] == 3 and figures["other_objects"] == 3
    assert figures["matched"] == 2
    assert figures["precision"] == figures["recall"] == pytest.approx(2 / 3)
    assert figures["ap"] == pytest.approx(2 / 4)
    assert figures["matched_iou"] == pytest.approx((0.75 + 0.5) / 2)
    assert figures["panoptic_quality"] == pytest.approx(1.25 / 3)
    # From 0.50 two match, from 0.55 to 0.75 one, above none.
    assert figures["ap_mean"] == pytest.approx((2 / 4 + 5 * (1 / 5)) / 10)
    low = compare_labels(found, truth, iou=0.2).figures
    assert low["matched"] == 2
    strict = compare_labels(found, truth, iou=1.0).figures
    assert strict["matched"] == 0 and strict["f1"] == 0 and strict["matched_iou"] == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("threshold", [0.01, 0.2, 0.5])
def test_matches_are_the_best_there_are(seed, threshold):
    """Against the assignment of the whole table, which scipy solves."""
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((9, 11)) < 0.4, rng.random((9, 11)), 0)
    row, column = np.nonzero(table)
    ious = table[row, column]
    enough = table >= threshold
    gain = enough * (1 + table / (2 * max(enough.sum(), 1)))
    one, other = linear_sum_assignment(-gain)
    chosen = matched_pairs(row, column, ious, threshold)
    assert len(chosen) == enough[one, other].sum()
    assert ious[chosen].sum() == pytest.approx(table[one, other][enough[one, other]].sum())
    assert len(set(row[chosen])) == len(set(column[chosen])) == len(chosen)
    plain = match_pairs(row, column, ious)
    assert ious[plain].sum() == pytest.approx(table[linear_sum_assignment(-table)].sum())


def test_pairs_are_the_table():
    one, two = scene(2, 9), shifted(scene(2, 9))
    table, pairs = contingency(one, two), overlaps(one, two)
    np.testing.assert_array_equal(pairs.table(), table)
    np.testing.assert_array_equal(pairs.row_sizes, table.sum(axis=1))
    assert table[4, 5] == np.count_nonzero((one == pairs.rows[4]) & (two == pairs.columns[5]))


def test_classes_part_things():
    truth = np.array([[1, 1, 0, 2, 2, 0, 3, 3]])
    figures = compare_labels(
        truth, truth, classes={1: 1, 2: 1, 3: 2}, other_classes={1: 1, 2: 2, 3: 2}
    )
    assert figures.figures["matched"] == 2
    assert figures.classes["iou"].tolist() == [0.5, 0.5]
    assert figures.classes["recall"].tolist() == [1, 0.5]


def test_planes_are_counted_together():
    planes = np.stack([scene(3), scene(4)])
    moved = np.stack([shifted(plane) for plane in planes])
    both = compare_labels(planes, moved, axes="TYX").figures
    alone = [compare_labels(*pair).figures for pair in zip(planes, moved, strict=True)]
    assert both["objects"] == sum(one["objects"] for one in alone)
    assert both["matched"] == sum(one["matched"] for one in alone)
    assert both["rand_index"] == pytest.approx(np.mean([one["rand_index"] for one in alone]))
    through = compare_labels(planes, moved, axes="ZYX", volumes=True).figures
    assert through["objects"] == 5


def test_equal_and_empty():
    for labels in (scene(5), np.zeros((8, 8), int)):
        for things in ("labels", "pieces"):
            figures = dict(compare_labels(labels, labels, things=things).figures)
            counts = [figures.pop(n) for n in ("objects", "other_objects", "matched")]
            assert counts[0] == counts[1] == counts[2]
            assert figures.pop("variation_of_information") == 0
            assert set(figures.values()) == {1.0}
    nothing = compare_labels(np.zeros_like(scene(5)), scene(5)).figures
    assert nothing["iou"] == nothing["recall"] == nothing["ap"] == nothing["precision"] == 0
    assert set(nothing) == set(FIGURES)


def test_boundaries_within_a_tolerance():
    one = np.zeros((20, 20), int)
    one[5:15, 5:15] = 1
    two = np.roll(one, 3, axis=1)
    assert compare_labels(one, two, tolerance=3).figures["boundary_f"] == 1
    assert compare_labels(one, two, tolerance=0).figures["boundary_f"] < 0.6


def test_csv(tmp_path):
    found = compare_labels(scene(5), shifted(scene(5)))
    found.to_csv(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "figure,value,meaning" and len(lines) == len(FIGURES) + 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"other": np.zeros((3, 3), int)}, "one shape"),
        ({"iou": 0}, "up to 1"),
        ({"iou": 1.5}, "up to 1"),
        ({"tolerance": -1}, "from 0"),
        ({"classes": {1: 1}}, "of one side"),
        ({"things": "pieces", "classes": {1: 1}, "other_classes": {1: 1}}, "Leave classes out"),
    ],
    ids=str,
)
def test_refusals(arguments, told):
    given = {"other": scene(0), **arguments}
    with pytest.raises(InputError, match=told):
        compare_labels(scene(0), **given)


@given(
    arrays(np.uint8, (5, 6), elements=st.integers(0, 4)),
    arrays(np.uint8, (5, 6), elements=st.integers(0, 4)),
)
@settings(max_examples=60, deadline=None)
def test_either_side_may_be_the_truth(one, two):
    for things in ("labels", "pieces"):
        found = compare_labels(one, two, things=things, iou=0.3).figures
        turned = compare_labels(two, one, things=things, iou=0.3).figures
        for name in ("iou", "dice", "accuracy", "matched", "f1", "ap", "ap_mean", "boundary_f",
                     "rand_index", "variation_of_information"):  # fmt: skip
            assert found[name] == pytest.approx(turned[name]), name
        assert found["precision"] == pytest.approx(turned["recall"])
        shares = [v for n, v in found.items() if n not in COUNTS]
        assert all(0 <= share <= 1 for share in shares)
