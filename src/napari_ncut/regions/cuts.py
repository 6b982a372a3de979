"""Partitions that a tree of merges allows: at one granularity, or finer here and there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from .library import load_higra
from .tree import MergeTree

# A region that keeps more than four fifths of its pixels is still the same: one step finer or
# coarser changes it by more than that.
_SAME = 0.8


@dataclass(frozen=True, eq=False)
class Cut:
    """A partition of a plane into nodes of its tree; never changed, finer ones are new.

    Attributes
    ----------
    tree : MergeTree
    nodes : int64 array (k,)
        The nodes that are regions, from left to right: together they hold every finest region
        once.
    """

    tree: MergeTree
    nodes: NDArray[np.int64]

    @classmethod
    def by(cls, tree: MergeTree, granularity: str, value: float) -> Cut:
        """The cut at a value of one of `GRANULARITIES`."""
        return cls(tree, GRANULARITIES[granularity].cut(tree, value))

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """The number of the region that each finest region is part of, from 1: int32 (n,).

        Numbers are those of `MergeTree.numbers`: a region has that of its largest part, so that of
        two cuts what is the same in both has the same number.
        """
        return self.tree.spread(self.nodes, self.tree.numbers[self.nodes])

    @property
    def areas(self) -> NDArray[np.float32]:
        """Pixels of every region, (k,)."""
        return self.tree.areas[self.nodes]

    def node_of(self, region: int) -> int:
        """The node that holds a finest region."""
        above = self.tree.above(region)
        return int(above[np.isin(above, self.nodes)][0])

    def refined(self, region: int) -> Cut:
        """Finer where a finest region lies: what holds it is parted, and nothing else.

        The parts are what the tree has on the way from the whole to a part around that region with
        at most four fifths of its pixels: that part, and what was left beside it. A finest region
        cannot be parted.
        """
        tree, node = self.tree, self.node_of(region)
        path = tree.above(region)
        path = path[path <= node]
        small = path[tree.areas[path] <= _SAME * tree.areas[node]]
        wanted = int(small[-1]) if len(small) else int(path[0])
        if wanted == node:
            return self
        # Everything that joins the wanted part on its way up.
        joined = path[(path > wanted) & (path <= node)]
        beside = tree.children[joined - len(tree)].ravel()
        parts = beside[~np.isin(beside, path) | (beside == wanted)]
        return self._with(self.nodes[self.nodes != node], parts)

    def coarsened(self, region: int) -> Cut:
        """Coarser where a finest region lies: what holds it merges with what it merges with next.

        So often as it takes to have a quarter more pixels; all that is merged becomes one region.
        """
        tree, node = self.tree, self.node_of(region)
        path = tree.above(region)
        path = path[(path > node) & np.isfinite(tree.levels[path])]
        if not len(path):
            return self
        large = path[_SAME * tree.areas[path] >= tree.areas[node]]
        wanted = int(large[0] if len(large) else path[-1])
        return self._with(self.nodes[~tree.within(self.nodes, wanted)], np.array([wanted]))

    def _with(self, kept: NDArray[np.int64], new: NDArray[np.int64]) -> Cut:
        return Cut(self.tree, self.tree.from_left(np.concatenate([kept, new])))


# ------------------------------------------------------------------------------------ granularities


@dataclass(frozen=True)
class Granularity:
    """A way to say how fine regions are.

    Attributes
    ----------
    title : str
        What it is called in a window.
    tooltip : str
        What it means.
    accepts : str
        What values it takes, for an error.
    check : function
        Whether a value is one.
    cut : function
        Tree and value → the nodes that are regions, from left to right.
    """

    title: str
    tooltip: str
    accepts: str
    check: Callable[[Any], bool]
    cut: Callable[[MergeTree, Any], NDArray[np.int64]]


def check_granularity(name: str, value: Any) -> None:
    """An `InputError` if a value cannot be used."""
    if not GRANULARITIES[name].check(value):
        raise InputError(
            f"Regions cannot be made with {name}={value!r}. Give {GRANULARITIES[name].accepts}."
        )


def by_level(tree: MergeTree, level: float) -> NDArray[np.int64]:
    """Everything merged whose boundary has a probability below `level`."""
    return tree.nodes_after(tree.n_merges(level=float(level)))


def by_number(tree: MergeTree, n_regions: int) -> NDArray[np.int64]:
    """So many regions, or as near to that as there are."""
    return tree.nodes_after(tree.n_merges(n_regions=int(n_regions)))


def by_size(tree: MergeTree, size: float) -> NDArray[np.int64]:
    """Regions as near to `size` pixels as the tree has.

    Of all partitions into nodes that with the least sum of (area − size)². Beside what is the same
    for all, that is the sum of squared areas and size² for every region: an optimal cut (Guigues et
    al., Scale-sets image analysis, 2006), so that cuts of a larger size are coarser everywhere.
    """
    higra = load_higra()
    areas = tree.areas.astype(np.float64)
    costs = np.square(areas - float(size))
    costs[~np.isfinite(tree.levels)] = np.inf
    n = len(tree)
    best = higra.accumulate_and_min_sequential(
        tree.in_higra, costs, costs[:n], higra.Accumulators.sum
    )
    whole = costs <= best
    whole[:n] = True
    topmost = whole.astype(np.float64)
    held = higra.propagate_sequential_and_accumulate(
        tree.in_higra, topmost, higra.Accumulators.max
    ).astype(bool)
    is_top = whole & ~held[tree.parents]
    is_top[-1] = whole[-1]
    return tree.from_left(np.flatnonzero(is_top))


GRANULARITIES: dict[str, Granularity] = {
    "n_regions": Granularity(
        "number of regions",
        "How many regions a plane has. They merge over the least probable boundary first.",
        "a whole number, 1 or more",
        lambda value: is_number(value, whole=True) and value >= 1,
        by_number,
    ),
    "level": Granularity(
        "boundary level",
        "How probable a boundary must be to part regions, 0 to 1. A level means the same in every\n"
        "image and plane.",
        "a number from 0, the finest regions, to 1, one region",
        lambda value: is_number(value) and 0 <= value <= 1,
        by_level,
    ),
    "size": Granularity(
        "size of a region",
        "How many pixels a region has, typically. All are as near to that as can be, whatever the\n"
        "boundaries: for regions of like size everywhere.",
        "the typical area of a region in pixels, above 0",
        lambda value: is_number(value) and value > 0,
        by_size,
    ),
}
