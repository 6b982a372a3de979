"""The embedded network: its weights, its maps on any image, and tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_ncut
from napari_ncut.backbones import compact
from napari_ncut.backbones.compact import Compact
from napari_ncut.backbones.compact_network import CompactNetwork
from napari_ncut.backbones.compact_weights import pack, unpack, weights_path
from napari_ncut.errors import InputError


def blobs(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    random = np.random.RandomState(seed)
    rows, columns = np.indices(shape)
    image = 0.2 + 0.02 * random.randn(*shape)
    for row, column, radius in ((40, 40, 18), (90, 60, 25), (60, 110, 15)):
        image[np.hypot(rows - row, columns - column) < radius] += 0.5
    return image.clip(0, 1).astype(np.float32)[..., np.newaxis]


def test_weights_are_small_and_come_with_the_package():
    assert weights_path().stat().st_size <= 5e6
    assert napari_ncut.list_backbones()[0] == "compact"


def test_packed_weights_are_a_quarter_and_nearly_the_same():
    torch.manual_seed(0)
    weights = CompactNetwork().eval().fold().state_dict()
    packed = pack(weights)
    n_numbers, n_bytes = (
        sum(value.numel() * of(value) for value in one.values())
        for one, of in ((weights, lambda _: 1), (packed, lambda value: value.element_size()))
    )
    assert n_bytes < 1.15 * n_numbers
    again = unpack(packed)
    assert {n: v.shape for n, v in again.items()} == {n: v.shape for n, v in weights.items()}
    for name, value in weights.items():
        # Half a step of 127 that reach to the largest of an output; what is small, in half.
        step = value.abs().amax(dim=(1, 2, 3), keepdim=True) / 127 if value.ndim == 4 else 1e-3
        assert ((again[name] - value).abs() <= 0.51 * step + 1e-6).all(), name
    repacked = pack(again)
    assert all(torch.equal(repacked[name], packed[name]) for name in packed)


def test_weights_of_another_network_are_refused(tmp_path):
    from safetensors.torch import save_file

    weights = pack(CompactNetwork().fold().state_dict())
    del weights["boundary.bias"]
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"1 of its arrays .* boundary\.bias first"):
        Compact(checkpoint=tmp_path / "other.safetensors")


def test_files_without_weights_are_refused(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("nowhere.safetensors", "text.safetensors", ""):
        with pytest.raises(InputError, match=str(tmp_path)):
            napari_ncut.load_backbone("compact", checkpoint=tmp_path / name)
    layers = {"one.w": np.zeros((2, 2), np.float32), "one.b": np.zeros(2, np.float32)}
    np.savez(tmp_path / "layers.npz", **layers)
    with pytest.raises(InputError, match="layers without names"):
        Compact(checkpoint=tmp_path / "layers.npz")


def test_folding_changes_nothing():
    torch.manual_seed(0)
    network = CompactNetwork()
    network.train()
    images = torch.rand(2, 3, 64, 96)
    for _ in range(3):
        network(images)
    network.eval()
    with torch.inference_mode():
        before, after = network(images), network.fold()(images)
    for name in ("boundary", "segment", "kind"):
        torch.testing.assert_close(getattr(before, name), getattr(after, name), atol=1e-4, rtol=0)


def test_unfolded_weights_say_the_same_on_what_they_were_normalized_by():
    torch.manual_seed(0)
    folded = CompactNetwork().eval().fold()
    images = torch.rand(2, 3, 64, 96)
    again = CompactNetwork().unfold(folded.state_dict(), images)
    with torch.inference_mode():
        before, after = folded(images), again(images)
    for name in ("boundary", "segment", "kind"):
        torch.testing.assert_close(getattr(before, name), getattr(after, name), atol=1e-4, rtol=0)


def test_large_things_are_seen_at_half_the_resolution():
    network = CompactNetwork().eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        coarse = network._look((torch.nn.functional.avg_pool2d(images, 2) - 0.5) * 4, None)
        both = network(images)
    half = both.segment.shape[1] // 2
    torch.testing.assert_close(
        both.segment[:, half:, ::16, ::16] * 2**0.5,
        torch.nn.functional.interpolate(
            coarse.segment, scale_factor=2, mode="bilinear", align_corners=False
        )[..., ::16, ::16],
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 33), (64, 64)])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_maps_fit_any_plane(shape, channels):
    plane = np.random.RandomState(0).rand(*shape, channels).astype(np.float32)
    maps = Compact().maps(plane)
    assert maps.boundary.shape == shape
    assert 0 <= maps.boundary.min() <= maps.boundary.max() <= 1
    for found, stride in ((maps.segment, 2), (maps.kind, 2), (maps.pyramid[3], 16)):
        assert found.shape[:2] == (-(-shape[0] // stride), -(-shape[1] // stride))
        assert np.isfinite(found).all()


def test_boundaries_lie_where_things_end():
    maps = Compact().maps(blobs((140, 150)))
    rows, columns = np.indices((140, 150))
    distance = np.hypot(rows - 90, columns - 60)
    edge, inside = np.abs(distance - 25) < 1.5, distance < 18
    assert maps.boundary[edge].mean() > 3 * maps.boundary[inside].mean()
    # Inside and outside are told apart by the embedding, two places inside are not.
    cells = maps.segment
    assert (
        np.square(cells[45, 30] - cells[45, 50]).sum()
        > np.square(cells[45, 30] - cells[40, 28]).sum()
    )


@pytest.mark.parametrize(
    ("size", "border"),
    [(1, 32), (40, 64), (128, 128), (512, 128), (768, 96), (1024, 64), (2048, 64)],
)
def test_mirrored_borders_are_narrow_where_they_would_cost_much(size: int, border: int):
    assert compact._border(size) == border


def test_the_border_of_a_plane_shows_less_with_mirrored_pixels_around_it(monkeypatch):
    plane = blobs((128, 160))
    around = np.pad(plane, ((256, 256), (320, 320), (0, 0)), mode="symmetric")
    expected = Compact().maps(around)
    differences = []
    for borders in ((0, 0), compact._BORDER):
        monkeypatch.setattr(compact, "_BORDER", borders)
        maps = Compact()._new_maps(plane)
        boundary = np.abs(maps.boundary - expected.boundary[256:-256, 320:-320]).mean()
        segment = np.abs(maps.segment - expected.segment[128:-128, 160:-160]).mean()
        differences.append((boundary, segment))
    (boundary, segment), (less, less_of_segment) = differences
    assert less < 0.6 * boundary and less_of_segment < 0.6 * segment


def test_tiles_equal_the_whole_away_from_borders(monkeypatch):
    random = np.random.RandomState(3)
    plane = np.kron(random.rand(36, 30), np.ones((32, 32)))[..., np.newaxis].astype(np.float32)
    plane += 0.05 * random.randn(*plane.shape).astype(np.float32)
    whole = Compact().maps(plane)
    monkeypatch.setattr(compact, "_TILE", 832)
    tiled = Compact().maps(plane)
    inside = slice(160, -160)
    difference = np.abs(whole.boundary - tiled.boundary)[inside, inside]
    assert difference.max() < 0.01
    assert np.abs(whole.segment - tiled.segment)[80:-80, 80:-80].max() < 0.05


def test_same_image_same_maps():
    one, other = (Compact().maps(blobs((150, 140))) for _ in range(2))
    np.testing.assert_array_equal(one.boundary, other.boundary)
    np.testing.assert_array_equal(one.kind, other.kind)


@pytest.mark.parametrize(
    ("node", "layer"), [("kind", None), ("segment", 3), ("pyramid", 0), ("pyramid", 3)]
)
def test_features_of_every_node_and_layer(node, layer):
    features = napari_ncut.extract_features(
        blobs((50, 70))[..., 0], "compact", layer=layer, node=node, stride=4
    )
    assert features.maps.shape[-3:-1] == (13, 18)
    assert np.isfinite(features.values).all()


def test_embeddings_have_no_layers():
    with pytest.raises(InputError, match=r"same at every layer, so layer=1 .* node pyramid"):
        napari_ncut.load_backbone("compact", layer=1)
    recorded = napari_ncut.load_backbone("compact").options
    assert napari_ncut.load_backbone("compact", **recorded).options == recorded


@pytest.mark.parametrize("kind", ["grains", "particles"])
def test_groups_of_the_default_node_are_kinds(kind):
    from sklearn.metrics import normalized_mutual_info_score

    from napari_ncut.training.synthesis import synthesize

    scene = synthesize(kind, seed=11, shape=(160, 160))
    truth = scene.classes
    assert len(np.unique(truth[truth > 0])) > 1
    scores = {}
    for node in ("kind", "pyramid"):
        axes = "YXC" if scene.image.ndim == 3 else "YX"
        cut = napari_ncut.embed(scene.image, axes=axes, node=node, stride=2, n_components=8)
        groups = np.kron(np.squeeze(cut.kway(3)), np.ones((2, 2), int))
        known = truth > 0
        scores[node] = normalized_mutual_info_score(truth[known], groups[known])
    assert scores["kind"] > scores["pyramid"] + 0.25, scores


def test_weights_of_another_training_can_be_given(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = tmp_path / "other.safetensors"
    save_file(CompactNetwork().fold().state_dict(), path)
    ours, other = (
        napari_ncut.extract_features(blobs((40, 40))[..., 0], "compact", stride=4, **options)
        for options in ({}, {"checkpoint": path})
    )
    assert not np.allclose(ours.values, other.values)
    with pytest.raises(napari_ncut.errors.InputError, match="no such option"):
        napari_ncut.load_backbone("compact", precision="float16")
