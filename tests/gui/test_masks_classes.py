"""The widget "Masks and classes": from an image to edited classes and files, and back by undo."""

from __future__ import annotations

import csv
import importlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.qt.threading import WorkerBase
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QMessageBox
from skimage.draw import disk

from napari_ncut.sam import CLUSTERERS, MaskOptions
from napari_ncut.widgets import label_edit
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.mask_controls import LABELS
from napari_ncut.widgets.mask_options import MASK_PARAMETERS, options_of
from napari_ncut.widgets.masks_classes import MasksWidget
from napari_ncut.widgets.segments import class_color

from ..sam.conftest import patches, tiny_sam

BRIGHT = [(20, 20), (20, 60), (60, 20)]
DARK = [(60, 60), (100, 20), (100, 60), (60, 100)]


def blobs(size: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Bright and dark disks on gray with a little noise; and their labels."""
    noise = np.random.default_rng(0).normal(0, 4, (size, size))
    image, labels = noise + 120, np.zeros((size, size), np.int32)
    for number, center in enumerate(BRIGHT + DARK, start=1):
        rows, columns = disk(center, 12)
        labels[rows, columns] = number
        image[rows, columns] += 110 if number <= len(BRIGHT) else -100
    return image.clip(0, 255).astype(np.uint8), labels


@dataclass
class Desk:
    """A viewer with the widget docked."""

    viewer: Any
    widget: MasksWidget
    qtbot: Any

    def wait(self) -> None:
        self.qtbot.waitUntil(
            lambda: not (self.widget._job.busy or self.history.replaying), timeout=30_000
        )

    @property
    def history(self) -> Any:
        return history_of(self.viewer)

    @property
    def segments(self) -> Any:
        return self.widget.editor.segments

    @property
    def instances(self) -> Any:
        return self.segments.instances_layer

    @property
    def classes(self) -> Any:
        return self.segments.classes_layer

    def find_masks(self, labels: Any = None) -> None:
        """Press the button and wait; with the labels of a layer as masks, if given."""
        if labels is not None:
            self.widget.masks.source.value = LABELS
            self.widget.masks.labels.value = getattr(labels, "__wrapped__", labels)
        self.widget.run_button.click()
        self.wait()

    def find_classes(self, **settings: Any) -> None:
        controls = self.widget.classes
        if "clusterer" in settings:
            controls.clusterer.setCurrentIndex(controls.clusterer.findData(settings["clusterer"]))
        if "n_classes" in settings:
            controls.n_classes.setValue(settings["n_classes"])
        self.widget.cluster_button.click()
        self.wait()

    def select(self, *numbers: int) -> None:
        """Select rows of the table by real clicks, the first one alone, others with Ctrl."""
        table = self.widget.table.table
        for i, number in enumerate(numbers):
            row = self.widget.class_list.labels.index(number)
            modifier = Qt.KeyboardModifier.ControlModifier if i else Qt.KeyboardModifier.NoModifier
            where = table.visualItemRect(table.item(row, 1)).center()
            QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, where)

    def consistent(self) -> bool:
        """Whether layers, tables and what is edited say the same."""
        found = self.segments.state.found
        table = self.instances.features
        source = self.segments.source
        maps = [source.plane_in(self.classes.data, i) for i in range(source.n_planes)]
        shown = self.widget.class_list.names
        return (
            np.array_equal(maps, np.stack(self.segments.state.planes()))
            and table["class"].tolist() == found.classes.tolist()
            and self.classes.features["index"].tolist() == found.numbers
            and {n: shown.get(n) for n in found.names} == found.names
        )


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot):
    def open_desk(image: Any = None, **kwargs: Any) -> Desk:
        viewer = make_napari_viewer_proxy(show=kwargs.pop("show", False))
        if image is not None:
            viewer.add_image(image, **{"name": "image", **kwargs})
        widget = MasksWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Masks and classes")
        # What most tests are about is not how good classes are.
        widget.classes.descriptor.value = "filterbank"
        return Desk(getattr(viewer, "__wrapped__", viewer), widget, qtbot)

    return open_desk


@pytest.fixture
def sorted_desk(desk):
    """Blobs in two classes."""

    def open_sorted(**kwargs: Any) -> Desk:
        image, labels = blobs()
        opened = desk(image, **kwargs)
        layer = opened.viewer.add_labels(
            labels, name="blobs", **{k: v for k, v in kwargs.items() if k not in ("show", "name")}
        )
        opened.find_masks(layer)
        opened.find_classes(n_classes=2)
        return opened

    return open_sorted


def canvas_position(viewer: Any, world: tuple[float, float]) -> QPoint:
    canvas = viewer.window._qt_viewer.canvas.native
    camera = getattr(viewer, "scene", viewer).camera
    center = np.asarray(camera.center)[-2:]
    row, column = (np.asarray(world) - center) * camera.zoom
    return QPoint(round(canvas.width() / 2 + column), round(canvas.height() / 2 + row))


def click(opened: Desk, place: tuple[int, int], modifier: Any = None) -> None:
    canvas = opened.viewer.window._qt_viewer.canvas.native
    where = canvas_position(opened.viewer, place)
    QTest.mouseClick(
        canvas,
        Qt.MouseButton.LeftButton,
        modifier or Qt.KeyboardModifier.NoModifier,
        where,
    )
    opened.wait()


def test_the_whole_job(desk, qtbot, monkeypatch, tmp_path):
    image, truth = blobs()
    opened = desk(image, show=True)
    widget = opened.widget
    widget.classes.descriptor.value = "compact"
    assert not widget.cluster_button.isEnabled()
    assert "find masks first" in widget.cluster_button.toolTip()
    opened.find_masks()
    table = opened.instances.features
    assert (np.asarray(opened.instances.data)[truth > 0] > 0).mean() > 0.9
    assert table["score"].notna().all() and table["area"].min() >= 16
    opened.find_classes(n_classes=3)
    assert opened.consistent()
    labels = np.asarray(opened.classes.data)
    bright, dark = labels[BRIGHT[0]], labels[DARK[0]]
    assert all(labels[place] == bright for place in BRIGHT)
    assert all(labels[place] == dark for place in DARK)
    assert bright != dark
    table = opened.instances.features
    assert {"class", "score", "area", "component 1", "component 3"} <= set(table.columns)
    assert opened.classes.metadata["napari_ncut"]["role"] == "classes"
    assert opened.instances.metadata["napari_ncut"]["role"] == "instances"

    # A click moves a segment to the selected class.
    opened.select(dark)
    qtbot.wait(100)
    click(opened, BRIGHT[0], Qt.KeyboardModifier.ControlModifier)
    assert opened.classes.data[BRIGHT[0]] == dark and opened.consistent()
    click(opened, BRIGHT[1])
    assert opened.classes.data[BRIGHT[1]] == bright
    widget.move_button.click()
    click(opened, BRIGHT[1])
    assert opened.classes.data[BRIGHT[1]] == dark and opened.consistent()
    canvas = opened.viewer.window._qt_viewer.canvas.native
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    opened.history.undo()
    assert np.array_equal(opened.classes.data, labels) and opened.consistent()
    widget.redo_button.click()
    assert opened.classes.data[BRIGHT[0]] == dark and opened.consistent()
    opened.history.undo()

    opened.select(bright, dark)
    assert widget.merge_button.isEnabled() and not widget.split_button.isEnabled()
    widget.merge_button.click()
    opened.wait()
    merged = opened.classes.data
    assert merged[BRIGHT[0]] == merged[DARK[0]] == min(bright, dark)
    assert len(widget.class_list.entries) == 2 and opened.consistent()
    opened.history.undo()
    assert np.array_equal(opened.classes.data, labels) and opened.consistent()
    assert "in 3 classes" in widget.message.text()

    # Clustering again needs neither masks nor the network.
    monkeypatch.setattr("napari_ncut.sam.semantic.pooled_steps", None)
    opened.find_classes(n_classes=2)
    assert len(opened.segments.state.found.numbers) == 2 and opened.consistent()
    opened.history.undo()
    assert np.array_equal(opened.classes.data, labels) and opened.consistent()

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    widget.export_button.click()
    opened.wait()
    assert np.array_equal(tifffile.imread(tmp_path / "image_classes.tif"), labels)
    assert np.array_equal(tifffile.imread(tmp_path / "image_instances.tif"), opened.instances.data)
    with (tmp_path / "image_masks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["class"]) for row in rows] == opened.instances.features["class"].tolist()
    document = json.loads((tmp_path / "image_masks.json").read_text())
    assert len(document["annotations"]) == len(rows)
    assert {one["name"] for one in document["categories"]} == {"class 1", "class 2", "class 3"}


def test_files_that_are_there_are_replaced_only_when_asked(sorted_desk, monkeypatch, tmp_path):
    opened = sorted_desk()
    there = tmp_path / "image_classes.tif"
    there.write_text("mine")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    opened.widget.export_button.click()
    opened.wait()
    assert there.read_text() == "mine" and len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    opened.widget.export_button.click()
    opened.wait()
    assert tifffile.imread(there).max() == 2 and len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("large", [False, True])
def test_split_rename_and_recolor_are_steps_of_undo(sorted_desk, monkeypatch, large):
    if large:
        monkeypatch.setattr(label_edit, "SMALL_EDIT", 0)
    opened = sorted_desk()
    widget = opened.widget
    before = np.array(opened.classes.data)
    opened.select(1)
    widget.split_button.click()
    opened.wait()
    assert opened.segments.state.found.numbers == [1, 2, 3] and opened.consistent()
    widget.table.table.item(0, 1).setText("nuclei")
    opened.wait()
    assert opened.instances.features["name"].tolist().count("nuclei") > 0
    widget.class_list.recolor(1, "#123456")
    opened.wait()
    np.testing.assert_allclose(
        opened.classes.colormap.color_dict[1][:3], np.array([0x12, 0x34, 0x56]) / 255, atol=1e-3
    )
    for _ in range(3):
        opened.history.undo()
        opened.wait()
    assert np.array_equal(opened.classes.data, before) and opened.consistent()
    assert widget.class_list.entries[0].color == class_color(1)
    for _ in range(3):
        opened.history.redo()
        opened.wait()
    assert opened.consistent() and widget.class_list.entries[0].name == "nuclei"


def test_a_new_class_is_made_by_the_first_segment_that_is_moved_to_it(sorted_desk):
    opened = sorted_desk()
    widget = opened.widget
    assert widget.class_list.add() == 3 and widget.class_list.current == 3
    widget.editor.move_at(opened.instances, BRIGHT[0])
    opened.wait()
    assert opened.segments.state.found.numbers == [1, 2, 3]
    assert opened.classes.data[BRIGHT[0]] == 3 and opened.consistent()
    opened.history.undo()
    assert opened.segments.state.found.numbers == [1, 2] and opened.consistent()
    widget.editor.move_at(opened.instances, (2, 2))
    assert "no segment" in widget.message.text()


def test_what_was_painted_elsewhere_stays_and_comes_back(sorted_desk):
    opened = sorted_desk()
    layer = opened.classes
    layer.data_setitem((np.array([1, 1]), np.array([1, 2])), 2)
    layer.data_setitem((np.array([BRIGHT[0][0]]), np.array([BRIGHT[0][1]])), 7)
    painted = np.array(layer.data)
    target = int(layer.data[DARK[0]])
    opened.widget.class_list.choose(target)
    opened.widget.editor.move_at(opened.instances, BRIGHT[0])
    assert layer.data[BRIGHT[0]] == target and layer.data[1, 1] == 2
    opened.history.undo()
    assert np.array_equal(layer.data, painted)
    opened.history.undo()
    opened.history.undo()
    assert layer.data[1, 1] == 0 and opened.consistent()


def test_noise_is_a_group_of_its_own_and_the_curve_chooses_the_distance(sorted_desk, qtbot):
    opened = sorted_desk(show=True)
    controls = opened.widget.classes
    qtbot.waitUntil(controls.plot.isVisible, timeout=10_000)
    assert "suggested" in controls.plot.describe()
    controls.parameters["dbscan"].set_value("min_samples", 5)
    opened.find_classes(clusterer="dbscan")
    found = opened.segments.state.found
    if found.noise is not None:
        assert opened.widget.class_list[found.noise].name == "noise"
    qtbot.waitUntil(lambda: controls.plot.curve is not None, timeout=10_000)
    plot = controls.plot
    QTest.mouseClick(
        plot,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        QPoint(plot.width() // 8, plot.height() // 2),
    )
    distance = controls.settings().parameters["eps"]
    assert distance is not None and distance > 0 and "chosen" in plot.describe()
    opened.find_classes()
    found = opened.segments.state.found
    assert found.parameters["eps"] == distance and opened.consistent()
    assert found.noise is not None
    assert opened.widget.class_list[found.noise].name == "noise"
    assert "noise" in opened.widget.message.text()


def test_deleted_and_renamed_layers_are_no_error(sorted_desk, notifications):
    opened = sorted_desk()
    widget, viewer = opened.widget, opened.viewer
    opened.instances.name = "my things"
    viewer.layers.remove(opened.classes)
    opened.history.undo()
    widget.class_list.choose(2)
    widget.editor.move_at(opened.instances, BRIGHT[0])
    widget.editor.move_at(opened.instances, DARK[0])
    opened.find_classes(n_classes=3)
    assert opened.classes is not None and opened.consistent()
    opened.history.undo()
    assert opened.consistent()
    viewer.layers.remove(opened.instances)
    opened.find_classes(n_classes=2)
    viewer.layers.remove("image")
    opened.find_classes(n_classes=3)
    assert len(opened.segments.state.found.numbers) == 3
    widget.classes.descriptor.value = "kind"
    assert "is gone" in widget.cluster_button.toolTip()
    viewer.layers.remove(opened.classes)
    assert opened.segments is None and not widget.class_list.entries
    opened.history.undo()
    opened.history.redo()
    assert [record for record in notifications if record.severity.value == "error"] == []


def slow(seconds: float = 0.3):
    from napari_ncut.progress import Progress

    def steps(*_: Any, **__: Any):
        for i in range(30):
            time.sleep(seconds)
            yield Progress("masks", i, 30)
        raise AssertionError("nobody stopped it")

    return steps


def test_cancel_and_a_deleted_image(desk, monkeypatch, qtbot, notifications):
    image, labels = blobs()
    opened = desk(image)
    widget = opened.widget
    monkeypatch.setattr("napari_ncut.widgets.masks_classes.mask_steps", slow(0.05))
    widget.run_button.click()
    assert not widget.run_button.isEnabled() and widget.cancel_button.isEnabled()
    qtbot.wait(200)
    assert "masks" in widget.message.text()
    widget.cancel_button.click()
    assert widget.run_button.isEnabled() and "Cancelled" in widget.message.text()
    assert len(opened.viewer.layers) == 1
    monkeypatch.undo()
    layer = opened.viewer.add_labels(labels)
    widget.masks.source.value = LABELS
    widget.masks.labels.value = getattr(layer, "__wrapped__", layer)
    widget.run_button.click()
    opened.viewer.layers.remove("image")
    opened.wait()
    assert len(opened.viewer.layers) == 1 and not widget.run_button.isEnabled()
    assert any("deleted meanwhile" in str(record.message) for record in notifications)


def test_an_edit_while_clustering_again_is_not_lost_to_undo(sorted_desk):
    opened = sorted_desk()
    before = np.array(opened.classes.data)
    opened.widget.classes.n_classes.setValue(3)
    opened.widget.cluster_button.click()
    target = int(before[DARK[0]])
    opened.widget.class_list.choose(target)
    opened.widget.editor.move_at(opened.instances, BRIGHT[0])
    moved = np.array(opened.classes.data)
    assert moved[BRIGHT[0]] == target
    opened.wait()
    assert len(opened.segments.state.found.numbers) == 3 and opened.consistent()
    opened.history.undo()
    assert np.array_equal(opened.classes.data, moved) and opened.consistent()
    opened.history.undo()
    assert np.array_equal(opened.classes.data, before) and opened.consistent()


def test_what_is_in_no_mask_may_have_classes_too(sorted_desk):
    opened = sorted_desk()
    opened.widget.classes.remainder.setChecked(True)
    opened.find_classes()
    before = np.array(opened.classes.data)
    assert (before > 0).all() and opened.consistent()
    opened.widget.class_list.choose(int(before[DARK[0]]))
    opened.widget.editor.move_at(opened.instances, BRIGHT[0])
    opened.wait()
    assert opened.classes.data[BRIGHT[0]] == before[DARK[0]] and opened.consistent()
    opened.history.undo()
    assert np.array_equal(opened.classes.data, before) and opened.consistent()


def test_what_is_known_of_masks_follows_undo(sorted_desk):
    opened = sorted_desk()
    button = opened.widget.cluster_button
    assert button.text() == "Cluster again"
    opened.widget.classes.color_weight.setValue(1)
    assert button.text() == "Find classes"
    opened.find_classes()
    assert button.text() == "Cluster again" and opened.consistent()
    opened.history.undo()
    assert button.text() == "Find classes" and opened.consistent()
    opened.widget.classes.color_weight.setValue(0)
    assert button.text() == "Cluster again"


def test_closing_the_widget_during_work_leaves_nothing(sorted_desk, monkeypatch, qtbot):
    opened = sorted_desk()
    instances, history = opened.instances, opened.history
    opened.widget.class_list.choose(2)
    opened.widget.editor.move_at(instances, BRIGHT[0])
    opened.widget.editor.move_at(instances, DARK[0])
    callbacks = len(instances.mouse_drag_callbacks)
    monkeypatch.setattr("napari_ncut.widgets.masks_classes.label_steps", slow(0.05))
    opened.widget.run_button.click()
    qtbot.wait(100)
    opened.viewer.window.remove_dock_widget(opened.widget)
    assert len(instances.mouse_drag_callbacks) == callbacks - 1
    n_layers = len(opened.viewer.layers)
    history.undo()
    history.redo()
    qtbot.wait(300)
    assert len(opened.viewer.layers) == n_layers


def test_closing_the_window_during_work_stops_it(sorted_desk, monkeypatch, qtbot):
    opened = sorted_desk()
    monkeypatch.setattr("napari_ncut.widgets.masks_classes.label_steps", slow(0.05))
    opened.widget.run_button.click()
    qtbot.wait(100)
    opened.viewer.close()
    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=20_000)


def test_two_viewers_and_two_runs_do_not_mix(sorted_desk, desk):
    one, two = sorted_desk(), desk(blobs()[0])
    assert two.segments is None and not two.widget.class_list.entries
    first = one.segments
    one.find_masks()
    assert one.segments is not first and not one.widget.class_list.entries
    one.viewer.layers.selection.active = first.instances_layer
    assert one.segments is first and one.widget.class_list.labels == [1, 2]
    assert two.segments is None


@pytest.mark.parametrize(
    "kind",
    ["stack", "rgb", "pyramid", "dask", "one plane", "channels", "columns first"],
)
def test_layers_lie_on_images_of_many_kinds(desk, kind):
    image, labels = blobs()
    transform = {"scale": (2.0, 0.5), "translate": (7, -3), "rotate": 30}
    if kind in ("stack", "one plane"):
        image, labels = np.stack([image, image.T]), np.stack([labels, labels.T])
        transform = {"scale": (3.0, 2.0, 0.5), "translate": (1, 7, -3)}
    elif kind == "rgb":
        image = np.dstack([image, image // 2, image])
    elif kind == "dask":
        import dask.array

        image = dask.array.from_array(image, chunks=60)
    elif kind == "channels":
        image, labels = np.stack([image, image // 2]), labels[np.newaxis]
        transform = {"scale": (3.0, 2.0, 0.5), "translate": (1, 7, -3)}
    elif kind == "columns first":
        image, labels = image[:100].T, labels[:100].T
    data = [image, image[::2, ::2]] if kind == "pyramid" else image
    opened = desk(data, **transform)
    if kind in ("channels", "columns first"):
        opened.widget.masks.inputs.axes.value = "CYX" if kind == "channels" else "XY"
        transform = opened.widget.reading().sources[0].spatial()
    layer = opened.viewer.add_labels(labels, **transform)
    if kind == "one plane":
        opened.viewer.dims.set_current_step(0, 1)
        opened.widget.masks.inputs.planes.value = "current"
    opened.find_masks(layer)
    opened.find_classes(n_classes=2)
    assert opened.consistent()
    expected = labels[1:] if kind == "one plane" else labels
    for output in (opened.instances, opened.classes):
        assert output.data.shape == expected.shape
        assert np.array_equal(np.asarray(output.data) > 0, expected > 0)
        start = (1, 0, 0) if kind == "one plane" else (0,) * output.ndim
        np.testing.assert_allclose(
            output.data_to_world((0,) * output.ndim), layer.data_to_world(start)
        )
        np.testing.assert_allclose(
            np.subtract(
                output.data_to_world((1,) * output.ndim), output.data_to_world((0,) * output.ndim)
            ),
            np.subtract(
                layer.data_to_world((1,) * output.ndim), layer.data_to_world((0,) * output.ndim)
            ),
        )
    target = opened.segments.state.found.classes[0] % 2 + 1
    opened.widget.class_list.choose(int(target))
    place = np.argwhere(np.asarray(opened.instances.data) == 1)[0]
    opened.widget.editor.move_at(opened.instances, opened.instances.data_to_world(place))
    assert opened.classes.data[tuple(place)] == target and opened.consistent()


def test_masks_and_descriptors_of_a_sam_of_ones_own(desk, tmp_path, notifications):
    torch = importlib.import_module("torch")
    path = tmp_path / "sam_tiny.pth"
    torch.save(tiny_sam().state_dict(), path)
    opened = desk(patches(96, 128))
    masks = opened.widget.masks
    masks.source.value = "sam:vit_b"
    masks.checkpoint.value = path
    masks.options.set_value("points_per_side", 8)
    masks.options.set_value("pred_iou_thresh", 0.5)
    masks.options.set_value("stability_score_thresh", 0)
    masks.options.set_value("box_nms_thresh", 1)
    opened.find_masks()
    assert opened.instances.features["score"].between(0.5, 1.5).all()
    assert len(opened.instances.features) > 0
    opened.find_classes(n_classes=2)
    assert opened.consistent()
    path.write_bytes(path.read_bytes()[:1000])
    n_layers = len(opened.viewer.layers)
    opened.find_masks()
    assert len(opened.viewer.layers) == n_layers and opened.consistent()
    assert "sam_tiny.pth" in opened.widget.message.text()
    assert any("sam_tiny.pth" in str(record.message) for record in notifications)


# As for other networks (test_networks.py): in a process of its own, whose window draws first.
WINDOW_FIRST = """
import sys
import napari
import numpy as np
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
viewer.add_image(np.zeros((8, 8)))
QApplication.processEvents()
viewer.screenshot()
from napari_ncut.sam import SamSegmenter
print(SamSegmenter("sam:vit_b", checkpoint=sys.argv[1], device="cpu").network.name)
viewer.close()
"""


@pytest.mark.slow
def test_sam_may_be_loaded_after_the_window_has_drawn(tmp_path):
    importlib.import_module("torch").save(tiny_sam().state_dict(), tmp_path / "sam_tiny.pth")
    done = subprocess.run(
        [sys.executable, "-c", WINDOW_FIRST, str(tmp_path / "sam_tiny.pth")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "sam:vit_b" in done.stdout


def test_a_preset_sets_all_its_values(desk):
    controls = desk(blobs()[0]).widget.classes
    assert controls.preset.isHidden()
    controls.clusterer.setCurrentIndex(controls.clusterer.findData("dbscan"))
    assert not controls.preset.isHidden()
    controls.preset.value = "sam-notebook"
    assert controls.settings().parameters == dict(CLUSTERERS["dbscan"].presets["sam-notebook"])
    controls.parameters["dbscan"].set_value("min_samples", 4)
    assert controls.preset.value is None


def test_running_is_disabled_with_a_reason(desk):
    opened = desk()
    widget = opened.widget
    assert not widget.run_button.isEnabled() and "Open an image" in widget.message.text()
    opened.viewer.add_image(blobs()[0], name="image")
    assert widget.run_button.isEnabled()
    widget.masks.source.value = "sam:vit_b"
    if not widget.run_button.isEnabled():
        assert "not installed" in widget.run_button.toolTip()
    widget.masks.source.value = LABELS
    assert "Choose the Labels layer" in widget.run_button.toolTip()
    opened.viewer.add_labels(np.zeros((7, 7), np.uint8), name="small")
    widget.masks.labels.value = opened.viewer.layers["small"]
    assert "pixel by pixel" in widget.run_button.toolTip()


def test_no_mask_and_one_mask(desk):
    image, labels = blobs()
    opened = desk(image)
    layer = opened.viewer.add_labels(np.zeros_like(labels))
    opened.find_masks(layer)
    assert "No mask" in opened.widget.message.text() or "no mask" in opened.widget.message.text()
    assert not opened.widget.cluster_button.isEnabled()
    layer = opened.viewer.add_labels((labels == 1).astype(np.int32))
    opened.find_masks(layer)
    opened.find_classes()
    assert opened.segments.state.found.numbers == [1] and opened.consistent()


def test_every_option_of_masks_has_a_control():
    declared = {field.name for field in fields(MaskOptions)} - {"point_grids"}
    assert set(MASK_PARAMETERS) == declared
    assert set(options_of("compact")) | set(options_of("sam:vit_b")) == declared
    assert all(entry.label and entry.tooltip for entry in MASK_PARAMETERS.values())
