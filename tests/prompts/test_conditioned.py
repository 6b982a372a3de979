from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label as connected

from napari_ncut import embed
from napari_ncut.errors import InputError
from napari_ncut.prompts import ConditionedCut
from napari_ncut.prompts.profiles import ProfileAffinity, compressed

from .test_segmenter import CENTERS, DISCS, discs

# --------------------------------------------------------------------------- the steps, literally


def affinity(n=180, d=3, sigma=1.0, seed=0):
    """D^-½ A D^-½ of nodes in three loose groups, with all its eigenvectors, descending."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, d)) + 2 * generator.integers(0, 3, (n, 1))
    a = np.exp(-((x[:, None] - x) ** 2).sum(-1) / (2 * sigma**2))
    degrees = a.sum(1)
    s = a / np.sqrt(degrees * degrees[:, None])
    values, vectors = np.linalg.eigh(s)
    return s, values[::-1], vectors[:, ::-1]


def literally(s, positive, negative, click_weight=0.5, bg_weight=0.1, sigma=0.5):
    """Two eigenvectors of the cut of a dense S, and the profiles."""
    p = s[positive].mean(0)
    if len(negative):
        p = p - bg_weight * s[negative].mean(0)
    p = p * len(s)
    a = np.exp(-((p[:, None] - p) ** 2) / (2 * sigma**2))
    degrees = a.sum(1)
    a = a / np.sqrt(degrees * degrees[:, None])
    m = click_weight * a + (1 - click_weight) * s
    degrees = m.sum(1)
    assert degrees.min() > 0.05 * degrees.mean()
    m = m / np.sqrt(degrees * degrees[:, None])
    values, vectors = np.linalg.eigh(m)
    return values[:-3:-1], vectors[:, :-3:-1], p


def assert_same_up_to_sign(ours, theirs, atol):
    signs = np.sign((ours * theirs).sum(0))
    np.testing.assert_allclose(ours * signs, theirs, atol=atol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [4, 180])
@pytest.mark.parametrize(("positive", "negative"), [([3], []), ([3, 50], [9]), ([1, 2], [3, 4, 5])])
@pytest.mark.parametrize("options", [{}, {"click_weight": 0.9, "bg_weight": 1, "sigma": 0.2}])
def test_eigenvectors_are_those_of_the_dense_cut(dtype, k, positive, negative, options):
    s, values, vectors = affinity(sigma=3.0)
    values, vectors = values[:k], vectors[:, :k]
    # With all eigenvectors S itself, otherwise what is known of it.
    dense = s if k == len(s) else (vectors * values) @ vectors.T
    expected_values, expected, p = literally(dense, positive, negative, **options)
    assert np.abs(p).max() < 4
    cut = ConditionedCut(**options).fit(vectors.astype(dtype), values, positive, negative)
    np.testing.assert_allclose(cut.eigenvalues_, expected_values, atol=1e-5)
    assert_same_up_to_sign(cut.eigenvectors(vectors.astype(dtype)), expected, atol=5e-5)


def test_sharp_profiles_are_compressed_before_the_dense_steps():
    s, _, _ = affinity(sigma=0.3)
    p = len(s) * s[5]
    assert p.max() > 20
    a = compressed(p)
    np.testing.assert_array_equal(a[p <= 4], p[p <= 4])
    assert (np.diff(a[np.argsort(p)]) >= 0).all()
    np.testing.assert_allclose(a[p > 4], 4 * (1 + np.log(np.minimum(p[p > 4], 4 * np.e**3) / 4)))
    np.testing.assert_array_equal(compressed(np.array([-1e9, 1e9])), [-16, 16])


@pytest.mark.parametrize("sigma", [0.2, 0.5, 3])
def test_few_columns_make_the_affinity_of_profiles(sigma):
    p = np.random.default_rng(0).gamma(1, 2, 300)
    a = np.exp(-((p[:, None] - p) ** 2) / (2 * sigma**2))
    degrees = a.sum(1)
    a = a / np.sqrt(degrees * degrees[:, None])
    columns = ProfileAffinity(p, sigma)
    phi = columns.fitted.take(columns.functions)
    np.testing.assert_allclose(phi @ phi.T, a, atol=2e-5)
    np.testing.assert_allclose(columns.fitted.take(columns.row_sums), a.sum(1), atol=1e-4)
    assert columns.rank < 30 + 3 * np.ptp(p) / sigma


def test_even_profiles_need_one_column():
    columns = ProfileAffinity(np.full(50, 1.5), 0.5)
    assert columns.rank == 1
    np.testing.assert_allclose(columns.fitted.take(columns.row_sums), 1)


# ------------------------------------------------------------------------- two groups, one clicked


def two_groups(n=40):
    """Eigenvectors of a graph of two groups, 1 : 3, that hardly touch."""
    a = np.full((n, n), 0.02)
    a[: n // 4, : n // 4] = a[n // 4 :, n // 4 :] = 1
    degrees = a.sum(1)
    values, vectors = np.linalg.eigh(a / np.sqrt(degrees * degrees[:, None]))
    return values[:-6:-1], vectors[:, :-6:-1], np.arange(n) < n // 4


@pytest.mark.parametrize(
    ("positive", "negative"), [([2], []), ([2, 3], [30]), ([2, 2, 2], [30, 31])]
)
def test_the_clicked_group_scores(positive, negative):
    values, vectors, small = two_groups()
    cut = ConditionedCut().fit(vectors, values, positive, negative)
    np.testing.assert_array_equal(cut.scores_ > 0, small)
    assert cut.scores_.dtype == np.float32
    assert np.abs(cut.scores_).max() <= 1
    swapped = ConditionedCut().fit(vectors, values, [25], [2])
    np.testing.assert_array_equal(swapped.scores_ > 0, ~small)


def test_nodes_get_the_scores_that_they_were_fitted_with():
    _, values, vectors = affinity()
    vectors = vectors[:, :12].astype(np.float32)
    cut = ConditionedCut().fit(vectors, values[:12], [5], [100, 120])
    np.testing.assert_array_equal(cut.scores(vectors), cut.scores_)
    np.testing.assert_allclose(cut.scores(vectors[30:31]), cut.scores_[30:31], rtol=1e-5)
    # A new node between two fitted ones that score alike scores like them.
    a, b = np.argsort(cut.scores_)[-2:]
    assert cut.scores((vectors[a] + vectors[b])[None] / 2) > 0
    # Beyond all profiles that were fitted there is an answer, too.
    assert np.isfinite(cut.scores(100 * vectors)).all()


def test_scores_of_new_images_follow_the_clicks():
    embedding = embed(DISCS, backbone="filterbank", n_components=4, node="color", layer=0)
    node = embedding.layout.node_at(np.array([[0, *CENTERS[0]]]))
    cut = ConditionedCut().fit(embedding.vectors, embedding.eigenvalues, node)
    new = discs([(20, 20), (30, 50)], shape=(45, 70))
    inside = cut.scores(embedding.transform(new).vectors).reshape(45, 70) > 0
    assert inside[20, 20]
    assert inside[30, 50]
    assert connected(inside)[1] == 2
    assert np.mean(inside != (new > 120)) < 0.1


def test_a_graph_of_one_group_is_all_inside():
    even = np.full((30, 1), 30**-0.5)
    for vectors in (even, np.hstack([even, np.zeros((30, 3))])):
        values = np.eye(vectors.shape[1])[0]
        cut = ConditionedCut().fit(vectors, values, [3], [5])
        np.testing.assert_array_equal(cut.scores_, 1)
        assert cut.eigenvalues_[1] == 0
        np.testing.assert_allclose(np.abs(cut.eigenvectors(vectors)[:, 0]), 30**-0.5)


def test_one_eigenvector_still_has_profiles():
    degrees = np.repeat([1.0, 4.0], [30, 10])
    vectors = np.sqrt(degrees / degrees.sum())[:, None]
    cut = ConditionedCut().fit(vectors, [1.0], [35])
    np.testing.assert_array_equal(cut.scores_ > 0, degrees == 4)


def test_all_nodes_may_be_clicked():
    values, vectors, small = two_groups()
    cut = ConditionedCut().fit(vectors, values, np.flatnonzero(small), np.flatnonzero(~small))
    np.testing.assert_array_equal(cut.scores_ > 0, small)
    everything = ConditionedCut().fit(vectors, values, np.arange(len(small)))
    assert np.isfinite(everything.scores_).all()


@pytest.mark.parametrize("scale", [1e-6, 1, 1e3, 1e8])
def test_profiles_of_any_range(scale):
    vectors = (scale * np.random.default_rng(0).normal(size=(500, 6))).astype(np.float32)
    cut = ConditionedCut().fit(vectors, np.linspace(1, -0.1, 6), [3, 9], [100])
    assert np.isfinite(cut.scores_).all()
    np.testing.assert_array_equal(cut.scores(vectors), cut.scores_)


VECTORS = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 3)))[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((VECTORS[0], [1, 1, 1], [0]), "k eigenvectors"),
        ((np.full((20, 3), np.nan), [1, 1, 1], [0]), "NaN"),
        ((VECTORS, [1, 1], [0]), "Eigenvalues of shape"),
        ((VECTORS, [1, 1, np.nan], [0]), "3 finite numbers"),
        ((VECTORS, [1, 1, 1], []), "no positive click"),
        ((VECTORS, [1, 1, 1], [20]), "from 0 to 19"),
        ((VECTORS, [1, 1, 1], [0], [-1]), "`negative` has a node"),
        ((VECTORS, [1, 1, 1], [0.5]), "list of whole numbers"),
        ((VECTORS, [1, 1, 1], [[0]]), "list of whole numbers"),
    ],
)
def test_what_cannot_be_fitted_is_explained(arguments, message):
    with pytest.raises(InputError, match=message):
        ConditionedCut().fit(*arguments)


@pytest.mark.parametrize(
    "option",
    [{"click_weight": 0}, {"click_weight": 1.1}, {"bg_weight": -1}, {"sigma": 0}, {"sigma": "a"}],
)
def test_options_that_cannot_be_used_are_explained(option):
    with pytest.raises(InputError, match=f"{next(iter(option))} .* cannot be used"):
        ConditionedCut(**option)


def test_scores_need_a_fit_and_its_eigenvectors():
    with pytest.raises(InputError, match="not been fitted"):
        ConditionedCut().scores(VECTORS)
    cut = ConditionedCut().fit(VECTORS, [1, 0.5, 0.2], [0])
    with pytest.raises(InputError, match="2 eigenvectors, the fit had 3"):
        cut.scores(VECTORS[:, :2])
