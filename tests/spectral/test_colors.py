from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.errors import InputError
from napari_ncut.spectral import eigenvector_colors


def test_alike_nodes_get_alike_colors():
    centers = np.eye(4)[:, None] + np.random.default_rng(0).normal(0, 0.01, (4, 50, 4))
    colors = eigenvector_colors(centers)
    assert colors.shape == (4, 50, 3)
    means = colors.mean(axis=1)
    assert colors.std(axis=1).max() < 0.05
    assert min(np.abs(means[i] - means[j]).max() for i in range(4) for j in range(i)) > 0.5


def test_the_length_of_a_row_does_not_matter():
    rows = np.random.default_rng(1).normal(size=(30, 5))
    lengths = np.arange(1, 31)[:, None]
    np.testing.assert_allclose(
        eigenvector_colors(rows * lengths), eigenvector_colors(rows), atol=1e-4
    )


@pytest.mark.parametrize("k", [1, 2])
def test_few_eigenvectors_leave_channels_gray(k):
    rows = np.random.default_rng(2).normal(size=(30, k))
    np.testing.assert_array_equal(eigenvector_colors(rows)[:, 2], 0.5)


def test_a_row_of_zeros_is_no_error():
    rows = np.random.default_rng(3).normal(size=(30, 5))
    rows[4] = 0
    assert np.isfinite(eigenvector_colors(rows)).all()


def test_wrong_input_is_explained():
    with pytest.raises(InputError, match="have shape"):
        eigenvector_colors(np.zeros(3))
    with pytest.raises(InputError, match="Quantile"):
        eigenvector_colors(np.eye(3), quantile=0.3)
