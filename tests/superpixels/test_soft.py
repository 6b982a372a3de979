"""Soft k-means on a grid: against a straight implementation, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_ncut.superpixels.soft import SoftGrid, grid_cells, soft_superpixels


def straight(features: np.ndarray, cells: tuple[int, int], iterations: int):
    """Jampani's iterations, pixel by pixel: labels (h, w) and means (k, d)."""
    height, width, _ = features.shape
    rows, columns = cells
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    own = row[:, None] * columns + column
    means = np.stack([features[own == k].mean(axis=0) for k in range(rows * columns)])
    for _ in range(iterations):
        shares = np.zeros((height, width, rows * columns))
        for y in range(height):
            for x in range(width):
                around = [
                    r * columns + c
                    for r in range(max(row[y] - 1, 0), min(row[y] + 2, rows))
                    for c in range(max(column[x] - 1, 0), min(column[x] + 2, columns))
                ]
                weights = np.exp(-np.square(features[y, x] - means[around]).sum(axis=1))
                shares[y, x, around] = weights / weights.sum()
        last = means
        means = np.einsum("yxk,yxd->kd", shares, features) / shares.sum((0, 1))[:, None]
    return shares.argmax(axis=-1), last, shares


@pytest.mark.parametrize(("shape", "n"), [((11, 17), 12), ((17, 11), 12), ((6, 30), 5)])
@pytest.mark.parametrize("iterations", [1, 4])
def test_as_a_straight_implementation(shape: tuple[int, int], n: int, iterations: int):
    features = np.random.default_rng(1).normal(size=(*shape, 3))
    grid = SoftGrid.of(shape, n)
    labels, means, shares = straight(features, grid.cells, iterations)
    found = soft_superpixels(torch.from_numpy(features.reshape(1, -1, 3)), grid, iterations)
    np.testing.assert_array_equal(found.labels()[0], labels)
    np.testing.assert_allclose(found.centers[0], means, atol=1e-10)
    # What is pooled and spread again is the product of both tables of shares.
    drawn = np.random.default_rng(2).normal(size=(*shape, 2))
    pooled = np.einsum("yxk,yxd->kd", shares, drawn) / shares.sum((0, 1))[:, None]
    arranged = grid.arranged(torch.from_numpy(drawn.reshape(1, -1, 2)))
    np.testing.assert_allclose(found.pooled(arranged)[0], pooled, atol=1e-10)
    spread = found.spread(found.pooled(arranged))
    mixed = np.stack([grid.raster(spread[..., i])[0].numpy() for i in range(2)], axis=-1)
    np.testing.assert_allclose(mixed, np.einsum("yxk,kd->yxd", shares, pooled), atol=1e-10)


@pytest.mark.parametrize(("shape", "n"), [((7, 13), 6), ((13, 7), 91), ((5, 5), 1), ((1, 9), 4)])
def test_every_pixel_is_in_one_cell(shape: tuple[int, int], n: int):
    grid = SoftGrid.of(shape, n)
    pixels = grid.pixels[grid.inside].sort().values
    np.testing.assert_array_equal(pixels, np.arange(shape[0] * shape[1]))
    # Row by row: a plane comes back as it was, which a stride of the height would not give.
    plane = torch.arange(shape[0] * shape[1]).reshape(1, -1, 1)
    np.testing.assert_array_equal(
        grid.raster(grid.arranged(plane)[..., 0])[0].flatten(), plane[0, :, 0]
    )


def test_numbers_of_cells():
    assert grid_cells((321, 481), 100) == (8, 12)
    assert grid_cells((481, 321), 100) == (12, 8)
    assert grid_cells((10, 10), 1) == (1, 1)
    assert grid_cells((3, 400), 400)[0] <= 3


def test_gradients_are_those_of_the_function():
    grid = SoftGrid.of((6, 7), 6)
    features = torch.randn(1, 42, 2, dtype=torch.float64, requires_grad=True)

    def mixed(x: torch.Tensor) -> torch.Tensor:
        found = soft_superpixels(x, grid, 3)
        return found.spread(found.centers)[:, grid.inside]

    assert torch.autograd.gradcheck(mixed, (features,))


def test_far_features_give_no_nan():
    grid = SoftGrid.of((8, 8), 4)
    features = torch.zeros(1, 64, 1)
    features[0, :32] = 1e4
    found = soft_superpixels(features.requires_grad_(), grid, 5)
    assert torch.isfinite(found.centers).all()
    found.centers.sum().backward()
    assert torch.isfinite(features.grad).all()
