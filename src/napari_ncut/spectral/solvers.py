"""Leading eigenvectors of the normalized affinity: exactly, or through landmarks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_limits

from ..progress import Progress, Steps
from .affinity import Kernel

if TYPE_CHECKING:
    import torch

# Eigenvalues below these carry rounding, not information, in double and in single precision.
_ZERO_DOUBLE = 1e-10
_ZERO_SINGLE = 1e-6
# Up to this size a dense solver beats Lanczos iterations (measured on two cores).
_DENSE_NODES = 768
# Largest affinity matrix that is kept (1 GB in double precision); beyond it is computed anew for
# every product.
DENSE_AT_MOST = 11_000
# Rows of affinities computed at once: 4 MB against 1,024 landmarks stay in a core's cache. A GPU
# rather wants few calls.
_BLOCK_ROWS, _BLOCK_ROWS_ON_GPU = 1024, 8192
# Progress is told once for so many blocks.
_BLOCKS_PER_STEP = 8


@dataclass(frozen=True)
class Solution:
    """Eigenvectors and what it takes to extend them (see `Extension`)."""

    eigenvectors: NDArray[np.float32]
    eigenvalues: NDArray[np.float64]
    degrees: NDArray[np.float64]
    reference: NDArray
    projection: NDArray[np.float64]
    degree_weights: NDArray[np.float64]
    degree_floor: float


def solve_exact(
    features: NDArray, kernel: Kernel, n_components: int, random_state: int
) -> Steps[Solution]:
    """Eigenvectors by a dense solver or Lanczos iterations in double precision."""
    yield Progress("affinities", 0, 1)
    operator = _NormalizedAffinity(features, kernel)
    yield Progress("eigenvectors", 0, 1)
    n_nodes = len(features)
    if n_nodes <= _DENSE_NODES or n_components > n_nodes // 4:
        values, vectors = _top_eigenvectors(operator.dense(), n_components)
    else:
        start = np.random.RandomState(random_state).standard_normal(n_nodes)
        with _one_thread():
            values, vectors = eigsh(operator, k=n_components, which="LA", v0=start)
    order = np.argsort(values)[::-1]
    values, vectors = np.clip(values[order], -1, 1), vectors[:, order]
    values = np.where(np.abs(values) < _ZERO_DOUBLE, 0.0, values)
    vectors = vectors * _signs(vectors) * (values != 0)
    yield Progress("eigenvectors", 1, 1)
    degrees = operator.degrees
    projection = vectors * _inverse(values) / np.sqrt(degrees)[:, np.newaxis]
    return Solution(
        eigenvectors=vectors.astype(np.float32),
        eigenvalues=values,
        degrees=degrees,
        reference=np.asarray(features, dtype=np.float64),
        projection=projection,
        degree_weights=np.ones(n_nodes),
        degree_floor=0.0,
    )


class _NormalizedAffinity(LinearOperator):
    """D^-½ A D^-½ as a linear operator; A is kept where it fits in memory."""

    def __init__(self, features: NDArray, kernel: Kernel) -> None:
        import torch

        super().__init__(np.float64, (len(features), len(features)))
        self._x = kernel.prepare(np.asarray(features, dtype=np.float64), "cpu", torch.float64)
        self._kernel = kernel
        self._kept = self._block(slice(None)) if len(features) <= DENSE_AT_MOST else None
        self.degrees = self._affinity_times(np.ones(len(features)))
        self._inverse_root = 1 / np.sqrt(self.degrees)

    def _block(self, rows: slice) -> NDArray[np.float64]:
        x = self._x[rows]
        affinity = self._kernel.between(x, self._x)
        # Rounding in the expansion of d² must not take the 1 from the diagonal.
        first = rows.start or 0
        affinity[range(len(x)), range(first, first + len(x))] = 1
        block: NDArray[np.float64] = affinity.numpy()
        return block

    def _affinity_times(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._kept is not None:
            return self._kept @ vector
        n_rows = max(1, 2**24 // self.shape[0])
        starts = range(0, self.shape[0], n_rows)
        return np.concatenate([self._block(slice(s, s + n_rows)) @ vector for s in starts])

    def _matvec(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._inverse_root * self._affinity_times(self._inverse_root * vector.ravel())

    def dense(self) -> NDArray[np.float64]:
        """The whole matrix."""
        kept = self._block(slice(None)) if self._kept is None else self._kept
        return self._inverse_root[:, np.newaxis] * kept * self._inverse_root


def solve_landmarks(
    features: NDArray,
    kernel: Kernel,
    n_components: int,
    n_landmarks: int,
    random_state: int,
    device: str,
) -> Steps[Solution]:
    """Eigenvectors of the Nyström approximation A ≈ C W⁺ Cᵀ.

    C holds the affinities of all nodes to the landmarks, W those among landmarks. With
    F = D^-½ C W^-½ the normalized affinity is F Fᵀ, whose eigenvectors follow from the small FᵀF:
    exactly orthonormal, at a cost linear in the number of nodes, in three passes over blocks of C.
    """
    import torch

    n_nodes = len(features)
    chosen = np.sort(
        np.random.RandomState(random_state).choice(n_nodes, n_landmarks, replace=False)
    )
    reference = np.asarray(features[chosen], dtype=np.float32)
    inverse_root = _inverse_root(reference, kernel)

    landmarks = kernel.prepare(reference, device, torch.float32)
    n_rows = _BLOCK_ROWS if device == "cpu" else _BLOCK_ROWS_ON_GPU
    starts = range(0, n_nodes, n_rows)
    # 65,536 nodes to 1,024 landmarks are 256 MB: kept, it saves computing them three times.
    cache: dict[int, torch.Tensor] | None = {} if n_nodes * n_landmarks <= 2**26 else None

    def block(first: int) -> torch.Tensor:
        if cache is not None and first in cache:
            return cache[first]
        x = kernel.prepare(features[first : first + n_rows], device, torch.float32)
        affinity = kernel.reaching(x, landmarks)
        if cache is not None:
            cache[first] = affinity
        return affinity

    sums = np.zeros(n_landmarks)
    for done, first in enumerate(starts):
        if done % _BLOCKS_PER_STEP == 0:
            yield Progress("affinities", done, len(starts))
        sums += block(first).sum(0, dtype=torch.float64 if device != "mps" else None).cpu().numpy()

    degree_weights = inverse_root @ (inverse_root.T @ sums)
    degree_floor = _FLOOR_SHARE * n_nodes / n_landmarks
    weights = torch.as_tensor(degree_weights, dtype=torch.float32, device=device)
    degrees = np.empty(n_nodes)
    gram = np.zeros((n_landmarks, n_landmarks))
    for done, first in enumerate(starts):
        if done % _BLOCKS_PER_STEP == 0:
            yield Progress("graph", done, len(starts))
        affinity = block(first)
        degree = torch.maximum(affinity @ weights, affinity.sum(1) * degree_floor)
        degrees[first : first + n_rows] = degree.cpu().numpy()
        gram += _gram(affinity / degree.sqrt()[:, None])

    values, projection = _solve_gram(gram, inverse_root, n_components)
    result = np.empty((n_nodes, n_components), dtype=np.float32)
    on_device = torch.as_tensor(projection, dtype=torch.float32, device=device)
    for done, first in enumerate(starts):
        if done % _BLOCKS_PER_STEP == 0:
            yield Progress("eigenvectors", done, len(starts))
        rows = slice(first, first + n_rows)
        root = np.sqrt(degrees[rows])[:, np.newaxis]
        result[rows] = (block(first) @ on_device).cpu().numpy() / root
    signs = _signs(result)
    result *= signs.astype(np.float32)
    yield Progress("eigenvectors", len(starts), len(starts))
    return Solution(
        eigenvectors=result,
        eigenvalues=values,
        degrees=degrees,
        reference=reference,
        projection=projection * signs,
        degree_weights=degree_weights,
        degree_floor=degree_floor,
    )


def _gram(rows: torch.Tensor) -> NDArray[np.float32]:
    """Inner products of all pairs of columns."""
    if rows.device.type != "cpu":
        return (rows.T @ rows).cpu().numpy()
    # numpy sees that both are one matrix and computes half of the products.
    on_cpu: NDArray[np.float32] = rows.numpy()
    return on_cpu.T @ on_cpu


def _inverse_root(reference: NDArray[np.float32], kernel: Kernel) -> NDArray[np.float64]:
    """W^-½ on the range of W, (m, rank), of the affinities W among landmarks (m, d)."""
    import torch

    exact = kernel.prepare(reference, "cpu", torch.float64)
    among = kernel.between(exact, exact).numpy()
    np.fill_diagonal(among, 1)
    values, vectors = _top_eigenvectors(among, len(among))
    kept = values > _ZERO_SINGLE * values[-1]
    root: NDArray[np.float64] = vectors[:, kept] / np.sqrt(values[kept])
    return root


def _solve_gram(
    gram: NDArray[np.float64], inverse_root: NDArray[np.float64], n_components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (k,) of FFᵀ, and P (m, k) that takes D^-½ C to its eigenvectors.

    Where F has fewer than k dimensions the rest is 0.
    """
    with _one_thread():
        small = inverse_root.T @ gram @ inverse_root
    n_found = min(n_components, len(small))
    values, vectors = _top_eigenvectors((small + small.T) / 2, n_found)
    values, vectors = np.clip(values[::-1], -1, 1), vectors[:, ::-1]
    values = np.where(values < _ZERO_SINGLE, 0.0, values)
    projection = inverse_root @ (vectors * np.sqrt(_inverse(values)))
    missing = n_components - n_found
    return np.pad(values, (0, missing)), np.pad(projection, ((0, 0), (0, missing)))


