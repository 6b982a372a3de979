"""The features widget: never frozen, always cancelled, errors told, settings read as shown."""

from __future__ import annotations

import sys
import threading
import time
import types
import warnings
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_ncut.backbones import BACKBONES

# Seconds that a plane takes in the slow backbones.
PLANE = 0.4


class FakeBackbone:
    """Means over blocks, by way of whatever `work` does first for every plane."""

    calls = 0
    work = staticmethod(lambda: None)

    def __init__(self, entry, **_):
        self.name, self.stride, self.options = entry.name, 8, {}

    def features(self, planes, stride):
        type(self).calls += 1
        self.work()
        return [
            plane[::stride, ::stride, :1] * np.arange(1, 4, dtype=np.float32) for plane in planes
        ]


def sleep():
    end = time.perf_counter() + PLANE
    while time.perf_counter() < end:
        time.sleep(0.01)


def spin():
    end = time.perf_counter() + PLANE
    number = 0
    while time.perf_counter() < end:
        number += 1


@pytest.fixture
def backbone(monkeypatch):
    """Registers a backbone of one's own and returns its class."""
    module = types.ModuleType("fake_backbone_of_a_test")
    module.Fake = type("Fake", (FakeBackbone,), {})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = replace(
        BACKBONES["filterbank"],
        name="fake",
        title="Fake",
        builder=f"{module.__name__}:Fake",
        strides=(8,) * 4,
        preparation="none",
        suggested_components=3,
    )
    monkeypatch.setitem(BACKBONES, "fake", entry)
    return module.Fake


def halves(n_planes: int | None = None) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 6, (64, 64))
    plane = (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)
    return plane if n_planes is None else np.stack([plane] * n_planes)


class Heartbeat:
    """The largest gap between ticks of a 10 ms timer of the event loop."""

    def __init__(self):
        self.gaps = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)

    def _tick(self):
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    def stop(self):
        self._timer.stop()
        return max(self.gaps)


@pytest.mark.parametrize("work", [sleep, spin])
def test_the_window_answers_while_features_are_computed(bench, backbone, qtbot, work):
    backbone.work = staticmethod(work)
    opened = bench(halves(4))
    opened.features.backbone.backbone.value = "fake"
    qtbot.wait(100)
    heartbeat = Heartbeat()
    opened.features.run()
    qtbot.waitUntil(lambda: backbone.calls == 4, timeout=20_000)
    gap = heartbeat.stop()
    assert len(heartbeat.gaps) > 40
    assert gap < 0.2
    opened.wait(lambda: len(opened.segment._session.prepared) == 1)


@pytest.mark.parametrize("work", [sleep, spin])
def test_cancel_acts_within_one_batch(bench, backbone, qtbot, work):
    backbone.work = staticmethod(work)
    opened = bench(halves(6))
    opened.features.backbone.backbone.value = "fake"
    opened.features.run_button.click()
    qtbot.waitUntil(lambda: backbone.calls >= 2, timeout=20_000)
    names = [layer.name for layer in opened.viewer.layers]
    opened.features.cancel_button.click()
    assert opened.features.run_button.isEnabled()
    assert not opened.features.cancel_button.isEnabled()
    calls = backbone.calls
    qtbot.wait(int(3000 * PLANE))
    assert backbone.calls == calls
    assert [layer.name for layer in opened.viewer.layers] == names
    assert not opened.segment._session.prepared
    assert "Cancelled" in opened.features.message.text()

    backbone.work = staticmethod(lambda: None)
    opened.features.run_button.click()
    opened.wait(lambda: len(opened.segment._session.prepared) == 1)


def test_of_two_quick_runs_only_the_last_one_arrives(bench, backbone, qtbot):
    backbone.work = staticmethod(sleep)
    opened = bench(halves(2))
    opened.features.backbone.backbone.value = "fake"
    arrived = []
    opened.segment._session.prepared_changed.connect(arrived.append)
    opened.features.backbone.n_components.value = 2
    opened.features.run()
    qtbot.wait(100)
    opened.features.backbone.n_components.value = 3
    opened.features.run()
    opened.wait(lambda: bool(arrived))
    qtbot.wait(int(2000 * PLANE))
    assert [prepared.embedding.n_components for prepared in arrived] == [3]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("bad value"), "bad value"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "mat1 and mat2"),
        (MemoryError(), "not enough memory"),
        ("torch", "not enough memory"),
    ],
)
def test_errors_of_a_run_are_told_and_the_widget_stays_usable(bench, backbone, error, told):
    import torch

    raised = torch.OutOfMemoryError("CUDA out of memory") if error == "torch" else error

    def fail():
        raise raised

    backbone.work = staticmethod(fail)
    opened = bench(halves())
    opened.features.backbone.backbone.value = "fake"
    opened.features.run()
    opened.wait(lambda: any(told in text for text in opened.messages()))
    assert opened.features.run_button.isEnabled()
    assert not opened.features.progress.isVisibleTo(opened.features)
    backbone.work = staticmethod(lambda: None)
    opened.features.run()
    opened.wait(lambda: len(opened.segment._session.prepared) == 1)


