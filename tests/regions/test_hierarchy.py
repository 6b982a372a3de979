"""Hierarchies of regions: shapes, nesting, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut import InputError, granularity
from napari_ncut.imaging import PlaneLayout
from napari_ncut.regions.graph import RegionGraph
from napari_ncut.regions.hierarchy import Hierarchy, PlaneHierarchy
from napari_ncut.regions.tree import MergeTree

REGIONS = np.array([[0, 0, 1], [2, 2, 1]], np.int32)
# 0 and 2 become one first.
PLANE = PlaneHierarchy(
    RegionGraph.of(REGIONS, np.ones(REGIONS.shape, np.float32)),
    MergeTree.of([3, 4, 3, 4, 4], [0.25, 0.75], [2, 2, 2]),
)
SMALL = Hierarchy([PLANE], PlaneLayout(((2, 3),), 1, ((),), False))


def disks(shape: tuple[int, int] = (72, 90)) -> np.ndarray:
    random = np.random.RandomState(0)
    rows, columns = np.indices(shape)
    image = 40 + 4 * random.randn(*shape)
    for row, column, radius in ((20, 22, 12), (48, 60, 17)):
        image[np.hypot(rows - row, columns - column) < radius] += 120
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def hierarchy() -> Hierarchy:
    return granularity(disks())


def test_labels_by_hand():
    assert_array_equal(SMALL.labels(level=0), [[1, 1, 2], [3, 3, 2]])
    assert_array_equal(SMALL.labels(level=0.5), [[1, 1, 2], [1, 1, 2]])
    assert_array_equal(SMALL.labels(1), np.ones((2, 3)))
    assert_array_equal(SMALL.labels(n_regions=2), SMALL.labels(0.5))
    assert SMALL.n_regions(0.5) == [2]


def test_boundaries_by_hand():
    assert_array_equal(SMALL.boundaries(), [[0.25, 0.75, 0], [0, 0.75, 0]])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"level": 0.5, "n_regions": 2},
        {"level": -0.1},
        {"level": 1.1},
        {"level": np.nan},
        {"level": "fine"},
        {"level": [0.5, 2]},
        {"size": 0},
        {"size": 20, "n_regions": 2},
        {"n_regions": 0},
        {"n_regions": 2.5},
        {"n_regions": True},
    ],
)
def test_what_is_no_granularity_is_refused(options):
    with pytest.raises(InputError, match=r"[Gg]ive"):
        SMALL.labels(**options)


def test_labels_are_nested(hierarchy: Hierarchy):
    finer = hierarchy.labels(level=0)
    assert finer.dtype == np.int32
    assert finer.shape == (72, 90)
    for level in np.linspace(0.05, 1, 20):
        coarser = hierarchy.labels(level=float(level))
        assert len(np.unique(np.stack([finer, coarser]).reshape(2, -1), axis=1).T) == finer.max()
        finer = coarser
    assert finer.max() == finer.min() == 1


def test_every_number_of_regions(hierarchy: Hierarchy):
    finest = int(hierarchy.labels(level=0).max())
    for n in (1, 2, 3, finest, finest + 5):
        assert_array_equal(
            np.unique(hierarchy.labels(n_regions=n)), np.arange(1, min(n, finest) + 1)
        )


def test_boundaries_thresholded_are_outlines(hierarchy: Hierarchy):
    contours = hierarchy.boundaries()
    assert contours.dtype == np.float32
    labels = hierarchy.labels(level=0.3)
    outlines = np.zeros(labels.shape, bool)
    outlines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    outlines[:-1] |= labels[:-1] != labels[1:]
    assert_array_equal(contours >= np.float32(0.3), outlines)


def test_what_stands_out_is_found_first(hierarchy: Hierarchy):
    labels = hierarchy.labels(n_regions=3)
    assert len({labels[20, 22], labels[48, 60], labels[5, 80]}) == 3


def test_stacks_and_lists_keep_their_form(hierarchy: Hierarchy):
    image = disks()
    told = []
    of_stack = granularity(np.stack([image, image]), axes="TYX", progress=told.append)
    labels = of_stack.labels(n_regions=4)
    assert labels.shape == (2, *image.shape)
    assert_array_equal(labels[0], labels[1])
    assert [step.done for step in told] == [0, 1, 2]
    of_list = granularity([image, np.stack([image[:20, :31]] * 3, axis=-1)], axes=["YX", "YXC"])
    assert [part.shape for part in of_list.labels(level=0.5)] == [image.shape, (20, 31)]
    assert [part.shape for part in of_list.boundaries()] == [image.shape, (20, 31)]


@pytest.mark.parametrize("image", [np.zeros((1, 1)), np.ones((5, 40)), np.full((9, 9), np.nan)])
def test_plain_images_have_labels(image):
    try:
        labels = granularity(image).labels(level=1)
    except InputError:
        return
    assert_array_equal(labels, np.ones(image.shape))


def test_several_granularities_at_once(hierarchy: Hierarchy):
    maps = hierarchy.labels(n_regions=[40, 10, 3])
    for n_regions, labels in zip((40, 10, 3), maps, strict=True):
        assert_array_equal(labels, hierarchy.labels(n_regions=n_regions))
    by_level = hierarchy.labels(np.array([0.2, 0.6]))
    assert_array_equal(by_level[1], hierarchy.labels(level=0.6))


def test_what_stays_keeps_its_number(hierarchy: Hierarchy):
    fine, coarse = hierarchy.labels(n_regions=[20, 19])
    # One merge: the smaller of the two took the number of the larger, nothing else changed.
    differs = fine != coarse
    (number,) = np.unique(coarse[differs])
    assert len(np.unique(fine[differs])) == 1
    assert np.count_nonzero(fine == number) >= np.count_nonzero(differs)


def test_sizes(hierarchy: Hierarchy):
    labels = hierarchy.labels(size=100)
    areas = np.bincount(labels.ravel())
    assert 50 < np.median(areas[labels]) < 200
    assert 50 < np.median(areas[areas > 0]) < 150
    assert len(np.unique(hierarchy.labels(size=10**6))) == 1


def test_painted_labels_keep_things_apart(hierarchy: Hierarchy):
    painted = np.zeros((72, 90), int)
    painted[18:22, 20:24], painted[46:50, 58:62], painted[4, 78:82] = 1, 2, 3
    labels = hierarchy.constrained(painted).labels(n_regions=1)
    assert len(np.unique(labels)) == 3
    # Each disk is found by its own mark: intersection over union with what was drawn.
    rows, columns = np.indices((72, 90))
    for row, column, radius in ((20, 22, 12), (48, 60, 17)):
        disk = np.hypot(rows - row, columns - column) < radius
        found = labels == labels[row, column]
        assert (disk & found).sum() > 0.8 * (disk | found).sum()
