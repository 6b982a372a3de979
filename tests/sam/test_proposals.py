"""Masks without SAM: regions of the embedded network that last."""

from __future__ import annotations

import numpy as np
import pytest

import napari_ncut as ncut
from napari_ncut.regions.graph import RegionGraph
from napari_ncut.regions.hierarchy import PlaneHierarchy
from napari_ncut.regions.tree import MergeTree
from napari_ncut.sam import MaskOptions
from napari_ncut.sam.proposals import hierarchy_masks


def discs(n_channels: int = 0) -> np.ndarray:
    """Four bright discs on an even ground."""
    rows, columns = np.mgrid[:96, :128]
    image = np.random.default_rng(0).normal(40, 4, (96, 128))
    for row, column in ((24, 30), (24, 90), (70, 30), (70, 90)):
        image[(rows - row) ** 2 + (columns - column) ** 2 < 144] += 100
    image = image.clip(0, 255).astype(np.uint8)
    return np.repeat(image[..., np.newaxis], n_channels, axis=-1) if n_channels else image


@pytest.mark.parametrize(
    "image, axes",
    [(discs(), "YX"), (discs(3), "YXC"), (discs().astype(np.uint16) * 200, "YX"),
     (discs().astype(np.float32), "YX")],
    ids=["gray", "color", "uint16", "float"],
)  # fmt: skip
def test_things_are_found(image, axes):
    found = ncut.automatic_masks(image, axes=axes)
    assert found.shape == (96, 128)
    rows, columns = np.mgrid[:96, :128]
    for row, column in ((24, 30), (24, 90), (70, 30), (70, 90)):
        disc = (rows - row) ** 2 + (columns - column) ** 2 < 144
        ious = [(mask & disc).sum() / (mask | disc).sum() for mask in found]
        assert max(ious) > 0.8
    for i, (row, column) in enumerate(found.columns["point"].astype(int)):
        assert found.mask(i)[row, column]
    assert (found.columns["stability_score"] >= 0.1).all()
    assert set(found.columns["level"]) <= {0, 1, 2}


def test_stacks_and_lists():
    stack = ncut.automatic_masks(np.stack([discs(), discs()]), axes="ZYX")
    np.testing.assert_array_equal(stack[0].boxes, stack[1].boxes)
    several = ncut.automatic_masks([discs(), discs(3)[:50]], axes=["YX", "YXC"])
    assert [one.shape for one in several] == [(96, 128), (50, 128)]
    assert len(ncut.automatic_masks([discs()], axes=["YX"])) == 1


def test_of_nothing_there_are_no_masks():
    found = ncut.automatic_masks(np.full((60, 70), 3, np.uint8))
    assert len(found) == 0 and found.shape == (60, 70)
    assert not found.labels().any()
    assert len(ncut.automatic_masks(np.zeros((1, 1)))) == 0


def by_hand() -> PlaneHierarchy:
    """Five columns of 20, 20, 2, 40 and 40 pixels.

    The first two merge at .1, take the third along at .2, the fourth at .8, the last at .9.
    """
    labels = np.repeat(np.arange(5), [10, 10, 1, 20, 20])[np.newaxis].repeat(2, axis=0)
    graph = RegionGraph.of(labels.astype(np.int32), np.zeros(labels.shape, np.float32))
    tree = MergeTree.of([5, 5, 6, 7, 8, 6, 7, 8, 8], [0.1, 0.2, 0.8, 0.9], graph.areas)
    return PlaneHierarchy(graph, tree)


def test_what_lasts_is_kept_and_how_it_nests_is_told():
    found = hierarchy_masks(by_hand(), MaskOptions(min_persistence=0.3))
    # The first two with the third last from .1 (where all but 2 pixels were there) to .8; the
    # fourth and last from 0, to .8 and .9.
    assert found.areas.tolist() == [42, 40, 40]
    np.testing.assert_allclose(found.columns["stability_score"], [0.7, 0.8, 0.9], atol=1e-6)
    np.testing.assert_allclose(found.columns["boundary_level"], [0.8, 0.8, 0.9], atol=1e-6)
    assert found.columns["level"].tolist() == [0, 0, 0]
    assert found.boxes[:, [1, 3]].tolist() == [[0, 21], [21, 41], [41, 61]]
    deeper = hierarchy_masks(by_hand(), MaskOptions(min_persistence=0.05))
    assert deeper.areas.tolist() == [82, 42, 40, 40, 20, 20]
    assert deeper.columns["level"].tolist() == [0, 1, 1, 0, 2, 2]
    larger = MaskOptions(min_persistence=0.05, min_mask_region_area=41)
    assert hierarchy_masks(by_hand(), larger).areas.tolist() == [82, 42]


def test_near_duplicates_are_dropped_unless_wanted():
    both = MaskOptions(min_persistence=0.05, box_nms_thresh=1.0)
    assert hierarchy_masks(by_hand(), both).areas.tolist() == [82, 42, 40, 40, 40, 20, 20]
    # 42 of 82 overlap by just over a half.
    few = hierarchy_masks(by_hand(), MaskOptions(min_persistence=0.05, box_nms_thresh=0.5))
    assert 82 not in few.areas
