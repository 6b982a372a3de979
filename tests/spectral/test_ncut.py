from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from napari_ncut.errors import InputError
from napari_ncut.spectral import NCut, SpectrumWarning
from napari_ncut.spectral.names import ACCURACIES


def dense_ncut(x: np.ndarray, k: int, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues, eigenvectors and degrees of D^-½ A D^-½, in float64, as the definition says."""
    x = np.asarray(x, np.float64)
    squares = np.stack([((x - row) ** 2).sum(axis=1) for row in x])
    affinity = np.exp(-squares / (2 * sigma**2))
    degrees = affinity.sum(axis=1)
    values, vectors = np.linalg.eigh(affinity / np.sqrt(np.outer(degrees, degrees)))
    return values[::-1][:k], vectors[:, ::-1][:, :k], degrees


def auto_sigma(x: np.ndarray) -> float:
    return float(np.sqrt(np.asarray(x, np.float64).var(axis=0).sum()))


def subspace_error(a: np.ndarray, b: np.ndarray) -> float:
    """Mean sin² of the principal angles between the spans of two sets of columns."""
    qa, _ = np.linalg.qr(np.asarray(a, np.float64))
    qb, _ = np.linalg.qr(np.asarray(b, np.float64))
    cosines = np.linalg.svd(qa.T @ qb, compute_uv=False)
    return float(np.mean(1 - np.clip(cosines, 0, 1) ** 2))


def blobs(n_per_blob: int, n_features: int = 4, n_blobs: int = 4, seed: int = 0) -> np.ndarray:
    """Nodes around a few far centers."""
    generator = np.random.default_rng(seed)
    centers = generator.normal(0, 3, (n_blobs, n_features))
    nodes = centers[:, None] + generator.normal(0, 0.5, (n_blobs, n_per_blob, n_features))
    return nodes.reshape(-1, n_features)


@pytest.mark.parametrize("n_per_blob", [40, 300], ids=["dense solver", "iterations"])
def test_eigenvectors_are_those_of_a_dense_solver(n_per_blob):
    x = blobs(n_per_blob)
    ncut = NCut(8)
    vectors = ncut.fit_transform(x)
    values, expected, degrees = dense_ncut(x, 8, auto_sigma(x))
    np.testing.assert_allclose(ncut.eigenvalues_, values, atol=1e-8)
    np.testing.assert_allclose(ncut.degrees_, degrees, rtol=1e-8)
    assert ncut.bandwidth_ == pytest.approx(auto_sigma(x))
    assert vectors.dtype == np.float32
    signs = np.sign((vectors * expected).sum(axis=0))
    np.testing.assert_allclose(vectors, expected * signs, atol=1e-5)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(8), atol=1e-5)
    assert (np.diff(ncut.eigenvalues_) <= 0).all()
    assert ncut.eigenvalues_[0] == pytest.approx(1)
    assert (ncut.eigenvalues_ >= -1).all()


def test_the_first_eigenvector_is_the_trivial_one():
    ncut = NCut(3)
    first = ncut.fit_transform(blobs(30))[:, 0]
    np.testing.assert_allclose(first, np.sqrt(ncut.degrees_ / ncut.degrees_.sum()), atol=1e-6)


def test_a_number_is_sigma_itself():
    x = blobs(30)
    ncut = NCut(5, bandwidth=1.5)
    ncut.fit(x)
    np.testing.assert_allclose(ncut.eigenvalues_, dense_ncut(x, 5, 1.5)[0], atol=1e-8)
    halved = NCut(5, affinity_gamma=0.25).fit(x)
    assert halved.bandwidth_ == pytest.approx(auto_sigma(x) / 2)


def test_the_cosine_affinity_is_its_formula():
    x = blobs(30)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    affinity = np.exp(-(1 - unit @ unit.T) / 0.3)
    root = 1 / np.sqrt(affinity.sum(axis=1))
    values = np.linalg.eigvalsh(root[:, None] * affinity * root)[::-1][:6]
    ncut = NCut(6, affinity="cosine", affinity_gamma=0.3).fit(x * np.arange(1, 121)[:, None])
    np.testing.assert_allclose(ncut.eigenvalues_, values, atol=1e-8)


def test_the_sum_of_every_column_is_not_negative():
    vectors = NCut(8).fit_transform(blobs(40))
    assert (vectors.sum(axis=0, dtype=np.float64) >= 0).all()


def test_where_the_sum_vanishes_the_largest_entry_is_positive():
    # Symmetric about 0, hence odd eigenvectors, whose sums are 0.
    half = np.random.default_rng(0).normal(2, 0.5, (40, 1))
    vectors = NCut(2).fit_transform(np.concatenate([-half, half]))
    odd = vectors[:, 1]
    assert abs(odd.sum()) < 1e-4
    assert odd[np.abs(odd).argmax()] > 0
    np.testing.assert_allclose(odd[:40], -odd[40:], atol=1e-5)


@pytest.mark.parametrize("n_per_blob", [50, 1500], ids=["dense", "pairs"])
def test_units_and_repetition_of_features_do_not_matter(n_per_blob):
    x = blobs(n_per_blob).astype(np.float32)
    plain = NCut(6).fit_transform(x)
    for other in (x * 50, np.concatenate([x, x], axis=1)):
        np.testing.assert_allclose(NCut(6).fit_transform(other), plain, atol=2e-5)


@pytest.mark.parametrize("gamma", [1.0, 0.1], ids=["landmarks", "sample"])
def test_units_and_repetition_do_not_matter_in_large_graphs_either(gamma):
    x = blobs(2500).astype(np.float32)
    plain = NCut(4, affinity_gamma=gamma).fit_transform(x)
    for other in (x * 50, np.concatenate([x, x], axis=1)):
        assert subspace_error(NCut(4, affinity_gamma=gamma).fit_transform(other), plain) < 1e-6


def test_a_second_fit_forgets_the_first():
    x = blobs(30)
    used = NCut(4)
    used.fit(x * 1000)
    np.testing.assert_array_equal(used.fit_transform(x), NCut(4).fit_transform(x))
    assert used.bandwidth == "auto"
    assert used.bandwidth_ == pytest.approx(auto_sigma(x))


def test_an_offset_far_from_zero_costs_no_digits():
    x = blobs(50)
    np.testing.assert_allclose(NCut(6).fit_transform(x + 1e4), NCut(6).fit_transform(x), atol=1e-5)


def test_landmarks_come_close_to_the_exact_cut():
    x = blobs(2250)
    landmarks, exact = NCut(10), NCut(10, accuracy="exact")
    vectors = landmarks.fit_transform(x)
    assert len(landmarks.extension.reference) <= 1024
    reference = exact.fit_transform(x)
    assert subspace_error(vectors, reference) < 1e-4
    np.testing.assert_allclose(landmarks.eigenvalues_, exact.eigenvalues_, atol=1e-4)
    np.testing.assert_allclose(landmarks.degrees_, exact.degrees_, rtol=1e-3)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(10), atol=1e-4)
    assert (np.diff(landmarks.eigenvalues_) <= 0).all()


LIMITS = [("balanced", 1536), ("fast", 512), ("fast", 4096), ("exact", 4096)]


@pytest.mark.parametrize(("accuracy", "limit"), LIMITS)
def test_both_sides_of_a_limit_between_solvers_agree(accuracy, limit):
    assert limit in (ACCURACIES[accuracy].double, ACCURACIES[accuracy].pairs)
    x = np.random.default_rng(1).permutation(blobs(limit // 4))
    x = np.concatenate([x, x[:1] + 0.01])
    below = NCut(8, accuracy=accuracy).fit_transform(x[:limit])
    above = NCut(8, accuracy=accuracy).fit_transform(x)
    assert subspace_error(below, above[:limit]) < 1e-3
    np.testing.assert_allclose(below[:, :4], above[:limit, :4], atol=2e-3)


@pytest.mark.parametrize(
    ("accuracy", "n_per_blob", "gamma"),
    [("exact", 700, 1.0), ("fast", 700, 1.0), ("fast", 2100, 1.0), ("fast", 2100, 0.1)],
    ids=["double", "pairs", "landmarks", "sample"],
)
def test_transform_of_fitted_nodes_is_the_fit(accuracy, n_per_blob, gamma):
    x = blobs(n_per_blob)
    ncut = NCut(6, accuracy=accuracy, affinity_gamma=gamma)
    vectors = ncut.fit_transform(x)
    np.testing.assert_allclose(ncut.transform(x), vectors, atol=2e-5)
    np.testing.assert_allclose(ncut.extend(x)[1], ncut.degrees_, rtol=1e-4)


@pytest.mark.parametrize("gamma", [1.0, 0.1], ids=["landmarks", "sample"])
def test_blocks_do_not_matter(monkeypatch, gamma):
    x = blobs(2100).astype(np.float32)
    whole = NCut(4, accuracy="fast", affinity_gamma=gamma)
    vectors, new = whole.fit_transform(x), whole.transform(x + 0.1)
    assert len(whole.extension.reference) < len(x)
    monkeypatch.setattr("napari_ncut.spectral.solvers.landmarks._BLOCK_ROWS", 333)
    monkeypatch.setattr("napari_ncut.spectral.solvers.affinities._TILE", 300)
    monkeypatch.setattr("napari_ncut.spectral.extension._ROWS", 77)
    monkeypatch.setattr("napari_ncut.spectral.extension._REFERENCES", 99)
    blocks = NCut(4, accuracy="fast", affinity_gamma=gamma)
    np.testing.assert_allclose(blocks.fit_transform(x), vectors, atol=2e-5)
    np.testing.assert_allclose(blocks.transform(x + 0.1), new, atol=2e-5)


def test_an_affinity_too_large_to_keep_gives_the_same():
    x = blobs(1050)
    kept = NCut(6, accuracy="exact").fit_transform(x)
    streamed = NCut(6, accuracy="exact", memory=0.1)
    np.testing.assert_allclose(streamed.fit_transform(x), kept, atol=1e-5)


def test_new_nodes_get_what_a_cut_of_all_would_give():
    x = np.random.default_rng(2).permutation(blobs(250))
    ncut = NCut(4, bandwidth=3.0)
    old = ncut.fit_transform(x[:900])
    joint = NCut(4, bandwidth=3.0).fit_transform(x)
    # Two cuts agree up to a rotation within the leading subspace; find it on the common nodes.
    left, _, right = np.linalg.svd(joint[:900].T @ old)
    expected, extended = joint[900:] @ left @ right, ncut.transform(x[900:])
    cosine = (expected * extended).sum(1) / (
        np.linalg.norm(expected, axis=1) * np.linalg.norm(extended, axis=1)
    )
    assert cosine.min() > 0.99


def test_a_far_node_still_gets_a_direction():
    x = blobs(50)
    ncut = NCut(4).fit(x)
    direction = x[0] - x.mean(axis=0)
    far = x.mean(axis=0) + direction / np.linalg.norm(direction) * 100 * ncut.bandwidth_
    (vector,), (degree,) = ncut.extend(far[None])
    assert 0 < np.linalg.norm(vector) < 1e-2
    # The trivial eigenvector is √degree times a constant everywhere, also out there.
    assert degree > 0
    assert vector[0] / np.sqrt(degree) == pytest.approx(1 / np.sqrt(ncut.degrees_.sum()), rel=1e-4)
    (distance,) = ncut.distance_to_fit(far[None])
    nearest = np.linalg.norm(x - far, axis=1).min()
    assert distance == pytest.approx(nearest / ncut.bandwidth_, rel=1e-4)
    np.testing.assert_allclose(ncut.distance_to_fit(x), 0, atol=1e-3)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (np.zeros((3, 2)), {"n_components": 4}, "4 eigenvectors .* 3 nodes"),
        (np.zeros((3, 2)), {"n_components": 0}, "n_components 0"),
        (np.zeros((3, 2)), {"n_components": 1.5}, "n_components 1.5"),
        (np.zeros(3), {}, r"have shape \(3,\)"),
        (np.zeros((0, 3)), {}, "have shape"),
        (np.full((3, 2), np.nan), {}, "NaN or infinite"),
        (np.array([[1.0, np.inf], [0, 0]]), {}, "NaN or infinite"),
        (np.zeros((3, 2), complex), {}, "complex128"),
        (np.eye(3), {"affinity": "rbg"}, "Did you mean 'rbf'"),
        (np.eye(3), {"accuracy": "best"}, "Unknown accuracy"),
        (np.eye(3), {"bandwidth": 0}, "Bandwidth 0"),
        (np.eye(3), {"bandwidth": "large"}, "Bandwidth 'large'"),
        (np.eye(3), {"affinity_gamma": -1}, "affinity_gamma -1"),
        (np.eye(3), {"affinity": "cosine", "bandwidth": 2}, "belongs to affinity="),
    ],
)
def test_what_cannot_be_cut_is_explained(x, options, message):
    with pytest.raises(InputError, match=message):
        NCut(**{"n_components": 2, **options}).fit(x)


def test_transform_checks_its_nodes():
    with pytest.raises(InputError, match="has not been fitted"):
        NCut().transform(np.eye(3))
    with pytest.raises(InputError, match="have 2 features, the fit had 3"):
        NCut(2).fit(np.eye(3)).transform(np.eye(2))


def test_large_finite_features_are_no_error():
    x = blobs(20).astype(np.float32) * 1e36
    assert np.isfinite(NCut(3).fit_transform(x)).all()


def test_duplicates_share_their_rows():
    x = np.repeat(blobs(5), 3, axis=0)
    vectors = NCut(4).fit_transform(x)
    np.testing.assert_allclose(vectors[::3], vectors[1::3], atol=1e-6)


@pytest.mark.parametrize("n_nodes", [20, 1000, 5000, 9000])
def test_constant_features_have_one_eigenvector(n_nodes):
    with pytest.warns(SpectrumWarning, match="Only 1 of 3 eigenvectors"):
        vectors = NCut(3).fit_transform(np.ones((n_nodes, 2)))
    np.testing.assert_allclose(vectors[:, 0], 1 / np.sqrt(n_nodes), rtol=1e-4)
    np.testing.assert_array_equal(vectors[:, 1:], 0)


def test_one_node():
    ncut = NCut(1)
    assert ncut.fit_transform([[3.0, 4.0]]).tolist() == [[1.0]]
    assert ncut.eigenvalues_.tolist() == [1.0]


def test_a_plain_cut_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NCut(4).fit(blobs(20))


def test_sklearn_can_clone_it():
    ncut = NCut(7, affinity="cosine", affinity_gamma=0.5, accuracy="fast", random_state=3)
    copy = clone(ncut.fit(blobs(20)))
    assert copy.get_params() == ncut.get_params()
    assert not hasattr(copy, "eigenvalues_")


@pytest.mark.parametrize("gamma", [1.0, 0.1], ids=["landmarks", "sample"])
def test_another_random_state_takes_other_nodes(gamma):
    x = blobs(2100)
    a, b = (
        NCut(4, accuracy="fast", affinity_gamma=gamma, random_state=s).fit(x).extension.reference
        for s in (0, 1)
    )
    assert not np.array_equal(a[:50], b[:50])


DIGEST = """
import hashlib, numpy as np, torch
torch.set_num_threads(2)
from napari_ncut import NCut
# dense solver, pairs in double and in single precision, landmarks, weighted sample
for n_nodes, gamma in ((300, 1), (1500, 1), (3000, 1), (9000, 1), (9000, 0.05)):
    x = np.random.default_rng(0).normal(size=(n_nodes, 6)).astype(np.float32)
    ncut = NCut(8, affinity_gamma=gamma)
    vectors = ncut.fit_transform(x)
    print(hashlib.sha256(vectors.tobytes() + ncut.transform(x[:99] + 1).tobytes()).hexdigest())
"""


def test_two_processes_agree_bit_for_bit():
    first, second = (
        subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert first.stdout == second.stdout
    assert len(set(first.stdout.split())) == 5


MEMORY = """
import sys
import numpy as np
from napari_ncut import NCut
n, d, gamma = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
x = np.empty((n, d), np.float32)
generator = np.random.default_rng(0)
centers = generator.normal(size=(20, d)).astype(np.float32)
for first in range(0, n, 4096):
    rows = x[first : first + 4096]
    generator.standard_normal(out=rows, dtype=np.float32)
    rows += centers[generator.integers(0, 20, len(rows))]
vectors = NCut(20, affinity_gamma=gamma).fit_transform(x)
assert np.isfinite(vectors).all() and vectors.shape == (n, 20)
status = open("/proc/self/status").read()
print(status.partition("VmHWM:")[2].split()[0])  # what getrusage says begins with the parent's
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("n_nodes", "n_features", "gamma", "gigabytes"),
    # Of the first the features alone are .3 GB: a second copy of them would be too much.
    [(25 * 64 * 64, 768, 1, 1.5), (400_000, 64, 1, 1.6), (1_000_000, 64, 0.1, 4)],
    ids=["many features", "many nodes", "a million nodes, sharp"],
)
def test_large_cuts_fit_in_memory(n_nodes, n_features, gamma, gigabytes):
    sizes = [str(n_nodes), str(n_features), str(gamma)]
    result = subprocess.run(
        [sys.executable, "-c", MEMORY, *sizes], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) / 2**20 < gigabytes
