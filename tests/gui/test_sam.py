"""SAM in the window: clicks and boxes become things, live, without features."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_ncut.progress import Progress
from napari_ncut.prompts import Box, PromptSegmenter
from napari_ncut.sam import SamModels
from napari_ncut.sam.network import SamNetwork
from napari_ncut.widgets.masks_classes import MasksWidget

from ..sam.conftest import patches, tiny_sam


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sam") / "sam_tiny.pth"
    torch.save(tiny_sam().state_dict(), path)
    return path


@pytest.fixture(autouse=True)
def _on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_ncut.devices.choose_device", lambda *_: "cpu")


class Looks:
    """How often a network looked at an image, and what lets it go on."""

    def __init__(self) -> None:
        self.n = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    looks = Looks()
    steps = SamNetwork.embed_steps

    def counted(self, image, precision):
        looks.n += 1
        while not looks.may_go_on.wait(0.01):
            yield Progress("embedding", 0, 4)
        return (yield from steps(self, image, precision))

    monkeypatch.setattr(SamNetwork, "embed_steps", counted)
    yield looks
    looks.may_go_on.set()


@pytest.fixture
def sam_bench(bench: Callable[..., Any], weights: Path, looks: Looks) -> Callable[..., Any]:
    """A viewer in which SAM can be asked about an image that has no features."""

    def open_bench(image: Any = None, **kwargs: Any) -> Any:
        opened = bench(patches(64, 80) if image is None else image, **kwargs)
        opened.segment.sam.checkpoint.value = weights
        opened.segment.image_button.click()
        opened.wait(opened.settled)
        return opened

    return open_bench


def expected(weights: Path, image: Any, axes: str = "YXC", **prompts: Any) -> Any:
    segmenter = PromptSegmenter.of_images(image, axes, sam_models=SamModels("cpu"))
    return segmenter.predict(checkpoint=weights, **prompts)


def test_clicks_become_a_thing_without_features(sam_bench, weights, looks):
    bench = sam_bench()
    segment = bench.segment
    assert segment.controls.method.value == "sam" and not segment.sam.isHidden()
    assert segment.run_choice.currentText() == "image (SAM only)"
    # It was looked at before anything was clicked.
    assert looks.n == 1
    bench.click([20, 30])
    assert looks.n == 1
    image = patches(64, 80)
    mask = expected(weights, image, points=[(20, 30)], classes=[1])
    np.testing.assert_array_equal(bench.preview.data, mask)
    segment.flip_sign()
    bench.click([50, 60])
    mask = expected(weights, image, points=[(20, 30), (50, 60)], positive=[1, 0], classes=[1, 1])
    np.testing.assert_array_equal(bench.preview.data, mask)
    output = bench.accept()
    np.testing.assert_array_equal(output.data, mask)
    assert not len(bench.points.data) and not bench.preview.data.any()
    noted = output.metadata["napari_ncut"]["accepted"][0]
    assert noted["options"]["checkpoint"] == str(weights) and noted["recipe"]["backbone"] is None
    bench.history.undo()
    bench.wait(bench.settled)
    assert not output.data.any() and len(bench.points.data) == 2
    np.testing.assert_array_equal(bench.preview.data, mask)
    bench.history.redo()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(output.data, mask)


def test_choosing_the_method_is_enough(bench, weights):
    opened = bench(patches(64, 80))
    opened.segment.sam.checkpoint.value = weights
    opened.segment.controls.method.value = "sam"
    opened.wait(opened.settled)
    opened.click([20, 30])
    assert opened.preview.data.any()


def test_many_boxes_become_many_instances(sam_bench, weights):
    bench = sam_bench()
    segment = bench.segment
    segment.add_shapes()
    shapes = segment.shapes_choice.value
    corners = [(5, 8, 30, 40), (5, 30, 40, 70), (30, 5, 60, 50)]
    for top, left, bottom, right in corners:
        shapes.add_rectangles([[top, left], [top, right], [bottom, right], [bottom, left]])
    bench.wait(lambda: segment._request is not None and len(segment._request.strokes) == 3)
    bench.wait(bench.settled)
    segment.output_controls.kind.value = True
    output = bench.accept()
    segmenter = PromptSegmenter.of_images(patches(64, 80), "YXC", sam_models=SamModels("cpu"))
    (things,) = segmenter.things(strokes=[Box(*c, label=1) for c in corners], checkpoint=weights)
    np.testing.assert_array_equal(output.data, things.numbers)
    table = output.features
    assert table["class"].tolist() == [1] * len(things.scores)
    np.testing.assert_allclose(table["score"], [one.score for one in things.scores])
    assert not len(shapes.data)
    bench.history.undo()
    bench.wait(bench.settled)
    assert not output.data.any() and len(shapes.data) == 3


def test_boxes_are_accepted_and_rejected_by_keys_of_their_own_layer(sam_bench, press):
    bench = sam_bench(show=True)
    segment = bench.segment
    segment.add_shapes()
    shapes = segment.shapes_choice.value

    def draw():
        shapes.add_rectangles([[5, 8], [5, 40], [30, 40], [30, 8]])
        bench.wait(lambda: segment._request is not None)
        bench.wait(bench.settled)

    draw()
    press(bench, Qt.Key.Key_Return, layer=shapes)
    bench.wait(bench.settled)
    assert segment.output_choice.value.data.any() and not len(shapes.data)
    draw()
    # While a polygon may be drawn, the key is napari's.
    shapes.mode = "add_polygon"
    press(bench, Qt.Key.Key_Escape, layer=shapes)
    assert len(shapes.data) == 1
    shapes.mode = "add_rectangle"
    press(bench, Qt.Key.Key_Escape, layer=shapes)
    bench.wait(lambda: not len(shapes.data))


def test_each_click_may_be_a_thing_and_classes_compete(sam_bench):
    bench = sam_bench()
    segment = bench.segment
    segment.sam.each_point.setChecked(True)
    bench.click([20, 30])
    segment._classes.choose(2)
    bench.click([50, 60], [10, 70])
    assert {1, 2} <= set(np.unique(bench.preview.data))
    assert "Last of 3 things" in segment.sam.scores.text()
    segment.output_controls.kind.value = True
    output = bench.accept()
    assert sorted(output.features["class"]) == [1, 2, 2]


def test_a_key_goes_through_the_answers_and_scores_are_shown(sam_bench, weights, press):
    bench = sam_bench(show=True)
    segment = bench.segment
    bench.click([20, 30])
    assert segment.sam.scores.text().count("<b>") == 1
    answers = {}
    for name in ("whole", "part", "subpart", "best"):
        press(bench, Qt.Key.Key_W, layer=bench.points)
        bench.wait(bench.settled)
        assert segment.sam.answer.currentData() == name
        answers[name] = bench.preview.data.copy()
        if name != "best":
            assert f"<b>{name} " in segment.sam.scores.text()
        mask = expected(weights, patches(64, 80), points=[(20, 30)], classes=[1], answer=name)
        np.testing.assert_array_equal(answers[name], mask)
    assert answers["whole"].sum() > answers["subpart"].sum()
    segment.sam.next_button.click()
    bench.wait(bench.settled)
    np.testing.assert_array_equal(bench.preview.data, answers["whole"])


def test_clicking_on_while_it_looks_does_not_begin_anew(sam_bench, looks):
    bench = sam_bench()
    looks.may_go_on.clear()
    stack = np.stack([patches(64, 80, seed)[..., 0] for seed in (1, 2)])
    bench.viewer.layers.clear()
    bench.viewer.add_image(stack, name="stack")
    bench.segment.image_button.click()
    bench.wait(lambda: looks.n == 2)
    segment = bench.segment
    for place in ([0, 20, 30], [0, 22, 33]):
        bench.points.add(np.array([place], float))
    assert segment._sam.busy and looks.n == 2
    assert not segment.progress.isHidden() and "looks at the image" in segment.status.text()
    segment.cancel_button.click()
    assert not segment._sam.busy and segment.progress.isHidden()
    assert bench.preview is None or not bench.preview.data.any()
    looks.may_go_on.set()
    bench.click([0, 24, 30])
    assert looks.n == 3 and bench.preview.data[0].any()


def test_planes_are_looked_at_when_they_are_asked_about(sam_bench, looks, weights):
    stack = np.stack([patches(64, 80, seed)[..., 0] for seed in range(3)])
    bench = sam_bench(stack)
    segmenter, options = bench.segment._prepared.segmenter, bench.segment._sam.options()
    options = {name: options[name] for name in ("method", "model", "checkpoint")}
    seen = bench.viewer.dims.current_step[0]
    # The plane on screen comes first.
    assert looks.n == 1 and segmenter.is_ready(seen, **options)
    other = 2 if seen != 2 else 0
    bench.click([other, 20, 30])
    output = bench.accept()
    assert looks.n == 2 and segmenter.is_ready(other, **options)
    mask = expected(weights, stack, "ZYX", points=[(other, 20, 30)], classes=[1])
    np.testing.assert_array_equal(output.data, mask)
    assert mask[other].any() and not np.delete(mask, other, axis=0).any()


def test_what_is_not_installed_is_offered(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path))
    opened = bench(patches(64, 80))
    segment = opened.segment
    segment.controls.method.value = "sam"
    assert not segment.sam.download.button.isHidden()
    segment.points.add(np.array([[20.0, 30.0]]))
    assert "not installed" in segment.status.text()
    assert not segment.accept_button.isEnabled() and opened.preview is None
    segment.sam.model.value = "transformers:"
    assert "Choose the folder" in segment.status.text()


def test_features_replace_images_without_them(sam_bench):
    bench = sam_bench()
    bench.click([20, 30])
    bench.prepare()
    segment = bench.segment
    assert segment.run_choice.count() == 1
    # The method of before SAM was all that could be asked; the click stays.
    assert segment.controls.method.value == "tutorial" and segment.sam.isHidden()
    bench.wait(bench.settled)
    assert len(bench.points.data) == 1 and bench.preview.data.any()
    segment.controls.method.value = "sam"
    bench.wait(bench.settled)
    assert segment._request.options["method"] == "sam" and bench.preview.data.any()


def test_other_methods_say_what_they_need(sam_bench):
    bench = sam_bench()
    bench.segment.controls.method.value = "cut"
    bench.points.add(np.array([[20.0, 30.0]]))
    assert "compute features" in bench.segment.status.text()
    assert not bench.segment.accept_button.isEnabled()


def test_masks_of_everything_share_what_was_seen(sam_bench, looks, weights, qtbot):
    bench = sam_bench()
    masks = MasksWidget(bench.viewer)
    bench.viewer.window.add_dock_widget(masks, name="masks")
    masks.masks.source.value = "sam:vit_b"
    masks.masks.checkpoint.value = weights
    masks.masks.options.set_value("points_per_side", 2)
    masks.run_button.click()
    qtbot.waitUntil(lambda: not masks._job.busy, timeout=20_000)
    assert masks.editor.segments is not None and looks.n == 1


def test_the_script_does_it_again(sam_bench, weights, tmp_path, monkeypatch):
    image = patches(64, 80)
    bench = sam_bench(image)
    bench.click([20, 30])
    bench.segment.copy_script()
    script = QApplication.clipboard().text()
    assert "of_images" in script and "embed(" not in script
    monkeypatch.chdir(tmp_path)
    script = script.replace('ncut.read_image("your-image.tif").data', "given")
    found = {"given": image}
    exec(script, found)
    np.testing.assert_array_equal(found["labels"], bench.preview.data)


def test_the_preview_under_the_cursor_waits_for_a_look(sam_bench, looks):
    stack = np.stack([patches(64, 80, seed)[..., 0] for seed in range(2)])
    bench = sam_bench(stack)
    segment = bench.segment
    plane = bench.viewer.dims.current_step[0]
    assert segment._question_at(np.array([plane, 20.0, 30.0])) is not None
    assert segment._question_at(np.array([1 - plane, 20.0, 30.0])) is None and looks.n == 1


def test_where_next_and_heat(sam_bench):
    bench = sam_bench()
    bench.click([20, 30])
    bench.segment.output_controls.heat.value = True
    bench.wait(bench.settled)
    assert bench.segment._live.heat.layer(0).data.max() > 0.5
    bench.segment.show_next_place()
    bench.wait(lambda: not bench.segment._next_place.busy)
    assert bench.segment._next_place.layer is not None
