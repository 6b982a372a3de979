"""Eigenvectors of a weighted sample of the nodes, extended to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Steps
from ..affinity import AnyKernel
from ..extension import Extension
from .pairs import iterate
from .solution import Solution, inverse, orthonormal_solution, smallest

if TYPE_CHECKING:
    import torch

# Nodes from whose affinities the degrees of all are estimated. Twice as many draw no better sample.
_PILOTS = 512


def solve_sample(
    features: NDArray,
    kernel: AnyKernel,
    n_components: int,
    n_sampled: int,
    tolerance: float,
    random_state: int,
    device: str,
    *,
    dtype: torch.dtype,
    kept: torch.dtype,
) -> Steps[Solution]:
    """Solve the cut of a weighted sample of nodes and extend it by Nyström's formula.

    For affinities of any sharpness. Lonely nodes, whose eigenvalues are the largest where the
    affinity is sharp, are all in the sample; of crowded places few are, and count for the many. The
    eigenvectors of the weighted sample converge to those of all nodes as those of an integral
    equation do to the equation's (Fowlkes et al., "Spectral Grouping Using the Nyström Method",
    PAMI 2004, with the weights of Horvitz & Thompson, JASA 1952).

    Parameters
    ----------
    features, kernel, n_components
        Nodes (n, d), their affinity, and how many eigenvectors.
    n_sampled
        Nodes in the sample, on average.
    tolerance, random_state, device, dtype, kept
        See `solve_pairs`.
    """
    random = np.random.RandomState(random_state)
    chosen, weights = yield from _draw(features, kernel, n_sampled, random, device)
    reference = np.asarray(features[chosen], dtype=np.float32)
    tile = kernel.tiling(reference, device, dtype)
    values, vectors, _, affinity = yield from iterate(
        tile, kernel, n_components, weights, tolerance, random_state, device, dtype, kept
    )
    zero = smallest(False, len(chosen))
    values = np.where(np.abs(values) < zero, 0.0, np.clip(values, -1, 1))
    projection = vectors * inverse(values) * affinity.roots[:, np.newaxis]
    extension = Extension(kernel, reference, projection, weights, degree_floor=0.0)
    extended, degrees = yield from extension.eigenvector_steps(features, device)
    return orthonormal_solution(extended, values, degrees, extension)


def _draw(
    features: NDArray,
    kernel: AnyKernel,
    n_sampled: int,
    random: np.random.RandomState,
    device: str,
) -> Steps[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Draw nodes by how little others can stand for them, and tell how many each stands for.

    What a node adds that others do not show falls with its degree; of the powers tried (½ to 3) the
    square did best on features of filters and networks, sharp and smooth.
    """
    n_nodes = len(features)
    some = np.sort(random.choice(n_nodes, min(n_nodes, _PILOTS), replace=False))
    each = np.full(len(some), n_nodes / len(some))
    pilots = Extension(
        kernel,
        np.asarray(features[some], dtype=np.float32),
        np.zeros((len(some), 0)),
        each,
        degree_floor=0.0,
    )
    _, degrees = yield from pilots.eigenvector_steps(features, device)
    shares = _shares(1 / np.maximum(degrees, 1.0) ** 2, n_sampled)
    chosen = np.flatnonzero(random.random_sample(n_nodes) < shares)
    return chosen, 1 / shares[chosen]


def _shares(wanted: NDArray[np.float64], total: int) -> NDArray[np.float64]:
    """Probabilities in proportion to `wanted`, at most 1, that add up to `total`."""
    ascending = np.sort(wanted)[::-1]
    # With the m largest certain, the others share what is left.
    rest = np.cumsum(ascending[::-1])[::-1]
    n_certain = np.arange(len(wanted))
    factors = (total - n_certain) / rest
    # The first m at which the next largest is no longer above 1.
    fitting = np.flatnonzero(factors * ascending <= 1)
    factor = factors[fitting[0]] if len(fitting) else np.inf
    shares: NDArray[np.float64] = np.minimum(1, factor * wanted)
    return shares
