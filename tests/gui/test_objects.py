"""The widget "Find objects": from an image to things, boxes and parts, and back by undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication

from napari_ncut.objects import METHODS
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.objects import ObjectsWidget


def disk(offset: int = 0) -> np.ndarray:
    """A bright disk on dark, with a little noise."""
    rows, columns = np.indices((72, 88))
    noise = 5 * np.random.RandomState(offset).randn(72, 88)
    inside = np.hypot(rows - 36, columns - 40 - offset) < 15
    return (np.where(inside, 190, 50) + noise).clip(0, 255).astype(np.uint8)


@dataclass
class Desk:
    """A viewer with the widget docked."""

    viewer: Any
    widget: ObjectsWidget
    qtbot: Any

    def wait(self) -> None:
        history = history_of(self.viewer)
        self.qtbot.waitUntil(
            lambda: not (self.widget._job.busy or history.replaying), timeout=60_000
        )

    def find(self) -> None:
        self.widget.run()
        self.wait()

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot) -> Desk:
    viewer = make_napari_viewer_proxy()
    widget = ObjectsWidget(viewer)
    viewer.window.add_dock_widget(widget)
    return Desk(viewer, widget, qtbot)


def test_without_an_image_it_says_so(desk: Desk):
    assert not desk.widget.run_button.isEnabled()
    assert "Open an image first" in desk.widget.message.text()


def test_objects_boxes_parts_and_back(desk: Desk):
    image = desk.viewer.add_image(disk(), name="disk", scale=(0.5, 0.5), translate=(3, 4))
    desk.find()
    assert set(desk.names) == {"disk", "disk objects", "disk boxes"}
    labels, boxes = desk.viewer.layers["disk objects"], desk.viewer.layers["disk boxes"]
    assert labels.data.max() == 1
    np.testing.assert_allclose(labels.scale, image.scale)
    np.testing.assert_allclose(labels.translate, image.translate)
    rows, columns = np.nonzero(labels.data)
    # Along the outer edges of the outermost pixels.
    np.testing.assert_allclose(boxes.data[0].min(axis=0), [rows.min() - 0.5, columns.min() - 0.5])
    np.testing.assert_allclose(boxes.data[0].max(axis=0), [rows.max() + 0.5, columns.max() + 0.5])
    assert labels.features["confidence"][0] == pytest.approx(
        boxes.features["confidence"][0], abs=0.01
    )
    assert "1 object" in desk.widget.message.text()

    labels.data_setitem((rows[:50], columns[:50]), np.zeros(50, int))
    desk.widget.n_parts.setValue(2)
    desk.widget.cut_in_parts()
    desk.wait()
    parts = desk.viewer.layers["disk parts"]
    np.testing.assert_array_equal(parts.data > 0, labels.data > 0)

    history = history_of(desk.viewer)
    history.undo()
    desk.wait()
    assert "disk parts" not in desk.names
    while history.can_undo:
        history.undo()
        desk.wait()
    # The layer of boxes stays, transparent.
    assert desk.names == ["disk", "disk boxes"]
    assert boxes.opacity == 0
    history.redo()
    desk.wait()
    assert set(desk.names) == {"disk", "disk objects", "disk boxes"}
    assert len(boxes.data) == 1
    assert boxes.opacity > 0

    # Found again things take the place of the old ones.
    desk.widget.method.boxes.setChecked(False)
    desk.find()
    assert len(desk.viewer.layers) == 3
    assert boxes.opacity == 0


def test_parts_of_several_images_are_the_same_parts(desk: Desk):
    def two_halves(offset: int) -> np.ndarray:
        """A disk whose upper half is lighter, on dark."""
        image = disk(offset).astype(float)
        image[:36][image[:36] > 120] += 60
        return image.clip(0, 255).astype(np.uint8)

    images = [
        desk.viewer.add_image(two_halves(offset), name=f"disk {offset}") for offset in (0, 12)
    ]
    for image in images:
        desk.widget.input.image.value = image
        desk.find()
    desk.widget.n_parts.setValue(2)
    # The disks lie in other places, and how they look decides.
    desk.widget.position.setValue(0)
    desk.widget.together.setChecked(True)
    desk.widget.cut_in_parts()
    desk.wait()
    upper = [
        np.bincount(desk.viewer.layers[f"disk {offset} parts"].data[22:34].ravel())[1:].argmax()
        for offset in (0, 12)
    ]
    lower = [
        np.bincount(desk.viewer.layers[f"disk {offset} parts"].data[39:50].ravel())[1:].argmax()
        for offset in (0, 12)
    ]
    assert upper[0] == upper[1] != lower[0] == lower[1]
    assert "2 parts in 2 images" in desk.widget.message.text()
    # One step of undo for both.
    history_of(desk.viewer).undo()
    desk.wait()
    assert not any("parts" in name for name in desk.names)
    # An image that is deleted meanwhile is left out.
    desk.widget.input.image.value = images[0]
    desk.widget.cut_in_parts()
    desk.viewer.layers.remove(images[1])
    desk.wait()
    assert desk.widget.message.text() == "2 parts."
    assert [name for name in desk.names if "parts" in name] == ["disk 0 parts"]


def test_nothing_here(desk: Desk):
    noise = 120 + 8 * np.random.RandomState(0).randn(64, 80)
    desk.viewer.add_image(noise.clip(0, 255).astype(np.uint8), name="noise")
    desk.find()
    assert desk.names == ["noise"]
    assert "Nothing here" in desk.widget.message.text()


def test_stack(desk: Desk):
    desk.viewer.add_image(np.stack([disk(), disk(8)]), name="stack")
    desk.find()
    labels, boxes = desk.viewer.layers["stack objects"], desk.viewer.layers["stack boxes"]
    assert [np.unique(plane[plane > 0]).tolist() for plane in labels.data] == [[1], [2]]
    assert [sorted(set(box[:, 0])) for box in boxes.data] == [[0], [1]]
    assert labels.features["plane"].tolist() == [0, 1]


def test_controls_follow_the_registry(desk: Desk):
    controls = desk.widget.method
    for name, entry in METHODS.items():
        controls.method.value = name
        own = set(controls.options()) - {
            "method", "backbone", "n_objects", "min_confidence", "min_area", "split", "refine",
        }  # fmt: skip
        assert own == set(entry.parameters)
        assert entry.text[1:] in controls.text.text()
    controls.method.value = "tokencut"
    # The lowest value means "chosen by the image".
    assert controls.options()["tau"] is None


def test_copied_script_finds_the_same(desk: Desk, tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "disk.tif", disk())
    desk.viewer.open(tmp_path / "disk.tif", plugin="napari")
    desk.widget.method.most.setValue(1)
    desk.find()
    desk.widget.script_button.click()
    script = QApplication.clipboard().text()
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(script, "script", "exec"), names)
    assert "n_objects=1" in script
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "disk objects.tif"), desk.viewer.layers["disk objects"].data
    )
