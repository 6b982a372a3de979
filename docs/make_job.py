"""Draw docs/images/job-*.png: one class over a folder of four images, by mouse and keys.

    NAPARI_NCUT_DATA=… make walkthrough

Superalloys of NASA's micrographs (MIT). A robot paints as somebody would who knows what is
precipitate: it drags over segments that are mostly that, parts those that are both by a line, fills
holes, saves and goes on. It prints what docs/folders.md says of gestures, seconds and overlap.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import napari
import numpy as np
from make_screenshots import FOLDER, save, wait
from make_walkthrough import data_folder
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from skimage.draw import line
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from napari_ncut.widgets.folder import FolderWidget
from napari_ncut.widgets.paint import PaintWidget

NAMES = ("spot3_0d_3.png", "spot4_0d_3.png", "spot5_0d_0.png", "spot6_0d_2.png")
N_CUTS = 6
# Of a segment that is worth parting: share of precipitate, and pixels that are wrong.
MIXED, WRONG = (0.12, 0.88), 150


@dataclass
class Robot:
    """Hands on the canvas, and a watch."""

    viewer: napari.Viewer
    folder: FolderWidget
    paint: PaintWidget
    seconds: list[float] = field(default_factory=list)

    @property
    def canvas(self) -> Any:
        """Where events go."""
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def segments(self) -> NDArray:
        """The segments of the image shown."""
        return np.asarray(self.paint.segments_layer.data)

    @property
    def painted(self) -> NDArray:
        """What is painted on it."""
        return np.asarray(self.paint.painted_layer.data) > 0

    def settle(self) -> None:
        """Wait until nothing is computed or written."""
        wait(lambda: not (self.folder.busy or self.paint.busy))

    def send(self, kind: Any, place: NDArray, buttons: Any) -> None:
        """A mouse event at a place of the image."""
        camera = self.viewer.scene.camera
        row, column = (place - np.asarray(camera.center)[-2:]) * camera.zoom
        at = QPoint(round(self.canvas.width() / 2 + column), round(self.canvas.height() / 2 + row))
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else buttons
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else buttons
        event = QMouseEvent(
            kind, QPointF(at), QPointF(self.canvas.mapToGlobal(at)), button, held,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(self.canvas, event)
        QTest.qWait(8)

    def drag(self, places: list[NDArray]) -> None:
        """Press, move and release; of one place, click."""
        start = time.perf_counter()
        left = Qt.MouseButton.LeftButton
        self.send(QEvent.Type.MouseButtonPress, places[0], left)
        for a, b in pairwise(places):
            for share in (0.25, 0.5, 0.75, 1.0):
                self.send(QEvent.Type.MouseMove, (1 - share) * a + share * b, left)
        self.send(QEvent.Type.MouseButtonRelease, places[-1], left)
        while self.paint.busy:
            QTest.qWait(1)
        self.seconds.append(time.perf_counter() - start)

    def press(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """A key on the canvas."""
        QTest.keyClick(self.canvas, key, modifier)

    # ------------------------------------------------------------------------------- what it does

    def fill(self, truth: NDArray) -> int:
        """Drag over all segments that are mostly precipitate; returns how many there are."""
        labels = self.segments
        areas = np.bincount(labels.ravel())
        inside = np.bincount(labels.ravel(), weights=truth.ravel())
        wanted = (inside > areas / 2) & ~np.isin(np.arange(len(areas)), labels[self.painted])
        wanted[0] = False
        self.press(Qt.Key.Key_F)
        for path in paths(labels, wanted):
            self.drag(path)
        return int(wanted.sum())

    def cut(self, truth: NDArray) -> int:
        """Part the segments that are wrong in most pixels; returns how many were parted."""
        labels = self.segments
        areas = np.bincount(labels.ravel())
        shares = np.bincount(labels.ravel(), weights=truth.ravel()) / np.maximum(areas, 1)
        wrong = np.where(shares > 0.5, 1 - shares, shares) * areas
        mixed = (shares > MIXED[0]) & (shares < MIXED[1]) & (wrong > WRONG)
        chosen = [i for i in np.argsort(-wrong)[:N_CUTS] if mixed[i]]
        self.press(Qt.Key.Key_K)
        for number in chosen:
            corners = straight_cut(labels == number, truth)
            for corner in corners:
                self.drag([corner])
            self.press(Qt.Key.Key_Return)
            QTest.qWait(20)
        # Parts that are no precipitate are erased, the others filled.
        labels = self.segments
        areas = np.bincount(labels.ravel())
        inside = np.bincount(labels.ravel(), weights=truth.ravel())
        outside = (inside < areas / 2) & np.isin(np.arange(len(areas)), labels[self.painted])
        outside[0] = False
        self.press(Qt.Key.Key_U)
        for path in paths(labels, outside):
            self.drag(path)
        self.fill(truth)
        return len(chosen)


def paths(labels: NDArray, wanted: NDArray) -> list[list[NDArray]]:
    """Drags over the wanted segments and over no others."""
    left = {int(n): middle(labels == n) for n in np.flatnonzero(wanted)}
    found: list[list[NDArray]] = []
    while left:
        number = next(iter(left))
        path = [left.pop(number)]
        while left:
            places = np.array(list(left.values()))
            nearest = int(np.hypot(*(places - path[-1]).T).argmin())
            rows, columns = line(*path[-1].astype(int), *places[nearest].astype(int))
            under = set(np.unique(labels[rows, columns]).tolist())
            if not all(wanted[n] for n in under):
                break
            path.append(places[nearest])
            for n in [*under, list(left)[nearest]]:
                left.pop(n, None)
        found.append(path)
    return found


def middle(mask: NDArray) -> NDArray:
    """The pixel of a segment that is farthest from its border."""
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(mask, 1)
    return np.array(np.unravel_index(distance_transform_edt(padded).argmax(), padded.shape)) - 1.0


def straight_cut(mask: NDArray, truth: NDArray) -> list[NDArray]:
    """Two places beyond a segment, on the line that best tells what is precipitate in it."""
    places = np.argwhere(mask)
    model = LinearDiscriminantAnalysis().fit(places, truth[mask])
    normal = model.coef_[0] / np.linalg.norm(model.coef_[0])
    offset = -model.intercept_[0] / np.linalg.norm(model.coef_[0])
    along = np.array([-normal[1], normal[0]])
    reach = places @ along
    ends = [normal * offset + along * t for t in (reach.min() - 3, reach.max() + 3)]
    return [np.clip(end, 1, np.array(mask.shape) - 2) for end in ends]


def picture_of(viewer: napari.Viewer) -> NDArray:
    """The canvas without what lies around the image."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    seen = picture.any(axis=2)
    return picture[seen.any(axis=1)][:, seen.any(axis=0)]


