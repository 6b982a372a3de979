"""Methods against direct calls of the libraries, and against rules written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage import color, feature, filters, measure, morphology, segmentation

from napari_ncut import segment_classic
from napari_ncut.classic.growing import grown

RNG = np.random.default_rng(3)
ROWS, COLUMNS = np.indices((60, 70))
DISKS = np.hypot(ROWS - 22, COLUMNS - 20) < 13
DISKS |= np.hypot(ROWS - 26, COLUMNS - 42) < 12
DISKS |= np.hypot(ROWS - 50, COLUMNS - 60) < 7


def gray() -> np.ndarray:
    image = np.where(DISKS, 170, 60) + RNG.normal(0, 12, DISKS.shape) + ROWS / 4
    return image.clip(0, 255).astype(np.uint8)


GRAY = gray()
COLOR = np.stack([GRAY, np.roll(GRAY, 9, axis=1), 255 - GRAY], axis=-1)
UNIT = GRAY.astype(np.float32) / np.float32(255)


def same_parts(labels: np.ndarray, expected: np.ndarray) -> bool:
    """Whether both are the same parts, 0 apart from others, whatever their numbers."""
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()]), axis=1)
    n_labels, n_expected = len(np.unique(labels)), len(np.unique(expected))
    return pairs.shape[1] == n_labels == n_expected and ((labels == 0) == (expected == 0)).all()


def pieces(mask: np.ndarray) -> np.ndarray:
    return measure.label(mask, connectivity=1)


def otsu_inside() -> np.ndarray:
    return filters.threshold_otsu(GRAY) < GRAY


def watershed_of_distance() -> np.ndarray:
    deep = ndimage.distance_transform_edt(otsu_inside())
    seeds = measure.label(morphology.h_maxima(deep, 1.0), connectivity=2)
    return segmentation.watershed(-deep, seeds, mask=otsu_inside())


def watershed_of_gradient() -> np.ndarray:
    height = filters.sobel(UNIT)
    seeds = measure.label(morphology.h_minima(height, 0.05), connectivity=2)
    return segmentation.watershed(height, seeds)


def between(edges: np.ndarray) -> np.ndarray:
    closed = morphology.closing(edges, np.ones((3, 3), bool))
    return segmentation.expand_labels(pieces(~closed), 1)


def sobel_regions() -> np.ndarray:
    strength = filters.sobel(filters.gaussian(UNIT, 2, preserve_range=True))
    return between(strength > filters.threshold_otsu(strength))


def chan_vese_things() -> np.ndarray:
    found = segmentation.chan_vese(UNIT, mu=0.25, max_num_iter=100, dt=0.5)
    inside = found if UNIT[found].mean() > UNIT[~found].mean() else ~found
    return pieces(inside)


def multi_otsu_classes() -> np.ndarray:
    return np.digitize(GRAY, filters.threshold_multiotsu(GRAY, 4)) + 1


CASES: dict[str, tuple[dict[str, Any], Callable[[], np.ndarray]]] = {
    "otsu": ({}, lambda: pieces(otsu_inside())),
    "threshold": ({"level": 0.4}, lambda: pieces(GRAY > 102)),
    "li": ({}, lambda: pieces(filters.threshold_li(GRAY) < GRAY)),
    "yen": ({}, lambda: pieces(filters.threshold_yen(GRAY) < GRAY)),
    "triangle": ({}, lambda: pieces(filters.threshold_triangle(GRAY) < GRAY)),
    "multi-otsu": ({"classes": 4, "connected": False}, multi_otsu_classes),
    "local": (
        {"block": 31, "weights": "mean"},
        lambda: pieces(filters.threshold_local(UNIT, 31, "mean") < UNIT),
    ),
    "hysteresis": (
        {"low": 0.5, "high": 0.7},
        lambda: pieces(filters.apply_hysteresis_threshold(UNIT, 0.5, 0.7)),
    ),
    "sobel": ({"smooth": 2}, sobel_regions),
    "canny": ({"sigma": 2}, lambda: between(feature.canny(UNIT, sigma=2))),
    "watershed": ({"smooth": 0}, watershed_of_distance),
    "watershed-gradient": ({"smooth": 0, "depth": 0.05}, watershed_of_gradient),
    "chan-vese": ({}, chan_vese_things),
}


@pytest.mark.parametrize("name", CASES)
def test_gray_as_scikit_image_has_it(name: str):
    given, expected = CASES[name]
    labels = segment_classic(GRAY, **{"method": name, **given})
    assert len(np.unique(labels)) > 1
    assert same_parts(labels, expected())


def test_other_dtypes_as_scikit_image_has_them():
    image = GRAY.astype(np.uint16) * 37 + 11
    labels = segment_classic(image, method="threshold", level=0.5, scaling=(0, 10_000))
    assert same_parts(labels, pieces(image > 5000))
    image = GRAY / 1000.0
    labels = segment_classic(image, method="otsu", scaling=(0, 1))
    assert same_parts(labels, pieces(image > filters.threshold_otsu(image)))


def test_color_as_scikit_image_has_it():
    unit = COLOR / np.float32(255)
    labels = segment_classic(COLOR, axes="YXC", method="felzenszwalb", min_size=30)
    expected = segmentation.felzenszwalb(unit, scale=100, sigma=0.5, min_size=30)
    np.testing.assert_array_equal(labels, expected + 1)
    labels = segment_classic(COLOR, axes="YXC", method="quickshift", max_dist=20)
    expected = segmentation.quickshift(
        unit.astype(float), kernel_size=3, max_dist=20, ratio=0.5, rng=0
    )
    np.testing.assert_array_equal(labels, expected + 1)
    luminance = color.rgb2gray(COLOR)
    labels = segment_classic(COLOR, axes="YXC", method="otsu", connected=False)
    np.testing.assert_array_equal(labels, luminance > filters.threshold_otsu(luminance))


def test_clusters_as_scikit_learn_has_them():
    from sklearn.cluster import KMeans

    labels = segment_classic(COLOR, axes="YXC", method="kmeans", k=6, connected=False)
    rows = np.column_stack([COLOR.reshape(-1, 3), ROWS.ravel() / 5, COLUMNS.ravel() / 5])
    expected = KMeans(6, n_init=1, random_state=0, max_iter=100).fit_predict(rows.astype("f4"))
    assert same_parts(labels, expected.reshape(labels.shape) + 1)
    assert labels.max() == 6


def test_red_is_not_blue():
    # OpenCV's functions for color take blue first: of a red thing the recipe must see red.
    cv2 = pytest.importorskip("cv2")
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:30, 10:30, 0] = 255
    seen: list[np.ndarray] = []
    given = cv2.fastNlMeansDenoisingColored
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            cv2,
            "fastNlMeansDenoisingColored",
            lambda array, *rest: seen.append(array) or given(array, *rest),
        )
        labels = segment_classic(image, axes="YXC", method="icas-edges")
    assert seen[0][20, 20].tolist() == [0, 0, 255]
    assert labels.max() == 2


def test_graph_and_grabcut_as_opencv_has_them():
    cv2 = pytest.importorskip("cv2")
    segmenter = cv2.ximgproc.segmentation.createGraphSegmentation(0.5, 15, 50)
    labels = segment_classic(COLOR, axes="YXC", method="graph", preset="icas", min_size=50)
    np.testing.assert_array_equal(labels, segmenter.processImage(COLOR) + 1)

    labels = segment_classic(COLOR, axes="YXC", method="grabcut", margin=0.1)
    mask = np.zeros(GRAY.shape, np.uint8)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(COLOR, mask, (7, 6, 70 - 14, 60 - 12), *models, 5, cv2.GC_INIT_WITH_RECT)
    assert same_parts(labels, pieces(mask % 2 == 1))


@pytest.mark.parametrize("levels", [0, 4, 20])
def test_flood_as_opencv_has_it(levels: int):
    cv2 = pytest.importorskip("cv2")
    labels = segment_classic(GRAY, method="flood", tolerance=(levels + 0.5) / 255, smallest=0)
    for place in ((22, 20), (5, 60), (50, 60), (30, 30)):
        mask = np.zeros((62, 72), np.uint8)
        cv2.floodFill(GRAY.copy(), mask, place[::-1], 255, levels, levels)
        np.testing.assert_array_equal(labels == labels[place], mask[1:-1, 1:-1] > 0)


def grown_by_hand(image: np.ndarray, seed: tuple[int, int], tolerance: float) -> np.ndarray:
    """The rule of the running mean, pixel by pixel in rounds."""
    region, newest, waiting = {seed}, {seed}, set()
    while True:
        mean = np.mean([image[place] for place in region])
        asked_again = not newest
        beside = {
            (r + dr, c + dc) for r, c in newest for dr, dc in ((1, 0), (-1, 0), (0, 1), (0, -1))
        }
        inside = {p for p in beside if 0 <= p[0] < image.shape[0] and 0 <= p[1] < image.shape[1]}
        asked = (waiting if asked_again else inside) - region
        newest = {place for place in asked if abs(image[place] - mean) < tolerance}
        waiting |= asked - newest
        if asked_again and not newest:
            break
        region |= newest
    mask = np.zeros(image.shape, bool)
    mask[tuple(np.transpose(list(region)))] = True
    return mask


@pytest.mark.parametrize("tolerance", [20, 45])
def test_regions_grow_by_the_running_mean(tolerance: float):
    image = GRAY.astype(float)
    seeds = np.zeros(GRAY.shape, int)
    seeds[22, 20] = 1
    expected = grown_by_hand(image, (22, 20), tolerance)
    assert 1 < expected.sum() < expected.size
    found = grown(image, seeds, tolerance) > 0
    np.testing.assert_array_equal(found, expected)
    # In the end all neighbors that were left out differ from the mean.
    around = ndimage.binary_dilation(found) & ~found
    assert (np.abs(image[around] - image[found].mean()) >= tolerance).all()


def test_regions_part_what_both_could_take():
    # A ramp between two levels: every pixel goes to the nearer one.
    image = np.array([[0, 0, 1, 2, 3, 6, 7, 8, 9, 9]], float)
    seeds = np.zeros(image.shape, int)
    seeds[0, 0], seeds[0, -1] = 4, 7
    found = grown(image, seeds, 9.0)
    assert found.tolist() == [[4, 4, 4, 4, 4, 7, 7, 7, 7, 7]]
    # Without tolerance nothing joins.
    np.testing.assert_array_equal(grown(image, seeds, 1e-9)[0, 2:8], 0)


def test_grown_regions_are_apart_by_the_tolerance():
    labels = segment_classic(GRAY, method="region-growing", tolerance=0.15, smallest=0)
    means = ndimage.mean(UNIT, labels, np.arange(labels.max() + 1))
    for one, other in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        touching = one != other
        apart = np.abs(means[one[touching]] - means[other[touching]])
        assert apart.min() > 0.15 - 1e-6


def test_levels_of_a_laplacian_enclose_a_disk():
    disk = np.where(np.hypot(ROWS - 30, COLUMNS - 35) < 15, 200, 50).astype(np.uint8)
    labels = segment_classic(disk, method="log", grow=0)
    inside, outside = labels[30, 35], labels[0, 0]
    assert inside and outside and inside != outside and labels.max() == 2
    # The circle has a radius of 15 pixels.
    radius = np.sqrt((labels == inside).sum() / np.pi)
    assert 13 < radius < 16


def test_random_walker_keeps_what_is_sure():
    inside = otsu_inside()
    labels = segment_classic(GRAY, method="random-walker", connected=False, sure=0.3)
    # Faint noise at the border of what Otsu finds is smoothed, what is clear stays.
    assert (labels > 0)[np.quantile(UNIT[inside], 0.7) < UNIT].all()
    assert not (labels > 0)[np.quantile(UNIT[~inside], 0.3) > UNIT].any()
    assert np.mean((labels > 0) == DISKS) > 0.99


def test_bins_of_the_level_set():
    labels = segment_classic(GRAY, method="chan-vese-bins", bins=5, connected=False)
    _, level, _ = segmentation.chan_vese(
        UNIT, mu=0.25, lambda1=2, lambda2=1, max_num_iter=100, dt=0.5, extended_output=True
    )
    edges = np.linspace(level.min(), level.max(), 6)
    expected = np.clip(np.digitize(level, edges), 1, 5)
    assert same_parts(labels, expected)


def test_own_methods_as_the_package_has_them():
    from napari_ncut import automatic_masks, granularity

    unit = UNIT[..., np.newaxis]
    labels = segment_classic(GRAY, method="compact-tree", level=0.2)
    expected = granularity(UNIT, scaling="dtype").labels(level=0.2)
    np.testing.assert_array_equal(labels, expected)
    masks = automatic_masks(unit[..., 0], scaling="dtype")
    labels = segment_classic(GRAY, method="sam")
    own = masks.labels()
    assert same_parts(labels[own > 0], own[own > 0])
    assert labels.min() == 1
    groups = segment_classic(GRAY, method="ncut", groups=3, connected=False)
    assert groups.max() <= 3
