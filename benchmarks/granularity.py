"""How good and how quick granularity is: partitions of photographs, and a slider in a window.

    NAPARI_NCUT_DATA=… python -m benchmarks.granularity [--images N] [--only scores times window]
        [--json FILE]

scores
    Covering, PRI and VoI of `granularity` on the validation images of BSDS500, as
    `benchmarks.segmentation_bsds` has them (there are its peers, too), and whether every coarser of
    99 levels is a union of regions of the finer one.
times
    Of 1 and 4 megapixels, scikit-image's astronaut tiled: seconds until regions are found, and
    milliseconds for a relabeling, a step in one place, and painted labels.
window
    The same images in a real window (scripts/with-display.sh gives a display): from an event of the
    slider to new data in the preview (“of it computing”: without waiting for a processor that
    others use), with the canvas drawn, and until a level is kept as a layer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from .segmentation_bsds import LEVELS, compared, images, ours, table_of

SIDES = (1024, 2048)
REPETITIONS = 20
RELABEL_BOUND = 30.0  # ms at one megapixel
PARTS = ("scores", "times", "window")


def photograph(side: int) -> NDArray:
    from skimage import data

    tile = data.astronaut()
    return np.tile(tile, (side // tile.shape[0], side // tile.shape[1], 1))


# ------------------------------------------------------------------------------------------ scores


def scores(console: Console, n_images: int | None) -> dict[str, Any]:
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        console.print("NAPARI_NCUT_DATA is not set; the scores need its folder data.")
        return {}
    read = list(images(Path(root) / "data" / "bsds500", False, n_images))
    found = compared("ours", read, None)
    broken = sum(not is_nested(groups) for image, _ in read for _, groups in ours(image, None))
    console.print(table_of({"ours": found}, f"BSDS500, {len(read)} validation images"))
    console.print(f"{len(LEVELS)} levels are nested in {len(read) - broken} of {len(read)} images")
    return {**asdict(found), "images": len(read), "not_nested": broken}


def is_nested(settings: NDArray) -> bool:
    """Whether every partition (settings, n) is a union of groups of the one before it."""
    return all(
        len(np.unique(np.stack([finer, coarser]), axis=1).T) == len(np.unique(finer))
        for finer, coarser in pairwise(settings)
    )


# ------------------------------------------------------------------------------------------- times


def milliseconds(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def times(console: Console) -> dict[str, Any]:
    result = {str(side): without_window(photograph(side)) for side in SIDES}
    table = Table(title="Without a window", title_justify="left")
    table.add_column("")
    for side in SIDES:
        table.add_column(f"{side} × {side}", justify="right")
    for name in result[str(SIDES[0])]:
        table.add_row(name, *(f"{result[str(side)][name]:,.1f}" for side in SIDES))
    console.print(table)
    return result


def without_window(image: NDArray) -> dict[str, float]:
    from napari_ncut import granularity
    from napari_ncut.regions.cuts import Cut

    start = time.perf_counter()
    plane = granularity(image, axes="YXC").planes[0]
    found = {"find s": time.perf_counter() - start, "regions": float(len(plane.graph))}
    out = np.empty(image.shape[:2], np.int32)
    plane.pixels(Cut.by(plane.tree, "level", 0.5), out)
    ways: dict[str, NDArray] = {
        "level": np.linspace(0.05, 0.9, REPETITIONS),
        "n_regions": np.geomspace(10, 4000, REPETITIONS).astype(int),
        "size": np.geomspace(100, 20_000, REPETITIONS),
    }
    for kind, values in ways.items():
        found[f"relabel by {kind} ms"] = statistics.median(
            milliseconds(partial(_relabel, plane, kind, value, out)) for value in values
        )
    cut = Cut.by(plane.tree, "n_regions", 300)
    places = np.linspace(0, len(plane.graph) - 1, REPETITIONS).astype(int)
    found["finer in one place ms"] = statistics.median(
        milliseconds(partial(_refine, plane, cut, int(place), out)) for place in places
    )
    painted = np.zeros(out.shape, np.uint8)
    painted[100:110, 100:400], painted[300:310, 100:400] = 1, 2
    found["painted labels ms"] = milliseconds(lambda: plane.constrained(painted))
    return found


def _relabel(plane: Any, kind: str, value: float, out: NDArray) -> None:
    from napari_ncut.regions.cuts import Cut

    plane.pixels(Cut.by(plane.tree, kind, value), out)


def _refine(plane: Any, cut: Any, place: int, out: NDArray) -> None:
    plane.pixels(cut.refined(place), out)


# ------------------------------------------------------------------------------------------ window


def window(console: Console) -> dict[str, Any]:
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        console.print("The window needs a display: scripts/with-display.sh")
        return {}
    result = {str(side): in_window(side) for side in SIDES}
    table = Table(title="In a window", title_justify="left")
    headings = ("", "slider to data ms", "range", "of it computing ms", "with drawing ms", "kept s")
    for heading in headings:
        table.add_column(heading, justify="right")
    for side, found in result.items():
        low, high = found["range"]
        table.add_row(
            f"{side} × {side}", f"{found['to data']:.1f}", f"{low:.1f}–{high:.1f}",
            f"{found['computing']:.1f}", f"{found['with drawing']:.1f}", f"{found['kept']:.2f}",
        )  # fmt: skip
    console.print(table)
    console.print(f"Bound for new data at one megapixel: {RELABEL_BOUND:.0f} ms")
    return result


def in_window(side: int) -> dict[str, Any]:
    """Milliseconds from the slider to data and to the drawn canvas; seconds until kept."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_ncut.widgets.granularity import GranularityWidget

    viewer = napari.Viewer()
    viewer.add_image(photograph(side), name="image", rgb=True)
    widget = GranularityWidget(viewer)
    viewer.window.add_dock_widget(widget)
    application = QApplication.instance()

    def settle() -> None:
        while widget.busy:
            application.processEvents()
        application.processEvents()

    widget.run()
    settle()
    to_data, computing, drawn, shown_at = [], [], [], [(0.0, 0.0)]
    show = widget.view.show

    def watched(plane: int) -> None:
        show(plane)
        shown_at.append((time.perf_counter(), time.thread_time()))

    widget.view.show = watched
    for step in range(3 + REPETITIONS):
        start, own = time.perf_counter(), time.thread_time()
        widget.level.slider.setValue(100 + 35 * step)
        settle()
        to_data.append(1000 * (shown_at[-1][0] - start))
        computing.append(1000 * (shown_at[-1][1] - own))
        drawn.append(1000 * (time.perf_counter() - start))
    start = time.perf_counter()
    n_layers = len(viewer.layers)
    widget.keep()
    settle()
    assert len(viewer.layers) == n_layers + 1
    kept = time.perf_counter() - start
    viewer.close()
    to_data = to_data[3:]
    return {
        "to data": statistics.median(to_data),
        "range": (min(to_data), max(to_data)),
        "computing": statistics.median(computing[3:]),
        "with drawing": statistics.median(drawn[3:]),
        "kept": kept,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, help="so many of BSDS500's, evenly spread")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, help="writes figures here")
    options = parser.parse_args()
    console = Console(width=120)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "scores": lambda: scores(console, options.images),
        "times": lambda: times(console),
        "window": lambda: window(console),
    }
    found = {name: parts[name]() for name in options.only}
    if options.json:
        options.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
