"""Trees of merges: cuts, and what a region merges with."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut.regions.tree import MergeTree

# Regions 0 1 2 3: first 1 and 2 become one, then 0 joins them, then 3.
SMALL = MergeTree.of([5, 4, 4, 6, 5, 6, 6], [0.2, 0.5, 0.9], [10, 1, 2, 30])


def random_tree(n: int, *, chain: bool = False, seed: int = 0) -> MergeTree:
    random = np.random.default_rng(seed)
    parents, open_nodes = np.empty(2 * n - 1, int), list(random.permutation(n))
    for node in range(n, 2 * n - 1):
        for _ in range(2):
            at = -1 if chain else int(random.integers(len(open_nodes)))
            parents[open_nodes.pop(at)] = node
        open_nodes.append(node)
    parents[-1] = 2 * n - 2
    return MergeTree.of(parents, random.random(n - 1), random.integers(1, 9, n))


def ancestors(tree: MergeTree, node: int) -> list[int]:
    path = [node]
    while tree.parents[path[-1]] != path[-1]:
        path.append(int(tree.parents[path[-1]]))
    return path


def test_areas_and_levels_of_merges():
    assert_array_equal(SMALL.areas, [10, 1, 2, 30, 3, 13, 43])
    np.testing.assert_allclose(SMALL.levels, [0, 0, 0, 0, 0.2, 0.5, 0.9])


@pytest.mark.parametrize(
    ("level", "groups"),
    [
        (0, [0, 1, 2, 3]),
        (0.2, [0, 1, 2, 3]),
        (0.21, [0, 1, 1, 2]),
        (0.6, [0, 0, 0, 1]),
        (0.9, [0, 0, 0, 1]),
        (1, [0, 0, 0, 0]),
    ],
)
def test_cut_merges_what_is_below_the_level(level: float, groups: list[int]):
    assert_array_equal(SMALL.cut(level), groups)


@pytest.mark.parametrize(
    ("n_regions", "groups"),
    [(1, [0, 0, 0, 0]), (2, [0, 0, 0, 1]), (3, [0, 1, 1, 2]), (4, range(4)), (9, range(4))],
)
def test_cut_number(n_regions: int, groups: list[int]):
    assert_array_equal(SMALL.cut_number(n_regions), groups)


def test_merging_with():
    levels, areas = SMALL.merging_with(1)
    np.testing.assert_allclose(levels, [0.5, 0, 0.2, 0.9])
    assert_array_equal(areas, [13, 1, 3, 43])


def test_a_level_below_a_childs_is_raised():
    tree = MergeTree.of([3, 3, 4, 4, 4], [0.7, 0.1], [1, 1, 1])
    np.testing.assert_allclose(tree.levels[3:], [0.7, 0.7])


def test_merges_are_put_in_the_order_of_their_levels():
    # Two pairs, of which the later is the weaker.
    tree = MergeTree.of([4, 4, 5, 5, 6, 6, 6], [0.4, 0.3, 0.8], [1, 2, 3, 4])
    assert_array_equal(tree.parents, [5, 5, 4, 4, 6, 6, 6])
    assert_array_equal(tree.areas[4:], [7, 3, 10])
    assert_array_equal(tree.cut_number(3), [0, 1, 2, 2])


def test_one_region():
    tree = MergeTree.of([0], [], [6])
    assert_array_equal(tree.cut(0), [0])
    assert_array_equal(tree.cut_number(3), [0])
    levels, areas = tree.merging_with(0)
    assert_array_equal(levels, [0])
    assert_array_equal(areas, [6])


@pytest.mark.parametrize("chain", [False, True])
def test_against_walks_to_the_root(chain: bool):
    tree = random_tree(40, chain=chain)
    paths = [ancestors(tree, region) for region in range(40)]
    for region in (0, 17, 39):
        common = [next(n for n in paths[region] if n in path) for path in paths]
        levels, areas = tree.merging_with(region)
        assert_array_equal(levels, tree.levels[common])
        assert_array_equal(areas, tree.areas[common])
        assert_array_equal(tree.common([region] * 40, range(40)), common)
    for level in (0.3, 0.6):
        tops = [[n for n in path if n < 40 or tree.levels[n] < level][-1] for path in paths]
        groups = tree.cut(level)
        assert_array_equal(groups[:, None] == groups, np.array(tops)[:, None] == np.array(tops))


def test_cuts_are_nested():
    tree = random_tree(200)
    finer = tree.cut(0)
    for level in np.linspace(0, 1, 20):
        coarser = tree.cut(float(level))
        pairs = np.unique(np.stack([finer, coarser]), axis=1)
        assert pairs.shape[1] == finer.max() + 1
        finer = coarser


@pytest.mark.parametrize("chain", [False, True])
def test_merging_is_fast_however_deep_the_tree(chain: bool):
    tree = random_tree(20_000, chain=chain)
    tree.merging_with(0)
    seconds = []
    for region in range(0, 20_000, 2_000):
        start = time.perf_counter()
        tree.merging_with(region)
        seconds.append(time.perf_counter() - start)
    # 2 ms on an idle machine.
    assert min(seconds) < 0.02


@pytest.mark.parametrize("n_left", [1, 2, 17, 59, 60, 100])
@pytest.mark.parametrize("chain", [False, True])
def test_what_is_left_of_a_tree_cuts_as_the_whole(n_left: int, chain: bool):
    tree = random_tree(60, chain=chain)
    groups, coarse = tree.coarsened(n_left)
    assert len(coarse) == min(n_left, 60)
    assert_array_equal(groups, tree.cut_number(n_left))
    assert_array_equal(coarse.areas[: len(coarse)], np.bincount(groups, tree.areas[:60]))
    assert coarse.areas[-1] == tree.areas[-1]
    for n_regions in (1, 2, 5, 16, 40):
        if n_regions <= len(coarse):
            assert_array_equal(coarse.cut_number(n_regions)[groups], tree.cut_number(n_regions))
    # Regions that are apart become one at the level at which they did.
    levels, areas = tree.merging_with(3)
    coarse_levels, coarse_areas = coarse.merging_with(int(groups[3]))
    apart = groups != groups[3]
    assert_array_equal(coarse_levels[groups][apart], levels[apart])
    assert_array_equal(coarse_areas[groups][apart], areas[apart])
