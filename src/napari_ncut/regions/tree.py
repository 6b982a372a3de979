"""How regions merge, from the finest to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .library import load_higra


@dataclass(frozen=True)
class MergeTree:
    """A binary tree over n regions; cutting it at any level gives a partition, and all are nested.

    Attributes
    ----------
    parents : int32 array (2n - 1,)
        Of every node. The first n nodes are the regions, the others merges in the order in which
        they happen; the last is the root and its own parent.
    levels : float32 array (2n - 1,)
        0 of regions; of merges the probability, 0 to 1, that what they take away is a boundary
        that people would draw, never falling from one merge to the next. Infinite of merges that
        are never to happen.
    areas : float32 array (2n - 1,)
        Pixels.
    own_numbers : int32 array (n,) or None
        What `numbers` calls the regions; None where the tree itself tells.
    """

    parents: NDArray[np.int32]
    levels: NDArray[np.float32]
    areas: NDArray[np.float32]
    own_numbers: NDArray[np.int32] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        parents: ArrayLike,
        levels: ArrayLike,
        areas: ArrayLike,
        own_numbers: NDArray[np.int32] | None = None,
    ) -> MergeTree:
        """Make a tree of merges in the order in which they were found.

        Parameters
        ----------
        parents
            (2n - 1,), every node's number being below that of its parent.
        levels
            (2n - 1,) or (n - 1,) of the merges alone; where one is below a child's, it is raised.
        areas
            (n,) or (2n - 1,), of which the first n are used.
        own_numbers
            See the attribute.
        """
        found = np.asarray(parents, dtype=np.int32)
        n_regions = (len(found) + 1) // 2
        strengths = np.concatenate(
            [np.zeros(n_regions), np.asarray(levels, dtype=np.float32)[-(n_regions - 1) :]]
            if n_regions > 1
            else [np.zeros(1)]
        ).tolist()
        sizes = np.asarray(areas, dtype=float)[:n_regions].tolist() + [0.0] * (n_regions - 1)
        for node, parent in enumerate(found[:-1].tolist()):
            sizes[parent] += sizes[node]
            if strengths[node] > strengths[parent]:
                strengths[parent] = strengths[node]
        # Stable, so that children stay before their parents where levels are equal.
        order = np.concatenate(
            [
                np.arange(n_regions),
                n_regions + np.argsort(np.array(strengths)[n_regions:], kind="stable"),
            ]
        )
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return cls(
            places[found][order].astype(np.int32),
            np.array(strengths, np.float32)[order],
            np.array(sizes, np.float32)[order],
            own_numbers,
        )

    def __len__(self) -> int:
        return (len(self.parents) + 1) // 2

    def cut(self, level: float) -> NDArray[np.int32]:
        """Merge everything whose level is below `level`.

        Parameters
        ----------
        level
            0 to 1: 0 leaves the finest regions, 1 one region.

        Returns
        -------
        int32 (n,)
            The group of every region, from 0, in the order of their first regions.
        """
        return self._after(self.n_merges(level=level))

    def cut_number(self, n_regions: int) -> NDArray[np.int32]:
        """The groups when `n_regions` are left, or all regions if there are fewer: int32 (n,)."""
        return self._after(self.n_merges(n_regions=n_regions))

    @property
    def n_fewest(self) -> int:
        """How many regions are left when all has merged that may: 1, or more if not all may."""
        return len(self) - self.n_merges(level=1)

    def n_merges(self, *, level: float | None = None, n_regions: int | None = None) -> int:
        """How many merges have happened at a level, or when so many regions are left."""
        most = int(np.isfinite(self.levels[len(self) :]).sum())
        if n_regions is not None:
            return min(len(self) - min(max(n_regions, 1), len(self)), most)
        if level is None or level >= 1:
            return most
        return int(np.searchsorted(self.levels[len(self) :], np.float32(level), "left"))

    def _after(self, n_merges: int) -> NDArray[np.int32]:
        """The groups after the first `n_merges` merges."""
        begins = np.zeros(len(self), bool)
        begins[self._spans[0][self._topmost(n_merges)]] = True
        groups = np.empty(len(self), np.int64)
        groups[self._order] = np.cumsum(begins) - 1
        # Numbered by first region, so that the same groups have the same numbers in any tree.
        _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
        numbers = np.empty(len(first), np.int32)
        numbers[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
        return numbers[inverse]

    def _topmost(self, n_merges: int) -> NDArray[np.bool_]:
        """Which nodes (2n - 1,) nothing contains after the first `n_merges` merges."""
        alive = np.arange(len(self.parents)) < len(self) + n_merges
        topmost: NDArray[np.bool_] = alive & ~alive[self.parents]
        topmost[-1] = alive[-1]
        return topmost

    def nodes_after(self, n_merges: int) -> NDArray[np.int64]:
        """The nodes that are regions after the first `n_merges` merges, from left to right."""
        return self.from_left(np.flatnonzero(self._topmost(n_merges)))

    def from_left(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nodes that do not contain each other, in the order in which the tree is drawn."""
        return nodes[np.argsort(self._spans[0][nodes])]

    def above(self, region: int) -> NDArray[np.int64]:
        """A region and the nodes that contain it, up to the root."""
        first, last = self._spans
        place = first[region]
        # Found by comparing all nodes, which for a deep tree is faster than walking up.
        return np.flatnonzero((first <= place) & (place < last))

    def within(self, nodes: NDArray[np.int64], node: int) -> NDArray[np.bool_]:
        """Which of the nodes lie in `node`, or are it."""
        first, last = self._spans
        inside: NDArray[np.bool_] = (first[node] <= first[nodes]) & (last[nodes] <= last[node])
        return inside

    def spread(self, nodes: NDArray[np.int64], values: NDArray) -> NDArray:
        """A value for each of `nodes`, which cover all from left to right, to its regions: (n,)."""
        first, last = self._spans
        spread = np.empty((len(self), *values.shape[1:]), values.dtype)
        spread[self._order] = np.repeat(values, last[nodes] - first[nodes], axis=0)
        return spread

    def coarsened(self, n_regions: int) -> tuple[NDArray[np.int32], MergeTree]:
        """What is left of the tree when `n_regions` are.

        Returns
        -------
        groups : int32 array (n,)
            The new region of every region.
        tree : MergeTree
            Over the new regions, with the levels that were.
        """
        n_left = min(max(n_regions, 1), len(self))
        n_merges = len(self) - n_left
        groups = self._after(n_merges)
        regions = np.flatnonzero(self._topmost(n_merges))
        numbers = groups[self._order[self._spans[0][regions]]]
        kept = np.concatenate(
            [regions[np.argsort(numbers)], np.arange(len(self) + n_merges, len(self.parents))]
        )
        places = np.zeros(len(self.parents), np.int32)
        places[kept] = np.arange(len(kept))
        levels = np.where(np.arange(len(kept)) < n_left, np.float32(0), self.levels[kept])
        return groups, MergeTree(places[self.parents[kept]], levels, self.areas[kept])

    def merging_with(self, region: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """When every region becomes one with `region`, and how large that one is.

        Returns
        -------
        levels : float32 array (n,)
            Of the merge after which both are one; 0 of `region` itself.
        areas : float32 array (n,)
            In pixels after that merge; its own area of `region` itself.
        """
        first, last = self._spans
        # Ancestors are nested intervals: each adds regions on its left, on its right, or both.
        ancestors = self.above(region)
        first, last = first[ancestors], last[ancestors]
        left = np.repeat(ancestors[1:], first[:-1] - first[1:])[::-1]
        right = np.repeat(ancestors[1:], last[1:] - last[:-1])
        common = np.empty(len(self), np.int64)
        common[self._order] = np.concatenate([left, [region], right])
        return self.levels[common], self.areas[common]

    def common(self, one: ArrayLike, other: ArrayLike) -> NDArray[np.int64]:
        """Nodes at which pairs of regions become one, of the shape of `one`."""
        pairs = (np.asarray(one, np.int64).ravel(), np.asarray(other, np.int64).ravel())
        return np.asarray(self.in_higra.lowest_common_ancestor(*pairs)).reshape(np.shape(one))

    @cached_property
    def children(self) -> NDArray[np.int64]:
        """The two nodes of every merge, (n - 1, 2), the larger first, of equal ones the earlier."""
        pairs = np.argsort(self.parents[:-1], kind="stable").reshape(-1, 2)
        turned = self.areas[pairs[:, 0]] < self.areas[pairs[:, 1]]
        pairs[turned] = pairs[turned, ::-1]
        return pairs

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """A number for every node, which it shares with its largest part: int32 (2n - 1,).

        So whoever cuts the tree finer or coarser finds what stays under the number that it had.
        When k regions are left, their numbers are 1 to k, unless `own_numbers` says otherwise.
        """
        n = len(self)
        tops = np.arange(len(self.parents))
        tops[self.children[:, 0]] = np.arange(n, len(tops))
        while not np.array_equal(tops, higher := tops[tops]):
            tops = higher
        numbers = np.ones(len(tops), np.int32)
        if self.own_numbers is None:
            # The last merge parts number 1 from number 2, the one before from number 3 …
            numbers[self.children[:, 1]] = np.arange(n, 1, -1)
        else:
            numbers[tops[:n]] = self.own_numbers
        return numbers[tops]

    @cached_property
    def in_higra(self) -> Any:
        """The tree as higra's."""
        return load_higra().Tree(self.parents.astype(np.int64))

    @cached_property
    def _spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First place, and the one after the last, of every node's regions in `_order`."""
        n_regions, parents = len(self), self.parents.tolist()
        counts = [1] * n_regions + [0] * (n_regions - 1)
        for node in range(len(parents) - 1):
            counts[parents[node]] += counts[node]
        # From the root down: each node takes the next free places of its parent's.
        first, free = [0] * len(parents), [0] * len(parents)
        for node in range(len(parents) - 2, -1, -1):
            parent = parents[node]
            first[node] = free[node] = free[parent]
            free[parent] += counts[node]
        begins = np.array(first, np.int64)
        return begins, begins + np.array(counts, np.int64)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """Regions from left to right, those of every node next to each other."""
        return np.argsort(self._spans[0][: len(self)])
