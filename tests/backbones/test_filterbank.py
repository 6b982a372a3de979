from __future__ import annotations

import numpy as np
from skimage.color import rgb2lab

from napari_ncut.backbones import load_backbone


def features(plane, stride=1, **options):
    return load_backbone("filterbank", **options).features([plane.astype(np.float32)], stride)[0]


def test_an_even_image_has_its_color_and_no_edge_or_texture():
    plane = np.full((16, 16, 3), (0.8, 0.2, 0.4), np.float32)
    color = features(plane, node="color")
    lab = rgb2lab(plane[0, 0]) / 100
    np.testing.assert_allclose(color, np.broadcast_to(np.tile(lab, 4), color.shape), atol=1e-4)
    # SciPy cuts Gaussians at four sigma, so that a Laplacian's weights miss 0 by some 1e-3.
    np.testing.assert_allclose(features(plane, node="edge"), 0, atol=1e-3)
    np.testing.assert_allclose(features(plane, node="texture"), 0, atol=2e-3)


def test_edges_are_strongest_at_the_step():
    plane = np.zeros((16, 40, 1))
    plane[:, 20:] = 1
    gradient = features(plane, node="edge", layer=0)[8, :, 0]
    assert set(np.argsort(gradient)[-2:]) == {19, 20}


def test_texture_tells_stripes_from_an_even_gray_of_the_same_mean():
    plane = np.full((32, 64, 1), 0.5)
    plane[:, 32::2] = 0
    plane[:, 33::2] = 1
    contrast = features(plane, node="texture", layer=1)[16, :, -1]
    assert contrast[8] < 1e-3
    assert contrast[48] > 0.4


def test_a_later_layer_adds_to_an_earlier_one():
    plane = np.random.default_rng(0).random((24, 24, 1))
    small, large = features(plane, layer=1), features(plane, layer=3)
    np.testing.assert_array_equal(large[..., : small.shape[-1]], small)


def test_a_coarse_grid_is_the_mean_of_a_fine_one():
    plane = np.random.default_rng(1).random((32, 48, 1))
    fine, coarse = features(plane, stride=4), features(plane, stride=8)
    np.testing.assert_allclose(coarse, fine.reshape(4, 2, 6, 2, -1).mean((1, 3)), atol=1e-5)
