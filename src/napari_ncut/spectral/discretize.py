"""Eigenvectors to groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, check_choice, is_number, real_matrix
from .names import DISCRETIZATIONS
from .rotation import alternated_axes, pivoted_axes
from .spherical import (
    MAX_FITTED,
    cosine_blocks,
    nearest,
    one_thread,
    sample,
    spherical_kmeans,
    unit,
)

MethodName: TypeAlias = Literal["cluster_qr", "rotation", "kmeans"]


def discretize(
    vectors: ArrayLike,
    n_groups: int,
    *,
    method: MethodName = "cluster_qr",
    random_state: int = 0,
) -> NDArray[np.int32]:
    """Group nodes by their eigenvectors.

    Parameters
    ----------
    vectors
        Eigenvectors (n nodes, k) of D^-½ A D^-½, descending, the trivial first one included.
        The length of a row does not matter.
    n_groups
        Number of groups, up to the number of nodes. There are fewer in the result where nodes are
        too alike: a constant image is one group.
    method
        "cluster_qr": pivoted QR of the first `n_groups` eigenvectors, in one step (Damle, Minden &
        Ying, "Simple, direct and efficient multi-way spectral clustering", Information and
        Inference 2019). "rotation": the first `n_groups` eigenvectors turned until each group lies
        along an axis (Yu & Shi, "Multiclass spectral clustering", ICCV 2003); slower, and closer
        to the best cut where groups are not clean. "kmeans": spherical k-means on all k
        eigenvectors, of which there may be fewer or more than groups. Many more than groups bring
        detail that few groups cannot follow: then give the first ones, ``vectors[:, :n_groups]``.
    random_state
        Draws the 100,000 nodes that "rotation" and "kmeans" are fitted to when there are more, and
        the starting points of "kmeans". Same input, same state: same groups, bit for bit on one
        machine.

    Returns
    -------
    int32 array (n,)
        Groups 1 to n by falling size (ties: by first node). A row of zeros, which has no direction,
        is in group 1.

    Raises
    ------
    InputError
        If the vectors are no finite real numbers (n, k), or there can be no such number of groups,
        method or random_state.
    """
    return _fit(vectors, n_groups, method, random_state)[1]


@dataclass(frozen=True)
class Discretization:
    """Groups of nodes, with what it takes to say to which of them a new node belongs.

    Attributes
    ----------
    method : str
        How they were found, see `discretize`.
    axes : float array (k, n)
        Unit columns: the direction of each group among the first k eigenvectors, group 1 first.
    """

    method: str
    axes: NDArray = field(repr=False)

    @classmethod
    def fit(
        cls,
        vectors: ArrayLike,
        n_groups: int,
        *,
        method: MethodName = "cluster_qr",
        random_state: int = 0,
    ) -> Discretization:
        """Find groups of nodes; parameters and errors are those of `discretize`."""
        return _fit(vectors, n_groups, method, random_state)[0]

    @property
    def n_groups(self) -> int:
        """Number of groups that were found."""
        return self.axes.shape[1]

    def labels(self, vectors: ArrayLike) -> NDArray[np.int32]:
        """Group (m,) of each node, 1 to n, numbered by falling size of the fitted groups.

        Parameters
        ----------
        vectors
            Eigenvectors (m, k or more) of the same cut, of the nodes fitted or of others (see
            `NCut.transform`). For the nodes fitted this is what `discretize` returns.

        Raises
        ------
        InputError
            If the vectors are no finite real numbers, or fewer than were fitted.
        """
        given = check_new_vectors(vectors, len(self.axes))
        with one_thread():
            groups, _ = nearest(given, self.axes, either_sign=_METHODS[self.method].either_sign)
        return groups + np.int32(1)

    def scores(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """Cosine of each node with the direction of each group, float32 (m, n).

        From −1 to 1 (for "cluster_qr", to which a direction and its opposite are one, from 0); the
        group of a node is where its score is largest. Parameters and errors are those of `labels`.
        """
        given = check_new_vectors(vectors, len(self.axes))
        either_sign = _METHODS[self.method].either_sign
        scores = np.empty((len(given), self.n_groups), dtype=np.float32)
        with one_thread():
            for rows, cosines in cosine_blocks(given, self.axes, either_sign=either_sign):
                scores[rows] = cosines
        return scores.clip(-1, 1, out=scores)


def cluster_qr(vectors: NDArray) -> NDArray[np.int64]:
    """Assign nodes to as many groups as there are eigenvectors, (n, k) → (n,) in 0 … k − 1.

    Column-pivoted QR picks k nodes that stand for the groups; the polar factor of their rows turns
    the eigenvectors to them, and every node goes to the group of its largest coordinate (Damle,
    Minden & Ying, "Simple, direct and efficient multi-way spectral clustering", Information and
    Inference 2019). No starting point, no parameter.
    """
    return nearest(vectors, pivoted_axes(vectors), either_sign=True)[0].astype(np.int64)


def number_by_size(groups: NDArray) -> NDArray[np.int32]:
    """Renumber groups from 1 by falling size (ties: by first member)."""
    _, first, inverse, counts = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(1, len(order) + 1)
    return number[inverse.reshape(groups.shape)]


@dataclass(frozen=True)
class _Method:
    """How axes (k, m) of groups are found, from vectors, the number of groups and a seed."""

    axes: Callable[[NDArray, int, int], NDArray]
    # Whether each group takes one eigenvector, so that the first n_groups are used.
    by_eigenvector: bool
    either_sign: bool = False


def _qr(vectors: NDArray, n_groups: int, random_state: int) -> NDArray:
    return pivoted_axes(vectors)


def _rotation(vectors: NDArray, n_groups: int, random_state: int) -> NDArray:
    return alternated_axes(vectors[sample(len(vectors), random_state, MAX_FITTED)])


def _kmeans(vectors: NDArray, n_groups: int, random_state: int) -> NDArray:
    chosen = sample(len(vectors), random_state, MAX_FITTED)
    return spherical_kmeans(unit(vectors[chosen]), n_groups, random_state)


_METHODS = {
    "cluster_qr": _Method(_qr, by_eigenvector=True, either_sign=True),
    "rotation": _Method(_rotation, by_eigenvector=True),
    "kmeans": _Method(_kmeans, by_eigenvector=False),
}


def _fit(
    vectors: ArrayLike, n_groups: int, method: str, random_state: int
) -> tuple[Discretization, NDArray[np.int32]]:
    chosen = _METHODS[check_choice("method", method, DISCRETIZATIONS)]
    check_random_state(random_state)
    given = check_vectors(vectors)
    n_nodes, n_vectors = given.shape
    if not is_number(n_groups, whole=True) or not 1 <= n_groups <= n_nodes:
        raise InputError(
            f"{n_groups!r} groups cannot be had from {n_nodes} nodes. Give a whole number from 1 "
            f"to {n_nodes}."
        )
    if chosen.by_eigenvector and n_groups > n_vectors:
        raise InputError(
            f"{n_groups} groups cannot be had from {n_vectors} eigenvectors by {method!r}. Give 1 "
            f"to {n_vectors}, embed with a larger n_components, or choose 'kmeans'."
        )
    used = given[:, :n_groups] if chosen.by_eigenvector else given
    with one_thread():
        axes = chosen.axes(used, int(n_groups), int(random_state))
        axes, groups = _numbered(used, axes, chosen.either_sign)
    return Discretization(method, axes), groups + np.int32(1)


def _numbered(
    vectors: NDArray, axes: NDArray, either_sign: bool
) -> tuple[NDArray, NDArray[np.int32]]:
    """Axes by falling size of their groups, without those that have no node, and the groups (n,).

    A node as near to two axes goes to the first, and one without direction to the first of all, so
    that sizes may change with the order. These nodes only move to larger groups, hence this ends;
    the bound is for rounding, which might go round in circles.
    """
    for _ in range(10):
        groups, _ = nearest(vectors, axes, either_sign=either_sign)
        labels = number_by_size(groups)
        found, first = np.unique(groups, return_index=True)
        order = found[np.argsort(labels[first])]
        if np.array_equal(order, np.arange(axes.shape[1])):
            return axes, groups
        axes = np.ascontiguousarray(axes[:, order])
    return axes, nearest(vectors, axes, either_sign=either_sign)[0]


def check_vectors(vectors: ArrayLike) -> NDArray:
    """Eigenvectors as a real array (n, k); an `InputError` if they are none."""
    form, flatten = "(n nodes, k eigenvectors)", "grids with reshape(-1, k)"
    given = real_matrix("Eigenvectors", form, flatten, vectors)
    if given.dtype not in (np.float32, np.float64):
        given = given.astype(np.float32 if given.dtype == np.float16 else np.float64)
    # Both are NaN if anything is.
    if not np.isfinite([given.min(), given.max()]).all():
        raise InputError("Eigenvectors contain NaN or infinite numbers. Remove those nodes first.")
    return given


def check_new_vectors(vectors: ArrayLike, n_fitted: int) -> NDArray:
    """Eigenvectors of nodes to be labeled; an `InputError` if fewer than were fitted."""
    given = check_vectors(vectors)
    if given.shape[1] < n_fitted:
        raise InputError(
            f"The nodes have {given.shape[1]} eigenvectors, the groups were fitted to {n_fitted}. "
            f"Give the eigenvectors of the same cut."
        )
    return given


def check_random_state(random_state: int) -> None:
    """Raise an `InputError` unless this is a seed."""
    if not is_number(random_state, whole=True) or not 0 <= random_state < 2**32:
        raise InputError(
            f"random_state {random_state!r} cannot be used. Give a whole number from 0 to "
            f"{2**32 - 1}: the same one gives the same result."
        )
