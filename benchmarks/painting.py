"""How quick painting by segments is: operations on large planes, and gestures in a window.

    python -m benchmarks.painting [--side PIXELS] [--segments N] [--only core window] [--json FILE]

core
    Milliseconds (median, slowest) until arrays are changed, of 4 megapixels in 20,000
    segments, with edges of 0 between them or not: fill, fill along a drag, a snap brush
    of 40 pixels, cut and merge across ten segments and across the whole plane, undo; and once
    for a plane, the index.
window
    The same in a real window (scripts/with-display.sh gives a display): from a gesture to changed
    layers, and with the canvas drawn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from napari_ncut.painting import Painting
from napari_ncut.painting.index import SegmentIndex

SIDE, SEGMENTS = 2048, 20_000
REPETITIONS = 15
BOUND = 30.0  # ms, for fill, cut and merge
PARTS = ("core", "window")


def partition(side: int, n_segments: int, *, edges: bool) -> NDArray[np.int32]:
    """Irregular segments: what is nearest to each of as many random places."""
    from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

    random = np.random.default_rng(0)
    away = np.ones((side, side), bool)
    places = random.choice(side * side, n_segments, replace=False)
    away.reshape(-1)[places] = False
    nearest = distance_transform_edt(away, return_distances=False, return_indices=True)
    numbers = np.zeros(side * side, np.int32)
    numbers[places] = 1 + np.arange(n_segments)
    labels = numbers[np.ravel_multi_index(tuple(nearest), away.shape)]
    if edges:
        labels[maximum_filter(labels, 2) != minimum_filter(labels, 2)] = 0
    return labels


def lines(side: int, length: float) -> list[NDArray]:
    """Lines of a length in random directions, right in the plane."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(REPETITIONS):
        angle = random.uniform(0, np.pi)
        along = np.array([np.sin(angle), np.cos(angle)]) * length / 2
        reach = min(float(np.abs(along).max()), side / 2 - 4)
        middle = random.uniform(reach, side - reach, 2)
        found.append(np.clip([middle - along, middle + along], 2, side - 3))
    return found


def operations(painting: Painting, side: int) -> dict[str, list[Callable[[], Any]]]:
    """Name → what is done, one for every repetition."""
    (rows, columns) = np.nonzero(painting.segments)
    places = np.random.default_rng(2).choice(len(rows), REPETITIONS, replace=False)
    clicks = [(rows[i], columns[i]) for i in places]

    def each(act: Callable[[Any], Any], given: list[Any]) -> list[Callable[[], Any]]:
        return [lambda one=one: painting.apply(act(one)) for one in given]

    short, drag, whole = lines(side, 150), lines(side, 40), lines(side, side - 8)
    return {
        "fill": each(lambda place: painting.fill(place, 1), clicks),
        "fill along 40 px": each(lambda path: painting.fill_along(path, 2), drag),
        "snap brush of 40 px": each(lambda path: painting.brush(path, 20, 3), drag),
        "cut of 150 px": each(painting.cut, short),
        "merge along 150 px": each(painting.merge, short),
        "undo": [painting.undo for _ in range(REPETITIONS)],
        "cut across the plane": each(painting.cut, whole),
        "undo of it": [painting.undo for _ in range(REPETITIONS)],
        # What one line has merged the next would cross.
        "merge across the plane": [
            act
            for path in whole
            for act in (lambda path=path: painting.apply(painting.merge(path)), painting.undo)
        ],
    }


def milliseconds(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def core(console: Console, side: int, n_segments: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    table = Table(title=f"{side} × {side}, {n_segments:,} segments: ms")
    for name in ("operation", "without edges", "slowest", "with edges", "slowest"):
        table.add_column(name, justify="left" if name == "operation" else "right")
    columns = []
    for edges in (False, True):
        labels = partition(side, n_segments, edges=edges)
        SegmentIndex(labels[:64, :64])  # imports
        painting = Painting(labels.copy(), np.zeros(labels.shape, np.uint8))
        found = {"index, once": [milliseconds(lambda p=painting: p.index(p.block((0, 0))))]}
        for name, acts in operations(painting, side).items():
            times = [milliseconds(act) for act in acts]
            found[name] = times[::2] if name.startswith("merge across") else times
        while painting.undo():
            pass
        assert np.array_equal(painting.segments, labels)
        columns.append(found)
        result["with edges" if edges else "without edges"] = {
            name: {"median": statistics.median(times), "slowest": max(times)}
            for name, times in found.items()
        }
    for name in columns[0]:
        cells = [f"{f(found[name]):.1f}" for found in columns for f in (statistics.median, max)]
        table.add_row(name, *cells)
    console.print(table)
    console.print(f"Bound for fill, cut and merge: {BOUND:.0f} ms")
    return result


def window(console: Console, side: int, n_segments: int) -> dict[str, Any]:
    """Gestures as the mouse makes them, to changed layers and to the drawn canvas."""
    import napari
    from napari.layers import Labels
    from qtpy.QtWidgets import QApplication

    from napari_ncut.widgets.paint import PaintWidget
    from napari_ncut.widgets.paint_mouse import Place
    from napari_ncut.widgets.roles import SEGMENTS, note

    viewer = napari.Viewer()
    viewer.add_image(np.zeros((side, side), np.uint8), name="image")
    layer = Labels(partition(side, n_segments, edges=False), name="segments")
    note(layer, role=SEGMENTS)
    viewer.add_layer(layer)
    widget = PaintWidget(viewer)
    viewer.window.add_dock_widget(widget)
    application = QApplication.instance()
    deadline = time.perf_counter() + 3
    while time.perf_counter() < deadline:
        application.processEvents()
    gestures, result = widget._gestures, {}
    table = Table(title=f"In a window, {side} × {side}, {n_segments:,} segments: ms")
    for name in ("gesture", "to data", "with drawing"):
        table.add_column(name, justify="left" if name == "gesture" else "right")
    for tool, length in (("fill", 40.0), ("brush", 40.0), ("cut", 150.0), ("merge", 150.0)):
        widget.choose_tool(tool)
        to_data, drawn = [], []
        for path in lines(side, length):
            place = Place(path[0], False)
            start = time.perf_counter()
            gestures.begin(place)
            gestures.drag(path, place)
            gestures.finish(path, place)
            to_data.append(1000 * (time.perf_counter() - start))
            application.processEvents()
            drawn.append(1000 * (time.perf_counter() - start))
        # The first one brings the painted layer.
        result[tool] = {
            "to data": statistics.median(to_data[1:]),
            "with drawing": statistics.median(drawn[1:]),
        }
        table.add_row(tool, *[f"{value:.1f}" for value in result[tool].values()])
    viewer.close()
    console.print(table)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the plane, in pixels")
    parser.add_argument("--segments", type=int, default=SEGMENTS, help="how many")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, help="writes figures here")
    options = parser.parse_args()
    console = Console(width=120)
    parts = {"core": core, "window": window}
    found = {name: parts[name](console, options.side, options.segments) for name in options.only}
    if options.json:
        options.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
