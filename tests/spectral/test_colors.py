from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import types

import numpy as np
import pytest

from napari_ncut.errors import InputError
from napari_ncut.spectral import eigenvector_colors
from napari_ncut.spectral.layouts import pick_landmarks, place_between, principal_axes
from napari_ncut.spectral.names import COLORINGS
from napari_ncut.spectral.palette import Palette, unit_rows
from napari_ncut.spectral.tsne import joint_probabilities, slope_of_divergence, tsne

METHODS = ["pca", "tsne"]
N_GROUPS, N_PER_GROUP = 8, 40


def embedding(seed: int = 0, n_groups: int = N_GROUPS) -> np.ndarray:
    """Eigenvectors (nodes, 10) of groups of different sizes that run into each other a little."""
    generator = np.random.default_rng(seed)
    centers = np.random.default_rng(100).normal(size=(n_groups, 10))
    sizes = N_PER_GROUP + 8 * np.arange(n_groups)
    rows = np.repeat(centers, sizes, axis=0)
    rows = rows + 0.25 * generator.normal(size=rows.shape)
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    return (left @ right).astype(np.float32)


def groups(n_groups: int = N_GROUPS) -> np.ndarray:
    return np.repeat(np.arange(n_groups), N_PER_GROUP + 8 * np.arange(n_groups))


def rotation(seed: int, k: int = 10) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(k, k)))[0]


@pytest.fixture
def fake_umap(monkeypatch):
    """A module that stands for umap-learn: it leaves nodes where they begin."""

    class UMAP:
        def __init__(self, n_components, n_neighbors, init, random_state, **_):
            assert n_components == 3
            self.n_neighbors, self.init = n_neighbors, init

        def fit_transform(self, rows):
            assert 1 < self.n_neighbors < len(rows)
            return self.init

    module = types.ModuleType("umap")
    module.UMAP = UMAP
    monkeypatch.setitem(sys.modules, "umap", module)


def test_every_method_that_has_a_name_works(fake_umap):
    for method in COLORINGS:
        colors = eigenvector_colors(embedding(), method=method)
        assert colors.dtype == np.float32
        assert colors.min() == 0 and colors.max() == 1


@pytest.mark.parametrize("method", METHODS)
def test_alike_nodes_get_alike_colors(method):
    centers = np.eye(4)[:, None] + np.random.default_rng(0).normal(0, 0.01, (4, 50, 4))
    colors = eigenvector_colors(centers, method=method)
    assert colors.shape == (4, 50, 3)
    means = colors.mean(axis=1)
    # t-SNE spreads what is alike so that small differences show, too.
    assert colors.std(axis=1).max() < {"pca": 0.05, "tsne": 0.2}[method]
    assert min(np.abs(means[i] - means[j]).max() for i in range(4) for j in range(i)) > 0.4


def test_tsne_tells_apart_what_three_axes_do_not():
    def smallest_contrast(method):
        colors = eigenvector_colors(embedding(), method=method)
        means = np.stack([colors[groups() == group].mean(axis=0) for group in range(N_GROUPS)])
        within = np.mean([colors[groups() == group].std(axis=0) for group in range(N_GROUPS)])
        between = np.linalg.norm(means[:, None] - means, axis=-1)
        return between[np.triu_indices(N_GROUPS, 1)].min() / within

    assert smallest_contrast("tsne") > 1.5 * smallest_contrast("pca")


@pytest.mark.parametrize("method", METHODS)
def test_the_same_input_gives_the_same_colors(method):
    one, other = (eigenvector_colors(embedding(), method=method, random_state=3) for _ in "ab")
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_arbitrary_in_eigenvectors_does_not_matter(method, seed):
    vectors = embedding()
    colors = eigenvector_colors(vectors, method=method)
    signs = np.random.default_rng(seed).choice([-1, 1], 10)
    turned = vectors @ rotation(seed).astype(np.float32)
    for other in (vectors * signs, turned, np.pad(vectors, ((0, 0), (0, 3)))):
        np.testing.assert_allclose(eigenvector_colors(other, method=method), colors, atol=1e-3)


