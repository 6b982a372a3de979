"""What every solver returns, and the conventions that they share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..extension import AnyExtension, Extension

# Eigenvalues below these carry rounding, not information, in double and in single precision.
ZERO_DOUBLE = 1e-10
ZERO_SINGLE = 1e-6
# Sums of n products in single precision are off by this times √n.
SINGLE_ROUNDING = 5e-7
# Share of an eigenvector's square that those before it must not explain: where its eigenvalue may
# be what rounding leaves of 0, and of all others. A sample's eigenvectors are at right angles among
# the nodes of the sample, not among all.
_ITS_OWN = 0.5
_ITS_OWN_AT_LEAST = 1e-3
# Half precision leaves less than this of an eigenvalue of 0.
_DOUBTFUL = 0.01


@dataclass(frozen=True)
class Solution:
    """Eigenvectors of the normalized affinity of n nodes.

    Attributes
    ----------
    eigenvectors : float32 array (n, k)
        Unit columns; 0 where there are fewer than k that carry information.
    eigenvalues : float64 array (k,)
        Descending, the trivial 1 first; 0 where an eigenvector is.
    degrees : float64 array (n,)
        Row sums of the affinity.
    extension : Extension or NeighborExtension
        What it takes to find the eigenvectors at further nodes.
    """

    eigenvectors: NDArray[np.float32]
    eigenvalues: NDArray[np.float64]
    degrees: NDArray[np.float64]
    extension: AnyExtension


def smallest(double: bool, n_nodes: int) -> float:
    """What products with so many affinities leave of an eigenvalue of 0."""
    return ZERO_DOUBLE if double else max(ZERO_SINGLE, SINGLE_ROUNDING * n_nodes**0.5)


def orthonormal_solution(
    vectors: NDArray[np.floating],
    values: NDArray[np.float64],
    degrees: NDArray[np.float64],
    extension: Extension,
) -> Solution:
    """Finish vectors (n, k) that the extension gives: unit columns at right angles, and signs.

    Each column is freed of those before it. The same combinations of the projection's columns keep
    the extension what it is: at fitted nodes it gives the fit.
    """
    gram = vectors.T.astype(np.float64) @ vectors
    values = np.where(_stand_alone(gram, values), values, 0.0)
    informative = np.ix_(values != 0, values != 0)
    turn = np.zeros_like(gram)
    turn[informative] = np.linalg.inv(np.linalg.cholesky(gram[informative])).T
    vectors = vectors @ turn.astype(vectors.dtype)
    signed = signs(vectors)
    extension = replace(extension, projection=extension.projection @ turn * signed)
    vectors = (vectors * signed.astype(vectors.dtype)).astype(np.float32, copy=False)
    return Solution(vectors, values, degrees, extension)


def _stand_alone(gram: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns of eigenvalues (k,) are more than rounding, from inner products (k, k).

    Eigenvectors are at right angles to those before. What rounding leaves of an eigenvalue of 0
    can be a little above it; its column is mostly made of the others.
    """
    wanted = np.where(np.abs(values) < _DOUBTFUL, _ITS_OWN, _ITS_OWN_AT_LEAST)
    kept = values != 0
    for i in np.flatnonzero(kept):
        before = np.flatnonzero(kept[:i])
        among = np.linalg.solve(gram[np.ix_(before, before)], gram[before, i])
        kept[i] = gram[i, i] - gram[i, before] @ among > wanted[i] * gram[i, i]
    return kept


def signs(vectors: NDArray) -> NDArray[np.float64]:
    """±1 per column: makes its sum ≥ 0 or, where that vanishes, its largest entry positive."""
    sums = vectors.sum(axis=0, dtype=np.float64)
    # Sums of unit columns reach √n; a millionth of that is what rounding leaves of a sum of 0.
    vanishing = np.abs(sums) <= 1e-6 * np.sqrt(len(vectors))
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.where(np.where(vanishing, largest, sums) < 0, -1.0, 1.0)


def inverse(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / value, 0 for values of 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)
