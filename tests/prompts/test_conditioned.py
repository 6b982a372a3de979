from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as connected

from napari_ncut import PromptSegmenter, embed
from napari_ncut.errors import InputError
from napari_ncut.prompts import METHODS, ConditionedCut
from napari_ncut.prompts.profiles import ProfileAffinity, compressed

from .test_segmenter import CENTERS, DISCS, clicks, discs

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
    embedding = embed(DISCS, n_components=4, node="color", layer=0)
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


# -------------------------------------------------------------------------- as a method of predict


@pytest.fixture(scope="module")
def on_discs() -> PromptSegmenter:
    return PromptSegmenter(embed(DISCS, n_components=4, node="color", layer=0))


def test_methods_are_described():
    assert list(METHODS) == ["tutorial", "cut"]
    assert all(METHODS.values())


def test_names_are_known_without_torch():
    code = "import sys; from napari_ncut.prompts import METHODS; print('torch' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "False"


def test_one_click_finds_all_alike(on_discs):
    truth = DISCS > 120
    mask = on_discs.predict([CENTERS[0]], method="cut")
    assert mask.dtype == bool
    assert connected(mask)[1] == 3
    assert (mask & truth).sum() / (mask | truth).sum() > 0.8
    ground = on_discs.predict([(40, 5)], method="cut")
    assert (ground & ~truth).sum() / (ground | ~truth).sum() > 0.9


def test_mode_object_keeps_what_was_clicked(on_discs):
    everything = on_discs.predict([CENTERS[0]], method="cut")
    alone = on_discs.predict([CENTERS[0]], method="cut", mode="object")
    components, _ = connected(everything, np.ones((3, 3)))
    np.testing.assert_array_equal(alone, components == components[CENTERS[0]])


def test_classes_compete(on_discs):
    labels = on_discs.predict([CENTERS[0], (40, 5)], classes=[7, 300], method="cut")
    assert labels.dtype == np.uint16
    assert all(labels[center] == 7 for center in CENTERS)
    assert labels[24, 32] == labels[0, 0] == 300


def test_positive_clicks_of_other_classes_count_as_negative(on_discs):
    points = [CENTERS[0], (40, 5)]
    _, as_classes = on_discs.predict(points, classes=[1, 2], method="cut", return_scores=True)
    _, as_negative = on_discs.predict(points, [1, 0], method="cut", return_scores=True)
    np.testing.assert_array_equal(as_classes[0], as_negative)


def test_negative_clicks_alone_select_nothing(on_discs):
    assert not on_discs.predict([(3, 3)], [False], method="cut").any()
    assert not on_discs.predict([], method="cut").any()
    # The last click in a cell is the one that counts.
    assert not on_discs.predict([(3, 3), (3, 3)], [True, False], method="cut").any()
    assert on_discs.predict([(3, 3), (3, 3)], [False, True], method="cut").any()


def test_duplicates_change_nothing(on_discs):
    once = on_discs.predict([CENTERS[0], (40, 5)], [1, 0], method="cut", return_scores=True)
    many = on_discs.predict(
        [CENTERS[0], (40, 5), (40, 5), CENTERS[0]], [1, 0, 0, 1], method="cut", return_scores=True
    )
    np.testing.assert_array_equal(many, once)


def test_higher_thresholds_and_gammas_give_subsets(synthetic):
    segmenter = PromptSegmenter(synthetic((40, 50), n_planes=2, seed=5))
    points = [(0, 10, 10), (1, 30, 40)]
    for name, values in (
        ("threshold", (-1, 0.1, 0.4, 0.5, 0.7, 0.95, 2)),
        ("gamma", (1e-9, 0.3, 1, 2, 4, 1e9)),
    ):
        masks = [
            segmenter.predict(
                points, method="cut", denoise_area_th=0, **{"threshold": 0.5, name: value}
            )
            for value in values
        ]
        sizes = [mask.sum() for mask in masks]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] == masks[0].size
        assert sizes[-1] == 2
    default = segmenter.predict(points, method="cut")
    np.testing.assert_array_equal(segmenter.predict(points, method="cut", threshold=0.5), default)
    np.testing.assert_array_equal(segmenter.predict(points, method="cut", gamma=0.3), default)


def test_the_mask_is_where_heat_exceeds_the_threshold(synthetic):
    segmenter = PromptSegmenter(synthetic((15, 22), n_planes=3, seed=2))
    mask, heat = segmenter.predict(
        [(1, 5, 20)], method="cut", threshold=0.6, gamma=1.3, denoise_area_th=0, return_scores=True
    )
    assert heat.dtype == np.float32
    assert 0 <= heat.min() < heat.max() <= 1
    other = np.ones(mask.shape, bool)
    other[1, 5, 20] = False
    np.testing.assert_array_equal(mask[other], heat[other] > 0.6)


