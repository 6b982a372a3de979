"""The normalized cut of nodes, conditioned on clicks: two groups, one of which was clicked.

Source: ncut-pytorch 3.2, `ncut_click_prompt` (MIT licence), reimplemented from its description. The
original holds the affinities of a sample of nodes; here all nodes take part, through the leading
eigenvectors of their cut without clicks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array
from .profiles import OneThread, Places, ProfileAffinity, compressed

# Truncation leaves some row sums too small, or below 0: no less than this share of their mean.
_FLOOR_SHARE = 0.05
# Rows of a block that stays in a core's cache.
_BLOCK_ROWS = 4096
# Eigenvalues below this are rounding: the second group is none.
_ZERO = 1e-6
# Bins of the angles, of which the two groups are told apart.
_BINS = 512


class LeadingAffinity:
    """The normalized affinity S ≈ UΛUᵀ of all nodes, by its leading eigenvectors.

    Parameters
    ----------
    vectors
        U (n, k), unit columns.
    eigenvalues
        Λ (k,). Those below 0 are left out: RBFs have none, but for rounding.
    """

    def __init__(self, vectors: NDArray, eigenvalues: NDArray) -> None:
        self.vectors = vectors
        self.eigenvalues = np.maximum(np.asarray(eigenvalues, dtype=np.float64), 0)

    @cached_property
    def row_weights(self) -> NDArray[np.float64]:
        """Weights (k,) of the eigenvectors in the row sums of S."""
        return self.eigenvalues * self.vectors.sum(axis=0, dtype=np.float64)

    @cached_property
    def row_sums(self) -> NDArray:
        """S1, (n,)."""
        return self.vectors @ self.row_weights.astype(self.vectors.dtype)

    def mean_row(self, of_nodes: NDArray) -> NDArray[np.float64]:
        """Weights (k,) of the eigenvectors in the mean of the rows of S of nodes (m, k)."""
        return self.eigenvalues * of_nodes.mean(axis=0, dtype=np.float64)


@dataclass(frozen=True)
class _Split:
    """Two groups of angles: their means are middle ± half, a half of 0 makes them one group."""

    middle: float
    half: float

    @classmethod
    def find(cls, angles: NDArray) -> _Split:
        """The two groups of least variance within (Otsu's threshold)."""
        from skimage.filters import threshold_otsu

        low, high = float(angles.min()), float(angles.max())
        if high - low < _ZERO:
            return cls(low, 0.0)
        counts, edges = np.histogram(angles, _BINS, (low, high))
        centers = (edges[1:] + edges[:-1]) / 2
        above = centers > threshold_otsu(hist=(counts, centers))
        upper = float(np.average(centers[above], weights=counts[above]))
        lower = float(np.average(centers[~above], weights=counts[~above]))
        return cls((upper + lower) / 2, (upper - lower) / 2)

    def scores(self, angles: NDArray) -> NDArray[np.float32]:
        if self.half == 0:
            return np.ones(len(angles), np.float32)
        # Bounded, but never level: classes compete where all of them are sure.
        return np.tanh((angles - self.middle) / self.half).astype(np.float32)


class ConditionedCut:
    """Two groups of nodes by a normalized cut that clicks have a say in.

    The profile of a node is how alike it is to the positive clicks, less a share of how alike it is
    to the negative ones: p = n (mean of S at the positive − bg_weight · mean of S at the negative
    ones), with S the normalized affinity. Nodes of similar profiles attract each other:
    A = exp(−(pᵢ − pⱼ)² / 2σ²), normalized like S. The cut of click_weight · A + (1 − click_weight)
    · S has two eigenvectors, whose angle is parted in two groups at Otsu's threshold; the group
    with the larger mean at the positive clicks is the foreground.

    All nodes take part: S is known by its leading eigenvectors, A is composed of few functions of
    the profile (to 1e-5), and so the eigenvectors follow from a small matrix. Time is linear in the
    number of nodes, and nothing is random. Profiles beyond ±4, of clicks in very small groups, are
    taken by their logarithm and those beyond ±80 for equal.

    Parameters
    ----------
    click_weight : float
        Above 0, up to 1. Higher listens more to the clicks, less to the other affinities.
    bg_weight : float
        From 0. Higher gives negative clicks more weight in the profile.
    sigma : float
        σ of the affinity of profiles. Smaller tells finer differences of likeness apart.

    Attributes
    ----------
    eigenvalues_ : float64 array (2,)
        Of the conditioned cut; descending, the trivial first one included.
    scores_ : float32 array (n,)
        Of the nodes that were fitted; see `scores`.
    """

    def __init__(
        self, *, click_weight: float = 0.5, bg_weight: float = 0.1, sigma: float = 0.5
    ) -> None:
        if not is_number(click_weight) or not 0 < click_weight <= 1:
            raise InputError(
                f"click_weight {click_weight!r} cannot be used. Give a number above 0, up to 1."
            )
        if not is_number(bg_weight) or bg_weight < 0:
            raise InputError(f"bg_weight {bg_weight!r} cannot be used. Give a number from 0.")
        if not is_number(sigma) or sigma <= 0:
            raise InputError(f"sigma {sigma!r} cannot be used. Give a number above 0.")
        self.click_weight = float(click_weight)
        self.bg_weight = float(bg_weight)
        self.sigma = float(sigma)

    def fit(
        self,
        vectors: ArrayLike,
        eigenvalues: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike = (),
    ) -> ConditionedCut:
        """Solve the cut.

        Parameters
        ----------
        vectors
            (n, k): `Embedding.vectors`.
        eigenvalues
            (k,): `Embedding.eigenvalues`.
        positive, negative
            The clicked nodes. A node given twice counts once.

        Raises
        ------
        InputError
            If there is no positive click, or anything else cannot be used.
        """
        nodes = _check_vectors(vectors)
        values = regular_array("The eigenvalues", eigenvalues)
        if values.shape != nodes.shape[1:] or not np.isfinite(values).all():
            raise InputError(
                f"Eigenvalues of shape {values.shape} were given; {nodes.shape[1]} finite numbers "
                f"are needed, one for each column of the vectors."
            )
        clicked = _check_nodes("positive", positive, len(nodes))
        if not len(clicked):
            raise InputError("There is no positive click. Give one node or more.")
        against = _check_nodes("negative", negative, len(nodes))
        return self.fit_leading(LeadingAffinity(nodes, values), nodes[clicked], nodes[against])

    def fit_leading(
        self,
        affinity: LeadingAffinity,
        positive: NDArray,
        negative: NDArray,
    ) -> ConditionedCut:
        """`fit`, with clicks given by their eigenvectors and what they do not change kept."""
        n_nodes = len(affinity.vectors)
        weights = affinity.mean_row(positive)
        if len(negative):
            weights = weights - self.bg_weight * affinity.mean_row(negative)
        self._profile_weights = n_nodes * weights
        with OneThread():
            self._profiles = ProfileAffinity(self._profile(affinity.vectors), self.sigma)
            self._row_weights = affinity.row_weights
            places = self._profiles.fitted
            degrees = self._raw_degrees(places, affinity.row_sums)
            self._degree_floor = _FLOOR_SHARE * float(degrees.mean(dtype=np.float64))
            root = np.sqrt(np.maximum(degrees, self._degree_floor))
            self._solve(affinity, places, root)
            angles = self._angles(affinity.vectors, places)
            clicked = self._angles(positive, self._profiles.places(self._profile(positive)))
        split = _Split.find(angles)
        if clicked.mean(dtype=np.float64) < split.middle:
            # The sign of an eigenvector is free: the second is larger where it was clicked.
            self._of_profiles[:, 1] *= -1
            self._of_vectors[:, 1] *= -1
            angles, split = -angles, _Split(-split.middle, split.half)
        self._split = split
        self.scores_ = split.scores(angles)
        return self

    def _solve(self, affinity: LeadingAffinity, places: Places, root: NDArray) -> None:
        """Eigenvectors of FFᵀ by the small FᵀF, F = D^-½ [√w Φ, √(1−w) U√Λ]."""
        rank = self._profiles.rank
        size = rank + affinity.vectors.shape[1]
        gram = np.zeros((size, size))
        block = np.empty((min(_BLOCK_ROWS, len(root)), size), affinity.vectors.dtype)
        for first in range(0, len(root), _BLOCK_ROWS):
            rows = slice(first, first + _BLOCK_ROWS)
            x = block[: len(root[rows])]
            x[:, :rank] = places[rows].take(self._profiles.functions)
            x[:, rank:] = affinity.vectors[rows]
            x /= root[rows, np.newaxis]
            gram += x.T @ x
        scale = np.concatenate(
            [
                np.full(rank, np.sqrt(self.click_weight)),
                np.sqrt((1 - self.click_weight) * affinity.eigenvalues),
            ]
        )
        values, small = np.linalg.eigh(gram * scale * scale[:, np.newaxis])
        values, small = np.maximum(values[:-3:-1], 0), small[:, :-3:-1]
        informative = values > _ZERO
        self.eigenvalues_ = np.where(informative, values, 0.0)
        inverse = np.divide(1, np.sqrt(values), out=np.zeros(2), where=informative)
        projection = scale[:, np.newaxis] * small * inverse
        self._of_profiles = self._profiles.functions @ projection[:rank]
        self._of_vectors = projection[rank:]

    def _profile(self, vectors: NDArray) -> NDArray:
        return compressed(vectors @ self._profile_weights.astype(vectors.dtype))

    def _raw_degrees(self, places: Places, row_sums: NDArray) -> NDArray:
        of_profiles = self.click_weight * self._profiles.row_sums
        return places.take(of_profiles) + (1 - self.click_weight) * row_sums

    def _times_root_degrees(self, vectors: NDArray, places: Places) -> NDArray:
        product = vectors @ self._of_vectors.astype(vectors.dtype)
        return product + places.take(self._of_profiles)

    def _angles(self, vectors: NDArray, places: Places) -> NDArray:
        # The length of a node's two entries, and with it the degree, plays no role.
        first, second = self._times_root_degrees(vectors, places).T
        return np.arctan2(second, np.abs(first))

    def eigenvectors(self, vectors: ArrayLike) -> NDArray:
        """The two eigenvectors (m, 2) of the conditioned cut at nodes (m, k), fitted or new.

        The second is larger where it was clicked; the sign of the first is free.
        """
        nodes, places = self._placed(vectors)
        row_sums = nodes @ self._row_weights.astype(nodes.dtype)
        degrees = np.maximum(self._raw_degrees(places, row_sums), self._degree_floor)
        return self._times_root_degrees(nodes, places) / np.sqrt(degrees)[:, np.newaxis]

    def scores(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """How far nodes lie on the clicked side, without solving again.

        Parameters
        ----------
        vectors
            (m, k), of nodes that were fitted or of new ones: `Embedding.transform(…).vectors`. A
            profile outside those that were fitted counts as the nearest of them.

        Returns
        -------
        float32 array (m,)
            −1 to 1, above 0 in the foreground; the means of the two groups that were fitted lie
            at ∓.76. All 1 if the nodes that were fitted are one group.
        """
        with OneThread():
            angles = self._angles(*self._placed(vectors))
        return self._split.scores(angles)

    def _placed(self, vectors: ArrayLike) -> tuple[NDArray, Places]:
        if not hasattr(self, "scores_"):
            raise InputError("This ConditionedCut has not been fitted. Call fit first.")
        nodes = _check_vectors(vectors)
        if nodes.shape[1] != len(self._profile_weights):
            raise InputError(
                f"The nodes have {nodes.shape[1]} eigenvectors, the fit had "
                f"{len(self._profile_weights)}. Give those of the same embedding."
            )
        return nodes, self._profiles.places(self._profile(nodes))


def _check_vectors(vectors: ArrayLike) -> NDArray:
    nodes = regular_array("The vectors", vectors)
    if nodes.ndim != 2 or 0 in nodes.shape or nodes.dtype.kind not in "biuf":
        raise InputError(
            f"Vectors of shape {nodes.shape} and dtype {nodes.dtype} were given; numbers (n nodes, "
            f"k eigenvectors) are needed."
        )
    if nodes.dtype not in (np.float32, np.float64):
        nodes = nodes.astype(np.float64)
    if not np.isfinite(nodes).all():
        raise InputError("The vectors contain NaN or infinite values.")
    return nodes


def _check_nodes(what: str, given: ArrayLike, n_nodes: int) -> NDArray[np.int64]:
    nodes = regular_array(f"`{what}`", given)
    if nodes.size == 0:
        return np.empty(0, np.int64)
    if nodes.ndim != 1 or nodes.dtype.kind not in "iu":
        raise InputError(
            f"`{what}` has shape {nodes.shape} and dtype {nodes.dtype}; a list of whole numbers, "
            f"the clicked nodes, is needed."
        )
    if nodes.min() < 0 or nodes.max() >= n_nodes:
        raise InputError(
            f"`{what}` has a node that is not there. Give whole numbers from 0 to {n_nodes - 1}."
        )
    return np.unique(nodes).astype(np.int64)
