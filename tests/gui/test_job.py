"""A whole job with mouse and keys: a folder of images segmented, painted, cut, saved, re-opened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget
from skimage.measure import label as connected
from superqt import QCollapsible

from napari_ncut import read_image
from napari_ncut.widgets.classic import ClassicWidget
from napari_ncut.widgets.folder import FolderWidget
from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.paint import PaintWidget
from napari_ncut.widgets.roles import SEGMENTS

from .mouse import CONTROL, LEFT, SHIFT, Hands

SHAPE = (90, 140)
# Left and right part of a dumbbell, and the bridge between them.
DUMBBELL = (np.s_[10:40, 12:42], np.s_[10:40, 62:92], np.s_[22:28, 42:62])
DIAMONDS = ((60, 30), (66, 74), (58, 116))


def ground() -> np.ndarray:
    return np.random.default_rng(0).normal(40, 2, SHAPE)


def dumbbell() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    for part in DUMBBELL:
        mask[part] = True
    return mask


def diamond(place: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return np.abs(rows - place[0]) + np.abs(columns - place[1]) < 10


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two things grown together and three alike; one thing; nothing at all."""
    folder = tmp_path / "alloy"
    folder.mkdir()
    things = [dumbbell() | np.any([diamond(place) for place in DIAMONDS], axis=0)]
    things += [diamond(DIAMONDS[0]), np.zeros(SHAPE, bool)]
    for i, mask in enumerate(things, start=1):
        image = (ground() + 140 * mask).clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / f"a{i}.png")
    return folder


@dataclass
class Desk(Hands):
    """A viewer with the three widgets of the job."""

    viewer: Any
    folder: FolderWidget
    segment: ClassicWidget
    paint: PaintWidget
    qtbot: Any

    def wait(self) -> None:
        widgets = (self.folder, self.segment, self.paint)
        self.qtbot.waitUntil(lambda: not any(one.busy for one in widgets), timeout=30_000)

    @property
    def layer(self) -> Any:
        return self.folder.desk.images[0]

    @property
    def painted(self) -> np.ndarray:
        return np.asarray(self.folder.desk.painted.data)

    @property
    def shown(self) -> str:
        return self.folder.folder.files[self.folder.number].name

    def push(self, button: Any) -> None:
        """Bring a button to the front, and click on it."""
        assert button.isEnabled(), button.toolTip()
        around = button.parentWidget()
        while around is not None:
            if isinstance(around, QCollapsible):
                around.expand(animate=False)
            if isinstance(around, QDockWidget):
                around.raise_()
            around = around.parentWidget()
        self.qtbot.waitUntil(lambda: button.isVisible() and button.height() > 0)
        QTest.mouseClick(button, LEFT)
        self.wait()

    def hover(self, pixel: tuple[int, int]) -> None:
        """Rest the cursor over a pixel."""
        QTest.mouseMove(self.canvas, self.place(pixel))
        self.qtbot.wait(50)

    def open(self, path: Path) -> None:
        """Type a path and press Enter."""
        field = self.folder.path
        field.selectAll()
        QTest.keyClicks(field, str(path))
        QTest.keyClick(field, Qt.Key.Key_Return)
        self.wait()

    def cut(self, *corners: tuple[int, int]) -> None:
        self.press(Qt.Key.Key_K)
        for corner in corners:
            self.click(corner)
        self.press(Qt.Key.Key_Return)


@pytest.fixture
def open_desk(make_napari_viewer_proxy: Any, qtbot: Any) -> Any:
    def opened() -> Desk:
        viewer = make_napari_viewer_proxy(show=True)
        viewer = getattr(viewer, "__wrapped__", viewer)
        folder, segment, paint = FolderWidget(viewer), ClassicWidget(viewer), PaintWidget(viewer)
        folder.segmenter.ahead.setChecked(False)
        for widget, name in ((folder, "Image folder"), (segment, "Segment"), (paint, "Paint")):
            viewer.window.add_dock_widget(widget, name=name, tabify=True)
        viewer.window.resize(1200, 800)
        qtbot.wait(50)
        return Desk(viewer, folder, segment, paint, qtbot)

    return opened


