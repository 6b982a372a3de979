"""What is written down of networks is what their libraries say and what counting finds."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from napari_ncut.backbones import BACKBONES, backbone_entry, list_networks, load_backbone
from napari_ncut.backbones.families import family_of
from napari_ncut.errors import InputError

LIBRARIES = [name for name in BACKBONES if name.startswith(("timm:", "torchvision:"))]
SAM = [name for name in BACKBONES if name.startswith("sam:")]
NEAR = 0.03


def assert_alike(cost, counted):
    assert cost.linear == pytest.approx(counted.linear, rel=NEAR)
    assert cost.quadratic == pytest.approx(counted.quadratic, rel=NEAR)
    assert cost.memory == pytest.approx(counted.memory, rel=NEAR)


@pytest.mark.parametrize("name", LIBRARIES)
def test_entries_are_what_the_library_says(name):
    entry, found = BACKBONES[name], family_of(name).describe(name, {})
    for attribute in ("layers", "strides", "canvas", "fits_canvas", "license", "source", "builder"):
        assert getattr(entry, attribute) == getattr(found, attribute), attribute
    assert list(entry.nodes.items()) == list(found.nodes.items())
    for attribute in ("name", "url", "license", "source", "hash", "hash_source"):
        assert getattr(entry.weights, attribute) == getattr(found.weights, attribute), attribute
    assert entry.size == pytest.approx(found.size, rel=NEAR)
    assert_alike(entry.cost, found.cost)


@pytest.mark.parametrize("name", SAM)
def test_entries_of_sam_are_what_its_encoders_are(name):
    from segment_anything import sam_model_registry

    sam = family_of(name)
    entry, kind = BACKBONES[name], name.removeprefix("sam:")[:5]
    # Given in full, an architecture is counted rather than looked up.
    found = sam.describe(name, sam.ENCODERS[kind])
    assert entry.layers == found.layers
    assert entry.strides == found.strides
    assert entry.canvas == found.canvas
    assert_alike(entry.cost, found.cost)
    with torch.device("meta"):
        whole = sam_model_registry[kind]()
    assert entry.size == pytest.approx(4 * sum(p.numel() for p in whole.parameters()), rel=NEAR)
    for i, block in enumerate(whole.image_encoder.blocks):
        is_global = i in sam.ENCODERS[kind]["global_attn_indexes"]
        assert (block.window_size == 0) == is_global


def test_every_entry_says_what_a_person_asks():
    for name, entry in BACKBONES.items():
        assert entry.name == name
        assert entry.summary.endswith(".")
        assert entry.title
        assert entry.license
        assert entry.source
        assert len(entry.layers) == len(set(entry.layers))
        assert entry.default_node in entry.nodes
        if entry.weights is not None:
            assert len(entry.strides) == len(entry.layers)
            assert entry.strides[entry.default_layer] <= 16
            assert entry.weights.url.startswith("https://")
    assert len({entry.title for entry in BACKBONES.values()}) == len(BACKBONES)
    files = [entry.weights.name for entry in BACKBONES.values() if entry.weights]
    assert len(set(files)) == len(files)


def test_the_catalog_is_shown_without_the_libraries():
    code = """
import sys
from napari_ncut.backbones import BACKBONES, backbone_entry, list_backbones
for name in list_backbones():
    entry = backbone_entry(name)
    entry.choose_stride([(1000, 700)]), entry.layer_indices(None), entry.unavailable_because
    entry.check_stride(None)
assert len(BACKBONES) > 30
loaded = {"torch", "torchvision", "timm", "segment_anything", "cv2"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_any_network_of_timm_is_a_backbone():
    entry = backbone_entry("timm:resnet18")
    assert entry.layers == tuple(f"stage {i} (1/{2 ** (i + 1)})" for i in range(5))
    assert entry.default_layer == 3
    assert entry.weights.name == "resnet18.a1_in1k.safetensors"
    assert entry.weights.url.startswith("https://huggingface.co/timm/resnet18.a1_in1k/resolve/")
    # 1.8 billions of multiplications and additions for 224 × 224 pixels, as its paper says
    assert entry.cost.operations(224**2 / 1e6) == pytest.approx(2 * 1.8, rel=0.03)
    # blocks that are stages
    assert backbone_entry("timm:twins_pcpvt_small").layers[2] == "stage 2 (1/16)"


def test_any_network_of_torchvision_is_a_backbone():
    entry = backbone_entry("torchvision:vgg11")
    assert entry.layers[-1] == "features.20 (1/32)"
    assert entry.weights.name == "vgg11-8a719046.pth"
    assert entry.weights.hash == "sha256:8a719046"
    # 132,863,336 parameters, as its page says
    assert entry.weights.size == 4 * 132_863_336


def test_networks_are_listed_by_family():
    assert list_networks("sam") == SAM
    for family in ("timm", "torchvision"):
        names = list_networks(family)
        assert len(set(names)) == len(names) > 80
        assert {name for name in LIBRARIES if name.startswith(f"{family}:")} <= set(names)
    with pytest.raises(InputError, match="Choose one of: sam, timm, torchvision"):
        list_networks("tim")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vit_small_patch16_224.dino", "Did you mean 'timm:vit_small_patch16_224.dino'"),
        ("resnet18", 'give any network by its name, or "timm:" and a name'),
        ("tim:resnet18", 'or "torchvision:" and a name'),
        (3, "Unknown backbone 3"),
        ("timm:resnet81", "has no network 'resnet81'. Did you mean: resnet18"),
        ("timm:vit_small_patch16_224.dinov9", r"Did you mean: .*vit_small_patch16_224\.dino\?"),
        ("timm:", "has no network ''"),
        ("torchvision:resnet81", "Did you mean 'resnet18'"),
        ("sam:vit_x", "Choose one of: sam:vit_b, sam:vit_l"),
        ("torchvision:maxvit_t", "does not take images of 256 × 256 .* may be had through timm"),
    ],
)
def test_wrong_names_are_refused_with_those_like_them(name, message):
    with pytest.raises(InputError, match=message):
        backbone_entry(name)
    with pytest.raises(InputError, match=message):
        load_backbone(name)


def test_networks_without_released_weights_say_so():
    assert backbone_entry("timm:darknet17").weights is None
    with pytest.raises(InputError, match="no pretrained weights"):
        load_backbone("timm:darknet17")
