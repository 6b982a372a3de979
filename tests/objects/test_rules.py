"""The parts of the methods, on cases that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import eigh

from napari_ncut.objects import deepcut
from napari_ncut.objects.cut import cut_vectors
from napari_ncut.objects.deepcut import cut_loss
from napari_ncut.objects.evidence import (
    N_EVIDENCE,
    ancestry,
    evidence,
    merge_levels,
    relative_distances,
    waiting,
)
from napari_ncut.objects.judging import evidence_model
from napari_ncut.objects.refine import refined
from napari_ncut.objects.scene import Pieces
from napari_ncut.regions.graph import RegionGraph
from napari_ncut.regions.hierarchy import PlaneHierarchy
from napari_ncut.regions.tree import MergeTree

REGIONS = np.array([[0, 0, 1, 1], [2, 2, 3, 3]], np.int32)
# 0 and 1 at .2, 2 and 3 at .4, all at .8.
TREE = MergeTree.of([4, 4, 5, 5, 6, 6, 6], [0.2, 0.4, 0.8], [2, 2, 2, 2])
GRAPH = RegionGraph.of(REGIONS, np.full(REGIONS.shape, 0.5, np.float32))


@pytest.mark.parametrize("n", [40, 900])
def test_cut_vectors_as_of_the_generalized_problem(n: int):
    points = np.random.RandomState(0).randn(n, 2) + np.repeat([[0, 0], [3, 0]], n // 2, axis=0)
    affinity = np.exp(-np.square(points[:, None] - points).sum(-1) / 2)
    degrees = np.diag(affinity.sum(axis=1))
    vectors = eigh(degrees - affinity, degrees, subset_by_index=[0, 1])[1]
    found = cut_vectors(affinity, 2)
    assert_allclose(np.ptp(found[:, 0]), 0, atol=1e-6)
    assert abs(np.corrcoef(found[:, 1], vectors[:, 1])[0, 1]) > 1 - 1e-6


def test_loss_of_two_separate_groups():
    affinity = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3))
    apart = torch.eye(2).repeat_interleave(3, 0)
    # −tr(SᵀAS) / tr(SᵀDS) = −18 / 18, and groups are even.
    assert cut_loss(apart, affinity).item() == pytest.approx(-1)
    # One group of all: nothing is cut either, but SᵀS / ‖SᵀS‖ − I / √2 has a norm of √(2 − √2).
    together = torch.tensor([[1.0, 0.0]]).repeat(6, 1)
    assert cut_loss(together, affinity).item() == pytest.approx(-1 + (2 - 2**0.5) ** 0.5)
    # All half and half.
    assert cut_loss(torch.full((6, 2), 0.5), affinity).item() == pytest.approx(
        -1 + (2 - 2**0.5) ** 0.5
    )


def test_first_step_of_training_by_hand():
    # Of AdamW the first step is the rate against the sign of the slope, after the decay.
    weight, slope = torch.tensor([2.0, -1.0]), torch.tensor([0.3, -5.0])
    deepcut._step([weight], [slope], [(torch.zeros(2), torch.zeros(2))], 1)
    assert_allclose(weight, [2 * (1 - 1e-5) - 1e-3, -1 * (1 - 1e-5) + 1e-3], atol=1e-6)


def test_trees_by_hand():
    assert_array_equal(
        ancestry(TREE),
        [
            [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1],
            [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1],
        ],
    )  # fmt: skip
    assert_allclose(
        merge_levels(TREE),
        [[0, 0.2, 0.8, 0.8], [0.2, 0, 0.8, 0.8], [0.8, 0.8, 0, 0.4], [0.8, 0.8, 0.4, 0]],
    )


def test_distances_do_not_depend_on_units():
    random = np.random.RandomState(0)
    rows, areas = random.randn(6, 3).astype(np.float32), np.full(6, 1 / 6)
    assert_allclose(
        relative_distances(rows, areas), relative_distances(100 * rows + 5, areas), atol=1e-3
    )
    assert not relative_distances(np.ones((6, 3), np.float32), areas).any()


def test_walks_leave_late_from_behind_a_wall():
    # A chain 0 – 1 – 2 – 3 that ends at the border at 0; between 2 and 3 is a wall.
    edges = np.array([[0, 1], [1, 2], [2, 3]], np.int32)
    weights, contact = np.array([1.0, 1.0, 0.01]), np.array([1.0, 0, 0, 0])
    assert_allclose(waiting(edges, weights, contact), [0, 1 / 3, 2 / 3, 1])


def test_refining_asks_larger_regions():
    hierarchy = PlaneHierarchy(GRAPH, TREE)
    soft = np.array([[1, 1, 0.4, 0.4], [0, 0, 0, 0]], np.float32)
    found = refined(hierarchy, soft)
    # Of the levels 0, 1/16 … 1/2 the first four are below .2, where 0 becomes one with 1.
    assert found[0, 0] == pytest.approx((4 * 1 + 5 * 0.7) / 9)
    assert found[0, 2] == pytest.approx((4 * 0.4 + 5 * 0.7) / 9)
    assert not found[1].any()


def test_evidence_of_one_region_is_finite():
    one = Pieces(
        RegionGraph.of(np.zeros((4, 4), np.int32), np.zeros((4, 4), np.float32)),
        MergeTree.of([0], [0], [16]),
        np.zeros(1, np.int32),
        *(np.ones((1, d), np.float32) for d in (5, 4, 3)),
    )
    numbers = evidence(one)
    assert numbers.shape == (1, N_EVIDENCE)
    assert np.isfinite(evidence_model().probabilities(numbers)).all()


def test_model_and_evidence_fit():
    random = np.random.RandomState(0)
    pieces = Pieces(
        GRAPH,
        TREE,
        np.arange(4, dtype=np.int32),
        *(random.rand(4, d).astype(np.float32) for d in (5, 4, 3)),
    )
    numbers = evidence(pieces)
    assert numbers.shape == (4, N_EVIDENCE) == (4, len(evidence_model().mean))
    assert np.isfinite(numbers).all()
