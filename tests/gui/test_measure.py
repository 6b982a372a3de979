"""The widget "Measure": tables beside the layer, in units, found by clicks, undone in one step."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ncut import compare_labels, measure_segments, summarize
from napari_ncut.measuring import GROUPS
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.measure import MeasureWidget
from napari_ncut.widgets.roles import PAINTED, note


def squares(shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Three squares of different sizes, with gaps in their numbers."""
    labels = np.zeros(shape, np.int32)
    labels[5:15, 5:15], labels[20:45, 10:35], labels[50:55, 60:70] = 2, 7, 30
    return labels


@dataclass
class Desk:
    """A viewer with the widget docked."""

    viewer: Any
    widget: MeasureWidget
    qtbot: Any

    def wait(self) -> None:
        self.qtbot.waitUntil(
            lambda: not (self.widget._job.busy or self.history.replaying), timeout=30_000
        )

    @property
    def history(self) -> Any:
        return history_of(self.viewer)

    def add(self, labels: Any = None, role: str = "", **kwargs: Any) -> Any:
        notes = {"role": role, "classes": {1: "cell", 2: "debris"}} if role else {}
        layer = self.viewer.add_labels(
            squares() if labels is None else labels,
            **{"name": "cells", "metadata": {"napari_ncut": notes}, **kwargs},
        )
        return getattr(layer, "__wrapped__", layer)

    def measure(self) -> Any:
        QTest.mouseClick(self.widget.run_button, Qt.MouseButton.LeftButton)
        self.wait()
        return self.widget.measured

    def click_row(self, shown: int) -> None:
        table = self.widget.table
        index = table.columns.index(shown, 1)
        table.scrollTo(index)
        QTest.mouseClick(
            table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
            table.visualRect(index).center(),
        )  # fmt: skip

    def texts(self, table: Any, heading: str) -> list[str]:
        model = table.columns
        headings = [
            model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())
        ]
        column = headings.index(heading)
        return [model.data(model.index(row, column)) for row in range(model.rowCount())]


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot) -> Desk:
    viewer = make_napari_viewer_proxy()
    widget = MeasureWidget(viewer)
    viewer.window.add_dock_widget(widget)
    return Desk(getattr(viewer, "__wrapped__", viewer), widget, qtbot)


def test_without_labels_it_says_so(desk: Desk):
    assert not desk.widget.run_button.isEnabled()
    assert "Add a Labels layer" in desk.widget.message.text()
    assert not desk.widget.export_button.isEnabled()


def test_groups_are_those_of_the_registry(desk: Desk):
    assert {n: b.isChecked() for n, b in desk.widget.input.groups.items()} == {
        name: entry.default for name, entry in GROUPS.items()
    }


def test_a_table_in_units_noted_in_the_layer_and_undone(desk: Desk):
    layer = desk.add(scale=(500, 0.25), units=("nm", "um"))
    layer.features = {"index": [7, 30], "note": ["a", "b"]}
    desk.widget.input.groups["hull"].setChecked(True)
    measured = desk.measure()
    wanted = measure_segments(
        squares(), spacing=(0.5, 0.25), unit="µm",
        properties=["size", "place", "shape", "outline", "hull"],
    )  # fmt: skip
    assert list(measured.table.columns) == list(wanted.columns)
    for name, values in wanted.columns.items():
        np.testing.assert_allclose(measured.table[name], values, err_msg=name)
    assert desk.texts(desk.widget.table, "Area (µm²)") == ["12.5", "78.125", "6.25"]
    table = layer.features
    assert table["index"].tolist() == [2, 7, 30]
    assert table["area"].tolist() == wanted["area"].tolist()
    assert table["note"].tolist()[1:] == ["a", "b"]
    assert "3 segments" in desk.widget.message.text()

    desk.history.undo()
    assert list(layer.features.columns) == ["index", "note"]
    desk.history.redo()
    assert layer.features["area"].tolist() == wanted["area"].tolist()


