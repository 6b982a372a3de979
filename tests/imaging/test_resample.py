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


@pytest.mark.parametrize("stride", [2, 3, 4, 7, 8, 14])
def test_enlarge_is_torchs_bilinear_interpolation(stride):
    import torch

    grid = np.random.default_rng(4).random((5, 9, 2)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(grid.transpose(2, 0, 1).copy())[None], scale_factor=stride, mode="bilinear"
    )[0].numpy()
    large = enlarge(grid, stride, (5 * stride - 1, 9 * stride))
    np.testing.assert_allclose(large, expected.transpose(1, 2, 0)[:-1], atol=1e-6)


def fast_guided_filter(gray, maps, stride, epsilon):
    """As in the paper, pixel by pixel, with windows of 3 × 3 cells, of a smoothed image."""
    taps = np.exp(-0.5 * np.array([-1, 0, 1]) ** 2 / 0.7**2)
    taps /= taps.sum()
    padded = np.pad(gray, 1, mode="edge")
    rows_smooth = sum(w * padded[i : i + gray.shape[0]] for i, w in enumerate(taps))
    gray = sum(w * rows_smooth[:, i : i + gray.shape[1]] for i, w in enumerate(taps))
    guide = block_mean(gray, stride).astype(np.float64)
    rows, columns = guide.shape

    def window_mean(values):
        result = np.empty((rows, columns))
        for r in range(rows):
            for c in range(columns):
                result[r, c] = values[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].mean()
        return result

    mean = window_mean(guide)
    variance = window_mean(guide**2) - mean**2
    results = []
    for values in maps.astype(np.float64):
        slope = (window_mean(guide * values) - mean * window_mean(values)) / (variance + epsilon)
        offset = window_mean(values) - slope * mean
        coefficients = np.stack([window_mean(slope), window_mean(offset)], -1).astype(np.float32)
        large = enlarge(coefficients, stride, gray.shape)
        results.append(large[..., 0] * gray + large[..., 1])
    return np.stack(results)


@pytest.mark.parametrize(("stride", "shape"), [(2, (17, 22)), (4, (40, 31)), (7, (30, 50))])
def test_guiding_is_the_fast_guided_filter(stride, shape, monkeypatch):
    generator = np.random.default_rng(5)
    gray = generator.random(shape, dtype=np.float32)
    maps = generator.random((3, -(-shape[0] // stride), -(-shape[1] // stride)), dtype=np.float32)
    upsampler = GuidedUpsampler(gray[..., np.newaxis], stride, epsilon=0.01, noise=0.7)
    whole = upsampler(maps)
    np.testing.assert_allclose(whole, fast_guided_filter(gray, maps, stride, 0.01), atol=1e-4)
    # However narrow the bands are, they are the whole.
    for pixels in (1, 3 * stride * shape[1]):
        monkeypatch.setattr("napari_ncut.imaging.resample._BAND_PIXELS", pixels)
        bands = list(upsampler.bands(maps))
        assert len(bands) > 1
        assert [rows.start for rows, _ in bands[1:]] == [rows.stop for rows, _ in bands[:-1]]
        np.testing.assert_array_equal(np.concatenate([b for _, b in bands], axis=1), whole)
