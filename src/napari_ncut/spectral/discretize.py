"""Eigenvectors to groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, svd


def cluster_qr(vectors: NDArray) -> NDArray[np.int64]:
    """Assign nodes to as many groups as there are eigenvectors, (n, k) → (n,) in 0 … k − 1.

    Column-pivoted QR picks k nodes that stand for the groups; the polar factor of their rows turns
    the eigenvectors to them, and every node goes to the group of its largest coordinate (Damle,
    Minden & Ying, "Simple, direct and efficient multi-way spectral clustering", Information and
    Inference 2019). No starting point, no parameter.
    """
    k = vectors.shape[1]
    vectors = np.asarray(vectors, dtype=np.float64)
    _, _, pivots = qr(vectors.T, pivoting=True, mode="economic")
    left, _, right = svd(vectors[pivots[:k]].T)
    groups: NDArray[np.int64] = np.abs(vectors @ (left @ right)).argmax(axis=1)
    return groups


def number_by_size(groups: NDArray) -> NDArray[np.int32]:
    """Renumber groups from 1 by falling size (ties: by first member)."""
    _, first, inverse, counts = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(1, len(order) + 1)
    return number[inverse.reshape(groups.shape)]
