"""Layers of different kinds in one cut: clicks on any of them, masks on all, each where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import halves


def tinted(gray: np.ndarray) -> np.ndarray:
    return np.dstack([gray, gray, gray])


@pytest.fixture
def mixed(bench):
    """A deep gray picture, one in color, and a stack, side by side; all of different sizes."""
    opened = bench(halves(64, 64).astype(np.uint16) * 257, name="deep")
    opened.viewer.add_image(tinted(halves(50, 70)), name="color", translate=(0, 100))
    stack = np.stack([halves(48, 60), halves(48, 60)[:, ::-1]])
    opened.viewer.add_image(stack, name="stack", translate=(0, 100, 0))
    layers = [opened.viewer.layers[name] for name in ("deep", "color", "stack")]
    opened.features.images.value = layers
    opened.prepare()
    return opened


def side(mask: np.ndarray) -> float:
    """Share of the mask in the right half, less that in the left."""
    width = mask.shape[-1]
    right, left = mask[..., width // 2 + 5 :] > 0, mask[..., : width // 2 - 5] > 0
    return right.mean() - left.mean()


# World coordinates of a bright place in each picture; the stack is shown at its second plane.
BRIGHT = {"deep": (1, 30, 50), "color": (1, 30, 160), "stack": (1, 130, 10)}


@pytest.mark.parametrize("name", BRIGHT)
def test_a_click_on_any_of_them_answers_on_all(mixed, name):
    assert mixed.segment._prepared.embedding.recipe["axes"] == ["YX", "YXS", "ZYX"]
    assert mixed.points.ndim == 3
    assert mixed.segment.image_choice.value == "deep"
    mixed.viewer.dims.set_current_step(0, 1)
    mixed.click(mixed.points.world_to_data(BRIGHT[name]))
    deep, color, stack = (mixed.preview_of(number).data for number in range(3))
    assert (deep.shape, color.shape, stack.shape) == ((64, 64), (50, 70), (2, 48, 60))
    assert side(deep) > 0.6 and side(color) > 0.6
    assert side(stack[0]) > 0.6 and side(stack[1]) < -0.6


def test_a_click_means_the_image_it_lies_on(mixed):
    mixed.viewer.dims.set_current_step(0, 1)
    mixed.click(*(mixed.points.world_to_data(place) for place in BRIGHT.values()))
    planes = mixed.segment._request.points
    np.testing.assert_allclose(planes, [[0, 30, 50], [1, 30, 60], [3, 30, 10]], atol=1e-6)


def test_masks_are_accepted_and_undone_on_all(mixed):
    mixed.viewer.dims.set_current_step(0, 1)
    mixed.click(mixed.points.world_to_data(BRIGHT["color"]))
    previews = [mixed.preview_of(number).data.copy() for number in range(3)]
    mixed.accept()
    for name, preview in zip(("deep", "color", "stack"), previews, strict=True):
        output = mixed.viewer.layers[f"{name} classes"]
        image = mixed.viewer.layers[name]
        np.testing.assert_array_equal(output.data, preview)
        np.testing.assert_array_equal(output.translate, image.translate)
    mixed.history.undo()
    mixed.wait(mixed.settled)
    assert not any(np.any(layer.data) for layer in mixed.viewer.layers if "classes" in layer.name)


def test_colors_mean_the_same_on_all(mixed):
    def mean_color(name: str, plane: int | None = None, *, bright: slice) -> np.ndarray:
        colors = mixed.viewer.layers[f"{name} eigenvectors"].data
        colors = colors if plane is None else colors[plane]
        return colors[10:-10, bright].astype(float).mean(axis=(0, 1))

    deep = mean_color("deep", bright=slice(45, 58))
    dark = mean_color("deep", bright=slice(6, 20))
    for other in (
        mean_color("color", bright=slice(48, 62)),
        mean_color("stack", 0, bright=slice(42, 54)),
        mean_color("stack", 1, bright=slice(6, 18)),
    ):
        assert np.linalg.norm(other - deep) < 0.3 * np.linalg.norm(dark - deep)


def test_each_layer_is_scaled_by_its_own_contrast_limits(mixed):
    mixed.viewer.layers["deep"].contrast_limits = (0, 60000)
    mixed.viewer.layers["stack"].contrast_limits = (10, 220)
    mixed.features.inputs.scaling.value = "limits"
    assert mixed.features.run_button.isEnabled(), mixed.features.message.text()
    mixed.prepare()
    scaling = mixed.segment._prepared.embedding.recipe["scaling"]
    assert scaling[0] == [[0, 60000]] and scaling[2] == [[10, 220]]
    mixed.click(mixed.points.world_to_data(BRIGHT["deep"]))
    assert side(mixed.preview_of(1).data) > 0.6


def test_controls_are_those_of_any_of_the_layers(mixed):
    inputs = mixed.features.inputs
    assert inputs.axes.value == "YX"
    assert mixed.features._has_planes
    mixed.features.images.value = [mixed.viewer.layers["deep"], mixed.viewer.layers["color"]]
    assert not mixed.features._has_planes
    assert mixed.features.echo.text() == "deep: Y 64, X 64\ncolor: Y 50, X 70, S 3"


def test_the_script_says_the_axes_of_each(mixed):
    from napari_ncut.widgets.scripts import script_of

    mixed.click(mixed.points.world_to_data(BRIGHT["color"]))
    script = script_of(mixed.segment._prepared, mixed.segment._request)
    assert 'axes=["YX", "YXS", "ZYX"]' in script
    assert 'ncut.write_labels("stack classes.tif", labels[2], axes="ZYX")' in script
