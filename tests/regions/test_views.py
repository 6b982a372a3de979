"""Several looks at one plane: what is seen, what is made of it, and what it may cost."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_ncut.backbones.compact import Compact, PlaneMaps
from napari_ncut.imaging import as_planes
from napari_ncut.regions.hierarchy import PlaneHierarchy
from napari_ncut.regions.merging import merge_tree, tree_of_levels
from napari_ncut.regions.views import VIEWS, View, affordable, viewed_tree

from .scenes import many, quarters


class Looks:
    """Stands for the network: notes what it is shown, and says what a function says of it."""

    def __init__(self, say=None):
        self.shown, self.say = [], say

    def maps(self, plane, *, keep=True):
        assert not keep
        self.shown.append(plane)
        return self.say(plane)


def ramp_maps(shape: tuple[int, int]) -> PlaneMaps:
    """Maps that rise evenly over rows and columns."""
    rows, columns = (np.indices(shape) + 0.5) / np.array(shape)[:, None, None]
    boundary = (0.2 + 0.3 * rows + 0.3 * columns).astype(np.float32)
    halves = tuple(-(-n // 2) for n in shape)
    rows, columns = (np.indices(halves) + 0.5) * 2 / np.array(shape)[:, None, None]
    embedded = np.stack([rows, columns, rows + columns], axis=-1).astype(np.float32)
    return PlaneMaps(boundary, embedded, -embedded, (embedded,), (1.0, 2.0))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("shape", [(96, 128), (95, 121), (33, 50)])
def test_what_is_seen_returns_to_where_it_was(view: View, shape):
    # A plane that rises evenly is seen as one, and what is said of it lies where it was seen.
    rows, columns = np.indices(shape) / 128
    plane = np.stack([rows, columns], axis=-1).astype(np.float32)
    seen = view.of(plane)
    assert seen.shape[2] == 2
    assert all(n % 2 == 0 for n in seen.shape[:2])
    halves = seen[::2, ::2] / 2 + seen[1::2, 1::2] / 2
    maps = PlaneMaps(seen[..., 1], halves, -halves, (), (0.0, 0.0))
    back = view.undone(maps, shape)
    # Away from the border, beyond which the plane is mirrored.
    inner = (slice(4, -12), slice(4, -12))
    assert back.boundary.shape == shape
    assert back.segment.shape[:2] == (-(-shape[0] // 2), -(-shape[1] // 2))
    assert_allclose(back.boundary[inner], plane[..., 1][inner], atol=1e-3)
    inner = (slice(4, -8), slice(4, -8))
    expected = (plane[:-1:2, :-1:2] + plane[1::2, 1::2]) / 2
    here = back.segment[: expected.shape[0], : expected.shape[1]]
    assert_allclose(here[inner], expected[inner], atol=1e-3)
    assert_allclose(back.kind, -back.segment)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (7, 300)])
def test_tiny_planes_are_seen_too(shape):
    plane = np.random.RandomState(0).rand(*shape, 3).astype(np.float32)
    for view in VIEWS:
        seen = view.of(plane)
        assert all(n >= 2 for n in seen.shape[:2])
        back = view.undone(ramp_maps(seen.shape[:2]), shape)
        assert back.boundary.shape == shape
    hierarchy = PlaneHierarchy.of(plane, Compact())
    assert hierarchy.graph.labels.shape == shape


def test_no_plane_costs_more_than_one_of_a_megapixel():
    sizes = np.geomspace(1, 1e8, 200)
    looks = [list(affordable(int(size))) for size in sizes]
    for size, views in zip(sizes, looks, strict=True):
        assert size * (1 + sum(view.scale**2 for view in views)) < max(1.2e6, size) + 1
        assert tuple(views) == VIEWS[: len(views)]
    numbers = [len(views) for views in looks]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == len(VIEWS) and numbers[-1] == 0
    assert len(list(affordable(2**20))) == 0
    assert len(list(affordable(321 * 481))) == len(VIEWS)


def test_large_planes_are_looked_at_once(monkeypatch):
    graph, maps, plane = many()
    monkeypatch.setattr("napari_ncut.regions.views._BUDGET", plane.shape[0] * plane.shape[1] * 1.5)
    network = Looks()
    tree = viewed_tree(graph, maps, plane, network)
    assert not network.shown
    assert_array_equal(tree.levels, merge_tree(graph, maps, plane).levels)


def test_looks_that_agree_change_nothing(monkeypatch):
    graph, maps, plane = many()
    monkeypatch.setattr(View, "undone", lambda self, found, shape: found)
    network = Looks(lambda seen: maps)
    tree, alone = viewed_tree(graph, maps, plane, network), merge_tree(graph, maps, plane)
    assert len(network.shown) == len(VIEWS)
    assert_allclose(tree.levels, alone.levels, atol=1e-5)
    # Between levels: what merges at the same one may do so in another order.
    for level in np.unique(alone.levels.round(3))[1:] + 5e-4:
        assert_array_equal(tree.cut(level), alone.cut(level))


def test_looks_that_disagree_are_averaged(monkeypatch):
    # One look sees no boundary between left and right, the others do.
    graph, maps, plane = quarters()
    nothing = PlaneMaps(
        np.zeros_like(maps.boundary), 0 * maps.segment, 0 * maps.kind, (), maps.offsets
    )
    monkeypatch.setattr(View, "undone", lambda self, found, shape: found)
    blind = Looks(lambda seen: maps if len(blind.shown) == 1 else nothing)
    tree, alone = viewed_tree(graph, maps, plane, blind), merge_tree(graph, maps, plane)
    assert len(blind.shown) == len(VIEWS) == 3
    assert 0.3 * alone.levels[-1] < tree.levels[-1] < 0.8 * alone.levels[-1]
    assert_array_equal(tree.cut_number(2), [0, 1, 0, 1])


def test_a_tree_of_levels_merges_over_the_mean():
    graph, _, _ = quarters()
    # Edges: 0-1, 0-2, 1-3, 2-3, all of 16 sides.
    assert_array_equal(graph.edges, [[0, 1], [0, 2], [1, 3], [2, 3]])
    tree = tree_of_levels(graph, np.array([0.9, 0.1, 0.2, 0.5], np.float32))
    assert_allclose(tree.levels[4:], [0.1, 0.2, 0.7], atol=1e-6)


def test_same_plane_same_regions():
    plane = as_planes(np.random.RandomState(0).rand(60, 71, 3), axes="YXC")[0]
    # Found anew, not what is kept.
    one, other = (PlaneHierarchy._found(plane, Compact()) for _ in range(2))
    assert_array_equal(one.tree.levels, other.tree.levels)
    assert_array_equal(one.tree.parents, other.tree.parents)


def test_regions_of_a_plane_are_found_once():
    plane = as_planes(np.random.RandomState(1).rand(40, 50, 3), axes="YXC")[0]
    first = PlaneHierarchy.of(plane, Compact())
    assert PlaneHierarchy.of(plane.copy(), Compact()) is first
    changed = plane.copy()
    changed[0, 0] = 0
    assert PlaneHierarchy.of(changed, Compact()) is not first
    other = Compact()
    other.weights = ("another training", "cpu")
    assert PlaneHierarchy.of(plane, other) is not first
