"""The prompt method: chosen in the window, with values of its own, live, accepted, copied."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_ncut import PromptSegmenter
from napari_ncut.prompts import METHODS
from napari_ncut.widgets.controls import GAMMA, PromptControls


@pytest.fixture
def controls(qtbot):
    panel = PromptControls()
    qtbot.addWidget(panel.native)
    return panel


def test_every_method_is_offered_and_the_best_is_chosen(controls):
    assert list(controls.method.choices) == list(METHODS)
    assert controls.options()["method"] == "auto"
    for text in METHODS.values():
        assert text in controls.method.tooltip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("automatic", [True, False])
def test_options_are_what_predict_takes(controls, method, automatic):
    controls.method.value = method
    controls.auto.value = automatic
    assert set(controls.options()) <= set(inspect.signature(PromptSegmenter.predict).parameters)


def test_each_method_keeps_its_own_values(controls):
    controls.method.value = "tutorial"
    controls.auto.value = False
    controls.threshold.value = 0.8
    controls.method.value = "cut"
    assert controls.auto.value and controls.gamma.value == 1
    assert not controls.threshold.enabled
    controls.auto.value = False
    controls.threshold.value, controls.gamma.value = 0.4, 2.0
    controls.min_area.value = 30
    controls.method.value = "tutorial"
    assert not controls.auto.value and controls.threshold.enabled
    assert (controls.threshold.value, controls.gamma.value) == (0.8, GAMMA)
    assert controls.min_area.value == 30
    controls.method.value = "cut"
    assert (controls.threshold.value, controls.gamma.value) == (0.4, 2.0)


def test_what_a_method_does_not_use_is_disabled_and_says_why(controls):
    assert controls.options()["method"] == "auto" and controls.auto.value
    for name in ("negative_threshold", "normalization"):
        control = getattr(controls, name)
        assert not control.enabled and "Not used by regions" in control.tooltip
        assert name not in controls.options()
    assert controls.gamma.enabled and not controls.threshold.enabled
    assert "probable" in controls.threshold.tooltip
    controls.method.value = "tutorial"
    before = controls.negative_threshold.tooltip
    assert "Not used" not in before and "probable" not in controls.threshold.tooltip
    controls.method.value = "cut"
    for name in ("negative_threshold", "normalization", "gamma"):
        control = getattr(controls, name)
        assert not control.enabled and "Not used" in control.tooltip
        assert name not in controls.options()
    assert controls.options()["threshold"] is None
    controls.auto.value = False
    assert controls.gamma.enabled and "Not used" not in controls.gamma.tooltip
    assert controls.options()["gamma"] == 1
    controls.method.value = "tutorial"
    assert controls.negative_threshold.enabled and controls.normalization.enabled
    assert controls.negative_threshold.tooltip == before


def test_another_method_asks_once(controls):
    asked = []
    controls.changed.connect(lambda *_: asked.append(controls.options()))
    controls.method.value = "cut"
    assert [options["method"] for options in asked] == ["cut"]
    assert asked[0]["threshold"] is None


def test_options_can_be_shown_again(controls, qtbot):
    controls.method.value = "cut"
    controls.auto.value = False
    controls.threshold.value, controls.gamma.value = 0.4, 2.0
    again = PromptControls()
    qtbot.addWidget(again.native)
    again.set_options(controls.options())
    assert again.options() == controls.options()
    again.set_options({"method": "auto"})
    assert again.options()["method"] == "auto" and again.auto.value


def with_cut(bench):
    bench.segment.controls.method.value = "cut"
    return bench


def test_the_preview_follows_the_clicks_by_the_cut(prepared):
    bench = with_cut(prepared())
    bench.click([30, 50])
    bench.segment.flip_sign()
    bench.click([30, 10])
    request = bench.segment._request
    assert request.options["method"] == "cut"
    segmenter = PromptSegmenter(bench.segment._prepared.embedding)
    expected = segmenter.predict([[30, 50], [30, 10]], [True, False], classes=[1, 1], method="cut")
    np.testing.assert_array_equal(bench.preview.data, expected)
    assert bench.preview.data[30, 50] == 1 and bench.preview.data[30, 10] == 0
    assert bench.preview.data[:, 40:].mean() > 0.9


def test_another_method_changes_the_preview_and_back(prepared):
    bench = prepared()
    bench.click([30, 50])
    before = bench.preview.data.copy()
    controls = bench.segment.controls
    controls.method.value = "cut"
    controls.auto.value = False
    controls.threshold.value = 0.98
    bench.wait(bench.settled)
    bench.wait(lambda: not np.array_equal(bench.preview.data, before))
    controls.method.value = "tutorial"
    bench.wait(bench.settled)
    np.testing.assert_array_equal(bench.preview.data, before)


def test_accepting_undo_and_redo_with_the_cut(prepared):
    bench = with_cut(prepared())
    bench.click([30, 50])
    bench.segment.flip_sign()
    bench.click([30, 10])
    preview = bench.preview.data.copy()
    output = bench.accept()
    np.testing.assert_array_equal(output.data, preview)
    assert output.data.any() and not len(bench.points.data)
    bench.history.undo()
    bench.wait(bench.settled)
    assert not output.data.any() and len(bench.points.data) == 2
    np.testing.assert_array_equal(bench.preview.data, preview)
    bench.history.redo()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(output.data, preview)


def test_the_heat_map_of_the_cut(prepared):
    bench = with_cut(prepared())
    bench.segment.output_controls.heat.value = True
    bench.click([30, 50])
    heat = bench.viewer.layers["image heat"].data
    assert heat[30, 50] > 0.9 and 0 <= heat.min() < 0.2 and heat.max() <= 1


def copied(bench) -> str:
    bench.segment.copy_script()
    return QApplication.clipboard().text()


def test_a_script_names_the_method_only_where_it_is_another(bench, tmp_path):
    import tifffile

    noise = np.random.default_rng(0).integers(0, 6, (64, 64))
    image = (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", image)
    opened = bench(usual=True)
    opened.viewer.open(tmp_path / "image.tif", plugin="napari")
    opened.prepare()
    opened.click([30, 50])
    assert "method=" not in copied(opened)
    with_cut(opened)
    opened.segment._classes.choose(2)
    opened.click([30, 10])
    script = copied(opened)
    assert 'method="cut"' in script
    for unused in ("threshold", "gamma", "normalization"):
        assert f"{unused}=" not in script
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, script + result.stderr[-2000:]
    (written,) = tmp_path.glob("*classes*.tif")
    np.testing.assert_array_equal(tifffile.imread(written), opened.preview.data)
    assert set(np.unique(opened.preview.data)) >= {1, 2}
