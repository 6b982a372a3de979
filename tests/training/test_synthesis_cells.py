"""Synthesized cells, tissue, objects and textures."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.training.synthesis import synthesize
from napari_ncut.training.synthesis.shapes import distance_to_border, partition, tidy

OURS = ("fluorescence", "stained cells", "membranes", "objects", "textures")
SHAPE = (120, 168)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", OURS)
def test_a_scene_is_well_formed(kind: str, seed: int) -> None:
    scene = synthesize(kind, seed=seed, shape=SHAPE)

    assert scene.image.dtype == np.float32
    assert scene.image.shape in (SHAPE, (*SHAPE, 3))
    assert scene.image.min() >= 0
    assert scene.image.max() <= 1
    assert scene.image.std() > 0
    assert scene.segmentations.dtype == np.int32
    assert scene.segmentations.shape[1:] == SHAPE
    assert scene.segmentations.min() >= 1
    assert all(len(np.unique(segments)) >= 2 for segments in scene.segmentations)
    assert scene.classes.dtype == np.uint8
    assert scene.classes.shape == SHAPE


@pytest.mark.parametrize("kind", OURS)
def test_the_same_seed_gives_the_same_scene(kind: str) -> None:
    first, again = (synthesize(kind, seed=5, shape=SHAPE) for _ in range(2))
    other = synthesize(kind, seed=6, shape=SHAPE)

    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.segmentations, again.segmentations)
    np.testing.assert_array_equal(first.classes, again.classes)
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


@pytest.mark.parametrize("kind", OURS)
def test_narrow_images_are_made_too(kind: str) -> None:
    for seed in range(3):
        scene = synthesize(kind, seed=seed, shape=(33, 64))

        assert scene.image.shape[:2] == (33, 64)
        assert scene.segmentations.min() >= 1


@pytest.mark.parametrize("kind", ["fluorescence", "stained cells", "membranes", "textures"])
def test_every_pixel_has_a_class(kind: str) -> None:
    scene = synthesize(kind, seed=1, shape=SHAPE)

    assert scene.classes.min() >= 1
    assert len(np.unique(scene.classes)) >= 2


def test_segments_of_membranes_lie_one_in_another() -> None:
    fine, whole = synthesize("membranes", seed=1, shape=SHAPE).segmentations

    inside = [len(np.unique(whole[fine == number])) for number in np.unique(fine)]
    # Scraps that were joined to a neighbor may cross a border.
    assert np.mean(np.array(inside) == 1) > 0.9


def test_textures_share_a_class_only_if_of_one_segment_or_apart() -> None:
    scene = synthesize("textures", seed=2, shape=SHAPE)
    segments, classes = scene.segmentations[0], scene.classes

    for number in np.unique(segments):
        counts = np.bincount(classes[segments == number])
        assert counts.max() / counts.sum() > 0.9


def test_tidy_joins_scraps_to_the_nearest_segment() -> None:
    segments = np.ones((20, 20), int)
    segments[:, 10:] = 2
    segments[5, 5] = 3

    tidied = tidy(segments)

    assert set(np.unique(tidied)) == {1, 2}
    assert tidied[5, 5] == tidied[0, 0]


def test_tidy_keeps_both_values_of_a_mask() -> None:
    mask = np.zeros((10, 10), bool)
    mask[:, 5:] = True

    assert set(np.unique(tidy(mask))) == {1, 2}


def test_partition_gives_more_cells_for_a_smaller_scale() -> None:
    counts = [
        partition(np.random.default_rng(0), (100, 130), scale=scale).max() for scale in (15, 50)
    ]

    assert counts[0] > 3 * counts[1]


def test_distance_to_border_grows_away_from_it() -> None:
    segments = np.ones((4, 10), int)
    segments[:, 5:] = 2

    distance = distance_to_border(segments)

    np.testing.assert_allclose(distance[0], [4, 3, 2, 1, 0, 1, 2, 3, 4, 5])
