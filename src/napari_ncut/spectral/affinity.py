"""How alike two nodes are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ..backbones.preparation import column_moments
from ..errors import InputError, check_choice, is_number
from .names import AFFINITIES

if TYPE_CHECKING:
    import torch


# Below this share of the typical distance even double precision cannot tell neighbors apart.
_NARROWEST = 1e-5
# Squares of rows longer than this leave single precision fewer than four digits of a distance.
_LONGEST = 1000.0
# exp(−20) is 2e-9: rows within about six bandwidths of another are not brought nearer at all.
_REACH = 20.0

Affinity = Callable[[NDArray, NDArray], Any]


class AnyKernel(Protocol):
    """What solvers and extensions ask of an affinity."""

    @property
    def bandwidth(self) -> float:
        """σ, NaN where there is none."""
        ...

    @property
    def definite(self) -> bool:
        """Whether its matrices have no eigenvalue below 0."""
        ...

    def prepare(self, features: NDArray, device: str, dtype: torch.dtype) -> torch.Tensor:
        """Features (n, d) as the methods below take them."""
        ...

    def between(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Affinities between prepared rows, (n, d) and (m, d) → (n, m)."""
        ...

    def reaching(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """`between`, where every row has some affinity to y."""
        ...

    def distances(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Distance of each prepared row of x (n, d) to the nearest of y, in bandwidths, (n,)."""
        ...

    def tiling(
        self, features: NDArray, device: str, dtype: torch.dtype
    ) -> Callable[[slice, slice], torch.Tensor]:
        """Make a function that gives any tile of the affinities among features (n, d)."""
        ...


@dataclass(frozen=True)
class Kernel:
    """A fitted affinity by distance.

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
    definite: ClassVar[bool] = True

    def prepare(self, features: NDArray, device: str, dtype: torch.dtype) -> torch.Tensor:
        """Features (n, d) on `device` in units of √2·bandwidth, ready for `between`."""
        import torch

        # The type first: Apple's GPUs take no double precision, not even to convert it.
        x = _tensor(features, dtype).to(device)
        if self.normalized:
            x = torch.nn.functional.normalize(x, dim=1)
        center = torch.as_tensor(self.center, dtype=dtype).to(device)
        return (x - center) / (self.bandwidth * 2**0.5)

    @staticmethod
    def squared_distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """d² / 2σ² between prepared rows, (n, d) and (m, d) → (n, m)."""
        import torch

        product = torch.addmm((y * y).sum(1), x, y.T, alpha=-2.0)
        return product.add_((x * x).sum(1)[:, None]).clamp_(min=0)

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

    def distances(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Distance of each prepared row of x (n, d) to the nearest of y, in bandwidths, (n,)."""
        return (2 * self.squared_distances(x, y).amin(dim=1)).sqrt()

    def tiling(
        self, features: NDArray, device: str, dtype: torch.dtype
    ) -> Callable[[slice, slice], torch.Tensor]:
        """Make a function that gives any tile of the affinities among features (n, d)."""
        import torch

        x = self.prepare(features, device, dtype)
        length = (x * x).sum(1, keepdim=True)
        precise = dtype
        if (
            dtype == torch.float32
            and not device.startswith("mps")
            and float(length.max()) > _LONGEST
        ):
            precise = torch.float64
            x = self.prepare(features, device, precise)
            length = (x * x).sum(1, keepdim=True)
        # One product gives the exponent: −|x − y|² = 2x·y − |x|² − |y|².
        one = torch.ones_like(length)
        left = torch.cat([2 * x, -length, one], dim=1)
        right = torch.cat([x, one, -length], dim=1).T.contiguous()

        def tile(rows: slice, columns: slice) -> torch.Tensor:
            affinity = torch.mm(left[rows], right[:, columns]).clamp_(max=0).exp_()
            if rows == columns:
                # Rounding must not take the 1 from the diagonal.
                affinity.fill_diagonal_(1)
            return affinity if precise == dtype else affinity.to(dtype)

        return tile


@dataclass(frozen=True)
class FunctionKernel:
    """An affinity that the user gives as a function.

    Attributes
    ----------
    function : callable or None
        Takes arrays (n, d) and (m, d) of features and returns affinities (n, m) ≥ 0. None where a
        file was read, which keeps no functions.
    name : str
        What messages call it.
    """

    function: Affinity | None
    name: str
    bandwidth: ClassVar[float] = float("nan")
    definite: ClassVar[bool] = False

    def prepare(self, features: NDArray, device: str, dtype: torch.dtype) -> torch.Tensor:
        """Features (n, d) as a tensor."""
        return _tensor(features, dtype).to(device)

    def between(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Affinities between prepared rows, (n, d) and (m, d) → (n, m)."""
        import torch

        if self.function is None:
            raise InputError(
                f"This cut was made with the affinity {self.name}, a function, which no file "
                f"keeps. Compute the cut again to extend it to further nodes."
            )
        given = np.asarray(self.function(x.cpu().numpy(), y.cpu().numpy()))
        if given.shape != (len(x), len(y)):
            raise InputError(
                f"The affinity {self.name} returned shape {given.shape} for {len(x)} and {len(y)} "
                f"nodes; ({len(x)}, {len(y)}) is needed."
            )
        if given.dtype.kind not in "biuf" or not np.isfinite(given).all() or (given < 0).any():
            raise InputError(
                f"The affinity {self.name} returned values that are not all finite and at least 0. "
                f"Return larger ones for nodes more alike, down to 0."
            )
        return torch.as_tensor(given, device=x.device).to(x.dtype)

    def reaching(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """`between`, where rows without affinity have a little of it to all of y."""
        affinity = self.between(x, y)
        least = float(np.exp(-_REACH)) / max(1, len(y))
        return affinity + least * (affinity.amax(dim=1, keepdim=True) < least)

    def distances(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """√(−2 ln a) of the largest affinity a: what the distance would be were it an RBF."""
        largest = self.between(x, y).amax(dim=1)
        return (-2 * largest.log()).clamp_(min=0).sqrt()

    def tiling(
        self, features: NDArray, device: str, dtype: torch.dtype
    ) -> Callable[[slice, slice], torch.Tensor]:
        """Make a function that gives any tile of the affinities among features (n, d)."""
        x = self.prepare(features, device, dtype)
        return lambda rows, columns: self.between(x[rows], x[columns])


def _tensor(features: NDArray, dtype: torch.dtype) -> torch.Tensor:
    """Features as a tensor, of a copy where they may not be written to: torch warns of these."""
    import torch

    return torch.as_tensor(np.require(features, requirements="W"), dtype=dtype)


def check_affinity(affinity: object, bandwidth: object, gamma: object) -> None:
    """Raise an `InputError` unless an affinity with these parameters can be had."""
    if not callable(affinity):
        check_choice("affinity", affinity, AFFINITIES)
    if not is_number(gamma) or gamma <= 0:  # type: ignore[operator]
        raise InputError(
            f"affinity_gamma {gamma!r} cannot be used. Give a number above 0; smaller cuts sharper."
        )
    if isinstance(bandwidth, str) and bandwidth == "auto":
        return
    if callable(affinity) or affinity == "cosine":
        own = "a function has its own width" if callable(affinity) else "affinity_gamma sets it"
        raise InputError(
            f'bandwidth={bandwidth!r} belongs to affinity="rbf", not to {affinity_name(affinity)}: '
            f"{own}. Leave bandwidth out."
        )
    if not is_number(bandwidth) or bandwidth <= 0:  # type: ignore[operator]
        raise InputError(
            f'Bandwidth {bandwidth!r} cannot be used. Give "auto" or a number above 0.'
        )


def check_neighborly(affinity: object) -> None:
    """Raise an `InputError` unless nearest neighbors can be found for an affinity."""
    if callable(affinity):
        raise InputError(
            f"Nearest neighbors are found by distance, but the affinity {affinity_name(affinity)} "
            f'is a function. Give "rbf", "cosine" or "neighbors".'
        )


def affinity_name(affinity: object) -> str:
    """What messages and files call an affinity."""
    if isinstance(affinity, str):
        return affinity
    return getattr(affinity, "__qualname__", type(affinity).__name__)


def fit_kernel(
    features: NDArray, affinity: str | Affinity, bandwidth: float | str, gamma: float
) -> AnyKernel:
    """Choose the bandwidth and center for features (n, d), by the rules that `NCut` states."""
    if callable(affinity):
        kernel = FunctionKernel(affinity, affinity_name(affinity))
        _check_symmetric(kernel, features)
        return kernel
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


def _check_symmetric(kernel: FunctionKernel, features: NDArray) -> None:
    """Ask for a few affinities before all of them are computed."""
    import torch

    step = max(1, len(features) // 8)
    some = kernel.prepare(np.ascontiguousarray(features[::step][:8]), "cpu", torch.float64)
    affinity = kernel.between(some, some).numpy()
    if not np.allclose(affinity, affinity.T, rtol=1e-4, atol=1e-6 * affinity.max()):
        raise InputError(
            f"The affinity {kernel.name} is not symmetric: that of x to y differs from that of y "
            f"to x. Return, for example, the mean of both."
        )
    if not affinity.any(axis=1).all():
        raise InputError(
            f"The affinity {kernel.name} gives nodes no affinity to anything, not even to "
            f"themselves. Return a value above 0 for a node and itself."
        )