def _top_eigenvectors(
    matrix: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The `n` largest eigenvalues of a symmetric matrix, ascending, with their eigenvectors."""
    size = len(matrix)
    with _one_thread():
        values, vectors = eigh(matrix, subset_by_index=[size - n, size - 1])
    return values, vectors


@contextmanager
def leave_one_core() -> Iterator[None]:
    """Let torch and BLAS use all cores but one, which the window and all else go on with.

    Threads that share a core with others make all wait at the end of every block: on two cores that
    others used, too, blocks of 1,024 rows took several times as long with two threads as with one.
    """
    import torch

    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(max(1, n_threads - 1))
        with threadpool_limits(max(1, n_threads - 1), user_api="blas"):
            yield
    finally:
        torch.set_num_threads(n_threads)


def _one_thread() -> Any:
    """Keep SciPy's linear algebra to one thread.

    On matrices of this size a second thread saves a few hundredths of a second on an idle machine,
    and costs seconds on a busy one: SciPy's threads wait for each other by spinning, and torch's
    compete with them (measured: 0.15 s with one thread; 0.12 to 9 s with two).
    """
    return threadpool_limits(1, user_api="blas")


# Where landmarks are too few for the bandwidth, W⁺ can make a degree negative; a twentieth of the
# plain estimate is far below any degree that it gets right.
_FLOOR_SHARE = 0.05


def _inverse(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / value, 0 for values of 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)


def _signs(vectors: NDArray) -> NDArray[np.float64]:
    """±1 per column: makes its sum ≥ 0 or, where that vanishes, its largest entry positive."""
    sums = vectors.sum(axis=0, dtype=np.float64)
    # Sums of unit columns reach √n; a millionth of that is what rounding leaves of a sum of 0.
    vanishing = np.abs(sums) <= 1e-6 * np.sqrt(len(vectors))
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.where(np.where(vanishing, largest, sums) < 0, -1.0, 1.0)
