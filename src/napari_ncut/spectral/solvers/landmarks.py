"""Eigenvectors of the normalized affinity through landmarks: the Nyström approximation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, Steps
from ..affinity import AnyKernel
from ..extension import Extension
from .dense import top_eigenvectors
from .solution import ZERO_SINGLE, Solution, inverse, orthonormal_solution

if TYPE_CHECKING:
    import torch

# Rows of affinities computed at once: 4 MB against 1,024 landmarks stay in a core's cache. A GPU
# rather wants few calls.
_BLOCK_ROWS, _BLOCK_ROWS_ON_GPU = 1024, 8192
# Progress is told once for so many blocks.
_BLOCKS_PER_STEP = 8
# Where landmarks are too few for the bandwidth, W⁺ can make a degree negative; a twentieth of the
# plain estimate is far below any degree that it gets right.
_FLOOR_SHARE = 0.05
# Eigenvalues of W below this share of the largest would raise rounding above what they tell.
_RANGE = 1e-5


def solve_landmarks(
    features: NDArray,
    kernel: AnyKernel,
    n_components: int,
    chosen: NDArray[np.int64],
    device: str,
) -> Steps[Solution]:
    """Eigenvectors of the Nyström approximation A ≈ C W⁺ Cᵀ.

    C holds the affinities of all nodes to the landmarks, W those among landmarks. With
    F = D^-½ C W^-½ the normalized affinity is F Fᵀ, whose eigenvectors follow from the small FᵀF:
    exactly orthonormal, at a cost linear in the number of nodes, in three passes over blocks of C.

    Parameters
    ----------
    features, kernel, n_components
        Nodes (n, d), their affinity, and how many eigenvectors.
    chosen
        Indices (m,) of the landmarks.
    device
        Where to compute, in single precision.
    """
    import torch

    n_nodes, n_landmarks = len(features), len(chosen)
    reference = np.asarray(features[chosen], dtype=np.float32)
    inverse_root = _inverse_root(reference, kernel)

    landmarks = kernel.prepare(reference, device, torch.float32)
    n_rows = _BLOCK_ROWS if device == "cpu" else _BLOCK_ROWS_ON_GPU
    starts = range(0, n_nodes, n_rows)
    # 65,536 nodes to 1,024 landmarks are 256 MB: kept, it saves computing them three times.
    cache: dict[int, torch.Tensor] | None = {} if n_nodes * n_landmarks <= 2**26 else None

    def block(first: int) -> torch.Tensor:
        if cache is not None and first in cache:
            return cache[first]
        x = kernel.prepare(features[first : first + n_rows], device, torch.float32)
        affinity = kernel.reaching(x, landmarks)
        if cache is not None:
            cache[first] = affinity
        return affinity

    # Apple's GPUs have no double precision.
    precise = torch.float32 if device.startswith("mps") else torch.float64
    sums = np.zeros(n_landmarks)
    for done, first in enumerate(starts):
        if done % _BLOCKS_PER_STEP == 0:
            yield Progress("affinities", done, len(starts))
        sums += block(first).sum(0, dtype=precise).cpu().numpy()

    degree_weights = inverse_root @ (inverse_root.T @ sums)
    degree_floor = _FLOOR_SHARE * n_nodes / n_landmarks
    weights = torch.as_tensor(degree_weights, dtype=torch.float32).to(device)
    degrees = np.empty(n_nodes)
    gram = np.zeros((n_landmarks, n_landmarks))
    for done, first in enumerate(starts):
        if done % _BLOCKS_PER_STEP == 0:
            yield Progress("graph", done, len(starts))
        affinity = block(first)
        degree = torch.maximum(affinity @ weights, affinity.sum(1) * degree_floor)
        degrees[first : first + n_rows] = degree.cpu().numpy()
        scaled = affinity / degree.sqrt()[:, None]
        gram += (scaled.T @ scaled).cpu().numpy()

    values, projection = _solve_gram(gram, inverse_root, n_components)
    result = np.empty((n_nodes, n_components), dtype=np.float32)
    on_device = torch.as_tensor(projection, dtype=torch.float32).to(device)
    for done, first in enumerate(starts):
        if done % _BLOCKS_PER_STEP == 0:
            yield Progress("eigenvectors", done, len(starts))
        rows = slice(first, first + n_rows)
        root = np.sqrt(degrees[rows])[:, np.newaxis]
        result[rows] = (block(first) @ on_device).cpu().numpy() / root
    yield Progress("eigenvectors", len(starts), len(starts))
    extension = Extension(kernel, reference, projection, degree_weights, degree_floor=degree_floor)
    return orthonormal_solution(result, values, degrees, extension)


def _inverse_root(reference: NDArray[np.float32], kernel: AnyKernel) -> NDArray[np.float64]:
    """W^-½ on the range of W, (m, rank), of the affinities W among landmarks (m, d)."""
    import torch

    exact = kernel.prepare(reference, "cpu", torch.float64)
    among = kernel.between(exact, exact).numpy()
    if kernel.definite:
        np.fill_diagonal(among, 1)
    values, vectors = top_eigenvectors((among + among.T) / 2, len(among))
    kept = values > _RANGE * values[-1]
    root: NDArray[np.float64] = vectors[:, kept] / np.sqrt(values[kept])
    return root


def _solve_gram(
    gram: NDArray[np.float64], inverse_root: NDArray[np.float64], n_components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (k,) of FFᵀ, and P (m, k) that takes D^-½ C to its eigenvectors.

    Where F has fewer than k dimensions the rest is 0.
    """
    small = inverse_root.T @ gram @ inverse_root
    n_found = min(n_components, len(small))
    values, vectors = top_eigenvectors((small + small.T) / 2, n_found)
    values, vectors = np.clip(values[::-1], -1, 1), vectors[:, ::-1]
    values = np.where(values < ZERO_SINGLE, 0.0, values)
    projection = inverse_root @ (vectors * np.sqrt(inverse(values)))
    missing = n_components - n_found
    return np.pad(values, (0, missing)), np.pad(projection, ((0, 0), (0, missing)))
