"""Settings of the features widget become what is read, or a reason why not."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_ncut.backbones import backbone_entry
from napari_ncut.errors import InputError
from napari_ncut.imaging import as_planes
from napari_ncut.widgets.reading import read_settings


def read(viewer, layers, **settings):
    given = {
        "axes": "", "combine": "images", "channels": None, "level": -1, "region": "plane",
        "shapes": None, "current_plane": False, "scaling": "stack",
    }  # fmt: skip
    return read_settings(viewer, layers, **{**given, **settings})


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.arange(3 * 20 * 30, dtype=np.uint16).reshape(3, 20, 30), name="stack")
    return viewer


def test_nothing_checked(viewer):
    with pytest.raises(InputError, match="Check an Image layer"):
        read(viewer, [])


def test_the_current_plane(viewer):
    viewer.dims.set_current_step(0, 2)
    reading = read(viewer, [viewer.layers[0]], current_plane=True)
    np.testing.assert_array_equal(reading.images(), viewer.layers[0].data[2:3])
    assert reading.describe() == "Z 1, Y 20, X 30"


def test_a_rectangle_takes_every_pixel_that_it_touches(viewer):
    shapes = viewer.add_shapes([[[4.6, 7], [4.6, 20], [9, 20], [9, 7]]], scale=(2, 1))
    layer = viewer.layers[0]
    reading = read(viewer, [layer], region="shapes", shapes=shapes)
    # Rows 9.2 to 18 of the image: pixels 9 to 18; columns 7 to 20.
    np.testing.assert_array_equal(reading.images(), layer.data[:, 9:19, 7:21])


def test_a_region_without_a_rectangle_says_what_to_do(viewer):
    with pytest.raises(InputError, match="Draw a rectangle"):
        read(viewer, [viewer.layers[0]], region="shapes", shapes=viewer.add_shapes())


def test_channels_of_layers_go_in_front(viewer):
    viewer.add_image(viewer.layers[0].data + 1, name="second")
    reading = read(viewer, list(viewer.layers), combine="channels")
    assert reading.axes == "CZYX"
    np.testing.assert_array_equal(reading.images()[1], viewer.layers[1].data)


def test_contrast_limits_are_those_of_each_layer(viewer):
    viewer.add_image(viewer.layers[0].data, contrast_limits=(0, 7))
    alone = read(viewer, [viewer.layers[1]], scaling="limits")
    assert alone.scaling == [0, 7]
    first = list(viewer.layers[0].contrast_limits)
    both = read(viewer, list(viewer.layers), scaling="limits")
    assert both.scaling == [[first], [[0, 7]]]
    planes = as_planes(both.images(), axes=both.axes, scaling=both.scaling)
    assert planes[3].max() == 1 and (planes[3] < 1).sum() == 7
    channels = read(viewer, list(viewer.layers), scaling="limits", combine="channels")
    assert channels.scaling == [first, [0, 7]]


@pytest.fixture
def mixed(viewer):
    """A stack, a picture in color, a single plane, and another stack; all of different sizes."""
    random = np.random.default_rng(0)
    viewer.add_image(random.integers(0, 255, (16, 18, 3), dtype=np.uint8), rgb=True, name="color")
    viewer.add_image(random.random((12, 13)), name="plane")
    viewer.add_image(random.integers(0, 255, (2, 9, 8), dtype=np.uint8), name="channels")
    return viewer


def test_each_kind_of_layer_has_axes_of_its_own(mixed):
    reading = read(mixed, list(mixed.layers))
    assert reading.axes == ["ZYX", "YXS", "YX", "ZYX"]
    assert reading.describe().splitlines() == [
        "stack: Z 3, Y 20, X 30",
        "color: Y 16, X 18, S 3",
        "plane: Y 12, X 13",
        "channels: Z 2, Y 9, X 8",
    ]
    planes = as_planes(reading.images(), axes=reading.axes, scaling=reading.scaling)
    assert planes.shapes == (*[(20, 30)] * 3, (16, 18), (12, 13), *[(9, 8)] * 2)
    layout = reading.layout(backbone_entry("filterbank"))
    assert (layout.shapes, layout.stacks) == (planes.shapes, planes.stacks)


def test_axes_given_for_the_first_hold_for_those_like_it(mixed):
    reading = read(mixed, list(mixed.layers), axes="TYX")
    assert reading.axes == ["TYX", "YXS", "YX", "TYX"]
    color_first = [mixed.layers["color"], mixed.layers["stack"]]
    assert read(mixed, color_first, axes="YXS").axes == ["YXS", "ZYX"]
    alike = [mixed.layers["stack"], mixed.layers["channels"]]
    assert read(mixed, alike, axes="TYX").axes == "TYX"


def test_layers_of_other_shapes_are_no_channels(mixed):
    with pytest.raises(InputError, match="same shape"):
        read(mixed, [mixed.layers["stack"], mixed.layers["channels"]], combine="channels")


def test_many_images_are_counted(viewer):
    for _ in range(5):
        viewer.add_image(np.zeros((4, 5)))
    assert read(viewer, list(viewer.layers)).describe().endswith("\nand 2 more image(s)")
