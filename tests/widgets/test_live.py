"""Masks plane by plane, and what accepting them would write."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_ncut import PromptSegmenter, embed
from napari_ncut.errors import InputError
from napari_ncut.progress import run_steps
from napari_ncut.widgets import label_edit, live
from napari_ncut.widgets.layers import describe_source
from napari_ncut.widgets.live import AcceptOptions, Request, accept_steps, live_steps
from napari_ncut.widgets.session import Prepared


@pytest.fixture(scope="module")
def image() -> Image:
    noise = np.random.default_rng(0).integers(0, 6, (2, 32, 48))
    return Image((noise + np.where(np.arange(48) < 24, 40, 200)).astype(np.uint8), name="image")


@pytest.fixture(scope="module")
def prepared(image) -> Prepared:
    return Prepared(
        [describe_source(image)], PromptSegmenter(embed(image.data, axes="ZYX", n_components=4))
    )


@pytest.fixture
def request_() -> Request:
    return Request(np.array([[1.0, 16, 40]]), np.array([True]), np.array([3]), heat_label=3)


def test_the_mask_of_each_plane_comes_before_what_can_wait(prepared, request_):
    steps = list(live_steps(prepared, request_, [1, 0]))
    assert [step.plane for step in steps] == [1, 1, 1, 0, 0, 0]
    assert steps[0].labels[16, 40] == 3
    assert steps[1].heat[16, 40] > 0.9
    (measure,) = steps[2].measures
    assert measure.label == 3 and measure.pixels == np.count_nonzero(steps[0].labels)


def test_accepting_computes_and_does_not_write(prepared, request_):
    output = Labels(np.zeros((2, 32, 48), np.uint8))
    (accepted,) = run_steps(accept_steps(prepared, request_, {}, [(0, output)], AcceptOptions()))
    assert not output.data.any()
    accepted.command.redo()
    whole = prepared.segmenter.predict(request_.points, classes=request_.classes)
    np.testing.assert_array_equal(output.data, whole)
    assert accepted.n_changed == np.count_nonzero(whole)


def test_planes_that_are_known_are_not_computed_again(prepared, request_, monkeypatch):
    monkeypatch.setattr(Request, "predict", lambda *_: pytest.fail("computed"))
    known = {plane: np.full((32, 48), 5, np.uint8) for plane in range(2)}
    output = Labels(np.zeros((2, 32, 48), np.uint8))
    (accepted,) = run_steps(accept_steps(prepared, request_, known, [(0, output)], AcceptOptions()))
    accepted.command.redo()
    assert (output.data == 5).all()


@pytest.mark.parametrize("small_edit", [2**19, 0])
def test_a_region_goes_to_its_place_in_a_whole_output(image, prepared, small_edit, monkeypatch):
    from napari_ncut.widgets.layers import Region

    monkeypatch.setattr(label_edit, "SMALL_EDIT", small_edit)
    source = describe_source(image, region=Region((8, 24), (20, 44)), position={0: 1})
    part = Prepared([source], PromptSegmenter(embed(source.array(), axes="ZYX", n_components=4)))
    request = Request(np.array([[0.0, 4, 20]]), np.array([True]), np.array([1]))
    output = Labels(np.zeros((2, 32, 48), np.uint8))
    (accepted,) = run_steps(accept_steps(part, request, {}, [(0, output)], AcceptOptions()))
    steps = accepted.command.redo()
    if steps is not None:
        run_steps(steps)
    wanted = np.zeros((2, 32, 48), np.uint8)
    wanted[1, 8:24, 20:44] = request.predict(part.segmenter, 0)
    np.testing.assert_array_equal(output.data, wanted)
    assert output.data[1, 12, 40] == 1


def test_instances_join_through_depth_and_not_through_time(image):
    maps = np.zeros((2, 32, 48), np.uint8)
    maps[:, 4:8, 4:8] = 2
    for axes, n_things in (("ZYX", 1), ("TYX", 2)):
        source = describe_source(image, axes=axes)
        numbers, classes = live._instances(source, maps, False)
        assert numbers.max() == n_things and classes.tolist() == [0] + [2] * n_things


def test_labels_that_are_too_large_are_refused(prepared, request_):
    output = Labels(np.full((2, 32, 48), 255, np.uint8))
    with pytest.raises(InputError, match="up to 255"):
        run_steps(
            accept_steps(prepared, request_, {}, [(0, output)], AcceptOptions(instances=True))
        )
