"""Templates made of arrays, files and what is painted; their segment painted over copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_ncut import InputError
from napari_ncut.templates import Matches, Template, find_copies, paint_copies


def matches(*rows: tuple) -> Matches:
    """Of (plane, row, column, angle, scale, score, template)."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    planes, places, templates = columns[0], columns[1:6], columns[6]
    return Matches(planes, *(p.astype(float) for p in places), templates)


def test_attention_is_all_but_the_black_border_area():
    image = np.zeros((6, 7, 3), np.uint8)
    image[1:5, 1:6] = (10, 20, 30)
    image[2:4, 3] = 0  # black inside, which counts
    template = Template.from_arrays(image, axes="YXC")
    expected = np.zeros((6, 7), bool)
    expected[1:5, 1:6] = True
    np.testing.assert_array_equal(template.attention, expected)
    np.testing.assert_array_equal(template.segment, expected)
    np.testing.assert_array_equal(template.mask, expected)
    np.testing.assert_allclose(template.image[1, 1], np.array([10, 20, 30]) / 255)


def test_colors_of_a_segment_are_labels_and_black_is_not_painted():
    segment = np.zeros((4, 4, 3), np.uint8)
    segment[0] = (255, 0, 0)
    segment[1, 1:] = (0, 9, 0)
    segment[2, :2] = (255, 0, 0)
    template = Template.from_arrays(np.eye(4) + 1, segment=segment)
    assert template.segment.tolist() == [[1] * 4, [0, 2, 2, 2], [1, 1, 0, 0], [0] * 4]
    np.testing.assert_array_equal(template.mask, template.segment > 0)
    some = Template.from_arrays(np.eye(4) + 1, segment=segment, mask=np.eye(4))
    assert np.argwhere(some.mask).tolist() == [[0, 0], [1, 1]]
    whole = np.array([[0, 7], [7, 3]])
    np.testing.assert_array_equal(Template.from_arrays(np.eye(2), segment=whole).segment, whole)
    assert set(np.unique(Template.from_arrays(np.eye(2), segment=whole).with_label(5).segment)) == {
        0,
        5,
    }


def test_files_as_icas_takes_them_and_all_but_the_first_left_out(tmp_path: Path):
    rng = np.random.RandomState(0)
    image = np.zeros((9, 11, 3), np.uint8)
    image[1:8, 2:9] = rng.randint(1, 255, (7, 7, 3))
    attention = np.zeros((9, 11), np.uint8)
    attention[2:7, 3:8] = 255
    segment = np.zeros((9, 11, 3), np.uint8)
    segment[3:6, 4:7] = (0, 255, 0)
    for name, data in (("t", image), ("a", attention), ("s", segment)):
        Image.fromarray(data).save(tmp_path / f"{name}.png")
    alone = Template.from_files(tmp_path / "t.png")
    assert alone.attention.sum() == 49
    all_files = Template.from_files(
        tmp_path / "t.png", tmp_path / "a.png", tmp_path / "s.png", tmp_path / "a.png"
    )
    np.testing.assert_array_equal(all_files.attention, attention > 0)
    # Within the mask, only what is not black in the segment.
    np.testing.assert_array_equal(all_files.mask, segment.any(axis=-1))
    with pytest.raises(InputError, match="no file"):
        Template.from_files(tmp_path / "u.png")


def test_of_what_is_painted():
    image = np.random.RandomState(0).rand(40, 50)
    painted = np.zeros((40, 50), np.uint8)
    painted[10:20, 10:20] = 3
    painted[30:34, 30:34] = 3
    painted[20:24, 10:20] = 5  # touches it, but is another
    template = Template.from_painted(image, painted, at=(12.4, 15), rim=2)
    assert template.shape == (14, 14)
    np.testing.assert_array_equal(template.image[..., 0], image[8:22, 8:22])
    np.testing.assert_array_equal(template.mask, painted[8:22, 8:22] == 3)
    assert set(np.unique(template.segment)) == {0, 3}
    assert template.attention[0, 2:12].all() and not template.attention[0, 0]
    largest = Template.from_painted(image, painted, label=3, rim=2)
    np.testing.assert_array_equal(largest.image, template.image)
    small = Template.from_painted(image, painted, at=(31, 31), rim=0)
    np.testing.assert_array_equal(small.attention, np.ones((4, 4)))
    # At the border of the image the rim ends there.
    painted[0:5, 0:5] = 1
    corner = Template.from_painted(image, painted, at=(0, 0), rim=3)
    assert corner.shape == (8, 8) and corner.mask[0, 0]


def test_of_an_area_with_all_that_is_painted_in_it():
    image = np.random.RandomState(0).rand(30, 30)
    painted = np.zeros((30, 30), int)
    painted[5:10, 5:10], painted[5:10, 10:15] = 1, 2
    area = np.zeros((30, 30), bool)
    area[4:11, 4:12] = True
    template = Template.from_area(image, painted, area)
    assert template.shape == (7, 8) and template.attention.all()
    assert set(np.unique(template.segment)) == {0, 1, 2}


