from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from napari_ncut.errors import InputError
from napari_ncut.progress import run_steps
from napari_ncut.spectral.affinity import Kernel, fit_kernel
from napari_ncut.spectral.graphs import (
    component_count,
    graph_of_pairs,
    neighbor_extension,
    neighbor_graph_steps,
)
from napari_ncut.spectral.sparse import solve_graph_steps


def plain_kernel(n_features: int, sigma: float = 1.0) -> Kernel:
    return Kernel(normalized=False, bandwidth=sigma, center=np.zeros(n_features))


def slow_neighbors(x: np.ndarray, k: int) -> list[list[int]]:
    """The k nearest of every row, without itself, ties by index."""
    x = np.asarray(x, np.float64)
    result = []
    for i, row in enumerate(x):
        squares = ((x - row) ** 2).sum(axis=1)
        order = sorted((s, j) for j, s in enumerate(squares) if j != i)
        result.append([j for _, j in order[:k]])
    return result


def slow_graph(x: np.ndarray, k: int, sigma: float) -> np.ndarray:
    x = np.asarray(x, np.float64)
    graph = np.eye(len(x))
    for i, others in enumerate(slow_neighbors(x, k)):
        for j in others:
            affinity = np.exp(-((x[i] - x[j]) ** 2).sum() / (2 * sigma**2))
            graph[i, j] = graph[j, i] = affinity
    return graph


def dense_spectrum(graph: csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    dense = graph.toarray()
    root = np.sqrt(dense.sum(axis=1))
    size = len(dense)
    # On a busy machine threads that wait for each other take many times as long.
    with threadpool_limits(1):
        values, vectors = eigh(dense / np.outer(root, root), subset_by_index=[size - k, size - 1])
    return values[::-1], vectors[:, ::-1]


def subspace_error(a: np.ndarray, b: np.ndarray) -> float:
    cosines = np.linalg.svd(np.asarray(a, np.float64).T @ b, compute_uv=False)
    return float(np.mean(1 - np.clip(cosines, 0, 1) ** 2))


def nodes(n: int, d: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n, d)).astype(np.float32)


def test_four_nodes_on_a_line():
    x = np.array([[0.0], [1.0], [2.5], [9.0]])
    graph = run_steps(neighbor_graph_steps(x, plain_kernel(1), 1)).toarray()
    # 0 and 1 choose each other, 2 chooses 1, and 3, alone, chooses 2.
    expected = np.eye(4)
    expected[0, 1] = expected[1, 0] = np.exp(-0.5)
    expected[1, 2] = expected[2, 1] = np.exp(-1.125)
    expected[2, 3] = expected[3, 2] = np.exp(-21.125)
    np.testing.assert_allclose(graph, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "x",
    [
        nodes(300, 3),
        nodes(300, 20),
        np.random.default_rng(1).integers(0, 4, (250, 2)).astype(np.float32),
        np.random.default_rng(2).integers(0, 2, (250, 12)).astype(np.float32),
        np.repeat(nodes(6, 3), 30, axis=0),
        np.zeros((60, 4)),
        np.eye(150),
        1000 + nodes(200, 10) / 100,
    ],
    ids=["tree", "products", "lattice", "cube", "copies", "constant", "simplex", "far from 0"],
)
def test_neighbors_are_those_of_brute_force(x):
    # Whole numbers stay whole, and tie as they did; others are scaled and centered.
    whole = (x == x.round()).all()
    kernel = plain_kernel(x.shape[1], 0.5**0.5) if whole else fit_kernel(x, "rbf", "auto", 1.0)
    graph = run_steps(neighbor_graph_steps(x, kernel, 7))
    expected = slow_graph(x, 7, kernel.bandwidth)
    np.testing.assert_array_equal(graph.toarray() > 0, expected > 1e-12)
    np.testing.assert_allclose(graph.toarray(), np.where(expected > 1e-12, expected, 0), rtol=1e-3)
    assert (graph != graph.T).nnz == 0
    assert (graph.diagonal() == 1).all()
    again = run_steps(neighbor_graph_steps(x, kernel, 7))
    np.testing.assert_array_equal(graph.indices, again.indices)
    np.testing.assert_array_equal(graph.data, again.data)


def test_few_nodes_are_all_joined():
    x = nodes(5, 3)
    graph = run_steps(neighbor_graph_steps(x, plain_kernel(3), 32))
    assert (graph.toarray() > 0).all()
    assert run_steps(neighbor_graph_steps(x[:1], plain_kernel(3), 32)).toarray() == [[1]]


