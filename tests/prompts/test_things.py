"""Which prompts are about the same thing, and how masks of things are numbered."""

from __future__ import annotations

import numpy as np

from napari_ncut.imaging import PlaneLayout
from napari_ncut.prompts import Box, Mask, Polygon, Scribble
from napari_ncut.prompts.clicks import check_clicks
from napari_ncut.prompts.drawn import read_strokes
from napari_ncut.prompts.things import PlaneThings, ThingScores, things_on
from napari_ncut.sam import MaskSet

LAYOUT = PlaneLayout(((40, 60), (40, 60)), 8, ((2,),), False)


def things(points=(), positive=None, classes=None, strokes=(), *, plane=0, each_point=False):
    given = [(0, *point) if len(point) == 2 else point for point in points]
    clicks = check_clicks(LAYOUT, given, positive, classes)
    drawn = read_strokes(LAYOUT, tuple(strokes), "similar")
    return things_on(drawn.before(clicks, LAYOUT), plane, each_point=each_point)


def told(thing):
    return [(*map(int, p), bool(s)) for p, s in zip(thing.pixels, thing.positive, strict=True)]


def test_points_of_a_class_are_about_one_thing():
    first, second = things(
        [(5, 5), (6, 7), (30, 30), (8, 8), (1, 1)], [True, True, True, False, False],
        [1, 1, 2, 1, 0],
    )  # fmt: skip
    assert (first.label, second.label) == (1, 2)
    assert told(first) == [(5, 5, True), (6, 7, True), (8, 8, False), (1, 1, False)]
    assert told(second) == [(30, 30, True), (1, 1, False)]
    assert first.box is None and first.outline is None


def test_each_point_may_be_about_a_thing_of_its_own():
    found = things([(5, 5), (6, 30), (8, 8)], [True, True, False], each_point=True)
    assert [told(thing) for thing in found] == [
        [(5, 5, True), (8, 8, False)],
        [(6, 30, True), (8, 8, False)],
    ]


def test_every_box_is_about_a_thing_and_takes_the_points_in_it():
    boxes = [Box(0, 0, 20, 20), Box(2, 2, 10, 10), Box(0, 40, 20, 50, label=2)]
    points, signs = [(5, 5), (15, 15), (5, 6), (5, 45), (39, 0)], [True, True, False, False, False]
    found = things(points, signs, [1, 1, 1, 2, 0], boxes)
    assert [thing.label for thing in found] == [1, 1, 2]
    assert found[0].box == (0, 0, 20, 20)
    # A positive point is about the smallest box around it, a negative one about all around it;
    # what lies in no box is about all.
    assert told(found[0]) == [(15, 15, True), (5, 6, False), (39, 0, False)]
    assert told(found[1]) == [(5, 5, True), (5, 6, False), (39, 0, False)]
    assert told(found[2]) == [(5, 45, False), (39, 0, False)]


def test_negative_points_beside_all_boxes_are_about_the_points():
    found = things(
        [(30, 30), (35, 35)], [True, False], strokes=[Box(0, 0, 20, 20)],
    )  # fmt: skip
    assert [told(thing) for thing in found] == [[], [(30, 30, True), (35, 35, False)]]
    (alone,) = things([(35, 35)], [False], strokes=[Box(0, 0, 20, 20)])
    assert told(alone) == [(35, 35, False)]


def test_outlines_are_masks_with_a_box_and_scribbles_are_points():
    painted = np.zeros((40, 60), bool)
    painted[30, 10:50] = True
    square = Polygon([[1.5, 1.5], [1.5, 12.5], [12.5, 12.5], [12.5, 1.5]])
    mask = np.zeros((40, 60), bool)
    mask[20:25, 40:50] = True
    outline, existing, scribble = things(strokes=[square, Mask(mask), Scribble(painted)])
    assert outline.box == (1.5, 1.5, 12.5, 12.5)
    whole = outline.whole_outline((40, 60))
    assert whole.sum() == 121 and whole[2:13, 2:13].all()
    assert existing.box == (19.5, 39.5, 24.5, 49.5)
    assert scribble.box is None and len(scribble.pixels) == 8 and scribble.positive.all()
    held = np.zeros((40, 60), bool)
    scribble.hold(held)
    np.testing.assert_array_equal(held, painted)


def test_prompts_are_about_their_own_plane():
    points = [(0, 5, 5), (1, 6, 6)]
    strokes = [Box(20, 20, 30, 30, plane=1)]
    assert [told(t) for t in things(points, strokes=strokes)] == [[(5, 5, True)]]
    assert [t.box for t in things(points, strokes=strokes, plane=1)] == [(20, 20, 30, 30), None]


def test_a_box_beyond_the_image_is_cut_where_the_image_ends():
    (thing,) = things(strokes=[Box(-10, 30, 20, 200)])
    assert thing.box == (-1, 30, 20, 60)


def test_things_are_numbered_by_masks_with_the_smaller_on_top():
    masks = np.zeros((3, 6, 6), bool)
    masks[0, :4] = True  # class 1
    masks[1, 1:3, 1:3] = True  # class 2, within it
    masks[2, 1, 1] = True  # class 2, hides nothing else in the end
    labels = np.zeros((6, 6), int)
    labels[:4] = 1
    labels[1:3, 1:3] = 2
    labels[1, 1] = 1  # a click that holds a pixel of the first
    scores = [ThingScores(label, (0.5 + label / 10, 0.1, 0.2), 0) for label in (1, 2, 2)]
    found = PlaneThings.of_masks(labels, MaskSet.of(masks), scores)
    assert found.classes.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found.numbers, labels)
    assert [one.score for one in found.scores] == [0.6, 0.7]
