"""The cut of a dense affinity of up to some thousand nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..side_by_side import one_blas_thread

# Up to this size a dense solver is faster than iterations.
_DENSE = 700


def cut_vectors(affinity: NDArray, n_vectors: int) -> NDArray[np.float64]:
    """Generalized eigenvectors of a normalized cut, the trivial one first.

    Parameters
    ----------
    affinity
        Symmetric, ≥ 0, (n, n).
    n_vectors
        k; as many as there are nodes at most.

    Returns
    -------
    float64 array (n, k)
        Columns D^-½u, u unit eigenvectors of D^-½ A D^-½ in descending order; of each the entry
        that is largest in size is positive.
    """
    matrix = np.asarray(affinity, dtype=np.float64)
    n = len(matrix)
    k = min(n_vectors, n)
    root = 1 / np.sqrt(np.maximum(matrix.sum(axis=1), 1e-12))
    vectors = _top(root[:, np.newaxis] * matrix * root, k) * root[:, np.newaxis]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[np.newaxis], axis=0)
    result: NDArray[np.float64] = vectors * np.where(largest < 0, -1, 1)
    return result


def _top(matrix: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    from ..spectral.solvers.dense import top_eigenvectors

    if len(matrix) > _DENSE:
        start = np.random.RandomState(0).randn(len(matrix))
        try:
            with one_blas_thread():
                values, vectors = eigsh(matrix, k=k, which="LA", v0=start, tol=1e-6, maxiter=2000)
            found: NDArray[np.float64] = vectors[:, np.argsort(-values, kind="stable")]
            return found
        except ArpackNoConvergence:
            # Eigenvalues too close for iterations are none for a dense solver.
            pass
    reversed_order: NDArray[np.float64] = top_eigenvectors(matrix, k)[1][:, ::-1]
    return reversed_order