def test_cosine_joins_equal_directions():
    directions = np.array([[1, 0], [0, 1]], dtype=np.float32)
    x = np.concatenate([directions, 5 * directions, 0.1 * directions])
    graph = run_steps(neighbor_graph_steps(x, fit_kernel(x, "cosine", "auto", 0.1), 2)).toarray()
    same = np.arange(6)[:, None] % 2 == np.arange(6) % 2
    np.testing.assert_allclose(graph, same, atol=1e-6)


def test_faint_pairs_are_not_joined():
    graph = run_steps(neighbor_graph_steps(np.array([[0.0], [100.0]]), plain_kernel(1), 1))
    np.testing.assert_array_equal(graph.toarray(), np.eye(2))
    assert component_count(graph) == 2


@pytest.mark.parametrize("given", [0, -1, 2.5, "many", True, None])
def test_impossible_numbers_of_neighbors_are_refused(given):
    with pytest.raises(InputError, match=r"n_neighbors.*whole number from 1"):
        run_steps(neighbor_graph_steps(nodes(10, 2), plain_kernel(2), given))
    with pytest.raises(InputError, match="n_neighbors"):
        neighbor_extension(plain_kernel(2), nodes(10, 2), given, nodes(3, 2))


@pytest.mark.parametrize("n", [200, 1200], ids=["dense solver", "Lanczos"])
@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_eigenvectors_are_those_of_a_dense_solver(n, sigma):
    graph = run_steps(neighbor_graph_steps(nodes(n, 4), plain_kernel(4, sigma), 10))
    values, vectors, degrees = run_steps(solve_graph_steps(graph, 12, 0))
    expected_values, expected = dense_spectrum(graph, 12)
    np.testing.assert_allclose(values, expected_values, atol=1e-9)
    assert subspace_error(vectors, expected) < 1e-10
    np.testing.assert_allclose(np.abs((vectors * expected).sum(axis=0)), 1, atol=1e-6)
    np.testing.assert_allclose(degrees, graph.toarray().sum(axis=1))
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(12), atol=1e-9)
    assert values[0] == 1 and (np.diff(values) <= 1e-12).all()
    trivial = np.sqrt(degrees / degrees.sum())
    np.testing.assert_allclose(vectors[:, 0], trivial, atol=1e-12)
    for one, other in zip(
        (values, vectors), run_steps(solve_graph_steps(graph, 12, 0))[:2], strict=True
    ):
        np.testing.assert_array_equal(one, other)


def three_parts() -> tuple[csr_array, list[slice]]:
    """Parts of 200, 500 and 300 nodes, far from each other."""
    x = nodes(1000, 3)
    x[200:700] += 100
    x[700:] -= 100
    graph = run_steps(neighbor_graph_steps(x, plain_kernel(3), 8))
    return graph, [slice(0, 200), slice(200, 700), slice(700, 1000)]


@pytest.mark.parametrize("n_components", [1, 2, 3, 8, 400])
def test_parts_have_the_eigenvalue_one_each(n_components):
    graph, parts = three_parts()
    assert component_count(graph) == 3
    values, vectors, degrees = run_steps(solve_graph_steps(graph, n_components, 0))
    n_ones = min(3, n_components)
    np.testing.assert_array_equal(values[:n_ones], 1)
    assert (values[n_ones:] < 1 - 1e-6).all()
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(n_components), atol=1e-9)
    # D^½1 first; then the largest part, of which the first has been taken away.
    np.testing.assert_allclose(vectors[:, 0], np.sqrt(degrees / degrees.sum()), atol=1e-12)
    if n_components >= 2:
        share = degrees[parts[1]].sum() / degrees.sum()
        expected = -np.sqrt(degrees / degrees.sum()) * np.sqrt(share / (1 - share))
        expected[parts[1]] *= -(1 - share) / share
        np.testing.assert_allclose(vectors[:, 1], expected, atol=1e-9)
    if n_components >= 3:
        flat = vectors[:, :3] / np.sqrt(degrees)[:, None]
        for part in parts:
            np.testing.assert_allclose(flat[part], flat[part][:1].repeat(len(flat[part]), 0))
    expected_values, expected = dense_spectrum(graph, n_components)
    np.testing.assert_allclose(values, expected_values, atol=1e-9)
    if n_components > 3:
        assert subspace_error(vectors, expected) < 1e-6


