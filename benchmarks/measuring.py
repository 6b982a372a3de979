"""How long measuring takes, beside scikit-image's regionprops.

Run with ``python -m benchmarks.measuring``. The segments are squares of nearly
equal size with a few holes, on noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from skimage.measure import regionprops_table

from napari_ncut import compare_labels, measure_segments, summarize
from napari_ncut.measuring import GROUPS

SAME = (
    "label", "area", "equivalent_diameter_area", "centroid", "bbox", "axis_major_length",
    "axis_minor_length", "eccentricity", "orientation", "extent", "perimeter_crofton",
    "intensity_mean", "intensity_min", "intensity_max", "intensity_std",
)  # fmt: skip


def squares(side: int, n: int) -> np.ndarray:
    across = round(n**0.5)
    along = np.arange(side) * across // side
    labels = (along[:, None] * across + along + 1).astype(np.int32)
    labels[np.random.default_rng(0).random(labels.shape) < 0.02] = 0
    return labels


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--segments", type=int, default=20_000)
    parser.add_argument("--hull", action="store_true", help="also convex hulls, which take longer")
    options = parser.parse_args()
    labels = squares(options.side, options.segments)
    image = np.random.default_rng(1).random(labels.shape).astype(np.float32)
    groups = [name for name, entry in GROUPS.items() if entry.default or options.hull]
    table = measure_segments(labels, image)
    moved = np.roll(labels, 2, axis=0)
    calls: dict[str, Callable[[], object]] = {
        **{name: lambda name=name: measure_segments(labels, image, properties=name)
           for name in groups},
        "all but hull": lambda: measure_segments(labels, image),
        "the same by regionprops": lambda: regionprops_table(labels, image, properties=SAME),
        "summarize": lambda: summarize(table),
        "compare_labels": lambda: compare_labels(labels, moved),
    }  # fmt: skip
    shown = Table("what", "s", title=f"{len(table):,} segments, {labels.size / 1e6:.1f} Mpx")
    for name, call in calls.items():
        shown.add_row(name, f"{seconds(call):.2f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
