"""Groups within groups: one tree of nodes, cut at any number of groups."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
from .colors import eigenvector_colors
from .discretize import check_new_vectors, check_random_state, check_vectors
from .eigengap import check_eigenvalues
from .spherical import MAX_FITTED, group_sums, nearest, one_thread, sample, spherical_kmeans, unit

_BLOCK_ROWS = 2**16
# Colors to choose from: so many steps of red, green and blue, neither nearly black nor nearly
# white, in CIELAB.
_STEPS = 33
_DARKEST, _LIGHTEST = 30.0, 92.0
# Color i lies at least this / i^⅓ from those before it. The balls around i colors then take less
# than the volume of colors that a screen has, so that there is always one left.
_SPACING = 45.0


@dataclass(frozen=True)
class GroupHierarchy:
    """Nested groups of nodes, from one group to hundreds.

    The finest groups are those of spherical k-means on all eigenvectors. Bottom-up, the two whose
    union costs least are joined (Ward, "Hierarchical grouping to optimize an objective function",
    JASA 1963; each group counts with its nodes), so that every level refines the coarser ones.
    Where the eigenvalues are known, what a union costs counts by them, so that the first cuts of
    the graph are the last to go.

    Numbers are stable: when a group splits, its larger part keeps the number and the other gets the
    next new one. Group i is born at the level of i groups and keeps its number at all finer levels.

    Attributes
    ----------
    axes : float32 array (k, m)
        Unit columns: the directions of the finest groups.
    numbers : int32 array (m,)
        The group that each axis belongs to.
    parents : int32 array (m,)
        The group that each one split from, smaller than its own number; 0 for group 1.
    merge_heights : float64 array (m − 1,)
        Falling. Entry i is what it costs to go from i + 2 groups to i + 1: the root of the rise in
        the mean squared distance between a node's unit row and the mean of its group (0 to 1), its
        columns weighted if eigenvalues were given.
    palette : float32 array (m, 3)
        The color of each group, RGB, 0 to 1.
    finest : int32 array (n,)
        The finest group of each fitted node.
    largest : int
        Number of groups asked for. m is smaller where nodes have fewer distinct directions.
    """

    axes: NDArray[np.float32] = field(repr=False)
    numbers: NDArray[np.int32] = field(repr=False)
    parents: NDArray[np.int32] = field(repr=False)
    merge_heights: NDArray[np.float64] = field(repr=False)
    palette: NDArray[np.float32] = field(repr=False)
    finest: NDArray[np.int32] = field(repr=False)
    largest: int

    @classmethod
    def fit(
        cls,
        vectors: ArrayLike,
        *,
        eigenvalues: ArrayLike | None = None,
        largest: int = 250,
        node_colors: ArrayLike | None = None,
        random_state: int = 0,
    ) -> GroupHierarchy:
        """Find the hierarchy of nodes.

        Parameters
        ----------
        vectors
            Eigenvectors (n nodes, k), the trivial first one included.
        eigenvalues
            Theirs (k,), descending. Each eigenvector then counts in joining by its eigenvalue as a
            share of the second. Without them all count alike: groups that are clean are then as far
            from each other as from any other, and which of them join first says little.
        largest
            Number of groups of the finest level; more than there are nodes count as all nodes.
        node_colors
            RGB (n, 3), 0 to 1, that the nodes are shown in, so that groups resemble them. Default:
            `eigenvector_colors`.
        random_state
            Of k-means, see `discretize`.

        Raises
        ------
        InputError
            If the vectors are no finite real numbers (n, k), the eigenvalues or colors not theirs,
            or largest or random_state no such number.
        """
        check_random_state(random_state)
        if not is_number(largest, whole=True) or largest < 1:
            raise InputError(
                f"A hierarchy of up to {largest!r} groups cannot be had. Give a whole number from "
                f"1; 250 is usual."
            )
        given = check_vectors(vectors)
        weights = _weights(eigenvalues, given.shape[1])
        colors = None if node_colors is None else np.asarray(node_colors, dtype=np.float64)
        if colors is not None and colors.shape != (len(given), 3):
            raise InputError(
                f"Colors of shape {colors.shape} were given for {len(given)} nodes. Give one RGB "
                f"row for each: ({len(given)}, 3)."
            )
        sampled = sample(len(given), random_state, MAX_FITTED)
        wanted = min(int(largest), len(given))
        with one_thread():
            axes = spherical_kmeans(unit(given[sampled]), wanted, random_state, n_starts=1)
            axes, groups = _in_use(given, axes)
        sizes, means = _means(given, groups, axes.shape[1])
        merges, heights = ward_merges(sizes, means * weights)
        numbers, parents = stable_numbers(sizes, merges)
        finest = numbers[groups]
        _, first = np.unique(groups, return_index=True)
        shown = np.union1d(np.arange(len(given))[sampled], first)  # at least one of each group
        with one_thread():
            if colors is None:
                colors = eigenvector_colors(given[shown]).astype(np.float64)
            else:
                colors = colors[shown]
            palette = _palette(colors, finest[shown], parents)
        return cls(
            axes=axes,
            numbers=numbers,
            parents=parents,
            merge_heights=np.sqrt(heights[::-1] / len(given)),
            palette=palette,
            finest=finest,
            largest=int(largest),
        )

    @property
    def n_groups(self) -> int:
        """Number of groups of the finest level."""
        return len(self.parents)

    def labels(self, n_groups: int) -> NDArray[np.int32]:
        """Group (n,) of each fitted node, 1 to `n_groups`, at the level of so many groups.

        Levels finer than the finest, where nodes had fewer distinct directions than `largest`, are
        the finest. Raises an `InputError` beyond 1 to `largest`.
        """
        return self._ancestors(n_groups)[self.finest - 1]

    def labels_of(self, vectors: ArrayLike, n_groups: int) -> NDArray[np.int32]:
        """Group (m,) of nodes added later, by their eigenvectors (m, k); see `labels`."""
        ancestors = self._ancestors(n_groups)
        given = check_new_vectors(vectors, len(self.axes))
        with one_thread():
            groups, _ = nearest(given, self.axes)
        return ancestors[self.numbers[groups] - 1]

    def colors(self, n_groups: int) -> NDArray[np.float32]:
        """Colors of groups 1 to `n_groups`, float32 (n_groups, 3), 0 to 1.

        Group i has the same color at every level: the mean of its nodes' `eigenvector_colors` when
        it was born (group 1: when it was first split), so that it resembles the group it split
        from; or, if a group before it has nearly that, the nearest color at a distance of at least
        45 / i^⅓ in CIELAB (ΔE 21 for ten groups, 7 for 250; what an eye can just tell is 2.3).
        """
        return self.palette[: self._level(n_groups)].copy()

    def n_groups_at(self, height: float) -> int:
        """Number of groups left when all are joined that it costs at most `height` to join.

        The `merge_heights` say what it costs: 0 gives the finest level, 1 one group.
        """
        if not is_number(height):
            raise InputError(f"Height {height!r} cannot be used. Give a number from 0 to 1.")
        return 1 + int(np.count_nonzero(self.merge_heights > height))

    def _level(self, n_groups: int) -> int:
        if not is_number(n_groups, whole=True) or not 1 <= n_groups <= self.largest:
            raise InputError(
                f"{n_groups!r} groups are no level of this hierarchy. Give a whole number from 1 "
                f"to {self.largest}, or fit it with a larger `largest`."
            )
        return min(int(n_groups), self.n_groups)

    def _ancestors(self, n_groups: int) -> NDArray[np.int32]:
        """Number at the level of `n_groups` of each of the finest groups (m,)."""
        level = self._level(n_groups)
        ancestors = np.arange(1, self.n_groups + 1, dtype=np.int32)
        for group in range(level, self.n_groups):  # parents come first
            ancestors[group] = ancestors[self.parents[group] - 1]
        return ancestors


def _weights(eigenvalues: ArrayLike | None, n_vectors: int) -> NDArray[np.float64]:
    """What each eigenvector (k,) counts: 1 the first two, the others by their eigenvalue."""
    if eigenvalues is None:
        return np.ones(n_vectors)
    values = check_eigenvalues(eigenvalues)
    if len(values) != n_vectors:
        raise InputError(
            f"{len(values)} eigenvalues do not go with {n_vectors} eigenvectors. Give one of each."
        )
    second = values[min(1, n_vectors - 1)]
    return np.clip(values / (second if second > 0 else 1), 0, 1)


def _in_use(
    vectors: NDArray, axes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Axes without those that no node is nearest to, and the axis nearest to each node (n,)."""
    while True:
        groups, _ = nearest(vectors, axes)
        used = np.unique(groups)
        if len(used) == axes.shape[1]:
            return axes, groups
        axes = axes[:, used]


