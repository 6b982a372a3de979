"""Models of the package transformers: the same questions, its own answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import napari_ncut as ncut

from .conftest import patches

transformers = pytest.importorskip("transformers", reason="the extra transformers is missing")
if not hasattr(transformers, "Sam2Model"):
    pytest.skip("this transformers has no SAM 2", allow_module_level=True)

DECODER = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 4, "iou_head_hidden_dim": 16}
PROMPTS = {"hidden_size": 32, "image_size": 128, "patch_size": 16}
BACKBONE = {
    "model_type": "sam2_hiera_det_model",
    "hidden_size": 8,
    "image_size": [128, 128],
    "blocks_per_stage": [1, 1, 2, 1],
    "embed_dim_per_stage": [8, 16, 32, 64],
    "num_attention_heads_per_stage": [1, 1, 2, 2],
    "window_size_per_stage": [8, 4, 4, 4],
    "global_attention_blocks": [3],
}
VISION_2 = {
    "model_type": "sam2_vision_model",
    "backbone_config": BACKBONE,
    "backbone_channel_list": [64, 32, 16, 8],
    "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    "fpn_hidden_size": 32,
}
VISION = {
    "hidden_size": 32, "output_channels": 32, "num_pos_feats": 16, "num_hidden_layers": 2,
    "num_attention_heads": 2, "image_size": 128, "window_size": 3, "global_attn_indexes": [1],
    "mlp_dim": 64,
}  # fmt: skip


def model(kind: str):
    torch.manual_seed(0)
    if kind == "sam2":
        config = transformers.Sam2Config(
            vision_config=VISION_2, prompt_encoder_config=PROMPTS, mask_decoder_config=DECODER
        )
        found = transformers.Sam2Model(config)
    else:
        prompts = {**PROMPTS, "image_embedding_size": 8}
        found = transformers.SamModel(
            transformers.SamConfig(
                vision_config=VISION, prompt_encoder_config=prompts, mask_decoder_config=DECODER
            )
        )
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return found.eval()


@pytest.fixture(scope="module", params=["sam2", "sam"])
def folder(request, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp(request.param) / request.param
    model(request.param).save_pretrained(path)
    return path


def test_answers_are_those_of_the_package(folder: Path):
    kind = folder.name
    image = patches(96, 128)
    segmenter = ncut.SamSegmenter(f"transformers:{folder}", device="cpu")
    segmenter.set_image(image, "YXC")
    answer = segmenter.predict([[10, 12], [20, 15]], [True, False])
    # On the canvas: SAM 2 stretches 96 rows to 128.
    scale = np.array([1, 128 / 96 if kind == "sam2" else 1])
    points = np.array([[12, 10], [15, 20]]) * scale
    frame = segmenter.network.frame((96, 128))
    pixels = torch.from_numpy(frame.resized(image).copy()).permute(2, 0, 1)[None] / 255
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    pixels = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
    pixels = torch.nn.functional.pad(pixels, (0, 0, 0, 128 - pixels.shape[2]))
    with torch.no_grad():
        expected = model(kind)(
            pixel_values=pixels.float(),
            input_points=torch.tensor(points, dtype=torch.float)[None, None],
            input_labels=torch.tensor([[[1, 0]]]),
        )
    np.testing.assert_allclose(answer.scores, expected.iou_scores[0, 0], atol=1e-5)
    np.testing.assert_allclose(answer.logits, expected.pred_masks[0, 0], atol=1e-4)
    logits = expected.pred_masks[0]
    if kind == "sam":
        logits = torch.nn.functional.interpolate(logits, (128, 128), mode="bilinear")[..., :96, :]
    else:
        logits = torch.nn.functional.interpolate(logits, (96, 128), mode="bilinear")
    assert (answer.masks != (logits[0] > 0).numpy()).mean() < 1e-3
    assert segmenter.image_features().shape == ((8 if kind == "sam2" else 6), 8, 32)


def test_every_way_to_ask(folder: Path):
    segmenter = ncut.SamSegmenter(f"transformers:{folder}", device="cpu")
    segmenter.set_image(patches(90, 120), "YXC")
    boxes = [[3, 4, 50, 60], [10, 10, 80, 90]]
    together = segmenter.predict(boxes=boxes)
    assert together.best.shape == (2, 90, 120)
    refined = segmenter.predict(boxes=boxes, mask=together.best_logits)
    for i, box in enumerate(boxes):
        np.testing.assert_allclose(
            together.logits[i], segmenter.predict(boxes=box).logits, atol=1e-4
        )
        again = segmenter.predict(boxes=box, mask=together.best_logits[i])
        np.testing.assert_allclose(refined.logits[i], again.logits, atol=1e-4)
    only = segmenter.predict(mask=together.best_logits[0], multimask=False)
    assert only.masks.shape == (1, 90, 120)
    found = ncut.automatic_masks(
        patches(90, 120), segmenter, axes="YXC", points_per_side=3, pred_iou_thresh=-1,
        stability_score_thresh=0, box_nms_thresh=1,
    )  # fmt: skip
    assert len(found) == 27
    (row, column) = found.columns["point"][0]
    alone = segmenter.predict([[row, column]])
    masks = {mask.tobytes() for mask in alone.masks}
    assert found.mask(0).tobytes() in masks


def test_what_is_no_such_model_is_refused(tmp_path: Path, folder: Path, monkeypatch):
    with pytest.raises(ncut.InputError, match="hf download"):
        ncut.SamSegmenter(f"transformers:{tmp_path / 'nothing'}")
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ncut.InputError, match="of the kind 'bert'"):
        ncut.SamSegmenter(f"transformers:{other}")
    half = tmp_path / "half"
    half.mkdir()
    (half / "config.json").write_bytes((folder / "config.json").read_bytes())
    content = (folder / "model.safetensors").read_bytes()
    (half / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ncut.InputError, match="cannot be loaded"):
        ncut.SamSegmenter(f"transformers:{half}")
    with pytest.raises(ncut.InputError, match="brings its own weights"):
        ncut.SamSegmenter(f"transformers:{folder}", checkpoint=tmp_path / "x.pth")


def test_as_a_prompt_method(folder: Path):
    image = patches(90, 120)
    model = f"transformers:{folder}"
    prompts = ncut.PromptSegmenter.of_images(image, "YXC")
    segmenter = ncut.SamSegmenter(model, device="cpu")
    segmenter.set_image(image, "YXC")
    expected = segmenter.predict([(20, 30)]).best
    expected[20, 30] = True
    np.testing.assert_array_equal(prompts.predict([(20, 30)], model=model), expected)
    corners = [(5, 10, 40, 50), (30, 60, 80, 110)]
    outline = ncut.Polygon([[9.5, 9.5], [9.5, 60.5], [50.5, 60.5], [50.5, 9.5]], label=2)
    strokes = [*(ncut.Box(*corner, label=1) for corner in corners), outline]
    labels = prompts.predict(strokes=strokes, model=model)
    both = segmenter.predict(boxes=corners).best.any(axis=0)
    assert (both | (labels != 1)).all() and set(np.unique(labels)) <= {0, 1, 2}
