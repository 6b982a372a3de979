"""All masks of an image: those of segment_anything's generator on the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything import SamAutomaticMaskGenerator, SamPredictor
from segment_anything.utils.amg import calculate_stability_score, generate_crop_boxes

import napari_ncut as ncut
from napari_ncut.progress import Progress
from napari_ncut.sam import automatic_masks_steps
from napari_ncut.sam.crops import crops_of

from .conftest import patches

OFFSET, SIDE = 0.2, 8


def thresholds(sam, image: np.ndarray) -> dict:
    """Thresholds that let about a quarter of all candidates survive: checked here."""
    shape = image.shape[:2]
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    along = (np.arange(SIDE) + 0.5) / SIDE
    points = np.stack(np.meshgrid(along * shape[1], along * shape[0]), axis=-1).reshape(-1, 2)
    masks, scores, _ = predictor.predict_torch(
        torch.as_tensor(predictor.transform.apply_coords(points, shape))[:, None],
        torch.ones(len(points), 1),
        return_logits=True,
    )
    masks, scores = masks.flatten(0, 1), scores.flatten()
    least = float(scores.quantile(0.45))
    stability = calculate_stability_score(masks[scores > least], 0.0, OFFSET)
    # Between two values, so that rounding decides nothing.
    ordered = stability[stability > 0].sort().values
    middle = len(stability) // 2 - (len(stability) - len(ordered))
    stable = float(ordered[middle : middle + 2].mean())
    assert 0.2 <= int((stability >= stable).sum()) / len(scores) <= 0.4
    return {
        "points_per_side": SIDE,
        "pred_iou_thresh": least,
        "stability_score_thresh": stable,
        "stability_score_offset": OFFSET,
    }


@pytest.mark.parametrize(
    "shape, options",
    [
        ((90, 120), {"box_nms_thresh": 1.0}),
        ((128, 128), {"box_nms_thresh": 1.0, "min_mask_region_area": 12}),
        ((90, 120), {"box_nms_thresh": 0.85}),
        ((300, 200), {"box_nms_thresh": 0.7, "min_mask_region_area": 40}),
        ((90, 120), {"box_nms_thresh": 1.0, "crop_n_layers": 1, "crop_nms_thresh": 1.0}),
        (
            (200, 150),
            {
                "box_nms_thresh": 0.95,
                "crop_n_layers": 1,
                "crop_nms_thresh": 0.9,
                "crop_n_points_downscale_factor": 2,
                "min_mask_region_area": 20,
            },
        ),
    ],
    ids=str,
)
def test_the_same_masks_as_segment_anything(sam, segmenter, shape, options):
    image = patches(*shape, seed=2)
    given = {**thresholds(sam, image), **options}
    if options.get("min_mask_region_area"):
        pytest.importorskip("cv2", reason="the authors' removal of small regions needs OpenCV")
    theirs = SamAutomaticMaskGenerator(sam, **given).generate(image)
    ours = ncut.automatic_masks(image, segmenter, axes="YXC", **given)
    assert len(ours) == len(theirs) > 0
    for i, expected in enumerate(theirs):
        mask = ours.mask(i)
        common = np.count_nonzero(mask & expected["segmentation"])
        either = np.count_nonzero(mask | expected["segmentation"])
        assert either == 0 or common / either >= 0.999
        top, left, bottom, right = ours.columns["crop_box"][i]
        assert expected["crop_box"] == [left, top, right - left, bottom - top]
        np.testing.assert_allclose(ours.columns["point"][i][::-1], expected["point_coords"][0])
    # Rounding may put a pixel on the other side.
    for name, tolerance in (("predicted_iou", 1e-5), ("stability_score", 2e-3)):
        given = [one[name] for one in theirs]
        np.testing.assert_allclose(ours.columns[name], given, atol=tolerance)


def test_points_of_ones_own_and_small_batches_change_nothing(sam, segmenter):
    image = patches(90, 120, seed=2)
    given = {**thresholds(sam, image), "box_nms_thresh": 1.0}
    expected = ncut.automatic_masks(image, segmenter, axes="YXC", **given)
    along = (np.arange(SIDE) + 0.5) / SIDE
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    given |= {"points_per_side": None, "point_grids": [grid], "points_per_batch": 3}
    found = ncut.automatic_masks(image, segmenter, axes="YXC", **given)
    np.testing.assert_array_equal(found.boxes, expected.boxes)


@pytest.mark.parametrize("shape", [(90, 120), (200, 77), (5, 9)])
def test_crops_are_those_of_segment_anything(shape):
    for n_layers in range(3):
        boxes, layers = generate_crop_boxes(shape, n_layers, 512 / 1500)
        ours = [
            ([crop.left, crop.top, crop.right, crop.bottom], crop.layer)
            for crop in crops_of(shape, n_layers, 512 / 1500)
        ]
        theirs = [(b, i) for b, i in zip(boxes, layers, strict=True) if b[2] > b[0] and b[3] > b[1]]
        assert ours == theirs


def test_where_nothing_survives_the_set_is_empty(segmenter):
    for image in (patches(60, 50), np.full((60, 50, 3), 7, np.uint8)):
        for layers in (0, 1):
            found = ncut.automatic_masks(
                image,
                segmenter,
                axes="YXC",
                points_per_side=3,
                pred_iou_thresh=1e9,
                crop_n_layers=layers,
                min_mask_region_area=5,
            )
            assert len(found) == 0 and found.shape == (60, 50)
            assert set(found.columns) == {
                "predicted_iou", "stability_score", "point", "crop_box", "level"
            }  # fmt: skip
            assert not found.labels().any()


def test_a_single_mask(segmenter):
    found = ncut.automatic_masks(
        patches(60, 50),
        segmenter,
        axes="YXC",
        points_per_side=2,
        pred_iou_thresh=0,
        stability_score_thresh=0,
        box_nms_thresh=0,
    )
    assert 1 <= len(found) <= 3


def test_stacks_and_lists_have_a_set_for_every_plane(segmenter):
    gray, color = patches(40, 50)[..., 0], patches(30, 44, seed=1)
    options = {"points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0}
    alone = ncut.automatic_masks(gray, segmenter, **options)
    stack = ncut.automatic_masks(np.stack([gray, gray]), segmenter, axes="TYX", **options)
    several = ncut.automatic_masks([gray, color], segmenter, axes=["YX", "YXC"], **options)
    assert [one.shape for one in stack] == [(40, 50)] * 2
    assert [one.shape for one in several] == [(40, 50), (30, 44)]
    for found in (*stack, several[0]):
        np.testing.assert_array_equal(found.boxes, alone.boxes)
    wide = ncut.automatic_masks(gray.astype(np.uint16) * 200, segmenter, **options)
    assert len(wide) > 0


def test_progress_cancel_and_short_memory(sam, segmenter, monkeypatch):
    image = patches(90, 120, seed=2)
    given = {**thresholds(sam, image), "box_nms_thresh": 1.0}
    seen: list[Progress] = []
    expected = ncut.automatic_masks(image, segmenter, axes="YXC", progress=seen.append, **given)
    masks = [step for step in seen if step.stage == "masks"]
    assert masks[-1].done == masks[-1].total == SIDE**2
    assert [step.done for step in masks] == sorted(step.done for step in masks)
    steps = automatic_masks_steps(image, segmenter, axes="YXC", **given)
    for _ in range(4):
        next(steps)
    assert not torch.is_inference_mode_enabled()
    steps.close()
    original = segmenter.network.candidates

    def short(embedding, points, least):
        if len(points) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return original(embedding, points, least)

    monkeypatch.setattr(segmenter.network, "candidates", short)
    found = ncut.automatic_masks(image, segmenter, axes="YXC", **given)
    np.testing.assert_array_equal(found.boxes, expected.boxes)


@pytest.mark.parametrize(
    "options",
    [
        {"points_per_side": 0}, {"points_per_side": None}, {"points_per_side": 2.5},
        {"point_grids": [[[0.5, 0.5]]]}, {"points_per_side": None, "point_grids": [[[0.5, 2]]]},
        {"points_per_side": None, "point_grids": []}, {"points_per_batch": 0},
        {"pred_iou_thresh": "a"}, {"stability_score_thresh": np.nan}, {"box_nms_thresh": 2},
        {"crop_n_layers": -1}, {"crop_n_layers": 9}, {"crop_overlap_ratio": 1},
        {"points_per_side": 2, "crop_n_layers": 2, "crop_n_points_downscale_factor": 2},
        {"min_mask_region_area": -1}, {"min_persistence": 2}, {"axes": "YXC"}, {"model": "sam"},
        {"model": None}, {"points": 3},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_used_is_refused_before_anything_is_computed(options):
    with pytest.raises(ncut.InputError):
        automatic_masks_steps(np.zeros((20, 30)), **options)
