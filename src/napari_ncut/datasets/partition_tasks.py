"""Measuring partitions: all levels of granularity, and superpixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..progress import Progress, Steps
from ..regions import granularity
from ..segmenters import segmenter_entry
from ..superpixels.segment import KIND, segment_superpixels
from .reading import Reading
from .records import Example
from .tasks import Outcome

_LEVELS = np.linspace(0.05, 0.95, 19)
_FIGURES: dict[str, Callable[..., float]] = {
    "boundary F": metrics.boundary_f,
    "achievable accuracy": metrics.achievable_accuracy,
    "boundary recall": metrics.boundary_recall,
    "boundary precision": metrics.boundary_precision,
    "undersegmentation error": metrics.undersegmentation_error,
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
    reading: Reading,
    *,
    method: str = "compact",
    n_segments: int = 200,
    device: str | None = None,
) -> Steps[Outcome]:
    """Superpixels against people's partitions."""
    entry = segmenter_entry(method, KIND)
    number = None if entry.counts == "never" else n_segments
    rows = []
    for i, (example, truth) in enumerate(_with_partitions(reading)):
        yield Progress("images", i, len(reading))
        labels = segment_superpixels(
            example.image, axes=example.axes, method=method, n_segments=number, device=device
        )
        row: dict[str, Any] = {"image": example.name, "regions": int(labels.max())}
        row |= {name: measure(labels, truth) for name, measure in _FIGURES.items()}
        rows.append(row)
    names = ["regions", *_FIGURES] if rows else []
    return Outcome({n: float(np.mean([row[n] for row in rows])) for n in names}, rows)


def _with_partitions(reading: Reading) -> Iterator[tuple[Example, NDArray]]:
    for example in reading:
        if example.segmentations is not None:
            yield example, example.segmentations
        elif example.objects is not None:
            yield example, example.objects[np.newaxis]
        else:
            reading.skip(example.name, "it has no true partition")
