"""Networks that somebody trained, from files at hand, through the whole job: load, cut, click."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from napari_ncut import Embedding, PromptSegmenter, embed, load_backbone

SORREL = 339  # ImageNet's class of such horses


@dataclass(frozen=True)
class Trained:
    """A network with its file, and how well it does.

    Attributes
    ----------
    size, sorrel
        Pixels of the images it was trained on, and where the class stands in its answer.
    first, among_five
        In how many of 60 images the class is found, three or four fewer than measured.
    overlap
        Mean intersection over union of horses after two clicks each, some 0.05 below what was
        measured.
    """

    name: str
    file: str
    options: dict[str, Any] = field(hash=False)
    size: int
    sorrel: int
    first: int
    among_five: int
    overlap: float

    def load(self, root: Path, **options: Any) -> Any:
        file = root / "models" / self.file
        return load_backbone(self.name, checkpoint=file, device="cpu", **self.options, **options)


NETWORKS = [
    # measured: 25 and 31 of 60, 0.74
    Trained(
        "torchvision:squeezenet1_0",
        "squeezenet1_0_imagenet/squeezenet1_0_fp16.npz",
        {"normalization": "caffe"},
        size=227,
        sorrel=SORREL,
        first=21,
        among_five=27,
        overlap=0.68,
    ),
    # measured: 33 and 48 of 60, 0.68
    Trained(
        "timm:mobilenetv2_100",
        "mobilenetv2_imagenet/mobilenetv2_1.0_int8.npz",
        {"normalization": "inception", "architecture": {"num_classes": 1001, "pad_type": "same"}},
        size=224,
        sorrel=SORREL + 1,
        first=29,
        among_five=44,
        overlap=0.63,
    ),
]
trained = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


def horses(root: Path, count: int = 60) -> list[tuple[np.ndarray, np.ndarray]]:
    """RGB images of 0 to 255 and masks."""
    folder = root / "data" / "weizmann_horses"
    pairs = []
    for path in sorted((folder / "images").iterdir())[:count]:
        image = np.asarray(Image.open(path).convert("RGB"))
        mask = np.asarray(Image.open(folder / "masks" / f"{path.stem}.png").convert("L")) > 127
        pairs.append((image, mask))
    return pairs


def deepest(mask: np.ndarray) -> tuple[int, ...]:
    """Where a person would click: farthest from the border of the mask and of the image."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.unravel_index(np.argmax(depth), mask.shape)


def overlap(found: np.ndarray, mask: np.ndarray) -> float:
    return (found & mask).sum() / (found | mask).sum()


@trained
def test_classes_are_told_as_by_their_authors(network, data_root):
    """By the module and the normalization of the backbone, so that both must be right."""
    network_of = network.load(data_root).network
    size = (network.size, network.size)
    images = [
        np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), np.float32) / 255
        for image, _ in horses(data_root)
    ]
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        best = network_of.module(network_of.normalization(batch)).topk(5).indices
    assert (best[:, 0] == network.sorrel).sum() >= network.first
    assert (best == network.sorrel).any(dim=1).sum() >= network.among_five


@trained
def test_horses_are_cut_out_by_two_clicks(network, data_root):
    backbone = network.load(data_root)
    overlaps = []
    for image, mask in horses(data_root, 6):
        embedding = embed(image, axes="YXS", backbone=backbone, n_components=3)
        assert embedding.stride == 16
        clicks = [deepest(mask), deepest(~mask)]
        found = PromptSegmenter(embedding).predict(clicks, [True, False], method="tutorial")
        overlaps.append(overlap(found.reshape(mask.shape), mask))
    assert np.mean(overlaps) > network.overlap


@trained
def test_kept_embeddings_take_further_images(network, data_root, tmp_path):
    """What was kept names the file, the normalization and the architecture to load again."""
    (first, mask), (second, _) = horses(data_root, 2)
    embedding = embed(first, axes="YXS", backbone=network.load(data_root), n_components=3)
    embedding.save(tmp_path / "horse.npz")
    kept = Embedding.load(tmp_path / "horse.npz")
    np.testing.assert_array_equal(kept.vectors, embedding.vectors)
    assert kept.recipe["checkpoint"] == str(data_root / "models" / network.file)
    click = [deepest(mask)]
    before, after = (
        PromptSegmenter(one).predict(click, method="tutorial") for one in (embedding, kept)
    )
    # Edges are followed in images that were kept at 8 bits.
    assert (before != after).mean() < 1e-3
    again, further = kept.transform(first), kept.transform(second)
    np.testing.assert_allclose(again.vectors, embedding.vectors, atol=1e-6)
    np.testing.assert_array_equal(further.vectors, embedding.transform(second).vectors)
    assert further.eigenvectors.shape[1:3] == tuple(-(-n // 16) for n in second.shape[:2])
    assert further.vectors.std(axis=0)[1:].min() > 0.01 * embedding.vectors.std()
