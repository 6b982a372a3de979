from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster.hierarchy import fcluster, ward
from skimage.color import rgb2lab
from sklearn.metrics import adjusted_rand_score

from napari_ncut.errors import InputError
from napari_ncut.spectral.eigengap import suggest_groups
from napari_ncut.spectral.hierarchy import GroupHierarchy, stable_numbers, told_apart, ward_merges
from napari_ncut.spectral.ncut import NCut
from napari_ncut.spectral.spherical import MAX_FITTED, unit

# Blobs this narrow are parts of their own; that this is told is tested with the cut.
pytestmark = pytest.mark.filterwarnings("ignore::napari_ncut.spectral.ncut.DisconnectedWarning")


def nodes_of(corners, per_corner, spread, seed=0):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(corners)), per_corner)
    return corners[truth] + random.normal(0, spread, (len(truth), corners.shape[1])), truth


# Three families of blobs far apart, of 4, 2 and 3 blobs each.
FAMILY = np.repeat([0, 1, 2], [4, 2, 3])
CORNERS = np.eye(12)[np.arange(9)] * 0.5 + 2 * np.eye(12)[9 + FAMILY]


@pytest.fixture(scope="module")
def families():
    """Eigenvectors of the nodes, the blob of each, and the eigenvalues."""
    nodes, truth = nodes_of(CORNERS, [60, 50, 40, 30, 45, 35, 55, 25, 20], 0.08)
    ncut = NCut(9, bandwidth=0.5)
    return ncut.fit_transform(nodes), truth, ncut.eigenvalues_


@pytest.fixture(scope="module")
def hierarchy(families) -> GroupHierarchy:
    return GroupHierarchy.fit(families[0], largest=60)


def check_nested_with_stable_numbers(hierarchy):
    coarser = hierarchy.labels(1)
    assert (coarser == 1).all()
    for level in range(2, hierarchy.n_groups + 1):
        finer = hierarchy.labels(level)
        sizes = np.bincount(finer, minlength=level + 1)[1:]
        assert (sizes > 0).all()
        # Only the nodes of the new group have another number than before, all had one, and the
        # part that kept it is no smaller.
        moved = finer != coarser
        assert (finer[moved] == level).all()
        assert sizes[level - 1] == moved.sum()
        (parent,) = np.unique(coarser[moved])
        assert parent == hierarchy.parents[level - 1]
        assert sizes[parent - 1] >= sizes[level - 1]
        coarser = finer


def test_blobs_are_a_level_and_heights_tell_which(families, hierarchy):
    assert hierarchy.n_groups == 60
    assert adjusted_rand_score(families[1], hierarchy.labels(9)) > 0.98
    assert hierarchy.merge_heights[7] > 2 * hierarchy.merge_heights[8]


def test_with_eigenvalues_families_of_blobs_are_a_level_too(families):
    vectors, truth, eigenvalues = families
    hierarchy = GroupHierarchy.fit(vectors, eigenvalues=eigenvalues, largest=60)
    assert adjusted_rand_score(truth, hierarchy.labels(9)) > 0.98
    assert adjusted_rand_score(FAMILY[truth], hierarchy.labels(3)) > 0.98
    check_nested_with_stable_numbers(hierarchy)


def test_every_level_refines_the_coarser_ones_and_numbers_live_on(hierarchy):
    assert hierarchy.labels(7).dtype == np.int32
    check_nested_with_stable_numbers(hierarchy)


@settings(max_examples=40, deadline=None)
@given(
    vectors=arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.integers(1, 4)),
        elements=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(-1, 1, width=32)),
    ),
    largest=st.integers(1, 50),
)
def test_whatever_is_given_is_nested_without_warning(vectors, largest):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hierarchy = GroupHierarchy.fit(vectors, largest=largest)
    assert 1 <= hierarchy.n_groups <= min(largest, len(vectors))
    check_nested_with_stable_numbers(hierarchy)
    assert (np.diff(hierarchy.merge_heights) <= 0).all()
    assert (hierarchy.merge_heights >= 0).all() and (hierarchy.merge_heights <= 1 + 1e-6).all()
    np.testing.assert_array_equal(hierarchy.labels_of(vectors, largest), hierarchy.labels(largest))
    assert hierarchy.colors(largest).shape == (hierarchy.n_groups, 3)


def test_weighted_ward_is_scipys_on_repeated_nodes():
    random = np.random.default_rng(0)
    sizes = random.integers(1, 9, 20)
    means = random.normal(size=(20, 3))
    merges, heights = ward_merges(sizes.astype(float), means)
    theirs = ward(np.repeat(means, sizes, axis=0))
    # SciPy first joins the copies, at height 0; its heights are the roots of twice the rise.
    np.testing.assert_allclose(np.sqrt(2 * heights), theirs[-19:, 2], rtol=1e-9)
    number, parents = stable_numbers(sizes.astype(float), merges)
    for level in (2, 5, 11):
        groups = np.arange(1, 21)
        for group in range(level, 20):
            groups[group] = groups[parents[group] - 1]
        expected = fcluster(theirs, level, "maxclust")
        assert adjusted_rand_score(np.repeat(groups[number - 1], sizes), expected) == 1