def test_warnings_of_a_run_are_told(bench, backbone):
    def warn():
        warnings.warn("two clicks short of a cut", UserWarning, stacklevel=1)

    backbone.work = staticmethod(warn)
    opened = bench(halves())
    opened.features.backbone.backbone.value = "fake"
    opened.prepare(components=3)
    opened.wait(lambda: any("two clicks short" in t for t in opened.messages("warning")))
    opened.click([30, 50])
    assert opened.preview.data[30, 50] == 1


def test_a_constant_image_does_no_harm(bench):
    opened = bench(np.full((64, 64), 7, np.uint8))
    opened.prepare()
    opened.click([30, 30])
    assert opened.preview.data[30, 30] == 1
    assert opened.messages("error") == []


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_deleted_image_is_no_error(bench, backbone, qtbot, when):
    backbone.work = staticmethod(sleep)
    opened = bench(halves(2))
    opened.features.backbone.backbone.value = "fake"
    opened.features.run()
    if when == "during":
        qtbot.waitUntil(lambda: backbone.calls == 1, timeout=20_000)
        del opened.viewer.layers["image"]
        opened.wait(lambda: any("deleted meanwhile" in text for text in opened.messages()))
    else:
        opened.wait(lambda: len(opened.segment._session.prepared) == 1)
        opened.click([0, 30, 50])
        del opened.viewer.layers["image"]
        opened.wait(lambda: opened.segment._prepared is None)
        assert "Compute features first" in opened.segment.status.text()
    assert not opened.segment._session.prepared
    assert not opened.features.run_button.isEnabled()
    assert opened.messages("error") == []
    opened.viewer.add_image(halves(), name="another")
    opened.prepare()
    opened.click([30, 50])
    assert opened.preview.data[30, 50] == 1


def test_closing_the_window_during_a_run_stops_it(bench, backbone, qtbot):
    from napari.qt.threading import WorkerBase

    backbone.work = staticmethod(sleep)
    opened = bench(halves(20))
    opened.features.backbone.backbone.value = "fake"
    opened.features.run()
    qtbot.waitUntil(lambda: backbone.calls == 1, timeout=20_000)
    opened.viewer.close()
    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=20_000)
    calls = backbone.calls
    assert calls <= 3
    qtbot.wait(int(1500 * PLANE))
    assert backbone.calls == calls


def test_the_chosen_image_stays_chosen_after_a_run(bench):
    """The layers that a run adds are no images to be cut."""
    opened = bench(halves())
    opened.viewer.add_image(halves()[::-1], name="other")
    image = opened.viewer.layers["image"].__wrapped__
    opened.features.cut.add_eigenvectors.value = True
    opened.prepare(image)
    assert opened.features.images.value == [image]
    opened.prepare()
    assert opened.features.images.value == [image]
    names = [layer.name for layer in opened.viewer.layers]
    assert len(names) == len(set(names)) == 5


def test_axes_that_were_set_outlive_a_run(bench):
    opened = bench(halves(2))
    opened.features.inputs.axes.value = "TYX"
    opened.prepare()
    assert opened.features.inputs.axes.value == "TYX"
    assert opened.segment._prepared.embedding.recipe["axes"] == "TYX"


@pytest.mark.parametrize(
    ("axes", "reason"), [("YX", "name 2 dimensions"), ("QYX", "contain Q"), ("ZZX", "repeat")]
)
def test_wrong_axes_disable_running_and_say_why(bench, axes, reason):
    opened = bench(halves(2))
    opened.features.inputs.axes.value = axes
    assert not opened.features.run_button.isEnabled()
    assert reason in opened.features.message.text()
    assert reason in opened.features.run_button.toolTip()
    opened.features.inputs.axes.value = "ZYX"
    assert opened.features.run_button.isEnabled()


def test_without_an_image_running_is_disabled(bench):
    opened = bench()
    assert not opened.features.run_button.isEnabled()
    assert "open an image" in opened.features.message.text()


def test_only_the_current_plane(bench):
    stack = halves(3)
    stack[1] = stack[1].T
    opened = bench(stack)
    opened.viewer.dims.set_current_step(0, 1)
    opened.features.inputs.planes.value = "current"
    opened.prepare()
    source = opened.segment._prepared.sources[0]
    assert source.shape == (1, 64, 64) and source.starts.tolist() == [1, 0, 0]
    opened.click([1, 50, 30])
    assert opened.preview.data.shape == (1, 64, 64)
    assert opened.preview.data[0, 50, 5] == 1 and opened.preview.data[0, 5, 50] == 0
    assert opened.accept().data.shape == (3, 64, 64)
    output = np.asarray(opened.segment.output_choice.value.data)
    assert output[1].any() and not output[0].any() and not output[2].any()


