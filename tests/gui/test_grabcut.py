"""GrabCut in the window: rectangles, marks, the key, undo, and images of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ncut.classic import GrabCut, Mark
from napari_ncut.widgets.grabcut_layers import boxes_layer
from napari_ncut.widgets.grabcut_panel import GrabCutPanel
from napari_ncut.widgets.roles import SEGMENTS, labels_on, role_of

from .section import Section

pytest.importorskip("cv2")

BOX = np.array([[18.0, 18], [18, 52], [52, 52], [52, 18]])


def disk(middle: int = 35) -> np.ndarray:
    """A bright disk of radius 12 on dark, with a little noise."""
    rows, columns = np.indices((70, 90))
    noise = np.random.RandomState(0).normal(0, 6, (70, 90))
    inside = np.hypot(rows - 35, columns - middle) < 12
    return (np.where(inside, 190, 50) + noise).clip(0, 255).astype(np.uint8)


def truth(middle: int = 35) -> np.ndarray:
    rows, columns = np.indices((70, 90))
    return np.hypot(rows - 35, columns - middle) < 12


def glow() -> np.ndarray:
    """A spot without an edge: every round changes the cut."""
    rows, columns = np.indices((70, 90))
    noise = np.random.RandomState(0).normal(0, 2, (70, 90))
    distance = np.hypot(rows - 35, columns - 35)
    return (30 + 200 * np.exp(-((distance / 10) ** 2)) + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture
def section(make_napari_viewer_proxy: Any, qtbot: Any) -> Callable[..., Section]:
    def open_section(image: np.ndarray, **kwargs: Any) -> Section:
        viewer = make_napari_viewer_proxy(show=kwargs.pop("show", False))
        viewer.add_image(image, name="image", **kwargs)
        widget = Section(viewer, GrabCutPanel)
        viewer.window.add_dock_widget(widget)
        return widget

    return open_section


def cut(section: Section, qtbot: Any) -> Any:
    section.panel.iterate()
    section.wait(qtbot)
    return result(section)


def result(section: Section) -> Any:
    found = labels_on(section.viewer, section.input.image.value, SEGMENTS)
    return found[0] if found else None


def test_nothing_can_be_cut_before_something_is_drawn(section: Callable, qtbot: Any):
    opened = section(disk())
    assert not opened.panel.run_button.isEnabled()
    assert "Draw a rectangle" in opened.panel.run_button.toolTip()
    opened.panel.draw_boxes()
    assert opened.panel.run_button.isEnabled()
    assert cut(opened, qtbot) is None
    assert "Nothing says what is foreground" in opened.panel.message.text()


@pytest.mark.parametrize("rgb", [False, True])
def test_a_rectangle_and_the_key_on_a_transformed_image(
    section: Callable, qtbot: Any, press: Any, rgb: bool
):
    image = np.dstack([disk()] * 3) if rgb else disk()
    opened = section(image, scale=(0.5, 2), translate=(3, -7), rotate=20, show=True)
    shapes = opened.panel.draw_boxes()
    assert str(shapes.mode) == "add_rectangle" and opened.panel.boxes.value is shapes
    shapes.add(BOX, shape_type="rectangle")
    press(opened, Qt.Key.Key_I, layer=shapes)
    opened.wait(qtbot)
    layer = result(opened)
    np.testing.assert_array_equal(layer.data, np.where(truth(), 1, 2))
    np.testing.assert_allclose(
        layer.data_to_world((3.0, 4.0)), opened.input.image.value.data_to_world((3.0, 4.0))
    )
    # The rectangle stays selected, so that the key can be pressed again; and lies on top.
    assert opened.viewer.layers.selection.active is shapes
    assert [x.name for x in opened.viewer.layers] == ["image", "image GrabCut", "image rectangles"]


def test_every_cut_is_one_step_and_goes_on_from_what_is_shown(section: Callable, qtbot: Any):
    opened = section(glow())
    opened.panel.draw_boxes().add(BOX, shape_type="rectangle")
    expected = GrabCut(glow())
    expected.set_boxes([(18, 18, 52, 52)])
    for _ in range(3):
        layer = cut(opened, qtbot)
        expected.iterate()
        np.testing.assert_array_equal(layer.data, expected.segments())
    third = layer.data.copy()
    assert [step.name for step in opened.history._done] == ["shapes", *["GrabCut"] * 3]
    opened.history.undo()
    second = layer.data.copy()
    assert (second != third).any()
    opened.history.redo()
    np.testing.assert_array_equal(layer.data, third)
    opened.history.undo()
    # The third round again, not the fourth.
    np.testing.assert_array_equal(cut(opened, qtbot).data, third)
    for _ in range(4):
        opened.history.undo()
    assert result(opened) is None and not len(opened.panel.boxes.value.data)
    for _ in range(4):
        opened.history.redo()
    np.testing.assert_array_equal(result(opened).data, third)
    np.testing.assert_array_equal(opened.panel.boxes.value.data[0], BOX)


def test_start_over_is_a_step_too(section: Callable, qtbot: Any):
    opened = section(glow())
    opened.panel.draw_boxes().add(BOX, shape_type="rectangle")
    first = cut(opened, qtbot).data.copy()
    second = cut(opened, qtbot).data.copy()
    assert (first != second).any()
    opened.panel.start_over()
    np.testing.assert_array_equal(cut(opened, qtbot).data, first)
    opened.history.undo()
    opened.history.undo()
    np.testing.assert_array_equal(result(opened).data, second)


def test_marks_are_obeyed_and_can_be_undone(section: Callable, qtbot: Any, press: Any):
    opened = section(disk(), show=True)
    opened.panel.draw_boxes().add(BOX, shape_type="rectangle")
    qtbot.waitUntil(lambda: opened.history.can_undo)  # the mouse rests
    opened.panel.mark_buttons[int(Mark.BACKGROUND)].click()
    marks = opened.panel.marks.value
    assert str(marks.mode) == "paint" and marks.selected_label == Mark.BACKGROUND
    marks.paint((35, 35), Mark.BACKGROUND)
    press(opened, Qt.Key.Key_3, Qt.KeyboardModifier.ShiftModifier, layer=marks)
    assert marks.selected_label == Mark.PROBABLY_FOREGROUND
    press(opened, Qt.Key.Key_I, layer=marks)
    opened.wait(qtbot)
    layer = result(opened)
    assert layer.data[35, 35] != layer.data[35, 26]
    press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier, layer=marks)
    press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier, layer=marks)
    assert not marks.data.any() and result(opened) is None


def test_marks_alone(section: Callable, qtbot: Any):
    opened = section(disk())
    marks = opened.panel.paint_marks(int(Mark.FOREGROUND))
    marks.data[33:37, 33:37] = Mark.FOREGROUND
    marks.data[2:6, 2:80] = Mark.BACKGROUND
    opened.panel.background.setChecked(False)
    np.testing.assert_array_equal(cut(opened, qtbot).data, truth())


def test_planes_of_a_stack_are_cut_by_themselves(section: Callable, qtbot: Any):
    stack = np.stack([disk(35), disk(35), disk(50)])
    opened = section(stack, scale=(5, 1, 1))
    viewer = opened.viewer
    viewer.dims.set_current_step(0, 2)
    shapes = opened.panel.draw_boxes()
    # One on the plane, one on another: only its own counts there.
    shapes.add(np.insert(BOX + np.array([0, 15]), 0, 2, axis=1), shape_type="rectangle")
    shapes.add(np.insert(BOX, 0, 0, axis=1), shape_type="rectangle")
    layer = cut(opened, qtbot)
    assert layer.data.shape == stack.shape and not layer.data[:2].any()
    np.testing.assert_array_equal(layer.data[2], np.where(truth(50), 1, 2))
    viewer.dims.set_current_step(0, 0)
    cut(opened, qtbot)
    np.testing.assert_array_equal(layer.data[0], np.where(truth(35), 1, 2))
    np.testing.assert_array_equal(layer.data[2], np.where(truth(50), 1, 2))
    assert not layer.data[1].any()


def test_pyramids_and_axes_in_another_order(section: Callable, qtbot: Any):
    large = disk().repeat(2, axis=0).repeat(2, axis=1)
    opened = section([large, large[::2, ::2]], multiscale=True)
    opened.panel.draw_boxes().add(BOX * 2 + 0.5, shape_type="rectangle")
    layer = cut(opened, qtbot)
    expected = np.where(truth(), 1, 2).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(layer.data, expected)

    turned = section(disk().T, axis_labels=("x", "y"))
    turned.panel.draw_boxes().add(BOX, shape_type="rectangle")
    np.testing.assert_array_equal(cut(turned, qtbot).data, np.where(truth().T, 1, 2))


def test_an_image_deleted_while_it_is_cut_is_no_error(section: Callable, qtbot: Any):
    opened = section(disk())
    opened.panel.draw_boxes().add(BOX, shape_type="rectangle")
    opened.panel.iterate()
    opened.viewer.layers.remove("image")
    opened.wait(qtbot)
    assert [layer.name for layer in opened.viewer.layers] == ["image rectangles"]
    assert not opened.panel.run_button.isEnabled()
    opened.panel.iterate()
    assert "Open an image" in opened.panel.message.text()


def test_what_is_undone_or_painted_while_it_cuts_is_cut_again(section: Callable, qtbot: Any):
    opened = section(glow())
    opened.panel.draw_boxes().add(BOX, shape_type="rectangle")
    first = cut(opened, qtbot).data.copy()
    second = cut(opened, qtbot).data.copy()
    opened.panel.iterate()
    opened.history.undo()
    np.testing.assert_array_equal(result(opened).data, first)
    opened.wait(qtbot)
    np.testing.assert_array_equal(result(opened).data, second)


def test_a_deleted_result_is_made_anew_and_cancel_changes_nothing(section: Callable, qtbot: Any):
    opened = section(disk())
    opened.panel.draw_boxes().add(BOX, shape_type="rectangle")
    opened.viewer.layers.remove(cut(opened, qtbot))
    opened.panel.iterate()
    opened.panel._job.cancel()
    opened.wait(qtbot)
    assert result(opened) is None and "nothing is changed" in opened.panel.message.text()
    assert role_of(cut(opened, qtbot)) == SEGMENTS


def test_rectangles_of_another_viewer_and_without_area_do_not_count(section: Callable, qtbot: Any):
    opened = section(disk())
    shapes = boxes_layer(opened.viewer, opened.input.reading().sources[0])
    assert opened.panel.boxes.value is None
    opened.panel.boxes.value = shapes
    shapes.add(BOX, shape_type="rectangle")
    shapes.add(BOX + 500, shape_type="rectangle")
    cut(opened, qtbot)
    assert "1 rectangle(s) without area or beside" in opened.panel.message.text()
