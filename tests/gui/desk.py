"""A viewer with the widget "Masks and classes", and images with things of two kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from skimage.draw import disk

from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.mask_controls import LABELS
from napari_ncut.widgets.masks_classes import MasksWidget

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
        return self.segments.images[0].instances

    @property
    def classes(self) -> Any:
        return self.segments.images[0].classes

    def find_masks(self, labels: Any = None) -> None:
        """Press the button and wait; with the labels of a layer as masks, if given."""
        if labels is not None:
            self.widget.masks.source.value = LABELS
            self.widget.masks.labels.value = labels if isinstance(labels, list) else [labels]
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
        state = self.segments.state
        found = state.found
        shown = self.widget.class_list.names
        return {n: shown.get(n) for n in found.names} == found.names and all(
            self.image_is_consistent(image) for image in self.segments.images
        )

    def image_is_consistent(self, image: Any) -> bool:
        state = self.segments.state
        found, source = state.found, image.source
        maps = [source.plane_in(image.classes.data, i) for i in range(source.n_planes)]
        table = image.instances.features
        return (
            np.array_equal(maps, np.stack(state.planes(image.planes)))
            and table["class"].tolist() == found.classes[table["index"] - 1].tolist()
            and image.classes.features["index"].tolist() == sorted(found.names)
        )
