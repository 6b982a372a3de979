"""How described masks become classes: the registry of clusterers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..declared import Parameter, checked_parameters
from ..errors import InputError, check_choice, is_number
from .clustering import (
    Numbers,
    Task,
    agglomerative_numbers,
    dbscan_numbers,
    hdbscan_numbers,
    kmeans_numbers,
    ncut_numbers,
)

METRICS: dict[str, str] = {
    "euclidean": "by distance",
    "cosine": "by direction, 1 − cos",
}
LINKAGES: dict[str, str] = {
    "average": "by the mean distance of their masks",
    "complete": "by the largest: compact classes",
    "ward": "by how much the spread grows: classes of like size",
    "single": "by the smallest: chains hold together",
}


@dataclass(frozen=True)
class ClustererEntry:
    """A clusterer as data: widget, command line, docs and tests are made from this.

    Attributes
    ----------
    title, text : str
        Its name, and what it does in a line.
    run : callable
        Takes a `Task` and the parameters; gives numbers (n,) from 0, −1 for noise.
    parameters : dict of Parameter
    counts : bool
        Whether it can make a given number of classes.
    has_noise : bool
        Whether masks may be in no class.
    presets : dict
        Named values of parameters.
    """

    title: str
    text: str
    run: Callable[..., Numbers]
    parameters: Mapping[str, Parameter]
    counts: bool = False
    has_noise: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------- registry

_FLOAT: dict[str, Any] = {"kind": float, "step": 0.01}
_COUNT: dict[str, Any] = {"kind": int, "step": 1}

CLUSTERERS: dict[str, ClustererEntry] = {
    "agglomerative": ClustererEntry(
        "Agglomerative",
        "the two most alike become one, until they are too far apart",
        agglomerative_numbers,
        {
            "distance": Parameter(
                **_FLOAT,
                default=None,
                high=3.0,
                label="Distance",
                tooltip="How far apart two classes may be to become one; larger gives fewer, "
                "larger classes. With the embedded network's descriptors 1 is as likely within a "
                "kind as between two.",
            ),
            "linkage": Parameter(
                str,
                "average",
                choices=tuple(LINKAGES),
                label="Linkage",
                tooltip="How far apart two classes are: by the mean distance of their masks "
                "(average), the largest (complete), the smallest (single), or by how much their "
                "spread would grow (ward).",
            ),
        },
        counts=True,
    ),
    "ncut": ClustererEntry(
        "Normalized cut",
        "our cut of the graph of masks, the number of classes by its eigenvalues",
        ncut_numbers,
        {
            "affinity_gamma": Parameter(
                **_FLOAT,
                default=0.5,
                low=0.01,
                high=2.0,
                label="Width",
                tooltip="Width of the affinity between masks; smaller parts finer.",
            ),
            "discretization": Parameter(
                str,
                "cluster_qr",
                choices=("cluster_qr", "rotation", "kmeans"),
                label="Groups by",
                tooltip="How eigenvectors become classes.",
            ),
        },
        counts=True,
    ),
    "kmeans": ClustererEntry(
        "k-means",
        "classes around means, of like extent; their number by the silhouette",
        kmeans_numbers,
        {
            "n_init": Parameter(
                **_COUNT,
                default=10,
                low=1,
                high=50,
                label="Starts",
                tooltip="How often it starts from other means; more is surer and slower.",
            )
        },
        counts=True,
    ),
    "hdbscan": ClustererEntry(
        "HDBSCAN",
        "what lies dense, at any density; what does not is noise",
        hdbscan_numbers,
        {
            "min_cluster_size": Parameter(
                **_COUNT,
                default=3,
                low=2,
                high=100,
                label="Smallest class",
                tooltip="Masks that a class has at least; fewer are noise.",
            ),
            "min_samples": Parameter(
                **_COUNT,
                default=2,
                low=1,
                high=50,
                label="Neighbors",
                tooltip="More makes more masks noise, and classes denser.",
            ),
        },
        has_noise=True,
    ),
    "dbscan": ClustererEntry(
        "DBSCAN",
        "what lies dense, at one density; what does not is noise",
        dbscan_numbers,
        {
            "eps": Parameter(
                **_FLOAT,
                default=None,
                high=3.0,
                label="Distance",
                tooltip="How near neighbors are; larger gives fewer classes and less noise. "
                "Chosen by the curve of distances unless set.",
            ),
            "min_samples": Parameter(
                **_COUNT,
                default=3,
                low=1,
                high=50,
                label="Neighbors",
                tooltip="Masks near each other, itself included, that make a class; more makes "
                "more noise.",
            ),
            "metric": Parameter(
                str,
                "euclidean",
                choices=tuple(METRICS),
                label="Metric",
                tooltip="How far apart masks are: by distance, or by direction (cosine).",
            ),
        },
        has_noise=True,
        presets={"sam-notebook": {"eps": 0.06, "min_samples": 8, "metric": "cosine"}},
    ),
}
DEFAULT_CLUSTERER = next(iter(CLUSTERERS))


def check_clusterer(
    clusterer: str, n_classes: int | None, parameters: Mapping[str, Any], random_state: int = 0
) -> dict[str, Any]:
    """All parameters of a clusterer, those that are not given by default.

    Raises
    ------
    InputError
        If there is no such clusterer, or it cannot be used like this.
    """
    entry = CLUSTERERS[check_choice("clusterer", clusterer, CLUSTERERS)]
    checked = checked_parameters(clusterer, entry.parameters, parameters)
    if n_classes is not None:
        if not is_number(n_classes, whole=True) or n_classes < 1:
            raise InputError(
                f"{n_classes!r} classes cannot be made. Give a whole number from 1, or None to "
                f"have it chosen."
            )
        if not entry.counts:
            counting = [name for name, other in CLUSTERERS.items() if other.counts]
            raise InputError(
                f"{clusterer} finds the number of classes itself, but n_classes={n_classes} was "
                f"given. Leave it out, or choose one of: {', '.join(counting)}."
            )
    if not is_number(random_state, whole=True) or not 0 <= random_state < 2**32:
        raise InputError(
            f"random_state {random_state!r} cannot be used. Give a whole number from 0 to "
            f"{2**32 - 1}."
        )
    return checked


def cluster(
    rows: NDArray,
    clusterer: str = DEFAULT_CLUSTERER,
    *,
    n_classes: int | None = None,
    calibrated: bool = False,
    random_state: int = 0,
    **parameters: Any,
) -> Numbers:
    """Cluster descriptors.

    Parameters
    ----------
    rows
        Finite descriptors (n, d), any n.
    clusterer
        One of `CLUSTERERS`.
    n_classes
        How many clusters; None leaves it to the data. Not of dbscan and hdbscan.
    calibrated
        Whether a distance of 1 is as likely within a cluster as between two, see `Descriptors`.
    random_state
        Of k-means and of samples.
    **parameters
        Of the clusterer.

    Returns
    -------
    int64 array (n,)
        Clusters from 0, in no order; −1 for noise.
    """
    given = check_clusterer(clusterer, n_classes, parameters, random_state)
    values = np.asarray(rows, dtype=np.float64)
    entry = CLUSTERERS[clusterer]
    if len(values) < 2:
        # Nothing to compare with; alone is no noise unless that many neighbors are asked for.
        alone = -1 if clusterer == "dbscan" and given["min_samples"] > 1 else 0
        return np.full(len(values), alone, np.int64)
    wanted = None if n_classes is None else min(int(n_classes), len(values))
    task = Task(values, wanted, calibrated, int(random_state))
    return entry.run(task, **given)
