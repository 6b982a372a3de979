"""The widget "Segment": from an image to a layer of segments, and back by undo."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel

from napari_ncut import classic_methods, segment_classic
from napari_ncut.widgets.classic import ClassicWidget
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.roles import PAINTED, SEGMENTS, labels_on, lies_on, note, notes_of


def disks(seed: int = 0) -> np.ndarray:
    """Two bright disks on dark, with a little noise."""
    rows, columns = np.indices((64, 80))
    inside = np.hypot(rows - 20, columns - 20) < 12
    inside |= np.hypot(rows - 40, columns - 58) < 14
    noise = 5 * np.random.RandomState(seed).randn(64, 80)
    return (np.where(inside, 190, 50) + noise).clip(0, 255).astype(np.uint8)


@dataclass
class Desk:
    """A viewer with the widget docked."""

    viewer: Any
    widget: ClassicWidget
    qtbot: Any

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.widget.busy, timeout=60_000)

    def segment(self, method: str = "otsu", **values: Any) -> Any:
        self.widget.classic.choose(method)
        self.widget.classic.set_values(values)
        QTest.mouseClick(self.widget.run_button, Qt.MouseButton.LeftButton)
        self.wait()
        return self.widget.segments

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot) -> Desk:
    viewer = make_napari_viewer_proxy()
    widget = ClassicWidget(viewer)
    viewer.window.add_dock_widget(widget)
    return Desk(getattr(viewer, "__wrapped__", viewer), widget, qtbot)


def test_without_an_image_it_says_so(desk: Desk):
    assert not desk.widget.run_button.isEnabled()
    assert not desk.widget.preview_button.isEnabled()
    assert "Open an image first" in desk.widget.message.text()


def test_segments_lie_on_their_image(desk: Desk):
    image = desk.viewer.add_image(
        disks(), name="disks", scale=(0.5, 2), translate=(3, 4), rotate=30
    )
    layer = desk.segment("otsu", smooth=1.0)
    np.testing.assert_array_equal(layer.data, segment_classic(disks(), smooth=1.0))
    assert layer.data.max() == 2 and layer.data.dtype == np.int32
    assert lies_on(layer, image)
    assert labels_on(desk.viewer, image, SEGMENTS) == [layer]
    assert notes_of(layer)["segmenter"]["smooth"] == 1.0
    assert "2 segments" in desk.widget.message.text()
    assert desk.viewer.layers.selection.active is layer


def test_again_and_back(desk: Desk):
    desk.viewer.add_image(disks(), name="disks")
    layer = desk.segment("otsu")
    first = layer.data.copy()
    layer.features = {"index": [1, 2], "area": [5, 6]}
    assert desk.segment("threshold", level=0.1) is layer
    second = layer.data.copy()
    assert desk.names == ["disks", "disks segments"]
    assert second.max() == 1 and notes_of(layer)["segmenter"]["level"] == 0.1
    # A table of earlier segments says nothing about these.
    assert "area" not in layer.features

    history = history_of(desk.viewer)
    history.undo()
    desk.wait()
    np.testing.assert_array_equal(layer.data, first)
    assert notes_of(layer)["segmenter"]["method"] == "otsu"
    assert layer.features["area"].tolist() == [5, 6]
    history.undo()
    desk.wait()
    assert desk.names == ["disks"]
    for expected in (first, second):
        history.redo()
        desk.wait()
        np.testing.assert_array_equal(desk.widget.segments.data, expected)
    assert not history.can_redo


def test_what_is_painted_stays_on_top_and_as_it_is(desk: Desk):
    image = desk.viewer.add_image(disks(), name="disks")
    painted = Labels(np.zeros(image.data.shape, np.uint8), name="painted")
    note(painted, role=PAINTED)
    painted.data[5:9, 5:9] = 3
    desk.viewer.add_layer(painted)
    desk.segment("otsu")
    assert desk.names == ["disks", "disks segments", "painted"]
    assert (painted.data == 3).sum() == 16
    # Strokes on segments are undone after a further run was.
    layer, history = desk.widget.segments, history_of(desk.viewer)
    before = layer.data.copy()
    layer.data_setitem((np.array([20]), np.array([20])), 9)
    layer.events.paint(value=[])
    desk.segment("li")
    history.undo()
    desk.wait()
    assert layer.data[20, 20] == 9
    history.undo()
    desk.wait()
    np.testing.assert_array_equal(layer.data, before)


def test_current_plane_of_a_stack_and_all(desk: Desk):
    stack = np.stack([disks(), disks(1)[::-1], disks(2)[:, ::-1]])
    desk.viewer.add_image(stack, name="stack")
    desk.viewer.dims.set_point(0, 1)
    desk.widget.input.inputs.planes.value = "current"
    layer = desk.segment("otsu")
    assert layer.data.shape == stack.shape
    assert [int(plane.max()) for plane in layer.data] == [0, 2, 0]
    desk.viewer.dims.set_point(0, 2)
    assert desk.segment("otsu") is layer
    assert [int(plane.max()) for plane in layer.data] == [0, 2, 2]
    desk.widget.input.inputs.planes.value = "all"
    desk.segment("otsu")
    np.testing.assert_array_equal(layer.data, segment_classic(stack, axes="ZYX"))
    assert "3 planes" in desk.widget.message.text()


def test_a_region_leaves_nothing_of_an_earlier_run(desk: Desk):
    image = desk.viewer.add_image(disks(), name="disks")
    desk.segment("otsu")
    shapes = desk.viewer.add_shapes([[[0, 0], [0, 40], [39, 40], [39, 0]]])
    desk.widget.input.image.value = image
    desk.widget.input.inputs.region.value = "shapes"
    desk.widget.input.shapes.value = shapes
    layer = desk.segment("otsu", smooth=1.0)
    assert layer.data.max() == 1
    assert layer.data[20, 20] == 1 and layer.data[40, 58] == 0


def test_levels_of_a_pyramid_and_lazy_planes(desk: Desk):
    da = pytest.importorskip("dask.array")
    large = np.kron(disks(), np.ones((2, 2), np.uint8))
    pyramid = [da.from_array(large), da.from_array(large[::2, ::2])]
    image = desk.viewer.add_image(pyramid, name="pyramid", multiscale=True)
    layer = desk.segment("otsu", smooth=1.0)
    assert layer.data.shape == large.shape and layer.data.max() == 2
    desk.widget.input.inputs.level.value = 1
    other = desk.segment("otsu", smooth=1.0)
    # Another size takes another layer, in the place of the first.
    assert other.data.shape == disks().shape and lies_on(other, image)
    assert len(desk.names) == 2 and layer not in desk.viewer.layers
    history_of(desk.viewer).undo()
    desk.wait()
    assert desk.widget.segments is layer


def test_layers_that_are_deleted_or_renamed(desk: Desk):
    image = desk.viewer.add_image(disks(), name="disks")
    layer = desk.segment("otsu")
    layer.name = "mine"
    assert desk.segment("li") is layer
    desk.viewer.layers.remove(layer)
    again = desk.segment("otsu")
    assert again is not layer and desk.names == ["disks", "disks segments"]
    # Deleted while it is segmented.
    desk.widget.run()
    desk.viewer.layers.remove(image)
    desk.wait()
    assert desk.names == ["disks segments"]


def test_presets_and_methods_show_their_own_values(desk: Desk):
    desk.viewer.add_image(disks(), name="disks")
    controls = desk.widget.classic
    controls.choose("graph")
    assert controls.options()["k"] == 300
    controls.preset.value = "icas"
    assert controls.options()["k"] == 15
    controls.choose("otsu")
    controls.choose("graph")
    assert controls.options()["k"] == 15 and controls.preset.value == "icas"
    controls.preset.value = "defaults"
    assert controls.options()["k"] == 300
    # Headings of groups cannot be chosen.
    assert not controls.method.model().item(0).isEnabled()
    for name, entry in classic_methods().items():
        controls.choose(name)
        assert controls.options() == {"method": name, **entry.checked({})}


def test_all_methods_as_thumbnails_and_one_is_chosen(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    quick = ["otsu", "threshold", "canny", "watershed", "flood"]
    monkeypatch.setattr(
        "napari_ncut.classic.preview.preview_methods", lambda settings=None, prepared=(): quick
    )
    desk.viewer.add_image(disks(), name="disks")
    QTest.mouseClick(desk.widget.preview_button, Qt.MouseButton.LeftButton)
    dialog = desk.widget.dialog
    assert dialog.isVisible()
    desk.wait()
    for name in quick:
        assert not dialog.tiles[name].icon().isNull(), name
    assert dialog.tiles["otsu"].text().startswith("Otsu\n2 ·")
    assert "not shown" in dialog.tiles["ncut"].text()
    QTest.mouseClick(dialog.tiles["watershed"], Qt.MouseButton.LeftButton)
    desk.wait()
    assert desk.widget.classic.name == "watershed"
    np.testing.assert_array_equal(
        desk.widget.segments.data, segment_classic(disks(), method="watershed")
    )


def test_previews_stop_when_their_window_closes(desk: Desk):
    desk.viewer.add_image(np.tile(disks(), (5, 5)), name="many")
    desk.widget.preview()
    desk.qtbot.waitUntil(
        lambda: not desk.widget.dialog.tiles["otsu"].icon().isNull(), timeout=20_000
    )
    desk.widget.dialog.close()
    assert not desk.widget._previews.busy
    assert desk.widget.run_button.isEnabled()


def test_the_script_makes_the_same_segments(desk: Desk, tmp_path: Path, monkeypatch):
    path = tmp_path / "disks.tif"
    tifffile.imwrite(path, disks())
    (image,) = desk.viewer.open(str(path), plugin="napari")
    assert image.source.path
    layer = desk.segment("watershed", depth=2.0)
    desk.widget.copy_script()
    script = QApplication.clipboard().text()
    assert "depth=2.0" in script and "smooth" not in script and "scaling" not in script
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(script)
    found = runpy.run_path("script.py")
    np.testing.assert_array_equal(found["labels"], layer.data)


def test_outlines(desk: Desk):
    desk.viewer.add_image(disks(), name="disks")
    layer = desk.segment("otsu")
    assert layer.contour == 0
    desk.widget.outlines.setChecked(True)
    assert layer.contour == 1


def test_nothing_found_says_so(desk: Desk):
    desk.viewer.add_image(np.full((20, 30), 7, np.uint8), name="even")
    layer = desk.segment("otsu")
    assert layer.data.max() == 0
    assert "nothing stands out" in desk.widget.message.text()


def test_further_panels_are_shown_below(desk: Desk):
    panel = QLabel("a panel of others")
    desk.widget.add_section("GrabCut", panel)
    assert panel.parent().title() == "GrabCut"
    assert desk.widget.isAncestorOf(panel)
