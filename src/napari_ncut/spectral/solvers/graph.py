"""Eigenvectors of a sparse graph: of nearest neighbors, or of one that is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Steps
from ..affinity import Kernel
from ..extension import NeighborExtension
from ..graphs import neighbor_graph_steps
from ..sparse import solve_graph_steps
from .solution import ZERO_DOUBLE, Solution, inverse, signs

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def solve_graph(
    features: NDArray,
    kernel: Kernel,
    n_components: int,
    n_neighbors: int,
    random_state: int,
    graph: csr_array | None = None,
) -> Steps[Solution]:
    """Solve the cut of a sparse graph of nodes (n, d); by default that of nearest neighbors.

    `graph` (n, n) holds affinities, symmetric, with 1 on the diagonal. Further nodes are joined to
    their nearest neighbors among the fitted ones by the kernel.
    """
    if graph is None:
        graph = yield from neighbor_graph_steps(features, kernel, n_neighbors)
    values, vectors, degrees = yield from solve_graph_steps(graph, n_components, random_state)
    values = np.where(np.abs(values) < ZERO_DOUBLE, 0.0, np.clip(values, -1, 1))
    vectors = vectors * signs(vectors) * (values != 0)
    projection = vectors * inverse(values) / np.sqrt(degrees)[:, np.newaxis]
    reference = np.asarray(features, dtype=np.float32)
    extension = NeighborExtension(kernel, reference, projection, n_neighbors)
    return Solution(vectors.astype(np.float32), values, degrees, extension)
