"""Superpixel sampling networks: maps of every source, files of weights, planes of any shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_ncut import InputError, load_backbone, segment_superpixels
from napari_ncut.superpixels.ssn import Ssn, as_batch, load_ssn, read_ssn, scaled_color, write_ssn
from napari_ncut.superpixels.ssn_network import SsnNetwork, SsnSettings, enlarged
from napari_ncut.superpixels.ssn_sources import (
    BackboneSource,
    CompactSource,
    PixelSource,
    source_of,
)

SHAPE = (45, 70)
PLANE = np.random.default_rng(0).random((*SHAPE, 3)).astype(np.float32)
DINO = "timm:vit_small_patch16_224.dino"


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """A tiny vision transformer with weights at random, as `BackboneSource` takes it."""
    from napari_ncut.backbones.families.timm import build

    architecture = {"embed_dim": 32, "depth": 3, "num_heads": 2, "img_size": 64}
    torch.manual_seed(0)
    module = build(DINO.partition(":")[2], architecture)
    path = tmp_path_factory.mktemp("dino") / "tiny.pth"
    torch.save(module.state_dict(), path)
    return {"backbone": DINO, "checkpoint": str(path), "architecture": architecture}


@pytest.fixture(params=["pixels", "deep", "compact", "dino"])
def source(request: pytest.FixtureRequest, dino: dict):
    if request.param == "compact":
        return CompactSource("cpu")
    if request.param == "dino":
        return BackboneSource(**dino, layer=-1, node="k", device="cpu")
    return PixelSource(request.param)


def network_of(source) -> SsnNetwork:
    torch.manual_seed(1)
    network = SsnNetwork(source.settings)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


def test_maps_are_those_that_settings_promise(source):
    maps = source.maps(PLANE)
    assert len(maps) == (0 if isinstance(source, PixelSource) else len(source.settings.maps))
    for one, (channels, stride) in zip(maps, source.settings.maps, strict=False):
        assert one.shape == (-(-SHAPE[0] // stride), -(-SHAPE[1] // stride), channels)


def test_a_file_gives_the_same_network(source, tmp_path: Path):
    network = network_of(source)
    path = tmp_path / "ssn.safetensors"
    write_ssn(path, network)
    loaded = load_ssn(str(path), "cpu")
    assert loaded.network.settings == network.settings
    halved = {name: value.half().float() for name, value in network.state_dict().items()}
    torch.testing.assert_close(loaded.network.state_dict(), halved)
    network.load_state_dict(halved)
    expected = Ssn(network, source).labels(PLANE, 20)
    np.testing.assert_array_equal(loaded.labels(PLANE, 20), expected)
    np.testing.assert_array_equal(
        segment_superpixels(
            (PLANE * 255).astype(np.uint8), axes="YXC", method="ssn", n_segments=20, device="cpu",
            scaling="dtype", checkpoint=str(path),
        ),
        loaded.labels((PLANE * 255).astype(np.uint8).astype(np.float32) / 255, 20),
    )  # fmt: skip


def test_keys_of_the_last_block_lie_where_their_patches_are(dino: dict):
    """Rows and columns of tokens are not mixed up, on planes that are no squares."""
    source = BackboneSource(**dino, layer=-1, node="k", device="cpu")
    assert source.settings.node == "k"
    plane = np.full((48, 80, 3), 0.5, np.float32)
    changed = plane.copy()
    changed[16:32, 48:64] = 1.0  # the patch in row 1, column 3
    # The embedding of patches alone tells of one patch only: nothing attends before it.
    first = BackboneSource(**dino, layer=0, node="k", device="cpu")
    before, after = (first.maps(one)[0] for one in (plane, changed))
    differs = np.abs(before - after).max(axis=-1) > 1e-4
    expected = np.zeros((3, 5), bool)
    expected[1, 3] = True
    np.testing.assert_array_equal(differs, expected)
    # And they are what the backbone gives through the public face, at one length.
    given = {name: value for name, value in dino.items() if name != "backbone"}
    loaded = load_backbone(DINO, layer=-1, node="k", device="cpu", **given)
    (keys,) = loaded.features([PLANE], 16)
    (maps,) = source.maps(PLANE)
    lengths = np.linalg.norm(keys, axis=-1, keepdims=True)
    np.testing.assert_allclose(maps, keys / lengths * 4, rtol=1e-3, atol=1e-4)


def test_enlarged_maps_lie_on_their_pixels():
    column = torch.arange(5, dtype=torch.float32).expand(1, 1, 3, 5)
    fine = enlarged(column, 4, (10, 18))
    assert fine.shape == (1, 1, 10, 18)
    # A cell's middle has its value: between pixels 4c + 1 and 4c + 2.
    middles = (fine[0, 0, 0, 5:17:4] + fine[0, 0, 0, 6:18:4]) / 2
    torch.testing.assert_close(middles, torch.tensor([1.0, 2.0, 3.0]))


def test_what_is_not_learned_is_color_and_place():
    network = SsnNetwork(PixelSource().settings)
    assert sum(p.numel() for p in network.parameters()) == 2
    halves = np.zeros((32, 48, 3), np.float32)
    halves[:, 20:] = 1
    labels = Ssn(network, PixelSource()).labels(halves, 12)
    assert not set(np.unique(labels[:, :20])) & set(np.unique(labels[:, 20:]))


def test_more_compactness_makes_rounder_superpixels():
    ssn = Ssn(SsnNetwork(PixelSource().settings), PixelSource())

    def sides(compactness: float) -> float:
        labels = ssn.labels(PLANE, 20, compactness=compactness)
        return float((labels[1:] != labels[:-1]).mean() + (labels[:, 1:] != labels[:, :-1]).mean())

    assert sides(8.0) < sides(1.0)


def test_gray_is_lightness_alone():
    gray = PLANE[..., :1]
    settings = PixelSource("deep").settings
    color = scaled_color(np.repeat(gray, 3, -1), True, settings)
    lightness = scaled_color(gray, False, settings)
    assert lightness.shape == color.shape
    assert np.abs(lightness[..., 1:]).max() == 0 and np.abs(color[..., 1:]).max() < 0.01
    assert as_batch(gray, "cpu").shape == (1, 1, *SHAPE)


def test_other_files_are_refused(tmp_path: Path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="holds no SSN"):
        read_ssn(path)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="ssn train"):
        read_ssn(path)


def test_settings_as_text():
    settings = SsnSettings("backbone", ((32, 16),), 15, backbone=DINO, layer=-1, node="k")
    assert SsnSettings.from_json(settings.to_json()) == settings
    with pytest.raises(InputError, match="source"):
        source_of(SsnSettings("none"))


@pytest.mark.parametrize("n", [5, 60])
def test_the_network_of_the_package(n: int):
    rows, columns = np.indices((64, 90))
    image = np.where(np.hypot(rows - 30, columns - 40) < 18, 200, 60).astype(np.uint8)
    labels = segment_superpixels(image, method="ssn", n_segments=n, device="cpu")
    assert n / 2 <= labels.max() <= n * 2
    inside = image == 200
    # Most of every superpixel is on one side of the disc's edge.
    shares = np.bincount(labels.ravel(), inside.ravel()) / np.maximum(
        np.bincount(labels.ravel()), 1
    )
    areas = np.bincount(labels.ravel())
    assert (np.minimum(shares, 1 - shares) * areas).sum() / areas.sum() < 0.06


def test_the_file_of_the_package_is_small():
    from napari_ncut.superpixels.ssn import weights_path

    assert weights_path().stat().st_size < 2**20
