"""Sets of masks: kept cropped, joined, made labels, told as run lengths."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut import InputError, MaskSet
from napari_ncut.sam.mask_set import from_run_lengths, run_lengths


def some_masks(n: int = 5, shape: tuple[int, int] = (9, 13)) -> np.ndarray:
    random = np.random.default_rng(0)
    masks = np.zeros((n, *shape), bool)
    for mask in masks[1:]:
        top, left = random.integers(0, 5, 2)
        mask[top : top + 4, left : left + 6] = random.random((4, 6)) > 0.4
    return masks


def test_masks_come_back_whole():
    masks = some_masks()
    found = MaskSet.of(masks, columns={"score": range(5)})
    np.testing.assert_array_equal(found.stack(), masks)
    np.testing.assert_array_equal(np.stack(list(found)), masks)
    np.testing.assert_array_equal(found.areas, masks.sum(axis=(1, 2)))
    assert found.boxes[0].tolist() == [0, 0, 0, 0] and found.crops[0].size == 0
    for mask, (top, left, bottom, right) in zip(masks[1:], found.boxes[1:], strict=True):
        rows, columns = np.nonzero(mask)
        assert [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1] == [
            top, left, bottom, right
        ]  # fmt: skip
    np.testing.assert_array_equal(
        found.membership().toarray().reshape(5, *found.shape).astype(bool), masks
    )


def test_the_smaller_of_two_masks_lies_on_top():
    # A whole of 12 pixels, a part of 4 in it, and two of 2 that share a pixel: the first has it.
    masks = np.zeros((4, 3, 4), bool)
    masks[1, 1:, 1:3] = True
    masks[2, 1, 1:3] = True
    masks[3, 1, 2:4] = True
    order = [2, 0, 3, 1]  # whatever the order
    masks[0] = True
    labels = MaskSet.of(masks[order]).labels(np.array([10, 20, 30, 40])[order])
    assert labels.tolist() == [[10, 10, 10, 10], [10, 30, 30, 40], [10, 20, 20, 10]]
    assert MaskSet.of(masks).labels().tolist() == [[1, 1, 1, 1], [1, 3, 3, 4], [1, 2, 2, 1]]
    assert MaskSet.of(masks).labels([1, 0, 0, 4]).tolist()[1] == [1, 1, 4, 4]


@pytest.mark.parametrize(
    "mask, counts",
    [
        # column by column: 0 0, 1 0, 1 1
        ([[0, 1, 1], [0, 0, 1]], [2, 1, 1, 2]),
        ([[1, 0], [0, 0]], [0, 1, 3]),
        ([[0, 0], [0, 1]], [3, 1]),
        ([[0, 0], [0, 0]], [4]),
        ([[1, 1], [1, 1]], [0, 4]),
    ],
)
def test_run_lengths_worked_by_hand(mask, counts):
    told = run_lengths(np.array(mask, bool))
    assert told == {"size": list(np.shape(mask)), "counts": counts}
    np.testing.assert_array_equal(from_run_lengths(told), np.array(mask, bool))


def test_run_lengths_are_those_of_segment_anything():
    torch = pytest.importorskip("torch")
    from segment_anything.utils.amg import mask_to_rle_pytorch

    masks = some_masks()
    found = MaskSet.of(masks)
    for i, expected in enumerate(mask_to_rle_pytorch(torch.from_numpy(masks))):
        assert found.coco(i) == expected


def test_run_lengths_that_do_not_fit_are_refused():
    for counts in ([3], [-1, 5], [2, 3]):
        with pytest.raises(InputError, match="add up"):
            from_run_lengths({"size": [2, 2], "counts": counts})


def test_labels_become_masks():
    labels = np.array([[0, 7, 7], [3, 0, 7]])
    found = MaskSet.of_labels(labels)
    assert found.columns["label"].tolist() == [3, 7]
    np.testing.assert_array_equal(found.stack(), [labels == 3, labels == 7])
    np.testing.assert_array_equal(found.labels(found.columns["label"]), labels)
    assert len(MaskSet.of_labels(np.zeros((3, 4), int))) == 0
    full = MaskSet.of_labels(np.full((3, 4), 5))
    assert full.columns["label"].tolist() == [5] and full.areas.tolist() == [12]


def test_sets_are_chosen_from_and_joined():
    found = MaskSet.of(some_masks(), columns={"score": range(5), "point": np.eye(5, 2)})
    chosen = found.select([3, 1])
    assert chosen.columns["score"].tolist() == [3, 1]
    np.testing.assert_array_equal(chosen.mask(0), found.mask(3))
    assert len(found.select(found.columns["score"] > 2)) == 2
    other = chosen.with_columns(level=[0, 1])
    joined = MaskSet.joined([found, other])
    assert len(joined) == 7 and set(joined.columns) == {"score", "point"}
    np.testing.assert_array_equal(joined.mask(6), found.mask(1))
    with pytest.raises(InputError, match="cannot be joined"):
        MaskSet.joined([found, MaskSet.of([], (3, 4))])


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="shape"):
        MaskSet.of([])
    with pytest.raises(InputError, match="one plane"):
        MaskSet.of([np.ones((2, 3)), np.ones((3, 2))])
    with pytest.raises(InputError, match="one of each"):
        MaskSet.of([np.ones((2, 3))], columns={"score": [1, 2]})
    with pytest.raises(InputError, match="integers"):
        MaskSet.of_labels(np.ones((2, 3)))
