"""Features equal what hooks on the libraries' own, unmodified networks see.

Each reference is made here from the library's network alone: with a normalization, a dropping of
class and register tokens, and a joining of windows of its own.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
from segment_anything.modeling.image_encoder import window_partition, window_unpartition

from napari_ncut.backbones import extract_features, load_backbone

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def normalized(plane: np.ndarray, statistics: tuple[Any, Any] = IMAGENET) -> torch.Tensor:
    mean, std = (np.float32(numbers) for numbers in statistics)
    return torch.from_numpy((plane - mean) / std).permute(2, 0, 1)[None]


def assert_equal(features: np.ndarray, expected: torch.Tensor) -> None:
    """Equal to a hundred-thousandth of the largest value."""
    expected = expected.detach().numpy()
    assert features.shape == expected.shape
    error = np.abs(features - expected).max() / np.abs(expected).max()
    assert error < 1e-5, f"differs by {error:.2g} of the largest value"


def features_of(network, plane: np.ndarray, **options: Any) -> np.ndarray:
    """At the stride of the layer itself."""
    entry = network.entry
    stride = entry.strides[entry.layer_indices(options.get("layer"))[0]]
    return network.load(**options).features([plane], stride)[0]


def seen(run: Callable[[], object], modules: Mapping[str, torch.nn.Module]) -> dict[str, Any]:
    """What modules give while a network runs, and what they are given, as "to …"."""
    found: dict[str, Any] = {}
    handles = []
    for name, module in modules.items():

        def after(module, args, kwargs, output, name=name):
            # copied: activations may work in place
            found[name] = output[0].clone() if isinstance(output, tuple) else output.clone()
            found[f"to {name}"] = (args or tuple(kwargs.values()))[0].clone()

        handles.append(module.register_forward_hook(after, with_kwargs=True))
    with torch.no_grad():
        run()
    for handle in handles:
        handle.remove()
    return found


def timm_model(network) -> torch.nn.Module:
    """The network as timm builds it, with the same weights."""
    options = {"num_classes": 0, **network.architecture}
    name = network.name.removeprefix("timm:")
    try:
        model = timm.create_model(name, dynamic_img_size=True, **options)
    except TypeError:
        model = timm.create_model(name, **options)
    model.load_state_dict(torch.load(network.checkpoint))
    return model.eval()


def as_grid(tokens: torch.Tensor, n_prefix: int, rows: int, columns: int) -> torch.Tensor:
    tokens = tokens[0, n_prefix:]
    assert len(tokens) == rows * columns
    return tokens.reshape(rows, columns, -1)


# ----------------------------------------------------------------------------------- transformers

# Statistics of the intensities, and number of class and register tokens.
TRANSFORMERS = {
    "dino": (IMAGENET, 1),
    "dinov2": (IMAGENET, 1),
    "dinov2-registers": (IMAGENET, 5),
    "mae": (IMAGENET, 1),
    "clip": (CLIP, 1),
    "siglip": (HALF, 0),
}


@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_vision_transformer(kind, layer, networks, tiny, noise):
    network = tiny(*networks[kind])
    statistics, n_prefix = TRANSFORMERS[kind]
    model = timm_model(network)
    patch = model.patch_embed.patch_size[0]
    plane = noise(4 * patch, 6 * patch)
    block = model.blocks[layer]
    parts = {"block": block, "attn": block.ls1, "mlp": block.ls2, "qkv": block.attn.qkv}
    found = seen(lambda: model.forward_features(normalized(plane, statistics)), parts)
    found |= dict(zip("qkv", found["qkv"].chunk(3, dim=-1), strict=True))
    for node in ("block", "attn", "mlp", "q", "k", "v"):
        features = features_of(network, plane, layer=layer, node=node)
        assert_equal(features, as_grid(found[node], n_prefix, 4, 6))


def test_branches_are_what_is_added_to_the_stream(networks, tiny, noise):
    """With the layer scale of DINOv2, which is the difference between a branch and its module."""
    network = tiny(*networks["dinov2"])
    plane = noise(56, 84)
    layers = {
        node: features_of(network, plane, layer=1, node=node) for node in ("block", "attn", "mlp")
    }
    before = features_of(network, plane, layer=0)
    after = torch.from_numpy(layers["block"])
    assert_equal(before + layers["attn"] + layers["mlp"], after)
    module = timm_model(network).blocks[1].ls1
    assert (module.gamma - 1).abs().max() > 0.1


def test_position_embeddings_of_another_size_and_shape(networks, tiny, noise):
    network = tiny(*networks["dino"])
    model = timm_model(network)
    plane = noise(48, 112)
    image = normalized(plane)
    with torch.no_grad():
        patches = model.patch_embed.proj(image).flatten(2).transpose(1, 2)
        learned = model.pos_embed[:, 1:].reshape(1, 4, 4, -1).permute(0, 3, 1, 2)
        grid = torch.nn.functional.interpolate(learned, (3, 7), mode="bicubic", antialias=True)
        tokens = patches + grid.flatten(2).transpose(1, 2)
        class_token = model.cls_token + model.pos_embed[:, :1]
        stream = model.blocks(torch.cat([class_token, tokens], dim=1))
        own = model.forward_intermediates(image, indices=[2], intermediates_only=True, norm=False)
    features = features_of(network, plane, layer=2)
    assert_equal(features, as_grid(stream, 1, 3, 7))
    assert_equal(features, own[0][0].permute(1, 2, 0))


def test_rotary_embeddings(networks, tiny, noise):
    """DINOv3: a class token, four registers, and branches scaled by parameters of the block."""
    network = tiny(*networks["dinov3"])
    model = timm_model(network)
    plane = noise(48, 80)
    block = model.blocks[1]
    parts = {"block": block, "attn": block.attn, "mlp": block.mlp, "qkv": block.attn.qkv}
    found = seen(lambda: model.forward_features(normalized(plane)), parts)
    assert "qkv" in found
    found |= dict(zip("qkv", found["qkv"].chunk(3, dim=-1), strict=True))
    found["attn"] = block.gamma_1 * found["attn"]
    found["mlp"] = block.gamma_2 * found["mlp"]
    for node in ("block", "attn", "mlp", "q", "k", "v"):
        features = features_of(network, plane, layer=1, node=node)
        assert_equal(features, as_grid(found[node], 5, 3, 5))


@pytest.mark.parametrize(
    ("name", "side", "statistics"),
    [("timm:beit_base_patch16_224", 64, HALF), ("timm:eva02_tiny_patch14_224", 56, CLIP)],
)
def test_queries_and_values_with_biases_of_their_own(name, side, statistics, tiny, noise):
    """BEiT adds them to a joint projection without keys' bias; EVA-02 has three projections."""
    network = tiny(name, {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": side})
    model = timm_model(network)
    plane = noise(side, side)
    attention = model.blocks[1].attn
    image = normalized(plane, statistics)
    given = seen(lambda: model.forward_features(image), {"attn": attention})["to attn"]
    if attention.qkv is not None:
        weights = attention.qkv.weight.chunk(3)
        biases = attention.q_bias, None, attention.v_bias
    else:
        projections = attention.q_proj, attention.k_proj, attention.v_proj
        weights = [projection.weight for projection in projections]
        biases = [projection.bias for projection in projections]
    assert biases[1] is None
    for node, weight, bias in zip("qkv", weights, biases, strict=True):
        expected = given @ weight.T if bias is None else given @ weight.T + bias
        assert_equal(features_of(network, plane, layer=1, node=node), as_grid(expected, 1, 4, 4))


def test_scaled_branches_with_one_stochastic_depth(tiny, noise):
    """CaiT has no module behind the scale of a branch."""
    network = tiny(
        "timm:cait_xxs24_224", {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 64}
    )
    model = timm_model(network)
    plane = noise(64, 64)
    block = model.blocks[1]
    parts = {"attn": block.attn, "mlp": block.mlp}
    found = seen(lambda: model.forward_features(normalized(plane)), parts)
    for node, scale in (("attn", block.gamma_1), ("mlp", block.gamma_2)):
        features = features_of(network, plane, layer=1, node=node)
        assert_equal(features, as_grid(scale * found[node], 0, 4, 4))


@pytest.mark.slow
def test_vision_transformer_of_torchvision(tiny, noise):
    """At its own size; hooks on the unmodified network."""
    import torchvision

    network = tiny("torchvision:vit_b_16", {"num_classes": 2})
    model = torchvision.models.vit_b_16(num_classes=2)
    model.load_state_dict(torch.load(network.checkpoint))
    plane = noise(224, 224)
    block = model.eval().encoder.layers[7]
    parts = {"block": block, "attn": block.self_attention, "mlp": block.mlp}
    found = seen(lambda: model(normalized(plane)), parts)
    attention = block.self_attention
    for i, node in enumerate("qkv"):
        third = slice(768 * i, 768 * (i + 1))
        weight, bias = attention.in_proj_weight[third], attention.in_proj_bias[third]
        found[node] = found["to attn"] @ weight.T + bias
    for node in ("block", "attn", "mlp", "q", "k", "v"):
        features = features_of(network, plane, layer=7, node=node)
        assert_equal(features, as_grid(found[node], 1, 14, 14))


# ------------------------------------------------------------------------------------------- SAM


def sam_nodes(block: Any, stream: torch.Tensor, window: int) -> dict[str, torch.Tensor]:
    """What a block of SAM computes from a map (1, rows, columns, d), in windows or at once."""
    size = stream.shape[1:3]
    given = block.norm1(stream)
    if window:
        given, padded = window_partition(given, window)

    def joined(values: torch.Tensor) -> torch.Tensor:
        return window_unpartition(values, window, padded, size) if window else values

    nodes = dict(zip("qkv", map(joined, block.attn.qkv(given).chunk(3, dim=-1)), strict=True))
    nodes["attn"] = joined(block.attn(given))
    between = stream + nodes["attn"]
    nodes["mlp"] = block.mlp(block.norm2(between))
    nodes["block"] = between + nodes["mlp"]
    return nodes


# The middle one of three blocks attends to everything, the others to windows of 3 × 3 cells, which
# the 8 cells of the canvas do not fill.
WINDOWS = [(0, 3), (1, 0), (2, 3)]


@pytest.mark.parametrize(("layer", "window"), WINDOWS)
@pytest.mark.parametrize("shape", [(128, 128), (128, 80), (48, 128)])
def test_encoder_of_segment_anything(shape, layer, window, networks, tiny, noise):
    from functools import partial

    from segment_anything.modeling import ImageEncoderViT

    network = tiny(*networks["sam"])
    encoder = ImageEncoderViT(
        **network.architecture,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
    )
    encoder.load_state_dict(torch.load(network.checkpoint))
    block = encoder.eval().blocks[layer]
    assert block.window_size == window
    plane = noise(*shape)
    canvas = torch.zeros(1, 3, 128, 128)
    canvas[..., : shape[0], : shape[1]] = normalized(plane)
    found = seen(lambda: encoder(canvas), {"block": block})
    with torch.no_grad():
        nodes = sam_nodes(block, found["to block"], window)
    torch.testing.assert_close(nodes["block"], found["block"])
    rows, columns = shape[0] // 16, shape[1] // 16
    for node, expected in nodes.items():
        features = features_of(network, plane, layer=layer, node=node)
        assert_equal(features, expected[0, :rows, :columns])


@pytest.mark.parametrize(("layer", "window"), WINDOWS)
def test_encoder_of_segment_anything_in_timm(layer, window, networks, tiny, noise):
    """It takes images of any shape, here 5 × 8 cells."""
    network = tiny(*networks["samvit"])
    model = timm_model(network)
    block = model.blocks[layer]
    plane = noise(80, 128)
    found = seen(lambda: model.forward_features(normalized(plane)), {"block": block})
    with torch.no_grad():
        nodes = sam_nodes(block, found["to block"], window)
    torch.testing.assert_close(nodes["block"], found["block"])
    for node, expected in nodes.items():
        assert_equal(features_of(network, plane, layer=layer, node=node), expected[0])


# ------------------------------------------------------------------------------------ convolutions


def mirrored(plane: np.ndarray, unit: int) -> np.ndarray:
    rows, columns = (-n % unit for n in plane.shape[:2])
    return np.pad(plane, ((0, rows), (0, columns), (0, 0)), mode="symmetric")


@pytest.mark.parametrize("shape", [(64, 96), (50, 70)])
def test_convnext(shape, networks, tiny, noise):
    network = tiny(*networks["convnext"])
    model = timm_model(network)
    plane = noise(*shape)
    parts = {str(i): stage for i, stage in enumerate(model.stages)}
    found = seen(lambda: model.forward_features(normalized(mirrored(plane, 32))), parts)
    for layer in range(4):
        features = features_of(network, plane, layer=layer)
        expected = found[str(layer)][0].permute(1, 2, 0)
        assert_equal(features, expected[: features.shape[0], : features.shape[1]])


@pytest.mark.parametrize("shape", [(64, 96), (50, 70)])
def test_residual_network_of_torchvision(shape, networks, tiny, noise):
    import torchvision

    network = tiny(*networks["resnet"])
    model = torchvision.models.resnet18()
    model.load_state_dict(torch.load(network.checkpoint))
    plane = noise(*shape)
    # what follows bn1 works in place
    paths = {"bn1": 2, "relu": 2, "layer2": 8, "layer4": 32}
    parts = {path: model.get_submodule(path) for path in paths}
    found = seen(lambda: model.eval()(normalized(mirrored(plane, 32))), parts)
    for path, stride in paths.items():
        features = features_of(network, plane, layer=f"{path} (1/{stride})")
        expected = found[path][0].permute(1, 2, 0)
        assert_equal(features, expected[: features.shape[0], : features.shape[1]])


# --------------------------------------------------------------------------------------- channels


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("timm:vit_small_patch16_224.dino", {"embed_dim": 32, "depth": 1, "num_heads": 2}),
        ("sam:vit_b", {"embed_dim": 32, "depth": 1, "num_heads": 2, "img_size": 64}),
    ],
)
@pytest.mark.parametrize("n_channels", [1, 5])
def test_networks_of_other_numbers_of_channels(n_channels, name, architecture, tiny, noise):
    """Normalized by the average of what three channels are normalized by."""
    network = tiny(name, {**architecture, "in_chans": n_channels})
    plane = noise(64, 64, n_channels)
    backbone = network.load(layer=0, node="block")
    statistics = np.mean(IMAGENET, axis=1)
    image = torch.from_numpy((plane - statistics[0]) / statistics[1]).float().permute(2, 0, 1)
    model = backbone.network.module
    blocks = {"block": model.blocks[0]}
    found = seen(lambda: model(image[None]), blocks)["block"]
    grid = found[0] if found.ndim == 4 else as_grid(found, 1, 4, 4)
    assert_equal(backbone.features([plane], 16)[0], grid)
    own = network.load(layer=0, node="block", normalization="none").features([plane], 16)[0]
    raw = seen(lambda: model(image.new_tensor(plane).permute(2, 0, 1)[None]), blocks)["block"]
    assert_equal(own, raw[0] if raw.ndim == 4 else as_grid(raw, 1, 4, 4))