def test_numbers_by_hand():
    # 0 and 1 join, 2 and 3 join, then both; leaf 3 is the largest, then 1.
    number, parents = stable_numbers(np.array([1.0, 3, 2, 4]), [(0, 1), (2, 3), (0, 2)])
    assert number.tolist() == [4, 2, 3, 1]
    assert parents.tolist() == [0, 1, 1, 2]


def test_heights_are_the_cost_of_joining(families, hierarchy):
    rows = unit(families[0], np.float64)

    def mean_squared_distance(labels):
        means = np.array([rows[labels == i].mean(axis=0) for i in range(1, labels.max() + 1)])
        return ((rows - means[labels - 1]) ** 2).sum(axis=1).mean()

    for n in (1, 2, 8, 40):
        rise = mean_squared_distance(hierarchy.labels(n))
        rise -= mean_squared_distance(hierarchy.labels(n + 1))
        assert hierarchy.merge_heights[n - 1] == pytest.approx(np.sqrt(rise), rel=1e-5)


def test_a_level_by_height(hierarchy):
    assert hierarchy.n_groups_at(0) == 60
    assert hierarchy.n_groups_at(1) == 1
    assert hierarchy.n_groups_at(hierarchy.merge_heights[8]) == 9
    with pytest.raises(InputError, match="Height 'far' cannot be used"):
        hierarchy.n_groups_at("far")


def test_colors_stay_and_are_told_apart(hierarchy):
    for n in (1, 2, 9, 60):
        colors = hierarchy.colors(n)
        assert colors.dtype == np.float32 and colors.shape == (n, 3)
        assert 0 <= colors.min() <= colors.max() <= 1
        np.testing.assert_array_equal(colors, hierarchy.colors(60)[:n])
    lab = rgb2lab(hierarchy.colors(60).astype(np.float64))
    away = np.linalg.norm(lab[:, np.newaxis] - lab, axis=2)
    for i in range(1, 60):
        assert away[i, :i].min() >= 45 / (i + 1) ** (1 / 3) - 1e-4


def test_children_resemble_their_parents(hierarchy):
    lab = rgb2lab(hierarchy.colors(60).astype(np.float64))
    away = np.linalg.norm(lab[:, np.newaxis] - lab, axis=2)
    to_parent = away[np.arange(1, 60), hierarchy.parents[1:] - 1]
    assert np.median(to_parent) < 0.6 * np.median(away[np.triu_indices(60, 1)])


def test_a_thousand_alike_colors_are_told_apart():
    colors = rgb2lab(told_apart(np.full((1000, 3), 0.5)).astype(np.float64))
    away = np.linalg.norm(colors[:, np.newaxis] - colors, axis=2)
    assert away[np.triu_indices(1000, 1)].min() >= 45 / 1000 ** (1 / 3) - 1e-4


def test_the_same_again_bit_for_bit(families, hierarchy):
    again = GroupHierarchy.fit(families[0], largest=60)
    for name in ("axes", "numbers", "parents", "merge_heights", "palette", "finest"):
        np.testing.assert_array_equal(getattr(again, name), getattr(hierarchy, name))


def test_nodes_added_later():
    nodes, truth = nodes_of(CORNERS, 50, 0.08)
    ncut = NCut(9, bandwidth=0.5)
    vectors = ncut.fit_transform(nodes)
    hierarchy = GroupHierarchy.fit(vectors, largest=30)
    labels = hierarchy.labels(9)
    np.testing.assert_array_equal(hierarchy.labels_of(vectors, 9), labels)
    new_nodes, new_truth = nodes_of(CORNERS, 10, 0.08, seed=1)
    of_blob = np.array([np.bincount(labels[truth == i]).argmax() for i in range(9)])
    found = hierarchy.labels_of(ncut.transform(new_nodes), 9)
    assert (found == of_blob[new_truth]).mean() > 0.97


def test_many_nodes_go_by_blocks(families):
    vectors, truth, _ = families
    many = np.tile(vectors, (300, 1))
    assert len(many) > MAX_FITTED
    hierarchy = GroupHierarchy.fit(many, largest=20)
    labels = hierarchy.labels(9).reshape(300, -1)
    assert (labels == labels[0]).all()
    np.testing.assert_array_equal(hierarchy.labels_of(vectors, 9), labels[0])
    assert adjusted_rand_score(truth, labels[0]) > 0.98


