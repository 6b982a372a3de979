from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from napari_ncut.errors import InputError
from napari_ncut.imaging.layout import PlaneLayout
from napari_ncut.progress import run_steps
from napari_ncut.spectral.affinity import Kernel
from napari_ncut.spectral.contours import contour_graph_steps, grid_pairs, intervening_contour
from napari_ncut.spectral.edges import edge_map
from napari_ncut.spectral.graphs import neighbor_graph_steps
from napari_ncut.spectral.sparse import solve_graph_steps


def plain_kernel(n_features: int, sigma: float = 1.0) -> Kernel:
    return Kernel(normalized=False, bandwidth=sigma, center=np.zeros(n_features))


def one_plane(shape: tuple[int, int], stride: int) -> PlaneLayout:
    return PlaneLayout(shapes=(shape,), stride=stride, stacks=((),), is_list=False)


def random_edges(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def slow_contour(edges: np.ndarray, stride: int, first: tuple, second: tuple) -> float:
    """The largest edge on the line between two cells, as the definition says."""
    height, width = edges.shape
    half = stride / 2 if stride > 1 else 1

    def around(point: float, size: int) -> list[int]:
        """Pixels whose centers lie within half a step of a point of the lattice."""
        if stride == 1:
            return [int(point)]
        middle = point * half
        inside = [p for p in range(-40, 200) if abs(p + 0.5 - middle) <= half / 2]
        return [min(max(p, 0), size - 1) for p in inside]

    def value(row: float, column: float) -> float:
        rows, columns = around(row, height), around(column, width)
        return max(edges[r, c] for r, c in product(rows, columns))

    def point(cell: int) -> int:
        return cell if stride == 1 else 2 * cell + 1

    (r0, c0), (r1, c1) = (tuple(point(v) for v in cell) for cell in (first, second))
    n = max(abs(r1 - r0), abs(c1 - c0))
    found = [0.0]
    for step in range(1, n):
        r, c = (r1 - r0) * step, (c1 - c0) * step
        for r_round, c_round in product((np.floor, np.ceil), repeat=2):
            found.append(value(r0 + r_round(r / n), c0 + c_round(c / n)))
    if abs(r1 - r0) == abs(c1 - c0):
        down, right = np.sign(r1 - r0), np.sign(c1 - c0)
        for step in range(n):
            r, c = r0 + step * down, c0 + step * right
            found.append(min(value(r + down, c), value(r, c + right)))
    return max(found)


@pytest.mark.parametrize("grid", [(1, 1), (1, 7), (6, 1), (5, 8), (9, 4)])
@pytest.mark.parametrize("radius", [1, 1.5, 2, 3.7, 40])
def test_pairs_within_a_radius(grid, radius):
    cells = list(product(range(grid[0]), range(grid[1])))
    expected = {
        (a, b)
        for a, b in product(range(len(cells)), repeat=2)
        if a < b and np.hypot(*np.subtract(cells[a], cells[b])) <= radius
    }
    i, j = grid_pairs(grid, radius)
    assert i.dtype == j.dtype == np.int32
    assert len(i) == len(expected)
    assert set(zip(i.tolist(), j.tolist(), strict=True)) == expected


def test_lines_on_a_small_grid():
    edges = np.array(
        [
            [0.0, 0.1, 0.2, 0.3, 0.4],
            [0.5, 0.6, 0.7, 0.8, 0.9],
            [0.0, 0.0, 1.0, 0.0, 0.0],
        ],
        dtype=np.float32,
    )
    by_hand = {
        # Neighbors have nothing between them, and the ends do not count.
        (10, 11): 0.0,
        (11, 12): 0.0,
        (0, 5): 0.0,
        # Along a row, and down a column.
        (0, 4): 0.3,
        (10, 14): 1.0,
        (0, 10): 0.5,
        # From (0, 0) to (1, 4): rows 0 and 1 at columns 1, 2 and 3.
        (0, 9): 0.8,
        # From (0, 0) to (1, 2): between (0, 1) and (1, 1).
        (0, 7): 0.6,
        # From (0, 0) to (2, 4): (0, 1) and (1, 1), (1, 2), (1, 3) and (2, 3).
        (0, 14): 0.8,
        # From (0, 2) to (2, 0): (1, 1), and the weaker of (0, 1), (1, 2), and of (1, 0), (2, 1).
        (2, 10): 0.6,
        # From (0, 1) to (1, 2): the weaker of (0, 2) and (1, 1).
        (1, 7): 0.2,
    }
    i, j = np.array(list(by_hand)).T
    expected = np.array(list(by_hand.values()), dtype=np.float32)
    np.testing.assert_array_equal(intervening_contour(edges, 1, i, j, (3, 5)), expected)
    np.testing.assert_array_equal(intervening_contour(edges, 1, j, i, (3, 5)), expected)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5, 8, 16])
