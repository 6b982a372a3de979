"""How well superpixels keep to what people drew in photographs (BSDS500), at equal numbers.

    NAPARI_NCUT_DATA=… python -m benchmarks.superpixels [--choosing] [--images N]
        [--counts 100 200 …] [--methods ssn compact slic …] [--checkpoint FILE] [--json FILE]

Of the 100 images of the validation split, or with ``--choosing`` of the 40 training images that are
set aside. What a method is asked for (the number, or where it takes none the parameter that makes
superpixels finer) is searched until every image has the count within 5 %, or the nearest that can
be had. Figures are those of `napari_ncut.metrics`, means over all people and images:

ASA
    Achievable segmentation accuracy: share of pixels that are right if every superpixel is given
    the segment that it overlaps most.
BR, BP
    Boundary recall and precision within 2 pixels.
UE
    Undersegmentation error of Neubert and Protzel, less is better.

Seconds are of one run at the value that was found, an image on average; of `compact` and SSN after
the network's maps, whose time is told beside; of LSC and MSLIC with the process that they need.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.segmentation_bsds import images
from napari_ncut import metrics, segment_superpixels, superpixel_methods

COUNTS = (100, 200, 300, 400, 600, 800)
# Counts that differ by no more than this share are the same.
TOLERANCE = 0.05
_TRIES = 14
# What is asked for at first where a method takes no number, and how its count falls with it.
_FIRST_RANGE = {"scale": (0.5, 2000.0), "max_dist": (0.5, 200.0)}

# Methods by name: that of the registry, and parameters that differ from the default.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "ssn": ("ssn", {}),
    "compact": ("compact", {}),
    "ssn-pixel": ("ssn", {"checkpoint": "pixels"}),
    "slic": ("slic", {}),
    "slic-zero": ("slic-zero", {}),
    "seeds": ("seeds", {}),
    "lsc": ("lsc", {}),
    "mslic": ("mslic", {}),
    "compact-watershed": ("compact-watershed", {}),
    "felzenszwalb": ("felzenszwalb", {}),
    "quickshift": ("quickshift", {}),
}


@dataclass(frozen=True)
class Figures:
    """Of one method at one count."""

    count: float
    off: float
    asa: float
    recall: float
    precision: float
    leakage: float
    seconds: float


def at_count(image: NDArray, name: str, wanted: int, **others: Any) -> tuple[NDArray, float]:
    """Labels with the count nearest to `wanted`, and the seconds of that run."""
    method, parameters = METHODS[name]
    entry = superpixel_methods()[method]
    given = {**parameters, **others}

    def run(value: float) -> tuple[NDArray, float]:
        start = time.perf_counter()
        if entry.counts == "never":
            asked: dict[str, Any] = {entry.finer[0]: value}
        else:
            asked = {"n_segments": max(2, round(value))}
        labels = segment_superpixels(image, axes="YXC", method=method, **given, **asked)
        return labels, time.perf_counter() - start

    if entry.counts == "exact":
        return run(wanted)
    if entry.counts == "never":
        return searched(run, wanted, *_FIRST_RANGE[entry.finer[0]], rising=entry.finer[1] > 0)
    return searched(run, wanted, wanted / 4, wanted * 3, rising=True, first=float(wanted))


def searched(
    run: Callable[[float], tuple[NDArray, float]],
    wanted: int,
    low: float,
    high: float,
    *,
    rising: bool,
    first: float | None = None,
) -> tuple[NDArray, float]:
    """The run whose count is nearest, by halving the range of the value on a log scale."""
    best: tuple[float, NDArray, float] | None = None
    value = first or (low * high) ** 0.5
    for _ in range(_TRIES):
        labels, seconds = run(value)
        count = int(labels.max())
        off = abs(np.log(count / wanted))
        if best is None or off < best[0]:
            best = (off, labels, seconds)
        if off <= np.log(1 + TOLERANCE):
            break
        if (count < wanted) == rising:
            low = value
        else:
            high = value
        # Counts are nearly proportional to what is asked for; halving is for where they are not.
        guess = value * wanted / count if rising else 0.0
        value = guess if low < guess < high else (low * high) ** 0.5
    assert best is not None  # there is a try at least
    return best[1], best[2]


def figures_of(labels: list[NDArray], truths: list[NDArray], times: list[float], n: int) -> Figures:
    counts = np.array([one.max() for one in labels], float)

    def mean(metric: Callable[[NDArray, NDArray], float]) -> float:
        return float(np.mean([metric(*pair) for pair in zip(labels, truths, strict=True)]))

    return Figures(
        float(counts.mean()),
        float((np.abs(counts / n - 1) > TOLERANCE + 0.005).mean()),
        mean(metrics.achievable_accuracy),
        mean(metrics.boundary_recall),
        mean(metrics.boundary_precision),
        mean(metrics.undersegmentation_error),
        float(np.mean(times)),
    )


def table_of(found: dict[str, dict[int, Figures]], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("method", "asked", "count", "off", "ASA", "BR", "BP", "UE", "s"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for name, of_method in found.items():
        for n, f in of_method.items():
            values = (f"{v:.4f}" for v in (f.asa, f.recall, f.precision, f.leakage))
            table.add_row(
                name, str(n), f"{f.count:.0f}", f"{f.off:.0%}", *values, f"{f.seconds:.2f}"
            )
    return table


def maps_seconds(image: NDArray) -> float:
    """Of the embedded network's maps of an image, and leaves them in its memory."""
    from napari_ncut.backbones.compact import Compact
    from napari_ncut.imaging import as_planes

    start = time.perf_counter()
    Compact().maps(as_planes(image, axes="YXC")[0])
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--choosing", action="store_true", help="the images to choose by")
    parser.add_argument("--images", type=int, help="so many of them, evenly spread")
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--checkpoint", help="other weights of SSN")
    parser.add_argument("--set", nargs="+", default=[], help="NAME=VALUE of all methods, numbers")
    parser.add_argument("--json", type=Path, help="writes figures here")
    options = parser.parse_args()
    console = Console(width=120)
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        console.print("NAPARI_NCUT_DATA is not set; this benchmark needs its folder data.")
        return 0
    read = list(images(Path(root) / "data" / "bsds500", options.choosing, options.images))
    others = {name: float(value) for name, value in (text.split("=") for text in options.set)}
    runs: dict[tuple[str, int], list[tuple[NDArray, float]]] = {}
    network = []
    for image, _ in read:
        network.append(maps_seconds(image))
        for name in options.methods:
            entry = superpixel_methods()[METHODS[name][0]]
            if entry.unavailable_because:
                continue
            given = dict(others)
            if name == "ssn" and options.checkpoint:
                given["checkpoint"] = options.checkpoint
            for count in options.counts:
                runs.setdefault((name, count), []).append(at_count(image, name, count, **given))
    truths = [truth for _, truth in read]
    found: dict[str, dict[int, Figures]] = {}
    for (name, count), of_images in runs.items():
        labels, times = (list(part) for part in zip(*of_images, strict=True))
        found.setdefault(name, {})[count] = figures_of(labels, truths, times, count)
    split = "training images set aside" if options.choosing else "validation images"
    console.print(table_of(found, f"BSDS500, {len(read)} {split}"))
    console.print(f"Maps of the network: {np.median(network):.2f} s an image.")
    missing = [name for name in options.methods if name not in found]
    if missing:
        console.print(f"Left out, since OpenCV's ximgproc is missing: {', '.join(missing)}")
    if options.json:
        told = {name: {n: asdict(f) for n, f in by.items()} for name, by in found.items()}
        options.json.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
