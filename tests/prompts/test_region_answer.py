"""From heat of regions to pixels: clicks into regions, and clicks that correct an edge."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.prompts.clicks import Clicks
from napari_ncut.prompts.evidence import DEEPEST, click_depth
from napari_ncut.prompts.region_answer import RegionAnswer
from napari_ncut.regions.graph import RegionGraph

# A thing on the left, ground on the right, and another thing that does not touch the first.
LABELS = np.zeros((24, 60), np.int32)
LABELS[:, 20:] = 1
LABELS[:, 40:] = 2
HEAT = np.array([[0.9, 0.1, 0.9]], np.float32)


def answer_of(points, positive, classes=None, heat=HEAT, mode="similar"):
    pixels = np.array([(0, *point) for point in points])
    classes = np.zeros(len(points), int) if classes is None else np.array(classes)
    clicks = Clicks(pixels, np.zeros(len(points), int), np.array(positive), classes)
    graph = RegionGraph.of(LABELS, np.zeros(LABELS.shape, np.float32))
    answer = RegionAnswer(graph, heat, 0.5)
    answer.hold(clicks, 0)
    if mode == "object":
        answer.keep_clicked(clicks, 0)
    return answer.class_map([int(label) or 1 for label in clicks.labels], np.dtype(np.uint8))


def test_a_click_well_inside_of_a_region_takes_all_of_it():
    assert (answer_of([(12, 8), (12, 30)], [True, True]) == 1).all()
    found = answer_of([(12, 8), (12, 50)], [True, False])
    assert (found == (LABELS == 0)).all()


@pytest.mark.parametrize(("column", "positive"), [(20, True), (21, True), (19, False), (18, False)])
def test_a_click_at_an_edge_corrects_the_edge_alone(column, positive):
    found = answer_of([(12, 8), (12, column)], [True, positive])
    changed = found != (LABELS != 1)
    rows, columns = np.nonzero(changed)
    assert changed[12, column]
    assert found[12, column] == positive
    assert np.hypot(rows - 12, columns - column).max() <= 2
    # Both pixels of the same column, three or more in the next.
    assert 3 <= changed.sum() <= 13


def test_farther_than_two_pixels_the_region_is_meant():
    assert (answer_of([(12, 8), (12, 23)], [True, True]) == 1).all()


def test_one_thing_is_kept_though_it_was_clicked_at_its_edge():
    found = answer_of([(12, 20)], [True], mode="object")
    assert (found[:, :20] == 1).all()
    assert found[12, 20] == 1
    assert not found[:, 40:].any()


def test_clicks_beside_each_other_keep_their_own_pixels():
    points, positive = [(12, 8), (12, 20), (12, 21), (13, 20)], [True, True, False, True]
    found = answer_of(points, positive)
    assert [found[point] for point in points] == positive


def test_a_click_at_an_edge_is_one_of_its_class_and_against_the_others():
    heat = np.array([[0.9, 0.1, 0.1], [0.1, 0.1, 0.9]], np.float32)
    points = [(12, 8), (12, 50), (12, 20), (12, 39)]
    found = answer_of(points, [True, True, True, True], classes=[1, 2, 1, 2], heat=heat)
    assert [int(found[point]) for point in points] == [1, 2, 1, 2]
    assert (found[:, :20] == 1).all() and (found[:, 40:] == 2).all()
    assert (found[:, 24:36] == 0).all()


@pytest.mark.parametrize(
    ("place", "depth"), [((12, 20), 1), ((12, 22), 3), ((12, 30), DEEPEST), ((0, 5), DEEPEST)]
)
def test_how_deep_a_click_lies_in_its_region(place, depth):
    assert click_depth(LABELS, *place) == depth