@pytest.mark.parametrize("grid", [(4, 7), (6, 3)])
def test_lines_are_those_of_a_slow_walk(stride, grid):
    # The last row is cut by the image's border, the last column too.
    shape = (grid[0] * stride - stride // 2, grid[1] * stride - (stride - 1))
    edges = random_edges(shape)
    i, j = (v.ravel() for v in np.indices((grid[0] * grid[1],) * 2))
    found = intervening_contour(edges, stride, i, j, grid)
    assert found.dtype == np.float32
    expected = [
        slow_contour(edges, stride, divmod(a, grid[1]), divmod(b, grid[1]))
        for a, b in zip(i.tolist(), j.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


def test_blocks_change_nothing(monkeypatch):
    edges = random_edges((40, 60))
    i, j = np.random.default_rng(0).integers(0, 10 * 15, (2, 500))
    whole = intervening_contour(edges, 4, i, j, (10, 15))
    monkeypatch.setattr("napari_ncut.spectral.contours._BLOCK_PAIRS", 7)
    np.testing.assert_array_equal(intervening_contour(edges, 4, i, j, (10, 15)), whole)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_mirrored_images_have_mirrored_contours(stride):
    grid = (6, 9)
    edges = random_edges((grid[0] * stride, grid[1] * stride))
    i, j = grid_pairs(grid, 4)
    cells = np.arange(54).reshape(grid)[:, ::-1].ravel()
    mirrored = intervening_contour(edges[:, ::-1], stride, cells[i], cells[j], grid)
    np.testing.assert_array_equal(mirrored, intervening_contour(edges, stride, i, j, grid))


@pytest.mark.parametrize("stride", [1, 2, 3, 8])
@pytest.mark.parametrize("diagonal", [False, True], ids=["upright", "diagonal"])
def test_no_line_slips_through_a_thin_contour(stride, diagonal):
    grid = (9, 12)
    shape = (grid[0] * stride, grid[1] * stride)
    rows, columns = np.indices(shape)
    side = columns - 6 * stride + (rows - 4 * stride if diagonal else 0)
    i, j = grid_pairs(grid, 5)
    found = intervening_contour((side == 0).astype(np.float32), stride, i, j, grid)
    # The contour lies within one cell, so which side that cell is on is left open.
    low = side.reshape(grid[0], stride, grid[1], stride).min(axis=(1, 3)).ravel()
    high = side.reshape(grid[0], stride, grid[1], stride).max(axis=(1, 3)).ravel()
    across = ((high[i] < 0) & (low[j] > 0)) | ((high[j] < 0) & (low[i] > 0))
    assert across.sum() > 50
    assert (found[across] == 1).all()
    reach = 1 if stride == 1 else stride
    same = ((high[i] < -reach) & (high[j] < -reach)) | ((low[i] > reach) & (low[j] > reach))
    assert same.sum() > 50
    assert (found[same] == 0).all()


def test_a_contour_on_the_border_of_cells_parts_neighbors():
    edges = np.zeros((8, 32), dtype=np.float32)
    edges[:, 15:17] = 1
    cells = np.arange(4)
    found = intervening_contour(edges, 8, cells[:-1], cells[1:], (1, 4))
    np.testing.assert_array_equal(found, [0, 1, 0])


def test_edges_of_a_step_lie_on_the_step():
    plane = np.zeros((20, 30, 2), dtype=np.float32)
    plane[:, 15:, 1] = 0.5
    edges = edge_map(plane, 1.0)
    expected = np.zeros((20, 30))
    expected[:, 14:16] = 1
    assert edges.dtype == np.float32
    np.testing.assert_allclose(edges, expected, atol=1e-6)


def test_weaker_steps_have_weaker_edges():
    plane = np.zeros((40, 90, 1), dtype=np.float32)
    plane[:, 30:60] = 0.8
    plane[:, 60:] = 1.0
    edges = edge_map(plane, 1.0)
    np.testing.assert_allclose(edges[:, 29:31], 1, atol=1e-5)
    np.testing.assert_allclose(edges[:, 59:61], 0.25, atol=1e-5)
    # Turned by 90 degrees, and at another brightness, the same.
    turned = edge_map(0.3 * plane.transpose(1, 0, 2) + 0.2, 1.0)
    np.testing.assert_allclose(turned, edges.T, atol=1e-5)


@pytest.mark.parametrize("shape", [(7, 9, 3), (1, 9, 1), (9, 1, 2), (1, 1, 1)])
def test_constant_images_have_no_edges(shape):
    edges = edge_map(np.full(shape, 0.3, dtype=np.float32))
    np.testing.assert_array_equal(edges, np.zeros(shape[:2]))


@pytest.mark.parametrize("sigma", [0, -1, np.nan, "wide", None])
def test_impossible_scales_are_refused(sigma):
    with pytest.raises(InputError, match=r"Sigma .* above 0"):
        edge_map(np.zeros((4, 4, 1)), sigma)


@pytest.mark.parametrize("plane", [np.zeros((4, 4)), np.full((4, 4, 1), np.nan)])
def test_impossible_planes_are_refused(plane):
    with pytest.raises(InputError, match=r"finite values \(rows, columns, channels\)"):
        edge_map(plane)


def slow_contour_graph(features, layout, edge_maps, radius, n_neighbors, strength):
    """Affinities exp(−|x − y|²) cut by contours, pair by pair."""
    n_nodes = layout.n_nodes
    squares = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    near = np.eye(n_nodes, dtype=bool)
    for i in range(n_nodes):
        order = [j for j in np.argsort(squares[i], kind="stable") if j != i][:n_neighbors]
        near[i, order] = near[order, i] = True
    places = [
        (plane, *divmod(cell, grid[1]))
        for plane, grid in enumerate(layout.grids)
        for cell in range(grid[0] * grid[1])
    ]
    graph = np.zeros((n_nodes, n_nodes))
    for a, b in product(range(n_nodes), repeat=2):
        (plane, r, c), (other, s, d) = places[a], places[b]
        in_radius = plane == other and np.hypot(r - s, c - d) <= radius
        if not (near[a, b] or in_radius):
            continue
        graph[a, b] = np.exp(-squares[a, b])
        if plane == other and a != b:
            first, second = sorted([(r, c), (s, d)])
            strongest = slow_contour(edge_maps[plane], layout.stride, first, second)
            graph[a, b] *= np.exp(-strength * strongest)
    return graph


LAYOUTS = {
    "one plane": one_plane((14, 25), 3),
    "stack": PlaneLayout(((9, 13), (9, 13)), 2, ((2,),), False),
    "list": PlaneLayout(((5, 9), (7, 4), (1, 6)), 1, ((), (), ()), True),
    "smaller than a cell": PlaneLayout(((5, 9), (40, 30)), 16, ((), ()), True),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_graph_is_that_of_all_pairs(layout):
    features = np.random.default_rng(3).normal(0, 0.5, (layout.n_nodes, 3)).astype(np.float32)
    maps = [random_edges(shape, seed) for seed, shape in enumerate(layout.shapes)]
    steps = contour_graph_steps(
        features, plain_kernel(3, 0.5**0.5), layout, maps, radius=2, n_neighbors=4, strength=3
    )
    graph = run_steps(steps)
    expected = slow_contour_graph(features, layout, maps, 2, 4, 3)
    np.testing.assert_array_equal(graph.toarray() > 0, expected > 0)
    np.testing.assert_allclose(graph.toarray(), expected, rtol=1e-5)
    assert (graph != graph.T).nnz == 0
    assert (graph.diagonal() == 1).all()
    assert graph.has_sorted_indices and graph.dtype == np.float64


def test_planes_are_joined_by_their_features():
    layout = LAYOUTS["stack"]
    features = np.tile(np.random.default_rng(0).normal(0, 1, (35, 2)), (2, 1))
    maps = [np.ones((9, 13)) for _ in range(2)]
    graph = run_steps(contour_graph_steps(features, plain_kernel(2), layout, maps))
    # Nothing intervenes between a cell and the same cell of the next plane.
    np.testing.assert_allclose(graph.toarray()[range(35), range(35, 70)], 1)


def test_without_strength_contours_are_let_be():
    layout = one_plane((8, 12), 1)
    features = np.random.default_rng(0).normal(0, 0.5, (96, 2))
    settings = {"radius": 1, "n_neighbors": 200}
    graph = run_steps(
        contour_graph_steps(
            features, plain_kernel(2), layout, [np.ones((8, 12))], strength=0, **settings
        )
    )
    plain = run_steps(neighbor_graph_steps(features, plain_kernel(2), 200))
    np.testing.assert_allclose(graph.toarray(), plain.toarray())


def barred() -> tuple[np.ndarray, np.ndarray, PlaneLayout]:
    """Two parts alike, between them a bright bar of two pixels; cells of four."""
    plane = np.full((40, 64, 1), 0.2, dtype=np.float32)
    plane[:, 43:45] = 1
    edges = (plane[..., 0] > 0.5).astype(np.float32)
    return plane, edges, one_plane((40, 64), 4)


def test_a_bar_parts_what_it_lies_between():
    _, edges, layout = barred()
    features = np.zeros((160, 1))
    steps = contour_graph_steps(features, plain_kernel(1), layout, [edges], radius=3, strength=10.0)
    graph = run_steps(steps)
    dense = graph.toarray()
    right = np.arange(160) % 16 >= 11
    across = dense[np.ix_(~right, right)]
    np.testing.assert_allclose(across[across > 0], np.exp(-10), rtol=1e-5)
    for side in (right, ~right):
        within = dense[np.ix_(side, side)]
        assert (within[within > 0] == 1).all()


@pytest.mark.parametrize("own", [True, False], ids=["edges given", "edges found"])
def test_the_cut_follows_a_contour_between_equal_features(own):
    plane, edges, layout = barred()
    maps = [edges if own else edge_map(plane)]
    # Noise much below the bandwidth, so that neighbors by features are anywhere.
    features = np.random.default_rng(0).normal(0, 0.01, (160, 4))
    kernel = plain_kernel(4)
    right = np.arange(160) % 16 >= 11

    def second(strength):
        graph = run_steps(contour_graph_steps(features, kernel, layout, maps, strength=strength))
        values, vectors, degrees = run_steps(solve_graph_steps(graph, 2, 0))
        return vectors[:, 1] / np.sqrt(degrees), values[1]

    cut, value = second(10.0)
    assert value > 0.95
    assert ((cut > 0) == right).all() or ((cut < 0) == right).all()
    mixed, value = second(0.0)
    assert value < 0.9
    agreement = ((mixed > 0) == right).mean()
    assert max(agreement, 1 - agreement) < 0.9


def test_same_input_gives_the_same_graph():
    layout = LAYOUTS["list"]
    features = np.random.default_rng(1).integers(0, 3, (layout.n_nodes, 2))
    maps = [random_edges(shape) for shape in layout.shapes]
    one, other = (
        run_steps(contour_graph_steps(features, plain_kernel(2), layout, maps)) for _ in range(2)
    )
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_array_equal(one.data, other.data)


GOOD = {"radius": 2, "n_neighbors": 3, "strength": 5.0}


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        (np.zeros((5, 8)), r"have 5 × 8 pixels, the plane has 8 × 5"),
        (np.zeros((8, 5, 3)), r"shape \(8, 5, 3\)"),
        (np.full((8, 5), np.nan), "NaN"),
        (np.full((8, 5), 1.5), r"reach from 1.5 to 1.5; strengths from 0 .* to 1"),
        (np.full((8, 5), -0.5), r"from -0.5"),
        (np.full((8, 5), "edge"), "dtype"),
    ],
)
def test_impossible_edges_are_refused(edges, words):
    layout = one_plane((8, 5), 1)
    with pytest.raises(InputError, match=words):
        run_steps(contour_graph_steps(np.zeros((40, 2)), plain_kernel(2), layout, [edges], **GOOD))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radius": 0.5}, "Radius 0.5 .* from 1"),
        ({"radius": "far"}, "Radius"),
        ({"radius": np.nan}, "Radius"),
        ({"n_neighbors": 0}, "n_neighbors 0"),
        ({"n_neighbors": 1.5}, "n_neighbors 1.5"),
        ({"strength": -1}, "strength -1"),
        ({"strength": np.inf}, "strength inf"),
    ],
)
def test_impossible_parameters_are_refused(change, words):
    layout = one_plane((8, 5), 1)
    with pytest.raises(InputError, match=words):
        run_steps(
            contour_graph_steps(
                np.zeros((40, 2)), plain_kernel(2), layout, [np.zeros((8, 5))], **(GOOD | change)
            )
        )


def test_what_does_not_belong_together_is_refused():
    layout = one_plane((8, 5), 1)
    kernel, edges = plain_kernel(2), np.zeros((8, 5))
    with pytest.raises(InputError, match=r"2 edge map\(s\) were given for 1 plane"):
        run_steps(contour_graph_steps(np.zeros((40, 2)), kernel, layout, [edges] * 2))
    with pytest.raises(InputError, match="41 nodes, but the images have 40 cells"):
        run_steps(contour_graph_steps(np.zeros((41, 2)), kernel, layout, [edges]))
    with pytest.raises(InputError, match="do not belong to a grid of 3 × 3 cells of 2 pixels"):
        intervening_contour(edges, 2, np.array([0]), np.array([1]), (3, 3))
    large = one_plane((3000, 3000), 1)
    features = np.broadcast_to(np.zeros(2), (large.n_nodes, 2))
    with pytest.raises(InputError, match="smaller radius or a larger stride"):
        run_steps(contour_graph_steps(features, kernel, large, [np.zeros((3000, 3000))]))