def test_a_rectangle_bounds_what_is_read(bench):
    opened = bench(np.hstack([halves(), halves()]), scale=(2, 0.5), translate=(7, -3), rotate=30)
    image = opened.viewer.layers["image"]
    corners = np.array([[10, 20], [10, 83], [49, 83], [49, 20]])
    world = np.array([image.data_to_world(corner) for corner in corners])
    opened.viewer.add_shapes([world], shape_type="polygon", name="shape")
    opened.features.inputs.region.value = "shapes"
    opened.features.shapes.value = opened.viewer.layers["shape"].__wrapped__
    opened.prepare(image)
    source = opened.segment._prepared.sources[0]
    # From the middle of the first pixel to that of the last: both are taken whole.
    assert source.starts.tolist() == [10, 20]
    assert (source.starts + source.sizes).tolist() == [50, 84]
    np.testing.assert_allclose(
        opened.viewer.layers["image eigenvectors"].data_to_world((0, 0))
        - 0.5
        * (
            np.asarray(opened.viewer.layers["image eigenvectors"].data_to_world((1, 1)))
            - opened.viewer.layers["image eigenvectors"].data_to_world((0, 0))
        ),
        image.data_to_world((9.5, 19.5)),
    )


def test_the_current_view_bounds_what_is_read(bench, qtbot):
    opened = bench(np.tile(halves(), (4, 4)), show=True)
    scene = getattr(opened.viewer, "scene", opened.viewer)  # napari before 0.9 has no scene
    camera = scene.camera
    camera.center = (64, 128)
    camera.zoom = 8
    qtbot.wait(200)
    opened.features.inputs.region.value = "view"
    opened.prepare()
    source = opened.segment._prepared.sources[0]
    assert (source.sizes < 256).all() and (source.sizes >= 16).all()
    middle = source.starts + source.sizes / 2
    np.testing.assert_allclose(middle, (64, 128), atol=2)


def test_layers_as_channels_are_one_image(bench):
    opened = bench(halves())
    opened.viewer.add_image(halves()[::-1].copy(), name="second")
    opened.features.inputs.combine.value = "channels"
    opened.prepare(opened.viewer.layers["image"], opened.viewer.layers["second"])
    prepared = opened.segment._prepared
    assert prepared.embedding.recipe["axes"] == "CYX" and len(prepared.embedding.layout) == 1
    assert prepared.embedding.planes.n_channels == 2
    opened.viewer.add_image(halves()[:50], name="small")
    opened.features.images.value = [
        opened.viewer.layers["image"],
        opened.viewer.layers["small"],
    ]
    assert not opened.features.run_button.isEnabled()
    assert "same shape" in opened.features.message.text()


@pytest.mark.parametrize("level", ["by size", 0, 1, 2])
def test_levels_of_a_pyramid(bench, monkeypatch, level):
    from napari_ncut.widgets import layers

    monkeypatch.setattr(layers, "PIXELS_PER_PLANE", 128 * 128)
    whole = np.tile(halves(), (4, 4))
    pyramid = [whole, whole[::2, ::2], whole[::4, ::4]]
    opened = bench(pyramid, multiscale=True, scale=(0.5, 0.5))
    wanted = 1 if level == "by size" else level
    if level != "by size":
        opened.features.inputs.level.value = level
    opened.prepare()
    source = opened.segment._prepared.sources[0]
    assert source.level == wanted
    opened.click([100, 110])
    preview = opened.preview
    assert preview.data.shape == pyramid[wanted].shape
    row, column = np.round(preview.world_to_data(opened.points.data_to_world((100, 110))))
    assert preview.data[int(row), int(column)] == 1
    image = opened.viewer.layers["image"]
    np.testing.assert_allclose(preview.extent.world, image.extent.world, atol=1.5)


@pytest.mark.parametrize("kind", ["dask", "rgba", "float with gaps", "wide"])
def test_images_of_many_kinds(bench, kind):
    image = halves()
    arguments = {}
    if kind == "dask":
        image = da.from_array(image, chunks=(32, 32))
    elif kind == "rgba":
        image = np.dstack([image, image, image // 2, np.full_like(image, 255)])
        arguments["rgb"] = True
    elif kind == "float with gaps":
        image = image.astype(np.float32) / 7
        image[3, 3] = np.nan
    else:
        image = image[:40]
    opened = bench(image, **arguments)
    opened.prepare()
    width = image.shape[1]
    opened.click([30, width * 3 // 4])
    data = opened.preview.data
    assert data.shape == tuple(image.shape[:2])
    assert (data[:, width // 2 + 4 :] > 0).mean() - (data[:, : width // 2 - 4] > 0).mean() > 0.7


def test_no_thread_is_left_behind(bench, qtbot):
    before = threading.active_count()
    opened = bench(halves())
    opened.prepare()
    opened.click([30, 50])
    opened.accept()
    from napari.qt.threading import WorkerBase

    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=20_000)
    assert threading.active_count() <= before + 2