def _means(
    vectors: NDArray, groups: NDArray[np.integer], n_groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sizes (m,) of groups, and the means (m, k) of their unit rows."""
    sizes = np.bincount(groups, minlength=n_groups).astype(np.float64)
    sums = np.zeros((n_groups, vectors.shape[1]))
    for first in range(0, len(vectors), _BLOCK_ROWS):
        rows = unit(vectors[first : first + _BLOCK_ROWS], np.float64)
        sums += group_sums(rows, groups[first : first + _BLOCK_ROWS], n_groups)
    return sizes, sums / sizes[:, np.newaxis]


def ward_merges(
    sizes: NDArray[np.float64], means: NDArray[np.float64]
) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """Join groups of given sizes (m,) and means (m, k), the cheapest pair first.

    SciPy's linkage takes every row for one node; here a row stands for as many as its group has.

    Returns
    -------
    merges : list of (kept, ended)
        kept < ended; the union goes on under `kept`.
    heights : float64 array (m − 1,)
        Rise in the sum of squared distances to the means at each merge, never falling.
    """
    sizes, means = sizes.copy(), means.copy()
    n_groups = len(sizes)
    squares = np.einsum("ij,ij->i", means, means)
    distances = np.maximum(squares[:, np.newaxis] + squares - 2 * means @ means.T, 0)
    costs = distances * (sizes[:, np.newaxis] * sizes) / (sizes[:, np.newaxis] + sizes)
    np.fill_diagonal(costs, np.inf)
    merges, heights = [], np.empty(n_groups - 1)
    for step in range(n_groups - 1):
        kept, ended = sorted(map(int, np.unravel_index(int(costs.argmin()), costs.shape)))
        # Ward's costs never fall; rounding might let them.
        heights[step] = max(costs[kept, ended], heights[step - 1] if step else 0.0)
        both = sizes[kept] + sizes[ended]
        means[kept] += (means[ended] - means[kept]) * (sizes[ended] / both)
        sizes[kept] = both
        costs[ended] = costs[:, ended] = np.inf
        cost = _squared_distance(means, means[kept]) * sizes * both / (sizes + both)
        cost[kept] = np.inf
        alive = np.isfinite(costs[kept])
        costs[kept, alive] = costs[alive, kept] = cost[alive]
        merges.append((kept, ended))
    return merges, heights


def stable_numbers(
    sizes: NDArray[np.float64], merges: list[tuple[int, int]]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Numbers (m,) from 1 that live on in the larger part at each split, and their parents (m,)."""
    sizes = sizes.copy()
    splits = []
    # `name` of a union is that of its largest leaf's line; ties go to the kept one.
    name = np.arange(len(sizes))
    for kept, ended in merges:
        larger, smaller = (kept, ended) if sizes[kept] >= sizes[ended] else (ended, kept)
        splits.append((name[larger], name[smaller]))
        name[kept] = name[larger]
        sizes[kept] += sizes[ended]
    number = np.ones(len(sizes), dtype=np.int32)
    parents = np.zeros(len(sizes), dtype=np.int32)
    for born, (parent, child) in enumerate(reversed(splits), start=2):
        number[child] = born
        parents[born - 1] = number[parent]
    return number, parents


def _palette(
    colors: NDArray[np.float64], finest: NDArray[np.int32], parents: NDArray[np.int32]
) -> NDArray[np.float32]:
    """The color of each group (m, 3), see `GroupHierarchy.colors`, from those of nodes (n, 3)."""
    n_groups = len(parents)
    sizes = np.bincount(finest - 1, minlength=n_groups).astype(np.float64)
    sums = group_sums(colors, finest - 1, n_groups)
    wanted = np.empty((n_groups, 3))
    for group in range(n_groups - 1, -1, -1):  # of all that is still joined to a group
        wanted[group] = sums[group] / sizes[group]
        if group > 1:
            parent = parents[group] - 1
            sums[parent] += sums[group]
            sizes[parent] += sizes[group]
    return told_apart(wanted)


def _squared_distance(rows: NDArray, row: NDArray) -> NDArray:
    """Squared distance (n,) of rows (n, k) and one row."""
    away = rows - row
    return np.einsum("ij,ij->i", away, away)


def told_apart(wanted: NDArray[np.float64]) -> NDArray[np.float32]:
    """Colors (m, 3) near the wanted ones, each at a distance from all before it."""
    from skimage.color import rgb2lab

    steps = np.linspace(0, 1, _STEPS)
    choice = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = rgb2lab(choice)
    visible = (lab[:, 0] >= _DARKEST) & (lab[:, 0] <= _LIGHTEST)
    choice, lab = choice[visible], lab[visible]
    free = np.full(len(lab), np.inf)  # squared distance to the nearest color taken
    result = np.empty(wanted.shape, dtype=np.float32)
    for i, target in enumerate(rgb2lab(wanted)):
        distance = _squared_distance(lab, target)
        allowed = free >= (_SPACING / (i + 1) ** (1 / 3)) ** 2
        if not allowed.any():
            allowed = free == free.max()
        best = int(np.where(allowed, distance, np.inf).argmin())
        result[i] = choice[best]
        free = np.minimum(free, _squared_distance(lab, lab[best]))
    return result