def test_axes_without_a_longer_tail_have_a_sign_too():
    rows = np.random.default_rng(4).normal(size=(200, 3)) * [3, 2, 1]
    rows = np.concatenate([rows, -rows])  # no third moment at all
    _, axes = principal_axes(rows)
    for seed in range(5):
        turn = rotation(seed, 3)
        np.testing.assert_allclose(principal_axes(rows @ turn)[1], turn.T @ axes, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_length_of_a_row_does_not_matter(method):
    rows = np.random.default_rng(1).normal(size=(30, 5))
    lengths = np.arange(1, 31)[:, None]
    colors = eigenvector_colors(rows, method=method)
    for scale in (lengths, 1e-200 * lengths, 1e200 * lengths):
        np.testing.assert_allclose(
            eigenvector_colors(rows * scale, method=method), colors, atol=1e-3
        )


def test_hues_of_tsne_are_those_of_pca():
    pca, laid_out = (eigenvector_colors(embedding(), method=method) for method in METHODS)
    for channel in range(3):
        assert np.corrcoef(pca[:, channel], laid_out[:, channel])[0, 1] > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_nodes_added_later_get_the_colors_of_what_they_are_like(method):
    vectors = embedding()
    palette = Palette.fit(vectors, method=method)
    colors = palette(vectors)
    np.testing.assert_array_equal(colors, eigenvector_colors(vectors, method=method))
    np.testing.assert_allclose(palette(vectors[5:40]), colors[5:40], atol=1e-5)
    added = palette((vectors + 1e-4).reshape(2, -1, 10)).reshape(-1, 3)
    np.testing.assert_allclose(added, colors, atol=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_a_palette_is_kept_as_plain_arrays(method):
    palette = Palette.fit(embedding(), method=method)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **palette.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        again = Palette.from_arrays(stored)
    np.testing.assert_array_equal(again(embedding()), palette(embedding()))
    assert again.method == method


def test_arrays_that_are_no_palette_are_refused():
    arrays = Palette.fit(embedding()).to_arrays()
    for wrong in (
        {},
        {**arrays, "method": np.array("other")},
        {**arrays, "anchors": np.zeros((2, 10))},
        {**arrays, "colors": np.full((3, 3), np.nan)},
        {**arrays, "offset": np.array("text")},
    ):
        with pytest.raises(InputError, match="are no palette"):
            Palette.from_arrays(wrong)


@pytest.mark.parametrize("method", METHODS)
def test_known_nodes_keep_their_hue_when_a_cut_is_solved_again(method):
    before = eigenvector_colors(embedding(), method=method)
    # One more group, other noise, and everything else as arbitrary as eigenvectors are.
    vectors = embedding(1, N_GROUPS + 1) @ rotation(2).astype(np.float32)
    reference = np.full((len(vectors), 3), np.nan, dtype=np.float32)
    # What was there had other hues: channels in another order, one of them inverted.
    reference[: len(before)] = before[:, [2, 0, 1]] * [1, -1, 1] + [0, 1, 0]

    def change(colors):
        kept = [
            colors[: len(before)][groups() == group].mean(axis=0)
            - reference[: len(before)][groups() == group].mean(axis=0)
            for group in range(N_GROUPS)
        ]
        return np.abs(kept).mean()

    guided = eigenvector_colors(vectors, method=method, reference=reference)
    assert change(guided) < 0.15
    assert change(guided) < 0.7 * change(eigenvector_colors(vectors, method=method))


@pytest.mark.parametrize("method", METHODS)
def test_colors_that_are_their_own_reference_stay(method):
    colors = eigenvector_colors(embedding(), method=method)
    again = eigenvector_colors(embedding(), method=method, reference=colors)
    assert np.abs(again - colors).mean() < {"pca": 0.005, "tsne": 0.05}[method]


@pytest.mark.parametrize("method", METHODS)
def test_a_reference_that_tells_little_does_no_harm(method):
    vectors = embedding()
    plain = eigenvector_colors(vectors, method=method)
    reference = np.full((len(vectors), 3), np.nan)
    nothing = eigenvector_colors(vectors, method=method, reference=reference)
    np.testing.assert_array_equal(nothing, plain)
    reference[:50] = 0.5  # one group, all of one color
    little = eigenvector_colors(vectors, method=method, reference=reference)
    assert np.isfinite(little).all() and little.std(axis=0).min() > 0.1


@pytest.mark.parametrize("k", [1, 2])
def test_few_eigenvectors_leave_channels_gray(k):
    rows = np.random.default_rng(2).normal(size=(30, k))
    np.testing.assert_array_equal(eigenvector_colors(rows)[:, 2], 0.5)


@pytest.mark.parametrize("method", [*METHODS, "umap"])
def test_what_does_not_differ_is_gray(fake_umap, method):
    for same in (np.ones((1, 4)), np.ones((2, 4)), np.full((5, 6, 3), 0.2), np.zeros((3, 2))):
        np.testing.assert_array_equal(eigenvector_colors(same, method=method), 0.5)


@pytest.mark.parametrize("method", [*METHODS, "umap"])
@pytest.mark.parametrize("n", [2, 3, 5, 10, 11, 25])
def test_few_nodes_are_no_error(fake_umap, method, n):
    rows = np.random.default_rng(n).normal(size=(n, 4))
    colors = eigenvector_colors(np.repeat(rows, 3, axis=0), method=method)
    assert np.isfinite(colors).all()
    assert len(np.unique(colors, axis=0)) > 1
    np.testing.assert_allclose(colors[::3], colors[1::3], atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_row_of_zeros_is_no_error(method):
    rows = np.random.default_rng(3).normal(size=(30, 5))
    rows[4] = 0
    assert np.isfinite(eigenvector_colors(rows, method=method)).all()


@pytest.mark.parametrize("dtype", ["bool", "i8", "u2", "f2", "f8", ">f4"])
def test_any_real_numbers_will_do(dtype):
    rows = (np.random.default_rng(5).random((40, 6)) * 3).astype(dtype)
    assert np.isfinite(eigenvector_colors(rows, method="tsne")).all()


VECTORS = np.random.default_rng(6).normal(size=(4, 5, 3))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"array": np.zeros(3)}, "have shape"),
        ({"array": np.empty((0, 3))}, "have shape"),
        ({"array": np.full((3, 3), np.nan)}, "finite real"),
        ({"array": [[1, 2], [3]]}, "same length"),
        ({"array": [["a"]]}, "finite real"),
        ({"quantile": 0.3}, "Quantile 0.3"),
        ({"quantile": 0.5}, "Quantile"),
        ({"quantile": "a"}, "Quantile"),
        ({"quantile": np.nan}, "Quantile"),
        ({"method": "t-sne"}, "Choose one of: pca, tsne, umap. Did you mean 'tsne'"),
        ({"method": None}, "Choose one of"),
        ({"random_state": -1}, "random_state -1"),
        ({"random_state": None}, "random_state"),
        ({"random_state": 2**32}, "random_state"),
        ({"random_state": 1.5}, "random_state"),
        ({"reference": np.zeros((4, 4, 3))}, r"\(4, 5, 3\) is needed"),
        ({"reference": [[1], [1, 2]]}, "same length"),
        ({"reference": np.full((4, 5, 3), 255, np.uint8)}, "dtype uint8"),
        ({"reference": np.full((4, 5, 3), 255.0)}, "from 255 to 255"),
        ({"reference": np.full((4, 5, 3), np.inf)}, "from inf to inf"),
    ],
)
def test_wrong_input_is_explained(arguments, message):
    with pytest.raises(InputError, match=message):
        eigenvector_colors(**{"array": VECTORS, **arguments})


