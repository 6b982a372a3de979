"""The normalized cut as an estimator."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ..devices import choose_device, torch_alone
from ..errors import InputError, check_choice, is_number, real_matrix
from ..progress import Steps, run_steps
from .affinity import Affinity, Kernel, check_affinity, check_neighborly, fit_kernel
from .extension import AnyExtension
from .names import ACCURACIES
from .neighbors import check_n_neighbors
from .solvers import Solution, most_components, solve_steps
from .solvers.graph import solve_graph
from .solvers.solution import smallest

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Differences of twice this still lie within the range of float32, 3e38.
_LARGEST_FEATURE = 1e38


# An eigenvalue this near 1 belongs to a part that rounding alone connects to the rest.
_APART = 1e-6


class SpectrumWarning(UserWarning):
    """The graph has fewer informative eigenvectors than were asked for."""


class DisconnectedWarning(UserWarning):
    """The graph falls into parts between which there is no affinity."""


class NCut(TransformerMixin, BaseEstimator):
    """Eigenvectors of the normalized cut of a fully connected graph of nodes.

    Every row of X is a node; A holds the affinities of all pairs (1 on the diagonal), D their row
    sums. The result are the leading eigenvectors of D^-½ A D^-½ (Shi & Malik, "Normalized Cuts and
    Image Segmentation", PAMI 2000): unit columns, eigenvalues descending in [−1, 1], the trivial
    first one included. The sum of a column is ≥ 0; where it vanishes the largest entry is positive.

    How it is solved follows the number of nodes, the affinity and `accuracy`: small graphs by a
    dense solver; then all pairs by filtered subspace iteration; large graphs through landmarks
    where a few hundred of them show the whole affinity (it is smooth), else through a weighted
    sample that keeps all lonely nodes (it is sharp). Memory is bounded by X, the result and about
    0.5 GB, and by `memory` with accuracy="exact".

    Parameters
    ----------
    n_components : int
        Number of eigenvectors. More tell smaller groups apart.
    affinity : "rbf", "cosine", "neighbors" or callable
        "rbf" is exp(−d²/2σ²); "cosine" is exp(−(1−cos)/affinity_gamma); "neighbors" is the RBF
        among the `n_neighbors` nearest neighbors of each node (of either of two) and 0 elsewhere.
        A callable takes arrays (n, d) and (m, d) and returns affinities (n, m) ≥ 0, symmetric; the
        kernels of `sklearn.metrics.pairwise` are such.
    bandwidth : "auto" or float
        σ of the RBF. "auto" is √(affinity_gamma · Σ variances of the features): affinities do not
        change when features are rescaled or repeated. A number is σ itself, in units of the
        features. Smaller cuts sharper.
    affinity_gamma : float
        Of the cosine affinity, and of the RBF's "auto". Smaller cuts sharper.
    n_neighbors : int
        Of "neighbors". Fewer follow thin chains of alike nodes, and may disconnect the graph.
    accuracy : "fast", "balanced" or "exact"
        In terms of the error, the mean sin² of the angles between the eigenvectors found and the
        true ones. "fast": below 0.02, or 0.05 where the affinity is sharp (the last eigenvalue is
        above 0.5). "balanced": below 0.01, for smooth and sharp affinities. "exact": residuals
        ‖Su − λu‖ below 1e-4 and errors below 1e-6, with time that grows with the square of the
        number of nodes (double precision up to 4,096). Where eigenvalues coincide beyond the last
        one asked for, which of their eigenvectors come is arbitrary.
        "neighbors" is always solved to the end. Measured in ``docs/benchmarks.md``.
    random_state : int
        Of starting vectors, landmarks and samples. Same input, same state: same result, bit for
        bit on one machine.
    device : str or None
        "cpu", "cuda" or "mps"; None takes "cuda" if there is one, else "cpu". Sparse and small
        graphs are solved on the CPU.
    memory : float
        Gigabytes that accuracy="exact" may use to keep affinities, rather than to compute them
        anew in every iteration.

    Attributes
    ----------
    eigenvalues_ : float64 array (n_components,)
    bandwidth_ : float
        The σ that was used (√affinity_gamma for "cosine"; NaN for a callable).
    degrees_ : float64 array (n,)
        Row sums of the affinities.
    n_features_in_ : int
    """

    def __init__(
        self,
        n_components: int = 30,
        *,
        affinity: Literal["rbf", "cosine", "neighbors"] | Affinity = "rbf",
        bandwidth: float | Literal["auto"] = "auto",
        affinity_gamma: float = 1.0,
        n_neighbors: int = 32,
        accuracy: Literal["fast", "balanced", "exact"] = "balanced",
        random_state: int = 0,
        device: str | None = None,
        memory: float = 4.0,
    ) -> None:
        self.n_components = n_components
        self.affinity = affinity
        self.bandwidth = bandwidth
        self.affinity_gamma = affinity_gamma
        self.n_neighbors = n_neighbors
        self.accuracy = accuracy
        self.random_state = random_state
        self.device = device
        self.memory = memory

    def fit(self, X: ArrayLike, y: None = None) -> NCut:
        """Solve the cut of the nodes X (n, d). Returns self."""
        run_steps(self.fit_steps(X))
        return self

    def fit_transform(self, X: ArrayLike, y: None = None, **_: Any) -> NDArray[np.float32]:
        """Solve the cut of the nodes X (n, d) and return its eigenvectors, float32 (n, k)."""
        return run_steps(self.fit_steps(X))

    def check(self) -> None:
        """Raise an `InputError` unless the parameters can be used, before any nodes are there."""
        check_choice("accuracy", self.accuracy, ACCURACIES)
        check_affinity(self.affinity, self.bandwidth, self.affinity_gamma)
        check_n_neighbors(self.n_neighbors)
        if not is_number(self.n_components, whole=True) or self.n_components < 1:
            raise InputError(
                f"n_components {self.n_components!r} cannot be used. Give a whole number from 1."
            )
        if not is_number(self.random_state, whole=True) or not 0 <= self.random_state < 2**32:
            raise InputError(
                f"random_state {self.random_state!r} cannot be used. Give a whole number from 0 to "
                f"{2**32 - 1}: the same one gives the same result."
            )
        if not is_number(self.memory) or self.memory <= 0:
            raise InputError(
                f"memory {self.memory!r} cannot be used. Give a number of gigabytes above 0."
            )
        choose_device(self.device)

    def check_size(self, n_nodes: int) -> None:
        """Raise an `InputError` unless a graph of so many nodes has the eigenvectors asked for."""
        most, because = n_nodes, f"there are {n_nodes} nodes"
        if self.n_components <= n_nodes:
            most = most_components(self.accuracy, n_nodes, sparse=self.affinity == "neighbors")
            because = f"more of {n_nodes} nodes would not fit in memory"
            if self.accuracy != "exact" and self.affinity != "neighbors":
                because = f'accuracy="{self.accuracy}" solves {n_nodes} nodes by some of them'
        if self.n_components > most:
            raise InputError(
                f"{self.n_components} eigenvectors were asked for, but {because}. Give "
                f"n_components of at most {most}."
            )

    def fit_steps(
        self, X: ArrayLike, *, graph: csr_array | None = None, spare_core: bool = False
    ) -> Steps[NDArray[np.float32]]:
        """`fit_transform` as a generator of progress.

        Parameters
        ----------
        X
            Nodes (n, d).
        graph
            A sparse affinity (n, n) of these nodes, symmetric with 1 on the diagonal, in place of
            the one that `affinity` describes, which then only joins further nodes to them.
        spare_core
            Leave one core to others.
        """
        self.check()
        features = _check_features(X)
        self.check_size(len(features))
        device = choose_device(self.device)
        solver: Steps[Solution]
        with torch_alone(spare_core=spare_core):
            kernel = fit_kernel(features, self.affinity, self.bandwidth, self.affinity_gamma)
            if graph is not None or self.affinity == "neighbors":
                check_neighborly(self.affinity)
                assert isinstance(kernel, Kernel)
                solver = solve_graph(
                    features,
                    kernel,
                    self.n_components,
                    self.n_neighbors,
                    self.random_state,
                    graph,
                )
            else:
                solver = solve_steps(
                    features,
                    kernel,
                    self.n_components,
                    self.accuracy,
                    self.random_state,
                    device,
                    self.memory * 1e9,
                )
            solution = yield from solver
        self._warn(solution.eigenvalues, len(features))
        self.restore(solution.extension, solution.eigenvalues, solution.degrees)
        return solution.eigenvectors

    def _warn(self, eigenvalues: NDArray[np.float64], n_nodes: int) -> None:
        """Tell of graphs that have fewer eigenvectors, or fall apart."""
        informative = int(np.count_nonzero(eigenvalues))
        if informative < self.n_components:
            warnings.warn(
                f"Only {informative} of {self.n_components} eigenvectors carry information: the "
                f"nodes have too few distinct features (a constant image, or an n_components too "
                f"large). The other columns are 0.",
                SpectrumWarning,
                stacklevel=3,
            )
        n_parts = int(np.count_nonzero(eigenvalues > 1 - max(_APART, smallest(False, n_nodes))))
        if n_parts > 1:
            at_least = "at least " if n_parts == self.n_components else ""
            warnings.warn(
                f"The graph falls into {at_least}{n_parts} parts that are not connected, or next "
                f"to not: their nodes have no affinity to each other. The first {n_parts} "
                f"eigenvectors only tell these parts apart, in no particular order. A larger "
                f"bandwidth or affinity_gamma (or n_neighbors) connects them.",
                DisconnectedWarning,
                stacklevel=3,
            )

    def restore(
        self,
        extension: AnyExtension,
        eigenvalues: NDArray[np.float64],
        degrees: NDArray[np.float64],
    ) -> None:
        """Take the state of a fit, just solved or read from a file."""
        self.extension = extension
        self.n_features_in_ = extension.reference.shape[1]
        self.eigenvalues_ = eigenvalues
        self.degrees_ = degrees
        self.bandwidth_ = extension.kernel.bandwidth

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Eigenvectors at new nodes X (m, d), float32 (m, k), by the Nyström extension.

        Nodes that were fitted get the eigenvectors of the fit ("neighbors": nearly). A node that is
        far from all of them (see `distance_to_fit`) still gets a direction, but an extrapolated
        one, at a small length. Rows of a fifth more nodes agree with a cut of all of them to a
        median cosine of 0.98 and more.
        """
        features = self._check_fitted(X)
        return run_steps(self.extension.eigenvector_steps(features, choose_device(self.device)))[0]

    def extend(self, X: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """What `transform` returns, and the degrees of the nodes X in the fitted graph (m,).

        Degrees of far nodes are raised by the square of what their eigenvectors were, so that D^-½u
        holds for them, too.
        """
        features = self._check_fitted(X)
        return run_steps(self.extension.eigenvector_steps(features, choose_device(self.device)))

    def distance_to_fit(self, X: ArrayLike) -> NDArray[np.float32]:
        """Distance of each row of X (m, d) to the nearest reference node, in bandwidths, (m,).

        Reference nodes are all fitted nodes, or the landmarks or the sample of a large graph. With
        a callable, the distance at which an RBF has the largest affinity to them.
        Beyond about 3 the eigenvectors at that node are an extrapolation.
        """
        features = self._check_fitted(X)
        return self.extension.distances(features, choose_device(self.device))

    def _check_fitted(self, X: ArrayLike) -> NDArray:
        if not hasattr(self, "extension"):
            raise InputError("This NCut has not been fitted. Call fit or fit_transform first.")
        features = _check_features(X)
        if features.shape[1] != self.n_features_in_:
            raise InputError(
                f"The nodes have {features.shape[1]} features, the fit had {self.n_features_in_}. "
                f"Compute them with the same backbone, layer, node and channels."
            )
        return features


def _check_features(X: ArrayLike) -> NDArray:
    flatten = "feature maps with reshape(-1, d)"
    features = real_matrix("Nodes", "(n nodes, d features)", flatten, X)
    if features.dtype not in (np.float32, np.float64):
        features = features.astype(np.float32)
    # Both are NaN if anything is.
    largest = max(-features.min(), features.max())
    if not np.isfinite(largest):
        raise InputError("Nodes contain NaN or infinite features. Remove or replace them first.")
    if largest > _LARGEST_FEATURE:
        raise InputError(
            f"Nodes have features as large as {largest:g}, whose squares cannot be added. "
            f"Divide them by a number first; the automatic bandwidth follows."
        )
    return features
