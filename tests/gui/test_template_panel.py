"""Templates in the window: something painted, its copies, a score that moves live, and undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from scipy.ndimage import binary_erosion

from napari_ncut.widgets.roles import PAINTED, labels_on
from napari_ncut.widgets.template_panel import TemplatePanel

from .section import Section

INSIDE = np.hypot(*(np.indices((21, 21)) - 10)) < 7
PLACES = ((5, 8), (40, 30), (70, 100), (12, 90))


def cells(places: Any = PLACES, seed: int = 0) -> np.ndarray:
    image = 40 + np.random.RandomState(seed).normal(0, 3, (100, 140))
    for row, column in places:
        image[row : row + 21, column : column + 21][INSIDE] += 120
    return image.astype(np.uint16)


def truth(places: Any = PLACES) -> np.ndarray:
    mask = np.zeros((100, 140), bool)
    for row, column in places:
        mask[row : row + 21, column : column + 21] |= INSIDE
    return mask


class Painting(Section):
    """With a layer of classes, and a class that is selected."""

    current = 2

    def __init__(self, viewer: Any) -> None:
        super().__init__(
            viewer,
            lambda *given: TemplatePanel(*given, self.painted, lambda: self.current),
        )

    def painted(self) -> Any:
        image = self.input.image.value
        layers = labels_on(self.viewer, image, PAINTED) if image is not None else []
        return layers[0] if layers else None

    @property
    def outlines(self) -> Any:
        preview = self.panel._preview
        return None if preview is None else preview.layer


@pytest.fixture
def painting(make_napari_viewer_proxy: Any) -> Callable[..., Painting]:
    def open_painting(image: np.ndarray, labels: Any = None, **kwargs: Any) -> Painting:
        viewer = make_napari_viewer_proxy(show=kwargs.pop("show", False))
        viewer.add_image(image, name="image", **kwargs)
        if labels is not None:
            metadata = {"napari_ncut": {"role": PAINTED}}
            viewer.add_labels(labels, name="painted", metadata=metadata, **kwargs)
        widget = Painting(viewer)
        if (layer := widget.painted()) is not None:
            layer.bind_key("T", lambda _: widget.panel.take_under_cursor())
        viewer.window.add_dock_widget(widget)
        return widget

    return open_painting


def one_painted() -> np.ndarray:
    return np.where(truth(PLACES[:1]), 2, 0).astype(np.uint8)


def test_from_one_painted_thing_to_all_and_back(painting: Callable, qtbot: Any, press: Any):
    opened = painting(cells(), one_painted(), scale=(0.5, 0.5), translate=(3, 4), show=True)
    layer, panel = opened.painted(), opened.panel
    before = layer.data.copy()
    opened.viewer.cursor.position = layer.data_to_world((15, 18))
    press(opened, Qt.Key.Key_T, layer=layer)
    opened.wait(qtbot)
    assert panel.template is not None and "paints label 2" in panel.about.text()
    panel.find_button.click()
    opened.wait(qtbot)
    assert "4 copies; the best has a score of 1.000" in panel.message.text()
    # An outline of one pixel, inside of the copies.
    np.testing.assert_array_equal(opened.outlines.data > 0, truth() & ~binary_erosion(truth()))
    np.testing.assert_allclose(opened.outlines.translate, (3, 4))
    np.testing.assert_array_equal(layer.data, before)
    press(opened, Qt.Key.Key_Return)
    opened.wait(qtbot)
    np.testing.assert_array_equal(layer.data == 2, truth())
    assert opened.outlines is None and opened.viewer.layers.selection.active is layer
    press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(layer.data, before)
    press(
        opened,
        Qt.Key.Key_Z,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    np.testing.assert_array_equal(layer.data == 2, truth())


def test_the_score_moves_without_computing_anything(painting: Callable, qtbot: Any, monkeypatch):
    image = cells().astype(float)
    image[40:61, 30:51] += np.random.RandomState(1).normal(0, 60, (21, 21))
    opened = painting(image, one_painted())
    panel = opened.panel
    panel.take_class()
    opened.wait(qtbot)
    panel.find()
    opened.wait(qtbot)
    scores = panel.found.matches.scores
    monkeypatch.setattr(panel._job, "start", lambda *_: pytest.fail("computed anew"))
    for score in (0.95, 0.3, 0.9, 0.6):
        panel.score.slider.setValue(round(score * 1000))
        n_copies = int((scores >= score).sum())
        assert panel.message.text().startswith(f"{n_copies} cop")
        assert set(np.unique(opened.outlines.data)) == set(range(n_copies + 1))
    assert (scores >= 0.95).sum() < (scores >= 0.3).sum()
    panel.best_only.setChecked(True)
    assert panel.message.text().startswith("1 copy") and not panel.score.isEnabled()
    assert opened.outlines.data.max() == 1


def test_all_planes_of_a_stack_and_what_is_painted_stays(painting: Callable, qtbot: Any):
    stack = np.stack([cells(), cells(PLACES[1:3], 1), cells(PLACES[:1], 2)])
    labels = np.zeros(stack.shape, np.uint8)
    labels[0] = one_painted()
    labels[1][truth(PLACES[1:2]) & (np.indices((100, 140))[0] > 50)] = 7
    opened = painting(stack, labels, scale=(4, 1, 1))
    panel, layer = opened.panel, opened.painted()
    opened.viewer.dims.set_current_step(0, 0)
    panel.take_class()
    opened.wait(qtbot)
    assert not panel.all_planes.isHidden()
    panel.all_planes.setChecked(True)
    panel.find()
    opened.wait(qtbot)
    panel.paint()
    opened.wait(qtbot)
    expected = np.stack([truth(), truth(PLACES[1:3]), truth(PLACES[:1])])
    np.testing.assert_array_equal(layer.data > 0, expected)
    np.testing.assert_array_equal(layer.data == 7, labels == 7)
    opened.history.undo()
    opened.wait(qtbot)
    np.testing.assert_array_equal(layer.data, labels)
    panel.all_planes.setChecked(False)
    panel.keep_painted.setChecked(False)
    opened.viewer.dims.set_current_step(0, 1)
    panel.find()
    opened.wait(qtbot)
    panel.paint()
    opened.wait(qtbot)
    np.testing.assert_array_equal(layer.data[1] == 2, expected[1])
    np.testing.assert_array_equal(layer.data[[0, 2]], labels[[0, 2]])


def test_a_shape_with_all_that_is_painted_in_it(painting: Callable, qtbot: Any):
    labels = one_painted()
    labels[15:26, 8:29][INSIDE[10:]] = 5  # the lower half
    opened = painting(cells(), labels)
    opened.viewer.add_shapes([[3, 6], [3, 30], [27, 30], [27, 6]], shape_type="rectangle")
    panel, layer = opened.panel, opened.painted()
    panel.shapes.value = opened.viewer.layers[-1]
    panel.shape_button.click()
    opened.wait(qtbot)
    assert panel.template.shape == (24, 24) and "2 labels" in panel.about.text()
    panel.find()
    opened.wait(qtbot)
    panel.paint()
    opened.wait(qtbot)
    np.testing.assert_array_equal(layer.data > 0, truth())
    assert layer.data[40 + 5, 30 + 10] == 2 and layer.data[40 + 15, 30 + 10] == 5


def test_files_paint_the_selected_class_into_a_new_layer(
    painting: Callable, qtbot: Any, tmp_path: Path
):
    image = (cells() // 2).astype(np.uint8)
    part = image[5:26, 8:29]
    Image.fromarray(part).save(tmp_path / "t.png")
    Image.fromarray((INSIDE * 255).astype(np.uint8)).save(tmp_path / "m.png")
    opened = painting(image)
    panel = opened.panel
    assert not panel.class_button.isEnabled() and not panel.find_button.isEnabled()
    panel.files.load_button.click()
    assert "Choose the file" in panel.message.text()
    panel.files.lines["template"].setText(str(tmp_path / "t.png"))
    panel.files.lines["mask"].setText(str(tmp_path / "m.png"))
    panel.files.load_button.click()
    opened.wait(qtbot)
    opened.current = 4
    panel.find()
    opened.wait(qtbot)
    panel.paint()
    opened.wait(qtbot)
    np.testing.assert_array_equal(opened.painted().data, np.where(truth(), 4, 0))
    opened.history.undo()
    assert opened.painted() is None


def test_what_is_painted_meanwhile_stays(painting: Callable, qtbot: Any):
    opened = painting(cells(), one_painted())
    panel, layer = opened.panel, opened.painted()
    panel.take_class()
    opened.wait(qtbot)
    panel.find()
    opened.wait(qtbot)
    panel.paint()
    layer.data_setitem((np.array([50]), np.array([40])), 9)
    opened.wait(qtbot)
    assert layer.data[50, 40] == 9
    np.testing.assert_array_equal(layer.data > 0, truth())
    opened.history.undo()
    assert layer.data[50, 40] == 9 and not layer.data[60:].any()


def test_refusals_are_told(painting: Callable, qtbot: Any):
    opened = painting(cells(), np.zeros((100, 140), np.uint8))
    panel = opened.panel
    panel.take_class()
    opened.wait(qtbot)
    assert "Nothing is painted with label 2" in panel.message.text()
    opened.viewer.cursor.position = (900, 0)
    panel.take_under_cursor()
    assert "not on the image" in panel.message.text()
    assert panel.template is None and not panel.paint_button.isEnabled()


def test_deleted_layers_are_no_error(painting: Callable, qtbot: Any):
    opened = painting(cells(), one_painted())
    panel, layers = opened.panel, opened.viewer.layers
    panel.take_class()
    opened.wait(qtbot)
    panel.find()
    opened.wait(qtbot)
    layers.remove(opened.outlines)
    assert panel.found is None and not panel.paint_button.isEnabled()
    panel.find()
    opened.wait(qtbot)
    layers.remove("image")
    assert opened.outlines is None and [layer.name for layer in layers] == ["painted"]
    assert not panel.find_button.isEnabled()


def test_a_template_is_taken_from_one_image_to_the_next(painting: Callable, qtbot: Any):
    opened = painting(cells(), one_painted())
    panel = opened.panel
    panel.take_class()
    opened.wait(qtbot)
    panel.find()
    opened.wait(qtbot)
    places = ((20, 60), (60, 10))
    opened.viewer.add_image(cells(places, 5), name="other", translate=(200, 0))
    assert opened.input.image.value.name == "other" and opened.outlines is None
    assert not panel.paint_button.isEnabled()
    panel.find()
    opened.wait(qtbot)
    panel.paint()
    opened.wait(qtbot)
    layer = opened.painted()
    np.testing.assert_array_equal(layer.data == 2, truth(places))
    np.testing.assert_allclose(layer.translate, (200, 0))
    np.testing.assert_array_equal(opened.viewer.layers["painted"].data, one_painted())


def test_escape_drops_the_outlines_and_closing_too(painting: Callable, qtbot: Any, press: Any):
    opened = painting(cells(), one_painted(), show=True)
    opened.panel.take_class()
    opened.wait(qtbot)
    opened.panel.find()
    opened.wait(qtbot)
    press(opened, Qt.Key.Key_Escape, layer=opened.outlines)
    assert opened.outlines is None
    opened.panel.find()
    opened.wait(qtbot)
    opened.release()
    assert [layer.name for layer in opened.viewer.layers] == ["image", "painted"]
