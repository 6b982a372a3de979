"""How alike two nodes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice
from .names import AFFINITIES
from .preparation import column_moments

if TYPE_CHECKING:
    import torch


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


def check_affinity(affinity: str, bandwidth: float | str, gamma: float) -> None:
    """Raise an `InputError` unless an affinity with these parameters can be had."""
    check_choice("affinity", affinity, AFFINITIES)
    if not np.isfinite(gamma) or gamma <= 0:
        raise InputError(
            f"affinity_gamma {gamma!r} cannot be used. Give a number above 0; smaller cuts sharper."
        )
    if bandwidth == "auto":
        return
    if affinity == "cosine":
        raise InputError(
            f'bandwidth={bandwidth!r} belongs to affinity="rbf". The cosine affinity is '
            f"set by affinity_gamma alone; leave bandwidth out."
        )
    if isinstance(bandwidth, str) or not np.isfinite(bandwidth) or bandwidth <= 0:
        raise InputError(
            f'Bandwidth {bandwidth!r} cannot be used. Give "auto" or a number above 0.'
        )


def fit_kernel(features: NDArray, affinity: str, bandwidth: float | str, gamma: float) -> Kernel:
    """Choose the bandwidth and center for features (n, d), by the rules that `NCut` states."""
    if affinity == "cosine":
        center = np.zeros(features.shape[1])
        return Kernel(normalized=True, bandwidth=float(gamma) ** 0.5, center=center)
    center, variance = column_moments(features)
    if bandwidth == "auto":
        # √Σ variances is the typical distance between nodes (up to √2): it follows any rescaling
        # of the features, and does not change the affinities when features are repeated.
        bandwidth = float(np.sqrt(gamma * variance.sum())) or 1.0
    return Kernel(normalized=False, bandwidth=float(bandwidth), center=center)
