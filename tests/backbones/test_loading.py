"""What a network is loaded from and with, and how it is said that something does not fit."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

from napari_ncut.backbones import load_backbone
from napari_ncut.errors import InputError

DINO = "timm:vit_small_patch16_224.dino"


@pytest.fixture
def dino(tiny, networks):
    return tiny(*networks["dino"])


def features(backbone, noise):
    (maps,) = backbone.features([noise(48, 32)], backbone.stride or 16)
    return maps


# ------------------------------------------------------------------------------------- the weights


def test_a_missing_file_is_named(dino, tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*nowhere\.pth"):
        load_backbone(DINO, checkpoint=tmp_path / "nowhere.pth", architecture=dino.architecture)


def test_no_code_of_a_file_is_run(dino, tmp_path):
    class Mischief:
        def __reduce__(self):
            return (tmp_path.joinpath("done").touch, ())

    path = tmp_path / "mischief.pth"
    torch.save({"state_dict": {"norm.weight": torch.ones(3)}, "epoch": Mischief()}, path)
    with pytest.raises(InputError, match=r"mischief\.pth holds more than weights"):
        load_backbone(DINO, checkpoint=path, architecture=dino.architecture)
    assert not (tmp_path / "done").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "done").exists()  # it would have


def test_a_plain_pickle_is_refused(dino, tmp_path):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"weight": np.ones(3)}, protocol=2))
    with pytest.raises(InputError, match=r"weights\.pkl"):
        load_backbone(DINO, checkpoint=path, architecture=dino.architecture)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": 4}, r"Not in the file: blocks\.3\.norm1\.weight"),
        ({"depth": 4}, "the file has 3 blocks of width 32, the network 4 blocks of width 32"),
        ({"embed_dim": 64}, r"Of another shape: cls_token \(1×1×32, here 1×1×64\)"),
    ],
)
def test_weights_of_another_size_are_accounted_for(change, message, dino):
    architecture = {**dino.architecture, **change}
    with pytest.raises(InputError, match=f"does not fit the network.*{message}"):
        load_backbone(DINO, checkpoint=dino.checkpoint, architecture=architecture)


def test_weights_of_a_deeper_network_are_warned_of(dino):
    architecture = {**dino.architecture, "depth": 2}
    with pytest.warns(UserWarning, match=r"has more in it .* Only in the file: blocks\.2\."):
        load_backbone(DINO, checkpoint=dino.checkpoint, architecture=architecture)


@pytest.mark.parametrize("kind", ["convnext", "sam", "resnet"])
def test_weights_of_another_architecture_are_accounted_for(kind, networks, tiny, dino):
    network = tiny(*networks[kind])
    with pytest.raises(InputError, match=r"does not fit .* tensors of the network were found"):
        load_backbone(network.name, checkpoint=dino.checkpoint, architecture=network.architecture)


def test_classifiers_are_not_needed(dino, tiny, noise):
    classifier = tiny(DINO, {**dino.architecture, "num_classes": 7})
    same = load_backbone(
        DINO, checkpoint=classifier.checkpoint, architecture=dino.architecture, device="cpu"
    )
    np.testing.assert_array_equal(features(same, noise), features(classifier.load(), noise))
    other = load_backbone(
        DINO,
        checkpoint=dino.checkpoint,
        architecture={**dino.architecture, "num_classes": 5},
        device="cpu",
    )
    np.testing.assert_array_equal(features(other, noise), features(dino.load(), noise))


@pytest.mark.parametrize("wrapper", ["teacher", "state_dict"])
def test_files_of_trainers_are_unwrapped(wrapper, dino, tmp_path, noise):
    tensors = torch.load(dino.checkpoint)
    wrapped = {f"module.backbone.{name}": tensor for name, tensor in tensors.items()}
    path = tmp_path / "checkpoint.pth"
    torch.save({wrapper: wrapped, "epoch": 100}, path)
    same = load_backbone(DINO, checkpoint=path, architecture=dino.architecture, device="cpu")
    np.testing.assert_array_equal(features(same, noise), features(dino.load(), noise))


@pytest.mark.parametrize("prefix", ["image_encoder.", "sam.image_encoder."])
def test_an_encoder_is_taken_out_of_a_whole_sam(prefix, networks, tiny, tmp_path, noise):
    network = tiny(*networks["sam"])
    tensors = torch.load(network.checkpoint)
    whole = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
    whole |= {"mask_decoder.iou_token.weight": torch.ones(1, 8)}
    path = tmp_path / "sam.pt"
    torch.save({"model_state": whole}, path)
    same = load_backbone(
        network.name, checkpoint=path, architecture=network.architecture, device="cpu"
    )
    np.testing.assert_array_equal(features(same, noise), features(network.load(), noise))


# ------------------------------------------------------------------------------------- the options


def test_options_make_the_same_backbone_again(network, noise):
    """As plain data: they are kept with what was computed."""
    entry = network.entry
    layers = [entry.layers[-1], entry.layers[0]]
    backbone = network.load(
        layer=layers,
        node="block",
        stride=2 * max(entry.strides),
        precision="float32",
        normalization=((0.4, 0.5, 0.6), (0.2, 0.2, 0.3)),
    )
    options = json.loads(json.dumps(backbone.options))
    again = load_backbone(network.name, device="cpu", **options)
    assert again.options == {**backbone.options, **options}
    first, second = (one.features([noise(70, 40)], one.stride)[0] for one in (backbone, again))
    np.testing.assert_array_equal(first, second)
    assert first.shape[:2] != network.load().features([noise(70, 40)], 16)[0].shape[:2]


@pytest.mark.parametrize("layer", ["0, 2", [0, 2], ["block 0", -1], "block 0, block 2", (0, "2")])
def test_several_layers_may_be_given_in_many_ways(layer, dino):
    assert dino.load(layer=layer).options["layer"] == [0, 2]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"layer": 3}, "Layer 3 .* Give an index from 0 to 2"),
        ({"layer": "block 7"}, "Did you mean 'block 2'|Choose one of: block 0"),
        ({"layer": [1, 1]}, "several different"),
        ({"layer": []}, "Give one, or several different"),
        ({"layer": "1, two"}, "Unknown layer of .* 'two'"),
        ({"node": "keys"}, "Unknown node of .* Choose one of: block, attn, mlp, q, k, v"),
        ({"stride": 5}, "Stride 5 .* Give 16, a multiple, or a whole fraction of it"),
        ({"stride": 0}, "Stride 0 "),
        ({"stride": -16}, "Stride -16 "),
        ({"stride": 8.0}, "Stride 8.0 "),
        ({"stride": True}, "Stride True "),
        ({"stride": 1}, "256 passes over every image. Give 2 or more"),
        ({"refine": "denser"}, "Unknown refinement 'denser'. Choose one of: shift, dense"),
        ({"precision": "float64"}, "Unknown precision 'float64'. .* bfloat16"),
        ({"device": "gpu"}, "Device 'gpu' cannot be used"),
        ({"device": "cuda:99"}, "Device 'cuda:99' cannot be used"),
        ({"device": 3}, "Device 3 cannot be used"),
        ({"normalization": "imagnet"}, "Did you mean 'imagenet'"),
        ({"normalization": ((0.5,), (0.5,))}, "with 3 numbers each"),
        ({"normalization": ((0, 0, 0), (1, 0, 1))}, "deviations above 0"),
        ({"normalization": 0.5}, "Give one of imagenet"),
    ],
)
def test_options_that_do_not_fit_are_explained(option, message, dino):
    options = {"checkpoint": dino.checkpoint, "architecture": dino.architecture, **option}
    with pytest.raises(InputError, match=message):
        load_backbone(DINO, **options)


@pytest.mark.parametrize(
    ("name", "architecture", "message"),
    [
        (DINO, {"depht": 3}, "timm cannot build .*depht"),
        (DINO, {"embed_dim": 33, "num_heads": 2}, "timm cannot build"),
        (DINO, {"norm_layer": torch.nn.LayerNorm}, "names to numbers and texts"),
        (DINO, 3, "names to numbers and texts"),
        ("torchvision:squeezenet1_0", {"depth": 3}, "torchvision cannot build"),
        ("sam:vit_b", {"blocks": 3}, "No encoder of SAM can be built"),
        ("filterbank", {"depth": 3}, "filterbank is no network"),
    ],
)
def test_architectures_that_cannot_be_built_are_explained(name, architecture, message):
    with pytest.raises(InputError, match=message):
        load_backbone(name, architecture=architecture, checkpoint="weights.pth")


@pytest.mark.parametrize(
    "option",
    [{"refine": "shift"}, {"precision": "float32"}, {"normalization": "none"}],
    ids=str,
)
def test_filters_have_no_options_of_networks(option):
    with pytest.raises(InputError, match=r"filterbank has no such option, so .* Leave it out"):
        load_backbone("filterbank", **option)


@pytest.mark.parametrize("stride", [0, -1, 2.0, "8"])
def test_strides_of_a_canvas_are_whole_numbers(stride, networks, tiny):
    with pytest.raises(InputError, match="Give a whole number from 1"):
        tiny(*networks["sam"]).load(stride=stride)


def test_a_canvas_of_too_many_passes_is_refused_before_any(networks, tiny):
    """How many there are is known with the images: 1024 pixels on 8 × 8 cells."""
    backbone = tiny(*networks["sam"]).load(stride=8)
    assert backbone.passes(8, [(512, 300)]) == 64
    with pytest.raises(InputError, match=r"256 passes over every image\. Give 16 or more"):
        backbone.stride_for([(300, 1024)])


# ---------------------------------------------------------------------------- how it is computed


def test_half_precision_gives_nearly_the_same(network, noise):
    plane = noise(64, 48)
    full = network.load(precision="float32")
    stride = full.stride_for([plane.shape[:2]])
    (expected,) = full.features([plane], stride)
    (found,) = network.load(precision="bfloat16").features([plane], stride)
    assert found.dtype == np.float32
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert 0 < error < 0.03


def n_hooks(module):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules())


def test_no_hooks_are_left(network, noise, monkeypatch):
    for node in network.entry.nodes:
        backbone = network.load(node=node)
        module = backbone.network.module
        stride = backbone.stride_for([(32, 32)])
        steps = backbone.feature_steps([noise(32, 32)], stride)
        next(steps)
        assert not torch.is_inference_mode_enabled()
        steps.close()
        backbone.features([noise(32, 32)], stride)
        assert n_hooks(module) == 0
    # nor where it fails

    def fail(*_):
        raise RuntimeError("broken")

    for part in module.modules():
        if not list(part.children()):
            monkeypatch.setattr(part, "forward", fail)
    with pytest.raises(RuntimeError, match="broken"):
        backbone.features([noise(32, 32)], stride)
    assert n_hooks(module) == 0
    assert not torch.is_inference_mode_enabled()
