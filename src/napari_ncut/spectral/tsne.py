"""t-SNE of some hundred points, exact: so few that every pair counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEPS = 150
_MOMENTUM = 0.8
_BISECTIONS = 30


def tsne(
    squared: NDArray[np.float64], start: NDArray[np.float64], perplexity: float
) -> NDArray[np.float64]:
    """Lay out points so that near neighbors stay near, given their squared distances.

    Gradient descent on the Kullback-Leibler divergence over all pairs (van der Maaten & Hinton,
    "Visualizing data using t-SNE", JMLR 2008) from principal axes, which keep the large-scale order
    (Kobak & Berens, "The art of using t-SNE for single-cell transcriptomics", Nature Communications
    2019). Early exaggeration and gains per coordinate are left out: they make the descent chaotic,
    so that rounding of the input decides where points go, and what they gain on random starts is
    not needed from principal axes.

    Parameters
    ----------
    squared
        Squared distances (n, n).
    start
        Positions (n, d) to begin with; their scale does not matter.
    perplexity
        Number of neighbors that count, above 1 and below n; higher keeps more of the large-scale
        order and less detail.

    Returns
    -------
    float64 array (n, d), centered
    """
    n = len(squared)
    affinities = joint_probabilities(squared, perplexity)
    positions = start / max(float(start.std(axis=0).max()), 1e-12)
    velocity = np.zeros_like(positions)
    for _ in range(_STEPS):
        velocity = _MOMENTUM * velocity - n * slope_of_divergence(affinities, positions)
        positions = positions + velocity
    centered: NDArray[np.float64] = positions - positions.mean(axis=0)
    return centered


def joint_probabilities(squared: NDArray[np.float64], perplexity: float) -> NDArray[np.float64]:
    """Gaussian affinities (n, n) of sum 1; each point's width lets `perplexity` neighbors count."""
    n = len(squared)
    others = squared.astype(np.float32)
    np.fill_diagonal(others, np.inf)
    others -= others.min(axis=1, keepdims=True)
    np.fill_diagonal(others, 0)
    mean = np.maximum(others.mean(axis=1, keepdims=True), 1e-12)
    low, high = np.full((n, 1), -30.0), np.full((n, 1), 30.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        precision = (np.exp(middle) / mean).astype(np.float32)
        weights = np.exp(others * -precision)
        np.fill_diagonal(weights, 0)
        total = weights.sum(axis=1, keepdims=True)
        expected = np.einsum("ij,ij->i", weights, others)[:, np.newaxis] / total
        wide = np.log(total) + precision * expected > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    conditional = (weights / total).astype(np.float64)
    joint: NDArray[np.float64] = (conditional + conditional.T) / (2 * n)
    return joint


def slope_of_divergence(
    affinities: NDArray[np.float64], positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gradient (n, d) of the Kullback-Leibler divergence at positions (n, d)."""
    ones = np.ones((len(positions), 1))
    lengths = np.einsum("ij,ij->i", positions, positions)[:, np.newaxis]
    # One product gives 1 + |a − b|² of all pairs; its inverse is Student's t.
    student = (
        np.hstack([positions, lengths + 1, ones]) @ np.hstack([-2 * positions, ones, lengths]).T
    )
    np.reciprocal(student, out=student)
    pull = student * (-1 / (student.sum() - len(student)))
    pull += affinities
    pull *= student
    sums = pull @ np.hstack([positions, ones])
    slope: NDArray[np.float64] = 4 * (sums[:, -1:] * positions - sums[:, :-1])
    return slope