# ----------------------------------------------------------------------------------- ncut-pytorch


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory):
    """A whole SAM of the size of ViT-B, by the name by which ncut-pytorch looks for it."""
    from segment_anything import build_sam_vit_b

    path = tmp_path_factory.mktemp("sam") / "sam_vit_b_01ec64.pth"
    network = build_sam_vit_b()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in network.image_encoder.named_parameters():
            if name.endswith(("pos_embed", "rel_pos_h", "rel_pos_w")):  # zeros, as built
                tensor.copy_(0.5 * torch.randn(tensor.shape, generator=generator))
    torch.save(network.state_dict(), path)
    yield path
    path.unlink()


@pytest.fixture
def original(peer_ncut, sam_file, monkeypatch):
    """Makes its `extract_features` for SAM's first blocks; they run once for an image."""
    from segment_anything.modeling.image_encoder import Block

    if importlib.util.find_spec("einops") is None:
        # Imported there for networks other than SAM.
        monkeypatch.setitem(sys.modules, "einops", SimpleNamespace(rearrange=None))
    try:
        backbone = importlib.import_module("ncut_pytorch.backbone")
    except ImportError as error:
        pytest.skip(f"ncut_pytorch.backbone cannot be imported: {error}")

    def make(n_blocks: int) -> Callable[..., torch.Tensor]:
        # Its SAM replaces the method of everybody's blocks.
        monkeypatch.setattr(Block, "forward", Block.forward)
        monkeypatch.chdir(sam_file.parent)
        network = backbone.SAM("vit_b")
        network.image_encoder.blocks = network.image_encoder.blocks[:n_blocks]
        once = Once(network)
        return lambda image, node, layer: backbone.extract_features(
            image, once, node_type=node, layer=layer, use_cuda=False
        )

    return make


