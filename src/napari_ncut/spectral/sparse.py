"""Leading eigenvectors of the normalized affinity of a sparse graph."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, qr
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..progress import Progress, Steps

# Up to this size a dense solver beats Lanczos iterations.
_DENSE_NODES = 768
# Lanczos vectors per eigenvector, and restarts, of one attempt after the other.
_ATTEMPTS = ((2, 60), (4, 600))
# Residual at which an eigenvector is found: beyond what single precision can show.
_TOLERANCE = 1e-12
# Seconds between two steps of progress.
_INTERVAL = 0.1
# Matrix times vector, for 30 eigenvectors of 20,000 nodes with 32 neighbors.
_TYPICAL_PRODUCTS = 500

Eigenvectors = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def solve_graph_steps(
    graph: csr_array, n_components: int, random_state: int
) -> Steps[Eigenvectors]:
    """Leading eigenvectors of D^-½ A D^-½ of a sparse graph A, as a generator of progress.

    By a dense solver where the graph is small or most eigenvectors are asked for, otherwise by
    implicitly restarted Lanczos iterations (ARPACK: Lehoucq, Sorensen & Yang 1998).

    The eigenvalue 1 comes once for every connected component. Its eigenvectors are not left to
    the solver, which may miss some and turns the others as it likes: the first is D^½1, the others
    are D^½ on one component each, the largest first (ties: by first node), made orthogonal to all
    before. What remains is solved for beside them.

    Parameters
    ----------
    graph
        Symmetric affinities A (n, n) ≥ 0, 1 on the diagonal.
    n_components
        Number of eigenvectors k, at most n; at most n / 4 of more than 11,000 nodes.
    random_state
        Chooses where iterations start. Same graph, same state: same result.

    Returns
    -------
    eigenvalues : float64 array (k,)
        Descending, in [−1, 1].
    eigenvectors : float64 array (n, k)
        Unit columns, of either sign.
    degrees : float64 array (n,)
        Row sums of A.

    Raises
    ------
    InputError
        If the iterations do not settle: too many eigenvalues lie too close to each other.
    """
    yield Progress("eigenvectors", 0, 1)
    degrees = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    _, component = connected_components(graph, directed=False)
    basis = _component_basis(component, degrees)
    vectors = _leading(basis, component, degrees, min(n_components, basis.shape[1]))
    values = np.ones(vectors.shape[1])
    n_missing = n_components - len(values)
    if n_missing:
        rest: tuple[NDArray[np.float64], NDArray[np.float64]]
        n_nodes = len(degrees)
        inverse_root = diags_array(1 / np.sqrt(degrees))
        matrix = csr_array(inverse_root @ graph @ inverse_root)
        if n_nodes <= _DENSE_NODES or n_components > n_nodes // 4:
            rest = _solve_dense(matrix, basis, n_missing)
        else:
            rest = yield from _iterate_steps(matrix, basis, n_missing, random_state)
        # Rounding, and the deflated eigenvalues if nothing else is left.
        values = np.concatenate([values, np.clip(rest[0], -1, 1)])
        vectors = np.concatenate([vectors, rest[1]], axis=1)
    yield Progress("eigenvectors", 1, 1)
    return values, vectors, degrees


def _component_basis(component: NDArray, degrees: NDArray[np.float64]) -> csr_array:
    """D^½ on each component as a unit column, (n, c)."""
    volumes = np.bincount(component, weights=degrees)
    nodes = np.arange(len(degrees))
    shape = (len(degrees), len(volumes))
    return csr_array((np.sqrt(degrees / volumes[component]), (nodes, component)), shape=shape)


def _leading(
    basis: csr_array, component: NDArray, degrees: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """`n` orthonormal combinations (m, n) of the components' columns, D^½1 the first."""
    volumes = np.bincount(component, weights=degrees)
    sizes = np.bincount(component)
    _, first = np.unique(component, return_index=True)
    largest = np.lexsort((first, -sizes))[: n - 1]
    coordinates = np.zeros((len(sizes), n))
    coordinates[:, 0] = np.sqrt(volumes)
    coordinates[largest, np.arange(1, n)] = 1
    orthonormal, triangle = qr(coordinates, mode="economic")
    return basis @ (orthonormal * np.where(np.diag(triangle) < 0, -1.0, 1.0))


def _solve_dense(
    matrix: csr_array, basis: csr_array, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`n` eigenvectors orthogonal to the basis, whose eigenvalues 1 are moved to −1."""
    dense = matrix.toarray() - 2 * (basis @ basis.T).toarray()
    size = len(dense)
    with threadpool_limits(1, user_api="blas"):
        values, vectors = eigh(dense, subset_by_index=[size - n, size - 1])
    return values[::-1], vectors[:, ::-1]


class _Cancelled(Exception):
    """Nobody waits for these eigenvectors any longer."""


class _Deflated(LinearOperator):
    """The matrix with the eigenvalues 1 of the basis moved to −1; counts its products."""

    def __init__(self, matrix: csr_array, basis: csr_array) -> None:
        super().__init__(np.float64, matrix.shape)
        self._matrix, self._basis, self._transposed = matrix, basis, csr_array(basis.T)
        self.n_products = 0
        self.cancelled = False

    def _matvec(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.cancelled:
            raise _Cancelled
        self.n_products += 1
        vector = vector.ravel()
        deflated = self._basis @ (self._transposed @ vector)
        result: NDArray[np.float64] = self._matrix @ vector - 2 * deflated
        return result


def _iterate_steps(
    matrix: csr_array, basis: csr_array, n: int, random_state: int
) -> Generator[Progress, None, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """`_solve_dense` by Lanczos iterations.

    ARPACK tells nothing before it ends. It works in a thread, so that progress can be told and
    the work be stopped: its next product raises.
    """
    operator = _Deflated(matrix, basis)
    start = np.random.RandomState(random_state).standard_normal(matrix.shape[0])
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            for factor, restarts in _ATTEMPTS:
                n_lanczos = min(matrix.shape[0] - 1, max(factor * n + 1, 10 * factor))
                work = pool.submit(_lanczos, operator, n, start, n_lanczos, restarts)
                yield from _waiting_steps(work, operator)
                found = work.result()
                if found is not None:
                    return found
        finally:
            operator.cancelled = True
    raise InputError(
        f"{n} eigenvectors of a graph of {matrix.shape[0]} nodes were not found: too many of its "
        f"eigenvalues lie close together. Give a larger bandwidth or affinity_gamma, more "
        f"neighbors, or fewer n_components."
    )


def _waiting_steps(work: Future, operator: _Deflated) -> Generator[Progress, None, None]:
    while True:
        _, running = wait([work], timeout=_INTERVAL)
        if not running:
            return
        # How many products it takes shows at the end only; they come nearer without arriving.
        done = operator.n_products
        yield Progress("eigenvectors", done, done + _TYPICAL_PRODUCTS)


def _lanczos(
    operator: _Deflated, n: int, start: NDArray[np.float64], n_lanczos: int, restarts: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Eigenvalues, descending, and eigenvectors; None if so many restarts do not find them."""
    try:
        with threadpool_limits(1, user_api="blas"):
            values, vectors = eigsh(
                operator,
                k=n,
                which="LA",
                v0=start,
                ncv=n_lanczos,
                maxiter=restarts,
                tol=_TOLERANCE,
            )
    except ArpackNoConvergence:
        return None
    order = np.argsort(values, kind="stable")[::-1]
    return values[order], vectors[:, order]
