"""How regions merge, from the finest to one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
        that people would draw, never falling from one merge to the next.
    areas : float32 array (2n - 1,)
        Pixels.
    """

    parents: NDArray[np.int32]
    levels: NDArray[np.float32]
    areas: NDArray[np.float32]

    @classmethod
    def of(cls, parents: ArrayLike, levels: ArrayLike, areas: ArrayLike) -> MergeTree:
        """Make a tree of merges in the order in which they were found.

        Parameters
        ----------
        parents
            (2n - 1,), every node's number being below that of its parent.
        levels
            (2n - 1,) or (n - 1,) of the merges alone; where one is below a child's, it is raised.
        areas
            (n,) or (2n - 1,), of which the first n are used.
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
        if level >= 1:
            return np.zeros(len(self), np.int32)
        n_merges = np.searchsorted(self.levels[len(self) :], np.float32(level), "left")
        return self._after(int(n_merges))

    def cut_number(self, n_regions: int) -> NDArray[np.int32]:
        """The groups when `n_regions` are left, or all regions if there are fewer: int32 (n,)."""
        return self._after(len(self) - min(max(n_regions, 1), len(self)))

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
        place = first[region]
        # Ancestors are nested intervals: each adds regions on its left, on its right, or both.
        # Found by comparing all nodes, which for a deep tree is faster than walking up.
        ancestors = np.flatnonzero((first <= place) & (place < last))
        first, last = first[ancestors], last[ancestors]
        left = np.repeat(ancestors[1:], first[:-1] - first[1:])[::-1]
        right = np.repeat(ancestors[1:], last[1:] - last[:-1])
        common = np.empty(len(self), np.int64)
        common[self._order] = np.concatenate([left, [region], right])
        return self.levels[common], self.areas[common]

    def common(self, one: ArrayLike, other: ArrayLike) -> NDArray[np.int64]:
        """Nodes at which pairs of regions become one, of the shape of `one`."""
        higra = load_higra()

        tree = higra.Tree(self.parents.astype(np.int64))
        pairs = (np.asarray(one, np.int64).ravel(), np.asarray(other, np.int64).ravel())
        return np.asarray(tree.lowest_common_ancestor(*pairs)).reshape(np.shape(one))

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
