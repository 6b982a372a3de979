"""The recommended backbones, as data.

What is said of a network here is what `describe` of its family counts and timm or torchvision
state; a test holds it against them. It is written down so that a window can offer the networks
without importing their libraries.
"""

from __future__ import annotations

from typing import Any

from ..weights import WeightsFile
from .cost import Cost
from .entry import BackboneEntry
from .taps import BLOCK, NODE_TYPES

_NETWORK = "napari_ncut.backbones.network:NetworkBackbone"
_IMAGENET_LICENSE = "BSD-3-Clause (code); trained on ImageNet"


def _nodes(*names: str) -> dict[str, str]:
    return {name: NODE_TYPES[name] for name in names}


def _timm(
    name: str,
    title: str,
    summary: str,
    *,
    megabytes: float,
    license: str,
    cost: tuple[float, float, float],
    depth: int = 0,
    patch: int = 0,
    stages: tuple[int, ...] = (),
) -> BackboneEntry:
    """A network of timm: a transformer of `depth` blocks, or one with stages of some strides."""
    hub = f"https://huggingface.co/timm/{name}"
    return BackboneEntry(
        name=f"timm:{name}",
        title=title,
        summary=summary,
        builder=_NETWORK,
        layers=tuple(f"block {i}" for i in range(depth))
        or tuple(f"stage {i} (1/{stride})" for i, stride in enumerate(stages)),
        nodes=_nodes(*NODE_TYPES) if depth else _nodes(BLOCK),
        strides=(patch,) * depth or stages,
        weights=WeightsFile(
            name=f"{name}.safetensors",
            url=f"{hub}/resolve/main/model.safetensors",
            size=round(megabytes * 1e6),
            license=license,
            source=hub,
        ),
        license=license,
        source=hub,
        cost=Cost(*cost),
    )


def _sam(
    name: str,
    title: str,
    summary: str,
    *,
    url: str,
    file: str = "",
    megabytes: float,
    depth: int,
    cost: tuple[float, float, float],
    license: str = "Apache-2.0",
    source: str = "https://github.com/facebookresearch/segment-anything",
    hash: str = "",
    hash_source: str = "",
) -> BackboneEntry:
    """An image encoder of SAM, which takes a square of 1024 pixels."""
    return BackboneEntry(
        name=f"sam:{name}",
        title=title,
        summary=summary,
        builder=_NETWORK,
        layers=tuple(f"block {i}" for i in range(depth)),
        nodes=_nodes("attn", BLOCK, "mlp", "q", "k", "v"),
        strides=(16,) * depth,
        canvas=1024,
        fits_canvas=True,
        weights=WeightsFile(
            name=file or url.rpartition("/")[2],
            url=url,
            size=round(megabytes * 1e6),
            license=license,
            source=source,
            hash=hash,
            hash_source=hash_source,
        ),
        license=license,
        source=source,
        cost=Cost(*cost),
    )


def _torchvision(
    name: str,
    title: str,
    summary: str,
    *,
    file: str,
    megabytes: float,
    layers: tuple[tuple[str, int], ...],
    cost: tuple[float, float, float],
) -> BackboneEntry:
    """A convolutional network of torchvision, whose file's name ends with digits of its hash."""
    page = "https://docs.pytorch.org/vision/stable/models.html"
    return BackboneEntry(
        name=f"torchvision:{name}",
        title=title,
        summary=summary,
        builder=_NETWORK,
        layers=tuple(f"{path} (1/{stride})" for path, stride in layers),
        nodes=_nodes(BLOCK),
        strides=tuple(stride for _, stride in layers),
        weights=WeightsFile(
            name=file,
            url=f"https://download.pytorch.org/models/{file}",
            size=round(megabytes * 1e6),
            license=_IMAGENET_LICENSE,
            source=page,
            hash=f"sha256:{file.rpartition('-')[2].partition('.')[0]}",
            hash_source="https://docs.pytorch.org/docs/stable/hub.html",
        ),
        license=_IMAGENET_LICENSE,
        source=page,
        cost=Cost(*cost),
    )


