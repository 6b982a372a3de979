"""The mask under the cursor, and the ring that says where to click next."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from .conftest import halves


@pytest.fixture
def ready(prepared):
    """A window that follows the cursor."""

    def open_ready(*args, **kwargs):
        bench = prepared(*args, **kwargs)
        bench.segment.hover_box.setChecked(True)
        activate(bench)
        return bench

    return open_ready


def stack() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 6, (4, 64, 64))
    return (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)


def activate(bench) -> None:
    bench.viewer.layers.selection.active = getattr(bench.points, "__wrapped__", bench.points)


def move(bench, *position: float) -> None:
    """Tell of the cursor at a place in the world, as the canvas does."""
    viewer = getattr(bench.viewer, "__wrapped__", bench.viewer)
    for callback in list(viewer.mouse_move_callbacks):
        callback(viewer, SimpleNamespace(position=position))
    bench.wait(lambda: not bench.segment._hover.busy)


def hovered(bench, number: int = 0):
    """What is shown under the cursor, None while there is no layer for it."""
    preview = bench.segment._hover._preview
    return None if preview is None else preview.layer(number)


def test_it_costs_nothing_when_off(prepared):
    bench = prepared()
    assert not bench.segment.hover_box.isChecked()
    before = list(bench.viewer.__wrapped__.mouse_move_callbacks)
    bench.segment.hover_box.setChecked(True)
    assert len(bench.viewer.__wrapped__.mouse_move_callbacks) == len(before) + 1
    bench.segment.hover_box.setChecked(False)
    assert list(bench.viewer.__wrapped__.mouse_move_callbacks) == before
    assert hovered(bench) is None


def test_it_shows_what_a_click_there_gives(ready):
    bench = ready()
    n_layers = len(bench.viewer.layers)
    move(bench, 30, 50)
    shown = hovered(bench)
    assert shown.contour > 0 and shown.data[30, 50] == 1
    assert len(bench.viewer.layers) == n_layers + 1
    assert bench.viewer.layers.selection.active.name == bench.points.name
    assert len(bench.viewer.layers.selection) == 1
    expected = shown.data.copy()
    assert bench.preview is None and not bench.segment.accept_button.isEnabled()
    bench.click([30, 50])
    np.testing.assert_array_equal(bench.preview.data, expected)
    assert not shown.data.any(), "a click has been made"
    move(bench, 30, 10)
    assert shown.data[30, 10] == 1 and shown.data[30, 50] == 1
    assert bench.preview.data[30, 10] == 0, "the masks are those of the clicks"


def test_it_is_no_input_and_no_output(ready):
    bench = ready()
    move(bench, 30, 50)
    segment = bench.segment
    for choice in (segment.output_choice, segment.scribbles_choice):
        assert hovered(bench) not in choice._objects
    bench.click([30, 50])
    move(bench, 30, 10)
    output = bench.accept()
    assert output is not hovered(bench)
    assert output.data[30, 50] == 1 and output.data[30, 10] == 0


def test_it_follows_the_sign_and_class_of_the_next_click(ready):
    bench = ready()
    bench.click([30, 50], [30, 10])
    move(bench, 30, 12)
    assert hovered(bench).data[30, 12] == 1
    bench.segment.flip_sign()
    bench.wait(lambda: not bench.segment._hover.busy)
    assert hovered(bench).data[30, 12] == 0 and hovered(bench).data[30, 50] == 1
    bench.segment.flip_sign()
    bench.segment._classes.choose(2)
    bench.wait(lambda: not bench.segment._hover.busy)
    assert hovered(bench).data[30, 12] == 2 and hovered(bench).data[30, 50] == 1
    assert len(bench.points.data) == 2


def test_a_first_negative_click_would_give_nothing(ready):
    bench = ready()
    bench.segment.flip_sign()
    move(bench, 30, 50)
    assert hovered(bench) is None
    bench.click([30, 10])
    bench.segment.flip_sign()
    move(bench, 30, 50)
    assert hovered(bench).data[30, 50] == 1 and hovered(bench).data[30, 10] == 0


@pytest.mark.parametrize("way", ["leaves the image", "leaves the canvas", "other layer", "3D"])
def test_it_goes_when_no_click_can_be_made_there(ready, way):
    bench = ready()
    move(bench, 30, 50)
    assert hovered(bench).data.any()
    viewer = bench.viewer.__wrapped__
    if way == "leaves the image":
        move(bench, 30, 500)
    elif way == "leaves the canvas":
        viewer.mouse_over_canvas = True
        viewer.mouse_over_canvas = False
    elif way == "other layer":
        viewer.layers.selection.active = viewer.layers["image"]
    else:
        viewer.dims.ndisplay = 3
    bench.wait(lambda: not bench.segment._hover.busy)
    assert hovered(bench) is None or not hovered(bench).data.any()
    if way == "3D":
        move(bench, 30, 50)
        assert not hovered(bench).data.any()
    assert bench.messages("warning") == bench.messages("error") == []


def test_switched_off_its_layer_is_gone(ready):
    bench = ready()
    n_layers = len(bench.viewer.layers)
    move(bench, 30, 50)
    bench.segment.hover_box.setChecked(False)
    assert len(bench.viewer.layers) == n_layers
    assert not any("hover" in layer.name for layer in bench.viewer.layers)


def test_its_layer_may_be_deleted(ready):
    bench = ready()
    move(bench, 30, 50)
    bench.viewer.layers.remove(hovered(bench).name)
    activate(bench)
    move(bench, 30, 48)
    assert hovered(bench).data[30, 48] == 1
    bench.viewer.layers.remove("image")
    bench.wait(bench.settled)
    assert hovered(bench) is None
    move(bench, 30, 48)
    assert hovered(bench) is None and bench.messages("error") == []


def test_of_a_transformed_image(ready):
    bench = ready(halves(), scale=(2, 3), translate=(10, 20), rotate=30)
    image = bench.viewer.layers["image"]
    move(bench, *image.data_to_world((30, 50)))
    shown = hovered(bench)
    assert shown.data[30, 50] == 1
    question = bench.segment._question_at(np.array(image.data_to_world((30, 50))))
    np.testing.assert_allclose(question.request.points, [[0, 30, 50]], atol=1e-6)
    np.testing.assert_allclose(shown.data_to_world((5, 7)), image.data_to_world((5, 7)))
    move(bench, 30, 50.0 - 100)
    assert not shown.data.any()


def test_of_a_stack_it_is_on_the_plane_shown(ready):
    bench = ready(stack())
    bench.viewer.dims.set_current_step(0, 2)
    move(bench, 2, 30, 50)
    shown = hovered(bench)
    assert shown.data[2, 30, 50] == 1 and not shown.data[[0, 1, 3]].any()
    bench.viewer.dims.set_current_step(0, 1)
    bench.wait(lambda: not bench.segment._hover.busy)
    assert shown.data[1, 30, 50] == 1 and not shown.data[[0, 2, 3]].any()


def test_it_waits_for_what_was_asked_for(ready, monkeypatch):
    import threading

    from napari_ncut.widgets.live import Request

    bench = ready()
    goes_on, predict, asked = threading.Event(), Request.predict, []

    def slow(self, segmenter, plane):
        asked.append(len(self.points))
        goes_on.wait(10)
        return predict(self, segmenter, plane)

    monkeypatch.setattr(Request, "predict", slow)
    bench.points.add([[30, 50]])
    viewer = bench.viewer.__wrapped__
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, SimpleNamespace(position=(30, 10)))
    bench.qtbot.wait(300)
    assert asked == [1] and bench.segment._hover.busy
    goes_on.set()
    bench.wait(lambda: not bench.segment._hover.busy)
    assert asked == [1, 2] and hovered(bench).data[30, 10] == 1


def test_what_comes_too_late_is_not_shown(ready, monkeypatch):
    import threading

    from napari_ncut.widgets.live import Request

    bench = ready()
    goes_on, predict = threading.Event(), Request.predict

    def slow(self, segmenter, plane):
        goes_on.wait(10)
        return predict(self, segmenter, plane)

    monkeypatch.setattr(Request, "predict", slow)
    hover, viewer = bench.segment._hover, bench.viewer.__wrapped__
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, SimpleNamespace(position=(30, 50)))
    bench.wait(lambda: hover._job.busy)
    bench.points.add([[30, 10]])
    goes_on.set()
    bench.wait(bench.settled)
    bench.wait(lambda: hover._job._worker is None)
    assert hovered(bench) is None or not hovered(bench).data.any()


def test_a_second_viewer_has_its_own(ready, prepared):
    first, second = ready(), prepared()
    move(first, 30, 50)
    assert hovered(first).data.any() and hovered(second) is None
    assert not any("hover" in layer.name for layer in second.viewer.layers)


def test_a_released_widget_follows_no_longer(ready):
    bench = ready()
    viewer = bench.viewer.__wrapped__
    move(bench, 30, 50)
    bench.segment.release()
    assert not any("hover" in layer.name for layer in viewer.layers)
    assert not viewer.mouse_move_callbacks or all(
        "Hover" not in str(callback) for callback in viewer.mouse_move_callbacks
    )
    bench.segment.hover_box.setChecked(False)
    bench.segment.hover_box.setChecked(True)
    move(bench, 30, 50)
    assert not any("hover" in layer.name for layer in viewer.layers)
    assert bench.messages("error") == []


def test_what_fails_is_told_once(ready, monkeypatch):
    from napari_ncut import InputError
    from napari_ncut.prompts import PromptSegmenter

    def fail(self, *args, **kwargs):
        raise InputError("There is no such thing.")

    bench = ready()
    monkeypatch.setattr(PromptSegmenter, "predict", fail)
    move(bench, 30, 50)
    move(bench, 30, 40)
    assert not bench.segment.hover_box.isChecked()
    assert bench.messages("warning") == ["There is no such thing."]
    monkeypatch.undo()
    bench.click([30, 50])
    monkeypatch.setattr(PromptSegmenter, "where_next", fail)
    ask(bench)
    assert bench.messages("warning") == ["There is no such thing."] * 2
    assert "looking" not in bench.segment.status.text() and not rings(bench)


def test_a_real_cursor(ready, qtbot):
    bench = ready(show=True)
    canvas = bench.viewer.__wrapped__.window._qt_viewer.canvas.native
    bench.viewer.reset_view()
    qtbot.wait(200)
    middle = canvas.rect().center()
    for step in range(3):
        QTest.mouseMove(canvas, middle + QPoint(step, 0))
        qtbot.wait(20)
    bench.wait(lambda: hovered(bench) is not None and hovered(bench).data.any())
    row, column = np.round(bench.viewer.cursor.position).astype(int)
    assert hovered(bench).data[row, column] == 1


# ------------------------------------------------------------------------------------- where next


def rings(bench) -> list:
    role = {"napari_ncut": {"role": "hint"}}
    return [layer for layer in bench.viewer.layers if layer.metadata == role]


def center(bench) -> tuple[float, ...]:
    viewer = bench.viewer.__wrapped__
    return getattr(viewer, "scene", viewer).camera.center[-2:]


@pytest.fixture
def doubted(ready, monkeypatch):
    """A window in which (3, 40), on the wanted plane, is in doubt; None takes the doubt away."""
    from napari_ncut.prompts import PromptSegmenter

    def open_doubted(*args, on_plane: int | None = 0, **kwargs):
        bench = ready(*args, **kwargs)
        bench.asked, bench.asked_strokes = [], []

        def where_next(self, points, positive=None, *, planes, strokes=(), **options):
            bench.asked_strokes.append(strokes)
            bench.asked.append((np.asarray(points).tolist(), list(positive), planes))
            return (on_plane, 3, 40) if planes == [on_plane] else None

        monkeypatch.setattr(PromptSegmenter, "where_next", where_next)
        return bench

    return open_doubted


def ask(bench) -> None:
    bench.segment.show_next_place()
    bench.wait(lambda: not bench.segment._next_place.busy)


def test_u_shows_the_place_until_the_next_click(doubted, press):
    bench = doubted()
    assert not bench.segment.next_button.isEnabled()
    bench.click([30, 50])
    assert bench.segment.next_button.isEnabled()
    press(bench, Qt.Key.Key_U, layer=bench.points)
    bench.wait(lambda: len(rings(bench)) == 1)
    (ring,) = rings(bench)
    np.testing.assert_allclose(ring.data, [[3, 40]])
    assert "ring" in bench.segment.status.text()
    assert bench.viewer.layers.selection.active.name == bench.points.name
    assert bench.segment.points is not ring
    for choice in (bench.segment.points_choice, bench.segment.negative_choice):
        assert ring not in choice._objects
    bench.click([3, 40])
    assert not rings(bench) and "ring" not in bench.segment.status.text()


def test_nothing_in_doubt_is_said(doubted):
    bench = doubted(on_plane=None)
    bench.click([30, 50])
    ask(bench)
    assert not rings(bench) and "nothing is in doubt" in bench.segment.status.text()
    bench.segment.controls.threshold.value = 0.6
    bench.wait(bench.settled)
    assert "doubt" not in bench.segment.status.text()


def test_without_a_click_it_says_so(ready, press):
    bench = ready()
    press(bench, Qt.Key.Key_U, layer=bench.points)
    assert not rings(bench)
    assert any("Click on something first" in text for text in bench.messages())


@pytest.mark.parametrize("seen", [True, False])
def test_the_view_moves_only_where_the_ring_would_not_be_seen(doubted, monkeypatch, seen):
    from napari_ncut.widgets import hover

    bench = doubted()
    monkeypatch.setattr(hover, "_is_seen", lambda *_: seen)
    before = center(bench)
    bench.click([30, 50])
    ask(bench)
    np.testing.assert_allclose(center(bench), before if seen else (3, 40))


def test_the_ring_lies_on_a_transformed_image(doubted, monkeypatch):
    monkeypatch.setattr("napari_ncut.widgets.hover._is_seen", lambda *_: False)
    bench = doubted(halves(), scale=(2, 3), translate=(10, 20), rotate=30)
    bench.click([30, 50])
    ask(bench)
    (ring,) = rings(bench)
    wanted = bench.viewer.layers["image"].data_to_world((3, 40))
    np.testing.assert_allclose(ring.data_to_world(ring.data[0]), wanted)
    np.testing.assert_allclose(center(bench), wanted)


def test_planes_on_screen_come_first_and_the_slider_goes_there(doubted):
    bench = doubted(stack(), on_plane=3)
    bench.viewer.dims.set_current_step(0, 1)
    bench.click([1, 30, 50])
    ask(bench)
    assert [planes for *_, planes in bench.asked] == [[1], [0], [2], [3]]
    assert bench.viewer.dims.current_step[0] == 3
    np.testing.assert_allclose(rings(bench)[0].data, [[3, 3, 40]])
    bench.wait(bench.settled)


def test_strokes_are_asked_about_too(doubted):
    bench = doubted()
    bench.segment.add_shapes()
    corners = np.array([(20, 40), (20, 60), (40, 60), (40, 40)], dtype=float)
    bench.segment.shapes_choice.value.add_rectangles([corners])
    bench.wait(lambda: not bench.segment._strokes.waiting and bench.settled())
    ask(bench)
    ((box,), *_) = bench.asked_strokes
    assert (box.row0, box.column0, box.row1, box.column1) == (20, 40, 40, 60)


def test_a_real_place_is_found(ready):
    bench = ready()
    bench.click([30, 50])
    ask(bench)
    assert rings(bench) or "nothing is in doubt" in bench.segment.status.text()
    assert bench.messages("error") == []


def test_the_ring_goes_with_the_widget(doubted):
    bench = doubted()
    bench.click([30, 50])
    ask(bench)
    assert rings(bench)
    bench.segment.release()
    assert not rings(bench)
    assert bench.messages("error") == []


def test_the_ring_may_be_deleted(doubted):
    bench = doubted()
    bench.click([30, 50])
    ask(bench)
    bench.viewer.layers.remove(rings(bench)[0].name)
    activate(bench)
    bench.click([30, 10])
    assert bench.messages("error") == []
