"""Outlines of pixels: traced, valid as polygons, and filled to the same again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label

from napari_ncut.io.outlines import fill_outlines, trace_outlines


def filled(outlines: list, shape: tuple[int, int]) -> np.ndarray:
    rings = [ring for one in outlines for ring in (one.outer, *one.holes)]
    of_ring = [one.number for one in outlines for _ in (one.outer, *one.holes)]
    pixels, numbers = fill_outlines(rings, np.array(of_ring, int), shape)
    assert len(np.unique(pixels)) == len(pixels)
    result = np.zeros(shape, int)
    result.flat[pixels] = numbers
    return result


def test_a_frame_worked_by_hand():
    frame = np.zeros((5, 6), int)
    frame[1:4, 1:5] = 1
    frame[2, 2:4] = 0
    (outline,) = trace_outlines(frame)
    assert sorted(outline.outer.tolist()) == [[1, 1], [1, 4], [5, 1], [5, 4]]
    (hole,) = outline.holes
    assert sorted(hole.tolist()) == [[2, 2], [2, 3], [4, 2], [4, 3]]


def test_a_loop_closed_at_a_corner_has_a_hole_that_touches_its_outer_ring():
    # Without that the outer ring would touch itself, which QuPath refuses.
    loop = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]])
    (outline,) = trace_outlines(label(loop, connectivity=1))
    assert len(outline.holes) == 1
    for ring in (outline.outer, *outline.holes):
        assert len(np.unique(ring, axis=0)) == len(ring)


def test_nothing_has_no_outline():
    assert trace_outlines(np.zeros((3, 4), int)) == []
    pixels, numbers = fill_outlines([], np.zeros(0, int), (3, 4))
    assert len(pixels) == len(numbers) == 0


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
        lambda shape: arrays(np.int32, shape, elements=st.integers(0, 3))
    )
)
def test_any_map_comes_back(labels: np.ndarray):
    pieces = label(labels, connectivity=1, background=0)
    outlines = trace_outlines(pieces)
    assert [one.number for one in outlines] == list(range(1, pieces.max() + 1))
    for one in outlines:
        for ring in (one.outer, *one.holes):
            assert len(np.unique(ring, axis=0)) == len(ring)
    np.testing.assert_array_equal(filled(outlines, labels.shape), pieces)


@pytest.mark.parametrize("seed", range(3))
def test_a_polygon_of_any_numbers_is_filled_by_the_middles_of_its_pixels(seed: int):
    from skimage.draw import polygon2mask

    corners = np.random.default_rng(seed).uniform(-3, 23, (7, 2))
    pixels, _ = fill_outlines([corners], np.zeros(1, int), (16, 20))
    mask = np.zeros((16, 20), bool)
    mask.flat[pixels] = True
    # scikit-image has the middle of the first pixel at (0, 0), and rows first.
    expected = polygon2mask((16, 20), corners[:, ::-1] - 0.5)
    np.testing.assert_array_equal(mask, expected)
