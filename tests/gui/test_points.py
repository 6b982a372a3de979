"""Clicks become masks, and everything that changes clicks changes masks."""

from __future__ import annotations

import numpy as np


def right_half(labels: np.ndarray) -> float:
    """Share of the bright right half that is labeled, minus the share of the left one."""
    width = labels.shape[-1]
    return float((labels[..., width // 2 :] > 0).mean() - (labels[..., : width // 2] > 0).mean())


def test_a_click_masks_the_half_it_is_on(prepared):
    bench = prepared()
    bench.click([30, 50])
    assert right_half(bench.preview.data) > 0.6
    assert bench.preview.data[30, 50] == 1


def test_an_empty_points_layer_shows_nothing(prepared):
    bench = prepared()
    assert bench.preview is None
    assert not bench.segment.accept_button.isEnabled()
    assert bench.messages("error") == []


def test_taking_the_last_point_away_empties_the_preview(prepared):
    bench = prepared()
    bench.click([30, 50])
    bench.points.selected_data = {0}
    bench.points.remove_selected()
    bench.wait(bench.settled)
    assert not bench.preview.data.any()
    assert not bench.segment.accept_button.isEnabled()


def test_a_point_outside_is_ignored_and_counted(prepared):
    bench = prepared()
    bench.click([30, 50])
    before = bench.preview.data.copy()
    bench.click([300, 50], [np.nan, 3])
    np.testing.assert_array_equal(bench.preview.data, before)
    assert "2 point(s) lie on no image" in bench.segment.status.text()
    assert bench.messages("error") == []


def stack() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 6, (4, 64, 64))
    return (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)


def test_a_click_on_one_slice_masks_the_slice_shown(prepared):
    bench = prepared(stack())
    bench.viewer.dims.set_current_step(0, 3)
    bench.click([0, 30, 50])
    assert right_half(bench.preview.data[3]) > 0.6


def test_scrolling_to_a_plane_computes_it(prepared, monkeypatch):
    monkeypatch.setattr("napari_ncut.widgets.live_masks._PIXELS_AHEAD", 0)
    bench = prepared(stack())
    bench.viewer.dims.set_current_step(0, 0)
    bench.click([0, 30, 50])
    assert bench.preview.data[0].any() and not bench.preview.data[2].any()
    bench.viewer.dims.set_current_step(0, 2)
    bench.wait(lambda: bench.preview.data[2].any())
    assert bench.accept().data.any(axis=(1, 2)).all(), "what was not looked at is accepted, too"


def test_of_two_quick_clicks_only_the_last_answer_arrives(prepared, monkeypatch):
    import time

    from napari_ncut.widgets.live import Request

    bench = prepared()
    predict = Request.predict
    asked = []

    def slow(self, segmenter, plane):
        asked.append(len(self.points))
        time.sleep(0.3)
        return predict(self, segmenter, plane)

    monkeypatch.setattr(Request, "predict", slow)
    arrived = []
    bench.segment._live.measured.connect(lambda: arrived.append(len(bench.points.data)))
    bench.points.add([[30, 50]])
    bench.wait(lambda: asked == [1])
    bench.points.add([[30, 10]])
    bench.points.add([[10, 10]])
    bench.wait(bench.settled)
    assert asked == [1, 3] and arrived == [3]
    assert bench.preview.data[30, 10] == 1


def test_in_3d_masks_go_on_and_clicks_are_refused(prepared):
    bench = prepared(stack())
    bench.click([1, 30, 50])
    bench.viewer.dims.ndisplay = 3
    bench.points.features = bench.points.features.assign(**{"class": [2]})
    bench.wait(lambda: bench.preview.data[1, 30, 50] == 2)
    before = bench.points.data.copy()
    features = bench.points.features.copy()
    bench.points.add([[1, 30, 10]])
    np.testing.assert_array_equal(bench.points.data, before)
    assert bench.points.features.equals(features)
    assert any("3D view" in text for text in bench.messages("warning"))
    bench.wait(bench.settled)
    assert bench.preview.data[1, 30, 10] == 0
    bench.viewer.dims.ndisplay = 2
    bench.click([1, 30, 10])
    assert bench.preview.data[1, 30, 10] == 2 or bench.preview.data[1, 30, 10] == 1


def test_a_second_layer_of_points_is_all_negative(prepared):
    bench = prepared()
    bench.click([30, 50], [30, 10])
    assert bench.preview.data[30, 10] == 1
    mine = bench.points
    other = bench.viewer.add_points(np.empty((0, 2)), name="not this")
    bench.segment.points_choice.value = mine
    bench.segment.negative_choice.value = other.__wrapped__
    other.add([[30, 12]])
    bench.wait(bench.settled)
    assert bench.preview.data[30, 12] == 0
    bench.history.undo()
    bench.wait(bench.settled)
    assert not len(other.data) and bench.preview.data[30, 12] == 1


def test_the_table_says_sign_and_class(prepared):
    bench = prepared()
    bench.click([30, 50], [30, 10])
    colors = bench.points.face_color.copy()
    bench.points.features = bench.points.features.assign(**{"class": [1, 2]})
    bench.wait(lambda: bench.preview.data[30, 10] == 2)
    assert bench.preview.data[30, 50] == 1
    assert not np.allclose(bench.points.face_color[1], colors[1])
    np.testing.assert_allclose(bench.points.face_color[0], colors[0])
    bench.points.features = bench.points.features.assign(positive=[True, False])
    bench.wait(lambda: bench.preview.data[30, 10] == 0)
    assert str(bench.points.symbol[1]) != str(bench.points.symbol[0])


def test_class_names_and_colors_reach_every_layer(prepared):
    bench = prepared()
    classes = bench.segment._classes
    assert classes.add() == 2
    bench.click([30, 50])
    classes.rename(2, "bright")
    output = bench.accept()
    bench.click([30, 10])
    classes.recolor(2, "#123456")
    wanted = np.array([0x12, 0x34, 0x56, 255]) / 255
    np.testing.assert_allclose(bench.points.face_color[0], wanted, atol=1e-3)
    for layer in (bench.preview, output):
        np.testing.assert_allclose(layer.get_color(2), wanted, atol=1e-3)
    assert output.metadata["napari_ncut"]["classes"][2] == "bright"
    assert [bench.segment.class_table.table.item(r, 1).text() for r in range(2)] == [
        "class 1",
        "bright",
    ]


def test_images_cut_jointly_answer_together(bench):
    opened = bench(stack()[0], translate=(0, 100))
    opened.viewer.add_image(stack()[1][:, ::-1].copy(), name="mirrored")
    opened.prepare(opened.viewer.layers["image"], opened.viewer.layers["mirrored"])
    opened.click([30, 50])
    first, second = opened.preview_of(0), opened.preview_of(1)
    assert right_half(first.data) > 0.6 and right_half(second.data) < -0.6
    assert first.name == "image preview" and second.name == "mirrored preview"


def test_click_on_says_which_of_images_on_one_another(bench):
    opened = bench(stack()[0])
    opened.viewer.add_image(stack()[1][:, ::-1].copy(), name="mirrored")
    opened.prepare(opened.viewer.layers["image"], opened.viewer.layers["mirrored"])
    assert opened.segment.image_choice.value == "image"
    opened.segment.image_choice.value = "mirrored"
    opened.click([30, 50])
    assert opened.segment._request.points[:, 0].tolist() == [1]
    assert right_half(opened.preview_of(0).data) < -0.6
    output = opened.accept()
    outputs = [layer.name for layer in opened.viewer.layers if "classes" in layer.name]
    assert sorted(outputs) == ["image classes", "mirrored classes"]
    opened.click([30, 10])
    assert opened.accept() is output
    assert sorted(n.name for n in opened.viewer.layers if "classes" in n.name) == sorted(outputs)
    opened.history.undo()
    opened.history.undo()
    opened.wait(opened.settled)


def test_the_heat_map_comes_and_goes(prepared):
    bench = prepared()
    bench.segment.output_controls.heat.value = True
    bench.click([30, 50])
    heat = bench.viewer.layers["image heat"]
    assert heat.data[30, 50] > 0.9 and heat.data.max() <= 1
    bench.segment.output_controls.heat.value = False
    assert "image heat" not in bench.viewer.layers
    bench.wait(bench.settled)
    assert bench.messages("error") == []
