"""The order in which regions merge, and the model that gives it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.ndimage import label

from napari_ncut.backbones.compact import PlaneMaps
from napari_ncut.regions.graph import RegionGraph
from napari_ncut.regions.merging import MergeModel, Merging, merge_model, merge_tree, stages

from .scenes import many, quarters


def test_weak_boundaries_go_first():
    tree = merge_tree(*quarters())
    assert_array_equal(tree.cut_number(2), [0, 1, 0, 1])
    assert tree.levels[-1] > 2 * tree.levels[-2]


def test_levels_rise_between_0_and_1():
    tree = merge_tree(*many())
    merges = tree.levels[108:]
    assert (np.diff(merges) >= 0).all()
    assert merges[0] > 0
    assert merges[-1] < 1
    assert tree.cut(0).max() == 107
    assert tree.cut(1).max() == 0
    assert tree.areas[-1] == 36 * 60


def test_every_group_is_connected():
    graph, maps, plane = many()
    tree = merge_tree(graph, maps, plane)
    for n_regions in (2, 5, 20, 60):
        groups = tree.cut_number(n_regions)
        merged = Merging.of(graph, maps, plane).contracted(groups.astype(np.int64))
        assert len(merged) == n_regions
        for group in range(n_regions):
            assert label(groups[graph.labels] == group)[1] == 1


def test_merging_adds_what_regions_have():
    graph, maps, plane = many()
    whole = Merging.of(graph, maps, plane)
    groups = np.arange(108) // 36
    merged = whole.contracted(groups)
    assert_array_equal(merged.edges, [[0, 1], [1, 2]])
    assert_array_equal(merged.lengths, [60, 60])
    np.testing.assert_allclose(merged.sums.sum(axis=0), whole.sums.sum(axis=0), rtol=1e-4)
    np.testing.assert_allclose(
        merged.sums[1, :3] / merged.areas[1], plane[12:24].mean(axis=(0, 1)), rtol=1e-4
    )


def test_stages_end_with_one_region():
    sizes = [len(stage.merging) for stage in stages(Merging.of(*many()), merge_model())]
    assert sizes[0] == 108
    assert all(later < earlier for earlier, later in pairwise(sizes))


def test_one_region_is_a_tree():
    labels = np.zeros((4, 6), np.int32)
    nothing = np.zeros((4, 6), np.float32)
    maps = PlaneMaps(nothing, np.zeros((2, 3, 24)), np.zeros((2, 3, 16)), (), (2, 2))
    tree = merge_tree(RegionGraph.of(labels, nothing), maps, nothing[..., np.newaxis])
    assert_array_equal(tree.parents, [0])
    assert_array_equal(tree.areas, [24])


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_number_of_channels(channels: int):
    graph, maps, plane = quarters()
    tree = merge_tree(graph, maps, np.repeat(plane, channels, axis=-1))
    assert_array_equal(tree.cut_number(2), [0, 1, 0, 1])


def test_model_survives_its_file():
    model = merge_model()
    again = MergeModel.from_json(model.to_json())
    features = np.random.RandomState(0).randn(7, len(model.mean)).astype(np.float32)
    np.testing.assert_allclose(again.strength(features), model.strength(features))
    assert (np.diff(model.strengths) > 0).all()
    assert (np.diff(model.levels) >= 0).all()
    assert len(model.to_json()) < 20_000
