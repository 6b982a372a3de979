"""Eigenvectors of the normalized affinity of few nodes, by a dense solver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ...progress import Progress, Steps
from ..affinity import AnyKernel
from ..extension import Extension
from .solution import ZERO_DOUBLE, Solution, inverse, signs


def solve_dense(features: NDArray, kernel: AnyKernel, n_components: int) -> Steps[Solution]:
    """All digits of double precision, at a cost that grows with the cube of the nodes."""
    import torch

    yield Progress("affinities", 0, 1)
    everything = slice(0, len(features))
    tile = kernel.tiling(features, "cpu", torch.float64)
    affinity: NDArray[np.float64] = tile(everything, everything).numpy()
    degrees = affinity.sum(axis=1)
    inverse_root = 1 / np.sqrt(degrees)
    yield Progress("eigenvectors", 0, 1)
    values, vectors = top_eigenvectors(
        inverse_root[:, np.newaxis] * affinity * inverse_root, n_components
    )
    values, vectors = np.clip(values[::-1], -1, 1), vectors[:, ::-1]
    values = np.where(np.abs(values) < ZERO_DOUBLE, 0.0, values)
    vectors = vectors * signs(vectors) * (values != 0)
    yield Progress("eigenvectors", 1, 1)
    projection = vectors * inverse(values) * inverse_root[:, np.newaxis]
    reference = np.asarray(features, dtype=np.float64)
    extension = Extension(kernel, reference, projection, np.ones(len(features)), degree_floor=0.0)
    return Solution(vectors.astype(np.float32), values, degrees, extension)


def top_eigenvectors(
    matrix: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The `n` largest eigenvalues of a symmetric matrix, ascending, with their eigenvectors."""
    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=[size - n, size - 1])
    return values, vectors
