"""One piece for every number; small pieces join what they touch most."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_ncut.superpixels.connectivity import connected_pieces
from napari_ncut.superpixels.markers import spread_markers


def pieces_of(labels: np.ndarray) -> list[int]:
    return [ndimage.label(labels == n)[1] for n in range(1, labels.max() + 1)]


def test_pieces_get_numbers_of_their_own():
    labels = np.array([[0, 0, 5, 0], [5, 5, 5, 0]])
    expected = [[1, 1, 2, 3], [2, 2, 2, 3]]
    np.testing.assert_array_equal(connected_pieces(labels), expected)
    # Corners do not connect.
    np.testing.assert_array_equal(connected_pieces(np.eye(2, dtype=int)), [[1, 2], [3, 4]])


def test_a_small_piece_joins_the_longest_neighbor():
    labels = np.zeros((6, 8), int)
    labels[:, 4:] = 1
    labels[2:4, 3] = 2  # four sides in the left half, two in the right one
    joined = connected_pieces(labels, smallest=3)
    np.testing.assert_array_equal(joined, 1 + (np.indices((6, 8))[1] >= 4))


def test_small_pieces_join_each_other_until_they_are_large():
    # Single pixels everywhere: in the end nothing is smaller than asked for.
    labels = np.arange(100).reshape(10, 10)
    joined = connected_pieces(labels, smallest=7)
    assert np.bincount(joined.ravel())[1:].min() >= 7
    assert pieces_of(joined) == [1] * joined.max()
    np.testing.assert_array_equal(connected_pieces(labels, smallest=101), np.ones((10, 10)))


@pytest.mark.parametrize("shape", [(20, 31), (6, 9, 8)])
def test_random_labels(shape: tuple[int, ...]):
    labels = np.random.default_rng(0).integers(0, 3, shape)
    joined = connected_pieces(labels, smallest=5)
    assert pieces_of(joined) == [1] * joined.max()
    assert np.bincount(joined.ravel())[1:].min() >= 5
    # What was large enough stays in one piece.
    before = connected_pieces(labels)
    large = np.flatnonzero(np.bincount(before.ravel())[1:] >= 5) + 1
    assert all(len(np.unique(joined[before == n])) == 1 for n in large)


@pytest.mark.parametrize("shape", [(10, 14), (1, 7), (9, 1), (4, 6, 5), (50, 3)])
def test_as_many_markers_as_asked_for(shape: tuple[int, ...]):
    for n in (1, 2, 3, 5, 7, int(np.prod(shape)) // 2, int(np.prod(shape))):
        if n <= np.prod(shape):
            markers = spread_markers(shape, n)
            np.testing.assert_array_equal(np.sort(markers[markers > 0]), np.arange(1, n + 1))


def test_markers_are_spread():
    rows, columns = np.nonzero(spread_markers((100, 200), 50))
    apart = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    np.fill_diagonal(apart, np.inf)
    # Squares of 20 × 20 pixels.
    assert apart.min(axis=1).min() >= 15