def test_fewer_distinct_nodes_than_groups():
    vectors = np.repeat([[1.0, 0, 0], [0, 1, 0], [0.6, 0, 0.8]], [5, 3, 2], axis=0)
    hierarchy = GroupHierarchy.fit(vectors, largest=250)
    assert hierarchy.n_groups == 3
    assert hierarchy.labels(250).tolist() == [1] * 5 + [2] * 3 + [3] * 2
    assert hierarchy.labels(2).tolist() == [1] * 5 + [2] * 3 + [1] * 2
    assert hierarchy.colors(250).shape == (3, 3)
    constant = GroupHierarchy.fit(np.full((6, 2), 0.3))
    assert constant.n_groups == 1 and constant.merge_heights.shape == (0,)
    assert constant.labels(250).tolist() == [1] * 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"largest": 0}, "A hierarchy of up to 0 groups cannot be had. Give a whole number from 1"),
        ({"largest": 2.5}, "up to 2.5 groups"),
        ({"eigenvalues": [1, 0.5]}, "2 eigenvalues do not go with 3 eigenvectors"),
        ({"eigenvalues": [0.1, 0.5, 1]}, "descending"),
        ({"random_state": "a"}, "random_state 'a' cannot be used"),
        ({"vectors": [[np.nan, 1]]}, "NaN"),
        ({"vectors": [1, 2]}, "shape"),
    ],
    ids=str,
)
def test_input_that_cannot_be_used(arguments, message):
    with pytest.raises(InputError, match=message):
        GroupHierarchy.fit(**{"vectors": np.eye(5, 3), **arguments})


@pytest.mark.parametrize("n_groups", [0, 61, 2.0, True, None])
def test_levels_that_there_are_not(hierarchy, n_groups):
    for question in (hierarchy.labels, hierarchy.colors):
        with pytest.raises(InputError, match="Give a whole number from 1 to 60"):
            question(n_groups)
    with pytest.raises(InputError, match="whole number from 1 to 60"):
        hierarchy.labels_of(np.eye(9), n_groups)
    with pytest.raises(InputError, match="have 4 eigenvectors, the groups were fitted to 9"):
        hierarchy.labels_of(np.eye(4), 3)


@pytest.mark.parametrize("bandwidth", ["auto", 2.0])
@pytest.mark.parametrize("n_groups", [2, 3, 5, 8])
def test_clean_blobs_suggest_their_number(n_groups, bandwidth):
    # With the automatic bandwidth λ2 is far below 1, and the largest plain difference often λ2−λ3.
    random = np.random.default_rng(n_groups)
    corners = random.normal(size=(n_groups, 16)) * 6
    nodes, _ = nodes_of(corners, random.integers(40, 120, n_groups), 1.0)
    width = bandwidth if bandwidth == "auto" else bandwidth * np.sqrt(16) / 2
    values = NCut(15, bandwidth=width).fit(nodes).eigenvalues_
    assert suggest_groups(values)[0] == n_groups


@pytest.mark.parametrize(
    ("eigenvalues", "expected"),
    [
        ([1, 0.98, 0.97, 0.02, 0.01], 3),  # three groups in a narrow kernel
        ([1, 0.06, 0.055, 0.05, 0.004, 0.003], 4),  # four in a wide one
        ([1, 0.06, 0.05, 0.042, 0.015, 0.012, 0.01], 4),  # where λ2 − λ3 is not small either
        ([1, 1, 1, 1, 0.2, 0.2, 0.1], 4),
        ([1, 0.3, 0.1, 0, 0], 3),  # three colors and nothing else
        ([1, 0.9, 0.02, 0.01, 1e-5, 1e-8, 1e-12], 2),  # a fall among next to nothing
        (0.8 ** np.arange(20) * 0.06, 2),  # even
        ([1, 0.5, 0.4, -0.5, -0.9], 3),
    ],
    ids=str,
)
def test_the_number_a_spectrum_suggests(eigenvalues, expected):
    assert suggest_groups(eigenvalues)[0] == expected


def test_several_numbers_the_most_telling_first():
    values = [1, 0.9, 0.85, 0.3, 0.29, 0.28, 0.2, 0.19]
    assert suggest_groups(values) == [3, 6, 2]
    assert suggest_groups(values, n=1) == [3]
    assert suggest_groups(values, smallest=4) == [6, 7, 5]
    assert suggest_groups(values, largest=5, n=9) == [3, 2, 5, 4]
    assert suggest_groups(values, smallest=1, n=9) == [3, 6, 1, 2, 7, 5, 4]


@pytest.mark.parametrize("values", [[], [1], [1, 0.5], [1, 1, 1, 1], [1, 0, 0, 0]], ids=str)
def test_spectra_that_tell_nothing(values):
    assert suggest_groups(values) == []


def test_a_constant_image_is_one_group():
    assert suggest_groups([1, 0, 0, 0], smallest=1) == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eigenvalues": [0.1, 0.5]}, "descending"),
        ({"eigenvalues": [1, np.nan]}, "finite"),
        ({"eigenvalues": [7, 3]}, "at most 1"),
        ({"eigenvalues": [[1, 0]]}, r"shape \(1, 2\)"),
        ({"eigenvalues": ["a"]}, "real numbers"),
        ({"smallest": 0}, "smallest 0 cannot be used"),
        ({"largest": 1}, "largest 1 cannot be used. Give a whole number from 2"),
        ({"n": 1.5}, "n 1.5 cannot be used"),
    ],
    ids=str,
)
def test_spectra_that_cannot_be_used(arguments, message):
    with pytest.raises(InputError, match=message):
        suggest_groups(**{"eigenvalues": [1, 0.5, 0.2], **arguments})
