"""Draw docs/images/walk-*.png: masks after one, two and four clicks, in a real napari window.

    NAPARI_NCUT_DATA=… make walkthrough

Nuclei of the Data Science Bowl 2018 (CC0), a superalloy of NASA's micrographs (MIT), and the
astronaut of scikit-image (NASA, public domain).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as imageio
import napari
import numpy as np
import skimage.data
from make_screenshots import FOLDER, shown, wait
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtTest import QTest

from napari_ncut.widgets.demo import place_clicks, prepare_demo

NUMBERS = (1, 2, 4)
# The second class is blue, which none of the images is.
LABEL = 2


@dataclass(frozen=True)
class Walk:
    """An image, what a click means, and four clicks (row, column, positive)."""

    name: str
    image: NDArray
    mode: str
    clicks: tuple[tuple[int, int, bool], ...]


def data_folder() -> Path:
    """Where the data sets lie."""
    folder = os.environ.get("NAPARI_NCUT_DATA")
    if not folder:
        sys.exit("Set NAPARI_NCUT_DATA to the folder in which `data` has the sets to draw.")
    return Path(folder) / "data"


def walks() -> list[Walk]:
    data = data_folder()
    nuclei = imageio.imread(data / "dsb2018" / "images" / "0d2bf916cc8d.png")
    alloy = imageio.imread(data / "nasa_superalloy" / "images" / "spot5_0d_0.png")
    return [
        Walk(
            "nuclei",
            nuclei,
            "similar",
            ((270, 275, True), (166, 119, True), (311, 85, False), (15, 283, True)),
        ),
        Walk(
            "alloy",
            alloy,
            "similar",
            ((71, 391, True), (338, 408, False), (128, 136, True), (419, 399, True)),
        ),
        Walk(
            "astronaut",
            skimage.data.astronaut(),
            "object",
            ((350, 220, True), (100, 230, True), (60, 215, True), (420, 400, True)),
        ),
    ]


def color(image: NDArray) -> NDArray:
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=-1)


def canvas_of(viewer: napari.Viewer, shape: tuple[int, ...]) -> NDArray:
    """The canvas without what lies beside the image."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    height, width = picture.shape[:2]
    wide = min(width, round(height * shape[1] / shape[0]))
    left = (width - wide) // 2
    return picture[:, left : left + wide]


def draw(walk: Walk) -> None:
    viewer = napari.Viewer()
    viewer.window.resize(1500, 900)
    nothing = np.empty((0, 2)), np.empty(0, bool), np.empty(0, int)
    features, segment = prepare_demo(
        viewer, color(walk.image), *nothing, {LABEL: walk.name}, predict={"mode": walk.mode}
    )
    wait(lambda: segment.points is not None and features.run_button.isEnabled())
    segment.parent().raise_()
    pictures = []
    for n in NUMBERS:
        rows = np.array(walk.clicks[:n])
        place_clicks(segment.points, rows[:, :2], rows[:, 2].astype(bool), np.full(n, LABEL))
        wait(lambda n=n: shown(segment, n))
        QTest.qWait(800)
        pictures.append(canvas_of(viewer, walk.image.shape[:2]))
    viewer.close()
    side_by_side = Image.fromarray(np.concatenate(pictures, axis=1))
    width, height = side_by_side.size
    small = side_by_side.resize((1500, round(1500 * height / width)), Image.Resampling.LANCZOS)
    small.quantize(256, kmeans=3).save(FOLDER / f"walk-{walk.name}.png", optimize=True)


def main() -> None:
    for walk in walks():
        draw(walk)


if __name__ == "__main__":
    main()