def test_a_palette_refuses_eigenvectors_of_another_number():
    with pytest.raises(InputError, match=r"have 4 eigenvectors.*palette 3"):
        Palette.fit(VECTORS)(np.ones((2, 4)))


def test_umap_that_is_not_installed_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(InputError, match=r'pip install "napari-ncut\[umap\]"'):
        eigenvector_colors(embedding(), method="umap")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="umap-learn is not installed")
def test_umap_colors_groups():
    one, other = (eigenvector_colors(embedding(), method="umap") for _ in "ab")
    np.testing.assert_array_equal(one, other)
    within = np.mean([one[groups() == group].std(axis=0) for group in range(N_GROUPS)])
    assert within < 0.5 * one.std(axis=0).mean()


def test_landmarks_are_different_rows_of_all_groups():
    rows = unit_rows(np.repeat(embedding(), 3, axis=0))
    landmarks = pick_landmarks(rows, 64, 0)
    assert len(np.unique(landmarks.round(3), axis=0)) == 64
    nearest = (landmarks @ unit_rows(embedding()).T).argmax(axis=1)
    assert set(groups()[nearest]) == set(range(N_GROUPS))
    few = pick_landmarks(np.repeat(np.eye(5, dtype=np.float32), 40, axis=0), 64, 0)
    np.testing.assert_array_equal(few, np.eye(5))