def test_small_components_are_dropped_unless_clicked(synthetic):
    segmenter = PromptSegmenter(synthetic((30, 40), sigma=0.7, seed=1))
    raw = segmenter.predict([(5, 5)], method="cut", denoise_area_th=0)
    clean = segmenter.predict([(5, 5)], method="cut", denoise_area_th=20)
    components, _ = connected(raw, np.ones((3, 3)))
    areas = np.bincount(components.ravel())
    kept = (components > 0) & ((areas >= 20) | (np.arange(len(areas)) == components[5, 5]))[
        components
    ]
    assert clean.sum() < raw.sum()
    np.testing.assert_array_equal(clean, kept)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    clicks=clicks(),
    mode=st.sampled_from(["similar", "object"]),
    min_area=st.sampled_from([0, 30]),
    stride=st.sampled_from([1, 2, 4]),
)
def test_a_clicked_pixel_is_on_its_side(synthetic, clicks, mode, min_area, stride):
    rows, positive, classes = clicks
    embedding = synthetic((21, 29), n_planes=2, stride=stride, sigma=1, guided=True)
    labels = PromptSegmenter(embedding).predict(
        rows, positive, classes=classes, method="cut", mode=mode, min_area=min_area
    )
    assert labels.shape == (2, 21, 29)
    if any(positive):
        last = {row: i for i, row in enumerate(rows)}
        for row, i in last.items():
            if positive[i]:
                assert labels[row] == classes[i]
            else:
                assert labels[row] != (classes[i] or labels.max() + 1)
                assert classes[i] or labels[row] == 0


def test_planes_and_images_are_cut_together():
    images = [DISCS, DISCS[:30, :40]]
    segmenter = PromptSegmenter(embed(images, n_components=4, node="color", layer=0, stride=2))
    points, classes = [(0, *CENTERS[0]), (1, 29, 3)], [1, 2]
    masks, scores = segmenter.predict(points, classes=classes, method="cut", return_scores=True)
    assert [m.shape for m in masks] == [(48, 64), (30, 40)]
    assert [s.shape for s in scores] == [(2, 48, 64), (2, 30, 40)]
    assert masks[1][12, 14] == masks[0][35, 30] == 1
    assert masks[0][24, 32] == 2
    (second,) = segmenter.predict(points, classes=classes, method="cut", planes=[1])
    np.testing.assert_array_equal(second, masks[1])


def test_a_cut_is_solved_once_for_all_planes_and_settings(synthetic, monkeypatch):
    solved = []
    fit = ConditionedCut.fit_leading
    monkeypatch.setattr(
        ConditionedCut, "fit_leading", lambda self, *a: solved.append(1) or fit(self, *a)
    )
    segmenter = PromptSegmenter(synthetic((15, 22), n_planes=4))
    points = [(0, 3, 3), (2, 10, 20), (3, 5, 5)]
    segmenter.predict(points, classes=[1, 2, 1], method="cut")
    assert len(solved) == 2
    for options in ({"gamma": 2}, {"threshold": 0.7}, {"planes": [1]}, {"mode": "object"}):
        segmenter.predict(points, classes=[1, 2, 1], method="cut", **options)
    segmenter.predict(points[::-1], classes=[1, 2, 1], method="cut")
    assert len(solved) == 2


def test_a_sample_stands_for_many_nodes(monkeypatch):
    images = [DISCS, discs([(20, 20), (30, 50)])]
    embedding = embed(images, n_components=4, node="color", layer=0)
    points, classes = [(0, *CENTERS[0]), (1, 45, 3)], [1, 2]
    exact = PromptSegmenter(embedding).predict(points, classes=classes, method="cut")
    monkeypatch.setattr("napari_ncut.prompts.cut_method._FITTED_NODES", 2000)
    segmenter = PromptSegmenter(embedding)
    masks = segmenter.predict(points, classes=classes, method="cut")
    assert np.mean(np.stack(masks) != np.stack(exact)) < 0.01
    (second,) = segmenter.predict(points, classes=classes, method="cut", planes=[1])
    np.testing.assert_array_equal(second, masks[1])


def test_clicks_mean_the_same_together_and_one_after_the_other():
    embedding = embed(np.random.default_rng(3).random((90, 110)), n_components=20, stride=1)
    points = np.random.default_rng(4).integers(0, 90, (6, 2))
    positive = [True, False, True, True, False, True]
    together = PromptSegmenter(embedding).predict(
        points, positive, method="cut", return_scores=True
    )[1]
    segmenter = PromptSegmenter(embedding)
    for n in range(1, 7):
        scores = segmenter.predict(points[:n], positive[:n], method="cut", return_scores=True)[1]
        segmenter.predict(points[:n], positive[:n])
    np.testing.assert_array_equal(scores, together)


def test_a_constant_image_gives_an_answer():
    with pytest.warns(UserWarning, match="carry information"):
        segmenter = PromptSegmenter(embed(np.full((15, 22), 5.0), n_components=3))
    assert segmenter.predict([(3, 3)], method="cut").all()
    mask = segmenter.predict([(3, 3), (9, 20)], [True, False], method="cut")
    assert mask[3, 3]
    assert not mask[9, 20]


def test_one_pixel():
    assert PromptSegmenter(embed([[4]])).predict([(0, 0)], method="cut").tolist() == [[True]]
