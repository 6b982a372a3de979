"""What each solver promises, against dense solutions and against each other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from scipy.linalg import eigh

from napari_ncut.errors import InputError
from napari_ncut.progress import run_steps
from napari_ncut.spectral import DisconnectedWarning, NCut, SpectrumWarning
from napari_ncut.spectral.affinity import Kernel, fit_kernel
from napari_ncut.spectral.extension import Extension
from napari_ncut.spectral.solvers import solve_steps
from napari_ncut.spectral.solvers.affinities import NormalizedAffinity, kept_steps, streamed_steps
from napari_ncut.spectral.solvers.choosing import choose_landmarks
from napari_ncut.spectral.solvers.landmarks import solve_landmarks
from napari_ncut.spectral.solvers.pairs import solve_pairs
from napari_ncut.spectral.solvers.sample import _shares, solve_sample
from napari_ncut.spectral.solvers.solution import orthonormal_solution
from napari_ncut.spectral.solvers.subspace import leading_eigenvectors, n_columns

# Lonely nodes are parts of their own where affinities are sharp; a test of its own sees that told.
pytestmark = pytest.mark.filterwarnings("ignore::napari_ncut.spectral.ncut.DisconnectedWarning")

single, double, short = torch.float32, torch.float64, torch.bfloat16


def natural(n: int, d: int = 12, seed: int = 0) -> np.ndarray:
    """Crowded and lonely places, as features of images have: heavy tails around uneven centers."""
    random = np.random.default_rng(seed)
    centers = random.normal(0, 2, (30, d))
    which = random.choice(30, n, p=random.dirichlet(np.full(30, 0.5)))
    x = centers[which] + random.standard_t(8, (n, d)) * random.uniform(0.2, 1, 30)[which, None]
    return x.astype(np.float32)


def dense(x: np.ndarray, sigma: float, k: int) -> tuple[np.ndarray, np.ndarray]:
    x = x.astype(np.float64)
    squares = (x * x).sum(1)
    distances = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    np.fill_diagonal(distances, 0)
    affinity = np.exp(-distances / (2 * sigma**2))
    root = 1 / np.sqrt(affinity.sum(1))
    leading = [len(x) - k, len(x) - 1]
    values, vectors = eigh(root[:, None] * affinity * root, subset_by_index=leading)
    return values[::-1], vectors[:, ::-1]


def error(found: np.ndarray, true: np.ndarray) -> float:
    a, b = (np.linalg.qr(v.astype(np.float64))[0] for v in (found, true))
    return float(np.mean(1 - np.clip(np.linalg.svd(a.T @ b, compute_uv=False), 0, 1) ** 2))


def typical(x: np.ndarray) -> float:
    return float(np.sqrt(x.var(axis=0).sum()))


REGIMES = {"smooth": 1.7, "typical": 1.0, "sharp": 0.5}


@pytest.fixture(scope="module")
def problems():
    """Nodes, kernel and true eigenvectors of every regime."""
    x = natural(2400)
    made = {}
    for name, factor in REGIMES.items():
        sigma = factor * typical(x)
        made[name] = fit_kernel(x, "rbf", sigma, 1.0), *dense(x, sigma, 10)
    return x, made


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize(
    ("dtype", "kept", "tolerance", "bound"),
    [
        (double, double, 1e-7, 1e-10),
        (single, single, 1e-4, 1e-7),
        (single, None, 1e-4, 1e-7),
        (single, single, 0.05, 2.5e-3),
        (single, short, 0.05, 2.5e-3),
    ],
    ids=["double", "single", "streamed", "loose", "bfloat16"],
)
def test_pairs_are_solved_to_their_tolerance(problems, regime, dtype, kept, tolerance, bound):
    x, made = problems
    kernel, values, vectors = made[regime]
    solution = run_steps(solve_pairs(x, kernel, 10, tolerance, 0, "cpu", dtype=dtype, kept=kept))
    assert error(solution.eigenvectors, vectors) < bound
    np.testing.assert_allclose(solution.eigenvalues, values, atol=max(bound, 2e-6))
    found = solution.eigenvectors.astype(np.float64)
    np.testing.assert_allclose(found.T @ found, np.eye(10), atol=2e-6)


@pytest.mark.parametrize("regime", REGIMES)
def test_every_accuracy_keeps_its_promise(regime):
    x = natural(9000, seed=1)
    sigma = REGIMES[regime] * typical(x)
    exact = NCut(10, bandwidth=sigma, accuracy="exact").fit_transform(x)
    promised = {"fast": 0.05 if regime == "sharp" else 0.02, "balanced": 0.01}
    for accuracy, bound in promised.items():
        found = NCut(10, bandwidth=sigma, accuracy=accuracy).fit_transform(x)
        assert error(found, exact) < bound, accuracy


@pytest.mark.parametrize("memory", [4.0, 0.1], ids=["kept", "streamed"])
def test_exact_residuals_are_small(memory):
    x = natural(4200)
    for factor in REGIMES.values():
        sigma = factor * typical(x)
        ncut = NCut(10, bandwidth=sigma, accuracy="exact", memory=memory)
        u = ncut.fit_transform(x).astype(np.float64)
        scaled = x.astype(np.float64) / (sigma * 2**0.5)
        squares = (scaled * scaled).sum(1)
        affinity = np.exp(-np.maximum(squares[:, None] + squares - 2 * scaled @ scaled.T, 0))
        np.fill_diagonal(affinity, 1)
        root = 1 / np.sqrt(affinity.sum(1))[:, None]
        residual = np.linalg.norm(root * (affinity @ (root * u)) - u * ncut.eigenvalues_, axis=0)
        assert residual.max() < 1e-4


def test_a_start_near_the_solution_saves_products(problems, monkeypatch):
    x, made = problems
    kernel, values, vectors = made["sharp"]
    products = []
    times = NormalizedAffinity.__call__

    def counted(self, *args):
        products.append(self)
        return (yield from times(self, *args))

    monkeypatch.setattr(NormalizedAffinity, "__call__", counted)

    def solved(**how):
        products.clear()
        solution = run_steps(
            solve_pairs(x, kernel, 10, 1e-4, 0, "cpu", dtype=single, kept=single, **how)
        )
        return solution, len(products)

    _, from_noise = solved()
    noise = np.random.default_rng(0).normal(0, 0.1 / np.sqrt(len(x)), vectors.shape)
    solution, from_there = solved(start=vectors + noise, enough=1e-4)
    assert from_there < from_noise
    found = solution.eigenvectors.astype(np.float64)
    assert error(found, vectors) < 1e-4
    np.testing.assert_allclose(solution.eigenvalues, values, atol=1e-4)


@pytest.mark.parametrize("regime", REGIMES)
def test_a_weighted_sample_keeps_the_lonely(problems, regime):
    x, made = problems
    kernel, _, vectors = made[regime]
    solution = run_steps(
        solve_sample(x, kernel, 10, 1200, 0.02, 0, "cpu", dtype=single, kept=single)
    )
    assert error(solution.eigenvectors, vectors) < 0.01
    assert len(solution.extension.reference) == pytest.approx(1200, rel=0.1)
    # A plain sample of as many misses most of what a sharp affinity shows.
    assert solution.extension.degree_weights.min() == pytest.approx(1)


def test_shares_add_up_and_certain_ones_are_certain():
    wanted = np.array([100.0, 50, 1, 1, 1, 1, 1, 1, 1, 1])
    shares = _shares(wanted, 4)
    assert shares.sum() == pytest.approx(4)
    np.testing.assert_allclose(shares, [1, 1] + [0.25] * 8)
    np.testing.assert_allclose(_shares(np.ones(5), 5), 1)
    np.testing.assert_allclose(_shares(np.ones(8), 2), 0.25)


def test_landmarks_find_the_rare_and_stop_when_they_suffice(problems):
    x, made = problems
    kernel, _, vectors = made["smooth"]
    some = run_steps(choose_landmarks(x, kernel, 10, 1024, 1.0, 0))
    assert some.missed <= 1
    assert len(some.nodes) < 1024
    assert (np.diff(some.nodes) > 0).all()
    solution = run_steps(solve_landmarks(x, kernel, 10, some.nodes, "cpu"))
    assert error(solution.eigenvectors, vectors) < 5e-3
    random = np.sort(np.random.default_rng(0).choice(len(x), len(some.nodes), replace=False))
    plain = run_steps(solve_landmarks(x, kernel, 10, random, "cpu"))
    assert error(solution.eigenvectors, vectors) < error(plain.eigenvectors, vectors) / 5


def test_landmarks_give_up_early_where_the_affinity_is_sharp(problems):
    x, _ = problems
    kernel = fit_kernel(x, "rbf", 0.25 * typical(x), 1.0)
    few = run_steps(choose_landmarks(x, kernel, 10, 1024, 1.0, 0))
    assert few.missed > 1
    assert len(few.nodes) < 200


def test_duplicates_are_no_further_landmarks():
    x = np.repeat(natural(20), 200, axis=0)
    kernel = fit_kernel(x, "rbf", typical(x), 1.0)
    few = run_steps(choose_landmarks(x, kernel, 5, 256, 0.0, 0))
    assert len(few.nodes) <= 20
    assert few.missed < 1e-2


def test_the_matrix_kept_and_streamed_is_the_same(problems):
    x, made = problems
    tile = made["sharp"][0].tiling(x, "cpu", double)
    weights = np.random.default_rng(0).uniform(1, 5, len(x))
    vectors = torch.from_numpy(np.random.default_rng(1).normal(size=(len(x), 3)))
    kept = run_steps(kept_steps(tile, len(x), weights, "cpu", double, double))
    streamed = run_steps(streamed_steps(tile, len(x), weights, "cpu", double))
    everything = slice(0, len(x))
    affinity = tile(everything, everything).numpy()
    degrees = affinity @ weights
    root = np.sqrt(weights / degrees)[:, None]
    trivial = np.sqrt(weights * degrees)[:, None]
    trivial /= np.linalg.norm(trivial)
    expected = root * (affinity @ (root * vectors.numpy())) - trivial * (
        trivial.T @ vectors.numpy()
    )
    for matrix in (kept, streamed):
        np.testing.assert_allclose(matrix.degrees, degrees, rtol=1e-6)
        np.testing.assert_allclose(run_steps(matrix(vectors)).numpy(), expected, atol=1e-6)


def test_eigenvalues_that_a_random_start_hardly_shows_are_found():
    # Of 20,000 directions two matter: a random start sees eigenvalues of 1e-5.
    n = 20_000
    random = np.random.default_rng(0)
    basis = torch.from_numpy(np.linalg.qr(random.normal(size=(n, 2)))[0]).float()

    def product(vectors):
        yield from ()
        return basis @ (torch.tensor([[0.02], [0.01]]) * (basis.T @ vectors))

    start = torch.from_numpy(random.normal(size=(n, n_columns(2, n)))).float()
    found, _, _ = run_steps(leading_eigenvectors(product, start, 2, 0.02, 300, nothing=1e-3))
    np.testing.assert_allclose(found[:2], [0.02, 0.01], atol=1e-6)


def test_iterations_find_negative_eigenvalues_small():
    # The largest by size is −1; by value it is the last.
    random = np.random.default_rng(0)
    basis, _ = np.linalg.qr(random.normal(size=(300, 300)))
    values = np.concatenate([[0.9, 0.8, 0.7], np.linspace(0.3, -0.2, 296), [-1.0]])
    matrix = torch.from_numpy(basis * values @ basis.T)

    def product(vectors):
        yield from ()
        return matrix @ vectors

    start = torch.from_numpy(random.normal(size=(300, n_columns(3, 300))))
    found, vectors, _ = run_steps(leading_eigenvectors(product, start, 3, 1e-8, 500, lowest=-1.0))
    np.testing.assert_allclose(found[:3], [0.9, 0.8, 0.7], atol=1e-8)
    assert error(vectors[:, :3].numpy(), basis[:, :3]) < 1e-10


def test_rows_far_from_the_center_keep_their_digits():
    # Two clusters 1e4 bandwidths apart: single precision alone would lose all distances.
    x = np.concatenate([natural(600), natural(600, seed=3) + 1e4]).astype(np.float64)
    kernel = fit_kernel(x, "rbf", 2.0, 1.0)
    tile = kernel.tiling(x, "cpu", single)
    part = slice(0, 300)
    squares = ((x[part, None] - x[None, part]) ** 2).sum(-1)
    np.testing.assert_allclose(tile(part, part).numpy(), np.exp(-squares / 8), atol=1e-3)


# ------------------------------------------------------------------------------ degenerate inputs


@pytest.mark.parametrize("n_nodes", [60, 700, 2000, 9000])
def test_parts_without_affinity_are_told(n_nodes):
    x = np.repeat([[0.0, 0], [1e3, 0], [0, 1e3]], -(-n_nodes // 3), axis=0)[:n_nodes]
    x = x + np.random.default_rng(0).normal(0, 1, x.shape)
    with pytest.warns(DisconnectedWarning, match="3 parts that are not connected"):
        vectors = NCut(5, bandwidth=2.0).fit_transform(x)
    # The first three eigenvectors are constant over √degree in every part.
    part = np.arange(len(x)) // -(-n_nodes // 3)
    weights = np.stack([np.where(part == i, 1.0, 0) for i in range(3)], axis=1)
    ncut = NCut(5, bandwidth=2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisconnectedWarning)
        vectors = ncut.fit_transform(x)
    indicators = weights * np.sqrt(ncut.degrees_)[:, None]
    assert error(vectors[:, :3], indicators) < 1e-3


@pytest.mark.parametrize("accuracy", ["fast", "balanced", "exact"])
@pytest.mark.parametrize("n_nodes", [30, 900, 5000])
def test_duplicate_rows_are_one_place(accuracy, n_nodes):
    x = np.repeat(natural(6, d=3), n_nodes // 6, axis=0)
    with pytest.warns(SpectrumWarning, match="Only 6 of 9"):
        vectors = NCut(9, accuracy=accuracy).fit_transform(x)
    each = vectors.reshape(6, n_nodes // 6, 9)
    np.testing.assert_allclose(each, each[:, :1].repeat(n_nodes // 6, axis=1), atol=1e-4)
    assert (vectors[:, 6:] == 0).all()


def test_what_rounding_makes_of_no_eigenvalue_is_none():
    vectors = np.linalg.qr(np.random.RandomState(0).randn(50, 4))[0]
    # The third is a combination of the first two and a little of its own, as rounding leaves it.
    vectors[:, 2] = vectors[:, :2] @ [0.9, 0.3] + 0.1 * vectors[:, 2]
    kernel = Kernel(False, 1.0, np.zeros(1))
    extension = Extension(kernel, np.zeros((50, 1)), np.eye(50, 4), np.ones(50), degree_floor=0.0)
    values = np.array([1.0, 0.5, 3e-5, 2e-5])
    solution = orthonormal_solution(vectors, values, np.ones(50), extension)
    np.testing.assert_array_equal(solution.eigenvalues, [1.0, 0.5, 0.0, 2e-5])
    assert (solution.eigenvectors[:, 2] == 0).all()
    gram = solution.eigenvectors.T @ solution.eigenvectors
    np.testing.assert_allclose(gram, np.diag([1, 1, 0, 1]), atol=1e-6)


def test_columns_of_a_sample_that_lean_on_each_other_are_none_the_less_eigenvectors():
    vectors = np.linalg.qr(np.random.RandomState(0).randn(50, 3))[0]
    # Two lonely nodes beside each other, of which a sample saw one: their columns overlap.
    vectors[:, 2] = vectors[:, :2] @ [0.3, 0.8] + 0.5 * vectors[:, 2]
    kernel = Kernel(False, 1.0, np.zeros(1))
    extension = Extension(kernel, np.zeros((50, 1)), np.eye(50, 3), np.ones(50), degree_floor=0.0)
    values = np.array([1.0, 0.9457, 0.9456])
    solution = orthonormal_solution(vectors, values, np.ones(50), extension)
    np.testing.assert_array_equal(solution.eigenvalues, values)
    gram = solution.eigenvectors.T @ solution.eigenvectors
    np.testing.assert_allclose(gram, np.eye(3), atol=1e-6)


def test_as_many_eigenvectors_as_nodes():
    x = natural(40)
    ncut = NCut(40)
    vectors = ncut.fit_transform(x)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(40), atol=1e-5)
    with pytest.raises(InputError, match=r"41 eigenvectors .* 40 nodes"):
        NCut(41).fit(x)
    with pytest.raises(InputError, match="Give n_components of at most"):
        NCut(3000).check_size(20_000)


@pytest.mark.parametrize("accuracy", ["fast", "balanced", "exact"])
def test_nan_is_an_error_wherever_it_stands(accuracy):
    x = natural(9000)
    x[8999, 3] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        NCut(5, accuracy=accuracy).fit(x)


def test_progress_is_told_and_closing_ends_the_work():
    x = natural(9000)
    for accuracy, gamma in (("fast", 1.0), ("fast", 0.05), ("balanced", 0.05), ("exact", 1.0)):
        steps = NCut(5, accuracy=accuracy, affinity_gamma=gamma).fit_steps(x)
        stages = {next(steps).stage for _ in range(3)}
        steps.close()
        assert stages


# ------------------------------------------------------------------------------------ affinities


def test_a_function_is_an_affinity_like_another():
    x = natural(1800, d=4)
    sigma = typical(x)

    def rbf(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * sigma**2))

    for part in (x[:300], x):
        own, given = (
            NCut(6, affinity=rbf, accuracy="exact"),
            NCut(6, bandwidth=sigma, accuracy="exact"),
        )
        a, b = own.fit_transform(part), given.fit_transform(part)
        assert error(a, b) < 1e-4
        np.testing.assert_allclose(own.eigenvalues_, given.eigenvalues_, atol=1e-4)
        assert error(own.transform(x + 0.1), given.transform(x + 0.1)) < 1e-3
        np.testing.assert_allclose(
            own.distance_to_fit(part[:9] + 2), given.distance_to_fit(part[:9] + 2), rtol=1e-2
        )
    assert np.isnan(own.bandwidth_)


def test_an_indefinite_function_gives_the_largest_eigenvalues():
    x = natural(2000, d=3)

    def hat(a, b):  # no kernel: some of its eigenvalues are below 0
        return np.maximum(0, 1 - np.abs(a[:, None] - b[None]).max(-1) / 4) + 1e-3

    found = NCut(6, affinity=hat).fit_transform(x)
    affinity = hat(x, x).astype(np.float64)
    root = 1 / np.sqrt(affinity.sum(1))
    values, vectors = np.linalg.eigh(root[:, None] * affinity * root)
    assert values[0] < -1e-3
    assert error(found, vectors[:, ::-1][:, :6]) < 2.5e-3


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a, b: np.ones(3), "returned shape"),
        (lambda a, b: -np.ones((len(a), len(b))), "at least 0"),
        (lambda a, b: np.full((len(a), len(b)), np.nan), "not all finite"),
        (lambda a, b: np.exp(a[:, :1] - b[None, :, 0]), "not symmetric"),
        (lambda a, b: np.zeros((len(a), len(b))), "no affinity to anything"),
    ],
)
def test_functions_that_are_no_affinity_are_explained(function, message):
    with pytest.raises(InputError, match=message):
        NCut(3, affinity=function).fit(natural(50))
    with pytest.raises(InputError, match="belongs to affinity"):
        NCut(3, affinity=function, bandwidth=2.0).fit(natural(50))


def test_neighbors_follow_a_chain_that_distances_cut_across():
    # Two interleaved half circles: alike by neighbors, not by distance.
    from sklearn.datasets import make_moons

    x, y = make_moons(1500, noise=0.04, random_state=0)
    vectors = NCut(2, affinity="neighbors", n_neighbors=12, bandwidth=0.1).fit_transform(x)
    side = vectors[:, 1] / vectors[:, 0] > np.median(vectors[:, 1] / vectors[:, 0])
    assert max(np.mean(side == y), np.mean(side != y)) > 0.99
    plain = NCut(2).fit_transform(x)
    side = plain[:, 1] / plain[:, 0] > np.median(plain[:, 1] / plain[:, 0])
    assert max(np.mean(side == y), np.mean(side != y)) < 0.95


def test_neighbors_of_all_are_the_dense_cut():
    x = natural(300)
    all_pairs, graph = NCut(6), NCut(6, affinity="neighbors", n_neighbors=299)
    np.testing.assert_allclose(graph.fit_transform(x), all_pairs.fit_transform(x), atol=1e-4)
    np.testing.assert_allclose(graph.transform(x + 0.1), all_pairs.transform(x + 0.1), atol=1e-4)


def test_neighbors_extend_to_new_nodes():
    x = natural(2000, d=3)
    ncut = NCut(5, affinity="neighbors", n_neighbors=20)
    vectors = ncut.fit_transform(x)
    again = ncut.transform(x)
    length = np.linalg.norm(vectors, axis=1) * np.linalg.norm(again, axis=1)
    assert np.median((vectors * again).sum(1) / length) > 0.999
    np.testing.assert_allclose(ncut.distance_to_fit(x), 0, atol=1e-2)
    far = ncut.transform(x[:5] + 1e3)
    assert np.isfinite(far).all() and (np.linalg.norm(far, axis=1) > 0).all()


# ---------------------------------------------------------------------------------- out of sample


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize(("n", "accuracy"), [(1500, "balanced"), (9000, "fast")])
def test_the_extension_agrees_with_a_refit_of_the_union(regime, n, accuracy):
    """A fifth more nodes: rows agree with a joint cut's to a cosine of .98 (median)."""
    x = natural(n + n // 5, d=6)
    sigma = REGIMES[regime] * typical(x)
    ncut = NCut(6, bandwidth=sigma, accuracy=accuracy).fit(x[:n])
    joint = NCut(6, bandwidth=sigma, accuracy="exact").fit_transform(x)
    extended = ncut.transform(x)
    left, _, right = np.linalg.svd(extended.T.astype(np.float64) @ joint)
    turned = extended @ left @ right
    new = slice(n, None)
    cosine = (turned[new] * joint[new]).sum(1) / (
        np.linalg.norm(turned[new], axis=1) * np.linalg.norm(joint[new], axis=1)
    )
    assert np.median(cosine) > 0.98


# ----------------------------------------------------------------------------------------- devices

gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None


@pytest.mark.skipif(gpu is None, reason="no GPU")
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize(("n", "accuracy"), [(3000, "fast"), (9000, "fast"), (6000, "exact")])
def test_a_gpu_gives_what_the_processor_gives(regime, n, accuracy):
    from napari_ncut.spectral import Discretization

    x = natural(n)
    sigma = REGIMES[regime] * typical(x)
    there, again, here = (
        NCut(8, bandwidth=sigma, accuracy=accuracy, device=d).fit_transform(x)
        for d in (gpu, gpu, "cpu")
    )
    np.testing.assert_array_equal(there, again)
    assert error(there, here) < 1e-4
    labels = [Discretization.fit(v, 4).labels(v) for v in (there, here)]
    assert np.mean(labels[0] == labels[1]) > 0.999


def test_a_device_that_is_not_there_is_an_error():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InputError, match="Device 'cuda'"):
        NCut(3, device="cuda").fit(natural(50))


def test_solvers_take_arrays_on_disk(tmp_path):
    x = natural(9000)
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, x.shape)
    mapped[:] = x
    expected = NCut(5).fit_transform(x)
    np.testing.assert_array_equal(NCut(5).fit_transform(mapped), expected)
    # Read-only ones, too, and without torch's warning of them.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = np.load(tmp_path / "x.npy", mmap_mode="r")
        np.testing.assert_array_equal(NCut(5).fit_transform(read), expected)


def test_solving_needs_no_estimator():
    x = natural(500)
    kernel = fit_kernel(x, "rbf", "auto", 1.0)
    solution = run_steps(solve_steps(x, kernel, 4, "balanced", 0, "cpu", 1e9))
    np.testing.assert_array_equal(solution.eigenvectors, NCut(4).fit_transform(x))
