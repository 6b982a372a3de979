"""Nodes that stand well for all others, and how well they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, Steps
from ..affinity import AnyKernel

# Nodes among which landmarks are looked for: their affinities to 1,024 landmarks take 32 MB.
_CANDIDATES = 8192
# Landmarks that are drawn at once. Fewer are chosen better, more are quicker.
_BLOCK = 48
# Numbers of landmarks at which their sufficiency is judged.
_CHECKS = (64, 128, 256, 384, 512, 768, 1024)
# What twice as many landmarks leave of the part that they miss, when it falls fast.
_FALL = 0.3
# A landmark that adds less than this is a combination of those before it.
_DEPENDENT = 1e-5


@dataclass(frozen=True)
class Landmarks:
    """Nodes through which the others are seen.

    Attributes
    ----------
    nodes : int array (m,)
        Their indices, ascending.
    missed : float
        Trace of the part of the normalized affinity that they miss, as a share of the last
        eigenvalue asked for. On natural images about 1 means an error (mean sin² of the angles
        between true and approximate eigenvectors) of 0.005, 5 one of 0.05.
    """

    nodes: NDArray[np.int64]
    missed: float


def choose_landmarks(
    features: NDArray,
    kernel: AnyKernel,
    n_components: int,
    most: int,
    enough: float,
    random_state: int,
) -> Steps[Landmarks]:
    """Choose landmarks by randomly pivoted Cholesky factorization, until they are enough.

    Each block of landmarks is drawn with probabilities that follow what those before it miss of
    every node, so that rare nodes are found that a plain sample overlooks (Chen, Epperly, Tropp &
    Webber, "Randomly pivoted Cholesky", Communications on Pure and Applied Mathematics 2025).

    Parameters
    ----------
    features, kernel, n_components
        Nodes (n, d), their positive definite affinity, and how many eigenvectors are wanted.
    most
        Number of landmarks to stop at, whatever they miss.
    enough
        Value of `Landmarks.missed` to stop at. Where it seems out of reach, the search ends early.
    random_state
        Of the drawing.
    """
    import torch

    random = np.random.RandomState(random_state)
    n_nodes = len(features)
    candidates = np.arange(n_nodes)
    if n_nodes > _CANDIDATES:
        candidates = np.sort(random.choice(n_nodes, _CANDIDATES, replace=False))
    x = kernel.prepare(np.asarray(features[candidates]), "cpu", torch.float32)
    factor = torch.zeros(len(x), most)
    left = torch.ones(len(x))
    chosen: list[NDArray[np.int64]] = []
    rank, missed = 0, np.inf
    checks = [check for check in _CHECKS if 2 * n_components <= check < most] + [most]
    while rank < most and float(left.sum()) > _DEPENDENT * len(x):
        yield Progress("landmarks", rank, most)
        shares = left.double().numpy()
        drawn = np.unique(random.choice(len(x), min(_BLOCK, most - rank), p=shares / shares.sum()))
        new = kernel.between(x, x[drawn]) - factor[:, :rank] @ factor[drawn, :rank].T
        pivots, columns = _independent(new[drawn].double().numpy())
        if len(pivots):
            added = new[:, pivots] @ torch.as_tensor(columns, dtype=torch.float32)
            factor[:, rank : rank + len(pivots)] = added
            left = (left - (added * added).sum(1)).clamp_(min=0)
            chosen.append(drawn[pivots])
            rank += len(pivots)
        left[drawn] = 0
        if rank >= checks[0]:
            missed = _missed(factor[:, :rank], left, n_components)
            while checks and rank >= checks[0]:
                checks.pop(0)
            reachable = missed * _FALL ** np.log2(max(most / rank, 1))
            if missed <= enough or reachable > 2 * enough or not checks:
                break
    else:
        missed = _missed(factor[:, :rank], left, n_components)
    nodes = np.concatenate(chosen) if chosen else np.zeros(1, dtype=np.int64)
    return Landmarks(np.sort(candidates[nodes]), missed)


def _independent(
    schur: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which of the drawn nodes add something to one another, and R⁻¹ of their Cholesky factor."""
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf

    upper, order, rank, _ = dpstrf((schur + schur.T) / 2, tol=_DEPENDENT)
    kept = order[:rank].astype(np.int64) - 1
    inverse = solve_triangular(np.triu(upper[:rank, :rank]), np.eye(rank)) if rank else np.eye(0)
    return kept, inverse


def _missed(factor: object, left: object, n_components: int) -> float:
    """Trace of what a factor misses of the normalized affinity, over its k-th eigenvalue."""
    import torch

    assert isinstance(factor, torch.Tensor) and isinstance(left, torch.Tensor)
    # No degree is below that of a node with itself.
    degrees = (factor @ factor.sum(0)).clamp_(min=1)
    normalized = factor / degrees.sqrt()[:, None]
    values = np.linalg.eigvalsh((normalized.T @ normalized).double().numpy())[::-1]
    last = max(float(values[min(n_components, len(values)) - 1]), 1e-9)
    return float((left / degrees).sum()) / last
