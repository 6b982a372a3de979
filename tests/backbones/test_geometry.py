"""Cells lie where they say, at every stride, in tiles, and in the middle of a canvas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_ncut.backbones.geometry import mirrored, sampling, shifts, windows
from napari_ncut.errors import InputError
from napari_ncut.imaging import block_mean

from .fake import PATCH, Means, backbone_of


def coordinates(height: int, width: int) -> np.ndarray:
    """An image whose values are its rows and columns: a mean of it tells where it was taken."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([rows, columns, np.ones_like(rows)], axis=-1)


def middles(n_cells: int, stride: float) -> np.ndarray:
    return (np.arange(n_cells) + 0.5) * stride - 0.5


@pytest.mark.parametrize(
    ("first", "last", "size", "expected"),
    [
        (-2, 5, 3, [1, 0, 0, 1, 2, 2, 1]),
        (0, 7, 2, [0, 1, 1, 0, 0, 1, 1]),
        (-1, 4, 1, [0, 0, 0, 0, 0]),
    ],
)
def test_an_image_goes_on_mirrored(first, last, size, expected):
    assert mirrored(first, last, size).tolist() == expected


@pytest.mark.parametrize(("stride", "factor"), [(16, 2), (16, 4), (8, 8), (14, 2), (14, 7), (6, 3)])
def test_shifted_passes_interleave(stride, factor):
    begins = np.array(shifts(stride, factor))
    found = np.sort((np.arange(5)[:, None] * stride + begins + stride / 2).ravel())
    fine = stride / factor
    assert np.abs(found - (np.arange(5 * factor) + 0.5) * fine).max() <= 0.5
    assert np.ptp(np.diff(found)) <= (0 if fine == int(fine) else 1)


@pytest.mark.parametrize("step", [1, 2, 4, 7])
@pytest.mark.parametrize(
    ("n", "size", "overlap"), [(5, 8, 2), (8, 8, 2), (9, 8, 2), (20, 8, 2), (33, 7, 1), (64, 9, 0)]
)
def test_windows_cover_and_fade(n, size, overlap, step):
    total, last = np.zeros(n), 0
    for window in windows(n, size, overlap, step):
        assert window.first % step == 0
        assert window.last - window.first <= size
        assert window.first <= last  # no gap
        assert len(window.weights) == window.last - window.first
        assert window.weights.min() > 0
        total[window.first : window.last] += window.weights
        last = window.last
    assert last == n
    assert total.min() > 0


def test_maps_of_unpadded_convolutions_are_read_in_their_middle():
    # 7 × 7 convolution of stride 2 on 32 pixels: 13 cells with middles at 3.5, 5.5 … 27.5 (+ ½)
    lower, share = sampling(13, 2, 8, 4, 32)
    found = 4 + 2 * (lower + share)
    assert np.abs(found - np.clip(np.arange(8) * 4 + 2, 4, 28)).max() <= 1e-6
    assert sampling(8, 4, 8, 4, 32) is None