def _features(strides: tuple[int, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((f"features.{i}", stride) for i, stride in enumerate(strides))


# Blocks, patch and cost of transformers of a size, whatever they were trained on.
_S8: dict[str, Any] = {"depth": 12, "patch": 8, "cost": (666.5, 4500, 3.56e8)}
_S14: dict[str, Any] = {"depth": 12, "patch": 14, "cost": (219.2, 479.8, 1.77e8)}
_S16: dict[str, Any] = {"depth": 12, "patch": 16, "cost": (168.4, 281.2, 1.57e8)}
_S16_ROTARY: dict[str, Any] = {"depth": 12, "patch": 16, "cost": (169.1, 281.2, 1.65e8)}
_B8: dict[str, Any] = {"depth": 12, "patch": 8, "cost": (2660, 9000, 8.57e8)}
_B14: dict[str, Any] = {"depth": 12, "patch": 14, "cost": (871.8, 959.6, 4.96e8)}
_B16: dict[str, Any] = {"depth": 12, "patch": 16, "cost": (668.6, 562.5, 4.6e8)}
_L14: dict[str, Any] = {"depth": 24, "patch": 14, "cost": (3089, 2559, 1.36e9)}
_L16: dict[str, Any] = {"depth": 24, "patch": 16, "cost": (2367, 1500, 1.32e9)}

_SAM_B: dict[str, Any] = {"megabytes": 375, "depth": 12, "cost": (920.9, 0, 2.69e9)}
_SAM_L: dict[str, Any] = {"megabytes": 1250, "depth": 24, "cost": (2841, 0, 4.3e9)}
_SAM_H: dict[str, Any] = {"megabytes": 2565, "depth": 32, "cost": (5678, 0, 5.55e9)}

_APACHE, _DINOV3, _MAE = "apache-2.0", "dinov3-license", "cc-by-nc-4.0"

# Where hashes are stated: for Meta's files the first micro-sam, whose later versions state those of
# its own files.
_MICRO_SAM = "https://github.com/computational-cell-analytics/micro-sam"
_FIRST_MICRO_SAM = f"{_MICRO_SAM}/blob/00006fc6a86d4f6888f7ef333cf070987ffabb51/micro_sam/util.py"
_META = "https://dl.fbaipublicfiles.com/segment_anything"
_ZOO = "https://uk1s3.embassy.ebi.ac.uk/public-datasets/bioimage.io"

FILTERBANK = BackboneEntry(
    name="filterbank",
    title="Filter bank",
    summary="Color, edges and texture at four scales. No weights, no download, any image.",
    builder="napari_ncut.backbones.filterbank:FilterBank",
    layers=("σ ≤ 1 px", "σ ≤ 2 px", "σ ≤ 4 px", "σ ≤ 8 px"),
    nodes={
        "all": "color, edges and texture together",
        "color": "smoothed intensities only: phases and stains",
        "edge": "gradient and Laplacian only: outlines",
        "texture": "structure tensor and local contrast only: grain and roughness",
    },
    preparation="standardize",
    license="BSD-3-Clause",
    source="scikit-image and SciPy filters",
    seconds_per_megapixel=1.1,
)

COMPACT = BackboneEntry(
    name="compact",
    title="Compact",
    summary="Our own small network: kinds of things and where they end. No download, any image.",
    builder="napari_ncut.backbones.compact:Compact",
    layers=("cells of 2 px", "cells ≤ 4 px", "cells ≤ 8 px", "cells ≤ 16 px"),
    nodes={
        "kind": "embedding whose distances tell kinds apart: phases and types of things",
        "segment": "embedding whose distances tell segments apart: things that touch",
        "pyramid": "features of all scales, as boundaries are found by",
    },
    layered=("pyramid",),
    # Whatever the backbone, kinds are evidence of things: the features shall add to them.
    object_node="pyramid",
    preparation="l2",
    license="BSD-3-Clause; trained on data described in the model card",
    source="napari-ncut, trained from nothing",
    seconds_per_megapixel=1.1,
    inside=3_300_000,
    own_options=("checkpoint",),
)

DINO = (
    _timm(
        "vit_small_patch16_224.dino",
        "DINO ViT-S/16",
        "DINO: parts and objects without labels. Small and quick, where to begin.",
        megabytes=86.7, license=_APACHE, **_S16,
    ),
    _timm(
        "vit_small_patch8_224.dino",
        "DINO ViT-S/8",
        "DINO with patches of 8 pixels: finer borders, sixteen times the attention.",
        megabytes=86.7, license=_APACHE, **_S8,
    ),
    _timm(
        "vit_base_patch16_224.dino",
        "DINO ViT-B/16",
        "DINO, larger: a little better at telling objects apart.",
        megabytes=343, license=_APACHE, **_B16,
    ),
    _timm(
        "vit_base_patch8_224.dino",
        "DINO ViT-B/8",
        "DINO, larger, patches of 8 pixels: what localization papers use.",
        megabytes=343, license=_APACHE, **_B8,
    ),
    _timm(
        "vit_small_patch14_dinov2.lvd142m",
        "DINOv2 ViT-S/14",
        "DINOv2: what things are, over very different images.",
        megabytes=88.2, license=_APACHE, **_S14,
    ),
    _timm(
        "vit_base_patch14_dinov2.lvd142m",
        "DINOv2 ViT-B/14",
        "DINOv2, larger.",
        megabytes=346, license=_APACHE, **_B14,
    ),
    _timm(
        "vit_large_patch14_dinov2.lvd142m",
        "DINOv2 ViT-L/14",
        "DINOv2, much larger: for a GPU.",
        megabytes=1217, license=_APACHE, **_L14,
    ),
    _timm(
        "vit_small_patch14_reg4_dinov2.lvd142m",
        "DINOv2 ViT-S/14, registers",
        "DINOv2 with registers: without the bright specks in plain background.",
        megabytes=88.2, license=_APACHE, **_S14,
    ),
    _timm(
        "vit_base_patch14_reg4_dinov2.lvd142m",
        "DINOv2 ViT-B/14, registers",
        "DINOv2 with registers, larger.",
        megabytes=346, license=_APACHE, **_B14,
    ),
    _timm(
        "vit_large_patch14_reg4_dinov2.lvd142m",
        "DINOv2 ViT-L/14, registers",
        "DINOv2 with registers, much larger: for a GPU.",
        megabytes=1217, license=_APACHE, **_L14,
    ),
    _timm(
        "vit_small_patch16_dinov3.lvd1689m",
        "DINOv3 ViT-S/16",
        "DINOv3: clean dense features at any size of image. License of its own.",
        megabytes=86.4, license=_DINOV3, **_S16_ROTARY,
    ),
    _timm(
        "vit_base_patch16_dinov3.lvd1689m",
        "DINOv3 ViT-B/16",
        "DINOv3, larger. License of its own.",
        megabytes=343, license=_DINOV3, **_B16,
    ),
    _timm(
        "vit_large_patch16_dinov3.lvd1689m",
        "DINOv3 ViT-L/16",
        "DINOv3, much larger: for a GPU. License of its own.",
        megabytes=1212, license=_DINOV3, **_L16,
    ),
    _timm(
        "convnext_tiny.dinov3_lvd1689m",
        "DINOv3 ConvNeXt-T",
        "DINOv3 in a convolutional network: quick on large images. License of its own.",
        megabytes=111, license=_DINOV3, stages=(4, 8, 16, 32), cost=(177.6, 0, 2.77e8),
    ),
)  # fmt: skip

OTHERS = (
    _timm(
        "vit_base_patch16_224.mae",
        "MAE ViT-B/16",
        "Masked autoencoder: texture and appearance. Not for commercial use.",
        megabytes=343, license=_MAE, **_B16,
    ),
    _timm(
        "vit_large_patch16_224.mae",
        "MAE ViT-L/16",
        "Masked autoencoder, larger. Not for commercial use.",
        megabytes=1213, license=_MAE, **_L16,
    ),
    _timm(
        "vit_base_patch16_clip_224.openai",
        "CLIP ViT-B/16",
        "CLIP: what a caption would say.",
        megabytes=343, license=_APACHE, **_B16,
    ),
    _timm(
        "vit_base_patch16_siglip_224.v2_webli",
        "SigLIP 2 ViT-B/16",
        "SigLIP 2: what a caption would say, with better places.",
        megabytes=372, license=_APACHE, **_B16,
    ),
    _timm(
        "samvit_base_patch16.sa1b",
        "SAM ViT-B, any size",
        "SAM's encoder at the image's own size and shape: parts and sharp borders.",
        megabytes=359, license=_APACHE, depth=12, patch=16, cost=(737.5, 174.9, 1.94e9),
    ),
    _timm(
        "samvit_large_patch16.sa1b",
        "SAM ViT-L, any size",
        "SAM's larger encoder at the image's own size and shape.",
        megabytes=1233, license=_APACHE, depth=24, patch=16, cost=(2623, 208, 3.29e9),
    ),
    _timm(
        "samvit_huge_patch16.sa1b",
        "SAM ViT-H, any size",
        "SAM's largest encoder at the image's own size and shape: for a GPU.",
        megabytes=2548, license=_APACHE, depth=32, patch=16, cost=(5427, 239, 4.54e9),
    ),
    _timm(
        "convnext_tiny.fb_in22k",
        "ConvNeXt-T",
        "ConvNeXt: a modern convolutional network, quick on large images.",
        megabytes=111, license=_APACHE, stages=(4, 8, 16, 32), cost=(177.6, 0, 2.77e8),
    ),
    _timm(
        "convnext_base.fb_in22k",
        "ConvNeXt-B",
        "ConvNeXt, larger.",
        megabytes=350, license=_APACHE, stages=(4, 8, 16, 32), cost=(612, 0, 3.72e8),
    ),
    _torchvision(
        "resnet50",
        "ResNet-50",
        "ResNet: the classic, with early layers for texture.",
        file="resnet50-0676ba61.pth",
        megabytes=102,
        layers=(
            ("conv1", 2), ("bn1", 2), ("relu", 2), ("maxpool", 4),
            ("layer1", 4), ("layer2", 8), ("layer3", 16), ("layer4", 32),
        ),
        cost=(162.9, 0, 2.08e8),
    ),
    _torchvision(
        "squeezenet1_0",
        "SqueezeNet 1.0",
        "SqueezeNet: five megabytes, the smallest download.",
        file="squeezenet1_0-b66bff10.pth",
        megabytes=5,
        layers=_features((2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 16, 16)),
        cost=(30.89, 0, 1.66e8),
    ),
)  # fmt: skip

SAM = (
    _sam(
        "vit_b",
        "SAM ViT-B",
        "SAM's encoder as its authors use it: parts and sharp borders.",
        url=f"{_META}/sam_vit_b_01ec64.pth",
        hash="sha256:ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        hash_source=_FIRST_MICRO_SAM,
        **_SAM_B,
    ),
    _sam(
        "vit_l",
        "SAM ViT-L",
        "SAM's larger encoder.",
        url=f"{_META}/sam_vit_l_0b3195.pth",
        hash="sha256:3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        hash_source=_FIRST_MICRO_SAM,
        **_SAM_L,
    ),
    _sam(
        "vit_h",
        "SAM ViT-H",
        "SAM's largest encoder: for a GPU.",
        url=f"{_META}/sam_vit_h_4b8939.pth",
        hash="sha256:a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        hash_source=_FIRST_MICRO_SAM,
        **_SAM_H,
    ),
    _sam(
        "vit_b_lm",
        "micro-sam ViT-B LM",
        "micro-sam: SAM fine-tuned on cells and nuclei in light microscopy.",
        url=f"{_ZOO}/diplomatic-bug/1.2/files/vit_b.pt",
        file="microsam_vit_b_lm_1.2.pt",
        hash="xxh128:fe9252a29f3f4ea53c15a06de471e186",
        hash_source=f"{_MICRO_SAM}/blob/master/micro_sam/util.py",
        license="CC-BY-4.0",
        source=_MICRO_SAM,
        **_SAM_B,
    ),
    _sam(
        "vit_l_lm",
        "micro-sam ViT-L LM",
        "micro-sam, larger: SAM fine-tuned on cells and nuclei in light microscopy.",
        url=f"{_ZOO}/idealistic-rat/1.2/files/vit_l.pt",
        file="microsam_vit_l_lm_1.2.pt",
        hash="xxh128:017f20677997d628426dec80a8018f9d",
        hash_source=f"{_MICRO_SAM}/blob/master/micro_sam/util.py",
        license="CC-BY-4.0",
        source=_MICRO_SAM,
        **_SAM_L,
    ),
    _sam(
        "vit_b_em_organelles",
        "micro-sam ViT-B EM",
        "micro-sam: SAM fine-tuned on organelles in electron microscopy.",
        url=f"{_ZOO}/noisy-ox/1.2/files/vit_b.pt",
        file="microsam_vit_b_em_organelles_1.2.pt",
        hash="xxh128:f3bf2ed83d691456bae2c3f9a05fb438",
        hash_source=f"{_MICRO_SAM}/blob/master/micro_sam/util.py",
        license="CC-BY-4.0",
        source=_MICRO_SAM,
        **_SAM_B,
    ),
)

ENTRIES: tuple[BackboneEntry, ...] = (COMPACT, FILTERBANK, *DINO, *SAM, *OTHERS)
