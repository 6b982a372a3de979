from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_ncut.backbones.preparation import Preparation
from napari_ncut.imaging import PlaneLayout, as_planes
from napari_ncut.spectral import Embedding, NCut


def _synthetic(
    shape: tuple[int, int],
    *,
    n_planes: int = 1,
    stride: int = 1,
    k: int = 8,
    sigma: float = 3.0,
    seed: int = 0,
    guided: bool = False,
) -> Embedding:
    """Smooth random eigenvectors (sigma 0: noise) instead of a cut."""
    generator = np.random.default_rng(seed)
    stack = () if n_planes == 1 else (n_planes,)
    layout = PlaneLayout((shape,) * n_planes, stride, (stack,), False)
    noise = generator.normal(size=(n_planes, *layout.grids[0], k))
    vectors = gaussian_filter(noise, (0, sigma, sigma, 0)).reshape(-1, k).astype(np.float32)
    images = None
    if guided:
        axes = "YX" if n_planes == 1 else "ZYX"
        images = as_planes(generator.random((*stack, *shape)), axes=axes)
    return Embedding(
        vectors=vectors,
        eigenvalues=np.ones(k),
        degrees=np.ones(len(vectors)),
        layout=layout,
        ncut=NCut(k),
        preparation=Preparation("none", np.zeros(1), np.ones(1)),
        recipe={},
        planes=images,
    )


@pytest.fixture(scope="session")
def synthetic() -> Callable[..., Embedding]:
    """Make an embedding without an image or a cut."""
    return _synthetic
