from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

# The benchmarks are no part of the package; they lie beside it.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.click_peers import METHODS, Source, clicked_pieces, seeds
from benchmarks.click_sets import Task, evenly, human_regions, nearest_to_middle, repeated_class
from benchmarks.clicks import Result, average, averages, over_sets, run_task, shortfalls
from benchmarks.robot import (
    Click,
    intersection_over_union,
    next_click,
    number_of_clicks,
    use,
)


def picture(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


EMPTY = np.zeros((5, 8), dtype=bool)


def test_the_larger_of_two_missed_things_is_clicked_in_its_middle():
    truth = picture(
        "##......",
        "##.###..",
        "...###..",
        "...###..",
        "........",
    )
    assert next_click(EMPTY, truth) == Click(2, 4, True)


def test_a_false_alarm_larger_than_any_miss_gets_a_negative_click():
    truth = picture("###", "...", "...")
    mask = picture("...", "###", "###")
    assert next_click(mask, truth) == Click(1, 0, False)
    assert next_click(~mask, ~truth) == Click(1, 0, True)


def test_the_border_of_the_image_counts_as_outside():
    # Were it not, the corner would be deepest.
    truth = np.zeros((6, 6), dtype=bool)
    truth[:3, :3] = True
    assert next_click(np.zeros_like(truth), truth) == Click(1, 1, True)
    everything = np.ones((5, 5), dtype=bool)
    assert next_click(~everything, everything) == Click(2, 2, True)


def test_things_that_touch_at_a_corner_only_are_two():
    # As one they would be of six pixels and be clicked before the five.
    truth = picture(
        "##......",
        "#.......",
        ".##.....",
        ".#......",
        "...#####",
    )
    assert next_click(EMPTY, truth) == Click(4, 3, True)


def test_of_errors_of_one_size_a_miss_comes_first_and_then_reading_order():
    assert next_click(picture("##..."), picture("...##")) == Click(0, 3, True)
    assert next_click(picture("....."), picture("##.##")) == Click(0, 0, True)
    assert next_click(picture("##.##"), picture(".....")) == Click(0, 0, False)


def test_without_an_error_there_is_no_click():
    truth = picture("#.", ".#")
    assert next_click(truth, truth) is None
    assert next_click(EMPTY, EMPTY) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_clicked_pixel_is_wrong_in_the_way_the_sign_says(seed):
    random = np.random.default_rng(seed)
    mask, truth = random.random((2, 20, 30)) > 0.5
    click = next_click(mask, truth)
    assert truth[click.row, click.column] == click.positive
    assert mask[click.row, click.column] != click.positive


def test_intersection_over_union_by_hand():
    assert intersection_over_union(picture("##.."), picture(".##.")) == pytest.approx(1 / 3)
    assert intersection_over_union(EMPTY, EMPTY) == 1
    assert intersection_over_union(EMPTY, ~EMPTY) == 0


def test_a_perfect_method_needs_one_click():
    truth = picture("..##", "..##")
    session = use(lambda points, positive: truth.copy(), truth)
    assert session.iou == [1.0] * 20
    assert session.clicks == [Click(0, 2, True)]
    assert len(session.seconds) == 1
    assert number_of_clicks(session.iou) == 1


def test_a_method_that_ignores_clicks_needs_all_twenty():
    truth = picture("..##", "..##")
    session = use(lambda points, positive: picture("##..", "##.."), truth)
    assert session.iou == [0.0] * 20
    assert len(session.clicks) == 20
    assert number_of_clicks(session.iou) == 20


def test_all_clicks_are_handed_over_every_time():
    truth = np.ones((1, 3), dtype=bool)

    def clicked_pixels(points, positive):
        mask = np.zeros_like(truth)
        mask[tuple(points[positive].T)] = True
        return mask

    session = use(clicked_pixels, truth, 5)
    assert session.clicks == [Click(0, 0, True), Click(0, 1, True), Click(0, 2, True)]
    assert session.iou == pytest.approx([1 / 3, 2 / 3, 1, 1, 1])
    assert session.edges[2:] == [1, 1, 1] and session.edges[0] < 1
    assert number_of_clicks(session.iou) == 3
    assert number_of_clicks(session.iou, target=0.6) == 2


def test_masks_of_another_shape_or_type_are_refused():
    truth = np.ones((2, 3), dtype=bool)
    with pytest.raises(ValueError, match=r"bool \(2, 3\)"):
        use(lambda points, positive: np.ones((3, 2), dtype=bool), truth)
    with pytest.raises(ValueError, match="uint8"):
        use(lambda points, positive: np.ones((2, 3), dtype=np.uint8), truth)


def test_the_target_itself_counts_as_reached():
    assert number_of_clicks([0.2, 0.85, 0.4]) == 2
    assert number_of_clicks([0.2, 0.849]) == 2
    assert number_of_clicks([0.9]) == 1


# ------------------------------------------------------------------------------ what is to be found


def test_images_are_spread_evenly():
    assert evenly(list("abcdefg"), 3) == ["a", "d", "g"]
    assert evenly(["a", "b"], 12) == ["a", "b"]


def test_the_region_at_the_middle_comes_first_and_sizes_are_kept():
    labels = np.zeros((9, 9), dtype=int)
    labels[:2, :2] = 1
    labels[3:6, 3:6] = 2
    labels[8, 8] = 2
    first, second = nearest_to_middle(labels, 0.04, 0.5)
    assert first.sum() == 9
    assert first[4, 4]
    assert second.sum() == 4
    assert nearest_to_middle(labels, 0.2, 0.5) == []


def test_an_annotator_without_a_region_of_that_size_is_passed_over():
    whole = np.ones((4, 4), dtype=int)
    halves = np.repeat([1, 1, 2, 2], 4).reshape(4, 4)
    regions = human_regions(np.stack([whole, halves]))
    assert [region.sum() for region in regions] == [8, 8]
    assert human_regions(whole[np.newaxis]) == []


def test_the_class_of_most_segments_is_wanted_but_not_one_of_a_single_segment():
    segments = np.array([[1, 2, 3, 4, 5]])
    assert repeated_class(segments, np.array([[1, 2, 1, 2, 1]])).tolist() == [
        [True, False, True, False, True]
    ]
    assert repeated_class(segments, np.array([[1, 2, 3, 4, 0]])) is None
    assert repeated_class(segments, np.ones((1, 5), dtype=int)) is None


# ------------------------------------------------------------------------------------ the methods


def test_of_overlapping_discs_the_later_click_wins_but_clicked_pixels_stay():
    labels = seeds((1, 9), np.array([[0, 3], [0, 4]]), np.array([True, False]))
    assert labels.tolist() == [[0, 1, 2, 1, 2, 2, 2, 0, 0]]


def test_pieces_without_a_positive_click_go():
    mask = picture("##.##.##")
    points, positive = np.array([[0, 0], [0, 3], [0, 5]]), np.array([True, False, True])
    assert clicked_pieces(mask, points, positive).tolist() == picture("##......").tolist()


@pytest.fixture(scope="module")
def source():
    return Source("filterbank", embedding_options={"n_components": 6})


@pytest.fixture(scope="module")
def square():
    truth = np.zeros((48, 60), dtype=bool)
    truth[10:30, 12:36] = True
    noise = np.random.default_rng(0).normal(0, 0.02, truth.shape)
    return (0.2 + 0.6 * truth + noise).astype(np.float32), truth


@pytest.mark.parametrize("mode", ["similar", "object"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_answers_the_robot(name, mode, source, square):
    if METHODS[name].library:
        pytest.importorskip(METHODS[name].library)
    task = Task("square", mode, lambda: square)
    (result,) = run_task(task, {name: METHODS[name].make(source)}, n_clicks=10)
    assert (result.method, result.image, result.mode) == (name, "square", mode)
    assert len(result.iou) == 10
    assert all(type(value) is float and 0 <= value <= 1 for value in result.iou)
    if not METHODS[name].uses_backbone:
        # A bright square needs no features but its pixels.
        assert max(result.iou) > 0.9


# ------------------------------------------------------------------------------------- the figures


def result(of_set: str, method: str, iou: list[float]) -> Result:
    return Result(of_set, "image", "similar", method, None, iou, iou, [], 0.5, 1.0)


def test_averages_are_over_sets_whatever_their_size():
    results = [
        result("a", "x", [0.9, 0.9]),
        result("a", "x", [0.1, 0.9]),
        result("b", "x", [0.3, 0.5]),
    ]
    assert average(results[:2]).noc == 1.5
    found = averages(results, 2)
    assert found["a"]["x"].iou == pytest.approx([0.5, 0.9])
    mean = over_sets(found)["x"]
    assert mean.noc == 1.75
    assert mean.iou == pytest.approx([0.4, 0.7])


def test_the_shortfall_is_against_the_best_peer_of_a_set():
    results = [
        result("a", "ours", [0, 0, 0.9]),
        result("a", "x", [0.9, 0.9, 0.9]),
        result("a", "y", [0, 0.9, 0.9]),
        result("b", "ours", [0, 0.9, 0.9]),
        result("b", "y", [0, 0, 0.9]),
    ]
    assert shortfalls(averages(results, 3), "ours") == {"a": (2.0, "x"), "b": (-1.0, "y")}
