"""Points and boxes on an image: the answers of segment_anything's predictor."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor

import napari_ncut as ncut
from napari_ncut.progress import run_steps

from .conftest import patches

SHAPES = [(90, 120), (200, 150), (33, 20), (128, 128)]


def predictor(sam, image: np.ndarray) -> SamPredictor:
    found = SamPredictor(sam)
    found.set_image(image)
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_answers_are_those_of_segment_anything(sam, segmenter, shape):
    image = patches(*shape)
    peer = predictor(sam, image)
    segmenter.set_image(image, "YXC")
    np.testing.assert_allclose(
        segmenter._image.embedding[0].numpy(), peer.features.numpy(), rtol=1e-4, atol=1e-5
    )
    cases = [
        ({"points": [[10, 12], [20, 15]], "positive": [True, False]},
         {"point_coords": [[12, 10], [15, 20]], "point_labels": [1, 0]}),
        ({"boxes": [2, 3, 20, 18]}, {"box": [3, 2, 18, 20]}),
        ({"points": [[10, 12]], "boxes": [2, 3.5, 20, 18]},
         {"point_coords": [[12, 10]], "point_labels": [1], "box": [3.5, 2, 18, 20]}),
    ]  # fmt: skip
    for multimask in (True, False):
        for ours, theirs in cases:
            answer = segmenter.predict(**ours, multimask=multimask)
            theirs = {name: np.array(value) for name, value in theirs.items()}
            masks, scores, logits = peer.predict(**theirs, multimask_output=multimask)
            np.testing.assert_allclose(answer.scores, scores, atol=1e-5)
            np.testing.assert_allclose(answer.logits, logits, atol=1e-4)
            assert (answer.masks != masks).mean() < 1e-3
            best = scores.argmax()
            np.testing.assert_array_equal(answer.best, answer.masks[best])
            refined = segmenter.predict(**ours, mask=answer.best_logits, multimask=multimask)
            again = peer.predict(**theirs, mask_input=logits[[best]], multimask_output=multimask)
            np.testing.assert_allclose(refined.scores, again[1], atol=1e-5)
            np.testing.assert_allclose(refined.logits, again[2], atol=1e-4)


def test_many_boxes_are_answered_each_for_itself(segmenter):
    segmenter.set_image(patches(90, 120), "YXC")
    boxes = np.array([[2, 3, 20, 18], [30, 40, 80, 100], [5, 60, 25, 118]])
    together = segmenter.predict(boxes=boxes)
    assert together.masks.shape == (3, 3, 90, 120) and together.best.shape == (3, 90, 120)
    masks = together.mask_set()
    for i, box in enumerate(boxes):
        alone = segmenter.predict(boxes=box)
        np.testing.assert_allclose(together.logits[i], alone.logits, atol=1e-4)
        np.testing.assert_array_equal(masks.mask(i), together.best[i])
        np.testing.assert_array_equal(masks.mask(i), together.mask(together.best_index[i], i))
        assert masks.columns["predicted_iou"][i] == together.scores[i].max()
    refined = segmenter.predict(boxes=boxes, mask=together.best_logits)
    one = segmenter.predict(boxes=boxes[1], mask=together.best_logits[1])
    np.testing.assert_allclose(refined.logits[1], one.logits, atol=1e-4)


def test_answers_can_be_gone_through_from_whole_to_part(segmenter):
    # Wide, so that a third of the canvas is no image and must not count.
    segmenter.set_image(patches(80, 128), "YXC")
    answer = segmenter.predict([[60, 60]])
    sizes = [int(np.count_nonzero(answer.masks[i])) for i in answer.order]
    # Sizes are told on the network's own raster, 4 pixels wide.
    assert all(small <= 1.05 * large for large, small in itertools.pairwise(sizes))
    assert sorted(answer.order) == [0, 1, 2] and sizes[0] > sizes[2]


def test_what_was_seen_is_kept_by_content(segmenter, monkeypatch):
    seen = []
    original = segmenter.network.embed_steps
    monkeypatch.setattr(
        segmenter.network, "embed_steps", lambda *given: seen.append(1) or original(*given)
    )
    one, other = patches(40, 50), patches(40, 50, seed=1)
    for image in (one, other, one.copy()):
        segmenter.set_image(image, "YXC")
    assert len(seen) == 2
    ncut.automatic_masks(one, segmenter, axes="YXC", points_per_side=2)
    assert len(seen) == 2


def test_images_of_any_kind_are_seen_alike(segmenter):
    gray = patches(40, 50)[..., 0]
    color = np.repeat(gray[..., np.newaxis], 3, axis=-1)
    segmenter.set_image(gray)
    expected = segmenter.predict([[10, 12]])
    for image, axes, scaling in [
        (color, "YXC", None),
        (np.moveaxis(np.dstack([color, np.full_like(gray, 255)]), 0, 1), "XYC", None),
        (gray.astype(np.float64), "YX", (0, 255)),
        (gray.astype(np.uint16) * 257, "YX", (0, 65535)),
    ]:
        segmenter.set_image(image, axes, scaling=scaling)
        np.testing.assert_allclose(segmenter.predict([[10, 12]]).logits, expected.logits, atol=1e-4)
    # By percentiles, so that a factor or an offset changes nothing.
    logits = []
    for image in (gray.astype(np.uint16) * 7 + 300, gray.astype(np.float32)):
        segmenter.set_image(image)
        logits.append(segmenter.predict([[10, 12]]).logits)
    np.testing.assert_allclose(*logits, atol=0.3)


def test_padding_is_no_part_of_features(segmenter):
    segmenter.set_image(patches(64, 128), "YXC")
    assert segmenter.image_features().shape == (4, 8, 32)
    segmenter.set_image(patches(50, 20), "YXC")
    assert segmenter.image_features().shape == (8, 4, 32)


def test_looking_can_be_canceled_and_leaves_the_image_before(segmenter):
    segmenter.set_image(patches(40, 50), "YXC")
    before = segmenter.predict([[10, 12]]).logits
    steps = segmenter.set_image_steps(patches(60, 50, seed=3), "YXC")
    assert next(steps).total == 3
    assert not torch.is_inference_mode_enabled()
    next(steps)
    steps.close()
    assert segmenter.shape == (40, 50)
    np.testing.assert_array_equal(segmenter.predict([[10, 12]]).logits, before)


def test_short_memory_asks_fewer_at_a_time(segmenter, monkeypatch):
    segmenter.set_image(patches(40, 50), "YXC")
    boxes = np.array([[i, i, i + 10, i + 10] for i in range(7)])
    expected = segmenter.predict(boxes=boxes).logits
    original, sizes = segmenter.network.answer, []

    def short(embedding, prompts, **options):
        sizes.append(len(prompts.boxes))
        if len(prompts.boxes) > 2:
            raise MemoryError("not enough")
        return original(embedding, prompts, **options)

    monkeypatch.setattr(segmenter.network, "answer", short)
    np.testing.assert_allclose(segmenter.predict(boxes=boxes).logits, expected, atol=1e-4)
    assert max(sizes[2:]) <= 3

    def none(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr(segmenter.network, "answer", none)
    with pytest.raises(ncut.InputError, match="needs more memory"):
        segmenter.predict(boxes=boxes)


@pytest.mark.parametrize(
    "question, told",
    [
        ({}, "Nothing was asked"),
        ({"points": [[50, 3]]}, "outside"),
        ({"points": [[np.nan, 3]]}, "outside"),
        ({"points": [[1, 2, 3]]}, "row, column"),
        ({"points": [[1, 2], [3]]}, "same length"),
        ({"points": [[1, 2]], "positive": [True, False]}, "1 points"),
        ({"points": [[1, 2]], "positive": [2]}, "True or False"),
        ({"points": []}, "Nothing was asked"),
        ({"positive": [True]}, "without points"),
        ({"boxes": [1, 2, 3]}, "top, left"),
        ({"boxes": [5, 5, 5, 9]}, "empty"),
        ({"boxes": [5, 60, 9, 70]}, "outside"),
        ({"boxes": []}, "top, left"),
        ({"boxes": np.zeros((0, 4))}, "no boxes"),
        ({"points": [[1, 2]], "boxes": [[0, 0, 5, 5], [1, 1, 6, 6]]}, "one box"),
        ({"points": [[1, 2]], "mask": np.zeros((40, 50), np.float32)}, "best_logits"),
        ({"points": [[1, 2]], "mask": np.zeros((32, 32), bool)}, "finite floats"),
        ({"boxes": [[0, 0, 5, 5], [1, 1, 6, 6]], "mask": np.zeros((32, 32))}, "each box"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_questions_that_cannot_be_answered(segmenter, question, told):
    segmenter.set_image(patches(40, 50), "YXC")
    with pytest.raises(ncut.InputError, match=told):
        segmenter.predict(**question)


def test_images_that_cannot_be_asked_about(segmenter):
    with pytest.raises(ncut.InputError, match="set_image first"):
        segmenter.predict([[1, 1]])
    with pytest.raises(ncut.InputError, match="3 planes"):
        segmenter.set_image(np.zeros((3, 40, 50)), "ZYX")
    with pytest.raises(ncut.InputError, match="axes"):
        segmenter.set_image(np.zeros((3, 40, 50)))


def test_half_precision_differs_little(sam, segmenter):
    image = patches(90, 120)
    half = ncut.SamSegmenter(segmenter.network, precision="bfloat16")
    exact, rough = (run_steps(one.embedding_steps(image))[0].float() for one in (segmenter, half))
    assert 0 < (exact - rough).norm() / exact.norm() < 3e-2
