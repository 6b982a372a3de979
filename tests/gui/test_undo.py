"""Accepting, undo and redo: exactly what was before, in every order."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr
from qtpy.QtCore import Qt

from napari_ncut.errors import InputError
from napari_ncut.widgets import label_edit

CONTROL = Qt.KeyboardModifier.ControlModifier
CONTROL_SHIFT = CONTROL | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(params=["small edit", "large edit"])
def edit_path(request, monkeypatch):
    if request.param == "large edit":
        monkeypatch.setattr(label_edit, "SMALL_EDIT", 0)
    return request.param


def state(bench, layer):
    """Everything that undo must bring back."""
    return (
        np.array(layer.data),
        np.array(bench.points.data),
        bench.points.features.copy(),
        layer.features.copy(),
    )


def assert_same(mine, its):
    np.testing.assert_array_equal(mine[0], its[0])
    np.testing.assert_array_equal(mine[1], its[1])
    assert mine[2].equals(its[2])
    assert mine[3].equals(its[3])


@pytest.mark.parametrize("active", ["prompts", "output", "preview"])
def test_control_z_after_accepting_brings_back_output_and_prompts(
    prepared, press, edit_path, active
):
    bench = prepared()
    bench.click([30, 50])
    bench.segment.flip_sign()
    bench.click([30, 10])
    before_points, before_features = bench.points.data.copy(), bench.points.features.copy()
    preview = bench.preview.data.copy()
    output = bench.accept()
    after = state(bench, output)
    np.testing.assert_array_equal(output.data, preview)
    assert output.data.any() and not len(bench.points.data)
    layer = {"prompts": bench.points, "output": output, "preview": bench.preview}[active]

    press(bench, Qt.Key.Key_Z, CONTROL, layer=layer)
    bench.wait(bench.settled)
    assert not output.data.any()
    np.testing.assert_array_equal(bench.points.data, before_points)
    assert bench.points.features.equals(before_features)
    bench.wait(lambda: np.array_equal(bench.preview.data, preview))

    press(bench, Qt.Key.Key_Z, CONTROL_SHIFT, layer=layer)
    bench.wait(bench.settled)
    assert_same(state(bench, output), after)
    assert not bench.preview.data.any()


def test_strokes_and_acceptances_unwind_in_order(prepared, edit_path):
    bench = prepared()
    output = bench.viewer.add_labels(np.zeros((64, 64), np.uint8), name="mine")
    output.paint((5, 5), 7)  # before we know of it as an output
    bench.segment.output_choice.value = bench.viewer.layers["mine"].__wrapped__
    states = [state(bench, output)]
    for column in (50, 10):
        bench.segment._classes.choose(1 + (column < 32))
        bench.click([30, column])
        bench.accept()
        states.append(state(bench, output))
        output.paint((40, column), 9)
        states.append(state(bench, output))
    assert len({s[0].tobytes() for s in states}) == 5
    for wanted in reversed(states[:-1]):
        # Clicks are steps of their own, which stand between the results.
        while not np.array_equal(output.data, wanted[0]) or len(bench.points.data):
            assert bench.history.can_undo
            bench.history.undo()
            bench.wait(bench.settled)
    bench.history.undo()
    bench.wait(bench.settled)
    assert not output.data.any(), "the stroke of before"
    while bench.history.can_redo:
        bench.history.redo()
        bench.wait(bench.settled)
    assert_same(state(bench, output), states[-1])


def test_each_undo_takes_back_exactly_one_step(prepared, edit_path):
    bench = prepared()
    bench.click([30, 50])
    output = bench.accept()
    accepted = output.data.copy()
    output.paint((5, 5), 3)
    bench.history.undo()
    np.testing.assert_array_equal(output.data, accepted)
    bench.history.undo()
    bench.wait(bench.settled)
    assert not output.data.any() and len(bench.points.data) == 1
    bench.history.undo()
    bench.wait(bench.settled)
    assert not len(bench.points.data)
    assert not bench.history.can_undo


def test_napari_s_own_undo_takes_back_a_small_acceptance(prepared):
    bench = prepared()
    bench.click([30, 50])
    output = bench.accept()
    output.undo()
    assert not output.data.any()
    # Ours then has nothing left to do on the layer, and does not undo anything older.
    bench.history.undo()
    bench.wait(bench.settled)
    assert len(bench.points.data) == 1 and not output.data.any()


def test_acceptance_keeps_what_is_there_where_asked(prepared, edit_path):
    bench = prepared()
    given = np.zeros((64, 64), np.uint8)
    given[:, 52:] = 5
    output = bench.viewer.add_labels(given.copy(), name="mine")
    bench.segment.output_choice.value = output.__wrapped__
    bench.segment.output_controls.protect.value = True
    bench.click([30, 50])
    mask = bench.preview.data > 0
    assert mask[:, 52:].any() and mask[:, :52].any()
    bench.accept()
    np.testing.assert_array_equal(output.data, np.where((given == 0) & mask, 1, given))
    bench.history.undo()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(output.data, given)


def test_instances_are_numbered_from_the_next_free_label(prepared, edit_path):
    image = np.full((64, 64), 30, np.uint8)
    image[8:24, 8:24] = image[40:56, 36:60] = 220
    bench = prepared(image)
    given = np.zeros((64, 64), np.int32)
    given[0, 0] = 41
    output = bench.viewer.add_labels(given.copy(), name="mine")
    bench.segment.output_choice.value = output.__wrapped__
    bench.segment.output_controls.kind.value = True
    bench.segment._classes.rename(1, "bright")
    bench.click([16, 16])
    table = output.features.copy()
    bench.accept()
    numbers = sorted(set(np.unique(output.data)) - {0, 41})
    assert numbers == list(range(42, 42 + len(numbers))) and len(numbers) == 2
    rows = output.features.set_index("index").loc[numbers]
    assert set(rows["class"]) == {1} and set(rows["class_name"]) == {"bright"}
    bench.history.undo()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(output.data, given)
    assert output.features.equals(table)


def test_labels_that_do_not_fit_are_refused(prepared):
    bench = prepared()
    given = np.zeros((64, 64), np.uint8)
    given[0, 0] = 255
    output = bench.viewer.add_labels(given.copy(), name="mine")
    bench.segment.output_choice.value = output.__wrapped__
    bench.segment.output_controls.kind.value = True
    bench.click([30, 50])
    bench.accept()
    assert any("holds labels up to 255" in text for text in bench.messages())
    np.testing.assert_array_equal(output.data, given)
    assert len(bench.points.data) == 1 and output.editable
    bench.wait(lambda: bench.preview.data.any())
    bench.segment.output_controls.kind.value = False
    bench.accept()
    assert (np.asarray(output.data) == 1).any()


def test_a_failed_acceptance_leaves_no_new_layer(prepared, monkeypatch):
    from napari_ncut.widgets import accepting

    def fail(*_):
        raise InputError("no such luck")
        yield

    bench = prepared()
    bench.click([30, 50])
    names = [layer.name for layer in bench.viewer.layers]
    with monkeypatch.context() as patch:
        patch.setattr(accepting, "accept_steps", fail)
        bench.accept()
    assert [layer.name for layer in bench.viewer.layers] == names
    assert any("no such luck" in text for text in bench.messages())
    assert bench.accept().data.any()


@pytest.mark.parametrize("kind", ["zarr", "dask"])
def test_a_lazy_layer_can_be_the_output(prepared, tmp_path, kind):
    stack = np.stack([np.tile(np.where(np.arange(64) < 32, 40, 200), (64, 1))] * 3).astype(np.uint8)
    bench = prepared(stack)
    if kind == "zarr":
        data = zarr.create_array(str(tmp_path / "a.zarr"), shape=stack.shape, dtype="uint8")
        data[0, 0, 0] = 9
    else:
        data = da.zeros(stack.shape, dtype="uint8", chunks=(1, 64, 64))
        data[0, 0, 0] = 9
    output = bench.viewer.add_labels(data, name="mine")
    before = np.array(output.data)
    bench.segment.output_choice.value = output.__wrapped__
    bench.click([1, 30, 50])
    bench.wait(lambda: bench.planes_done == 3)
    mask = bench.preview.data.copy()
    bench.accept()
    assert bench.messages("error") == []
    np.testing.assert_array_equal(output.data, np.where(mask > 0, mask, before))
    bench.history.undo()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(output.data, before)
    assert len(bench.points.data) == 1


def test_a_layer_that_cannot_be_written_is_left_as_it_was(prepared, monkeypatch):
    """Half a result on disk would be worse than none."""
    from napari_ncut.widgets import history

    monkeypatch.setattr(label_edit, "SMALL_EDIT", 0)
    stack = np.stack([np.tile(np.where(np.arange(64) < 32, 40, 200), (64, 1))] * 3).astype(np.uint8)
    bench = prepared(stack)
    output = bench.viewer.add_labels(np.zeros(stack.shape, np.uint8), name="mine")
    bench.segment.output_choice.value = output.__wrapped__
    bench.click([1, 30, 50])
    write, calls = history._apply_difference, []

    def failing(layer, key, packed):
        calls.append(key)
        if len(calls) == 2:
            raise OSError("disk full")
        write(layer, key, packed)

    with monkeypatch.context() as patch:
        patch.setattr(history, "_apply_difference", failing)
        bench.accept()
    assert any("disk full" in text for text in bench.messages())
    assert not output.data.any() and len(bench.points.data) == 1
    assert not bench.history.replaying
    bench.accept()
    assert output.data.any()


def test_rejecting_can_be_undone(prepared, press):
    bench = prepared()
    bench.click([30, 50])
    mask = bench.preview.data.copy()
    press(bench, Qt.Key.Key_Escape, layer=bench.points)
    assert not len(bench.points.data) and not bench.preview.data.any()
    press(bench, Qt.Key.Key_Z, CONTROL, layer=bench.points)
    bench.wait(lambda: np.array_equal(bench.preview.data, mask))


def test_clicks_kept_can_be_accepted_again(prepared):
    bench = prepared()
    bench.segment.output_controls.keep.value = True
    bench.click([30, 50])
    output = bench.accept()
    first = output.data.copy()
    assert len(bench.points.data) == 1
    bench.segment.controls.auto.value = False
    bench.segment.controls.threshold.value = 0.1
    bench.wait(bench.settled)
    bench.accept()
    assert bench.segment.output_choice.value is output
    bench.history.undo()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(output.data, first)
