from __future__ import annotations

import json

import numpy as np
import pytest

from napari_ncut.errors import InputError
from napari_ncut.imaging import PlaneLayout

ONE = PlaneLayout(shapes=((5, 9),), stride=2, stacks=((),), is_list=False)
SEVERAL = PlaneLayout(shapes=((5, 9), (4, 4), (4, 4)), stride=2, stacks=((), (2,)), is_list=True)


def test_grids_cover_the_border():
    assert ONE.grids == ((3, 5),)
    assert SEVERAL.offsets.tolist() == [0, 15, 19, 23]
    assert SEVERAL.n_nodes == 23
    assert len(SEVERAL) == 3


def test_the_row_stride_of_nodes_is_the_width():
    # Cell (1, 0) follows the five cells of the first row, although there are three rows.
    assert ONE.node_at(np.array([[0, 2, 0], [0, 4, 8], [0, 1, 3]])).tolist() == [5, 14, 1]


def test_node_at_and_grid_of_agree_on_every_pixel():
    nodes = np.arange(SEVERAL.n_nodes)
    for plane, (height, width) in enumerate(SEVERAL.shapes):
        grid = SEVERAL.grid_of(nodes, plane)
        rows, columns = np.indices((height, width)).reshape(2, -1)
        pixels = np.column_stack([np.full(rows.size, plane), rows, columns])
        np.testing.assert_array_equal(SEVERAL.node_at(pixels), grid[rows // 2, columns // 2])


def test_values_come_back_in_the_shape_of_the_images():
    values = np.arange(SEVERAL.n_nodes * 2).reshape(-1, 2)
    first, second = SEVERAL.grids_as_given(values)
    assert first.shape == (3, 5, 2)
    assert second.shape == (2, 2, 2, 2)
    assert ONE.grids_as_given(values[:15]).shape == (1, 3, 5, 2)
    single = PlaneLayout(shapes=((4, 6),) * 6, stride=2, stacks=((2, 3),), is_list=False)
    assert single.pixels_as_given([np.zeros((4, 6))] * 6).shape == (6, 4, 6)
    assert ONE.pixels_as_given([np.zeros((5, 9))]).shape == (5, 9)


def test_points_belong_to_the_pixel_around_them():
    # The middle of the first pixel is 0, its borders are at ±½.
    points = [[0.49, -0.5], [0.5, 1.49], [-0.51, 2]]
    assert ONE.as_pixels(points).tolist() == [[0, 0, 0], [0, 1, 1], [0, -1, 2]]
    assert SEVERAL.as_pixels([[1, 2.2, 3.7]]).tolist() == [[1, 2, 4]]
    assert ONE.as_pixels([[0, 1, 2]]).tolist() == [[0, 1, 2]]
    assert ONE.as_pixels([]).shape == (0, 3)


@pytest.mark.parametrize(
    ("layout", "points", "message"),
    [
        (SEVERAL, [[1, 2]], "need .* rows .plane, row, column"),
        (ONE, [1, 2], "need .* rows .row, column"),
        (ONE, [[1, 2, 3, 4]], "have shape .1, 4."),
        (ONE, [[np.nan, 1]], "NaN"),
        (ONE, [["a", "b"]], "dtype <U1"),
    ],
)
def test_wrong_points_are_explained(layout, points, message):
    with pytest.raises(InputError, match=message):
        layout.as_pixels(points)


def test_contains_knows_each_planes_size():
    pixels = np.array(
        [[0, 4, 8], [0, 5, 0], [1, 3, 3], [1, 3, 4], [3, 0, 0], [-1, 0, 0], [0, -1, 0]]
    )
    assert SEVERAL.contains(pixels).tolist() == [True, False, True, False, False, False, False]


def test_json_round_trip():
    assert PlaneLayout.from_json(json.loads(json.dumps(SEVERAL.to_json()))) == SEVERAL
