"""Settings of the features widget become what is read, or a reason why not."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_ncut.errors import InputError
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


def test_contrast_limits_must_agree_for_images_only(viewer):
    viewer.add_image(viewer.layers[0].data, contrast_limits=(0, 7))
    with pytest.raises(InputError, match="different contrast limits"):
        read(viewer, list(viewer.layers), scaling="limits")
    both = read(viewer, list(viewer.layers), scaling="limits", combine="channels")
    assert both.scaling[1] == (0, 7)
