"""How alike two nodes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..backbones.preparation import column_moments
from ..errors import InputError, check_choice, is_number
from .names import AFFINITIES

if TYPE_CHECKING:
    import torch


# Below this share of the typical distance even double precision cannot tell neighbors apart.
_NARROWEST = 1e-5


@dataclass(frozen=True)
class Kernel:
    """A fitted affinity.

    Both affinities are one formula, since for unit vectors 1 − cos = d² / 2: the cosine affinity
    is the RBF of normalized rows with σ = √γ.

    Attributes
    ----------
    normalized : bool
        Whether rows are brought to unit length first (cosine).
    bandwidth : float
        σ, in units of the features.
    center : array (d,)
        Subtracted from the features before distances are taken by the inner-product expansion,
        which would otherwise lose its digits when features lie far from 0.
    """

    normalized: bool
    bandwidth: float
    center: NDArray[np.float64]

    def prepare(self, features: NDArray, device: str, dtype: torch.dtype) -> torch.Tensor:
        """Features (n, d) on `device` in units of √2·bandwidth, ready for `between`."""
        import torch

        x = torch.as_tensor(features, device=device, dtype=dtype)
        if self.normalized:
            x = torch.nn.functional.normalize(x, dim=1)
        center = torch.as_tensor(self.center, device=device, dtype=dtype)
        return (x - center) / (self.bandwidth * 2**0.5)

    @staticmethod
    def squared_distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """d² / 2σ² between prepared rows, (n, d) and (m, d) → (n, m)."""
        import torch

        product = torch.addmm((x * x).sum(1)[:, None] + (y * y).sum(1)[None, :], x, y.T, alpha=-2.0)
        return product.clamp_(min=0)

    @classmethod
    def between(cls, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Affinities between prepared rows, (n, d) and (m, d) → (n, m), in [0, 1]."""
        return cls.squared_distances(x, y).neg_().exp_()

    @classmethod
    def reaching(cls, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """`between`, with rows far from all of y brought nearer until they reach it.

        The exponential of a far row would be 0 for all of y. A common factor leaves the direction
        of its eigenvectors as it is.
        """
        exponent = cls.squared_distances(x, y)
        nearest = exponent.amin(dim=1, keepdim=True)
        if bool((nearest > _REACH).any()):
            exponent -= (nearest - _REACH).clamp_(min=0)
        return exponent.neg_().exp_()


# exp(−20) is 2e-9: rows within about six bandwidths of another are not brought nearer at all.
_REACH = 20.0


def check_affinity(affinity: str, bandwidth: float | str, gamma: float) -> None:
    """Raise an `InputError` unless an affinity with these parameters can be had."""
    check_choice("affinity", affinity, AFFINITIES)
    if not is_number(gamma) or gamma <= 0:
        raise InputError(
            f"affinity_gamma {gamma!r} cannot be used. Give a number above 0; smaller cuts sharper."
        )
    if isinstance(bandwidth, str) and bandwidth == "auto":
        return
    if affinity == "cosine":
        raise InputError(
            f'bandwidth={bandwidth!r} belongs to affinity="rbf". The cosine affinity is '
            f"set by affinity_gamma alone; leave bandwidth out."
        )
    if not is_number(bandwidth) or bandwidth <= 0:  # type: ignore[operator]
        raise InputError(
            f'Bandwidth {bandwidth!r} cannot be used. Give "auto" or a number above 0.'
        )


def fit_kernel(features: NDArray, affinity: str, bandwidth: float | str, gamma: float) -> Kernel:
    """Choose the bandwidth and center for features (n, d), by the rules that `NCut` states."""
    if affinity == "cosine":
        center, sigma, typical = np.zeros(features.shape[1]), float(gamma) ** 0.5, 1.0
    else:
        center, variance = column_moments(features)
        # √Σ variances is the typical distance between nodes (up to √2): it follows any rescaling
        # of the features, and does not change the affinities when features are repeated.
        typical = float(np.sqrt(variance.sum())) or 1.0
        sigma = float(gamma) ** 0.5 * typical if bandwidth == "auto" else float(bandwidth)
    if sigma < _NARROWEST * typical:
        raise InputError(
            f"A bandwidth of {sigma:g} is too small for nodes that are typically {typical:.3g} "
            f"apart: none would be like another. Give a larger bandwidth or affinity_gamma."
        )
    return Kernel(normalized=affinity == "cosine", bandwidth=sigma, center=center)
