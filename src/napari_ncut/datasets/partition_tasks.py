"""Measuring partitions: all levels of granularity, and superpixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..errors import InputError, is_number
from ..progress import Progress, Steps
from ..regions import granularity
from .reading import Reading
from .records import Example
from .tasks import Outcome

_LEVELS = np.linspace(0.05, 0.95, 19)
# Name of a figure → the function of `metrics` that it is.
_FIGURES = {
    "boundary F": "boundary_f",
    "achievable accuracy": "achievable_accuracy",
    "boundary recall": "boundary_recall",
    "boundary precision": "boundary_precision",
    "undersegmentation error": "undersegmentation_error",
}


def segmentation_task(reading: Reading, *, device: str | None = None) -> Steps[Outcome]:
    """Partitions at every level against people's."""
    rows, tables = [], []
    for i, (example, truth) in enumerate(_with_partitions(reading)):
        yield Progress("images", i, len(reading))
        hierarchy = granularity(example.image, axes=example.axes, device=device)
        own = []
        for level in _LEVELS:
            labels = hierarchy.labels(float(level))
            own.append(
                [
                    metrics.covering(labels, truth),
                    metrics.rand_index(labels, truth),
                    metrics.variation_of_information(labels, truth),
                ]
            )
        tables.append(own)
        rows.append({"image": example.name, "covering": max(one[0] for one in own)})
    if not rows:
        return Outcome({}, [])
    mean = np.mean(tables, axis=0)
    figures = {
        "covering ODS": float(mean[:, 0].max()),
        "covering OIS": float(np.mean([row["covering"] for row in rows])),
        "PRI": float(mean[:, 1].max()),
        "VoI": float(mean[:, 2].min()),
    }
    return Outcome(figures, rows)


def superpixels_task(
    reading: Reading, *, n_segments: int = 200, device: str | None = None
) -> Steps[Outcome]:
    """Regions of the merge tree, in a given number, against people's partitions."""
    if not is_number(n_segments, whole=True) or n_segments < 1:
        raise InputError(f"{n_segments!r} segments cannot be made. Give a whole number from 1.")
    rows = []
    for i, (example, truth) in enumerate(_with_partitions(reading)):
        yield Progress("images", i, len(reading))
        hierarchy = granularity(example.image, axes=example.axes, device=device)
        labels = hierarchy.labels(n_regions=n_segments)
        row: dict[str, Any] = {"image": example.name, "regions": int(labels.max())}
        row |= {name: measure(labels, truth) for name, measure in _measures()}
        rows.append(row)
    names = [name for name in (rows[0] if rows else {}) if name != "image"]
    return Outcome({n: float(np.mean([row[n] for row in rows])) for n in names}, rows)


def _measures() -> Iterator[tuple[str, Callable[..., float]]]:
    for name, function in _FIGURES.items():
        if function in metrics.__all__:
            yield name, getattr(metrics, function)


def _with_partitions(reading: Reading) -> Iterator[tuple[Example, NDArray]]:
    for example in reading:
        if example.segmentations is not None:
            yield example, example.segmentations
        elif example.objects is not None:
            yield example, example.objects[np.newaxis]
        else:
            reading.skip(example.name, "it has no true partition")
