"""What every backbone must do, whichever its family and kind of network."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from napari_ncut.backbones import BACKBONES, load_backbone
from napari_ncut.backbones.registry import FAMILIES
from napari_ncut.errors import InputError

WITHOUT_WEIGHTS = [
    pytest.param(name, layer, node, id=f"{name}-{layer}-{node}")
    for name, entry in BACKBONES.items()
    if entry.weights is None
    for layer in range(len(entry.layers))
    for node in entry.nodes
    if entry.has_layers(node) or layer == entry.default_layer
]
SHAPES = [(32, 32), (19, 45), (1, 12), (1, 1)]


def grid(shape, stride):
    return -(-shape[0] // stride), -(-shape[1] // stride)


def assert_close(actual, desired, tolerance):
    """Equal up to a share of the largest value."""
    error = np.abs(actual - desired).max() / np.abs(desired).max()
    assert error < tolerance, f"differs by {error:.2g} of the largest value"


@pytest.mark.parametrize(("name", "layer", "node"), WITHOUT_WEIGHTS)
def test_features_without_weights(name, layer, node, noise):
    for n_channels in (1, 3, 5):
        planes = [noise(*shape, n_channels, seed=i) for i, shape in enumerate(SHAPES)]
        for stride in (1, 2, 8):
            backbone = load_backbone(name, layer=layer, node=node)
            features = backbone.features(planes, stride)
            for shape, maps, plane in zip(SHAPES, features, planes, strict=True):
                assert maps.shape[:2] == grid(shape, stride)
                assert maps.dtype == np.float32
                assert np.isfinite(maps).all()
                (alone,) = load_backbone(name, layer=layer, node=node).features([plane], stride)
                np.testing.assert_array_equal(alone, maps)
            assert len({maps.shape[2] for maps in features}) == 1


def kind(name):
    """A network's name without its size."""
    name = re.sub("_(tiny|small|base|large|huge|[blh])(?=[_.]|$)|_patch[0-9]+|_lm|_em_.*", "", name)
    return re.sub(r"(?<=resnet)\d+", "", name)


def test_no_kind_of_the_catalog_is_left_out(networks):
    tested = {kind(name) for name, _ in networks.values()}
    assert {kind(name) for name in BACKBONES} - tested == {"compact", "filterbank"}
    assert {name.partition(":")[0] for name, _ in networks.values()} == set(FAMILIES)


def test_layers_and_nodes_of_planes_of_any_shape(network, noise):
    planes = [noise(*shape, seed=i) for i, shape in enumerate([*SHAPES, (50, 34)])]
    entry = network.entry
    # the first, and the last of every stride
    some = {0, *{stride: layer for layer, stride in enumerate(entry.strides)}.values()}
    for node in entry.nodes:
        seen = set()
        layers = some if node == entry.default_node else {len(entry.layers) - 1}
        for layer in layers:
            backbone = network.load(layer=layer, node=node)
            stride = backbone.stride_for([plane.shape[:2] for plane in planes])
            features = backbone.features(planes, stride)
            for plane, maps in zip(planes, features, strict=True):
                assert maps.shape[:2] == grid(plane.shape, stride)
                assert maps.dtype == np.float32
                assert np.isfinite(maps).all()
            assert len({maps.shape[2] for maps in features}) == 1
            seen.add(features[0].tobytes())
        assert len(seen) == len(layers), "two layers are the same"


def test_node_types_differ(network, noise):
    plane = noise(40, 33)
    nodes = network.entry.nodes
    stride = network.load().stride_for([plane.shape[:2]])
    features = [network.load(node=node).features([plane], stride)[0] for node in nodes]
    assert len({maps.tobytes() for maps in features}) == len(nodes)


def test_company_does_not_matter(network, noise):
    """Of the same shape in one batch, and of others in between."""
    shapes = [(40, 40), (40, 40), (40, 40), (19, 45), (40, 40)]
    planes = [noise(*shape, seed=i) for i, shape in enumerate(shapes)]
    backbone = network.load()
    stride = backbone.stride_for(shapes)
    together = backbone.features(planes, stride)
    for plane, maps in zip(planes, together, strict=True):
        assert_close(maps, backbone.features([plane], stride)[0], 1e-5)
    assert not np.allclose(together[0], together[1])


