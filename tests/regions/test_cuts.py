"""Cuts of a tree: global ones, local changes, sizes, and numbers that stay."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut.regions.cuts import GRANULARITIES, Cut
from napari_ncut.regions.graph import RegionGraph
from napari_ncut.regions.hierarchy import PlaneHierarchy
from napari_ncut.regions.tree import MergeTree

from .test_tree import SMALL, ancestors, random_tree

# Regions 0 1 2 3: 0 and 1 become 4, 2 and 3 become 5, both become 6.
PAIRS = MergeTree.of([4, 4, 5, 5, 6, 6, 6], [0.2, 0.4, 0.9], [6, 4, 15, 5])


def leaves(tree: MergeTree, node: int) -> set[int]:
    return {region for region in range(len(tree)) if node in ancestors(tree, region)}


def is_partition(cut: Cut) -> bool:
    """Whether exactly one of the nodes lies above every finest region."""
    nodes = set(cut.nodes.tolist())
    paths = (ancestors(cut.tree, region) for region in range(len(cut.tree)))
    return all(len(nodes.intersection(path)) == 1 for path in paths)


def refines(finer: np.ndarray, coarser: np.ndarray) -> bool:
    """Whether every group of the finer one lies in one of the coarser."""
    pairs = np.unique(np.stack([finer, coarser]), axis=1)
    return pairs.shape[1] == len(np.unique(finer))


def every_cut(tree: MergeTree, node: int) -> list[list[int]]:
    """All partitions into nodes below one, by hand."""
    if node < len(tree):
        return [[node]]
    one, other = (int(child) for child in np.flatnonzero(tree.parents[:-1] == node))
    below = itertools.product(every_cut(tree, one), every_cut(tree, other))
    return [[node], *([*a, *b] for a, b in below)]


def test_a_region_has_the_number_of_its_largest_part():
    # 6 and 5 are 1 by region 2; what the last merge took away is 2, by region 0; then 3.
    assert_array_equal(PAIRS.numbers, [2, 4, 1, 3, 2, 1, 1])
    assert_array_equal(Cut.by(PAIRS, "n_regions", 4).numbers, [2, 4, 1, 3])
    assert_array_equal(Cut.by(PAIRS, "n_regions", 3).numbers, [2, 2, 1, 3])
    assert_array_equal(Cut.by(PAIRS, "n_regions", 2).numbers, [2, 2, 1, 1])
    assert_array_equal(Cut.by(PAIRS, "n_regions", 1).numbers, [1, 1, 1, 1])


@pytest.mark.parametrize("chain", [False, True])
def test_numbers_against_walks(chain: bool):
    tree = random_tree(60, chain=chain)
    for node in range(60, 119):
        parts = np.flatnonzero(tree.parents[:-1] == node)
        areas = tree.areas[parts]
        shared = tree.numbers[parts] == tree.numbers[node]
        assert shared.sum() == 1
        assert areas[shared] == areas.max()
    for n_regions in (1, 2, 7, 31, 60):
        cut = Cut.by(tree, "n_regions", n_regions)
        assert_array_equal(np.unique(cut.numbers), np.arange(1, n_regions + 1))
        # The same groups as by the other way to cut.
        groups = tree.cut_number(n_regions)
        assert refines(cut.numbers, groups)
        assert refines(groups, cut.numbers)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_cuts_of_each_kind_are_nested_partitions(granularity: str):
    tree = random_tree(80, seed=3)
    values = {
        "n_regions": [80, 40, 20, 9, 3, 1],
        "level": np.linspace(0, 1, 9),
        "size": np.geomspace(1, 500, 12),
    }[granularity]
    finer = None
    counts = []
    for value in values:
        cut = Cut.by(tree, granularity, value)
        assert is_partition(cut)
        assert_array_equal(np.sort(cut.areas), np.sort(tree.areas[cut.nodes]))
        if finer is not None:
            assert refines(finer.numbers, cut.numbers)
        counts.append(len(cut))
        finer = cut
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 40
    assert counts[-1] == 1


@pytest.mark.parametrize("size", [1, 3, 5, 10, 30, 200])
def test_the_cut_by_size_is_the_best_of_all(size: float):
    tree = random_tree(9, seed=5)

    def cost(nodes: list[int]) -> float:
        areas = tree.areas[nodes]
        return float(np.square(areas - size).sum())

    best = min(cost(nodes) for nodes in every_cut(tree, 16))
    assert cost(list(Cut.by(tree, "size", size).nodes)) == pytest.approx(best)


def test_sizes_are_as_asked():
    cut = Cut.by(random_tree(3000), "size", 80)
    assert 60 < np.median(cut.areas) < 110
    assert 60 < np.median(np.repeat(cut.areas, cut.areas.astype(int))) < 110


def test_finer_in_one_place():
    whole = Cut.by(PAIRS, "n_regions", 1)
    one = whole.refined(0)
    assert_array_equal(one.numbers, [2, 2, 1, 1])
    two = one.refined(1)
    assert_array_equal(two.numbers, [2, 4, 1, 1])
    # A finest region cannot be parted, and what there was has not changed.
    assert two.refined(0) is two
    assert_array_equal(whole.numbers, [1, 1, 1, 1])


def test_specks_on_the_way_are_parted_too():
    # From the root to region 1, of 1 pixel: 3 goes, then 0, then the pair 1 and 2.
    cut = Cut.by(SMALL, "n_regions", 1).refined(1)
    assert_array_equal(np.sort(cut.nodes), [3, 5])
    assert_array_equal(np.sort(cut.refined(1).nodes), [0, 3, 4])
    # Region 0 has 10 of the 13 pixels that are left with it, 3 has 30 of 43: both are far less.
    chain = MergeTree.of([5, 5, 6, 7, 8, 6, 7, 8, 8], [0.1, 0.2, 0.3, 0.4], [30, 30, 1, 2, 3])
    parted = Cut.by(chain, "n_regions", 1).refined(0)
    # 65 and 63 and 61 pixels are still nearly all of 66.
    assert_array_equal(np.sort(parted.nodes), [0, 1, 2, 3, 4])


def test_coarser_in_one_place():
    finest = Cut.by(PAIRS, "n_regions", 4)
    one = finest.coarsened(1)
    assert_array_equal(one.numbers, [2, 2, 1, 3])
    whole = one.coarsened(0)
    assert_array_equal(whole.numbers, [1, 1, 1, 1])
    assert whole.coarsened(3) is whole


@pytest.mark.parametrize("chain", [False, True])
def test_local_changes_stay_partitions_and_change_nothing_else(chain: bool):
    tree = random_tree(70, chain=chain)
    random = np.random.default_rng(1)
    cut = Cut.by(tree, "n_regions", 12)
    for _ in range(40):
        region = int(random.integers(70))
        node = cut.node_of(region)
        assert region in leaves(tree, node)
        finer = bool(random.integers(2))
        changed = cut.refined(region) if finer else cut.coarsened(region)
        assert is_partition(changed)
        first, second = (changed, cut) if finer else (cut, changed)
        assert refines(first.numbers, second.numbers)
        # Whatever does not touch the changed region is the same, by the same number.
        touched = leaves(tree, node) if finer else leaves(tree, changed.node_of(region))
        others = [r for r in range(70) if r not in touched]
        assert_array_equal(cut.numbers[others], changed.numbers[others])
        if changed is not cut:
            own = tree.areas[changed.node_of(region)] / tree.areas[node]
            assert own <= 0.8 or node < 70 or changed.node_of(region) < 70 if finer else own > 1
        cut = changed


def test_what_may_never_merge_does_not():
    tree = MergeTree.of([4, 4, 5, 5, 6, 6, 6], [0.2, 0.4, np.inf], [6, 4, 15, 5])
    assert tree.n_fewest == 2
    for granularity, value in (("n_regions", 1), ("level", 1.0), ("size", 10_000)):
        assert_array_equal(Cut.by(tree, granularity, value).numbers, [2, 2, 1, 1])
    assert_array_equal(tree.cut(1), [0, 0, 1, 1])
    cut = Cut.by(tree, "n_regions", 1)
    assert cut.coarsened(0) is cut


def test_one_region_alone():
    tree = MergeTree.of([0], [], [6])
    for granularity, value in (("n_regions", 3), ("level", 0.5), ("size", 2)):
        cut = Cut.by(tree, granularity, value)
        assert_array_equal(cut.numbers, [1])
        assert cut.refined(0) is cut
        assert cut.coarsened(0) is cut


def test_relabeling_a_megapixel_takes_milliseconds():
    tree = random_tree(10_000)
    labels = np.repeat(np.arange(10_000, dtype=np.int32), 100).reshape(1000, 1000)
    plane = PlaneHierarchy(RegionGraph(labels, *(np.empty(0),) * 3), tree)
    out = np.empty(labels.shape, np.int32)
    plane.pixels(Cut.by(tree, "n_regions", 10), out)
    for granularity, values in (
        ("n_regions", (200, 3000)),
        ("level", (0.2, 0.8)),
        ("size", (300, 4000)),
    ):
        seconds = []
        for value in values * 3:
            start = time.perf_counter()
            plane.pixels(Cut.by(tree, granularity, value), out)
            seconds.append(time.perf_counter() - start)
        # 5 ms on an idle machine.
        assert min(seconds) < 0.03
    assert len(np.unique(out)) == len(Cut.by(tree, "size", 4000))
