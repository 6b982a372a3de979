"""The widget "Superpixels & granularity": the slider, single places, painting, keeping, undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from skimage.draw import disk

from napari_ncut import InputError, granularity
from napari_ncut.widgets import region_steps
from napari_ncut.widgets.granularity import GranularityWidget
from napari_ncut.widgets.granularity_slider import SCALES, Extent
from napari_ncut.widgets.history import history_of

LEFT, RIGHT, GROUND = (32, 24), (32, 72), (4, 48)


def disks(shape: tuple[int, int] = (64, 96)) -> np.ndarray:
    """Two bright disks on dark ground, with a little noise."""
    image = np.random.default_rng(0).normal(50, 4, shape)
    for center in (LEFT, RIGHT):
        image[disk(center, 14, shape=shape)] += 130
    return image.clip(0, 255).astype(np.uint8)


@dataclass
class Desk:
    """A viewer with the widget docked."""

    viewer: Any
    widget: GranularityWidget
    qtbot: Any

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.widget.busy, timeout=30_000)

    def find(self) -> None:
        self.widget.run_button.click()
        self.wait()

    def choose(self, kind: str, value: float) -> None:
        """As the user does: the kind in the list, then a number."""
        self.widget.level.kind.value = kind
        self.widget.level.number.setValue(value)
        self.wait()

    @property
    def view(self) -> Any:
        return self.widget.view

    @property
    def shown(self) -> np.ndarray:
        return np.asarray(self.view.layer.data)

    @property
    def kept(self) -> list[Any]:
        roles = [(layer, layer.metadata.get("napari_ncut", {})) for layer in self.viewer.layers]
        return [layer for layer, ours in roles if ours.get("role") == "regions"]

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def place(self, world: tuple[float, float]) -> QPoint:
        camera = getattr(self.viewer, "scene", self.viewer).camera
        row, column = (np.asarray(world) - np.asarray(camera.center)[-2:]) * camera.zoom
        return QPoint(
            round(self.canvas.width() / 2 + column), round(self.canvas.height() / 2 + row)
        )

    def hover(self, world: tuple[float, float]) -> None:
        """Move the cursor to a place of the canvas, with real events."""
        for nudge in (2, 1, 0):
            QTest.mouseMove(self.canvas, self.place(world) + QPoint(nudge, 0))
            self.qtbot.wait(20)

    def press(self, key: Any, modifier: Any = None) -> None:
        QTest.keyClick(self.canvas, key, modifier or Qt.KeyboardModifier.NoModifier)
        self.wait()

    def click(self, world: tuple[float, float], modifier: Any = None) -> None:
        none = Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(
            self.canvas, Qt.MouseButton.LeftButton, modifier or none, self.place(world)
        )
        self.wait()

    def wheel(self, notches: int, modifier: Any) -> None:
        middle = QPointF(self.canvas.rect().center())
        event = QWheelEvent(
            middle,
            QPointF(self.canvas.mapToGlobal(middle.toPoint())),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            modifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)
        self.wait()


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot):
    def open_desk(image: Any = None, **kwargs: Any) -> Desk:
        viewer = make_napari_viewer_proxy(show=kwargs.pop("show", False))
        if image is not None:
            viewer.add_image(image, **{"name": "image", **kwargs})
        widget = GranularityWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Superpixels & granularity")
        return Desk(getattr(viewer, "__wrapped__", viewer), widget, qtbot)

    return open_desk


@pytest.fixture
def found(desk):
    """Regions of disks."""

    def open_found(image: Any = None, **kwargs: Any) -> Desk:
        opened = desk(disks() if image is None else image, **kwargs)
        opened.find()
        return opened

    return open_found


def regions(labels: np.ndarray) -> int:
    return len(np.unique(labels))


def test_the_slider_relabels(desk):
    opened = desk()
    widget = opened.widget
    assert "Open an image" in widget.message.text()
    opened.viewer.add_image(disks(), name="image")
    assert widget.run_button.isEnabled()
    assert not widget.keep_button.isEnabled()
    assert "find regions first" in widget.keep_button.toolTip()
    assert not widget.level.isEnabled()
    widget.keep()
    widget.step((0, 0), finer=True)
    widget.paint((0, 0))
    opened.find()
    assert widget.keep_button.isEnabled()
    expected = granularity(disks())
    # Where one begins: what the probable boundaries enclose.
    assert_array_equal(opened.shown, expected.labels(level=0.3))
    assert opened.viewer.layers.selection.active is opened.view.layer
    for kind, value in (("n_regions", 12), ("level", 0.6), ("size", 90)):
        opened.choose(kind, value)
        assert_array_equal(opened.shown, expected.labels(**{kind: value}))
        told = f"{regions(opened.shown)} regions"
        assert widget.told_level.text().startswith(told)
    widget.level.kind.value = "n_regions"
    widget.level.slider.setValue(0)
    opened.wait()
    assert regions(opened.shown) == expected.n_regions(0)[0]
    widget.level.slider.setValue(1000)
    opened.wait()
    assert regions(opened.shown) == 1
    # Moving the slider is nothing to be undone.
    assert not widget.undo_button.isEnabled()
    widget.outlines.setChecked(True)
    assert opened.view.layer.contour == 1


@pytest.mark.parametrize("kind", SCALES)
def test_the_slider_reaches_what_there_is(kind):
    scale, extent = SCALES[kind], Extent(most=900, fewest=3, pixels=90_000)
    fine, coarse = scale.ends(extent)
    assert scale.value(extent, 0.0) == pytest.approx(fine)
    assert scale.value(extent, 1.0) == pytest.approx(coarse)
    for share in (0.1, 0.5, 0.9):
        assert scale.share(extent, scale.value(extent, share)) == pytest.approx(share, abs=0.03)
    assert scale.share(extent, -5) in (0.0, 1.0)


def test_keys_and_the_wheel(found):
    opened = found(show=True)
    opened.viewer.reset_view()
    opened.choose("n_regions", 3)
    assert len({opened.shown[place] for place in (LEFT, RIGHT, GROUND)}) == 3
    before = opened.shown.copy()
    opened.hover(LEFT)
    opened.press(Qt.Key.Key_F)
    changed = opened.shown != before
    assert changed.any()
    # Only what was under the cursor was parted.
    assert set(np.unique(before[changed])) == {before[LEFT]}
    assert "changed in places" in opened.widget.told_level.text()
    opened.hover(RIGHT)
    opened.press(Qt.Key.Key_C)
    assert regions(opened.shown[before != before[LEFT]]) == 1
    control = Qt.KeyboardModifier.ControlModifier
    opened.press(Qt.Key.Key_Z, control)
    opened.press(Qt.Key.Key_Z, control)
    assert_array_equal(opened.shown, before)
    opened.press(Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
    assert (opened.shown != before).any()

    position = opened.widget.level.slider.value()
    zoom = getattr(opened.viewer, "scene", opened.viewer).camera.zoom
    opened.wheel(1, Qt.KeyboardModifier.ShiftModifier)
    assert opened.widget.level.slider.value() < position
    finer = regions(opened.shown)
    opened.wheel(-4, Qt.KeyboardModifier.ShiftModifier)
    assert opened.widget.level.slider.value() > position
    assert regions(opened.shown) < finer
    assert getattr(opened.viewer, "scene", opened.viewer).camera.zoom == zoom


def test_the_slider_takes_local_changes_back_and_undo_brings_them(found):
    opened = found()
    opened.choose("n_regions", 3)
    opened.widget.step(LEFT, finer=True)
    changed = opened.shown.copy()
    opened.choose("n_regions", 2)
    assert regions(opened.shown) == 2
    assert not opened.widget.reset_button.isEnabled()
    opened.widget.undo_button.click()
    opened.wait()
    assert_array_equal(opened.shown, changed)
    assert opened.widget.level.value == 3
    opened.widget.reset_button.click()
    opened.wait()
    assert regions(opened.shown) == 3
    opened.widget.undo_button.click()
    opened.wait()
    assert_array_equal(opened.shown, changed)


def test_levels_are_kept_with_their_colors(found):
    opened = found()
    for n_regions in (12, 3):
        opened.choose("n_regions", n_regions)
        opened.widget.keep_button.click()
        opened.wait()
    fine, coarse = sorted(opened.kept, key=lambda layer: -regions(layer.data))
    assert [layer.name for layer in (fine, coarse)] == ["image 12 regions", "image 3 regions"]
    expected = granularity(disks())
    assert_array_equal(fine.data, expected.labels(n_regions=12))
    assert_array_equal(coarse.data, expected.labels(n_regions=3))
    numbers = np.unique(coarse.data)
    assert set(numbers) < set(np.unique(fine.data))
    assert_array_equal(fine.colormap.map(numbers), coarse.colormap.map(numbers))
    assert coarse.metadata["napari_ncut"]["granularity"] == {"n_regions": 3}
    table = coarse.features
    assert_array_equal(table["area"], [np.sum(coarse.data == n) for n in table["index"]])
    # One step each; what is kept does not follow the slider.
    opened.widget.undo_button.click()
    opened.wait()
    assert opened.kept == [fine]
    opened.widget.redo_button.click()
    opened.wait()
    assert set(opened.kept) == {fine, coarse}
    opened.choose("n_regions", 1)
    assert regions(fine.data) == 12


def test_regions_are_painted_by_clicking(found):
    opened = found(show=True)
    opened.viewer.reset_view()
    opened.choose("n_regions", 3)
    opened.widget.click_buttons["finer"].setChecked(True)
    opened.widget.click_buttons["paint"].setChecked(True)
    assert not opened.widget.click_buttons["finer"].isChecked()
    opened.widget.label.setValue(4)
    opened.click(LEFT)
    target = opened.widget.target.value
    assert target is not None
    shown = opened.shown
    assert_array_equal(target.data, np.where(shown == shown[LEFT], 4, 0))
    opened.widget.click_buttons["paint"].setChecked(False)
    opened.click(GROUND)
    assert not target.data[GROUND]
    opened.widget.label.setValue(5)
    opened.click(RIGHT, Qt.KeyboardModifier.ControlModifier)
    assert target.data[RIGHT] == 5
    assert target.data[LEFT] == 4
    opened.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not target.data[RIGHT]
    opened.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert target not in opened.viewer.layers
    opened.widget.redo_button.click()
    opened.wait()
    assert target in opened.viewer.layers
    assert target.data[LEFT] == 4


def test_painted_labels_are_obeyed_and_let_go(found):
    opened = found()
    opened.choose("n_regions", 1)
    opened.widget.new_constraints.click()
    layer = opened.widget.constraints.value
    assert opened.viewer.layers.selection.active is layer
    assert str(layer.mode) == "paint"
    layer.brush_size = 3
    for label, place in ((1, LEFT), (2, RIGHT), (3, GROUND)):
        layer.selected_label = label
        layer.paint(place, label)
    opened.wait()
    assert len({opened.shown[place] for place in (LEFT, RIGHT, GROUND)}) == 3
    bright = disks() > 110
    found_left = opened.shown == opened.shown[LEFT]
    left_half = bright & (np.arange(96) < 48)
    assert (found_left & left_half).sum() > 0.8 * (found_left | left_half).sum()
    # What is made finer in places stays so while nothing is painted.
    obeyed = opened.shown.copy()
    opened.widget.step(GROUND, finer=True)
    opened.wait()
    opened.qtbot.wait(350)
    opened.wait()
    assert opened.view.n_local == 1
    assert (opened.shown != obeyed).any()
    opened.widget.undo_button.click()
    opened.wait()
    assert_array_equal(opened.shown, obeyed)
    # The slider keeps them apart, and its coarse end is as many regions as labels.
    assert opened.widget.level.number.minimum() == 3
    for _ in range(3):
        opened.widget.undo_button.click()
        opened.wait()
    assert not layer.data.any()
    opened.choose("n_regions", 1)
    assert regions(opened.shown) == 1
    opened.widget.redo_button.click()
    opened.wait()
    opened.viewer.layers.remove(layer)
    opened.wait()
    assert not opened.view.bound
    # Labels that do not lie on the image are neither obeyed nor painted on.
    other = opened.viewer.add_labels(np.ones((8, 8), int), name="small")
    other = getattr(other, "__wrapped__", other)
    opened.widget.constraints.value = other
    assert "small" in opened.widget.message.text()
    opened.widget.target.value = other
    opened.widget.paint(LEFT)
    assert np.asarray(other.data).all()


def test_the_plane_on_screen_comes_first(desk, monkeypatch):
    stack = np.stack([disks(), disks()[::-1], disks()[:, ::-1]])
    opened = desk(stack)
    opened.viewer.dims.set_point(0, 2)
    order: list[int] = []
    show_first = opened.widget._on_found
    monkeypatch.setattr(
        opened.widget, "_on_found", lambda found: (order.append(found.plane), show_first(found))
    )
    opened.find()
    assert order == [2, 1, 0]
    expected = granularity(stack, axes="ZYX")
    assert_array_equal(opened.shown, expected.labels(n_regions=opened.widget.level.value))
    opened.widget.level.number.setValue(5)
    opened.widget._relabel()
    # At once on screen, elsewhere in a while.
    assert_array_equal(opened.shown[2], expected.labels(n_regions=5)[2])
    assert opened.view.stale() == [1, 0]
    opened.viewer.dims.set_point(0, 0)
    assert opened.view.stale() == [1]
    opened.wait()
    assert_array_equal(opened.shown, expected.labels(n_regions=5))
    # One place, on one plane.
    opened.widget.step((0, *GROUND), finer=True)
    opened.wait()
    changed = opened.shown != expected.labels(n_regions=5)
    assert changed.any(axis=(1, 2)).tolist() == [True, False, False]
    opened.widget.keep()
    opened.wait()
    assert_array_equal(opened.kept[0].data, opened.shown)
    # In three dimensions there is no place under the cursor.
    opened.viewer.dims.ndisplay = 3
    opened.widget.step((0, *LEFT), finer=True)
    assert_array_equal(opened.kept[0].data, opened.shown)


def borders(layer: Any) -> np.ndarray:
    """Where a layer begins and ends in the world: the borders of its outermost pixels."""
    return layer.extent.world + np.outer([-0.5, 0.5], layer.extent.step)


def test_layers_lie_on_images_of_many_kinds(desk):
    image = disks()
    doubled = np.kron(image, np.ones((2, 2), np.uint8))
    kinds = {
        "moved": image,
        "rgb": np.stack([image] * 3, axis=-1),
        "pyramid": [doubled, image],
        "rectangle": image,
    }
    opened = desk()
    controls = opened.widget.input
    for kind, data in kinds.items():
        opened.viewer.layers.clear()
        layer = opened.viewer.add_image(data, name=kind, scale=(0.5, 2.0), translate=(7, -3))
        if kind == "pyramid":
            controls.inputs.level.value = 1
        if kind == "rectangle":
            corners = [layer.data_to_world(corner) for corner in ((10, 4), (60, 60))]
            shapes = opened.viewer.add_shapes([np.array(corners)], shape_type="rectangle")
            controls.inputs.region.value = "shapes"
            controls.shapes.value = getattr(shapes, "__wrapped__", shapes)
        opened.find()
        opened.choose("n_regions", 3)
        opened.widget.keep()
        opened.wait()
        factor = 2 if kind == "pyramid" else 1
        left, ground = (
            layer.data_to_world((np.array(place) + 0.5) * factor - 0.5)
            for place in (LEFT, (32, 48))
        )
        for made in (opened.view.layer, opened.kept[0]):
            assert made.get_value(left, world=True) != made.get_value(ground, world=True)
            assert made.get_value(left, world=True) > 0
        assert_array_equal(borders(opened.kept[0]), borders(layer))
        opened.widget.paint(left)
        target = opened.widget.target.value
        assert target.get_value(left, world=True) == 1
        assert target.get_value(ground, world=True) == 0


def test_cancel_and_layers_that_go(desk, monkeypatch):
    opened = desk(np.stack([disks()] * 4))
    widget = opened.widget
    on_found = widget._on_found
    monkeypatch.setattr(widget, "_on_found", lambda found: (on_found(found), widget.cancel()))
    widget.run_button.click()
    opened.wait()
    (plane,) = opened.view.found
    assert "Cancelled" in widget.message.text()
    widget.keep()
    assert not opened.kept
    # The preview comes back when it is asked for again.
    opened.viewer.layers.remove(opened.view.layer)
    opened.choose("n_regions", 4)
    assert regions(opened.shown[plane]) == 4
    opened.viewer.layers.remove("image")
    assert opened.view is None
    assert not len(opened.viewer.layers)
    assert not widget.level.isEnabled()


def test_another_run_an_error_and_the_end(found, monkeypatch):
    opened = found()
    opened.choose("n_regions", 7)
    first = opened.view.layer
    opened.widget.step(LEFT, finer=True)
    opened.find()
    assert first not in opened.viewer.layers
    assert regions(opened.shown) == 7
    # Undo of what was done to the regions of before does nothing to these.
    history_of(opened.viewer).undo()
    opened.wait()
    assert regions(opened.shown) == 7

    # An error leaves what there was.
    def broken(*_: Any) -> Any:
        raise InputError("out of ideas")
        yield

    view = opened.view
    monkeypatch.setattr("napari_ncut.widgets.granularity.find_steps", broken)
    opened.find()
    assert "out of ideas" in opened.widget.message.text()
    assert opened.view is view
    assert opened.widget.run_button.isEnabled()

    # Closing lets go of everything.
    opened.widget.new_constraints.click()
    painted, layer = opened.widget.constraints.value, view.layer
    opened.widget.release()
    assert layer not in opened.viewer.layers
    painted.paint(LEFT, 1)
    assert not opened.widget.painted.busy


def test_loading_is_shown_first():
    steps = region_steps.find_steps(None, 0)
    assert next(steps).stage == "loading"


def test_superpixels_of_the_registry(desk):
    opened = desk(np.stack([disks(), disks()[:, ::-1]]))
    controls = opened.widget.superpixels
    controls.method.value = "slic"
    controls.number.setValue(30)
    controls.run_button.click()
    opened.wait()
    layer = opened.viewer.layers[-1]
    assert layer.metadata["napari_ncut"]["method"] == "slic"
    assert all(15 < regions(plane) < 60 for plane in np.asarray(layer.data))
    assert layer.data.shape == (2, 64, 96)
    controls.method.value = "felzenszwalb"
    assert not controls.number.isEnabled()
    controls.run_button.click()
    opened.wait()
    assert opened.viewer.layers[-1] is not layer
    opened.widget.undo_button.click()
    opened.wait()
    assert opened.viewer.layers[-1] is layer


def test_copied_scripts_do_the_same(desk, tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "disks.tif", disks())
    opened = desk(None)
    opened.viewer.open(tmp_path / "disks.tif", plugin="napari")
    assert not opened.widget.script_button.isEnabled()
    opened.find()
    opened.choose("n_regions", 3)
    monkeypatch.chdir(tmp_path)
    opened.widget.script_button.click()
    script = QApplication.clipboard().text()
    exec(compile(script, "script", "exec"), {})
    assert "regions.labels(n_regions=3)" in script and "not repeated" not in script
    assert_array_equal(tifffile.imread("disks regions.tif"), opened.shown)

    opened.widget.superpixels.method.value = "slic"
    opened.widget.superpixels.number.setValue(12)
    opened.widget.superpixels.script_button.click()
    script = QApplication.clipboard().text()
    exec(compile(script, "script", "exec"), {})
    assert 'method="slic"' in script and "n_segments=12" in script
    opened.widget.make_superpixels()
    opened.wait()
    assert_array_equal(tifffile.imread("disks superpixels.tif"), opened.viewer.layers[-1].data)
