"""Eigenvectors of the affinities of all pairs of nodes, by iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Steps
from ..affinity import AnyKernel
from ..extension import Extension
from .affinities import (
    NormalizedAffinity,
    Tile,
    kept_steps,
    kept_times_steps,
    streamed_steps,
    streamed_times,
)
from .solution import Solution, inverse, orthonormal_solution, smallest
from .subspace import Product, leading_eigenvectors, n_columns

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
    start: NDArray | None = None,
    enough: float = 0.0,
) -> Steps[Solution]:
    """Eigenvectors of all pairs by filtered subspace iteration, to a tolerance.

    The first eigenvector is known; the others are found together, from a random start, in a few
    products of the matrix with some dozens of vectors.

    Parameters
    ----------
    features, kernel, n_components
        Nodes (n, d), their affinity, and how many eigenvectors; fewer than n.
    tolerance
        Of `leading_eigenvectors`: about the sine of the angle to the true ones.
    random_state
        Of the start.
    device, dtype
        Where and how precisely to compute.
    kept
        How precisely affinities are kept in memory; None computes them anew for every product.
    start
        Eigenvectors to begin from (n, m), the trivial one first, rather than a random space.
    enough
        Residuals ‖Su − λu‖ of this share of λ do, whatever `tolerance` says.
    """
    import torch

    tile = kernel.tiling(features, device, dtype)
    weights = np.ones(len(features))
    values, vectors, images, affinity = yield from iterate(
        tile,
        kernel,
        n_components,
        weights,
        tolerance,
        random_state,
        device,
        dtype,
        kept,
        start=start,
        enough=enough,
    )
    zero = smallest(dtype == torch.float64, len(features))
    values = np.where(np.abs(values) < zero, 0.0, np.clip(values, -1, 1))
    # As the extension gives them: the image of an eigenvector over its eigenvalue.
    images[:, 1:] *= inverse(values)[1:]
    projection = vectors * inverse(values) * affinity.roots[:, np.newaxis]
    reference = np.asarray(features, dtype=np.float64 if dtype == torch.float64 else np.float32)
    extension = Extension(kernel, reference, projection, weights, degree_floor=0.0)
    return orthonormal_solution(images, values, affinity.degrees, extension)


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
    *,
    start: NDArray | None = None,
    enough: float = 0.0,
) -> Steps[tuple[NDArray[np.float64], NDArray, NDArray, NormalizedAffinity]]:
    """Eigenvalues (k,), eigenvectors and their images (n, k), and their matrix.

    `weights` (n,) say how many nodes each stands for; see `solve_pairs` for the others. Where the
    matrix has fewer than k directions the rest is 0.
    """
    import torch

    n_nodes, n_wanted = len(weights), n_components - 1
    if kept is None:
        affinity = yield from streamed_steps(tile, n_nodes, weights, device, dtype)
    else:
        affinity = yield from kept_steps(tile, n_nodes, weights, device, dtype, kept)
    trivial = affinity.trivial
    values, found, images = np.zeros(0), trivial[:, :0], trivial[:, :0]
    if n_wanted:
        first = np.zeros((n_nodes, 0)) if start is None else start[:, 1:]
        shape = n_nodes, max(0, n_columns(n_wanted, n_nodes - 1) - first.shape[1])
        noise = np.random.RandomState(random_state).standard_normal(shape)
        found = torch.as_tensor(np.concatenate([first, noise], axis=1)).to(dtype).to(device)
        passes: list[tuple[Product, float]] = [(affinity, 0.0)]
        if kept not in (None, dtype):
            # What a short type has rounded away comes back with precise products: with one, as a
            # rule, with more where eigenvalues are so close that only they can tell them apart.
            precise = _Precise(affinity, tile, device, dtype)
            passes = [(affinity, torch.finfo(kept).eps / 2), (precise, 0.0)]
        for product, rounding in passes:
            found = found - trivial * (trivial.T @ found)
            values, found, images = yield from leading_eigenvectors(
                product,
                found,
                n_wanted,
                tolerance,
                _MOST_PRODUCTS,
                lowest=0.0 if kernel.definite else -1.0,
                rounding=rounding,
                nothing=smallest(dtype == torch.float64, n_nodes),
                enough=enough,
            )
    missing = max(0, n_wanted - len(values))
    known = trivial.cpu().double().numpy()
    vectors, products = (
        np.pad(
            np.concatenate([known, some[:, :n_wanted].cpu().double().numpy()], axis=1),
            ((0, 0), (0, missing)),
        )
        for some in (found, images)
    )
    values = np.concatenate([[1.0], values[:n_wanted], np.zeros(missing)])
    return values, vectors, products, affinity


class _Precise:
    """Products of the same matrix in full precision: computed for one, kept for more."""

    def __init__(
        self, affinity: NormalizedAffinity, tile: Tile, device: str, dtype: torch.dtype
    ) -> None:
        self._affinity = affinity
        self._times = streamed_times(tile, len(affinity.degrees), device)
        self._used = 0
        self._where = tile, device, dtype

    def __call__(self, vectors: torch.Tensor) -> Steps[torch.Tensor]:
        self._used += 1
        if self._used == 2:
            tile, device, dtype = self._where
            self._times = yield from kept_times_steps(tile, len(vectors), device, dtype)
        return (yield from self._affinity(vectors, self._times))
