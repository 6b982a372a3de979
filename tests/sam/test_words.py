"""SAM 3 of the package transformers: things by words, and by points where it has both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import napari_ncut as ncut
from napari_ncut.cli import app
from napari_ncut.sam.network import SamNetwork

from .conftest import patches, tiny_sam

transformers = pytest.importorskip("transformers", reason="the extra transformers is missing")
if not hasattr(transformers, "Sam3Model"):
    pytest.skip("this transformers has no SAM 3", allow_module_level=True)

SIDE, PATCH, WIDTH = 112, 14, 32
VISION = {
    "model_type": "sam3_vision_model",
    "backbone_config": {
        "model_type": "sam3_vit_model",
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": PATCH,
        "pretrain_image_size": SIDE,
        "window_size": 4,
        "global_attn_indexes": [1],
    },
    "fpn_hidden_size": WIDTH,
    "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
}
PART = {"hidden_size": WIDTH, "num_attention_heads": 4}
WORDS = ["a</w>", "cell</w>", "c", "e", "l", "l</w>", "x</w>"]


def words_model():
    torch.manual_seed(0)
    layers = {**PART, "num_layers": 1, "intermediate_size": 64}
    config = transformers.Sam3Config(
        vision_config=VISION,
        text_config={
            "model_type": "clip_text_model",
            "vocab_size": len(WORDS) + 2,
            "hidden_size": WIDTH,
            "intermediate_size": 64,
            "projection_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 16,
            "eos_token_id": 1,
            "bos_token_id": 0,
        },
        geometry_encoder_config=layers,
        detr_encoder_config=layers,
        detr_decoder_config={**layers, "num_queries": 6},
        mask_decoder_config=PART,
    )
    model = transformers.Sam3Model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return model.eval()


def tokenizer():
    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    vocabulary |= {word: i for i, word in enumerate(WORDS, start=2)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sam3") / "sam3"
    words_model().save_pretrained(path)
    tokenizer().save_pretrained(path)
    return path


def test_things_are_those_of_the_package(folder: Path):
    image = patches(90, 120)
    segmenter = ncut.SamSegmenter(f"transformers:{folder}", device="cpu")
    segmenter.set_image(image, "YXC")
    found = segmenter.find("a c", least=0)
    pixels = segmenter.network.frame((90, 120)).resized(image)
    values = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255 * 2 - 1
    tokens = tokenizer()(["a c"], return_tensors="pt", padding="max_length", max_length=16)
    with torch.no_grad():
        expected = words_model()(pixel_values=values, **tokens)
    (listed,) = transformers.Sam3ImageProcessor().post_process_instance_segmentation(
        expected, threshold=0.0, target_sizes=[(90, 120)]
    )
    order = torch.argsort(listed["scores"], descending=True)
    np.testing.assert_allclose(found.scores[:, 0], listed["scores"][order], atol=1e-5)
    np.testing.assert_allclose(found.logits[:, 0], expected.pred_masks[0][order], atol=1e-4)
    assert found.several and found.best.shape == (6, 90, 120)
    assert (found.best != listed["masks"][order].bool().numpy()).mean() < 0.02
    masks = found.mask_set()
    assert len(masks) == 6
    np.testing.assert_allclose(masks.columns["predicted_iou"], found.scores[:, 0])
    # Other words find other things; of the improbable ones nothing is told.
    assert not np.allclose(segmenter.find("x", least=0).scores, found.scores)
    middle = float(found.scores[2:4].mean())
    assert segmenter.find("a c", least=middle).scores.shape == (3, 1)
    nothing = segmenter.find("a c", least=1)
    assert nothing.best.shape == (0, 90, 120) and len(nothing.mask_set()) == 0


def test_words_are_all_that_such_a_model_knows(folder: Path):
    segmenter = ncut.SamSegmenter(f"transformers:{folder}", device="cpu")
    with pytest.raises(ncut.InputError, match="no image"):
        segmenter.find("cell")
    segmenter.set_image(patches(64, 64), "YXC")
    with pytest.raises(ncut.InputError, match="words alone"):
        segmenter.predict([(5, 5)])
    with pytest.raises(ncut.InputError, match="name nothing"):
        segmenter.find(" ")
    with pytest.raises(ncut.InputError, match="from 0 to 1"):
        segmenter.find("cell", least=2)


def test_a_model_without_words_says_so():
    segmenter = ncut.SamSegmenter(SamNetwork(tiny_sam()))
    segmenter.set_image(patches(64, 64), "YXC")
    with pytest.raises(ncut.InputError, match="knows no words"):
        segmenter.find("cell")


def test_a_folder_without_a_tokenizer_is_refused(folder: Path, tmp_path: Path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(ncut.InputError, match="lacks its tokenizer"):
        ncut.SamSegmenter(f"transformers:{tmp_path}")


def test_the_part_of_sam_3_for_points(tmp_path: Path):
    torch.manual_seed(0)
    vision = {**VISION, "scale_factors": [4.0, 2.0, 1.0]}
    config = transformers.Sam3TrackerConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": WIDTH, "image_size": SIDE, "patch_size": PATCH},
        mask_decoder_config={**PART, "mlp_dim": 32, "iou_head_hidden_dim": 16},
    )
    model = transformers.Sam3TrackerModel(config).eval()
    model.save_pretrained(tmp_path)
    segmenter = ncut.SamSegmenter(f"transformers:{tmp_path}", device="cpu")
    image = patches(90, 120)
    segmenter.set_image(image, "YXC")
    answer = segmenter.predict([(10, 12)])
    pixels = segmenter.network.frame((90, 120)).resized(image)
    with torch.no_grad():
        expected = model(
            pixel_values=torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255 * 2 - 1,
            input_points=torch.tensor([[[[12 * SIDE / 120, 10 * SIDE / 90]]]]),
            input_labels=torch.ones(1, 1, 1, dtype=torch.int),
        )
    np.testing.assert_allclose(answer.scores, expected.iou_scores[0, 0], atol=1e-5)
    np.testing.assert_allclose(answer.logits, expected.pred_masks[0, 0], atol=1e-4)


def test_words_on_the_command_line(folder: Path, tmp_path: Path):
    image, output = tmp_path / "image.png", tmp_path / "labels.tif"
    Image.fromarray(patches(90, 120)).save(image)
    segmenter = ncut.SamSegmenter(f"transformers:{folder}")
    segmenter.set_image(patches(90, 120), "YXC")
    every = segmenter.find("cell", least=0)
    middle = float(every.scores[2:4].mean())
    words = ["sam", "prompt", str(image), "-o", str(output), "--text", "cell"]
    model = ["--model", f"transformers:{folder}", "--least", f"{middle:.9f}"]
    result = CliRunner().invoke(app, [*words, *model])
    assert result.exit_code == 0, result.output
    assert "Probability of label 1: " in result.stderr
    expected = segmenter.find("cell", least=middle).mask_set()
    assert len(expected) == 3
    np.testing.assert_array_equal(ncut.read_image(output).data, expected.labels())
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("row0,column0,row1,column1\n1,1,9,9\n")
    result = CliRunner().invoke(app, [*words, "--boxes", str(boxes), "--overwrite"])
    assert result.exit_code == 2 and "alone" in result.stderr
