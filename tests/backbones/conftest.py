"""Networks of every kind, small enough to run in milliseconds, with weights that are all at work.

A network is a name and an architecture, as users give them, and a file of random weights. The
folder's tests take them from the fixtures `network` (each of them) and `tiny` (any other).
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_ncut.backbones import Backbone, BackboneEntry, load_backbone

VIT = {"embed_dim": 32, "depth": 3, "num_heads": 2}
SAM = {**VIT, "window_size": 3, "global_attn_indexes": [1]}
STAGES = {"depths": [1, 1, 2, 1], "dims": [8, 16, 24, 32]}

NETWORKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "dino": ("timm:vit_small_patch16_224.dino", {**VIT, "img_size": 64}),
    "dinov2": ("timm:vit_small_patch14_dinov2.lvd142m", {**VIT, "img_size": 56}),
    "dinov2-registers": ("timm:vit_small_patch14_reg4_dinov2.lvd142m", {**VIT, "img_size": 56}),
    "dinov3": ("timm:vit_small_patch16_dinov3.lvd1689m", VIT),
    "dinov3-convnext": ("timm:convnext_tiny.dinov3_lvd1689m", STAGES),
    "mae": ("timm:vit_base_patch16_224.mae", {**VIT, "img_size": 64}),
    "clip": ("timm:vit_base_patch16_clip_224.openai", {**VIT, "img_size": 64}),
    "siglip": ("timm:vit_base_patch16_siglip_224.v2_webli", {**VIT, "img_size": 64}),
    "samvit": ("timm:samvit_base_patch16.sa1b", {**SAM, "img_size": 128, "neck_chans": 8}),
    "convnext": ("timm:convnext_tiny.fb_in22k", STAGES),
    "timm-resnet": (
        "timm:resnet18",
        {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16], "stem_width": 8},
    ),
    # two whose canvas is fixed
    "beit": ("timm:beit_base_patch16_224", {**VIT, "img_size": 64}),
    "timm-swin": (
        "timm:swin_tiny_patch4_window7_224",
        {"img_size": 64, "window_size": 2, "embed_dim": 8, "depths": [2, 1, 1, 1],
         "num_heads": [1, 2, 2, 2]},
    ),
    "sam": ("sam:vit_b", {**SAM, "img_size": 128, "out_chans": 8}),
    "resnet": ("torchvision:resnet18", {}),
    "squeezenet": ("torchvision:squeezenet1_0", {}),
    "torchvision-vit": ("torchvision:vit_b_16", {"image_size": 64}),
    "torchvision-swin": ("torchvision:swin_t", {"num_classes": 2}),
    "segmentation": ("torchvision:lraspp_mobilenet_v3_large", {"num_classes": 2}),
}  # fmt: skip

# torchvision lets nobody choose the sizes of its transformers.
NARROW: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "torchvision-vit": (
        "torchvision.models.vision_transformer.VisionTransformer",
        {"hidden_dim": 32, "num_layers": 3, "num_heads": 2, "mlp_dim": 64},
    ),
    "torchvision-swin": (
        "torchvision.models.swin_transformer.SwinTransformer",
        {"embed_dim": 8, "depths": [2, 1, 1, 1], "num_heads": [1, 2, 2, 2]},
    ),
}


@dataclass(frozen=True)
class Tiny:
    """A network of a family with a file of random weights for it."""

    name: str
    architecture: Mapping[str, Any]
    checkpoint: Path

    @cached_property
    def entry(self) -> BackboneEntry:
        return family(self.name).describe(self.name, dict(self.architecture))

    def load(self, **options: Any) -> Backbone:
        return load_backbone(
            self.name,
            checkpoint=self.checkpoint,
            architecture=self.architecture,
            device="cpu",
            **options,
        )


def family(name: str) -> Any:
    return importlib.import_module(f"napari_ncut.backbones.families.{name.partition(':')[0]}")


def randomized(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """A network in which no tensor is as it was made.

    Layer scales of 1e-5, biases and tables of zeros would hide whether they are used.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name not in tensors or not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(1 + 0.5 * noise.tanh())
            elif tensor.ndim > 1 and name.endswith("weight"):
                tensor.copy_(noise * tensor[0].numel() ** -0.5)
            elif tensor.ndim > 1:
                tensor.copy_(0.5 * noise)
            elif name.endswith(("bias", "running_mean")):
                tensor.copy_(0.2 * noise)
            elif name.endswith(("weight", "gamma", "gamma_1", "gamma_2")):
                tensor.copy_(1 + 0.2 * noise)
    return module.eval()


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> Iterator[None]:
    # On tensors as small as these, two threads do nothing but wait for each other.
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Tiny]]:
    """Makes a `Tiny` of a name and an architecture; of the same ones, once."""
    folder = tmp_path_factory.mktemp("checkpoints")
    made: dict[str, Tiny] = {}

    def make(name: str, architecture: Mapping[str, Any] | None = None) -> Tiny:
        key = f"{name} {architecture}"
        if key not in made:
            # SAM's are known by their whole name
            bare = name if name.startswith("sam:") else name.partition(":")[2]
            module = randomized(family(name).build(bare, dict(architecture or {})))
            path = folder / f"{len(made)}.pth"
            torch.save(module.state_dict(), path)
            made[key] = Tiny(name, architecture or {}, path)
        return made[key]

    yield make
    shutil.rmtree(folder)  # pytest would keep gigabytes of several sessions


@pytest.fixture(params=NETWORKS)
def network(
    request: pytest.FixtureRequest, tiny: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch
) -> Tiny:
    """One network of each kind."""
    if request.param in NARROW:
        path, sizes = NARROW[request.param]
        module, _, name = path.rpartition(".")
        original = getattr(importlib.import_module(module), name)
        monkeypatch.setattr(path, lambda **options: original(**{**options, **sizes}))
    return tiny(*NETWORKS[request.param])


@pytest.fixture(scope="session")
def networks() -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """Names and architectures of all kinds, by what the kind is called here."""
    return NETWORKS


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Makes a plane (height, width, channels) of uniform noise in [0, 1)."""

    def make(height: int, width: int, n_channels: int = 3, seed: int = 0) -> np.ndarray:
        shape = (height, width, n_channels)
        return np.random.default_rng(seed).random(shape, dtype=np.float32)

    return make
