"""Descriptors of masks against plain averages over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_ncut import InputError, extract_features, load_backbone
from napari_ncut.imaging import as_planes
from napari_ncut.progress import run_steps
from napari_ncut.sam import MaskSet, pool_features
from napari_ncut.sam.descriptors import DescriptorSpace
from napari_ncut.sam.pooling import cell_shares, pooled_steps, ready_descriptor

from .scenes import two_kinds

RANDOM = np.random.default_rng(0)
# Overlapping, touching borders, of one pixel, and without any.
MASKS = RANDOM.random((5, 21, 30)) < 0.3
MASKS[3] = False
MASKS[3, 20, 29] = True
MASKS[4] = False


@pytest.mark.parametrize("stride", [1, 2, 4, 16])
def test_equal_to_the_mean_over_pixels(stride: int):
    maps = RANDOM.standard_normal((-(-21 // stride), -(-30 // stride), 7)).astype(np.float32)
    whole = np.kron(maps, np.ones((stride, stride, 1)))[:21, :30]
    expected = np.array([whole[mask].mean(axis=0) if mask.any() else np.zeros(7) for mask in MASKS])
    assert_allclose(pool_features(maps, MaskSet.of(MASKS), stride), expected, atol=1e-5)


def test_every_pixel_counts_once():
    shares = cell_shares(MaskSet.of(MASKS), 4)
    assert_allclose(shares.sum(axis=1), [1, 1, 1, 1, 0])
    assert shares.shape == (5, 6 * 8)
    # The one pixel in the last cell, which the border cuts, has that cell alone.
    assert shares[[3]].nonzero()[1].tolist() == [47]


def test_maps_of_another_plane_are_refused():
    with pytest.raises(InputError, match="of the same plane"):
        pool_features(np.zeros((21, 30, 2), np.float32), MaskSet.of(MASKS), 2)


def test_a_backbone_and_its_features_agree():
    image, masks, _ = two_kinds()
    planes = as_planes(image)
    features = extract_features(image, "filterbank")
    loaded = ready_descriptor("filterbank", planes)
    by_name = run_steps(pooled_steps(planes, [masks], loaded))
    by_maps = run_steps(pooled_steps(planes, [masks], features))
    assert_allclose(by_name.blocks[0].values, by_maps.blocks[0].values)
    with pytest.raises(InputError, match="features of the same images"):
        ready_descriptor(features, as_planes(image[:90]))


@pytest.mark.parametrize("descriptor", ["compact", "kind", "eigenvectors"])
@pytest.mark.parametrize("whiten", [True, False])
def test_tiny_and_empty_masks_have_finite_descriptors(descriptor: str, whiten: bool):
    image, _, _ = two_kinds()
    single = np.zeros((4, *image.shape), bool)
    single[0, 0, 0] = single[1, -1, -1] = single[2, 48, 17] = True
    masks = MaskSet.of(single)
    pooled = run_steps(pooled_steps(as_planes(image), [masks], descriptor))
    space = DescriptorSpace.fit(
        pooled.rows(pooled.areas > 0), whiten=whiten, size_weight=1.0, color_weight=1.0
    )
    found = space(pooled)
    assert np.isfinite(found.values).all()
    assert not found.values[3].any()
    assert len(found.names) == found.values.shape[1]
    assert found.components(3).shape == (4, 3)


def test_alike_masks_stay_alike_when_whitened():
    flat = np.full((40, 40), 7, np.uint8)
    masks = MaskSet.of_labels(np.kron(np.arange(1, 17).reshape(4, 4), np.ones((10, 10), int)))
    pooled = run_steps(pooled_steps(as_planes(flat), [masks], load_backbone("filterbank")))
    space = DescriptorSpace.fit(pooled, whiten=True, size_weight=0.0, color_weight=0.0)
    assert not space(pooled).values.any()


def test_size_and_color_count_by_their_weights():
    image, masks, _ = two_kinds()
    pooled = run_steps(pooled_steps(as_planes(image), [masks], "kind"))
    given = {"whiten": True, "size_weight": 2.0, "color_weight": 0.5}
    found = DescriptorSpace.fit(pooled, **given)(pooled)
    size = found.values[:, found.names.index("size")]
    assert_allclose(size, 2 * np.log(masks.areas) / np.log(4), rtol=1e-5)
    color = found.values[:, found.names.index("color 1")]
    assert_allclose(color, pooled.colors[:, 0] * 0.5 / 0.25, rtol=1e-5)
