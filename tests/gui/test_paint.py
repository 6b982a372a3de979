"""The widget "Paint segments": real mouse and keys, both layers, and every gesture undone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.testing import assert_array_equal
from qtpy.QtCore import QEvent, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QGroupBox, QLabel

from napari_ncut import InputError
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.paint import PaintWidget
from napari_ncut.widgets.paint_mouse import Place
from napari_ncut.widgets.paint_tools import TOOLS
from napari_ncut.widgets.roles import PAINTED, SEGMENTS, note, notes_of, role_of

from .mouse import CONTROL, LEFT, NONE, RIGHT, SHIFT, UP, Hands


def tiles(height: int = 48, width: int = 72, side: int = 12) -> np.ndarray:
    rows, columns = np.arange(height), np.arange(width)
    return ((rows[:, None] // side) * (width // side) + columns // side + 1).astype(np.int32)


@dataclass
class Desk(Hands):
    """A viewer with the widget docked."""

    viewer: Any
    widget: PaintWidget
    qtbot: Any

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.widget.busy, timeout=30_000)

    @property
    def history(self) -> Any:
        return history_of(self.viewer)

    @property
    def segments(self) -> np.ndarray:
        return np.asarray(self.widget.segments_layer.data)

    @property
    def painted(self) -> np.ndarray:
        layer = self.widget.painted_layer
        return np.zeros(self.segments.shape, int) if layer is None else np.asarray(layer.data)

    @property
    def layer(self) -> Any:
        return self.widget.segments_layer or self.widget.image

    def undo(self) -> None:
        self.press(Qt.Key.Key_Z, CONTROL)

    def redo(self) -> None:
        self.press(Qt.Key.Key_Z, CONTROL | SHIFT)

    def tool(self, name: str) -> None:
        if self.widget.tool != name:
            self.widget.tools[name].click()
        assert self.widget.tool == name


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot):
    def open_desk(segments: Any = None, *, show: bool = True, **placed: Any) -> Desk:
        viewer = make_napari_viewer_proxy(show=show)
        viewer = getattr(viewer, "__wrapped__", viewer)
        labels = tiles() if segments is None else segments
        viewer.add_image(np.zeros(labels.shape, np.uint8), name="image", **placed)
        layer = Labels(labels.copy(), name="image segments", **placed)
        note(layer, role=SEGMENTS)
        viewer.add_layer(layer)
        widget = PaintWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Paint segments")
        # Beside the dock there has to be room for the image.
        viewer.window.resize(1100, 700)
        qtbot.wait(50)
        viewer.reset_view()
        return Desk(viewer, widget, qtbot)

    return open_desk


def shows_what_there_is(layer: Labels) -> bool:
    """Whether what napari has drawn is what the layer holds, all drawn anew for comparison."""
    shown = layer._slice.image.view.copy()
    layer.refresh()
    return bool(np.array_equal(shown, layer._slice.image.view))


def test_filling_with_the_mouse(desk):
    opened = desk(scale=(0.5, 0.5), translate=(7, -3))
    assert opened.widget.painted_layer is None
    opened.tool("fill")
    camera = opened.viewer.scene.camera.center
    opened.click((6, 6))
    layer = opened.widget.painted_layer
    assert role_of(layer) == PAINTED
    assert_array_equal(layer.scale, (0.5, 0.5))
    assert_array_equal(layer.translate, (7, -3))
    assert opened.viewer.layers.index(layer) == 1
    assert_array_equal(opened.painted, tiles() == 1)
    opened.drag((6, 20), (6, 40), (20, 40))
    after = np.isin(tiles(), [1, 2, 3, 4, 10])
    assert_array_equal(opened.painted, after)
    opened.drag((6, 20), (6, 32), button=RIGHT)
    opened.drag((6, 40), (6, 41), modifier=CONTROL)
    assert_array_equal(opened.painted, np.isin(tiles(), [1, 10]))
    assert opened.viewer.scene.camera.center == camera
    assert shows_what_there_is(layer)
    # A whole drag is one step, the layer that came with the first one too.
    for expected in (np.isin(tiles(), [1, 4, 10]), after, tiles() == 1):
        opened.undo()
        assert_array_equal(opened.painted, expected)
        assert shows_what_there_is(layer)
    opened.undo()
    assert layer not in opened.viewer.layers
    assert not opened.history.can_undo
    for _ in range(4):
        opened.redo()
    assert opened.widget.painted_layer is layer
    assert_array_equal(opened.painted, np.isin(tiles(), [1, 10]))


def test_the_layer_comes_with_a_drag_too(desk):
    opened = desk()
    opened.tool("fill")
    opened.drag((6, 6), (6, 30), (20, 30))
    assert_array_equal(opened.painted > 0, np.isin(tiles(), [1, 2, 3, 9]))
    opened.undo()
    assert opened.widget.painted_layer is None
    assert not opened.history.can_undo


def test_nothing_is_painted_on_an_edge_and_that_is_said(desk):
    labels = tiles()
    labels[:, 20:30] = 0
    opened = desk(labels)
    opened.tool("fill")
    opened.click((6, 25))
    assert "no segment here" in opened.widget.message.text()
    assert opened.widget.painted_layer is None
    assert not opened.history.can_undo
    opened.click((-20, 6))
    assert not opened.history.can_undo


def test_a_cut_by_clicks(desk):
    opened = desk()
    opened.press(Qt.Key.Key_K)
    assert opened.widget.tool == "cut"
    opened.click((6, -4))
    opened.click((6, 10))
    opened.press(Qt.Key.Key_Escape)
    assert opened.widget.tool == "cut"
    opened.press(Qt.Key.Key_Return)
    assert_array_equal(opened.segments, tiles())
    opened.click((6, -4))
    opened.click((30, 30))
    opened.press(Qt.Key.Key_Backspace)
    opened.click((6, 30))
    opened.double_click((20, 33))
    after = opened.segments.copy()
    parted = set(tiles()[after != tiles()])
    assert parted == {1, 2, 3}
    assert len(np.unique(after)) == 24 + 3
    assert shows_what_there_is(opened.widget.segments_layer)
    opened.tool("fill")
    opened.click((2, 6))
    assert_array_equal(opened.painted > 0, after == after[2, 6])
    assert (after == after[2, 6]).sum() < 144
    opened.undo()
    opened.undo()
    assert_array_equal(opened.segments, tiles())
    opened.redo()
    assert_array_equal(opened.segments, after)
    # Where segments lie is known after undo, too.
    opened.tool("fill")
    opened.click((2, 6))
    assert_array_equal(opened.painted > 0, after == after[2, 6])
    opened.press(Qt.Key.Key_Escape)
    assert opened.widget.tool == ""


def test_merge_lasso_brush_and_pick(desk):
    opened = desk()
    opened.tool("merge")
    opened.drag((6, 6), (6, 30))
    one = opened.segments == opened.segments[6, 6]
    assert_array_equal(one, np.isin(tiles(), [1, 2, 3]))
    opened.click((30, 30))
    assert "one alone" in opened.widget.message.text()
    opened.tool("lasso")
    opened.drag((23, -2), (23, 28), (50, 28), (50, -2))
    expected = np.isin(tiles(), [13, 14, 19, 20])
    assert_array_equal(opened.painted, expected)
    opened.widget.lasso_by.value = "pixels"
    opened.press(Qt.Key.Key_2, SHIFT)
    assert opened.widget.current_class == 2
    opened.drag((30, 40), (30, 60), (40, 60), (40, 40))
    assert set(np.unique(opened.painted)) == {0, 1, 2}
    assert (opened.painted == 2).sum() == pytest.approx(200, abs=40)
    opened.tool("pick")
    opened.click((28, 10))
    assert opened.widget.current_class == 1
    opened.widget.size.setValue(10)
    opened.tool("brush")
    opened.drag((6, 66), (18, 66))
    assert_array_equal((opened.painted == 1) & ~expected, np.isin(tiles(), [6, 12]))
    opened.press(Qt.Key.Key_E)
    opened.drag((6, 66), (6, 67))
    assert not opened.painted[6, 66]
    assert opened.painted[18, 66]
    before = opened.segments.copy(), opened.painted.copy()
    while opened.history.can_undo:
        opened.history.undo()
        opened.wait()
    assert_array_equal(opened.segments, tiles())
    assert opened.widget.painted_layer is None
    while opened.history.can_redo:
        opened.history.redo()
        opened.wait()
    assert_array_equal(opened.segments, before[0])
    assert_array_equal(opened.painted, before[1])


def test_the_view_moves_while_space_is_held_and_without_a_tool(desk):
    opened = desk()
    opened.tool("fill")
    camera = opened.viewer.scene.camera
    before = camera.center
    QTest.keyPress(opened.canvas, Qt.Key.Key_Space)
    opened.qtbot.wait(50)
    opened.drag((10, 10), (30, 30))
    QTest.keyRelease(opened.canvas, Qt.Key.Key_Space)
    assert camera.center != before
    assert not opened.history.can_undo
    opened.viewer.reset_view()
    before = camera.center
    opened.drag((10, 10), (12, 12))
    assert camera.center == before
    assert opened.history.can_undo
    opened.press(Qt.Key.Key_Z)
    assert opened.widget.tool == ""
    painted = opened.painted.copy()
    opened.drag((30, 40), (10, 20))
    assert camera.center != before
    assert_array_equal(opened.painted, painted)


def test_napari_s_own_brush_paints_the_current_class(desk):
    opened = desk()
    opened.press(Qt.Key.Key_3, SHIFT)
    opened.tool("paint")
    layer = opened.widget.painted_layer
    assert opened.viewer.layers.selection.active is layer
    assert (str(layer.mode), layer.selected_label) == ("paint", 3)
    assert layer.brush_size == opened.widget.size.value()
    opened.press(Qt.Key.Key_BracketRight)
    assert layer.brush_size == opened.widget.size.value() == 22
    opened.drag((20, 20), (20, 24))
    assert set(np.unique(opened.painted)) == {0, 3}
    assert 0 < (opened.painted > 0).sum() < 48 * 72
    opened.press(Qt.Key.Key_R)
    assert str(layer.mode) == "erase"
    # A class that is picked in napari is the current one of ours.
    opened.widget._session.classes.classes.choose(1)
    assert layer.selected_label == 1
    layer.selected_label = 3
    assert opened.widget.current_class == 3
    # Our tools make way for modes that are chosen in napari, and the other way round.
    layer.mode = "pick"
    assert opened.widget.tool == ""
    opened.tool("fill")
    assert str(layer.mode) == "pan_zoom"
    opened.undo()
    assert not opened.painted.any()
    opened.undo()
    assert layer not in opened.viewer.layers


def test_segments_that_somebody_else_changes(desk):
    opened = desk()
    opened.tool("fill")
    opened.click((6, 6))
    layer = opened.widget.segments_layer
    layer.data_setitem((np.full(6, 6), np.arange(12, 18)), 1)
    opened.tool("unfill")
    opened.click((6, 6))
    opened.tool("fill")
    opened.click((6, 6))
    assert_array_equal(opened.painted > 0, opened.segments == 1)
    assert opened.painted[6, 14]
    for _ in range(3):
        opened.undo()
    assert_array_equal(opened.segments, tiles())
    opened.click((6, 6))
    assert_array_equal(opened.painted > 0, tiles() == 1)
    layer.data = np.flipud(tiles()).copy()
    opened.click((6, 6))
    assert_array_equal(opened.painted > 0, np.isin(tiles(), [1]) | (layer.data == layer.data[6, 6]))


def test_a_deleted_painted_layer_stays_deleted(desk):
    opened = desk()
    opened.tool("fill")
    opened.click((6, 6))
    gone = opened.widget.painted_layer
    opened.viewer.layers.remove(gone)
    assert opened.widget.painted_layer is None
    opened.viewer.layers.selection.active = opened.widget.segments_layer
    opened.click((30, 30))
    assert opened.widget.painted_layer is not gone
    assert_array_equal(opened.painted > 0, tiles() == tiles()[30, 30])
    assert_array_equal(gone.data > 0, tiles() == 1)
    # Nothing is left to be painted on in the middle of a drag.
    opened.send(QEvent.Type.MouseButtonPress, (6, 6), LEFT, LEFT, NONE)
    opened.viewer.layers.remove(opened.widget.segments_layer)
    opened.send(QEvent.Type.MouseMove, (6, 30), UP, LEFT, NONE)
    opened.send(QEvent.Type.MouseButtonRelease, (6, 30), LEFT, UP, NONE)
    opened.viewer.layers.clear()
    assert "Open an image" in opened.widget.message.text()


def test_without_segments_there_are_pixels(desk):
    opened = desk()
    opened.viewer.layers.remove(opened.widget.segments_layer)
    assert not opened.widget.tools["cut"].isEnabled()
    opened.tool("lasso")
    assert opened.viewer.layers.selection.active is opened.widget.painted_layer
    corners = [opened.place(pixel) for pixel in ((10, 10), (20, 20))]
    assert corners[0] != corners[1]
    opened.drag((9.5, 9.5), (9.5, 29.5), (19.5, 29.5), (19.5, 9.5))
    data = opened.widget.painted_layer.data
    assert data.sum() == pytest.approx(200, abs=30)
    assert data[12:18, 12:28].all()


def test_planes_of_a_stack(desk):
    opened = desk(np.repeat(tiles()[np.newaxis], 4, axis=0), scale=(3, 1, 1))
    opened.viewer.dims.set_current_step(0, 2)
    opened.tool("fill")
    opened.click((2, 6, 6))
    assert_array_equal(opened.painted.any(axis=(1, 2)), [False, False, True, False])
    opened.widget.planes.value = True
    opened.click((2, 6, 20))
    assert_array_equal(opened.painted[:, 6, 20], [1] * 4)
    opened.tool("cut")
    for corner in ((2, 30, -3), (2, 30, 14)):
        opened.click(corner)
    opened.press(Qt.Key.Key_Return)
    assert len(np.unique(opened.segments)) == 25
    assert_array_equal(opened.segments[0], opened.segments[3])
    opened.widget.reset_all.click()
    opened.wait()
    assert not opened.painted.any()
    opened.undo()
    opened.undo()
    assert_array_equal(opened.segments[1], tiles())
    # Another plane is a place of its own.
    opened.widget.planes.value = False
    opened.viewer.dims.set_current_step(0, 0)
    opened.widget.paint_mask(np.ones((48, 72), bool), 5)
    assert (opened.painted[0] == 5).all()
    assert not (opened.painted[1:] == 5).any()
    # As the user may turn the stack.
    opened.viewer.dims.order = (1, 0, 2)
    opened.viewer.dims.set_current_step(1, 30)
    assert opened.widget.position == (0, 30, 0)
    opened.widget.paint_mask(np.ones((4, 72), bool), 6)
    assert_array_equal(np.unique(np.nonzero(opened.painted == 6)[1]), [30])
    opened.viewer.dims.ndisplay = 3
    with pytest.raises(InputError, match="2D view"):
        opened.widget.paint_mask(np.ones((48, 72), bool), 5)
    assert not opened.widget.tools["fill"].isEnabled()
    # The view is turned as ever.
    assert opened.widget.segments_layer.mouse_pan


def test_operations_of_the_current_class(desk):
    opened = desk(show=False)
    widget = opened.widget
    assert not widget.operations["grow"].isEnabled()
    mask = np.zeros((48, 72), bool)
    mask[10:20, 10:20] = True
    mask[14, 14] = False
    widget.paint_mask(mask, 1)
    other = np.zeros_like(mask)
    other[10:20, 21:30] = True
    assert widget.paint_mask(other, 2, name="other") == 90
    widget.operations["fill_holes"].click()
    opened.wait()
    assert opened.painted[14, 14] == 1
    widget.amounts["grow"].set_value("pixels", 3)
    widget.operations["grow"].click()
    opened.wait()
    assert opened.painted[8, 14] == 1
    assert (opened.painted == 2).sum() == 90
    widget.operations["keep_largest"].click()
    opened.wait()
    assert "Nothing changes" in widget.message.text()
    widget.reset_class.click()
    opened.wait()
    assert_array_equal(np.unique(opened.painted), [0, 2])
    for _ in range(3):
        opened.history.undo()
        opened.wait()
    assert_array_equal(opened.painted == 1, mask)


def test_classes_are_those_of_the_painted_layer(desk):
    opened = desk(show=False)
    viewer, widget = opened.viewer, opened.widget
    layer = Labels(np.where(tiles() == 5, 4, 0).astype(np.uint8), name="old")
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 2: "red", 4: "#00ff00"})
    note(layer, role=PAINTED, classes={2: "grain"})
    viewer.add_layer(layer)
    assert widget.painted_layer is layer
    classes = widget.table._classes
    assert classes.names == {2: "grain", 4: "class 4"}
    assert [entry.color for entry in classes.entries] == ["#ff0000", "#00ff00"]
    classes.rename(4, "pore")
    classes.recolor(4, "#0000ff")
    label = classes.add()
    assert notes_of(layer)["classes"] == {2: "grain", 4: "pore", label: f"class {label}"}
    assert role_of(layer) == PAINTED
    np.testing.assert_allclose(layer.get_color(4), [0, 0, 1, 1])
    for _ in range(3):
        opened.history.undo()
    assert notes_of(layer)["classes"] == {2: "grain", 4: "class 4"}
    np.testing.assert_allclose(layer.get_color(4), [0, 1, 0, 1])
    assert classes.names == {2: "grain", 4: "class 4"}
    # Another widget colors it.
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 2: "blue", 4: "#00ff00"})
    assert classes[2].color == "#0000ff"
    # What is new starts with the same classes.
    widget.painted.value = None
    assert widget.painted_layer is None
    widget.choose_tool("fill")
    widget.paint_mask(np.ones((48, 72), bool), 2)
    assert notes_of(widget.painted_layer)["classes"][2] == "grain"
    assert widget.painted_layer is not layer


def test_labels_of_many_things_stay_visible(desk):
    opened = desk(show=False)
    layer = Labels(np.repeat(np.repeat(tiles(24, 36, 2), 2, 0), 2, 1), name="things")
    opened.viewer.add_layer(layer)
    opened.widget.painted.value = layer
    classes = opened.widget.table._classes
    assert len(classes.labels) < layer.data.max()
    classes.rename(1, "first")
    assert layer.get_color(200)[3] > 0
    assert not layer.colormap.map(0)[..., 3].any()


def test_what_is_chosen_and_shown(desk, qtbot):
    opened = desk()
    viewer, widget = opened.viewer, opened.widget
    segments = widget.segments_layer
    assert segments.contour == 1
    # Outlines have one color, so that those of the classes are seen.
    assert_array_equal(segments.get_color(3), segments.get_color(4))
    widget.one_color.setChecked(False)
    assert not np.array_equal(segments.get_color(3), segments.get_color(4))
    widget.one_color.setChecked(True)
    opened.tool("fill")
    opened.click((6, 6))
    opened.press(Qt.Key.Key_S)
    opened.press(Qt.Key.Key_H)
    assert not segments.visible
    assert not widget.painted_layer.visible
    opened.press(Qt.Key.Key_S)
    assert segments.visible
    # Any labels on the image are segments, such as what SAM or GrabCut found.
    other = viewer.add_labels((tiles() > 12).astype(int) + 1, name="found")
    widget.segments.value = other
    assert widget.segments_layer is other
    assert widget.tool == "fill"
    opened.click((40, 40))
    assert_array_equal(opened.painted > 0, (tiles() > 12) | (tiles() == 1))
    # Those that lie elsewhere are not offered.
    viewer.add_labels(tiles(), name="elsewhere", translate=(5, 5))
    assert "elsewhere" not in [widget.segments.itemText(i) for i in range(widget.segments.count())]
    viewer.layers.remove(other)
    assert widget.segments_layer is None
    assert not widget.tools["fill"].isEnabled()
    assert "no segments" in widget.tools["fill"].toolTip()
    newest = Labels(tiles(), name="newest")
    note(newest, role=SEGMENTS)
    viewer.add_layer(newest)
    assert widget.segments_layer is newest


def test_other_widgets_find_their_place(desk):
    opened = desk(show=False)
    content = QLabel("Find copies of what is painted")
    opened.widget.add_section("Find copies", content)
    titles = [box.title() for box in opened.widget.findChildren(QGroupBox)]
    assert titles[-1] == "Find copies"
    assert opened.widget.image.name == "image"
    assert opened.widget.position == (0, 0)
    with pytest.raises(InputError, match="mask of shape"):
        opened.widget.paint_mask(np.ones((3, 3), bool))


def test_segments_are_made(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy(show=False)
    viewer = getattr(viewer, "__wrapped__", viewer)
    widget = PaintWidget(viewer)
    viewer.window.add_dock_widget(widget)
    assert "Open an image" in widget.message.text()
    assert not widget.tools["fill"].isEnabled()
    image = np.random.default_rng(0).integers(0, 255, (40, 60)).astype(np.uint8)
    viewer.add_image(image, name="image")
    assert "no segments" in widget.message.text()
    assert widget.tools["lasso"].isEnabled()
    widget.method.value = "slic"
    widget.number.setValue(20)
    widget.make_button.click()
    qtbot.waitUntil(lambda: not widget.busy, timeout=30_000)
    layer = widget.segments_layer
    assert role_of(layer) == SEGMENTS
    assert len(np.unique(layer.data)) > 5
    history_of(viewer).undo()
    assert widget.segments_layer is None


def test_channels_share_their_segments(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy(show=False)
    viewer = getattr(viewer, "__wrapped__", viewer)
    widget = PaintWidget(viewer)
    viewer.window.add_dock_widget(widget)
    image = np.random.default_rng(0).integers(0, 255, (3, 40, 60)).astype(np.uint8)
    viewer.add_image(image, name="channels")
    widget.input.inputs.axes.value = "CYX"
    widget.method.value = "slic"
    widget.number.setValue(20)
    widget.make_button.click()
    qtbot.waitUntil(lambda: not widget.busy, timeout=30_000)
    assert widget.segments_layer.data.shape == (1, 40, 60)
    for channel in (2, 0):
        viewer.dims.set_current_step(0, channel)
        assert widget.position == (0, 0, 0)
    assert widget.paint_mask(np.ones((40, 60), bool)) == 2400
    assert widget.painted_layer.data.shape == (1, 40, 60)


def test_coarser_levels_of_a_pyramid(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=False)
    viewer = getattr(viewer, "__wrapped__", viewer)
    full = np.zeros((96, 144), np.uint8)
    viewer.add_image([full, full[::2, ::2]], name="pyramid", multiscale=True)
    layer = Labels(tiles(), name="coarse", scale=(2, 2), translate=(0.5, 0.5))
    note(layer, role=SEGMENTS)
    viewer.add_layer(layer)
    widget = PaintWidget(viewer)
    viewer.window.add_dock_widget(widget)
    assert widget.segments_layer is layer
    widget.paint_mask(tiles() == 3)
    assert_array_equal(widget.painted_layer.scale, (2, 2))
    assert_array_equal(widget.painted_layer.translate, (0.5, 0.5))
    assert_array_equal(widget.painted_layer.data > 0, tiles() == 3)


def test_a_closed_widget_lets_go(desk):
    opened = desk()
    widget, segments = opened.widget, opened.widget.segments_layer
    opened.tool("fill")
    opened.click((6, 6))
    painted = widget.painted_layer
    before = painted.data.copy()
    opened.viewer.window.remove_dock_widget(widget)
    assert segments.mouse_pan
    assert not np.array_equal(segments.get_color(3), segments.get_color(4))
    assert not segments.mouse_drag_callbacks or all(
        getattr(one, "__self__", None) is not widget._mouse for one in segments.mouse_drag_callbacks
    )
    # What was done can still be undone.
    history_of(opened.viewer).undo()
    assert not painted.data.any()
    assert before.any()


def test_lazy_layers_are_painted_by_boxes(desk):
    array = pytest.importorskip("dask.array")
    opened = desk()
    layer = Labels(array.zeros((48, 72), dtype=np.uint8, chunks=16), name="lazy")
    note(layer, role=PAINTED)
    opened.viewer.add_layer(layer)
    opened.tool("fill")
    opened.drag((6, 6), (6, 20))
    assert_array_equal(opened.painted > 0, np.isin(tiles(), [1, 2]))
    assert shows_what_there_is(layer)
    opened.undo()
    assert not opened.painted.any()


@pytest.mark.parametrize("seed", range(2))
def test_any_gestures_are_undone_and_redone_exactly(desk, seed):
    opened = desk(show=False)
    widget, gestures = opened.widget, opened.widget._gestures
    random = np.random.default_rng(seed)
    tools = [name for name, tool in TOOLS.items() if tool.gesture != "own"]
    for _ in range(40):
        name = tools[random.integers(len(tools))]
        widget.choose_tool(name)
        widget._session.classes.classes.choose(int(random.integers(1, 4)))
        path = np.cumsum(random.uniform(-12, 12, (5, 2)), axis=0) + random.uniform(0, (48, 72))
        place = Place(path[0], bool(random.random() < 0.2))
        gestures.begin(place)
        for length in range(1, 6):
            gestures.drag(path[:length], place)
        gestures.finish(path, place)
        if random.random() < 0.1:
            opened.history.undo()
        if random.random() < 0.1 and widget.painted_layer is not None:
            widget.change_class("grow")
            opened.wait()
    end = opened.segments.copy(), opened.painted.copy()
    n_undone = 0
    while opened.history.can_undo:
        opened.history.undo()
        n_undone += 1
    assert n_undone > 15
    assert_array_equal(opened.segments, tiles())
    assert widget.painted_layer is None
    for _ in range(n_undone):
        opened.history.redo()
    assert_array_equal(opened.segments, end[0])
    assert_array_equal(opened.painted, end[1])


def test_keys_are_those_of_the_docs():
    text = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    section = text[text.index("*Paint segments*") :]
    listed = {key.strip() for row in section.splitlines() for key in row.split("|")[1:2][:1]}
    keys = {key.strip() for cell in listed for key in cell.split(",")}
    assert {tool.key for tool in TOOLS.values()} <= keys
    assert len({tool.key for tool in TOOLS.values()}) == len(TOOLS)
