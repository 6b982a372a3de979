"""Files of SAM's weights: any of its format, and nothing else; nothing is ever fetched."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch

import napari_ncut as ncut
from napari_ncut.sam.loading import list_sam_models, load_sam

from .conftest import patches, tiny_sam


def answer(segmenter: ncut.SamSegmenter) -> np.ndarray:
    segmenter.set_image(patches(40, 50), "YXC")
    return segmenter.predict([[10, 12]]).logits


def test_the_architecture_is_read_from_the_file(checkpoint: Path, segmenter):
    expected = answer(segmenter)
    # Whatever size the name says.
    for name in ("sam:vit_b", "sam:vit_h", "sam:vit_b_lm"):
        found = ncut.SamSegmenter(name, checkpoint=checkpoint, device="cpu", precision="float32")
        np.testing.assert_allclose(answer(found), expected, atol=1e-5)
    encoder = load_sam(checkpoint).image_encoder
    assert [block.window_size for block in encoder.blocks] == [3, 0, 3]
    assert encoder.blocks[0].attn.num_heads == 2 and encoder.img_size == 128


@pytest.mark.parametrize("prefix", ["sam.", "module.sam.", "module."])
def test_what_trainers_wrap_around_it_is_taken_off(tmp_path: Path, segmenter, prefix: str):
    state = {prefix + name: tensor for name, tensor in tiny_sam().state_dict().items()}
    path = tmp_path / "best.pt"
    # As micro-sam keeps a decoder of instances beside it.
    torch.save({"model_state": state, "decoder_state": {"x": torch.ones(2)}, "epoch": 3}, path)
    found = ncut.SamSegmenter("sam:vit_b", checkpoint=path, device="cpu", precision="float32")
    np.testing.assert_allclose(answer(found), answer(segmenter), atol=1e-5)


def test_the_sizes_of_its_authors_are_told_apart():
    from segment_anything import sam_model_registry

    from napari_ncut.sam.loading import build_sam

    with torch.device("meta"):
        for kind in ("vit_b", "vit_l", "vit_h"):
            expected = sam_model_registry[kind]()
            found = build_sam(expected.state_dict(), Path("file"))
            shapes = {name: t.shape for name, t in expected.state_dict().items()}
            assert {name: t.shape for name, t in found.state_dict().items()} == shapes
            for ours, theirs in zip(
                found.image_encoder.blocks, expected.image_encoder.blocks, strict=True
            ):
                assert ours.window_size == theirs.window_size
                assert ours.attn.num_heads == theirs.attn.num_heads


def without(state: dict, begin: str) -> dict:
    return {name: t for name, t in state.items() if not name.startswith(begin)}


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda state: {"conv1.weight": torch.ones(3, 3)}, "holds no SAM"),
        (lambda state: without(without(state, "mask_decoder"), "prompt_encoder"), "image encoder"),
        (lambda state: without(state, "mask_decoder"), "of another kind"),
        (lambda state: without(state, "image_encoder.pos_embed"), "of another kind"),
        (lambda state: without(state, "image_encoder.blocks.1.mlp"), "does not fit"),
        (
            lambda state: state | {"image_encoder.blocks.0.norm1.weight": torch.ones(5)},
            "does not fit",
        ),
    ],
    ids=["another network", "encoder only", "no decoder", "no positions", "no block", "shape"],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, change, told: str):
    path = tmp_path / "wrong.pth"
    torch.save(change(tiny_sam().state_dict()), path)
    with pytest.raises(ncut.InputError, match=told):
        ncut.SamSegmenter(checkpoint=path, device="cpu")


def test_a_half_written_file_is_refused_and_left(tmp_path: Path, checkpoint: Path):
    path = tmp_path / "half.pth"
    content = checkpoint.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ncut.InputError, match=r"half\.pth.*damaged"):
        ncut.SamSegmenter(checkpoint=path, device="cpu")
    assert path.read_bytes() == content[: len(content) // 2]
    with pytest.raises(ncut.InputError, match="no file"):
        ncut.SamSegmenter(checkpoint=tmp_path / "missing.pth", device="cpu")


def test_without_weights_nothing_is_asked_of_the_network(tmp_path: Path, monkeypatch):
    asked = []

    def refuse(*given, **_):
        asked.append(given)
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "models"))
    for ask in (
        lambda: ncut.SamSegmenter("sam:vit_b"),
        lambda: ncut.automatic_masks(np.zeros((20, 30)), "sam:vit_b"),
    ):
        with pytest.raises(ncut.InputError, match="models download sam:vit_b") as refused:
            ask()
        assert "sam_vit_b_01ec64.pth" in str(refused.value)
    assert not asked and not (tmp_path / "models").exists()


def test_there_are_three_sizes_and_fine_tunes():
    assert list_sam_models()[:3] == ["sam:vit_b", "sam:vit_l", "sam:vit_h"]
    assert "sam:vit_b_lm" in ncut.list_sam_models()
    for wrong in ("sam:vit_x", "vit_b", None, 3):
        with pytest.raises(ncut.InputError, match="Choose one of"):
            ncut.SamSegmenter(wrong)
