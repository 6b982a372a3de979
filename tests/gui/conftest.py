"""Tests of widgets, in a viewer.

`make_napari_viewer_proxy` comes from napari's own pytest plugin, which is loaded wherever napari is
installed. Prefer it to `make_napari_viewer`: it lets only napari's public names through. It closes
its viewers itself, and fails a test that leaves Qt objects behind. `qtbot` comes from pytest-qt.

Every test in this folder carries the marker `gui` (tests/conftest.py gives it).
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from napari.utils.notifications import Notification, notification_manager

from napari_ncut.widgets.features import FeaturesWidget
from napari_ncut.widgets.masks_classes import MasksWidget
from napari_ncut.widgets.points import PointsWidget

from .desk import Desk

TIMEOUT = 20_000


def halves(height: int = 64, width: int = 64) -> np.ndarray:
    """Left dark, right bright, with a little noise: two things that nobody mixes up."""
    noise = np.random.default_rng(0).integers(0, 6, (height, width))
    return (noise + np.where(np.arange(width) < width // 2, 40, 200)).astype(np.uint8)


@dataclass
class Bench:
    """A viewer with both widgets docked, and how to wait for them."""

    viewer: Any
    features: FeaturesWidget
    segment: PointsWidget
    qtbot: Any

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=TIMEOUT)

    def prepare(self, *images: Any, components: int = 5) -> None:
        """Run the features widget on images (default: what is checked) and wait for it."""
        if images:
            self.features.images.value = images
        self.features.backbone.n_components.value = components
        before = list(self.segment._session.prepared)
        self.features.run()
        self.wait(lambda: self.segment._session.prepared != before)

    @property
    def points(self) -> Any:
        return self.segment.points

    @property
    def history(self) -> Any:
        return self.segment._history

    @property
    def preview(self) -> Any:
        """The first preview layer of masks, None while there is none."""
        return self.preview_of(0)

    def preview_of(self, number: int) -> Any:
        masks = self.segment._live.masks
        return None if masks is None else masks.layer(number)

    @property
    def planes_done(self) -> int:
        return len(self.segment._live.measures)

    def settled(self) -> bool:
        """Whether every plane that was asked for has been computed."""
        segment = self.segment
        busy = segment._acceptance.busy or segment._live.busy or segment._sam.busy
        return not (busy or segment._history.replaying)

    def click(self, *coordinates: Any) -> None:
        """Add points in the prompts layer's data coordinates, and wait for all planes."""
        self.points.add(np.array(coordinates, dtype=float))
        self.wait(self.settled)

    def accept(self) -> Any:
        """Accept, wait, and return the output layer."""
        self.segment.accept()
        self.wait(self.settled)
        return self.segment.output_choice.value

    def messages(self, severity: str | None = None) -> list[str]:
        return [
            str(record.message)
            for record in notification_manager.records
            if severity is None or record.severity.value == severity
        ]


@pytest.fixture(autouse=True)
def notifications() -> Iterator[list[Notification]]:
    """napari's records of what the user was told, empty at the start of every test."""
    notification_manager.records.clear()
    yield notification_manager.records
    notification_manager.records.clear()


@pytest.fixture(scope="session", autouse=True)
def _torch_is_loaded() -> None:
    # The first import takes seconds; a widget does it in its thread.
    importlib.import_module("torch")
    importlib.import_module("sklearn.cluster")
    # What is there before the first window stays: collecting before every test need not look at
    # the millions of objects that libraries and earlier tests have left.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _garbage_is_collected_here() -> Iterator[None]:
    # A worker thread that happens to collect the window of an earlier test would destroy its Qt
    # objects outside the main thread, on which Qt hangs.
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def bench(make_napari_viewer_proxy: Any, qtbot: Any) -> Callable[..., Bench]:
    """Opens a viewer with both widgets: bench(image, **arguments of its layer).

    What most tests are about is not how good masks are: they get a quick backbone, and the rule by
    which one can tell what is masked. With `usual=True` everything is as a user finds it.
    """

    def open_bench(image: Any = None, *, usual: bool = False, **kwargs: Any) -> Bench:
        viewer = make_napari_viewer_proxy(show=kwargs.pop("show", False))
        if image is not None:
            viewer.add_image(image, **{"name": "image", **kwargs})
        features, segment = FeaturesWidget(viewer), PointsWidget(viewer)
        if not usual:
            features.backbone.backbone.value = "filterbank"
            segment.controls.method.value = "tutorial"
            # Strict enough for masks that end where the images' halves meet.
            segment.controls.auto.value = False
            segment.controls.threshold.value = 0.8
            segment.controls.gamma.value = 1.0
        viewer.window.add_dock_widget(features, name="features")
        viewer.window.add_dock_widget(segment, name="segment")
        return Bench(viewer, features, segment, qtbot)

    return open_bench


@pytest.fixture
def prepared(bench: Callable[..., Bench]) -> Callable[..., Bench]:
    """Like `bench`, with features computed."""

    def open_prepared(image: Any = None, **kwargs: Any) -> Bench:
        opened = bench(halves() if image is None else image, **kwargs)
        opened.prepare()
        return opened

    return open_prepared


@pytest.fixture
def press(qtbot: Any) -> Callable[..., None]:
    """Sends a real key event to the canvas: press(bench, Qt.Key.Key_Z, control, layer=labels)."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    def send(opened: Bench, key: Any, modifiers: Any = None, *, layer: Any = None) -> None:
        viewer = getattr(opened.viewer, "__wrapped__", opened.viewer)
        if layer is not None:
            viewer.layers.selection.active = getattr(layer, "__wrapped__", layer)
        canvas = viewer.window._qt_viewer.canvas.native
        QTest.keyClick(canvas, key, modifiers or Qt.KeyboardModifier.NoModifier)

    return send


@pytest.fixture
def desk(make_napari_viewer_proxy: Any, qtbot: Any) -> Callable[..., Desk]:
    """Opens a viewer with the widget "Masks and classes": desk(image, **arguments of its layer)."""

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
