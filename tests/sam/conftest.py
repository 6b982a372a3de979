"""A SAM of random weights that runs in milliseconds, made so that its masks differ from point to
point, and the authors' own functions to compare with."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

from napari_ncut.sam import SamSegmenter
from napari_ncut.sam.network import SamNetwork

SIDE, WIDTH = 128, 32


@lru_cache
def tiny_sam(seed: int = 2) -> Any:
    """Of the authors' classes: windows and all cells, relative positions, two decoder layers."""
    torch.manual_seed(seed)
    grid = SIDE // 16
    sam = Sam(
        ImageEncoderViT(
            img_size=SIDE,
            patch_size=16,
            embed_dim=32,
            depth=3,
            num_heads=2,
            out_chans=WIDTH,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=3,
            global_attn_indexes=(1,),
        ),
        PromptEncoder(
            embed_dim=WIDTH,
            image_embedding_size=(grid, grid),
            input_image_size=(SIDE, SIDE),
            mask_in_chans=16,
        ),
        MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=64, num_heads=8),
            transformer_dim=WIDTH,
            iou_head_depth=3,
            iou_head_hidden_dim=32,
        ),
    )
    generator = torch.Generator().manual_seed(seed)
    decoder = sam.mask_decoder
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        for parameter in decoder.parameters():
            if parameter.ndim > 1:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(1.5 * noise / parameter[0].numel() ** 0.5)
        for name, parameter in sam.prompt_encoder.named_parameters():
            if "embed" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        # Cells near a point heed it, and masks are where they do.
        for layer in decoder.transformer.layers:
            attention = layer.cross_attn_image_to_token
            attention.q_proj.weight.mul_(2)
            attention.k_proj.weight.copy_(attention.q_proj.weight)
            attention.v_proj.weight.mul_(2)
            attention.out_proj.weight.mul_(2)
        for network in decoder.output_hypernetworks_mlps:
            network.layers[-1].bias.sub_(1)
        head = decoder.iou_prediction_head.layers[-1]
        head.weight.mul_(0.05)
        head.bias.fill_(0.85)
    return sam.eval().requires_grad_(False)


def patches(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A color image of patches and noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 128, (height // 24 + 1, width // 24 + 1, 3))
    image = np.kron(coarse, np.ones((24, 24, 1)))[:height, :width]
    return (image + random.integers(0, 120, image.shape)).astype(np.uint8)


@pytest.fixture
def sam() -> Any:
    return tiny_sam()


@pytest.fixture
def segmenter(sam: Any) -> SamSegmenter:
    return SamSegmenter(SamNetwork(sam), precision="float32")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as SAM's authors write them."""
    path = tmp_path_factory.mktemp("sam") / "sam_tiny.pth"
    torch.save(tiny_sam().state_dict(), path)
    return path
