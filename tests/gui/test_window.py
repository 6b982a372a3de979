"""The widgets as parts of a window: opened by napari, closed, two windows at once, layers gone."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.points import PointsWidget
from napari_ncut.widgets.session import session_of


def halves() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 6, (64, 64))
    return (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)


def test_opening_a_widget_loads_no_torch_and_no_sklearn():
    code = """
import sys, time
import napari
viewer = napari.Viewer(show=False)
start = time.perf_counter()
from napari_ncut.widgets.features import FeaturesWidget
from napari_ncut.widgets.points import PointsWidget
import numpy as np
viewer.add_image(np.zeros((32, 32)))
viewer.window.add_dock_widget(FeaturesWidget(viewer))
viewer.window.add_dock_widget(PointsWidget(viewer))
seconds = time.perf_counter() - start
from napari_ncut.widgets.masks_classes import MasksWidget
viewer.window.add_dock_widget(MasksWidget(viewer))
assert "torch" not in sys.modules and "sklearn" not in sys.modules, "heavy"
assert seconds < 3, seconds
viewer.close()
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_napari_opens_widgets_and_samples(make_napari_viewer):
    viewer = make_napari_viewer()
    for name in ("NCUT features", "Segment by points", "Masks and classes"):
        _, widget = viewer.window.add_plugin_dock_widget("napari-ncut", name)
        assert widget.isEnabled()
    for sample in ("immunohistochemistry", "coins"):
        (layer,) = viewer.open_sample("napari-ncut", sample)
        assert layer.data.size > 10_000
    assert viewer.layers["Immunohistochemistry"].rgb


def test_two_viewers_are_independent(bench):
    one, two = bench(halves()), bench(halves().T.copy())
    one.prepare()
    two.prepare()
    one.click([30, 50])
    assert two.preview is None and not len(two.points.data)
    two.segment._classes.add()
    assert one.segment._classes.labels == [1]
    two.click([50, 30])
    one.accept()
    assert two.segment.output_choice.value is None
    assert len(two.points.data) == 1 and not len(one.points.data)
    two.history.undo()
    assert not len(two.points.data) and len(one.segment._session.prepared) == 1


def test_a_closed_widget_lets_go_of_everything(prepared):
    opened = prepared()
    opened.click([30, 50])
    points, segment = opened.points, opened.segment
    history, classes = opened.history, segment._classes
    opened.viewer.window.remove_dock_widget(segment)
    assert history.before_undo == []
    assert not any("preview" in layer.name for layer in opened.viewer.layers)
    names = [layer.name for layer in opened.viewer.layers]
    # Nothing of the old widget acts any more, and nothing fails.
    points.add([[10, 10]])
    classes.add()
    opened.viewer.dims.ndisplay = 3
    opened.viewer.dims.ndisplay = 2
    opened.viewer.add_labels(np.zeros((64, 64), np.uint8), name="more")
    history.undo()
    QApplication.processEvents()
    assert [layer.name for layer in opened.viewer.layers] == [*names, "more"]
    assert opened.messages("error") == []
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    with pytest.raises(RuntimeError, match="deleted"):
        segment.objectName()

    opened.segment = PointsWidget(opened.viewer)
    opened.viewer.window.add_dock_widget(opened.segment)
    opened.wait(opened.settled)
    assert opened.preview is not None and opened.preview.data[30, 50] == 1


def test_a_viewer_is_not_kept_alive_by_what_is_shared(make_napari_viewer_proxy):
    from napari.components import ViewerModel

    viewer = ViewerModel()
    session_of(viewer), history_of(viewer)
    reference = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert reference() is None


def test_renamed_layers_stay_the_same_layers(prepared):
    opened = prepared()
    opened.viewer.layers["image"].name = "cells"
    points = opened.points
    points.name = "my clicks"
    assert opened.segment.points_choice.currentText() == "my clicks"
    assert opened.features.images.item(0).text() == "cells"
    opened.click([30, 50])
    assert opened.points is points and opened.preview.name == "cells preview"
    output = opened.accept()
    output.name = "result"
    assert opened.segment.output_choice.currentText() == "result"
    opened.click([30, 10])
    assert opened.accept() is output


@pytest.mark.parametrize("when", ["computing", "later"])
def test_prompts_layer_deleted(prepared, monkeypatch, when):
    opened = prepared()
    if when == "computing":
        opened.points.add([[30, 50]])
    else:
        opened.click([30, 50])
    opened.viewer.layers.remove(opened.points)
    opened.wait(opened.settled)
    assert opened.points is None
    assert opened.preview is None or not opened.preview.data.any()
    assert not opened.segment.accept_button.isEnabled()
    opened.segment.accept()
    opened.segment.reject()
    opened.history.undo()
    opened.viewer.add_points(np.empty((0, 2)), name="new")
    opened.click([30, 10])
    assert opened.preview.data[30, 10] == 1
    assert opened.messages("error") == []


def test_preview_deleted(prepared):
    opened = prepared()
    opened.click([30, 50])
    mask = opened.preview.data.copy()
    opened.viewer.layers.remove(opened.preview)
    opened.wait(lambda: opened.preview is not None and opened.settled())
    np.testing.assert_array_equal(opened.preview.data, mask)
    assert opened.messages("error") == []


@pytest.mark.parametrize("when", ["before", "while"])
def test_output_deleted(prepared, monkeypatch, when):
    import threading

    from napari_ncut.widgets import accepting

    opened = prepared()
    output = opened.viewer.add_labels(np.zeros((64, 64), np.uint8), name="mine").__wrapped__
    opened.segment.output_choice.value = output
    opened.click([30, 50])
    if when == "before":
        opened.viewer.layers.remove(output)
        assert opened.segment.output_choice.value is None
        assert opened.accept().data.any()
        return
    goes_on, steps = threading.Event(), accepting.accept_steps

    def waiting(*arguments):
        goes_on.wait(20)
        return (yield from steps(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(accepting, "accept_steps", waiting)
        opened.segment.accept()
        opened.viewer.layers.remove(output)
        goes_on.set()
        opened.wait(opened.settled)
    assert any("deleted meanwhile" in text for text in opened.messages())
    assert len(opened.points.data) == 1 and not output.data.any()
    assert opened.segment.accept_button.isEnabled()
    assert opened.accept().data.any()


def test_copied_script_gives_the_same_labels(bench, tmp_path):
    import tifffile

    path = tmp_path / "image.tif"
    tifffile.imwrite(path, halves())
    opened = bench()
    opened.viewer.open(path, plugin="napari")
    opened.prepare()
    opened.segment._classes.choose(1)
    opened.click([30, 50])
    opened.segment._classes.choose(2)
    opened.click([30, 10])
    opened.segment.copy_script()
    script = QApplication.clipboard().text()
    assert str(path) in script
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, script + result.stderr[-2000:]
    (written,) = tmp_path.glob("*classes*.tif")
    np.testing.assert_array_equal(tifffile.imread(written), opened.preview.data)
    assert set(np.unique(opened.preview.data)) >= {1, 2}