def test_nodes_without_edges():
    graph = graph_of_pairs(np.empty(0, int), np.empty(0, int), np.empty(0), 900)
    values, vectors, _ = run_steps(solve_graph_steps(graph, 5, 0))
    np.testing.assert_array_equal(values, 1)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(5), atol=1e-12)
    assert component_count(graph) == 900


def test_all_eigenvectors_of_a_small_graph():
    graph = run_steps(neighbor_graph_steps(nodes(6, 2), plain_kernel(2), 5))
    values, vectors, _ = run_steps(solve_graph_steps(graph, 6, 0))
    expected, _ = dense_spectrum(graph, 6)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(6), atol=1e-9)


def ring(n: int) -> csr_array:
    """A closed chain, whose leading eigenvalues lie as close together as (2π / n)²."""
    i = np.arange(n - 1)
    return graph_of_pairs(np.append(i, 0), np.append(i + 1, n - 1), np.ones(n), n)


def test_a_ring_has_waves_in_pairs():
    n = 1500
    values, vectors, _ = run_steps(solve_graph_steps(ring(n), 5, 0))
    waves = (1 + 2 * np.cos(2 * np.pi * np.array([0, 1, 1, 2, 2]) / n)) / 3
    np.testing.assert_allclose(values, waves, atol=1e-11)
    phase = 2 * np.pi * np.arange(n) / n
    first = np.stack([np.cos(phase), np.sin(phase)], axis=1) * np.sqrt(2 / n)
    assert subspace_error(vectors[:, 1:3], first) < 1e-8


def test_iterations_that_do_not_settle_are_told_in_words(monkeypatch):
    monkeypatch.setattr("napari_ncut.spectral.sparse._ATTEMPTS", ((2, 1), (4, 1)))
    with pytest.raises(InputError, match=r"4 eigenvectors .* 1500 nodes .* larger bandwidth"):
        run_steps(solve_graph_steps(ring(1500), 5, 0))


def test_iterations_can_be_stopped(monkeypatch):
    monkeypatch.setattr("napari_ncut.spectral.sparse._INTERVAL", 0.0)
    steps = solve_graph_steps(ring(20_000), 30, 0)
    seen = [next(steps) for _ in range(20)]
    steps.close()
    assert {step.stage for step in seen} == {"eigenvectors"}
    assert all(0 <= step.fraction < 1 for step in seen)


def extended(graph, kernel, x, k, n_neighbors, queries):
    values, vectors, degrees = run_steps(solve_graph_steps(graph, k, 0))
    indices, affinities = neighbor_extension(kernel, x, n_neighbors, queries)
    weights = affinities[:, :, None] * (vectors / np.sqrt(degrees)[:, None])[indices]
    return vectors, weights.sum(1) / np.sqrt(affinities.sum(1))[:, None] / values


def test_extension_finds_neighbors_in_order():
    x = np.array([[0.0], [2.0], [2.0], [10.0]])
    indices, affinities = neighbor_extension(plain_kernel(1), x, 3, np.array([[1.0], [2.0], [100]]))
    np.testing.assert_array_equal(indices, [[0, 1, 2], [1, 2, 0], [3, 1, 2]])
    halves = [np.exp([-0.5, -0.5, -0.5]), np.exp([0.0, 0.0, -2.0])]
    np.testing.assert_allclose(affinities[:2], halves, rtol=1e-6)
    # Far from all: brought nearer until the nearest is in reach.
    assert affinities[2, 0] == pytest.approx(np.exp(-20))
    assert neighbor_extension(plain_kernel(1), x, 9, x)[0].shape == (4, 4)


def test_extension_agrees_with_the_fit_where_all_are_neighbors():
    x = nodes(80, 3)
    kernel = plain_kernel(3)
    graph = run_steps(neighbor_graph_steps(x, kernel, 79))
    vectors, again = extended(graph, kernel, x, 6, 80, x)
    np.testing.assert_allclose(again, vectors, atol=1e-6)


def test_extension_is_near_the_fit():
    x = np.concatenate([nodes(400, 3), nodes(400, 3, seed=1) + 4])
    kernel = plain_kernel(3)
    graph = run_steps(neighbor_graph_steps(x, kernel, 16))
    vectors, again = extended(graph, kernel, x, 6, 17, x)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(again, axis=1)
    assert np.median((vectors * again).sum(axis=1) / lengths) > 0.99
