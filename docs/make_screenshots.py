"""Draw the pictures of README and docs, in a real napari window.

    make screenshots

Uses only images that come with scikit-image.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
import skimage.data
from PIL import Image
from qtpy.QtGui import QImage
from qtpy.QtTest import QTest
from scipy.ndimage import binary_fill_holes
from skimage import measure
from skimage.filters import sobel
from skimage.segmentation import watershed
from superqt import QCollapsible

from napari_ncut.cli.demo import CLASS_NAMES, CLICKS, EMBED, PREDICT
from napari_ncut.widgets.classic import ClassicWidget
from napari_ncut.widgets.demo import place_clicks, prepare_demo
from napari_ncut.widgets.features import FeaturesWidget
from napari_ncut.widgets.granularity import GranularityWidget
from napari_ncut.widgets.masks_classes import MasksWidget
from napari_ncut.widgets.measure import MeasureWidget
from napari_ncut.widgets.objects import ObjectsWidget
from napari_ncut.widgets.points import PointsWidget

FOLDER = Path(__file__).parent / "images"
SIZE = (1400, 930)


def wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    for _ in range(int(seconds * 20)):
        QTest.qWait(50)
        if condition():
            QTest.qWait(600)  # the canvas draws when the loop is idle
            return
    raise TimeoutError("The window did not get there.")


def shown(segment: PointsWidget, n_clicks: int) -> bool:
    """Whether the masks of that many clicks are on screen (the status line counts them)."""
    return segment.status.text().startswith(f"{n_clicks} click")


def save(viewer: napari.Viewer, name: str) -> None:
    write(Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)), name)


def save_picture(grabbed: QImage, name: str) -> None:
    """Save what a window of Qt's shows."""
    image = grabbed.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asarray(image.sizeInBytes()), np.uint8)
    shape = image.height(), image.width(), 3
    packed = rows.reshape(image.height(), -1)[:, : 3 * image.width()].reshape(shape)
    write(Image.fromarray(packed), name)


def write(picture: Image.Image, name: str) -> None:
    # 256 colors of its own are enough for a window, and a quarter of the size.
    picture.convert("RGB").quantize(256, kmeans=3).save(FOLDER / f"{name}.png", optimize=True)


def show_groups(viewer: napari.Viewer, features: FeaturesWidget, n_groups: int) -> None:
    """Save a picture of groups, and leave the window as it was."""
    section = next(c for c in features.findChildren(QCollapsible) if c.text() == "Groups")
    section.expand(animate=False)
    QTest.qWait(300)
    features._scroll.verticalScrollBar().setValue(10**6)
    features.groups.count.value = n_groups
    features.groups.show_groups()
    wait(lambda: not features.groups.busy)
    save(viewer, "groups")
    section.collapse(animate=False)
    (groups,) = (layer for layer in viewer.layers if layer.name.endswith("groups"))
    viewer.layers.remove(groups)


def show_classes() -> None:
    """Save a picture of masks in classes, from a window of its own."""
    viewer = napari.Viewer()
    viewer.window.resize(SIZE[0], 1100)
    viewer.add_image(skimage.data.coins()[:, :303], name="coins")
    widget = MasksWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Masks and classes")
    for button in (widget.run_button, widget.cluster_button):
        button.click()
        wait(lambda: not widget.cancel_button.isEnabled())
    QTest.qWait(1500)
    save(viewer, "classes")
    viewer.close()


def show_granularity() -> None:
    """Save a picture of a kept level, and a finer one in outlines, from a window of its own."""
    viewer = napari.Viewer()
    viewer.window.resize(SIZE[0], 1000)
    viewer.add_image(skimage.data.coins()[:, :303], name="coins")
    widget = GranularityWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Superpixels & granularity")
    widget.run_button.click()
    wait(lambda: not widget.busy)
    widget.keep_button.click()
    wait(lambda: not widget.busy)
    widget.outlines.setChecked(True)
    widget.level.number.setValue(400)
    wait(lambda: not widget.busy)
    save(viewer, "granularity")
    viewer.close()


def show_objects() -> None:
    """Save a picture of a thing that was found, from a window of its own."""
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.add_image(skimage.data.coins(), name="coins")
    widget = ObjectsWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Find objects")
    widget.run_button.click()
    wait(lambda: widget.objects_layer is not None)
    save(viewer, "objects")
    viewer.close()


def show_measures() -> None:
    """Save a picture of coins that were measured, from a window of its own."""
    coins = skimage.data.coins()
    markers = np.where(coins > 150, 2, np.where(coins < 60, 1, 0))
    filled = binary_fill_holes(watershed(sobel(coins), markers) == 2)
    labels = without_specks(measure.label(filled))
    viewer = napari.Viewer()
    viewer.window.resize(SIZE[0], 1000)
    # Of a photograph in which a coin is about as wide as a coin is.
    spatial = {"scale": (0.4, 0.4), "units": ("mm", "mm")}
    viewer.add_image(coins, name="coins", **spatial)
    viewer.add_labels(labels, name="coins found", opacity=0.5, **spatial)
    widget = MeasureWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Measure")
    widget.input.images.value = [viewer.layers["coins"]]
    widget.run_button.click()
    wait(lambda: widget.measured is not None)
    widget.tabs.setCurrentWidget(widget.sizes)
    widget.sizes.property.value = "equivalent_diameter"
    save(viewer, "measure")
    viewer.close()


def show_methods() -> None:
    """Save a picture of what every classic method makes of coins."""
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.add_image(skimage.data.coins(), name="coins")
    widget = ClassicWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Segment")
    widget.preview_button.click()
    wait(lambda: not widget.busy)
    widget.dialog.resize(1300, 790)
    QTest.qWait(500)
    save_picture(widget.dialog.grab().toImage(), "methods")
    widget.dialog.close()
    viewer.close()


def without_specks(labels: np.ndarray) -> np.ndarray:
    """Labels without specks."""
    large = np.bincount(labels.ravel()) >= 200
    return np.where(large[labels], labels, 0).astype(np.int32)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    image = skimage.data.immunohistochemistry()
    nothing = np.empty((0, 2)), np.empty(0, bool), np.empty(0, int)
    features, segment = prepare_demo(
        viewer, image, *nothing, CLASS_NAMES, embed=EMBED, predict=PREDICT
    )
    wait(lambda: segment.points is not None and features.run_button.isEnabled())
    features.parent().raise_()
    QTest.qWait(500)
    save(viewer, "features")
    show_groups(viewer, features, 6)

    points, positive, classes = (list(column) for column in zip(*CLICKS, strict=True))
    segment.parent().raise_()
    place_clicks(segment.points, points[:1], positive[:1], classes[:1])
    wait(lambda: shown(segment, 1))
    save(viewer, "one-click")

    place_clicks(segment.points, points, positive, classes)
    wait(lambda: shown(segment, len(points)))
    save(viewer, "segment")

    segment.output_controls.kind.value = True
    QTest.qWait(1500)
    segment.accept()
    wait(lambda: not len(segment.points.data))
    save(viewer, "accepted")
    viewer.close()
    show_classes()
    show_granularity()
    show_objects()
    show_measures()
    show_methods()


if __name__ == "__main__":
    main()
