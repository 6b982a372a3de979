"""How rows of numbers become clusters: what the registry of clusterers is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .curve import cluster_curve

Rows = NDArray[np.float64]
Numbers = NDArray[np.int64]

# In descriptors whose distance 1 is as likely within a kind as between two: chosen on synthesized
# images and on nuclei that networks may be trained on.
_APART = 0.85
# Most classes that are tried, where nothing says how many there are.
_MOST = 10
# Below it there is no structure worth a name (Kaufman & Rousseeuw 1990, chapter 2).
_NO_STRUCTURE = 0.25


@dataclass(frozen=True)
class Task:
    """What is to be clustered.

    Attributes
    ----------
    rows : float64 array (n, d)
        Descriptors, n ≥ 2.
    n_classes : int or None
        How many classes are wanted, at most n; None leaves it to the clusterer.
    calibrated : bool
        Whether a distance of 1 is as likely within a class as between two.
    random_state : int
    """

    rows: Rows = field(repr=False)
    n_classes: int | None = None
    calibrated: bool = False
    random_state: int = 0


def dbscan_numbers(task: Task, *, eps: float | None, min_samples: int, metric: str) -> Numbers:
    """Ester et al., "A density-based algorithm for discovering clusters", KDD 1996."""
    from sklearn.cluster import DBSCAN

    if eps is None:
        curve = cluster_curve(task.rows, min_samples=min_samples, metric=metric)
        eps = curve.suggested
    # A distance of 0 is no neighborhood for scikit-learn, but equal masks are one class.
    found = DBSCAN(eps=max(eps, 1e-9), min_samples=min_samples, metric=metric).fit(task.rows)
    return found.labels_.astype(np.int64)


def hdbscan_numbers(task: Task, *, min_cluster_size: int, min_samples: int) -> Numbers:
    """What stays dense longest as density rises; one cluster if nothing parts.

    Campello, Moulavi & Sander, "Density-based clustering based on hierarchical density estimates",
    2013.
    """
    from sklearn.cluster import HDBSCAN

    n = len(task.rows)
    if n < max(min_cluster_size, 3):
        return np.zeros(n, np.int64)
    found = HDBSCAN(
        min_cluster_size=min_cluster_size,
        min_samples=min(min_samples, n - 1),
        allow_single_cluster=True,
        copy=True,
    ).fit(task.rows)
    return found.labels_.astype(np.int64)


def agglomerative_numbers(task: Task, *, distance: float | None, linkage: str) -> Numbers:
    """The two nearest merge, until as many are left as wanted, or none is near enough."""
    from sklearn.cluster import AgglomerativeClustering

    def merged(n_classes: int | None, threshold: float | None = None) -> Numbers:
        found = AgglomerativeClustering(
            n_clusters=n_classes, distance_threshold=threshold, linkage=linkage
        ).fit(task.rows)
        return found.labels_.astype(np.int64)

    if task.n_classes is not None:
        return merged(task.n_classes)
    if distance is None and task.calibrated and linkage == "average":
        distance = _APART
    if distance is not None:
        return merged(None, distance)
    return _most_structured(task, merged)


def kmeans_numbers(task: Task, *, n_init: int) -> Numbers:
    """Lloyd's k-means with k-means++ starts; no more classes than distinct masks."""
    from sklearn.cluster import KMeans

    def parted(n_classes: int) -> Numbers:
        found = KMeans(n_classes, n_init=n_init, random_state=task.random_state).fit(task.rows)
        return found.labels_.astype(np.int64)

    n_distinct = len(np.unique(task.rows, axis=0))
    if task.n_classes is not None:
        return parted(min(task.n_classes, n_distinct))
    return _most_structured(task, parted)


def ncut_numbers(task: Task, *, affinity_gamma: float, discretization: str) -> Numbers:
    """The normalized cut of the graph of all pairs of masks, discretized."""
    import warnings

    from ..spectral.discretize import discretize
    from ..spectral.eigengap import suggest_groups
    from ..spectral.ncut import DisconnectedWarning, NCut, SpectrumWarning

    n = len(task.rows)
    n_components = min(n, max(_MOST + 1, task.n_classes or 0))
    # Of few masks each has its affinity to all others, and a dense solver is at hand.
    accuracy = "exact" if n <= 2048 else "balanced"
    cut = NCut(
        n_components,
        affinity_gamma=affinity_gamma,
        accuracy=accuracy,  # type: ignore[arg-type]
        random_state=task.random_state,
        device="cpu",
    )
    with warnings.catch_warnings():
        # Masks that are all alike, or fall into groups that are far apart, are no fault here.
        warnings.simplefilter("ignore", SpectrumWarning)
        warnings.simplefilter("ignore", DisconnectedWarning)
        vectors = cut.fit_transform(task.rows)
    n_classes = task.n_classes
    if n_classes is None:
        suggested = suggest_groups(cut.eigenvalues_, largest=_MOST)
        n_classes = suggested[0] if suggested else 1
    n_classes = min(n_classes, n_components)
    groups = discretize(
        vectors[:, :n_classes],
        n_classes,
        method=discretization,  # type: ignore[arg-type]
        random_state=task.random_state,
    )
    return groups.astype(np.int64) - 1


def _most_structured(task: Task, parted: Callable[[int], Numbers]) -> Numbers:
    """The number of classes whose silhouette is largest; one class if none has any structure.

    Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
    analysis", 1987.
    """
    from sklearn.metrics import silhouette_score

    best, found = _NO_STRUCTURE, np.zeros(len(task.rows), np.int64)
    n_distinct = len(np.unique(task.rows, axis=0))
    sample = min(len(task.rows), 2000)
    for n_classes in range(2, min(_MOST, n_distinct, len(task.rows) - 1) + 1):
        numbers = parted(n_classes)
        score = silhouette_score(
            task.rows, numbers, sample_size=sample, random_state=task.random_state
        )
        if score > best:
            best, found = float(score), numbers
    return found
