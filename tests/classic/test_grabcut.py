"""GrabCut: boxes and marks, against OpenCV asked directly, and on images of all kinds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut import InputError
from napari_ncut.classic import GrabCut, Mark, grabcut, grabcut_part

cv2 = pytest.importorskip("cv2")


def disks(shape: tuple[int, int] = (80, 120), seed: int = 0) -> np.ndarray:
    """Two bright disks, of radius 12, on dark: RGB with a little noise."""
    rows, columns = np.indices(shape)
    inside = (np.hypot(rows - 40, columns - 35) < 12) | (np.hypot(rows - 40, columns - 85) < 12)
    colors = np.where(inside[..., np.newaxis], (200, 160, 60), (40, 50, 90))
    noise = np.random.RandomState(seed).normal(0, 8, (*shape, 3))
    return (colors + noise).clip(0, 255).astype(np.uint8)


TRUTH = [
    np.hypot(*(np.indices((80, 120)) - np.array([40, column])[:, None, None])) < 12
    for column in (35, 85)
]
LEFT, RIGHT = (25, 20, 55, 50), (25, 70, 55, 100)


def test_one_box_equals_opencv_asked_directly():
    image = disks()
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    # A rectangle is (x, y, width, height) there.
    cv2.grabCut(image, mask, (20, 25, 31, 31), *models, 3, cv2.GC_INIT_WITH_RECT)
    ours = grabcut(image, axes="YXC", boxes=[LEFT], iterations=3, margin=None, scaling="dtype")
    np.testing.assert_array_equal(ours, (mask == 1) | (mask == 3))
    np.testing.assert_array_equal(ours, TRUTH[0])


def test_several_boxes_are_cut_by_themselves_and_merged():
    mask = grabcut(disks(), axes="YXC", boxes=[LEFT, RIGHT])
    np.testing.assert_array_equal(mask, TRUTH[0] | TRUTH[1])
    # Corners may come in any order.
    turned = grabcut(disks(), axes="YXC", boxes=[(55, 50, 25, 20), (25, 100, 55, 70)])
    np.testing.assert_array_equal(mask, turned)


def test_iterations_go_on_where_they_are_and_state_goes_back():
    cutter = GrabCut(disks(), axes="YXC")
    cutter.set_boxes([LEFT])
    assert not cutter.mask.any()
    cutter.iterate()
    before, state = cutter.mask, cutter.state
    cutter.set_boxes([LEFT, RIGHT])
    cutter.iterate(2)
    assert (cutter.mask & TRUTH[1]).sum() > 0.9 * TRUTH[1].sum()
    cutter.state = state
    np.testing.assert_array_equal(cutter.mask, before)
    once = GrabCut(disks(), axes="YXC")
    once.set_boxes([LEFT, RIGHT])
    np.testing.assert_array_equal(once.iterate(3), grabcut(disks(), axes="YXC",
                                  boxes=[LEFT, RIGHT], iterations=3))  # fmt: skip


def test_closing_it_early_changes_nothing():
    cutter = GrabCut(disks(), axes="YXC")
    cutter.set_boxes([LEFT])
    state = cutter.state
    steps = cutter.iterate_steps(3)
    next(steps), next(steps)
    steps.close()
    assert cutter.state is state


def test_marks_alone_find_what_is_like_them():
    marks = np.zeros((80, 120), np.uint8)
    marks[38:43, 33:38] = Mark.FOREGROUND
    marks[2:8, 2:118] = Mark.BACKGROUND
    mask = grabcut(disks(), axes="YXC", marks=marks)
    np.testing.assert_array_equal(mask, TRUTH[0] | TRUTH[1])


def test_sure_marks_stay_and_probable_ones_may_change():
    image = disks()
    marks = np.zeros((80, 120), np.uint8)
    # Against what the image says: the middle of the disk, and some ground inside and outside.
    marks[39:42, 34:37] = Mark.BACKGROUND
    marks[26:29, 21:24] = Mark.FOREGROUND
    marks[60:63, 40:43] = Mark.FOREGROUND
    marks[40:45, 40:44] = Mark.PROBABLY_BACKGROUND
    mask = grabcut(image, axes="YXC", boxes=[LEFT], marks=marks, margin=0.5)
    assert not mask[39:42, 34:37].any()
    assert mask[26:29, 21:24].all() and mask[60:63, 40:43].all()
    assert mask[40:45, 40:44].all()
    # A probable one opens the box: the other disk may be foreground then.
    marks = np.where(TRUTH[1], Mark.PROBABLY_FOREGROUND, 0)
    wide = grabcut(image, axes="YXC", boxes=[LEFT], marks=marks, margin=None)
    np.testing.assert_array_equal(wide, TRUTH[0] | TRUTH[1])


def test_marks_that_are_taken_back_count_no_longer():
    cutter = GrabCut(disks(), axes="YXC")
    cutter.set_boxes([LEFT])
    marks = np.zeros((80, 120), int)
    marks[39:42, 34:37] = Mark.BACKGROUND
    cutter.set_marks(marks)
    assert not cutter.iterate(2)[40, 35]
    cutter.set_marks(None)
    np.testing.assert_array_equal(cutter.iterate(2), TRUTH[0])


def test_what_vanished_comes_back_with_a_mark():
    image = np.random.RandomState(0).randint(0, 40, (60, 60), np.uint8)
    cutter = GrabCut(image, scaling=(0, 255))
    cutter.set_boxes([(20, 20, 40, 40)])
    marks = np.zeros((60, 60), int)
    marks[20:41, 20:41] = Mark.BACKGROUND
    cutter.set_marks(marks)
    assert not cutter.iterate(2).any()
    marks[25:35, 25:35] = Mark.FOREGROUND
    cutter.set_marks(marks)
    np.testing.assert_array_equal(cutter.iterate(2), marks == Mark.FOREGROUND)


def test_one_of_many_alike_is_found():
    rows, columns = np.indices((160, 160))
    inside = np.hypot(rows % 40 - 20, columns % 40 - 20) < 12
    noise = np.random.RandomState(0).normal(0, 25, inside.shape)
    image = (np.where(inside, 150, 60) + noise).clip(0, 255).astype(np.uint8)
    cutter = GrabCut(image)
    cutter.set_boxes([(45, 45, 75, 75)])
    one = inside & (rows // 40 == 1) & (columns // 40 == 1)
    # OpenCV alone takes all for background.
    mask = np.zeros(image.shape, np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    three = np.dstack([image] * 3)
    cv2.grabCut(three, mask, (45, 45, 31, 31), *models, 3, cv2.GC_INIT_WITH_RECT)
    assert not (mask & 1).any()
    for _ in range(3):
        found = cutter.iterate()
        assert (found & one).sum() / (found | one).sum() > 0.9


def test_segments_number_foreground_first():
    cutter = GrabCut(disks(), axes="YXC")
    assert (cutter.segments() == 1).all()
    cutter.set_boxes([LEFT, RIGHT])
    cutter.iterate(3)
    labels = cutter.segments()
    assert set(np.unique(labels)) == {1, 2, 3}
    np.testing.assert_array_equal(labels == 1, TRUTH[0])
    np.testing.assert_array_equal(labels == 3, ~(TRUTH[0] | TRUTH[1]))
    assert cutter.segments(background=False).max() == 2


def test_large_boxes_are_refined_along_the_boundary(monkeypatch: pytest.MonkeyPatch):
    inside = np.hypot(*(np.indices((150, 150)) - 75)) < 50
    noise = np.random.RandomState(0).normal(0, 8, (150, 150, 3))
    image = (np.where(inside[..., None], (200, 160, 60), (40, 50, 90)) + noise).astype(np.uint8)
    box = [(15, 15, 135, 135)]
    in_full = grabcut(image, axes="YXC", boxes=box)
    monkeypatch.setattr(grabcut_part, "MAX_PIXELS", 2000)
    monkeypatch.setattr(grabcut_part, "_TILE", 40)
    coarse = grabcut(image, axes="YXC", boxes=box)
    np.testing.assert_array_equal(in_full, inside)
    np.testing.assert_array_equal(coarse, inside)


@pytest.mark.parametrize("kind", ["gray", "uint16", "rgba", "float", "nan", "channels", "bool"])
def test_images_of_all_kinds(kind: str):
    gray = disks()[..., 0]
    hole = np.where(np.hypot(*(np.indices(gray.shape) - 5)) < 4, np.nan, gray / 255)
    image, axes = {
        "gray": (gray, None),
        "uint16": (gray.astype(np.uint16) * 150 + 3000, None),
        "rgba": (np.dstack([disks(), np.full_like(gray, 255)]), "YXC"),
        "float": (gray / 1e6, None),
        "nan": (hole, None),
        "channels": (np.stack([gray, 255 - gray]), "CYX"),
        "bool": (gray > 120, None),
    }[kind]
    mask = grabcut(image, axes=axes, boxes=[LEFT])
    np.testing.assert_array_equal(mask, TRUTH[0])


def test_constant_and_tiny_images_give_an_answer():
    assert grabcut(np.full((20, 30), 7), boxes=[(5, 5, 10, 10)]).shape == (20, 30)
    assert grabcut(np.arange(2).reshape(1, 2), boxes=[(-0.4, -0.4, 0.4, 0.4)]).shape == (1, 2)
    assert grabcut(np.arange(9).reshape(3, 3), boxes=[(1, 1, 1.4, 1.4)]).sum() <= 1


def test_same_input_same_mask():
    cv2.setRNGSeed(5)
    first = grabcut(disks(), axes="YXC", boxes=[LEFT], iterations=1)
    cv2.setRNGSeed(9)
    np.testing.assert_array_equal(first, grabcut(disks(), axes="YXC", boxes=[LEFT], iterations=1))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "Nothing says what is foreground"),
        ({"boxes": []}, "Nothing says what is foreground"),
        ({"marks": np.pad([[1]], ((0, 79), (0, 119)))}, "Nothing says what is background"),
        ({"marks": np.pad([[2]], ((0, 79), (0, 119)))}, "Nothing says what is foreground"),
        ({"boxes": [(5, 5, 5, 20)]}, "no area"),
        ({"boxes": [(500, 500, 600, 600)]}, "does not touch the image"),
        ({"boxes": [(-5, -5, 600, 600)]}, "covers all of the image"),
        ({"boxes": [(1, 2, 3)]}, "four finite numbers"),
        ({"boxes": [(1, 2, 3, np.nan)]}, "four finite numbers"),
        ({"marks": np.zeros((3, 3), int)}, "whole numbers of the image's shape"),
        ({"marks": np.full((80, 120), 9)}, "from 9 to 9"),
        ({"boxes": [LEFT], "iterations": 0}, "whole number from 1"),
        ({"boxes": [LEFT], "margin": -1}, "margin"),
    ],
)
def test_refusals(given: dict, told: str):
    with pytest.raises(InputError, match=told):
        grabcut(disks(), axes="YXC", **given)


def test_stacks_are_refused_with_what_to_do():
    with pytest.raises(InputError, match="one plane"):
        grabcut(np.zeros((3, 9, 9)), axes="ZYX", boxes=[LEFT])


def test_without_opencv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "napari_ncut.classic.grabcut_iterations.REQUIRES", ("no_such_package", "classic")
    )
    with pytest.raises(InputError, match=r"pip install 'napari-ncut\[classic\]'"):
        grabcut(disks(), axes="YXC", boxes=[LEFT])