class Once(torch.nn.Module):
    """A network whose last result is kept for the same image."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self.image = torch.empty(0)

    def forward(self, image: torch.Tensor) -> Any:
        if not torch.equal(self.image, image):
            self.image, self.result = image, self.network(image)
        return self.result


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "nodes"),
    [
        # the third block attends to everything
        ((1024, 1024), [("mlp", 1), ("attn", 2), ("block", 2)]),
        ((1024, 688), [("attn", 1)]),
    ],
    ids=str,
)
def test_features_are_those_of_ncut_pytorch(shape, nodes, original, sam_file, noise):
    """Which resizes every image to 1024 × 1024: a smaller one is handed to it padded."""
    plane = noise(*shape)
    ours = []
    for node, layer in nodes:
        backbone = load_backbone(
            "sam:vit_b", checkpoint=sam_file, node=node, layer=layer, device="cpu"
        )
        features = extract_features(plane, backbone, axes="YXS", scaling=(0, 1), preparation="l2")
        ours.append(features.maps)
    canvas = torch.zeros(1, 3, 1024, 1024)
    canvas[..., : shape[0], : shape[1]] = normalized(plane)
    theirs = original(n_blocks=1 + max(layer for _, layer in nodes))
    for (node, layer), maps in zip(nodes, ours, strict=True):
        assert_equal(maps, theirs(canvas, node, layer)[:, :, : shape[1] // 16])
