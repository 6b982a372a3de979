"""`napari-ncut sam masks` and `sam prompt`."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_ncut as ncut
from napari_ncut.sam.mask_set import from_run_lengths

from .conftest import blobs

_specification = importlib.util.spec_from_file_location(
    "tiny_sam", Path(__file__).parents[1] / "sam" / "conftest.py"
)
assert _specification is not None and _specification.loader is not None
_tiny = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(_tiny)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    path = tmp_path_factory.mktemp("sam") / "sam_tiny.pth"
    torch.save(_tiny.tiny_sam().state_dict(), path)
    return path


def test_masks_of_images_and_stacks(tmp_path: Path, image: Path, call: Callable):
    stack = tmp_path / "stack.tif"
    planes = np.stack([blobs(), np.full((40, 50), 40, np.uint8)])
    tifffile.imwrite(stack, planes, metadata={"axes": "ZYX"})
    out = tmp_path / "out"
    result = call("sam", "masks", image, stack, "-o", out)
    names = ["blobs_masks.tif", "stack_masks.tif", "masks.json", "masks.csv"]
    assert result.stdout.splitlines() == [str(out / name) for name in names]
    expected = ncut.automatic_masks(blobs())
    assert len(expected) > 0
    found = ncut.read_image(out / "blobs_masks.tif")
    np.testing.assert_array_equal(found.data, expected.labels())
    labels = ncut.read_image(out / "stack_masks.tif")
    assert labels.axes == "ZYX" and not labels.data[1].any()
    document = json.loads((out / "masks.json").read_text())
    assert [one["file_name"] for one in document["images"]] == [
        "blobs.png", "stack.tif:0", "stack.tif:1"
    ]  # fmt: skip
    own = [one for one in document["annotations"] if one["image_id"] == 1]
    masks = [from_run_lengths(one["segmentation"]) for one in own]
    np.testing.assert_array_equal(masks, expected.stack())
    with (out / "masks.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] == "blobs.png"]
    assert [int(row["area"]) for row in rows] == expected.areas.tolist()
    assert float(rows[0]["stability_score"]) == pytest.approx(
        float(expected.columns["stability_score"][0])
    )


def test_masks_of_a_sam(tmp_path: Path, image: Path, checkpoint: Path, call: Callable):
    options = ["--points-per-side", 3, "--pred-iou-thresh", 0, "--stability-score-thresh", 0]
    out = tmp_path / "out"
    call("sam", "masks", image, "-o", out, "--checkpoint", checkpoint, "--device", "cpu", *options)
    expected = ncut.automatic_masks(
        blobs(),
        ncut.SamSegmenter(checkpoint=checkpoint, device="cpu"),
        points_per_side=3,
        pred_iou_thresh=0,
        stability_score_thresh=0,
    )
    found = ncut.read_image(out / "blobs_masks.tif").data
    np.testing.assert_array_equal(found, expected.labels())
    with (out / "masks.csv").open(newline="") as file:
        (first, *_) = csv.DictReader(file)
    assert {"predicted_iou", "point_row", "crop_box_left", "level"} <= set(first)


def test_prompts(tmp_path: Path, image: Path, points: Path, checkpoint: Path, call: Callable):
    sam = ["--checkpoint", checkpoint, "--device", "cpu"]
    segmenter = ncut.SamSegmenter(checkpoint=checkpoint, device="cpu")
    segmenter.set_image(blobs())
    answer = segmenter.predict([[12, 14], [2, 2]], [True, False])
    out = tmp_path / "mask.tif"
    result = call("sam", "prompt", image, "-p", points, "-o", out, *sam)
    assert result.stdout.strip() == str(out)
    np.testing.assert_array_equal(ncut.read_image(out).data, answer.best)
    assert f"{answer.scores.max():.2f}" in result.stderr
    whole = tmp_path / "whole.png"
    call("sam", "prompt", image, "-p", points, "-o", whole, "--answer", "whole", *sam)
    np.testing.assert_array_equal(np.asarray(Image.open(whole)), answer.masks[answer.order[0]])
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("row0,column0,row1,column1\n5,6,20,22\n35,44,20,28\n")
    labels = tmp_path / "labels.tif"
    call("sam", "prompt", image, "--boxes", boxes, "-o", labels, *sam)
    several = segmenter.predict(boxes=[[5, 6, 20, 22], [20, 28, 35, 44]]).mask_set()
    np.testing.assert_array_equal(ncut.read_image(labels).data, several.labels())


def test_a_plane_of_a_stack(tmp_path: Path, points: Path, checkpoint: Path, call, refuse):
    stack = tmp_path / "stack.npy"
    np.save(stack, np.stack([blobs(seed=3), blobs()]))
    given = ["sam", "prompt", stack, "-p", points, "--checkpoint", checkpoint, "--axes", "ZYX"]
    given += ["--device", "cpu"]
    call(*given, "-o", tmp_path / "one.tif", "--plane", 1)
    segmenter = ncut.SamSegmenter(checkpoint=checkpoint, device="cpu")
    segmenter.set_image(blobs())
    expected = segmenter.predict([[12, 14], [2, 2]], [True, False]).best
    np.testing.assert_array_equal(ncut.read_image(tmp_path / "one.tif").data, expected)
    assert "no plane 2" in refuse(*given, "-o", tmp_path / "two.tif", "--plane", 2)


def test_what_cannot_be_used_is_refused(
    tmp_path: Path, image: Path, points: Path, checkpoint: Path, refuse: Callable, monkeypatch
):
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "models"))
    out = tmp_path / "out"
    masks, prompt = ("sam", "masks", image, "-o", out), ("sam", "prompt", image)
    mask = ("-o", tmp_path / "mask.tif")
    assert "models download sam:vit_b" in refuse(*masks, "--model", "sam:vit_b")
    assert "Did you mean" in refuse(*masks, "--model", "sam:vit_bb")
    assert "own weights" in refuse(*masks, "--model", "compact", "--checkpoint", checkpoint)
    assert "box_nms_thresh" in refuse(*masks, "--box-nms-thresh", 2)
    assert "--points" in refuse(*prompt, *mask)
    assert "models download" in refuse(*prompt, "-p", points, *mask)
    assert "answer" in refuse(*prompt, "-p", points, *mask, "--answer", "all")
    assert "cannot be written" in refuse(*prompt, "-p", points, "-o", tmp_path / "mask.jpg")
    broken = tmp_path / "broken.pth"
    broken.write_bytes(checkpoint.read_bytes()[:1000])
    assert "damaged" in refuse(*prompt, "-p", points, *mask, "--checkpoint", broken)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("row0,column0,row1,column1\n5,6,20,22\n20,28,35,44\n")
    sam = ("--checkpoint", checkpoint, "--device", "cpu")
    assert "one box" in refuse(*prompt, "-p", points, "--boxes", boxes, *mask, *sam).lower()
    far = tmp_path / "far.csv"
    far.write_text("axis-0,axis-1\n12,14\n90,14\n")
    assert "outside" in refuse(*prompt, "-p", far, *mask, *sam)
