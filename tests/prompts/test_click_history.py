"""What is told of when clicks were made."""

import numpy as np
import pytest

from napari_ncut.prompts.click_history import FIRST, N_HISTORY, histories, history_features

PIXELS = np.array([(0, 0, 0), (0, 3, 4), (1, 3, 4), (0, 0, 1)])


def test_earlier_clicks_and_the_nearest_of_them():
    found = histories(PIXELS, np.ones(4, bool))
    np.testing.assert_array_equal(found[:, 0], [0, 1, 2, 3])
    # Of those in the same plane.
    np.testing.assert_array_equal(found[:, 1], [np.inf, 5, np.inf, 1])
    np.testing.assert_array_equal(found[0], FIRST)


def test_clicks_about_other_things_do_not_count():
    found = histories(PIXELS, np.array([False, True, False, True]))
    np.testing.assert_array_equal(found[:, 0], [0, 0, 0, 1])
    np.testing.assert_array_equal(found[2], FIRST)
    assert found[3, 1] == pytest.approx(np.hypot(3, 3))


def test_what_was_drawn_came_at_once():
    found = histories(PIXELS, np.ones(4, bool), n_drawn=2)
    np.testing.assert_array_equal(found[:, 0], [0, 0, 1, 2])
    np.testing.assert_array_equal(found[:2, 1], np.inf)
    assert found[3, 1] == 1
    # Drawn for another class, it is no click for this one.
    found = histories(PIXELS, np.array([False, False, True, True]), n_drawn=2)
    np.testing.assert_array_equal(found[:, 0], [0, 0, 0, 1])


def test_no_clicks():
    assert histories(PIXELS[:0], np.ones(0, bool)).shape == (0, N_HISTORY)


def test_features_are_finite_and_rise_with_both():
    found = history_features(histories(PIXELS, np.ones(4, bool)), 400)
    assert found.shape == (4, N_HISTORY) and found.dtype == np.float32
    assert np.isfinite(found).all()
    # The first may be about the whole plane.
    assert found[0, 1] == pytest.approx(np.log1p(20) / 5)
    assert found[3, 0] > found[1, 0] > found[0, 0] == 0
    assert found[3, 1] < found[1, 1] < found[0, 1]
