"""Whatever a widget makes lies on its image, and clicks land where they were seen."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

SHEAR = np.array([[1.0, 0.3], [0.0, 1.0]])
TRANSFORMS = {
    "scale": {"scale": (2.0, 0.5)},
    "translate": {"translate": (10.0, -7.0)},
    "rotate": {"rotate": 25.0},
    "shear": {"shear": SHEAR},
    "affine": {"affine": np.array([[1.0, 0.2, 5.0], [-0.3, 0.9, 2.0], [0, 0, 1]])},
    "all": {
        "scale": (2.0, 0.5),
        "translate": (10.0, -7.0),
        "rotate": 25.0,
        "shear": SHEAR,
        "affine": np.array([[1.0, 0.2, 5.0], [-0.3, 0.9, 2.0], [0, 0, 1]]),
    },
    "units": {"scale": (0.1, 0.2), "units": ("um", "um"), "axis_labels": ("y", "x")},
}


def plane() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 6, (48, 64))
    return (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)


def corners(layer, dims):
    """World coordinates of the outer corners of the array, axes of `dims` only."""
    shape = layer.data.shape[: layer.ndim]
    ends = [(-0.5, size - 0.5) if i in dims else (0.0,) for i, size in enumerate(shape)]
    world = [layer.data_to_world(corner) for corner in product(*ends)]
    return np.array(world)


def assert_lies_on(layer, image, dims=(-2, -1)):
    dims = [d % image.ndim for d in dims]
    np.testing.assert_allclose(corners(layer, dims), corners(image, dims), atol=1e-6)
    assert tuple(map(str, layer.units)) == tuple(map(str, image.units))
    assert layer.axis_labels == image.axis_labels


@pytest.mark.parametrize("name", TRANSFORMS)
def test_outputs_of_a_plane_lie_on_it(prepared, name):
    bench = prepared(plane(), **TRANSFORMS[name])
    image = bench.viewer.layers["image"]
    bench.click([20, 50])
    assert bench.preview.data[20, 50] == 1 and bench.preview.data[20, 8] == 0
    output = bench.accept()
    for layer in (bench.preview, output, bench.viewer.layers["image eigenvectors"]):
        assert_lies_on(layer, image)
    # A second acceptance finds the first one's layer.
    bench.click([20, 10])
    assert bench.accept() is output


def test_previews_follow_an_image_that_is_moved(prepared):
    bench = prepared(plane())
    image = bench.viewer.layers["image"]
    bench.segment.output_controls.heat.value = True
    bench.click([20, 50])
    bench.wait(lambda: "image heat" in bench.viewer.layers)
    image.scale = (2, 0.5)
    image.translate = (7, -3)
    image.rotate = 30
    for name in ("image preview", "image heat"):
        assert_lies_on(bench.viewer.layers[name], image)


def test_outputs_of_a_depth_stack_lie_on_it(prepared):
    affine = np.eye(4)
    affine[:3, 3] = (1, 2, 3)
    affine[1, 2] = 0.25
    bench = prepared(
        np.stack([plane()] * 3),
        scale=(3, 0.5, 0.5), translate=(5, -2, 1), rotate=(10, 20, 5), affine=affine,
    )  # fmt: skip
    image = bench.viewer.layers["image"]
    bench.click([1, 20, 50])
    assert bench.preview.data[1, 20, 50] == 1
    output = bench.accept()
    for layer in (bench.preview, output, bench.viewer.layers["image eigenvectors"]):
        assert_lies_on(layer, image, dims=(0, 1, 2))


def test_one_slice_stands_for_all_channels(prepared):
    """TZCYX: an output has one slice where the image has its channels, as thick as all of them."""
    stack = np.stack([np.stack([np.stack([plane()] * 3)] * 2)] * 2)  # (2, 2, 3, 48, 64)
    bench = prepared(stack, scale=(1, 2, 1, 0.5, 0.5), translate=(0, 4, 1, 2, 3))
    assert bench.segment._prepared.embedding.recipe["axes"] == "TZCYX"
    image = bench.viewer.layers["image"]
    bench.click([1, 0, 2, 20, 50])
    bench.wait(lambda: bench.planes_done == 4)
    preview = bench.preview
    assert preview.data.shape == (2, 2, 1, 48, 64)
    assert preview.data[1, 0, 0, 20, 50] == 1
    output = bench.accept()
    for layer in (preview, output):
        assert_lies_on(layer, image, dims=(0, 1, 2, 3, 4))
    # Whatever channel is shown, the mask of its plane is.
    for channel in range(3):
        bench.viewer.dims.set_point(2, 1 + channel)
        place = np.array(output.world_to_data(bench.viewer.dims.point))
        assert round(place[2]) == 0


@pytest.mark.parametrize("name", ["all", "rotate"])
def test_prompts_of_another_transform_hit_the_pixels_under_them(prepared, name):
    bench = prepared(plane(), **TRANSFORMS[name])
    image = bench.viewer.layers["image"]
    other = bench.viewer.add_points(
        np.empty((0, 2)), name="other", scale=(0.3, 4), rotate=-40, translate=(3, 3)
    )
    assert bench.segment.points is other.__wrapped__
    pixels = np.array([[20, 50], [5, 3], [47, 63]])
    for pixel in pixels:
        other.add(other.world_to_data(image.data_to_world(pixel)))
    bench.wait(bench.settled)
    np.testing.assert_allclose(bench.segment._request.points, np.insert(pixels, 0, 0, 1), atol=1e-6)
    assert all(bench.preview.data[tuple(pixel)] == 1 for pixel in pixels)


def test_prompts_of_fewer_dimensions_lie_on_the_plane_shown(prepared):
    bench = prepared(np.stack([plane()] * 3), scale=(2, 1, 1))
    bench.viewer.dims.set_current_step(0, 2)
    flat = bench.viewer.add_points([[20, 50]], name="flat", ndim=2)
    assert bench.segment.points is flat.__wrapped__
    bench.wait(bench.settled)
    assert bench.segment._request.points.tolist() == [[2, 20, 50]]


def test_rolled_dimensions_change_nothing(prepared):
    bench = prepared(np.stack([plane()] * 3))
    bench.click([1, 20, 50])
    bench.wait(lambda: bench.planes_done == 3)
    before = bench.preview.data.copy()
    bench.viewer.dims.order = (1, 0, 2)
    bench.click([2, 20, 50])
    bench.wait(lambda: bench.planes_done == 3)
    assert before.any() and bench.preview.data[2, 20, 50] == 1
    assert bench.accept().data.shape == (3, 48, 64)
    assert bench.messages("error") == []
