"""The widget "Image folder": images come and go, and nothing that was painted is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtTest import QTest

from napari_ncut.folders import ImageFolder
from napari_ncut.io import export_annotations
from napari_ncut.widgets.folder import FolderWidget
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.roles import PAINTED, SEGMENTS, note, role_of

SHIFT = Qt.KeyboardModifier.ShiftModifier


def blocks(i: int, height: int = 24, width: int = 36) -> np.ndarray:
    rows, columns = np.indices((height, width))
    return ((rows // 8 * 50 + columns // 12 * 30 + 7 * i) % 251).astype(np.uint8)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(blocks(0)).save(folder / "a1.png")
    Image.fromarray(np.dstack([blocks(1)] * 3)).save(folder / "a2.png")
    (folder / "a3.png").write_bytes(b"broken")
    tifffile.imwrite(folder / "a4.tif", blocks(2, 30, 40).astype(np.uint16) * 99)
    tifffile.imwrite(
        folder / "a10.tif",
        np.stack([blocks(3), blocks(4)]),
        photometric="minisblack",
        metadata={"axes": "ZYX"},
    )
    return folder


@dataclass
class Desk:
    """A viewer with the widget docked."""

    viewer: Any
    widget: FolderWidget
    qtbot: Any

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.widget.busy, timeout=20_000)

    def open(self, path: Path) -> None:
        self.widget.open(path)
        self.wait()

    def go(self, name: str) -> None:
        number = self.widget.folder.number_of(name)
        self.widget.images.setCurrentRow(number)
        self.wait()
        assert self.widget.number == number

    def press(self, key: Any, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.viewer.window._qt_viewer.canvas.native, key, modifiers)
        self.wait()

    def paint(self, *places: tuple[int, ...], label: int = 1) -> None:
        layer = self.painted
        layer.brush_size = 1
        for place in places:
            layer.paint(place, label)

    @property
    def painted(self) -> Any:
        return self.widget.desk.painted

    @property
    def shown(self) -> str:
        return self.widget.folder.files[self.widget.number].name

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def state(self, name: str) -> str:
        return self.widget.folder.state(self.widget.folder.number_of(name))


@pytest.fixture
def desk(make_napari_viewer_proxy, qtbot) -> Iterator[Desk]:
    viewer = make_napari_viewer_proxy()
    widget = FolderWidget(viewer)
    viewer.window.add_dock_widget(widget)
    # What most tests are about is not segments.
    widget.segmenter.choose("slic", "superpixels")
    widget.segmenter.number.setValue(9)
    widget.segmenter.ahead.setChecked(False)
    desk = Desk(getattr(viewer, "__wrapped__", viewer), widget, qtbot)
    yield desk
    desk.wait()


def test_images_one_after_another(desk: Desk, images: Path):
    assert not desk.widget.next_button.isEnabled()
    desk.widget.segmenter.ahead.setChecked(True)
    desk.open(images)
    assert desk.shown == "a1.png"
    assert desk.names == ["a1.png", "a1.png segments", "a1.png painted"]
    assert [role_of(layer) for layer in desk.viewer.layers] == ["", SEGMENTS, PAINTED]
    assert desk.widget.desk.segments.data.min() == 1 < desk.widget.desk.segments.data.max()
    desk.press(Qt.Key.Key_N)
    assert desk.shown == "a2.png"
    assert desk.viewer.layers["a2.png"].rgb
    # The broken one is marked and passed over.
    desk.press(Qt.Key.Key_N)
    assert desk.shown == "a4.tif"
    assert desk.state("a3.png") == "unreadable"
    desk.widget.segmenter.ahead.setChecked(False)
    desk.press(Qt.Key.Key_N)
    assert desk.viewer.layers["a10.tif painted"].data.shape == (2, 24, 36)
    desk.press(Qt.Key.Key_N)
    assert "last image" in desk.widget.message.text()
    desk.press(Qt.Key.Key_N, SHIFT)
    assert desk.shown == "a4.tif"
    assert len(desk.viewer.layers) == 3
    # Who has only looked has left nothing behind.
    assert not desk.widget.folder.results.exists()


def test_unsaved_work_comes_back_with_its_steps(desk: Desk, images: Path):
    desk.open(images)
    history = history_of(desk.viewer)
    desk.paint((2, 3), (4, 5))
    first = desk.painted.data.copy()
    desk.press(Qt.Key.Key_N)
    assert desk.state("a1.png") == "draft"
    # Steps of an image that is not shown cannot be undone, and write nowhere.
    assert not history.can_undo
    desk.paint((7, 7), label=2)
    history.undo()
    assert not desk.painted.data.any() and not history.can_undo
    desk.press(Qt.Key.Key_N, SHIFT)
    np.testing.assert_array_equal(desk.painted.data, first)
    history.undo()
    assert np.argwhere(desk.painted.data).tolist() == [[2, 3]]
    history.redo()
    np.testing.assert_array_equal(desk.painted.data, first)
    history.undo()
    history.undo()
    # All is undone: the draft would say nothing.
    desk.widget.keeper.keep()
    desk.wait()
    assert desk.state("a1.png") == ""


def test_drafts_are_written_while_one_paints(desk: Desk, images: Path):
    desk.widget.segmenter.ahead.setChecked(True)
    desk.open(images)
    desk.widget.keeper.timer.setInterval(20)
    desk.paint((2, 3))
    desk.qtbot.waitUntil(lambda: desk.state("a1.png") == "draft")
    # Another program, after a crash, finds them.
    other = ImageFolder(images)
    work = other.load(0, other.read(0))
    assert work.origin == "draft" and np.argwhere(work.painted).tolist() == [[2, 3]]
    np.testing.assert_array_equal(work.segments, desk.widget.desk.segments.data)


def test_saved_work_opens_again(desk: Desk, images: Path):
    desk.widget.segmenter.ahead.setChecked(True)
    desk.open(images)
    desk.widget.classes.rename(1, "Korn")
    desk.widget.classes.recolor(1, "#123456")
    desk.paint((2, 3), (2, 4))
    segments = desk.widget.desk.segments.data.copy()
    desk.widget.segmenter.ahead.setChecked(False)
    desk.press(Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert desk.shown == "a2.png" and desk.state("a1.png") == "done"
    assert desk.widget.counts.text() == "1 of 5 done"
    desk.go("a10.tif")
    desk.paint((1, 6, 6), label=3)
    desk.widget.save()
    desk.wait()
    assert desk.state("a10.tif") == "done"

    widget = FolderWidget(desk.viewer)
    widget.segmenter.ahead.setChecked(False)
    desk.widget.open(images)
    desk.wait()
    # The first that is not done is shown.
    assert desk.shown == "a2.png"
    desk.go("a1.png")
    assert np.argwhere(desk.painted.data).tolist() == [[2, 3], [2, 4]]
    np.testing.assert_array_equal(desk.widget.desk.segments.data, segments)
    assert desk.widget.folder.names[1] == "Korn"
    np.testing.assert_allclose(
        desk.painted.colormap.color_dict[1], np.array([0x12, 0x34, 0x56, 255]) / 255, atol=1e-6
    )
    desk.go("a10.tif")
    assert np.argwhere(desk.painted.data == 3).tolist() == [[1, 6, 6]]
    desk.widget.toggle_done()
    assert desk.state("a10.tif") == "saved"
    widget.release()


def test_done_images_are_passed_over(desk: Desk, images: Path):
    ImageFolder(images).mark(1, done=True)
    desk.open(images)
    desk.widget.skip_done.setChecked(True)
    desk.widget.next()
    desk.wait()
    assert desk.shown == "a4.tif"


def test_segments_of_neighbors_are_there_at_once(desk: Desk, images: Path):
    desk.widget.segmenter.ahead.setChecked(True)
    desk.open(images)
    desk.widget.next()
    desk.qtbot.waitUntil(lambda: desk.widget.number == 1)
    assert "a2.png segments" in desk.names
    desk.wait()
    # Other settings make them anew,
    before = desk.widget.desk.segments.data.copy()
    desk.widget.segmenter.number.setValue(4)
    desk.wait()
    segments = desk.widget.desk.segments
    assert segments.data.max() < before.max()
    # unless the user has changed them.
    segments.data_setitem((np.array([0]), np.array([0])), 99)
    desk.widget.segmenter.number.setValue(9)
    desk.wait()
    assert segments.data.max() == 99
    desk.go("a1.png")
    desk.go("a2.png")
    assert desk.widget.desk.segments.data.max() == 99
    assert desk.state("a2.png") == "draft" and desk.state("a1.png") == ""


def test_segments_of_another_widget_are_saved_and_come_back(desk: Desk, images: Path):
    desk.open(images)
    assert desk.names == ["a1.png", "a1.png painted"]
    layer = desk.viewer.add_labels(np.ones((24, 36), int), name="mine")
    note(layer, role=SEGMENTS)
    desk.widget.save_and_next()
    desk.wait()
    assert desk.names == ["a2.png", "a2.png painted"]
    desk.widget.previous()
    desk.wait()
    assert "mine" in desk.names
    work = ImageFolder(images).load(0, ImageFolder(images).read(0))
    assert work.segments is not None and work.segments.all()


def test_a_disk_that_is_full_loses_nothing(desk: Desk, images: Path, monkeypatch):
    desk.open(images)
    desk.paint((2, 3))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(tifffile, "imwrite", full)
        desk.widget.save_and_next()
        desk.wait()
        assert "No space left" in desk.widget.message.text()
        assert desk.state("a1.png") == ""
        desk.widget._aside.clear()
        desk.go("a1.png")
        assert np.argwhere(desk.painted.data).tolist() == [[2, 3]]
    desk.widget.save()
    desk.wait()
    assert desk.state("a1.png") == "done"


def test_a_folder_that_vanishes_and_comes_back(desk: Desk, images: Path, tmp_path: Path):
    desk.open(images)
    desk.paint((2, 3))
    shutil.move(images, tmp_path / "away")
    desk.widget.next()
    desk.wait()
    assert "is gone" in desk.widget.message.text()
    assert desk.shown == "a1.png" and desk.painted.data.any()
    shutil.move(tmp_path / "away", images)
    desk.widget.next()
    desk.wait()
    assert desk.shown == "a2.png"
    desk.widget.open(tmp_path / "none")
    assert "cannot be opened" in desk.widget.message.text()
    # The folder of before stays.
    assert desk.shown == "a2.png"


def test_layers_that_the_user_deletes(desk: Desk, images: Path):
    desk.open(images)
    desk.paint((2, 3))
    desk.viewer.layers.remove(desk.viewer.layers["a1.png"])
    desk.qtbot.waitUntil(lambda: desk.widget.desk is None)
    desk.wait()
    assert desk.names == []
    desk.widget.images.setCurrentRow(0)
    desk.wait()
    assert np.argwhere(desk.painted.data).tolist() == [[2, 3]]
    desk.viewer.layers.remove(desk.painted)
    assert not desk.widget.save()
    assert "no painted layer" in desk.widget.message.text()
    desk.widget.next()
    desk.wait()
    desk.widget.previous()
    desk.wait()
    assert np.argwhere(desk.painted.data).tolist() == [[2, 3]]


def test_other_layers_stay(desk: Desk, images: Path):
    desk.viewer.add_points(np.zeros((1, 2)), name="points")
    desk.open(images)
    desk.widget.next()
    desk.wait()
    assert "points" in desk.names and len(desk.names) == 3


def test_masks_of_icas_open(desk: Desk, images: Path):
    labels = np.zeros((24, 36), int)
    labels[3:9, 4:20] = 1
    export_annotations(
        images.with_name("images_segmented"),
        labels,
        stem="a1",
        format="icas",
        colors={1: "#ff0000"},
    )
    desk.open(images)
    np.testing.assert_array_equal(desk.painted.data > 0, labels > 0)
    (label,) = np.unique(desk.painted.data)[1:]
    assert desk.widget.classes[label].color == "#ff0000"


@pytest.mark.parametrize("name", ["label-tiff", "geojson", "icas"])
def test_export_and_import(desk: Desk, images: Path, tmp_path: Path, name: str):
    desk.open(images)
    desk.paint((2, 3), (2, 4))
    desk.paint((5, 5), label=2)
    painted = desk.painted.data.copy()
    desk.widget.format.value = name
    desk.widget.files.export(tmp_path / "out")
    desk.wait()
    path = sorted((tmp_path / "out").iterdir())[0]
    assert path.name.startswith("a1")
    for _ in range(3):
        desk.widget.history.undo()
        desk.wait()
    assert not desk.painted.data.any()
    desk.widget.files.import_file(path)
    desk.wait()
    np.testing.assert_array_equal(desk.painted.data, painted)
    desk.widget.history.undo()
    desk.wait()
    assert not desk.painted.data.any()
    desk.widget.go_to(3)
    desk.wait()
    desk.widget.files.import_file(path)
    desk.wait()
    if name != "geojson":  # outlines have no size
        assert "this image" in desk.widget.message.text()


def test_all_that_is_saved_is_exported(desk: Desk, images: Path, tmp_path: Path):
    desk.open(images)
    for _ in range(2):
        desk.paint((2, 3))
        desk.widget.save_and_next()
        desk.wait()
    desk.widget.format.value = "coco"
    desk.widget.files.export_all(tmp_path / "out")
    desk.wait()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["images_coco.json"]


def test_a_folder_is_dropped_on_the_field(desk: Desk, images: Path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(images))])
    event = QDropEvent(
        QPointF(3, 3),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    desk.widget.path.dropEvent(event)
    desk.wait()
    assert desk.shown == "a1.png"


def test_many_files_open_fast_and_the_window_stays_alive(desk: Desk, tmp_path: Path):
    folder = tmp_path / "many"
    folder.mkdir()
    picture = tmp_path / "picture.png"
    Image.fromarray(blocks(0)).save(picture)
    for i in range(1000):
        (folder / f"{i}.png").hardlink_to(picture)
    desk.widget.segmenter.ahead.setChecked(False)
    beats: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(10)
    start = time.perf_counter()
    desk.widget.open(folder)
    # 0.1 s; the bounds leave room for busy machines.
    assert time.perf_counter() - start < 2
    desk.qtbot.waitUntil(lambda: desk.widget.desk is not None)
    desk.qtbot.waitUntil(lambda: len(desk.widget.images._pictures) > 200, timeout=20_000)
    timer.stop()
    assert max(np.diff(beats)) < 1
    desk.widget.images.close_job()


def test_whoever_closes_the_widget_loses_nothing(desk: Desk, images: Path):
    desk.open(images)
    desk.paint((2, 3))
    desk.widget.release()
    work = ImageFolder(images).load(0, ImageFolder(images).read(0))
    assert work.origin == "draft" and work.painted is not None and work.painted.any()


def test_moves_in_a_hurry_end_where_the_last_one_leads(desk: Desk, images: Path):
    desk.open(images)
    desk.paint((2, 3))
    for move in (desk.widget.next, desk.widget.next, desk.widget.previous, desk.widget.previous):
        move()
    desk.wait()
    assert desk.shown == "a1.png" and len(desk.viewer.layers) == 2
    assert np.argwhere(desk.painted.data).tolist() == [[2, 3]]


def test_planes_of_a_stack(desk: Desk):
    stack = np.stack([blocks(i) for i in range(3)])
    image = desk.viewer.add_image(stack, name="time", scale=(5, 0.5, 0.5), translate=(10, 3, 4))
    desk.widget.layers_button.click()
    desk.wait()
    assert desk.widget.images.count() == 3
    assert desk.widget.images.item(1).text() == "time: Z 1"
    painted = desk.widget.painted
    assert painted.data.shape == stack.shape
    np.testing.assert_allclose(painted.translate, image.translate)
    assert desk.viewer.dims.point[0] == 10
    desk.press(Qt.Key.Key_N)
    assert desk.viewer.dims.point[0] == 15
    desk.press(Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert desk.viewer.dims.point[0] == 20
    assert desk.widget.counts.text() == "1 of 3 done"
    desk.press(Qt.Key.Key_N, SHIFT)
    assert desk.viewer.dims.point[0] == 15
    # Opened again the marks are still there, and no second layer is added.
    desk.viewer.layers.selection.active = image
    desk.widget.open_layers()
    desk.wait()
    assert desk.widget.counts.text() == "1 of 3 done" and len(desk.viewer.layers) == 2
    desk.viewer.layers.remove(image)
    desk.widget.next()
    desk.wait()


def test_layers_one_after_another(desk: Desk, images: Path, tmp_path: Path):
    desk.widget.open_layers()
    assert "no Image layer" in desk.widget.message.text()
    for i in range(2):
        desk.viewer.add_image(blocks(i), name=f"image/{i}")
    desk.widget.open_layers()
    desk.wait()
    visible = [layer.name for layer in desk.viewer.layers if layer.visible]
    assert visible == ["image/0", "image/0 painted"]
    desk.widget.painted.paint((2, 3), 1)
    desk.widget.next()
    desk.wait()
    # Both lie in one place, but each has a layer of its own, which lies on top.
    visible = [layer.name for layer in desk.viewer.layers if layer.visible]
    assert visible == ["image/1", "image/1 painted"]
    assert desk.viewer.layers[-1] is desk.widget.painted and not desk.widget.painted.data.any()
    desk.widget.open_layers()
    desk.wait()
    desk.widget.go_to(0)
    assert desk.widget.painted.data.any()
    desk.widget.go_to(1)
    desk.widget.files.export(tmp_path / "out")
    desk.wait()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["image_1_labels.tif"]
    # A folder takes their place, and leaves them.
    desk.open(images)
    assert desk.shown == "a1.png" and "image/1" in desk.names
    assert desk.widget.save_button.text() == "Save and next"
