"""Leading eigenvectors of a symmetric matrix by filtered subspace iteration."""

from __future__ import annotations

from collections.abc import Callable
from math import acosh, ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, Steps

if TYPE_CHECKING:
    import torch

Product = Callable[["torch.Tensor"], Steps["torch.Tensor"]]

# Columns beyond those asked for: the gap that convergence lives on is to the first one left out.
_SPARE = 12
# A filter may raise the largest eigenvalue over the first unwanted one by this; more, and the
# smaller ones drown in rounding, and in that of their inner products.
_AMPLIFICATION = 1e3
_DEGREES = (1, 12)
# Rounds after which an eigenvalue that is still nothing is: of a random start all are at first.
_LEAST_ROUNDS = 3
# A round that leaves this much of the residuals of the one before is stuck.
_STUCK = 0.8
# Directions that vary less than this share of the largest are rounding.
_DEPENDENT = 1e-10


def leading_eigenvectors(
    product: Product,
    start: torch.Tensor,
    n_wanted: int,
    tolerance: float,
    most: int,
    *,
    lowest: float = 0.0,
    rounding: float = 0.0,
    nothing: float = 0.0,
    enough: float = 0.0,
) -> Steps[tuple[NDArray[np.float64], torch.Tensor, torch.Tensor]]:
    """Eigenvectors of the largest eigenvalues, by subspace iteration with Chebyshev filters.

    Each round applies a Chebyshev polynomial that is small on the unwanted part of the spectrum,
    whose border is the smallest Ritz value of the round before, and solves the small problem in
    the space that results (Zhou, Saad, Tiago & Chelikowsky, "Self-consistent-field calculations
    using Chebyshev-filtered subspace iteration", J. Comput. Phys. 2006).

    Parameters
    ----------
    product
        Multiplies the matrix with vectors (n, k); a generator of progress.
    start
        Vectors (n, n_wanted + spare) to start from.
    n_wanted
        Number of eigenvectors.
    tolerance
        Largest residual ‖Su − λu‖ to stop at, as a share of the distance of λ from what lies
        outside the space: about the sine of the angle that is left to the true eigenvectors.
    most
        Products to stop at, whatever the residual.
    lowest
        No eigenvalue lies below it.
    nothing
        Eigenvalues of this size are rounding: what belongs to them need not converge.
    enough
        Residuals of this share of an eigenvalue do, whatever the angle.
    rounding
        Relative rounding of the products: residuals below its share of an eigenvalue stay.

    Returns
    -------
    values (m,), descending; vectors (n, m), orthonormal; and the matrix times these. All columns of
    the start, or fewer where the matrix has fewer directions; the first n_wanted are converged.
    """
    import torch

    precision = float(torch.finfo(start.dtype).eps)
    wanted = slice(0, n_wanted)
    images = yield from product(start)
    values, vectors, images = ritz(start, images)
    used, n_rounds, before = 1, 0, np.inf
    while True:
        found = values[wanted]
        scaled = vectors[:, wanted] * torch.as_tensor(found).to(vectors)
        residuals = (images[:, wanted] - scaled).norm(dim=0).cpu().numpy()
        allowed = max(rounding, enough) * np.abs(found)
        allowed = np.maximum(allowed, tolerance * (found - values[-1]))
        yield Progress("eigenvectors", min(used, most), most)
        excess = residuals / np.maximum(allowed, 10 * precision)
        if n_rounds >= _LEAST_ROUNDS:
            excess[np.abs(found) < nothing] = 0
        # What rounding leaves of a product does not converge further.
        near = rounding > 0 or residuals.max() <= 100 * precision
        stuck = near and excess.max() > _STUCK * before
        if excess.max() <= 1 or stuck or used >= most:
            return values, vectors, images
        before, n_rounds = float(excess.max()), n_rounds + 1
        border = max(float(values[-1]), lowest + 1e-6)
        degree = _degree(float(values[0]), lowest, border)
        degree = min(degree, max(1, most - used - 1))
        filtered = yield from _filtered(product, vectors, images, values, (lowest, border), degree)
        images = yield from product(filtered)
        used += degree
        values, vectors, images = ritz(filtered, images)


def n_columns(n_wanted: int, n_nodes: int) -> int:
    """Columns to iterate with for so many eigenvectors."""
    return min(n_nodes, n_wanted + max(_SPARE, n_wanted // 2))


def _degree(largest: float, lowest: float, border: float) -> int:
    """The degree at which a filter amplifies the largest eigenvalue as much as rounding allows."""
    least, most = _DEGREES
    if border <= lowest or largest <= border:
        return least
    growth = acosh((2 * largest - border - lowest) / (border - lowest))
    return int(min(most, max(least, ceil(acosh(_AMPLIFICATION) / growth) - 1)))


def _filtered(
    product: Product,
    vectors: torch.Tensor,
    images: torch.Tensor,
    values: NDArray[np.float64],
    unwanted: tuple[float, float],
    degree: int,
) -> Steps[torch.Tensor]:
    """A Chebyshev polynomial of the matrix times vectors, small on the unwanted interval."""
    lowest, border = unwanted
    middle, half = (border + lowest) / 2, (border - lowest) / 2
    scale = half / max(float(values[0]) - middle, half)
    before, now = vectors, (images - middle * vectors) * (scale / half)
    factor = scale
    for _ in range(degree - 1):
        following = 1 / (2 / scale - factor)
        image = yield from product(now)
        after = (image - middle * now) * (2 * following / half) - factor * following * before
        before, now, factor = now, after, following
    return now / now.norm(dim=0).clamp(min=1e-30)


def ritz(
    vectors: torch.Tensor, images: torch.Tensor
) -> tuple[NDArray[np.float64], torch.Tensor, torch.Tensor]:
    """Ritz values, descending, Ritz vectors, and the matrix times these."""
    import torch

    # numpy's, since torch's threads cost more than they bring on matrices of this size.
    lengths, turned = np.linalg.eigh((vectors.T @ vectors).cpu().double().numpy())
    kept = lengths > _DEPENDENT * lengths[-1:]
    basis = turned[:, kept] / np.sqrt(lengths[kept])
    small = basis.T @ (vectors.T @ images).cpu().double().numpy() @ basis
    values, rotation = np.linalg.eigh((small + small.T) / 2)
    turn = torch.as_tensor(basis @ rotation[:, ::-1]).to(vectors.dtype).to(vectors.device)
    return values[::-1].copy(), vectors @ turn, images @ turn
