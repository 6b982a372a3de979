"""The affinity of all pairs of nodes by one number each, in few columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

# A group that holds one node in m has profiles of about m inside, and what varies there varies in
# proportion: from 4 on logarithms are taken, up to three natural ones (80). So columns stay few.
_LINEAR, _LOGARITHMS = 4.0, 3.0
# Spacing of the Gaussians that an RBF is composed of, in σ: wrong by 2e-7 of every affinity. They
# reach beyond the profiles until the next one would add less than that.
_SPACING, _REACH = 0.55, 2.9
# Rows of a table per σ, between which is interpolated: wrong by 8e-6.
_ROWS = 128
# Directions of the normalized affinity that count for less than this are left out.
_SMALL = 1e-6


def compressed(profile: NDArray) -> NDArray:
    """Profiles as they are up to ±4, by their logarithm up to ±80, the same beyond."""
    size = np.abs(profile)
    if size.max() <= _LINEAR:
        return profile
    logarithms = np.minimum(np.log(np.maximum(size, _LINEAR) / _LINEAR), _LOGARITHMS)
    return np.where(size <= _LINEAR, profile, np.copysign(_LINEAR * (1 + logarithms), profile))


@dataclass(frozen=True)
class Places:
    """Where nodes lie among the rows of a table."""

    rows: NDArray[np.intp]
    weights: NDArray

    def __getitem__(self, nodes: slice) -> Places:
        return Places(self.rows[nodes], self.weights[nodes])

    def take(self, table: NDArray) -> NDArray:
        """Interpolate a table (rows,) or (rows, m) at the nodes, in the precision of the nodes."""
        below = table.astype(self.weights.dtype, copy=False)
        steps = np.diff(table, axis=0).astype(self.weights.dtype, copy=False)
        weights = self.weights if table.ndim == 1 else self.weights[:, np.newaxis]
        result = np.take(steps, self.rows, axis=0)
        result *= weights
        result += np.take(below, self.rows, axis=0)
        return result

    def histogram(self, n_rows: int) -> NDArray[np.float64]:
        """How much of the nodes lies at every row: the transpose of `take`, at ones."""
        lower = np.bincount(self.rows, 1 - self.weights.astype(np.float64), n_rows)
        upper = np.bincount(self.rows + 1, self.weights, n_rows)
        return (lower + upper).astype(np.float64, copy=False)


class ProfileAffinity:
    """exp(−(pᵢ − pⱼ)² / 2σ²) of all pairs of nodes, normalized by its row sums, as ΦΦᵀ.

    An RBF is the product of two narrower ones, exp(−(pᵢ − g)²/σ²) exp(−(pⱼ − g)²/σ²), summed over
    evenly spaced g: as close as rounding, relatively, and never negative. Of those functions of p,
    which are tabulated, the combinations that matter for the given nodes are kept.

    Parameters
    ----------
    profile
        p (n,).
    sigma
        σ.

    Attributes
    ----------
    fitted : Places
        Of the nodes.
    functions : float64 array (rows, rank)
        Φ as a table.
    row_sums : float64 array (rows,)
        Of the normalized affinity, as a table.
    """

    def __init__(self, profile: NDArray, sigma: float) -> None:
        self._low, high = float(profile.min()), float(profile.max())
        self._step = sigma / _ROWS
        self._n_rows = int((high - self._low) / self._step) + 2
        self.fitted = self.places(profile)
        at = self._low + self._step * np.arange(self._n_rows)
        reach, spacing = _REACH * sigma, _SPACING * sigma
        centers = np.arange(self._low - reach, high + reach + spacing, spacing)
        # The constant in front is dropped: normalization takes it away.
        narrow = np.exp(-(((at[:, np.newaxis] - centers) / sigma) ** 2))
        n_nodes_at = self.fitted.histogram(self._n_rows)
        # Where no nodes are near, one would still be alike to itself.
        degrees = np.maximum(narrow @ (n_nodes_at @ narrow), (narrow**2).sum(axis=1))
        narrow /= np.sqrt(degrees)[:, np.newaxis]
        values, turned = np.linalg.eigh((narrow * n_nodes_at[:, np.newaxis]).T @ narrow)
        self.functions = narrow @ turned[:, values > _SMALL * values[-1]]
        self.row_sums = self.functions @ (n_nodes_at @ self.functions)

    @property
    def rank(self) -> int:
        """Number of columns of Φ."""
        return self.functions.shape[1]

    def places(self, profile: NDArray) -> Places:
        """Where profiles lie; those outside are taken to the nearest end."""
        position = np.clip((profile - self._low) / self._step, 0, self._n_rows - 1)
        rows = np.minimum(position.astype(np.intp), self._n_rows - 2)
        return Places(rows, (position - rows).astype(profile.dtype))


class OneThread:
    """Keep numpy's linear algebra to one thread: many small products wait longer for several."""

    def __enter__(self) -> None:
        self._limit: Any = _controller().limit(limits=1, user_api="blas")

    def __exit__(self, *_: object) -> None:
        self._limit.restore_original_limits()


@cache
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