def test_copies_are_painted_turned_and_the_better_one_on_top():
    segment = np.array([[1, 1, 0], [0, 2, 0], [0, 0, 0]])
    template = Template.from_arrays(np.arange(9).reshape(3, 3) + 1, segment=segment)
    found = matches((0, 3, 3, 0, 1, 0.9, 0), (0, 3, 4, 90, 1, 0.8, 0))
    labels = paint_copies(template, found, (7, 8))
    expected = np.zeros((7, 8), int)
    expected[2:5, 3:6] = np.rot90(segment)
    part = expected[2:5, 2:5]
    part[segment > 0] = segment[segment > 0]
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.int32


def test_painting_keeps_what_is_there_cuts_at_borders_and_numbers_instances():
    template = Template.from_arrays(np.eye(3) + 1, segment=np.full((3, 3), 4))
    there = np.zeros((2, 6, 6), np.uint8)
    there[:, 5, 5] = 9
    found = matches((1, 0, 0, 0, 1, 0.9, 0), (1, 4, 1, 0, 1, 0.5, 0))
    painted = paint_copies(template, found, there)
    assert there[1].max() == 9 and there[1, 0, 0] == 0
    assert painted.dtype == np.uint8 and (painted[0] == there[0]).all()
    assert painted[1, :2, :2].tolist() == [[4, 4], [4, 4]] and painted[1, 5, 5] == 9
    assert (painted[1] == 4).sum() == 4 + 9
    numbered = paint_copies(template, found, there, instances=True)
    assert set(np.unique(numbered)) == {0, 9, 10, 11} and numbered[1, 0, 0] == 10


def test_a_whole_job_paints_the_copies_that_there_are():
    rng = np.random.RandomState(0)
    inside = np.hypot(*(np.indices((21, 21)) - 10)) < 7
    image = 40 + rng.normal(0, 3, (100, 140))
    truth = np.zeros((100, 140), bool)
    for row, column in ((5, 8), (40, 30), (70, 100), (12, 90)):
        image[row : row + 21, column : column + 21][inside] += 120
        truth[row : row + 21, column : column + 21] |= inside
    painted = np.zeros((100, 140), np.uint8)
    painted[5:26, 8:29][inside] = 2
    template = Template.from_painted(image, painted, label=2)
    found = find_copies(image, template, threshold=0.7)
    assert len(found) == 4
    np.testing.assert_array_equal(paint_copies(template, found, painted) == 2, truth)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Template.from_arrays(np.zeros((3, 3))), "nothing to compare"),
        (lambda: Template.from_arrays(np.eye(3), segment=np.zeros((3, 3), int)), "nothing to pai"),
        (lambda: Template.from_arrays(np.eye(3), mask=np.ones((2, 3))), "same size"),
        (lambda: Template.from_arrays(np.eye(3), segment=np.eye(3) / 2), "whole numbers"),
        (lambda: Template.from_arrays(np.zeros((3, 3, 3))), "axes"),
        (lambda: Template.from_arrays(np.zeros((3, 3, 3)), axes="ZYX"), "one plane"),
        (lambda: Template.from_painted(np.eye(3), np.eye(3, dtype=int)), "give one of"),
        (lambda: Template.from_painted(np.eye(3), np.eye(3, dtype=int), at=(0, 1)), "Nothing is"),
        (lambda: Template.from_painted(np.eye(3), np.eye(3, dtype=int), at=(9, 1)), "Nothing is"),
        (lambda: Template.from_painted(np.eye(3), np.eye(3, dtype=int), label=2), "Nothing is"),
        (lambda: Template.from_painted(np.eye(3), np.eye(4, dtype=int), label=1), "one size"),
        (lambda: Template.from_painted(np.eye(3), np.eye(3), label=1), "whole numbers"),
        (
            lambda: Template.from_painted(np.eye(3), np.eye(3, dtype=int), label=1, rim=-1),
            "A rim of",
        ),
        (lambda: Template.from_arrays(np.eye(3)).with_label(0), "from 1"),
        (
            lambda: paint_copies(
                Template.from_arrays(np.eye(3) + 1, segment=np.full((3, 3), 300)),
                matches((0, 1, 1, 0, 1, 1, 0)),
                np.zeros((5, 5), np.uint8),
            ),
            "hold no 300",
        ),
        (
            lambda: paint_copies(
                Template.from_arrays(np.eye(3)), matches((2, 1, 1, 0, 1, 1, 0)), (5, 5)
            ),
            "plane 2",
        ),
        (
            lambda: paint_copies(Template.from_arrays(np.eye(3)), Matches(), np.zeros((5, 5))),
            "whole numbers",
        ),
    ],
)
def test_refusals(make, told: str):
    with pytest.raises(InputError, match=told):
        make()
