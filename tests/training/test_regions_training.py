"""Training of how regions merge, on two tiny scenes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.backbones.compact import Compact
from napari_ncut.imaging import as_planes
from napari_ncut.regions.merging import MergeModel, Merging, merge_tree
from napari_ncut.training import merging

from .scenes import crops


@pytest.fixture(scope="module")
def merge_scenes() -> list[merging.Scene]:
    network = Compact()
    planes = [(as_planes(crop.image, axes="YXC")[0], crop) for crop in crops()]
    return [
        merging.Scene.of(plane, network.maps(plane), crop.segmentations) for plane, crop in planes
    ]


@pytest.fixture(scope="module")
def model(merge_scenes) -> MergeModel:
    return merging.calibrate(
        merging.train({"synthesized": merge_scenes}, merge_scenes, rounds=1), merge_scenes
    )


def test_a_model_of_merging_is_fitted_calibrated_and_kept(merge_scenes, model):
    assert np.all(np.diff(model.levels) >= 0) and np.all(np.diff(model.strengths) >= 0)
    at_one, level, at_each = merging.report(merge_scenes, model)
    assert 0.5 < at_one <= at_each <= 1 and 0 < level < 1
    again = MergeModel.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    # What a file holds judges edges alike; which of two nearly equal ones merges first may differ.
    scene = merge_scenes[0]
    edges = Merging.of(scene.graph, scene.maps, scene.plane).features()
    told, told_again = (one.calibrated(one.strength(edges)) for one in (model, again))
    np.testing.assert_allclose(told, told_again, atol=0.01)


def test_levels_are_the_share_of_people_who_draw_a_boundary(merge_scenes, model):
    told, drawn = [], []
    for scene in merge_scenes:
        tree = merge_tree(scene.graph, scene.maps, scene.plane, model=model)
        told.append(tree.levels[tree.common(*scene.graph.edges.T)])
        drawn.append(merging.apart(scene.tables, scene.graph.edges))
    told, drawn = np.concatenate(told), np.concatenate(drawn)
    high, low = told > 0.7, told < 0.3
    assert drawn[high].mean() > 0.6 > 0.3 > drawn[low].mean()


def test_models_together_answer_with_the_mean_of_their_logits(merge_scenes, model):
    scene = merge_scenes[0]
    features = merging.Merging.of(scene.graph, scene.maps, scene.plane).features()
    other = merging.first_model(features)
    both = merging.mean_of(model, other)

    def logits(one: MergeModel) -> np.ndarray:
        strength = one.strength(features).astype(np.float64)
        return np.log(strength / (1 - strength))

    # Each standardizes by units of its own, and cuts what is beyond four of them.
    within = (np.abs((features - model.mean) / model.scale) < 4).all(axis=1)
    within &= (np.abs(features) < 4).all(axis=1)
    assert within.any()
    expected = (logits(model) + logits(other)) / 2
    np.testing.assert_allclose(logits(both)[within], expected[within], atol=1e-2)
    three = merging.mean_of(model, other, both)
    np.testing.assert_allclose(logits(three)[within], expected[within], atol=1e-2)
