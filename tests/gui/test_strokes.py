"""Shapes and scribbles as prompts: what is drawn becomes masks as clicks do."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.prompts import Box, Polygon, Scribble
from napari_ncut.prompts.methods import EMBEDDED_METHODS

from .conftest import halves


def right_half(labels: np.ndarray) -> float:
    width = labels.shape[-1]
    return float((labels[..., width // 2 :] > 0).mean() - (labels[..., : width // 2] > 0).mean())


def stack() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 6, (4, 64, 64))
    return (noise + np.where(np.arange(64) < 32, 40, 200)).astype(np.uint8)


def quiet(bench) -> None:
    bench.wait(lambda: not bench.segment._strokes.waiting and bench.settled())


def shapes_of(bench):
    bench.segment.add_shapes()
    return bench.segment.shapes_choice.value


def scribbles_of(bench):
    bench.segment.add_scribbles()
    return bench.segment.scribbles_choice.value


def box(top, left, bottom, right, *plane):
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    return np.array([(*plane, *corner) for corner in corners], dtype=float)


def test_a_box_gives_a_mask_without_a_click(prepared):
    bench = prepared()
    shapes = shapes_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    quiet(bench)
    assert right_half(bench.preview.data) > 0.6
    (stroke,) = bench.segment._request.strokes
    assert isinstance(stroke, Box) and stroke._corners == (20, 40, 40, 60)
    assert "1 stroke" in bench.segment.status.text()
    shapes.data = []
    quiet(bench)
    assert not bench.preview.data.any()


def test_a_box_limits_this_object(prepared):
    bench = prepared()
    shapes_of(bench).add_rectangles([box(20, 40, 40, 60)])
    bench.segment.controls.mode.value = "object"
    quiet(bench)
    labels = bench.preview.data
    # Nobody draws to the pixel: results may reach two pixels beyond.
    allowed = np.zeros(labels.shape, dtype=bool)
    allowed[18:43, 38:63] = True
    assert labels[30, 50] == 1 and not labels[~allowed].any()


def test_a_box_around_a_thing_gives_that_thing(prepared):
    thing = np.zeros((64, 64), dtype=bool)
    thing[22:39, 40:57] = True
    another = thing[:, ::-1]
    noise = np.random.default_rng(0).integers(0, 6, thing.shape)
    image = (noise + np.where(thing | another, 200, 40)).astype(np.uint8)
    bench = prepared(image)
    shapes_of(bench).add_rectangles([box(20, 38, 40, 58)])
    bench.segment.controls.mode.value = "object"
    quiet(bench)
    found = bench.preview.data == 1
    # Strict as the threshold is here, less than the thing, but nothing else.
    assert found[thing].mean() > 0.5 and not found[~thing].any()


def test_the_kinds_of_shapes(prepared):
    bench = prepared()
    shapes = shapes_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    shapes.add_ellipses([box(5, 36, 15, 60)])
    shapes.add_polygons([np.array([(45, 36), (60, 40), (50, 60)])])
    shapes.add_paths([np.array([(2, 40), (2, 60), (10, 60)])])
    shapes.add_lines([np.array([(62, 40), (62, 60)])])
    shapes.add_rectangles([np.array([(30, 34), (34, 38), (38, 34), (34, 30)])])
    quiet(bench)
    kinds = [type(stroke) for stroke in bench.segment._request.strokes]
    assert kinds == [Box, Polygon, Polygon, Scribble, Scribble, Polygon]
    assert bench.preview.data[62, 40:61].all()


def test_classes_and_signs_are_columns(prepared):
    bench = prepared()
    shapes = shapes_of(bench)
    bench.segment._classes.choose(2)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    bench.segment.flip_sign()
    assert "negative" in bench.segment.sign_button.text()
    shapes.add_rectangles([box(20, 5, 40, 25)])
    quiet(bench)
    assert shapes.features["class"].tolist() == [2, 2]
    assert shapes.features["positive"].tolist() == [True, False]
    assert bench.preview.data[30, 50] == 2 and bench.preview.data[30, 10] == 0
    shapes.features = shapes.features.assign(**{"class": [3, 3]})
    quiet(bench)
    assert bench.preview.data[30, 50] == 3


def test_shapes_without_area_or_image_are_counted(prepared):
    bench = prepared()
    shapes = shapes_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60), box(10, 10, 10, 10), box(200, 200, 220, 220)])
    quiet(bench)
    assert len(bench.segment._request.strokes) == 1
    assert "2 point(s) or shape(s) lie on no image" in bench.segment.status.text()
    assert bench.messages("error") == []


def test_a_box_that_reaches_beyond_the_image(prepared):
    bench = prepared()
    shapes_of(bench).add_rectangles([box(-500, 40, 900, 900)])
    bench.segment.controls.mode.value = "object"
    quiet(bench)
    labels = bench.preview.data
    assert not labels[:, :38].any() and (labels[:, 40:] == 1).mean() > 0.9


def test_shapes_of_another_scale_lie_where_they_are_seen(prepared):
    bench = prepared(halves(), scale=(2, 3), translate=(10, 20))
    shapes = bench.viewer.add_shapes(
        [box(0.5, 1.4, 0.9, 2.0)], shape_type="rectangle", scale=(100, 100)
    )
    bench.segment.shapes_choice.value = getattr(shapes, "__wrapped__", shapes)
    quiet(bench)
    (stroke,) = bench.segment._request.strokes
    np.testing.assert_allclose(stroke._corners, (20, 40, 40, 60), atol=1e-6)
    assert shapes.features["positive"].tolist() == [True]


def test_a_box_is_on_the_plane_where_it_was_drawn(prepared):
    bench = prepared(stack())
    bench.viewer.dims.set_current_step(0, 2)
    shapes_of(bench).add_rectangles([box(20, 40, 40, 60, 2)])
    quiet(bench)
    (stroke,) = bench.segment._request.strokes
    assert stroke.plane == 2
    assert right_half(bench.preview.data[2]) > 0.6


def test_painted_pixels_end_on_their_side(prepared):
    bench = prepared()
    scribbles = scribbles_of(bench)
    scribbles.brush_size = 3
    scribbles.paint((30, 50), 1)
    scribbles.paint((30, 10), 2)
    quiet(bench)
    labels = bench.preview.data
    assert right_half(labels == 1) > 0.6 and right_half(labels == 2) < -0.6
    assert (labels[scribbles.data == 1] == 1).all() and (labels[scribbles.data == 2] == 2).all()


@pytest.mark.parametrize("method", EMBEDDED_METHODS)
def test_painted_pixels_end_on_their_side_by_every_method(prepared, method):
    bench = prepared()
    bench.segment.controls.method.value = method
    scribbles = scribbles_of(bench)
    # Across both halves, and against what is alike: painted is painted.
    scribbles.data[10:12, 5:60] = 1
    scribbles.data[40:44, 5:60] = 2
    scribbles.data[20:22, 40:60] = 255
    scribbles.events.data(value=scribbles.data)
    quiet(bench)
    for painted, label in ((1, 1), (2, 2), (255, 0)):
        assert (bench.preview.data[scribbles.data == painted] == label).all()


def test_the_brush_means_what_the_next_click_means(prepared):
    bench = prepared()
    scribbles = scribbles_of(bench)
    assert scribbles.selected_label == 1
    bench.segment._classes.choose(3)
    assert scribbles.selected_label == 3
    bench.segment.flip_sign()
    assert scribbles.selected_label == 255
    bench.click([30, 50])
    scribbles.paint((10, 50), 255)
    bench.points.features = bench.points.features.assign(positive=[True])
    quiet(bench)
    assert bench.preview.data[30, 50] == 3 and bench.preview.data[10, 50] == 0


def test_scribbles_of_another_size_cover_what_they_cover(prepared):
    bench = prepared()
    small = np.zeros((16, 16), dtype=np.uint8)
    small[5:9, 12] = 1
    layer = bench.viewer.add_labels(small, scale=(4, 4), translate=(1.5, 1.5))
    bench.segment.scribbles_choice.value = getattr(layer, "__wrapped__", layer)
    quiet(bench)
    (stroke,) = bench.segment._request.strokes
    area = stroke.area((64, 64))
    assert area.window == (slice(20, 36), slice(48, 52)) and area.inside.all()


def test_scribbles_on_planes_of_a_stack(prepared):
    bench = prepared(stack())
    scribbles = scribbles_of(bench)
    scribbles.data[1, 30:34, 50] = 1
    scribbles.data[3, 30:34, 10] = 255
    scribbles.events.data(value=scribbles.data)
    quiet(bench)
    strokes = bench.segment._request.strokes
    assert [(s.plane, s.positive) for s in strokes] == [(1, True), (3, False)]
    assert bench.preview.data[1, 30:34, 50].all() and not bench.preview.data[3, 30:34, 10].any()


def test_instances_are_no_scribbles(prepared):
    bench = prepared()
    layer = bench.viewer.add_labels(np.arange(64 * 64).reshape(64, 64))
    bench.segment.scribbles_choice.value = getattr(layer, "__wrapped__", layer)
    quiet(bench)
    assert "numbers of classes" in bench.segment.status.text()
    assert bench.messages("error") == []


def test_accepting_takes_strokes_and_undo_brings_them_back(prepared):
    bench = prepared()
    shapes, scribbles = shapes_of(bench), scribbles_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    scribbles.paint((50, 50), 1)
    quiet(bench)
    painted = scribbles.data.copy()
    output = bench.accept()
    quiet(bench)
    assert right_half(output.data) > 0.6
    assert len(shapes.data) == 0 and not scribbles.data.any()
    bench.history.undo()
    quiet(bench)
    np.testing.assert_allclose(shapes.data[0], box(20, 40, 40, 60))
    assert shapes.shape_type == ["rectangle"] and shapes.features["class"].tolist() == [1]
    np.testing.assert_array_equal(scribbles.data, painted)
    assert not output.data.any()
    bench.history.redo()
    quiet(bench)
    assert len(shapes.data) == 0 and not scribbles.data.any()
    shapes.add_rectangles([box(20, 5, 40, 25)])
    quiet(bench)
    assert shapes.features["class"].tolist() == [1], "the columns are still there"


def test_rejecting_takes_strokes_too(prepared):
    bench = prepared()
    shapes = shapes_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    quiet(bench)
    assert bench.segment.reject_button.isEnabled()
    bench.segment.reject()
    quiet(bench)
    assert len(shapes.data) == 0 and not bench.preview.data.any()


def test_deleted_and_renamed_layers(prepared):
    bench = prepared()
    shapes, scribbles = shapes_of(bench), scribbles_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    scribbles.paint((50, 10), 2)
    quiet(bench)
    shapes.name = "mine"
    assert bench.segment.shapes_choice.currentText() == "mine"
    bench.viewer.layers.remove("mine")
    quiet(bench)
    assert bench.segment.shapes_choice.value is None
    assert set(np.unique(bench.preview.data)) <= {0, 2}
    bench.viewer.layers.remove(scribbles.name)
    quiet(bench)
    assert not bench.preview.data.any()


def test_outputs_are_no_scribbles(prepared):
    bench = prepared()
    bench.click([30, 50])
    output = bench.accept()
    assert output not in bench.segment.scribbles_choice._objects


def test_the_script_repeats_strokes(prepared, tmp_path):
    from qtpy.QtWidgets import QApplication
    from tifffile import imread, imwrite

    bench = prepared()
    shapes, scribbles = shapes_of(bench), scribbles_of(bench)
    shapes.add_rectangles([box(20, 40, 40, 60)])
    shapes.add_polygons([np.array([(45, 36), (60, 40), (50, 60)])])
    scribbles.paint((30, 10), 255)
    quiet(bench)
    bench.segment.copy_script()
    script = QApplication.clipboard().text()
    image = tmp_path / "your-image.tif"
    imwrite(image, halves())
    script = script.replace('"your-image.tif"', repr(str(image)))
    script = script.replace('"image classes.tif"', repr(str(tmp_path / "out.tif")))
    exec(compile(script, "script", "exec"), {})
    np.testing.assert_array_equal(imread(tmp_path / "out.tif"), bench.preview.data)
