from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.segmentation import find_boundaries

from napari_ncut.training.synthesis import Scene, synthesize
from napari_ncut.training.synthesis.degradation import degrade
from napari_ncut.training.synthesis.materials import nearest, tidied

KINDS = ["grains", "precipitates", "particles", "layers", "melt pools"]
SHAPE = (96, 130)
SEEDS = range(6)


def scenes(kind: str) -> list[Scene]:
    return [synthesize(kind, seed=seed, shape=SHAPE) for seed in SEEDS]


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_comes_with_a_segment_and_a_class_for_every_pixel(kind):
    for scene in scenes(kind):
        assert scene.image.dtype == np.float32
        assert scene.image.shape in (SHAPE, (*SHAPE, 3))
        assert scene.image.min() >= 0
        assert scene.image.max() <= 1
        assert scene.segmentations.dtype == np.int32
        assert scene.segmentations.shape[1:] == SHAPE
        assert scene.segmentations.min() == 1
        assert scene.classes.dtype == np.uint8
        assert scene.classes.shape == SHAPE
        assert scene.classes.min() >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_several_segments_and_their_numbers_have_no_gaps(kind):
    for scene in scenes(kind):
        for segments in scene.segmentations:
            count = segments.max()
            assert count >= 2
            assert np.array_equal(np.unique(segments), np.arange(1, count + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_image_and_another_one_another(kind):
    first, again, other = (synthesize(kind, seed=seed, shape=SHAPE) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.segmentations, again.segmentations)
    np.testing.assert_array_equal(first.classes, again.classes)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_the_finest_segments_is_of_one_class(kind):
    for scene in scenes(kind):
        segments, classes = scene.segmentations[0], scene.classes
        counts = np.zeros((segments.max() + 1, classes.max() + 1), int)
        np.add.at(counts, (segments, classes), 1)
        assert ((counts[1:] > 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_truth_can_be_seen(kind):
    # gray changes more near borders than elsewhere, in the median image
    ratios = []
    for seed in range(15):
        scene = synthesize(kind, seed=seed, shape=SHAPE)
        gray = scene.image.reshape(*SHAPE, -1).mean(axis=2)
        slope = ndimage.gaussian_gradient_magnitude(gray, 1)
        near = ndimage.binary_dilation(find_boundaries(scene.segmentations[0]))
        ratios.append(slope[near].mean() / slope[~near].mean())
    assert np.median(ratios) > 1.3


@pytest.mark.parametrize("shape", [(40, 61), (40, 61, 3)])
def test_degraded_images_keep_their_shape_and_range(shape):
    image = np.full(shape, 0.3)
    image[10:30, 20:40] = 0.8
    for seed in range(60):
        seen = degrade(np.random.default_rng(seed), image)
        assert seen.shape == shape
        assert seen.dtype == np.float32
        assert 0 <= seen.min() < seen.max() <= 1
        inside, outside = seen[12:28, 22:38].mean(), seen[:, :18].mean()
        assert abs(inside - outside) > 0.1


def test_nearest_is_as_by_comparing_with_every_point():
    random = np.random.default_rng(0)
    y, x = np.mgrid[:50, :67].astype(np.float32)
    points = random.uniform(0, 60, (12, 3)) * (1, 1, 0.2)
    distances = np.hypot(y[..., None] - points[:, 0], x[..., None] - points[:, 1])
    expected = np.hypot(distances, points[:, 2]).argmin(axis=2)
    assert (nearest(y, x, points) == expected).mean() > 0.995


def test_tidied_gives_small_segments_to_their_neighbors():
    segments = np.full((6, 8), 3)
    segments[:, 4:] = 9
    segments[2, 2] = 5
    expected = np.ones((6, 8), int)
    expected[:, 4:] = 2
    np.testing.assert_array_equal(tidied(segments, smallest=3), expected)