def test_what_is_at_a_landmark_gets_its_value():
    landmarks = unit_rows(np.random.default_rng(7).normal(size=(300, 6)).astype(np.float32))
    values = np.random.default_rng(8).normal(size=(300, 3))
    np.testing.assert_allclose(place_between(landmarks, landmarks, values), values, atol=1e-3)
    halfway = unit_rows(landmarks[:1] + landmarks[1:2])
    placed = place_between(halfway, landmarks[:2], values[:2])
    np.testing.assert_allclose(placed, values[:2].mean(axis=0, keepdims=True), atol=1e-3)


def squared_distances(rows: np.ndarray) -> np.ndarray:
    return ((rows[:, None] - rows) ** 2).sum(axis=-1)


def divergence(affinities: np.ndarray, positions: np.ndarray) -> float:
    """Kullback-Leibler divergence, written as in the paper."""
    student = 1 / (1 + squared_distances(positions))
    np.fill_diagonal(student, 0)
    student /= student.sum()
    counted = affinities > 0
    return float((affinities[counted] * np.log(affinities[counted] / student[counted])).sum())


def test_the_slope_of_tsne_is_that_of_its_divergence():
    generator = np.random.default_rng(9)
    affinities = joint_probabilities(squared_distances(generator.normal(size=(30, 5))), 8)
    assert affinities.sum() == pytest.approx(1)
    positions = generator.normal(size=(30, 3))
    slope = slope_of_divergence(affinities, positions)
    for node, axis in ((0, 0), (7, 1), (29, 2)):
        step = np.zeros_like(positions)
        step[node, axis] = 1e-5
        rise = divergence(affinities, positions + step) - divergence(affinities, positions - step)
        assert slope[node, axis] == pytest.approx(rise / 2e-5, rel=1e-5)


def test_as_many_neighbors_count_as_the_perplexity_says():
    squared = squared_distances(np.random.default_rng(10).normal(size=(120, 4)))
    from scipy.spatial.distance import squareform
    from sklearn.manifold._t_sne import _joint_probabilities

    theirs = squareform(_joint_probabilities(squared, 20, 0))
    np.testing.assert_allclose(joint_probabilities(squared, 20), theirs, rtol=0.01, atol=1e-7)


def test_tsne_is_no_worse_than_that_of_scikit_learn():
    from sklearn.manifold import TSNE

    rows = unit_rows(embedding()[::10])
    squared = squared_distances(rows.astype(np.float64))
    affinities = joint_probabilities(squared, 20)
    mean, axes = principal_axes(rows)
    ours = tsne(squared, (rows - mean) @ axes, 20)
    theirs = TSNE(3, perplexity=20, method="exact", init="pca", max_iter=400, random_state=0)
    known = divergence(affinities, theirs.fit_transform(rows).astype(np.float64))
    assert divergence(affinities, ours) < 1.05 * known


def test_colors_need_neither_torch_nor_scikit_learn():
    code = (
        "import sys, numpy as np\n"
        "from napari_ncut.spectral.colors import eigenvector_colors\n"
        "eigenvector_colors(np.random.default_rng(0).normal(size=(50, 4)), method='tsne')\n"
        "assert not {'torch', 'sklearn', 'umap'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
