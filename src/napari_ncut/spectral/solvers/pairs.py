"""Eigenvectors of the affinities of all pairs of nodes, by iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Steps
from ..affinity import AnyKernel
from ..extension import Extension
from .affinities import NormalizedAffinity, Tile, kept_steps, streamed_steps, streamed_times
from .solution import Solution, inverse, orthonormal_solution, smallest
from .subspace import leading_eigenvectors, n_columns, ritz

if TYPE_CHECKING:
    import torch

# Products of all pairs with a block of vectors, at most; a dozen are the rule.
_MOST_PRODUCTS = 300


def solve_pairs(
    features: NDArray,
    kernel: AnyKernel,
    n_components: int,
    tolerance: float,
    random_state: int,
    device: str,
    *,
    dtype: torch.dtype,
    kept: torch.dtype | None,
) -> Steps[Solution]:
    """Eigenvectors of all pairs by filtered subspace iteration, to a tolerance.

    The first eigenvector is known; the others are found together, from a random start, in a few
    products of the matrix with some dozens of vectors.

    Parameters
    ----------
    features, kernel, n_components
        Nodes (n, d), their affinity, and how many eigenvectors; fewer than n.
    tolerance
        Largest residual ‖Su − λu‖ to stop at, as a share of the smallest eigenvalue.
    random_state
        Of the start.
    device, dtype
        Where and how precisely to compute.
    kept
        How precisely affinities are kept in memory; None computes them anew for every product.
    """
    import torch

    tile = kernel.tiling(features, device, dtype)
    weights = np.ones(len(features))
    values, vectors, affinity = yield from iterate(
        tile, kernel, n_components, weights, tolerance, random_state, device, dtype, kept
    )
    # What a short type has rounded away comes back with one precise product.
    times = None if kept in (None, dtype) else streamed_times(tile, len(features), device)
    images = yield from affinity(vectors, times)
    values, vectors, images = ritz(vectors, images)
    zero = smallest(dtype == torch.float64, len(features))
    n_missing = n_components - 1 - len(values)
    values = np.concatenate([[1.0], np.clip(values, -1, 1), np.zeros(n_missing)])
    values = np.where(np.abs(values) < zero, 0.0, values)
    trivial = affinity.trivial.cpu().double().numpy()
    padding = np.zeros((len(features), n_missing))
    solved, extended = (
        np.concatenate([trivial, v.cpu().double().numpy(), padding], axis=1)
        for v in (vectors, images)
    )
    # As the extension gives them: the image of an eigenvector over its eigenvalue.
    extended[:, 1:] *= inverse(values)[1:]
    projection = solved * inverse(values) * affinity.roots[:, np.newaxis]
    reference = np.asarray(features, dtype=np.float64 if dtype == torch.float64 else np.float32)
    extension = Extension(kernel, reference, projection, weights, degree_floor=0.0)
    return orthonormal_solution(extended, values, affinity.degrees, extension)


def iterate(
    tile: Tile,
    kernel: AnyKernel,
    n_components: int,
    weights: NDArray[np.float64],
    tolerance: float,
    random_state: int,
    device: str,
    dtype: torch.dtype,
    kept: torch.dtype | None,
) -> Steps[tuple[NDArray[np.float64], torch.Tensor, NormalizedAffinity]]:
    """All but the trivial eigenvalues (k − 1,) and eigenvectors (n, k − 1), and their matrix.

    `weights` (n,) say how many nodes each stands for; see `solve_pairs` for the others.
    """
    import torch

    n_nodes, n_wanted = len(weights), n_components - 1
    if kept is None:
        affinity = yield from streamed_steps(tile, n_nodes, weights, device, dtype)
    else:
        affinity = yield from kept_steps(tile, n_nodes, weights, device, dtype, kept)
    shape = n_nodes, n_columns(n_wanted, n_nodes - 1)
    noise = np.random.RandomState(random_state).standard_normal(shape)
    start = torch.as_tensor(noise).to(dtype).to(device)
    start -= affinity.trivial * (affinity.trivial.T @ start)
    if not n_wanted:
        return np.zeros(0), start[:, :0], affinity
    rounding = 0.0 if kept in (None, dtype) else torch.finfo(kept).eps / 2
    values, vectors = yield from leading_eigenvectors(
        affinity,
        start,
        n_wanted,
        tolerance,
        _MOST_PRODUCTS,
        lowest=0.0 if kernel.definite else -1.0,
        rounding=rounding,
    )
    # Rounding of the products has let some of the trivial one in, which the extension would show.
    vectors = vectors - affinity.trivial * (affinity.trivial.T @ vectors)
    return values, vectors, affinity