def test_bit_for_bit_the_same_again(network, noise):
    planes = [noise(40, 33, seed=i) for i in range(3)]
    stride = network.load().stride_for([(40, 33)])
    first, second = (network.load().features(planes, stride) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_stride_may_be_finer_or_coarser(network, noise):
    entry, shape = network.entry, (51, 38)
    plane = noise(*shape)
    native = network.load().stride_for([shape])
    if entry.fits_canvas:
        # whatever a cell of the canvas covers: halves, thirds and one and a half of it
        strides = [native // 2, -(-native // 3), native + native // 2]
    else:
        strides = [native // 2, native // native.bit_length(), 2 * native, 3 * native]
        strides = [s for s in strides if s and (native % s == 0 or s % native == 0)]
    assert len(strides) > 1
    for stride in strides:
        backbone = network.load(stride=stride)
        assert backbone.stride_for([shape]) == stride
        (maps,) = backbone.features([plane], stride)
        assert maps.shape[:2] == grid(shape, stride)
        assert np.isfinite(maps).all()


def test_dense_patches_where_patches_are_cells(network, noise):
    entry, shape = network.entry, (51, 38)
    stride = min(entry.strides) // 2
    transformer = type(network.load().network.module).__name__ in ("VisionTransformer", "Eva")
    if not transformer or entry.canvas:
        with pytest.raises(InputError, match='refine="shift"'):
            network.load(stride=stride, refine="dense", layer=0)
        return
    dense = network.load(stride=stride, refine="dense")
    (maps,) = dense.features([noise(*shape)], stride)
    assert maps.shape[:2] == grid(shape, stride)
    assert np.isfinite(maps).all()
    assert dense.passes(stride, [shape]) == 1
    assert network.load(stride=stride).passes(stride, [shape]) == 4


def test_several_layers_lie_side_by_side(network, noise):
    entry = network.entry
    strides, fine = entry.strides, min(entry.strides)
    # whole cells of every layer, so that coarser ones are enlarged from edge to edge
    side = entry.canvas or 2 * max(strides)
    plane = noise(side, side)
    # not in order, and the deepest where its cells are larger and fill the image
    layers = [i for i, stride in enumerate(strides) if stride == fine][-2:][::-1]
    deepest = len(strides) - 1
    if deepest not in layers and fills(network.load(layer=deepest), side, strides[deepest]):
        layers.append(deepest)
    assert len(layers) > 1
    (together,) = network.load(layer=layers).features([plane], fine)
    parts = []
    for layer in layers:
        (alone,) = network.load(layer=layer).features([plane], strides[layer])
        parts.append(enlarged(alone, together.shape[:2]))
    assert_close(together, np.concatenate(parts, axis=-1), 1e-5)


def fills(backbone, side, stride):
    """Whether a layer's map covers its input; without padding, convolutions leave a margin."""
    layer = backbone.options["layer"]
    maps = backbone.network.maps(torch.zeros(1, 3, side, side), [layer], "block")
    return maps[0].shape[2] * stride == side


def enlarged(maps, size):
    tensor = torch.from_numpy(maps).permute(2, 0, 1)[None]
    large = torch.nn.functional.interpolate(tensor, size, mode="bilinear", align_corners=False)
    return large[0].permute(1, 2, 0).numpy()


def test_gray_is_color_without_color(network, noise):
    gray = noise(40, 33, 1)
    backbone = network.load()
    stride = backbone.stride_for([(40, 33)])
    (maps,) = backbone.features([gray], stride)
    (same,) = backbone.features([np.repeat(gray, 3, axis=-1)], stride)
    np.testing.assert_array_equal(maps, same)


def test_channels_that_are_no_color_are_mixed(network, noise):
    backbone = network.load()
    stride = backbone.stride_for([(40, 33)])
    two = noise(40, 33, 2)
    (maps,) = backbone.features([two], stride)
    # magenta and green, as viewers show two channels
    (mixed,) = backbone.features([two[..., [0, 1, 0]]], stride)
    np.testing.assert_allclose(maps, mixed, rtol=1e-6, atol=1e-6)
    five = [noise(40, 33, 5, seed=i) for i in range(2)]
    first, second = backbone.features(five, stride)
    assert first.shape == maps.shape
    assert np.isfinite(first).all()
    assert not np.allclose(first, second)


# --------------------------------------------------------------- networks of other architectures

OTHERS = [
    "timm:cait_xxs24_224",
    "timm:coatnet_nano_rw_224",
    "timm:convmixer_768_32",
    "timm:crossvit_tiny_240",
    "timm:deit_tiny_distilled_patch16_224",
    "timm:densenet121",
    "timm:efficientnet_b0",
    "timm:eva02_tiny_patch14_224",
    "timm:hiera_tiny_224",
    "timm:inception_v3",
    "timm:levit_128s",
    "timm:maxvit_nano_rw_256",
    "timm:mobilenetv4_conv_small",
    "timm:pit_ti_224",
    "timm:tnt_s_legacy_patch16_224",
    "timm:twins_pcpvt_small",
    "timm:vit_tiny_r_s16_p8_224",
    "timm:volo_d1_224",
    "timm:xcit_nano_12_p16_224",
    "torchvision:alexnet",
    "torchvision:convnext_tiny",
    "torchvision:deeplabv3_mobilenet_v3_large",
    "torchvision:googlenet",
    "torchvision:inception_v3",
    "torchvision:regnet_x_400mf",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:swin_v2_t",
    "torchvision:vgg11",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_networks_of_other_architectures(name, tiny, noise):
    network = tiny(name)
    nodes = list(network.entry.nodes)
    for node in {nodes[0], nodes[-1]}:
        backbone = network.load(node=node)
        stride = backbone.stride_for([(1, 1)])
        for shape in ((1, 1), (250, 70)):
            (maps,) = backbone.features([noise(*shape)], stride)
            assert maps.shape[:2] == grid(shape, stride)
            assert np.isfinite(maps).all()
            assert maps.std() > 0 or shape == (1, 1)
