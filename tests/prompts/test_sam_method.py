"""SAM as a prompt method: its own answers, thing by thing, without an embedding."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import napari_ncut as ncut
from napari_ncut.prompts import Box, Mask, Polygon, PromptSegmenter, Scribble
from napari_ncut.sam import SamModels, SamSegmenter
from napari_ncut.sam.network import SamNetwork

from ..sam.conftest import patches, tiny_sam


@pytest.fixture(scope="module")
def network() -> SamSegmenter:
    return SamSegmenter(SamNetwork(tiny_sam()), precision="float32")


@pytest.fixture
def segmenter() -> PromptSegmenter:
    return PromptSegmenter.of_images(patches(90, 120), "YXC")


def answer_of(network: SamSegmenter, image, *args, axes="YXC", **kwargs):
    network.set_image(image, axes)
    return network.predict(*args, **kwargs)


def with_clicks(mask, points, positive):
    mask = mask.copy()
    for (row, column), sign in zip(points, positive, strict=True):
        mask[row, column] = sign
    return mask


def test_the_mask_is_the_answer_of_the_network(network, segmenter):
    points, signs = [(20, 30), (60, 100)], [True, False]
    mask = segmenter.predict(points, signs, model=network)
    answer = answer_of(network, patches(90, 120), points, signs)
    assert mask.dtype == bool and 0 < answer.best.sum() < answer.best.size
    np.testing.assert_array_equal(mask, with_clicks(answer.best, points, signs))
    for i, name in enumerate(("whole", "part", "subpart")):
        chosen = segmenter.predict(points, signs, method="sam", model=network, answer=name)
        expected = answer.masks[answer.order[i]]
        np.testing.assert_array_equal(chosen, with_clicks(expected, points, signs))


def test_boxes_are_things_of_their_own(network, segmenter):
    corners = [(5, 10, 40, 50), (30, 60, 80, 110), (20, 20, 70, 100)]
    boxes = [Box(*corner) for corner in corners]
    labels = segmenter.predict(strokes=boxes, classes=(), model=network)
    answer = answer_of(network, patches(90, 120), boxes=corners)
    np.testing.assert_array_equal(labels > 0, answer.best.any(axis=0))
    (things,) = segmenter.things(strokes=boxes, model=network)
    expected = answer.mask_set().labels()
    present = np.unique(expected[expected > 0])
    for number, old in enumerate(present, start=1):
        np.testing.assert_array_equal(things.numbers == number, expected == old)
    assert things.classes.tolist() == [0] + [1] * len(present)
    best = answer.scores.max(axis=1)[present - 1]
    np.testing.assert_allclose([one.score for one in things.scores], best, atol=1e-6)
    # One that is asked alone is answered alike.
    (alone,) = segmenter.things(strokes=boxes[:1], model=network)
    (again,) = PromptSegmenter.of_images(patches(90, 120), "YXC").things(
        strokes=boxes[:1], model=network
    )
    np.testing.assert_array_equal(alone.numbers, again.numbers)


def test_classes_and_each_point(network, segmenter):
    points, classes = [(20, 30), (60, 100), (10, 110)], [1, 2, 2]
    things = segmenter.things(points, classes=classes, model=network, each_point=True)[0]
    assert set(things.classes.tolist()) == {0, 1, 2} and len(things.scores) == 3
    together = segmenter.things(points, classes=classes, model=network)[0]
    assert len(together.scores) == 2
    labels = segmenter.predict(points, classes=classes, model=network, each_point=True)
    np.testing.assert_array_equal(things.classes[things.numbers], labels)
    assert labels[20, 30] == 1 and labels[60, 100] == 2 and labels[10, 110] == 2


def test_outlines_are_given_as_masks(network, segmenter):
    outline = Polygon([[9.5, 9.5], [9.5, 60.5], [50.5, 60.5], [50.5, 9.5]])
    mask = segmenter.predict(strokes=[outline], model=network)
    drawn = np.zeros((90, 120), bool)
    drawn[10:51, 10:61] = True
    network.set_image(patches(90, 120), "YXC")
    look = network._image
    logits = network.as_prompt(look, drawn)
    assert logits.shape == (32, 32)
    # The canvas of 128 pixels has 120 of the image along columns: 10 to 60 are 2.7 to 16.
    np.testing.assert_allclose(logits[5, 4:15], 10, atol=1e-3)
    np.testing.assert_allclose(logits[5, 18:], -10, atol=1e-3)
    expected = network.predict(boxes=[9.5, 9.5, 50.5, 60.5], mask=logits)
    np.testing.assert_array_equal(mask, expected.best)
    np.testing.assert_array_equal(segmenter.predict(strokes=[Mask(drawn)], model=network), mask)


def test_what_a_negative_box_holds_is_taken_away(network, segmenter):
    before = segmenter.predict(strokes=[Box(5, 10, 80, 110)], model=network)
    rows, columns = np.nonzero(before)
    hole = Box(rows[0] - 0.4, columns[0] - 0.4, rows[0] + 6, columns[0] + 6, positive=False)
    after = segmenter.predict(strokes=[Box(5, 10, 80, 110), hole], model=network)
    assert not after[rows[0] : rows[0] + 6, columns[0] : columns[0] + 6].any()


def test_painted_pixels_end_on_their_side(network, segmenter):
    painted, against = np.zeros((2, 90, 120), bool)
    painted[20:23, 10:90], against[50:53, 10:90] = True, True
    strokes = [Scribble(painted), Scribble(against, positive=False), Box(5, 5, 80, 100)]
    mask = segmenter.predict(strokes=strokes, model=network)
    assert mask[painted].all() and not mask[against].any()
    (things,) = segmenter.things(strokes=strokes, model=network)
    np.testing.assert_array_equal(things.numbers > 0, mask)
    assert len(things.scores) == 1


def test_threshold_scores_and_doubt(network, segmenter):
    point = [(20, 30)]
    mask, heat = segmenter.predict(point, model=network, return_scores=True)
    answer = answer_of(network, patches(90, 120), point)
    logits = answer.pixel_logits(int(answer.best_index))
    np.testing.assert_allclose(heat, 1 / (1 + np.exp(-logits)), atol=1e-6)
    smaller = segmenter.predict(point, model=network, threshold=0.8)
    np.testing.assert_array_equal(smaller, with_clicks(heat > 0.8, point, [True]))
    assert smaller.sum() < mask.sum()
    _, row, column = segmenter.where_next(point, model=network)
    assert abs(heat[row, column] - 0.5) < 0.35
    assert segmenter.predict(point, model=network, threshold=1.0).sum() == 1
    assert segmenter.predict(point, model=network, threshold=0.0).all()


def test_a_stack_is_asked_plane_by_plane_and_looked_at_on_demand(monkeypatch):
    network = SamSegmenter(SamNetwork(tiny_sam()), precision="float32")
    looked = []
    steps = network.network.embed_steps
    monkeypatch.setattr(
        network.network, "embed_steps", lambda image, p: looked.append(image) or steps(image, p)
    )
    stack = np.stack([patches(64, 80, seed)[..., 0] for seed in range(3)])
    segmenter = PromptSegmenter.of_images(stack, "ZYX")
    labels = segmenter.predict([(1, 20, 30)], classes=[3], model=network)
    assert labels.shape == (3, 64, 80) and not labels[[0, 2]].any() and (labels[1] == 3).any()
    assert len(looked) == 1
    assert segmenter.is_ready(1, "sam", model=network)
    assert not segmenter.is_ready(2, "sam", model=network)
    progress = list(segmenter.ready_steps([2], "sam", model=network))
    assert progress and segmenter.is_ready(2, "sam", model=network) and len(looked) == 2
    segmenter.predict([(1, 5, 5), (2, 9, 9)], model=network)
    # Masks of everything share what was seen.
    ncut.automatic_masks(stack[2], network, points_per_side=2)
    assert len(looked) == 2


def test_an_embedded_image_is_shown_to_sam_as_it_is(network):
    image = patches(64, 80)[..., 0] // 2 + 30
    embedding = ncut.embed(image, backbone="filterbank", n_components=3)
    segmenter = PromptSegmenter(embedding)
    mask = segmenter.predict([(20, 30)], method="sam", model=network)
    expected = answer_of(network, image, [(20, 30)], axes="YX").best
    np.testing.assert_array_equal(mask, with_clicks(expected, [(20, 30)], [True]))
    # By other methods it is clicked as before.
    assert segmenter.predict([(20, 30)], method="tutorial")[20, 30]


def test_models_are_loaded_once_from_files(tmp_path: Path, monkeypatch):
    from napari_ncut.sam import loading

    checkpoint = tmp_path / "sam_tiny.pth"
    torch.save(tiny_sam().state_dict(), checkpoint)
    loaded = []
    build = loading.load_sam
    monkeypatch.setattr(loading, "load_sam", lambda path: loaded.append(path) or build(path))
    models = SamModels(device="cpu")
    first = PromptSegmenter.of_images(patches(64, 80), "YXC", sam_models=models)
    second = PromptSegmenter.of_images(patches(64, 64), "YXC", sam_models=models)
    for segmenter in (first, second, first):
        assert segmenter.predict([(20, 30)], checkpoint=checkpoint)[20, 30]
    assert loaded == [checkpoint]
    assert models.known("sam:vit_b", checkpoint) is not None
    # A file that was replaced is another model.
    os.utime(checkpoint, (1, 1))
    assert models.known("sam:vit_b", checkpoint) is None


def test_what_cannot_be_asked_is_refused(segmenter, network, tmp_path):
    with pytest.raises(ncut.InputError, match="needs an embedding"):
        segmenter.predict([(1, 1)], method="cut")
    with pytest.raises(ncut.InputError, match="Unknown answer"):
        segmenter.predict([(1, 1)], model=network, answer="biggest")
    with pytest.raises(ncut.InputError, match="Unknown SAM"):
        segmenter.predict([(1, 1)], model="sam:vit_x")
    with pytest.raises(ncut.InputError, match="of_images"):
        PromptSegmenter(np.zeros((4, 4)))
    with pytest.raises(ncut.InputError, match="no option 'gama'"):
        segmenter.things([(1, 1)], gama=1)
    embedding = ncut.embed(patches(64, 64), backbone="filterbank", n_components=3, axes="YXC")
    embedding.save(tmp_path / "x.npz", images=False)
    with pytest.raises(ncut.InputError, match="saved without"):
        PromptSegmenter(ncut.Embedding.load(tmp_path / "x.npz")).predict([(1, 1)], method="sam")


def test_other_methods_have_things_too():
    image = np.zeros((64, 64), np.uint8)
    image[:, 32:] = 200
    segmenter = PromptSegmenter(ncut.embed(image, backbone="filterbank", n_components=3))
    (things,) = segmenter.things([(20, 50)], method="tutorial")
    mask = segmenter.predict([(20, 50)], method="tutorial")
    np.testing.assert_array_equal(things.numbers > 0, mask)
    assert things.scores == () and things.classes[1] == 1