@pytest.mark.parametrize("shape", [(64, 64), (40, 100), (17, 5), (1, 1), (16, 33)])
@pytest.mark.parametrize("stride", [4, 8, 16, 32, 48])
def test_cells_are_taken_where_they_lie(monkeypatch, shape, stride):
    backbone = backbone_of(Means(), monkeypatch, stride=stride)
    (maps,) = backbone.features([coordinates(*shape)], stride)
    rows, columns = (-(-n // stride) for n in shape)
    assert maps.shape == (rows, columns, 3)
    np.testing.assert_allclose(maps[..., 2], 1, atol=1e-5)
    # Patches of 16 pixels that lie inside tell their own middles, to the rounding of offsets;
    # where an image is reduced, what is mixed at its border reaches in.
    reach = max(PATCH, stride)
    for axis, n in ((0, rows), (1, columns)):
        found = maps[..., axis].mean(axis=1 - axis)
        expected = middles(n, stride)
        inside = (expected >= reach) & (expected <= shape[axis] - 1 - reach)
        assert np.abs(found - expected)[inside].max(initial=0) <= 1e-3


def test_the_networks_own_grid_is_the_networks_own(monkeypatch):
    image = np.random.default_rng(0).random((64, 96, 3), dtype=np.float32)
    network = Means()
    (maps,) = backbone_of(network, monkeypatch).features([image], 16)
    assert network.batches[-1] == (1, 64, 96)
    np.testing.assert_allclose(maps, block_mean(image, 16), atol=1e-6)


@pytest.mark.parametrize("refine", ["shift", "dense"])
def test_both_ways_to_a_finer_grid_give_the_same_means(monkeypatch, refine):
    image = np.random.default_rng(0).random((50, 70, 3), dtype=np.float32)
    network = Means()
    (maps,) = backbone_of(network, monkeypatch, stride=4, refine=refine).features([image], 4)
    assert maps.shape == (13, 18, 3)
    # By hand: the patch of 16 pixels around the middle of every cell of 4.
    wide = np.pad(image, ((32, 48), (32, 48), (0, 0)), mode="symmetric")
    for row, column in ((0, 0), (5, 7), (12, 17)):
        top, left = 32 + 4 * row + 2 - 8, 32 + 4 * column + 2 - 8
        expected = wide[top : top + 16, left : left + 16].mean(axis=(0, 1))
        np.testing.assert_allclose(maps[row, column], expected, atol=1e-5)
    runs = [batch for batch in network.batches if batch != (1, 16, 16)]
    assert len(runs) == (16 if refine == "shift" else 1)


def test_tiles_of_a_canvas_give_what_the_whole_gives(monkeypatch):
    image = np.random.default_rng(0).random((200, 333, 3), dtype=np.float32)
    (whole,) = backbone_of(Means(), monkeypatch).features([image], 16)
    network = Means()
    (tiled,) = backbone_of(network, monkeypatch, canvas=96).features([image], 16)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert {batch[1:] for batch in network.batches} == {(96, 96)}


def test_tiles_of_layers_of_several_strides(networks, tiny, noise, monkeypatch):
    """What lies deep in a tile, here most of it, is what it is in the whole."""
    network = tiny(*networks["timm-resnet"])
    assert network.entry.strides[:3] == (2, 4, 8)
    image = noise(330, 700)
    (whole,) = network.load(layer=[0, 2]).features([image], 2)
    backbone = network.load(layer=[0, 2])
    maps = backbone.network.maps

    def within_memory(batch, layers, node):
        if batch[0, 0].numel() > 288 * 288:
            raise torch.OutOfMemoryError
        return maps(batch, layers, node)

    monkeypatch.setattr(backbone.network, "maps", within_memory)
    with pytest.warns(UserWarning, match="tiles"):
        (tiled,) = backbone.features([image], 2)
    error = np.abs(tiled - whole).max(axis=-1) / np.abs(whole).max()
    assert np.median(error) < 1e-6
    assert error.max() > 1e-3  # there are borders of tiles


@pytest.mark.parametrize(
    "shape", [(1024, 1024), (1000, 1000), (700, 300), (64, 64), (65, 3), (100, 2000), (1, 1)]
)
def test_what_pads_a_canvas_never_becomes_a_cell(monkeypatch, shape):
    network = Means(padding="zero")
    backbone = backbone_of(network, monkeypatch, canvas=1024, fits_canvas=True)
    stride = backbone.stride_for([shape])
    assert stride == -(-max(shape) // 64)
    (maps,) = backbone.features([np.ones((*shape, 3), np.float32)], stride)
    assert maps.shape == (-(-shape[0] // stride), -(-shape[1] // stride), 3)
    assert max(maps.shape) <= 64
    # Zeros beside the image would pull the means of its last cells down.
    np.testing.assert_allclose(maps, 1, atol=1e-5)
    assert network.batches == [(1, 1024, 1024)]


@pytest.mark.parametrize("stride", [4, 8, 12, 16])
def test_a_canvas_sees_the_whole_image_at_any_stride(monkeypatch, stride):
    network = Means(padding="zero")
    backbone = backbone_of(network, monkeypatch, canvas=256, fits_canvas=True, stride=stride)
    (maps,) = backbone.features([coordinates(128, 96)], stride)
    assert maps.shape[:2] == (-(-128 // stride), -(-96 // stride))
    expected = middles(maps.shape[0], stride)
    inside = (expected > 16) & (expected < 111)
    assert np.abs(maps[:, 2, 0] - expected)[inside].max() <= 0.5
    assert len(network.batches) == backbone.passes(stride, [(128, 96)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 1}, "256 passes over every image. Give 2 or more"),
        ({"stride": 8, "refine": "finer"}, "Unknown refinement 'finer'"),
        ({"precision": "int8"}, "Unknown precision"),
    ],
)
def test_what_cannot_be_had_is_explained(monkeypatch, options, message):
    with pytest.raises(InputError, match=message):
        backbone_of(Means(), monkeypatch, **options)


def test_dense_is_refused_where_patches_cannot_overlap(monkeypatch):
    network = Means()
    monkeypatch.setattr(network, "densify", lambda stride: False)
    with pytest.raises(InputError, match='Give refine="shift"'):
        backbone_of(network, monkeypatch, stride=8, refine="dense")
    with pytest.raises(InputError, match="fixed number of patches"):
        backbone_of(Means(), monkeypatch, canvas=64, fits_canvas=True, stride=2, refine="dense")
