"""From the nodes of a cut to further nodes: the Nyström extension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .affinity import AnyKernel, Kernel

if TYPE_CHECKING:
    import torch

# Affinities of so many rows to so many reference nodes stay in a core's cache. A GPU rather wants
# few calls.
_ROWS, _REFERENCES = 2048, 1024
_ROWS_ON_GPU, _REFERENCES_ON_GPU = 8192, 8192
# Rows that nearest neighbors are looked up for between two steps of progress.
_SPARSE_ROWS = 16384
# Rows with less affinity than this to all reference nodes are far from them.
_FAR = 1e-9


@dataclass(frozen=True)
class Extension:
    """The Nyström extension: u(x) = d(x)^-½ a(x) P, d(x) = a(x) w, a(x) to the reference nodes.

    Attributes
    ----------
    kernel : Kernel or FunctionKernel
    reference : array (m, d)
        Features of the reference nodes.
    projection : array (m, k)
        P.
    degree_weights : array (m,)
        w.
    degree_floor : float
        Share of the plain estimate of a degree (the mean affinity times the number of nodes)
        below which w, which has entries of both signs when landmarks are few for the bandwidth, is
        not believed.
    """

    kernel: AnyKernel
    reference: NDArray
    projection: NDArray[np.float64]
    degree_weights: NDArray[np.float64]
    degree_floor: float

    def eigenvector_steps(
        self, features: NDArray, device: str
    ) -> Steps[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Eigenvectors (n, k) and degrees (n,) at features (n, d), as a generator of progress."""
        import torch

        device, dtype = self._place(device)
        reference = self.kernel.prepare(self.reference, device, dtype)
        ones = np.ones((len(reference), 1))
        taken = np.concatenate([self.projection, self.degree_weights[:, np.newaxis], ones], axis=1)
        weights = torch.as_tensor(taken, dtype=dtype).to(device)
        vectors = np.empty((len(features), self.projection.shape[1]), dtype=np.float32)
        degrees = np.empty(len(features))
        n_rows, n_columns = _sizes(device)
        for first in range(0, len(features), n_rows):
            yield Progress("extension", first, len(features))
            rows = slice(first, first + n_rows)
            x = self.kernel.prepare(features[rows], device, dtype)
            sums = torch.zeros(len(x), weights.shape[1], device=device, dtype=dtype)
            for start in range(0, len(reference), n_columns):
                columns = slice(start, start + n_columns)
                sums += self.kernel.between(x, reference[columns]) @ weights[columns]
            far = torch.nonzero(sums[:, -1] < _FAR)[:, 0]
            for some in far.split(max(1, n_rows * n_columns // len(reference))):
                if len(some) == 0:
                    break  # of nothing, split makes one empty part
                sums[some] = self.kernel.reaching(x[some], reference) @ weights
            degree = torch.maximum(sums[:, -2], sums[:, -1] * self.degree_floor)
            vectors[rows] = (sums[:, :-2] / degree[:, None].sqrt()).cpu().numpy()
            degrees[rows] = degree.cpu().numpy()
        return vectors, degrees

    def distances(self, features: NDArray, device: str) -> NDArray[np.float32]:
        """Distance to the nearest reference node in bandwidths, (n,)."""
        device, dtype = self._place(device)
        reference = self.kernel.prepare(self.reference, device, dtype)
        result = np.full(len(features), np.inf, dtype=np.float32)
        n_rows, n_columns = _sizes(device)
        for first in range(0, len(features), n_rows):
            rows = slice(first, first + n_rows)
            x = self.kernel.prepare(features[rows], device, dtype)
            for start in range(0, len(reference), n_columns):
                nearest = self.kernel.distances(x, reference[start : start + n_columns])
                result[rows] = np.minimum(result[rows], nearest.cpu().numpy())
        return result

    def _place(self, device: str) -> tuple[str, torch.dtype]:
        """Where and how precisely: as the cut itself was computed."""
        import torch

        if self.reference.dtype != np.float64:
            return device, torch.float32
        # Apple's GPUs have no double precision.
        return ("cpu" if device.startswith("mps") else device), torch.float64


@dataclass(frozen=True)
class NeighborExtension:
    """The Nyström extension of a sparse graph: sums over the nearest fitted nodes only.

    A fitted node's own row also holds the nodes whose neighbor it is, which are not found from its
    side: at fitted nodes it is near the fit (median cosine of a node's row 0.999), not equal to it.

    Attributes
    ----------
    kernel : Kernel
    reference : float32 array (m, d)
        Features of all fitted nodes.
    projection : array (m, k)
        D^-½ u / λ.
    n_neighbors : int
        Neighbors that each fitted node was joined to.
    """

    kernel: Kernel
    reference: NDArray
    projection: NDArray[np.float64]
    n_neighbors: int

    def eigenvector_steps(
        self, features: NDArray, device: str
    ) -> Steps[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Eigenvectors (n, k) and degrees (n,) at features (n, d), as a generator of progress."""
        from .graphs import neighbor_extension

        vectors = np.empty((len(features), self.projection.shape[1]), dtype=np.float32)
        degrees = np.empty(len(features))
        for first in range(0, len(features), _SPARSE_ROWS):
            yield Progress("extension", first, len(features))
            rows = slice(first, first + _SPARSE_ROWS)
            # One more: a fitted node finds itself first.
            indices, affinities = neighbor_extension(
                self.kernel, self.reference, self.n_neighbors + 1, features[rows]
            )
            degrees[rows] = affinities.sum(axis=1)
            sums = np.einsum("nj,njk->nk", affinities, self.projection[indices])
            vectors[rows] = sums / np.sqrt(degrees[rows])[:, np.newaxis]
        return vectors, degrees

    def distances(self, features: NDArray, device: str) -> NDArray[np.float32]:
        """Distance to the nearest fitted node in bandwidths, (n,)."""
        none = np.zeros((len(self.reference), 0))
        dense = Extension(self.kernel, self.reference, none, np.ones(len(none)), degree_floor=0.0)
        return dense.distances(features, device)


AnyExtension = Extension | NeighborExtension


def _sizes(device: str) -> tuple[int, int]:
    """Rows and reference nodes of one block of affinities."""
    return (_ROWS, _REFERENCES) if device == "cpu" else (_ROWS_ON_GPU, _REFERENCES_ON_GPU)
