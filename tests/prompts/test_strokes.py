"""Boxes, polygons, scribbles and masks as prompts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation
from skimage.measure import points_in_poly

from napari_ncut import Box, InputError, Mask, Polygon, PromptSegmenter, Scribble, embed
from napari_ncut.imaging import PlaneLayout
from napari_ncut.prompts.drawing import area_of_map, polygon_area, spread
from napari_ncut.prompts.drawn import Drawn, read_strokes

SHAPE = (48, 64)
CENTERS = [(12, 14), (12, 46), (35, 30)]
ROWS, COLUMNS = np.indices(SHAPE)
THINGS = np.zeros(SHAPE, dtype=int)
for number, (row, column) in enumerate(CENTERS, 1):
    THINGS[(ROWS - row) ** 2 + (COLUMNS - column) ** 2 <= 36] = number
SIMPLE = {"backbone": "filterbank", "n_components": 4, "node": "color", "layer": 0}
DISCS = np.where(THINGS > 0, 200.0, 40.0) + np.random.default_rng(0).normal(0, 2, SHAPE)
AROUND_FIRST = (5, 7, 19, 21)


@pytest.fixture(scope="module")
def on_discs() -> PromptSegmenter:
    return PromptSegmenter(embed(DISCS, **SIMPLE))


@pytest.fixture(scope="module")
def on_stack() -> PromptSegmenter:
    return PromptSegmenter(
        embed(
            np.stack([DISCS] * 3),
            axes="ZYX",
            backbone="filterbank",
            n_components=4,
            node="color",
            layer=0,
        )
    )


def ask(segmenter, *strokes, points=(), **options):
    return segmenter.predict(points, strokes=strokes, method="tutorial", **options)


def read(*strokes, mode="object", shape=SHAPE, n_planes=1, stride=4) -> Drawn:
    stack = () if n_planes == 1 else (n_planes,)
    return read_strokes(PlaneLayout((shape,) * n_planes, stride, (stack,), False), strokes, mode)


def found(mask) -> list[int]:
    """Numbers of the things more than a third of which is in a mask."""
    return [n for n in (1, 2, 3) if mask[n == THINGS].mean() > 1 / 3]


# ------------------------------------------------------------------------ what a person expects


def test_a_box_around_a_thing_gives_that_thing(on_discs):
    mask = ask(on_discs, Box(*AROUND_FIRST), mode="object")
    assert mask.dtype == bool and found(mask) == [1]
    assert not mask[THINGS != 1].any()


def test_a_box_around_an_example_gives_all_alike(on_discs):
    assert found(ask(on_discs, Box(*AROUND_FIRST), mode="similar")) == [1, 2, 3]


def test_nothing_of_an_object_is_beyond_its_box_and_a_margin(on_discs):
    mask = ask(on_discs, Box(8, 12, 12, 15), mode="object")
    assert mask.any()
    assert not mask[(ROWS < 6) | (ROWS > 14) | (COLUMNS < 10) | (COLUMNS > 17)].any()


def test_boxes_of_a_class_limit_together(on_discs):
    mask = ask(on_discs, Box(*AROUND_FIRST), Box(5, 39, 19, 53), mode="object")
    assert found(mask) == [1, 2]


def test_a_click_beyond_the_box_keeps_what_hangs_together_with_it(on_discs):
    mask = ask(on_discs, Box(*AROUND_FIRST), points=[CENTERS[1]], mode="object")
    assert found(mask) == [1, 2]


def test_boxes_of_two_classes(on_discs):
    labels = ask(
        on_discs, Box(*AROUND_FIRST, label=2), Box(28, 23, 42, 37, label=300), mode="object"
    )
    assert labels.dtype == np.uint16
    assert labels[CENTERS[0]] == 2 and labels[CENTERS[2]] == 300 and labels[CENTERS[1]] == 0


def test_a_negative_box_is_empty_of_objects(on_discs):
    negative = Box(5, 14, 19, 21, positive=False)
    mask = ask(on_discs, negative, points=[(12, 10)], mode="object")
    assert mask[12, 10] and not mask[5:20, 14:22].any()


def test_a_lasso_gives_the_thing_in_it(on_discs):
    outline = [(3, 14), (12, 5), (21, 14), (12, 23)]
    assert found(ask(on_discs, Polygon(outline), mode="object")) == [1]
    assert found(ask(on_discs, Polygon(outline), mode="similar")) == [1, 2, 3]


def test_all_pixels_of_scribbles_end_on_their_side(on_discs):
    drawn = np.zeros(SHAPE, dtype=int)
    drawn[12, 5:50] = 1
    drawn[30:40, 30] = 9
    strokes = Scribble.from_labels(drawn, negative=9)
    for mode in ("similar", "object"):
        mask = ask(on_discs, *strokes, mode=mode, min_area=30)
        assert mask[drawn == 1].all() and not mask[drawn == 9].any()


def test_a_scribble_along_a_path(on_discs):
    mask = ask(on_discs, Scribble([(8, 10), (16, 18)]), mode="object")
    assert found(mask) == [1]
    assert all(mask[8 + i, 10 + i] for i in range(9))


def test_a_point_has_the_last_word_over_a_scribble(on_discs):
    mask = on_discs.predict(
        [(12, 12)], [False], strokes=[Scribble([(12, 10), (12, 16)])], method="tutorial"
    )
    assert not mask[12, 12] and mask[12, 16]


def test_a_mask_is_refined(on_discs):
    rough = binary_dilation(THINGS == 3, iterations=2)
    rough[35, 20] = True
    mask = ask(on_discs, Mask(rough), mode="object")
    assert found(mask) == [3]
    assert not mask[THINGS != 3].any()


def test_masks_of_a_label_map_are_classes(on_discs):
    prior = np.where(THINGS == 1, 1, 0) + np.where(THINGS == 2, 5, 0)
    labels = ask(on_discs, *Mask.from_labels(prior), mode="object")
    assert labels[CENTERS[0]] == 1 and labels[CENTERS[1]] == 5


def test_a_box_on_one_plane_of_a_stack(on_stack):
    mask = ask(on_stack, Box(*AROUND_FIRST, plane=1), mode="object")
    assert mask.shape == (3, *SHAPE)
    assert found(mask[1]) == [1]
    (alone,) = ask(on_stack, Box(*AROUND_FIRST, plane=1), mode="object", planes=[1])
    np.testing.assert_array_equal(alone, mask[1])


@pytest.mark.parametrize("method", ["tutorial", "cut"])
def test_other_methods_know_strokes_too(on_discs, method):
    strokes = [Scribble([(9, 14), (15, 14)]), Scribble([(2, 60), (45, 60)], positive=False)]
    mask = on_discs.predict(strokes=strokes, method=method)
    assert mask[9:16, 14].all() and not mask[2:46, 60].any()


def test_scores_come_with_strokes(on_discs):
    mask, scores = ask(on_discs, Box(*AROUND_FIRST), return_scores=True)
    assert scores.shape == mask.shape == SHAPE
    _, scores = ask(on_discs, Box(*AROUND_FIRST, label=3), return_scores=True)
    assert scores.shape == (1, *SHAPE)


def test_no_strokes_change_nothing(on_discs):
    np.testing.assert_array_equal(
        ask(on_discs, points=[CENTERS[0]]),
        on_discs.predict([CENTERS[0]], method="tutorial"),
    )


def test_what_was_given_may_change_afterwards(on_discs):
    pixels = THINGS == 1
    stroke = Scribble(pixels)
    before = ask(on_discs, stroke)
    pixels[:] = True
    np.testing.assert_array_equal(ask(on_discs, stroke), before)


# -------------------------------------------------------------------------- strokes become clicks


def test_a_box_is_its_middle_and_what_is_around_it():
    drawn = read(Box(10, 20, 20, 40))
    assert drawn.pixels[drawn.positive].tolist() == [[0, 15, 30]]
    outer = drawn.pixels[~drawn.positive][:, 1:]
    assert len(outer) == 8
    off = np.maximum(np.maximum(10 - outer[:, 0], outer[:, 0] - 20), 0) ** 2
    off += np.maximum(np.maximum(20 - outer[:, 1], outer[:, 1] - 40), 0) ** 2
    assert (off >= 25).all() and (off < 49).all()


def test_what_is_around_is_not_clicked_where_all_alike_are_wanted():
    drawn = read(Box(10, 20, 20, 40), mode="similar")
    assert drawn.positive.all() and len(drawn.pixels) == 5


def test_no_click_is_around_where_the_class_was_drawn_beside():
    drawn = read(Box(10, 10, 20, 20), Box(8, 21, 22, 40), Scribble([(0, 15), (9, 15)]))
    outer = drawn.pixels[~drawn.positive]
    assert len(outer)
    for _, area in drawn.strokes:
        assert not area.at(outer[:, 1], outer[:, 2]).any()
    other = read(Box(10, 10, 20, 20, label=1), Box(8, 21, 22, 40, label=2))
    beside = other.pixels[~other.positive & (other.classes == 1)]
    assert other.strokes[1][1].at(beside[:, 1], beside[:, 2]).any()


@pytest.mark.parametrize("box", [(-30, -30, 5, 5), (5, 5, -30, -30)])
def test_what_is_outside_is_cut_off_and_corners_come_in_any_order(box):
    drawn = read(Box(*box))
    assert drawn.strokes[0][1].window == (slice(0, 6), slice(0, 6))
    assert (drawn.pixels >= 0).all()


def test_a_box_of_less_than_a_pixel_is_that_pixel():
    ((_, area),) = read(Box(10.2, 20.2, 10.4, 20.3)).strokes
    assert area.pixels().tolist() == [[10, 20]]


def test_a_ring_is_clicked_in_its_ring():
    ring = ((ROWS - 24) ** 2 + (COLUMNS - 30) ** 2 < 400) & (
        (ROWS - 24) ** 2 + (COLUMNS - 30) ** 2 > 150
    )
    drawn = read(Mask(ring))
    inner = drawn.pixels[drawn.positive]
    assert len(inner) == 16
    assert ring[inner[:, 1], inner[:, 2]].all()
    outer = drawn.pixels[~drawn.positive]
    assert not ring[outer[:, 1], outer[:, 2]].any()


def test_clicks_of_a_scribble_are_bounded_and_spread_from_end_to_end():
    drawn = read(Scribble([(5, 2), (5, 61)]))
    assert len(drawn.pixels) == 24
    columns = np.sort(drawn.pixels[:, 2])
    assert columns[0] == 2 and columns[-1] == 61
    assert np.diff(columns).max() <= 5


def test_a_broad_stroke_in_a_large_image_is_bounded():
    drawn = np.zeros((1000, 1000), dtype=bool)
    drawn[400:420, 50:950] = True
    pixels = read(Scribble(drawn), shape=(1000, 1000)).pixels
    assert len(pixels) == 24
    assert drawn[pixels[:, 1], pixels[:, 2]].all()


def test_strokes_are_deterministic():
    generator = np.random.default_rng(3)
    blob = generator.random(SHAPE) > 0.7
    first, second = (read(Mask(blob), Scribble(blob), Box(3, 3, 30, 40)) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)


def test_a_label_map_becomes_one_scribble_for_each_class():
    maps = np.zeros((2, *SHAPE), dtype=np.uint8)
    maps[0, 3, 3], maps[1, 4, 4], maps[1, 9, 9] = 2, 255, 2
    strokes = Scribble.from_labels(maps, plane=1, negative=255)
    assert [(s.plane, s.number, s.positive) for s in strokes] == [
        (1, 2, True), (2, 2, True), (2, 0, False),
    ]  # fmt: skip


# ------------------------------------------------------------------------------- what is inside


vertex = st.tuples(st.floats(-10, 40), st.floats(-10, 40))


@given(st.lists(vertex, min_size=3, max_size=8))
@settings(max_examples=60, deadline=None)
def test_polygons_are_filled_by_the_even_odd_rule(vertices):
    # An independent test of every pixel; off the pixels' middles, where rules for edges differ.
    polygon = np.array(vertices) + np.array([0.1371, 0.2719])
    area = polygon_area(polygon, (30, 32))
    rows, columns = np.indices((30, 32))
    expected = points_in_poly(np.column_stack([rows.ravel(), columns.ravel()]), polygon)
    if expected.any():
        inside = area.at(rows, columns)
        assert (inside != expected.reshape(30, 32)).mean() < 0.005


def test_a_polygon_that_crosses_itself():
    hourglass = polygon_area(np.array([(0.5, 0.5), (0.5, 20.5), (20.5, 0.5), (20.5, 20.5)]), SHAPE)
    at = lambda r, c: bool(hourglass.at(np.array(r), np.array(c)))  # noqa: E731
    assert at(3, 10) and at(18, 10) and not at(10, 3) and not at(10, 18)


def test_a_wider_area_is_a_dilation():
    mask = np.random.default_rng(0).random(SHAPE) > 0.97
    wide = area_of_map(mask).dilated(2, SHAPE)
    result = np.zeros(SHAPE, dtype=bool)
    result[wide.window] = wide.inside
    np.testing.assert_array_equal(result, binary_dilation(mask, np.ones((5, 5))))


def test_few_pixels_are_all_taken():
    assert len(spread(np.array([[3, 4], [5, 6]]), 24)) == 2


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "make, hint",
    [
        (lambda: Box(1, 1, 1, 9), "no area"),
        (lambda: Box(1, np.nan, 5, 9), "finite"),
        (lambda: Box(1, 1, 5, 9, plane=-1), "plane -1"),
        (lambda: Box(1, 1, 5, 9, plane=0.5), "whole number"),
        (lambda: Box(1, 1, 5, 9, label=0), "from 1"),
        (lambda: Box(1, 1, 5, 9, label=2**40), "2147483647"),
        (lambda: Box(1, 1, 5, 9, positive="no"), "True"),
        (lambda: Polygon([(1, 1), (4, 4)]), "at least 3"),
        (lambda: Polygon([(1, 1), (4, 4), (9, 9)]), "one line"),
        (lambda: Polygon([(1, 1), (4, 4), (9, np.inf)]), "NaN"),
        (lambda: Polygon([1, 2, 3]), "(row, column)"),
        (lambda: Scribble(np.zeros(SHAPE, bool)), "empty"),
        (lambda: Scribble(np.ones((2, 3, 4), bool)), "one plane"),
        (lambda: Scribble(np.ones((4, 5), int)), "(row, column)"),
        (lambda: Scribble([]), "(row, column)"),
        (lambda: Mask(THINGS), "labels == 1"),
        (lambda: Mask(THINGS > 9), "empty"),
        (lambda: Mask.from_labels(np.arange(3000).reshape(50, 60)), "instances"),
        (lambda: Scribble.from_labels(-THINGS), "label -3"),
        (lambda: Scribble.from_labels(THINGS / 2), "whole numbers"),
    ],
)
def test_strokes_that_cannot_be_used_say_why(make, hint):
    with pytest.raises(InputError) as error:
        make()
    assert hint in str(error.value)


@pytest.mark.parametrize(
    "strokes, hint",
    [
        ([Box(60, 1, 70, 9)], "outside"),
        ([Box(1, 1, 5, 9), Polygon([(99, 99), (99, 105), (105, 99)])], "Stroke 1 (a Polygon)"),
        ([Scribble([(99, 99), (120, 120)])], "outside"),
        ([Box(1, 1, 5, 9, plane=1)], "planes 0 to 0"),
        ([Mask(np.ones((5, 5), bool))], "5 × 5"),
        (Box(1, 1, 5, 9), "Give a list"),
        ([(1, 1, 5, 9)], "tuple"),
    ],
)  # fmt: skip
def test_strokes_that_do_not_fit_say_why(on_discs, strokes, hint):
    with pytest.raises(InputError) as error:
        on_discs.predict(strokes=strokes, method="tutorial")
    assert hint in str(error.value)


def test_only_negative_strokes_give_nothing(on_discs):
    assert not ask(on_discs, Box(*AROUND_FIRST, positive=False)).any()
