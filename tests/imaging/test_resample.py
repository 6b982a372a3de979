from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import block_reduce

from napari_ncut.imaging import GuidedUpsampler, block_mean, enlarge


def test_block_mean_is_the_mean_of_blocks():
    image = np.random.default_rng(0).random((8, 12, 2)).astype(np.float32)
    np.testing.assert_allclose(block_mean(image, 4), block_reduce(image, (4, 4, 1), np.mean), 1e-5)
    assert block_mean(image, 1) is image


def test_blocks_at_the_border_average_what_they_have():
    image = np.array([[1, 3, 5], [5, 7, 9], [10, 20, 40]], np.float32)
    np.testing.assert_allclose(block_mean(image, 2), [[4, 7], [15, 40]])


def test_enlarge_interpolates_between_cell_centers():
    grid = np.array([[[0.0], [4.0]]], np.float32)
    # Centers of two cells of four pixels lie at 1.5 and 5.5.
    expected = np.clip((np.arange(8) - 1.5), 0, 4)
    np.testing.assert_allclose(enlarge(grid, 4, (4, 8))[..., 0], np.tile(expected, (4, 1)))


@pytest.mark.parametrize("shape", [(16, 16), (13, 18), (1, 9), (3, 3), (1, 1)])
@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_the_size_is_exact_and_a_constant_stays(shape, stride):
    guide = np.random.default_rng(1).random((*shape, 3)).astype(np.float32)
    grid = (-(-shape[0] // stride), -(-shape[1] // stride))
    maps = np.stack([np.full(grid, 0.25), np.full(grid, -1)]).astype(np.float32)
    large = GuidedUpsampler(guide, stride)(maps)
    assert large.shape == (2, *shape)
    np.testing.assert_allclose(large[0], 0.25, atol=1e-5)
    np.testing.assert_allclose(large[1], -1, atol=1e-5)


def test_a_stride_of_one_changes_nothing():
    maps = np.random.default_rng(2).random((3, 5, 7)).astype(np.float32)
    np.testing.assert_array_equal(GuidedUpsampler(np.zeros((5, 7, 1), np.float32), 1)(maps), maps)


def test_an_even_guide_leaves_a_smooth_interpolation():
    maps = np.random.default_rng(3).random((1, 6, 6)).astype(np.float32)
    large = GuidedUpsampler(np.zeros((24, 24, 1), np.float32), 4)(maps)
    assert maps.min() <= large.min() <= large.max() <= maps.max()


@pytest.mark.parametrize("border", [14, 17, 18, 21])
def test_an_edge_follows_the_image(border):
    """A step in the image that is not on a cell's border: the map's step is put there."""
    stride = 8
    inside = np.zeros((40, 40), bool)
    inside[:, border:] = True
    guide = np.where(inside, 0.8, 0.2).astype(np.float32)[..., np.newaxis]
    coarse = block_mean(inside.astype(np.float32), stride)
    # Which side a mixed cell is on is all that the map says.
    maps = np.where(coarse > 0.5, 1, -1).astype(np.float32)[np.newaxis]
    guided = GuidedUpsampler(guide, stride)(maps)[0] > 0
    bilinear = enlarge(maps.transpose(1, 2, 0), stride, (40, 40))[..., 0] > 0
    assert np.count_nonzero(bilinear != inside) >= 40
    assert np.count_nonzero(guided != inside) == 0
