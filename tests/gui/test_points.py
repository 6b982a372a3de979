"""Clicks become masks, and everything that changes clicks changes masks."""

from __future__ import annotations

import numpy as np


def right_half(labels: np.ndarray) -> float:
    """Share of the bright right half that is labeled, minus the share of the left one."""
    width = labels.shape[-1]
    return float((labels[..., width // 2 :] > 0).mean() - (labels[..., : width // 2] > 0).mean())


def test_a_click_masks_the_half_it_is_on(prepared):
    bench = prepared()
    bench.click([30, 50])
    assert right_half(bench.preview.data) > 0.8
    assert bench.preview.data[30, 50] == 1


def test_an_empty_points_layer_shows_nothing(prepared):
    bench = prepared()
    assert bench.preview is None
    assert not bench.segment.accept_button.isEnabled()
    assert bench.messages("error") == []


def test_taking_the_last_point_away_empties_the_preview(prepared):
    bench = prepared()
    bench.click([30, 50])
    bench.points.selected_data = {0}
    bench.points.remove_selected()
    bench.wait(bench.settled)
    assert not bench.preview.data.any()
    assert not bench.segment.accept_button.isEnabled()


def test_a_point_outside_is_ignored_and_counted(prepared):
    bench = prepared()
    bench.click([30, 50])
    before = bench.preview.data.copy()
    bench.click([300, 50], [np.nan, 3])
    np.testing.assert_array_equal(bench.preview.data, before)
    assert "2 point(s) lie on no image" in bench.segment.status.text()
    assert bench.messages("error") == []
