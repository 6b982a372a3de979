"""Agreement of partitions: by hand, and against other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import variation_of_information as skimage_variation
from sklearn.metrics import rand_score

from napari_ncut.errors import InputError
from napari_ncut.metrics import contingency, covering, rand_index, variation_of_information

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