def test_a_folder_of_three_images(open_desk: Any, images: Path):
    desk = open_desk()
    desk.open(images)
    assert desk.shown == "a1.png" and desk.paint.image is desk.layer

    # Segment: what is brighter than Otsu's threshold, piece by piece.
    assert desk.segment.classic.name == "otsu"
    desk.push(desk.segment.run_button)
    pieces = connected(read_image(images / "a1.png").data > 110)
    assert pieces.max() == 4
    assert_array_equal(desk.paint.segments_layer.data, pieces)

    # Fill the dumbbell, and part it at its bridge.
    desk.press(Qt.Key.Key_F)
    desk.click((20, 20))
    assert_array_equal(desk.painted > 0, dumbbell())
    desk.cut((15, 52), (35, 52))
    assert_array_equal(desk.painted > 0, dumbbell())
    desk.press(Qt.Key.Key_U)
    desk.click((30, 80))
    left = dumbbell() & (np.arange(SHAPE[1]) < 53)
    found = desk.painted > 0
    # The line's own pixels may fall to either side.
    assert (found & left)[:, :52].sum() == left[:, :52].sum()
    assert not found[:, 54:].any()
    kept = found.copy()

    # Undo brings the right part back, redo takes it away again.
    desk.press(Qt.Key.Key_Z, CONTROL)
    assert_array_equal(desk.painted > 0, dumbbell())
    desk.press(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert_array_equal(desk.painted > 0, kept)

    # One diamond is painted, the others are found by it.
    desk.press(Qt.Key.Key_F)
    desk.click(DIAMONDS[0])
    desk.press(Qt.Key.Key_Z)
    desk.hover(DIAMONDS[0])
    desk.press(Qt.Key.Key_T)
    assert desk.paint.copies.template is not None
    desk.push(desk.paint.copies.find_button)
    desk.press(Qt.Key.Key_Return)
    everything = kept | np.any([diamond(place) for place in DIAMONDS], axis=0)
    assert_array_equal(desk.painted > 0, everything)
    segments = np.asarray(desk.paint.segments_layer.data).copy()
    assert len(np.unique(segments)) == 6

    # Save and go on; what is unsaved of the second image outlasts moves.
    desk.press(Qt.Key.Key_S, SHIFT)
    assert desk.shown == "a2.png" and desk.folder.folder.is_done(0)
    desk.push(desk.segment.run_button)
    desk.press(Qt.Key.Key_F)
    desk.click(DIAMONDS[0])
    second = desk.painted.copy()
    assert_array_equal(second > 0, diamond(DIAMONDS[0]))
    desk.press(Qt.Key.Key_N)
    assert desk.shown == "a3.png" and not desk.painted.any()
    desk.press(Qt.Key.Key_N, SHIFT)
    assert desk.shown == "a2.png"
    assert_array_equal(desk.painted, second)
    assert desk.folder.folder.state(1) == "draft"
    desk.press(Qt.Key.Key_S, SHIFT)
    # Nothing is in the last one: that is an answer, too.
    desk.press(Qt.Key.Key_S, SHIFT)
    assert [desk.folder.folder.is_done(i) for i in range(3)] == [True] * 3

    # All of it is there again in a new window.
    again = open_desk()
    again.open(images)
    assert_array_equal(again.painted > 0, everything)
    assert_array_equal(again.paint.segments_layer.data, segments)
    again.press(Qt.Key.Key_N)
    assert_array_equal(again.painted, second)
    again.press(Qt.Key.Key_N)
    assert not again.painted.any()
    # And it can be edited: the left half of the dumbbell goes.
    again.press(Qt.Key.Key_N, SHIFT)
    again.press(Qt.Key.Key_N, SHIFT)
    again.press(Qt.Key.Key_U)
    again.click((20, 20))
    assert_array_equal(again.painted > 0, np.any([diamond(place) for place in DIAMONDS], axis=0))


def test_classes_are_those_of_the_folder(open_desk: Any, images: Path):
    desk = open_desk()
    desk.open(images)
    desk.push(desk.segment.run_button)
    classes = desk.paint._session.classes.classes
    classes.rename(1, "grain")
    classes.add()
    classes.rename(2, "crack")
    classes.recolor(2, "#112233")
    desk.press(Qt.Key.Key_F)
    desk.click(DIAMONDS[0])
    assert set(np.unique(desk.painted)) == {0, 2}
    desk.press(Qt.Key.Key_S, SHIFT)
    # The next image's classes are the same ones.
    assert classes.names == {1: "grain", 2: "crack"}
    assert classes[2].color == "#112233"
    (noted,) = (images.parent / "alloy_segmented").glob("*.json")
    written = json.dumps(json.loads(noted.read_text(encoding="utf-8")))
    assert "grain" in written and "crack" in written and "#112233" in written
    again = open_desk()
    again.open(images)
    assert again.paint._session.classes.classes.names == {1: "grain", 2: "crack"}
    history = history_of(again.viewer)
    assert not history.can_undo


def test_one_layer_of_segments_whoever_makes_them(open_desk: Any, images: Path):
    desk = open_desk()
    desk.folder.segmenter.choose("slic", "superpixels")
    desk.folder.segmenter.number.setValue(12)
    desk.folder.segmenter.ahead.setChecked(True)
    desk.open(images)
    (ahead,) = desk.folder.desk.labels(SEGMENTS)
    first = ahead.data.copy()
    assert desk.paint.segments_layer is ahead and first.max() > 4
    desk.push(desk.segment.run_button)
    assert desk.folder.desk.labels(SEGMENTS) == [ahead]
    assert ahead.data.max() == 4
    desk.paint.number.setValue(30)
    desk.push(desk.paint.make_button)
    (made,) = desk.folder.desk.labels(SEGMENTS)
    assert made.data.max() == 30 and desk.paint.segments_layer is made
    desk.press(Qt.Key.Key_Z, CONTROL)
    desk.press(Qt.Key.Key_Z, CONTROL)
    (again,) = desk.folder.desk.labels(SEGMENTS)
    assert_array_equal(again.data, first)
