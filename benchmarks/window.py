"""How long a person waits in the window: from the event of a click to new preview data.

Run with ``python -m benchmarks.window``; it needs a display (``scripts/with-display.sh`` gives
one). A real viewer, a one-megapixel color image tiled from scikit-image's immunohistochemistry.
Beside the times it gives the largest gap in the event loop's beat meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

BOUND = 100.0
GAP_BOUND = 200.0
WARM_UP = 3
SIZE = 1024


def wait(application: Any, condition: Any, seconds: float = 120) -> None:
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError("nothing happened in the window")
        application.processEvents()
        time.sleep(0.0005)


def open_window() -> tuple[Any, Any, Any]:
    """A viewer with a prepared image, the points widget and the application."""
    import napari
    from qtpy.QtWidgets import QApplication
    from skimage import data

    from napari_ncut.widgets.features import FeaturesWidget
    from napari_ncut.widgets.points import PointsWidget

    tile = data.immunohistochemistry()
    image = np.tile(tile, (SIZE // tile.shape[0], SIZE // tile.shape[1], 1))
    viewer = napari.Viewer()
    viewer.add_image(image, name="image", rgb=True)
    features, segment = FeaturesWidget(viewer), PointsWidget(viewer)
    viewer.window.add_dock_widget(features)
    viewer.window.add_dock_widget(segment)
    features.run()
    application = QApplication.instance()
    wait(application, lambda: segment._prepared is not None, 600)
    return viewer, segment, application


def measure(repetitions: int) -> tuple[list[float], list[float], float]:
    """Milliseconds from click to data, within `points.add` itself, and the largest gap."""
    from qtpy.QtCore import QTimer

    viewer, segment, application = open_window()
    beats: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(5)
    shown: list[float] = []
    # The first time that they advance after a click their masks are in the layer.
    segment._live.advanced.connect(lambda: shown.append(time.perf_counter()))
    generator = np.random.default_rng(0)
    times, inside, gaps = [], [], []
    for number in range(WARM_UP + repetitions):
        segment._classes.choose(1 + number % 3)
        wait(application, lambda: not segment._live.busy)
        shown.clear()
        beats[:] = [time.perf_counter()]
        start = time.perf_counter()
        segment.points.add(generator.integers(0, SIZE, 2))
        added = time.perf_counter()
        wait(application, lambda: bool(shown))
        wait(application, lambda: not segment._live.busy)
        wait(application, lambda: beats[-1] > shown[0])
        if number >= WARM_UP:
            times.append(1000 * (shown[0] - start))
            inside.append(1000 * (added - start))
            gaps.append(1000 * float(np.diff(beats).max()))
    timer.stop()
    viewer.close()
    return times, inside, max(gaps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=15)
    options = parser.parse_args()
    console = Console()
    windowed = {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if sys.platform == "linux" and not windowed:
        console.print("This needs a display: scripts/with-display.sh python -m benchmarks.window")
        raise SystemExit(2)
    times, inside, gap = measure(options.repetitions)
    table = Table(title=f"click to mask, {SIZE} × {SIZE} RGB; {os.cpu_count()} cores")
    for heading in ("what", "median ms", "range ms", "bound ms", ""):
        table.add_column(heading, justify="left" if heading in ("what", "") else "right")
    median = statistics.median(times)
    table.add_row(
        "points.add to preview data", f"{median:.1f}", f"{min(times):.1f}–{max(times):.1f}",
        f"{BOUND:.0f}", "ok" if median <= BOUND else "too slow",
    )  # fmt: skip
    table.add_row(
        "of it in points.add", f"{statistics.median(inside):.1f}",
        f"{min(inside):.1f}–{max(inside):.1f}", "", "",
    )  # fmt: skip
    verdict = "ok" if gap < GAP_BOUND else "too slow"
    table.add_row("largest gap of the event loop", f"{gap:.1f}", "", f"{GAP_BOUND:.0f}", verdict)
    console.print(table)


if __name__ == "__main__":
    main()
