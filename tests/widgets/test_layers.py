"""Where a block of an image lies, in pixels and in the world."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_ncut.errors import InputError
from napari_ncut.widgets.layers import (
    Region,
    data_to_world,
    default_axes,
    describe_source,
    free_name,
    lay_on,
    level_by_size,
)

TRANSFORM = {
    "scale": (2, 0.5, 3),
    "translate": (1, -4, 2),
    "rotate": (10, 20, 30),
    "shear": (0.1, 0.2, 0.3),
}


def image(shape=(3, 20, 30), **kwargs):
    return Image(np.zeros(shape, np.uint8), name="image", **kwargs)


@pytest.mark.parametrize(
    ("shape", "rgb", "labels", "axes"),
    [
        ((20, 30), False, None, "YX"),
        ((20, 30, 3), True, None, "YXS"),
        ((4, 20, 30), False, None, "ZYX"),
        ((3, 20, 30), False, ("t", "y", "x"), "TYX"),
        ((3, 20, 30), False, ("x", "y", "c"), "XYC"),
        ((2, 3, 2, 20, 30), False, None, "TZCYX"),
        ((1, 2, 3, 2, 20, 30), False, None, ""),
    ],
)
def test_default_axes(shape, rgb, labels, axes):
    arguments = {} if labels is None else {"axis_labels": labels}
    assert default_axes(image(shape, rgb=rgb, **arguments)) == axes


def test_a_whole_output_has_the_transform_of_its_image():
    layer = image(**TRANSFORM)
    output = Labels(np.zeros((3, 20, 30), int), **describe_source(layer).spatial(whole=True))
    for mine, its in zip(data_to_world(output), data_to_world(layer), strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-9)


def test_an_output_of_a_region_and_stride_lies_where_its_pixels_came_from():
    layer = image(**TRANSFORM)
    source = describe_source(layer, region=Region((4, 12), (8, 28)), position={0: 2})
    assert source.shape == (1, 8, 20)
    output = Labels(np.zeros((1, 2, 5), int), **source.spatial(stride=4))
    for mine, its in [
        ((-0.5, -0.5, -0.5), (1.5, 3.5, 7.5)),
        ((0.5, 1.5, 4.5), (2.5, 11.5, 27.5)),
    ]:
        np.testing.assert_allclose(output.data_to_world(mine), layer.data_to_world(its), atol=1e-9)


def test_lay_on_against_a_matrix_worked_by_hand():
    layer = image((20, 30), scale=(2, 3), translate=(5, 7), rotate=90)
    made = Labels(np.zeros((2, 2), int), **lay_on(layer, np.array([2, 2]), np.array([1, 0])))
    # Pixel (0, 0) of the output is pixel (1, 0) of the image: scaled to (2, 0), turned by 90
    # degrees to (0, 2), moved by (5, 7).
    np.testing.assert_allclose(made.data_to_world((0, 0)), (5, 9), atol=1e-9)


def test_pixels_of_a_region_and_what_lies_outside():
    source = describe_source(image(), region=Region((4, 12), (8, 28)))
    pixels, inside = source.pixels_of(
        np.array([[1, 4, 8], [2, 11.4, 27.4], [1, 3.4, 9], [-1, 5, 9], [1, np.nan, 9]])
    )
    assert inside.tolist() == [True, True, False, False, False]
    np.testing.assert_allclose(pixels[:2], [[1, 0, 0], [2, 7.4, 19.4]])


def test_planes_of_an_image_whose_columns_come_first():
    source = describe_source(image((5, 3, 4)), axes="XZY")
    planes = np.arange(60).reshape(3, 4, 5)
    assert source.shape == (5, 3, 4)
    block = planes.transpose(2, 0, 1)
    np.testing.assert_array_equal(source.plane_in(block, 1), planes[1])


def test_the_visible_plane_follows_the_sliders():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((3, 20, 30)), scale=(2, 1, 1), translate=(10, 0, 0))
    source = describe_source(layer)
    for plane in range(3):
        viewer.dims.set_point(0, 10 + 2 * plane)
        assert source.visible_plane(viewer) == plane
    viewer.dims.ndisplay = 3
    assert source.visible_plane(viewer) is None


def test_a_lazy_zarr_array_is_not_read_whole():
    zarr = pytest.importorskip("zarr")
    data = zarr.create_array({}, shape=(3, 20, 30), dtype="uint8", chunks=(1, 20, 30))
    data[2] = 7
    layer = Image(data)
    block = describe_source(layer, position={0: 2}).array()
    assert not isinstance(block, np.ndarray) and block.shape == (1, 20, 30)
    assert (np.asarray(block) == 7).all()


def test_an_image_that_is_gone_says_so():
    layer = image()
    source = describe_source(layer)
    del layer
    gc.collect()
    for ask in (source.array, source.spatial):
        with pytest.raises(InputError, match="gone"):
            ask()


def test_levels_and_names():
    pyramid = Image([np.zeros((8000, 8000), bool), np.zeros((2000, 2000), bool)], multiscale=True)
    assert level_by_size(pyramid) == 1
    assert describe_source(pyramid, level=1).factors.tolist() == [4, 4]
    viewer = ViewerModel()
    viewer.add_points(name="a")
    assert free_name(viewer, "a") == "a 2" and free_name(viewer, "b") == "b"