def overlap(painted: NDArray, truth: NDArray) -> float:
    return float((painted & truth).sum() / (painted | truth).sum())


def main() -> None:
    data = data_folder() / "nasa_superalloy"
    with tempfile.TemporaryDirectory() as temporary:
        images = Path(temporary) / "alloy"
        images.mkdir()
        for name in NAMES:
            shutil.copy(data / "images" / name, images)
        viewer = napari.Viewer()
        viewer.window.resize(1400, 950)
        folder, paint = FolderWidget(viewer), PaintWidget(viewer)
        dock = viewer.window.add_dock_widget(folder, name="Image folder")
        viewer.window.add_dock_widget(paint, name="Paint segments", tabify=True)
        robot = Robot(viewer, folder, paint)
        start = time.perf_counter()
        folder.open(images)
        robot.settle()
        print(f"opened, with segments, after {time.perf_counter() - start:.1f} s")
        paint._session.classes.classes.rename(1, "precipitate")
        steps = []
        for i, name in enumerate(NAMES):
            truth = imageio.imread(data / "labels" / name) > 0
            if i == 0:
                QTest.qWait(500)
                steps.append(picture_of(viewer))
            robot.seconds.clear()
            n_filled = robot.fill(truth)
            n_drags = len(robot.seconds)
            filled = overlap(robot.painted, truth)
            if i == 0:
                QTest.qWait(500)
                steps.append(picture_of(viewer))
            if i == 1:
                dock.raise_()
                folder.path.setText("micrographs/alloy")
                QTest.qWait(500)
                save(viewer, "job-window")
            n_cut = robot.cut(truth)
            parted = overlap(robot.painted, truth)
            paint.operations["fill_holes"].click()
            robot.settle()
            if i == 0:
                paint.boundaries.setChecked(False)
                QTest.qWait(500)
                steps.append(picture_of(viewer))
                paint.boundaries.setChecked(True)
            row = [name, f"{n_filled} in {n_drags} drags", f"{filled:.2f}", str(n_cut)]
            row += [f"{parted:.2f}", f"{overlap(robot.painted, truth):.2f}"]
            row += [f"{1000 * statistics.median(robot.seconds):.0f} ms"]
            print(f"| {' | '.join(row)} |")
            before = time.perf_counter()
            robot.press(Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
            robot.settle()
            print(
                f"saved, and the next one there, after {time.perf_counter() - before - 0.6:.1f} s"
            )
        print(f"all after {time.perf_counter() - start:.0f} s")
        viewer.close()
    gap = np.full((steps[0].shape[0], 8, 3), 255, np.uint8)
    joined = np.concatenate([steps[0], gap, steps[1], gap, steps[2]], axis=1)
    side_by_side = Image.fromarray(joined)
    width, height = side_by_side.size
    small = side_by_side.resize((1500, round(1500 * height / width)), Image.Resampling.LANCZOS)
    small.quantize(256, kmeans=3).save(FOLDER / "job-steps.png", optimize=True)


if __name__ == "__main__":
    main()