def test_rows_and_segments_find_each_other(desk: Desk):
    layer = desk.add(scale=(2, 2), translate=(10, -5), rotate=30)
    widget, viewer = desk.widget, desk.viewer
    # A layer that is turned has pixels as large as before.
    assert desk.measure().table["area"].tolist() == [400, 2500, 200]
    widget.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert desk.texts(widget.table, "Label") == ["7", "2", "30"]
    desk.click_row(2)
    assert layer.selected_label == 30 and viewer.layers.selection.active is layer
    middle = layer.data_to_world((52, 64.5))
    camera = getattr(viewer, "scene", viewer).camera
    np.testing.assert_allclose(camera.center[-2:], middle)
    # Sorted another way, the same row stays selected.
    widget.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert widget.table.current == 2

    class Press:
        type, button, modifiers, dims_displayed = "mouse_press", 1, (), (0, 1)
        pos = np.zeros(2)
        position = layer.data_to_world((30, 20))

    (listener,) = layer.mouse_drag_callbacks[-1:]
    press = Press()
    steps = listener(layer, press)
    next(steps)
    press.type = "mouse_release"
    assert next(steps, None) is None
    assert widget.table.current == 1 and layer.selected_label == 7


def test_a_real_click_on_a_segment_selects_its_row(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy(show=True)
    widget = MeasureWidget(viewer)
    viewer.window.add_dock_widget(widget)
    desk = Desk(getattr(viewer, "__wrapped__", viewer), widget, qtbot)
    layer = desk.add()
    desk.measure()
    desk.click_row(2)  # the view is on it now
    desk.click_row(0)
    widget.table.select(2)
    canvas = desk.viewer.window._qt_viewer.canvas.native
    QApplication.processEvents()
    place = canvas.rect().center()
    QTest.mouseMove(canvas, place)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert widget.table.current == 0 and layer.selected_label == 2


def test_painted_classes_are_measured_in_pieces(desk: Desk):
    painted = np.zeros((30, 40), np.uint8)
    painted[2:6, 2:6] = painted[10:20, 10:20] = 1
    painted[10:20, 20:25] = 2
    layer = desk.add(painted, PAINTED, scale=(0.5, 0.5), units=("um", "um"))
    assert desk.widget.input.things.value == "pieces"
    measured = desk.measure()
    assert desk.texts(desk.widget.table, "Name") == ["cell", "cell", "debris"]
    assert measured.table["area"].tolist() == [4, 25, 12.5]
    assert desk.texts(desk.widget.summary, "Count") == ["2", "1"]
    assert desk.texts(desk.widget.summary, "Area (µm²)") == ["29", "12.5"]
    # The layer's labels are classes, so its table is of classes.
    assert layer.features["index"].tolist() == [1, 2]
    assert layer.features["count"].tolist() == [2, 1]
    assert measured.row_at(np.array([12, 12])) == 1
    assert measured.row_at(np.array([0, 0])) is None
    desk.click_row(2)
    assert layer.selected_label == 2


def test_classes_from_another_layer_and_from_the_table(desk: Desk):
    classes = np.ones((60, 80), np.uint8)
    classes[:, 40:] = 2
    classes[0:12] = 0
    painted = desk.add(classes, PAINTED, name="painted")
    layer = desk.add()
    desk.widget.input.classes.value = painted
    measured = desk.measure()
    assert measured.table["class"].tolist() == [0, 1, 2]
    assert measured.table["class_name"].tolist() == ["", "cell", "debris"]
    desk.widget.input.classes.value = None
    layer.features = {"index": [2, 7, 30], "class": [4, 4, 5], "class_name": ["a", "a", "b"]}
    measured = desk.measure()
    assert measured.table["class"].tolist() == [4, 4, 5]
    assert desk.texts(desk.widget.summary, "Name") == ["a", "b"]


def test_intensities_of_several_images(desk: Desk):
    rng = np.random.default_rng(0)
    color = rng.integers(0, 255, (60, 80, 3)).astype(np.uint8)
    gray = rng.random((100, 90))
    desk.viewer.add_image(color, name="stain")
    big = desk.viewer.add_image(gray, name="big")
    desk.add()
    # Labels on a crop of the image.
    big.translate = (-20, -4)
    desk.widget.input.images.value = [desk.viewer.layers["stain"], big]
    measured = desk.measure()
    wanted = measure_segments(
        squares(), {"stain red": color[..., 0], "big": gray[20:80, 4:84]}, properties="intensity"
    )
    for name in ("intensity_mean-stain red", "intensity_std-big"):
        np.testing.assert_allclose(measured.table[name], wanted[name])
    assert "Mean, stain blue" in [measured.table.heading(n) for n in measured.table.columns]
    big.scale = (2, 2)
    desk.widget.input.images.chosen.emit([])
    assert not desk.widget.run_button.isEnabled()
    assert "pixel by pixel" in desk.widget.message.text()
    # Without intensities images do not matter.
    desk.widget.input.groups["intensity"].setChecked(False)
    assert desk.widget.run_button.isEnabled()


def test_pyramids_channels_and_lazy_images(desk: Desk):
    dask = pytest.importorskip("dask.array")
    image = np.random.default_rng(0).random((2, 120, 160))
    levels = [dask.from_array(image), dask.from_array(image[:, ::2, ::2])]
    layer = desk.viewer.add_image(levels, multiscale=True, name="pyramid")
    labels = squares()[np.newaxis]
    # An output on the second level: one slice as thick as both channels.
    desk.add(labels, scale=(2, 2, 2), translate=(0.5, 0.5, 0.5))
    desk.widget.input.images.value = [layer]
    measured = desk.measure()
    wanted = measure_segments(squares(), image[1, ::2, ::2], properties="intensity")
    np.testing.assert_allclose(measured.table["intensity_mean-1"], wanted["intensity_mean"])


def test_stacks_by_plane_and_as_volumes(desk: Desk):
    stack = np.stack([squares()] * 4)
    stack[0][stack[0] == 7] = 0
    layer = desk.add(stack, scale=(3, 1, 1), units=("um", "um", "um"))
    widget = desk.widget
    assert not widget.input.stacks.isHidden()
    measured = desk.measure()
    assert len(measured.table) == 11
    row = int(np.flatnonzero((measured.table["plane"] == 2) & (measured.table["label"] == 7))[0])
    widget.table.select(0)
    widget.show_segment(row)
    assert desk.viewer.dims.current_step[0] == 2
    assert measured.row_at(np.array([2, 30, 20])) == row
    desk.viewer.dims.ndisplay = 3
    widget.show_segment(row)
    camera = getattr(desk.viewer, "scene", desk.viewer).camera
    np.testing.assert_allclose(camera.center, (6, 32, 22))
    desk.viewer.dims.ndisplay = 2
    widget.input.stacks.value = True
    measured = desk.measure()
    assert desk.texts(widget.table, "Volume (µm³)") == ["1200", f"{625 * 9}", "600"]
    assert layer.features["index"].tolist() == [2, 7, 30]


def test_lazy_labels_and_movies_of_volumes(desk: Desk):
    dask = pytest.importorskip("dask.array")
    movie = np.zeros((2, 3, 60, 80), np.int32)
    movie[0, 1:], movie[1, :2] = squares(), squares()
    desk.add(dask.from_array(movie, chunks=(1, 1, 60, 80)))
    assert len(desk.measure().table) == 12
    desk.widget.input.stacks.value = True
    measured = desk.measure()
    assert measured.table["stack"].tolist() == [0, 0, 0, 1, 1, 1]
    desk.widget.show_segment(4)
    assert desk.viewer.dims.current_step[:2] == (1, 0)
    assert measured.row_at(np.array([1, 1, 30, 20])) == 4


def test_own_pixel_size(desk: Desk):
    desk.add(scale=(0.5, 0.5), units=("um", "um"))
    units = desk.widget.input.units
    assert [box.value() for box in units.sides[1:]] == [0.5, 0.5] and units.unit.text() == "µm"
    units.kind.value = "own"
    units.sides[1].setValue(2)
    units.sides[2].setValue(3)
    units.unit.setText("nm")
    measured = desk.measure()
    assert measured.table["area"].tolist() == [600, 3750, 300]
    assert measured.table.unit == "nm"


def test_histogram(desk: Desk):
    desk.add()
    measured = desk.measure()
    sizes = desk.widget.sizes
    sizes.bins.setValue(4)
    assert sizes.plot.histogram.counts.tolist() == [2, 0, 0, 1]
    assert "2 of 3" in sizes.plot.describe(0)
    sizes.property.value = "circularity"
    assert sizes.plot.histogram.property == "circularity"
    desk.measure()
    assert sizes.property.value == "circularity"
    assert measured.table.size == "area"


def test_comparison(desk: Desk):
    moved = np.roll(squares(), 2, axis=0)
    truth = desk.add(moved, name="truth")
    desk.add()
    compare = desk.widget.compare
    assert not compare.button.isEnabled() and "Choose" in compare.button.toolTip()
    compare.other.value = truth
    compare.button.click()
    desk.wait()
    wanted = compare_labels(squares(), moved).figures
    assert compare.found.figures == wanted
    assert desk.texts(compare.figures, "Figure")[:2] == ["IoU", "Dice"]
    assert f"{wanted['iou']:.3f}" in desk.widget.message.text()
    truth.scale = (3, 3)
    desk.widget.compare.changed.emit()
    assert "pixel by pixel" in compare.button.toolTip()


def test_files(desk: Desk, tmp_path: Path, notifications):
    desk.add(role=PAINTED)
    desk.measure()
    desk.widget.export(tmp_path / "a.csv")
    desk.widget.export(tmp_path / "b.csv", "classes")
    table = measure_segments(squares(), things="pieces", class_names={1: "cell", 2: "debris"})
    for name, wanted in (("a.csv", table), ("b.csv", summarize(table))):
        with (tmp_path / name).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [float(row["area"]) for row in rows] == wanted["area"].tolist()
    desk.widget.export(tmp_path / "none" / "a.csv")
    assert "could not be written" in str(notifications[-1].message)
    assert not (tmp_path / "none").exists()


def test_the_script_measures_the_same(desk: Desk, tmp_path: Path, monkeypatch):
    image = np.random.default_rng(0).random((60, 80, 3)).astype(np.float32)
    layer = desk.viewer.add_image(image, name="stain", rgb=True)
    desk.add(role=PAINTED, scale=(0.5, 2))
    layer.scale = (0.5, 2)
    desk.widget.input.images.value = [layer]
    measured = desk.measure()
    desk.widget.copy_script()
    script = QApplication.clipboard().text()
    assert 'axes="YXS"' in script and "class_names" in script
    monkeypatch.chdir(tmp_path)
    script = script.replace('ncut.read_image("your-image.tif").data', "LABELS", 1)
    script = script.replace('ncut.read_image("your-image.tif").data', "IMAGE", 1)
    names: dict[str, Any] = {"LABELS": squares(), "IMAGE": image}
    exec(compile(script, "script", "exec"), names)
    for name, values in measured.table.columns.items():
        if values.dtype.kind in "if":
            np.testing.assert_allclose(names["table"][name], values, err_msg=name)
    assert (tmp_path / "segments.csv").exists()


def test_late_results_and_deleted_layers(desk: Desk):
    layer = desk.add()
    desk.widget.run()
    desk.viewer.layers.remove(layer)
    desk.wait()
    assert desk.widget.measured is None and not desk.history.can_undo
    layer = desk.add()
    other = desk.add(name="other")
    desk.widget.input.labels.value = layer
    desk.measure()
    layer.name = "renamed"
    assert desk.widget.input.labels.currentText() == "renamed"
    desk.viewer.layers.remove(layer)
    assert desk.widget.measured is None
    assert desk.widget.table.columns.rowCount() == 0
    assert desk.widget.input.labels.value is other
    desk.history.undo()
    desk.history.redo()
    desk.measure()
    assert len(desk.widget.measured.table) == 3


def test_cancelled_work_changes_nothing(desk: Desk):
    layer = desk.add(np.stack([squares()] * 40))
    desk.widget.run()
    desk.widget.cancel_button.click()
    desk.wait()
    assert "Cancelled" in desk.widget.message.text()
    assert not len(layer.features) and desk.widget.measured is None


def test_painted_on_afterwards_it_says_so(desk: Desk):
    layer = desk.add()
    desk.measure()
    layer.data_setitem((np.array([0]), np.array([0])), np.array([5]))
    assert "have changed" in desk.widget.message.text()
    desk.measure()
    assert 5 in desk.widget.measured.table["label"]
    assert "have changed" not in desk.widget.message.text()


def test_a_role_noted_later_counts_until_the_user_says_otherwise(desk: Desk):
    layer = desk.add()
    note(layer, role=PAINTED)
    assert desk.measure().pieces is not None
    desk.widget.input.things.value = "labels"
    assert desk.measure().pieces is None


def test_nothing_painted(desk: Desk):
    desk.add(np.zeros((20, 20), np.uint8), PAINTED)
    desk.measure()
    assert "no segment" in desk.widget.message.text()
    assert desk.texts(desk.widget.summary, "Count") == ["0", "0"]


def test_a_closed_widget_lets_go(desk: Desk):
    layer = desk.add()
    desk.measure()
    n_callbacks = len(layer.mouse_drag_callbacks)
    desk.viewer.window.remove_dock_widget(desk.widget)
    assert len(layer.mouse_drag_callbacks) == n_callbacks - 1
    layer.data_setitem((np.array([0]), np.array([0])), np.array([5]))
    desk.viewer.add_labels(squares(), name="more")
