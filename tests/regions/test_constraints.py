"""Painted labels as constraints on the tree."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut import InputError
from napari_ncut.imaging import PlaneLayout
from napari_ncut.regions.cuts import GRANULARITIES, Cut
from napari_ncut.regions.graph import RegionGraph
from napari_ncut.regions.hierarchy import Hierarchy, PlaneHierarchy
from napari_ncut.regions.tree import MergeTree

from .test_cuts import refines
from .test_tree import ancestors

# Five regions in a row; 0|1 merge first, then 2|3, then both pairs, then 4.
ROW = np.repeat(np.arange(5, dtype=np.int32), 4)[np.newaxis].repeat(3, axis=0)
LEVELS = [0.1, 0.2, 0.5, 0.7]


def row_plane(strengths: list[float] | None = None) -> PlaneHierarchy:
    """Regions in a row, with boundaries of the given strengths between them."""
    boundary = np.zeros(ROW.shape, np.float32)
    for region, strength in enumerate(strengths or [0.1, 0.5, 0.2, 0.7]):
        boundary[:, 4 * region + 3] = strength
    tree = MergeTree.of([5, 5, 6, 6, 8, 7, 7, 8, 8], LEVELS, [12] * 5)
    return PlaneHierarchy(RegionGraph.of(ROW, boundary), tree)


def random_plane(seed: int = 0, n: int = 60) -> PlaneHierarchy:
    """Cells around random points, merged by average linkage of random boundaries."""
    import higra

    random = np.random.default_rng(seed)
    points = random.uniform(0, 40, (n, 2))
    places = np.moveaxis(np.indices((40, 40)), 0, -1)
    labels = np.square(places[..., None, :] - points).sum(-1).argmin(-1)
    _, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(40, 40).astype(np.int32)
    graph = RegionGraph.of(labels, random.random(labels.shape).astype(np.float32))
    of_higra = higra.UndirectedGraph(len(graph))
    of_higra.add_edges(*graph.edges.T)
    tree, heights = higra.binary_partition_tree_average_linkage(
        of_higra, graph.boundary.astype(float), graph.lengths.astype(float)
    )
    return PlaneHierarchy(graph, MergeTree.of(tree.parents(), heights / heights.max(), graph.areas))


def painted(*strokes: tuple[int, int, int]) -> np.ndarray:
    """Labels at pixels: (row, column, label)."""
    marks = np.zeros(ROW.shape, np.int64)
    for row, column, label in strokes:
        marks[row, column] = label
    return marks


def groups(plane: PlaneHierarchy, **granularity: float) -> list[int]:
    """The group of each of the five regions, from 0 in their order."""
    ((name, value),) = granularity.items()
    numbers = plane.pixels(Cut.by(plane.tree, name, value))[0, ::4]
    order = list(dict.fromkeys(numbers.tolist()))
    return [order.index(number) for number in numbers.tolist()]


def test_two_labels_never_share_a_region():
    plane = row_plane().constrained(painted((0, 0, 7), (2, 9, 3)))
    assert groups(plane, level=0.0) == [0, 1, 2, 3, 4]
    assert groups(plane, level=0.3) == [0, 0, 1, 1, 2]
    # The pairs would merge at 0.5; instead the last region joins the one that it touches.
    assert groups(plane, level=0.6) == [0, 0, 1, 1, 2]
    assert groups(plane, level=1.0) == [0, 0, 1, 1, 1]
    assert groups(plane, n_regions=1) == [0, 0, 1, 1, 1]


def test_between_two_labels_the_weaker_boundary_decides():
    # Regions 0 and 4 are painted; those between part where it is strongest.
    for strengths, expected in (
        ([0.1, 0.5, 0.2, 0.7], [0, 0, 0, 0, 1]),
        ([0.1, 0.6, 0.2, 0.3], [0, 0, 0, 0, 1]),
    ):
        plane = row_plane(strengths).constrained(painted((0, 0, 1), (0, 17, 2)))
        assert groups(plane, level=1.0) == expected
    # 1 touches both; the tree says the same of both ways, so the boundary itself decides.
    for strengths, expected in (([0.2, 0.3], [0, 0, 1]), ([0.3, 0.2], [0, 1, 1])):
        labels = ROW[:, :12]
        boundary = np.zeros(labels.shape, np.float32)
        boundary[:, 3], boundary[:, 7] = strengths
        tree = MergeTree.of([3, 4, 3, 4, 4], [0.5, 0.5], [12] * 3)
        three = PlaneHierarchy(RegionGraph.of(labels, boundary), tree)
        marks = painted((0, 0, 1), (0, 9, 2))[:, :12]
        numbers = three.constrained(marks).tree
        found = three.constrained(marks).pixels(Cut.by(numbers, "level", 1.0))[0, ::4]
        assert [bool(n != found[0]) for n in found] == [bool(e) for e in expected]


def test_one_label_is_one_region_from_the_finest_on():
    plane = row_plane().constrained(painted((0, 0, 5), (0, 10, 5)))
    assert groups(plane, level=0.0) == [0, 1, 0, 2, 3]
    # What is not painted merges at the levels at which it did.
    assert groups(plane, level=0.15) == [0, 0, 0, 1, 2]
    assert groups(plane, level=0.3) == [0, 0, 0, 0, 1]
    assert groups(plane, level=1.0) == [0, 0, 0, 0, 0]


def test_a_finest_region_with_two_labels_is_parted_by_the_nearest():
    plane = row_plane().constrained(painted((0, 4, 1), (0, 7, 2), (2, 19, 2)))
    finest = plane.pixels(Cut.by(plane.tree, "level", 0.0))
    assert len(plane.graph) == 5
    assert_array_equal(finest[0, 4:8] != finest[0, 4], [False, False, True, True])
    # One that was parted and one that was added to it: as many as before. All keep their numbers.
    old = row_plane()
    before = old.pixels(Cut.by(old.tree, "level", 0.0))
    unchanged = (ROW != 1) & (ROW != 4)
    assert_array_equal(finest[unchanged], before[unchanged])
    coarsest = plane.pixels(Cut.by(plane.tree, "level", 1.0))
    assert coarsest[0, 4] != coarsest[0, 7] == coarsest[2, 19]
    assert len(np.unique(coarsest)) == 2


def test_three_labels_in_one_finest_region():
    plane = row_plane().constrained(painted((0, 0, 1), (0, 3, 2), (2, 0, 9), (1, 8, 1), (2, 9, 2)))
    finest = plane.pixels(Cut.by(plane.tree, "level", 0.0))
    assert len({finest[0, 0], finest[0, 3], finest[2, 0]}) == 3
    assert finest[1, 8] == finest[0, 0]
    assert finest[2, 9] == finest[0, 3]
    assert_array_equal(np.bincount(plane.graph.labels.ravel()), plane.graph.areas)
    assert len(np.unique(plane.pixels(Cut.by(plane.tree, "n_regions", 1)))) == 3


def test_a_label_in_one_region_changes_no_partition():
    plane = random_plane()
    marks = np.zeros((40, 40), int)
    marks[20, 20] = 4
    bound = plane.constrained(marks)
    for level in np.linspace(0, 1, 15):
        before = plane.pixels(Cut.by(plane.tree, "level", level))
        after = bound.pixels(Cut.by(bound.tree, "level", level))
        assert refines(before.ravel(), after.ravel())
        assert refines(after.ravel(), before.ravel())


@pytest.mark.parametrize("seed", range(3))
def test_what_is_far_from_labels_keeps_its_number(seed: int):
    plane = random_plane(seed)
    # Levels that are equal must not mix up the order of merges.
    levels = np.round(5 * plane.tree.levels[len(plane.tree) :]) / 5
    plane = PlaneHierarchy(plane.graph, MergeTree.of(plane.tree.parents, levels, plane.tree.areas))
    marks = np.zeros((40, 40), int)
    marks[2, 2:6], marks[8, 2:6] = 1, 2
    bound = plane.constrained(marks)
    same = 0
    for level in (0.0, 0.35, 0.55, 0.75):
        before = plane.pixels(Cut.by(plane.tree, "level", level))
        after = bound.pixels(Cut.by(bound.tree, "level", level))
        for number in np.unique(after):
            region = after == number
            if not marks[region].any() and len(np.unique(before[region])) == 1:
                (was,) = np.unique(before[region])
                if np.array_equal(before == was, region):
                    assert was == number
                    same += 1
    assert same > 50


def test_nothing_painted_changes_nothing():
    plane = row_plane()
    assert plane.constrained(np.zeros(ROW.shape, np.uint8)) is plane


@pytest.mark.parametrize("seed", range(4))
def test_constraints_hold_at_every_granularity(seed: int):
    plane = random_plane(seed)
    random = np.random.default_rng(seed)
    marks = np.zeros((40, 40), np.int32)
    for label in (2, 3, 8):
        for row, column in random.integers(1, 39, (5, 2)):
            marks[row, column : column + 3] = label
    bound = plane.constrained(marks)
    finer = plane.graph.labels
    values = {
        "level": np.linspace(0, 1, 9),
        "n_regions": [50, 20, 8, 1],
        "size": [9, 60, 400, 9999],
    }
    for granularity in GRANULARITIES:
        finer = bound.graph.labels
        for value in values[granularity]:
            labels = bound.pixels(Cut.by(bound.tree, granularity, value))
            assert refines(finer.ravel(), labels.ravel())
            ends = [set(labels[marks == label].tolist()) for label in (2, 3, 8)]
            assert [len(numbers) for numbers in ends] == [1, 1, 1]
            assert len(set.union(*ends)) == 3
            finer = labels
    assert len(np.unique(finer)) == 3
    assert bound.tree.n_fewest == 3


def test_against_merging_edge_by_edge():
    plane, marks = random_plane(7), np.zeros((40, 40), int)
    marks[5, 5], marks[30, 8], marks[20, 33] = 1, 2, 3
    bound = plane.constrained(marks)
    # By hand: weakest edges first, unless they would join two labels.
    n = len(plane.graph)
    group, named = list(range(n)), dict.fromkeys(range(n), 0)
    for place in np.argwhere(marks):
        named[int(plane.graph.labels[tuple(place)])] = int(marks[tuple(place)])
    tree = plane.tree

    def level(edge: np.ndarray) -> float:
        one, other = (ancestors(tree, int(end)) for end in edge)
        return float(tree.levels[next(node for node in one if node in other)])

    edges = sorted(
        zip(plane.graph.edges, plane.graph.boundary, strict=True),
        key=lambda pair: (level(pair[0]), pair[1]),
    )
    for edge, _ in edges:
        one, other = group[edge[0]], group[edge[1]]
        if one != other and not (named[one] and named[other]):
            named[one] = named[one] or named[other]
            group = [one if g == other else g for g in group]
    expected = np.array(group)[plane.graph.labels].ravel()
    found = bound.pixels(Cut.by(bound.tree, "level", 1.0)).ravel()
    assert refines(expected, found)
    assert refines(found, expected)


def test_a_hierarchy_takes_labels_as_it_gives_them():
    stack = Hierarchy([row_plane(), row_plane()], PlaneLayout(((3, 20),) * 2, 1, ((2,),), False))
    marks = np.stack([painted(), painted((0, 0, 1), (0, 9, 2))])
    labels = stack.constrained(marks).labels(level=1)
    assert [len(np.unique(plane)) for plane in labels] == [1, 2]
    with pytest.raises(InputError, match=r"shape \(3, 20\)"):
        stack.constrained(marks[0])
    with pytest.raises(InputError, match="whole numbers"):
        stack.constrained(marks.astype(float))
    images = Hierarchy([row_plane(), row_plane()], PlaneLayout(((3, 20),) * 2, 1, ((), ()), True))
    assert len(np.unique(images.constrained(list(marks)).labels(level=1)[1])) == 2
    with pytest.raises(InputError, match="list"):
        images.constrained(marks[:1])
