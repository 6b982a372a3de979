"""How long a person waits for a mask: `predict` on a prepared embedding, against our bounds.

Run with ``python -m benchmarks.latency``. Every repetition is a new question: one click moves to a
place where none was before (and the mask is computed anew), or only gamma changes. The image is
tiled from scikit-image's immunohistochemistry; the large stack has smooth random eigenvectors, and
its clicks lie in planes near the visible one. How long planes are prepared before is said, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from skimage import data

from napari_ncut import Embedding, NCut, PromptSegmenter, embed
from napari_ncut.backbones.entry import workable_stride
from napari_ncut.backbones.preparation import Preparation
from napari_ncut.imaging import PlaneLayout, as_planes

N_COMPONENTS, N_CLICKS, N_CLASSES = 30, 10, 3
WARM_UP = 3
# Planes of a stack, around the visible one, that somebody clicks into.
N_NEAR = 16


@dataclass(frozen=True)
class Case:
    """What is measured, and the bound in milliseconds that it is held against.

    `clicked` are the planes with clicks, `planes` those that are asked for, None for all. Of
    `seconds` its features and their cut were computed.
    """

    name: str
    bound: float
    embedding: Embedding
    clicked: range
    planes: list[int] | None = None
    seconds: float | None = None


def machine() -> str:
    return f"{os.cpu_count()} cores, {torch.get_num_threads()} torch threads"


def tiled(height: int, width: int) -> np.ndarray:
    tile = data.immunohistochemistry()
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1)
    return np.tile(tile, repeats)[:height, :width]


def image_case(size: int, bound: float) -> Case:
    start = time.perf_counter()
    embedding = embed(tiled(size, size), axes="YXC", n_components=N_COMPONENTS)
    seconds = time.perf_counter() - start
    name = f"{size} × {size}, stride {embedding.stride}"
    return Case(name, bound, embedding, range(1), seconds=seconds)


def stack_case(n_planes: int, size: int, bound: float) -> Case:
    """One visible plane of a stack with smooth random eigenvectors: embedding it takes minutes."""
    layout_shapes = ((size, size),) * n_planes
    layout = PlaneLayout(layout_shapes, workable_stride(layout_shapes), ((n_planes,),), False)
    rows, columns = layout.grids[0]
    generator = np.random.default_rng(0)
    waves = generator.uniform(0, 0.2, (N_COMPONENTS, 3))
    phases = generator.uniform(0, 6.3, N_COMPONENTS)
    vectors = np.empty((n_planes, rows, columns, N_COMPONENTS), np.float32)
    grid = np.indices((rows, columns), dtype=np.float32)
    for plane in range(n_planes):
        for k, (by_plane, by_row, by_column) in enumerate(waves):
            phase = by_plane * plane + by_row * grid[0] + by_column * grid[1] + phases[k]
            vectors[plane, ..., k] = np.cos(phase)
    plane = tiled(size, size)[..., 0]
    planes = as_planes(np.broadcast_to(plane, (n_planes, size, size)), axes="ZYX")
    embedding = Embedding(
        vectors=vectors.reshape(-1, N_COMPONENTS),
        eigenvalues=np.ones(N_COMPONENTS),
        degrees=np.ones(layout.n_nodes),
        layout=layout,
        ncut=NCut(N_COMPONENTS),
        preparation=Preparation("none", np.zeros(1), np.ones(1)),
        recipe={},
        planes=planes,
    )
    name = f"1 plane of {n_planes} × {size} × {size}, stride {layout.stride}"
    visible = n_planes // 2
    near = range(visible - N_NEAR // 2, visible + N_NEAR // 2)
    return Case(name, bound, embedding, near, [visible])


def questions(case: Case, moving: bool) -> Iterator[dict[str, Any]]:
    """Endless questions, each unlike all before it."""
    generator = np.random.default_rng(1)
    height, width = case.embedding.layout.shapes[0]

    def place() -> list[int]:
        row, column = (int(generator.integers(n)) for n in (height, width))
        return [int(generator.choice(case.clicked)), row, column]

    points = [place() for _ in range(N_CLICKS)]
    classes = [1 + i % N_CLASSES for i in range(N_CLICKS)]
    positive = [i < N_CLICKS - 2 for i in range(N_CLICKS)]
    number = 0
    while True:
        number += 1
        if moving:
            points[number % N_CLICKS] = place()
        gamma = 1.0 if moving else 0.5 + 0.01 * number
        yield {
            "points": points,
            "positive": positive,
            "classes": classes,
            "gamma": gamma,
            "planes": case.planes,
        }


def prepared(case: Case, method: str) -> tuple[PromptSegmenter, float]:
    """What answers, with the clicked planes looked at, as the window does; and the seconds."""
    segmenter = PromptSegmenter(case.embedding)
    start = time.perf_counter()
    for _ in segmenter.ready_steps(case.clicked, method):
        pass
    return segmenter, time.perf_counter() - start


def milliseconds(
    case: Case, segmenter: PromptSegmenter, *, moving: bool, repetitions: int, method: str
) -> list[float]:
    times = []
    for question, number in zip(
        questions(case, moving), range(WARM_UP + repetitions), strict=False
    ):
        start = time.perf_counter()
        segmenter.predict(**question, method=method)
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - start))
    return times


def cases(names: list[str]) -> Iterator[Case]:
    makers = {
        "1mpx": lambda: image_case(1024, 50),
        "4mpx": lambda: image_case(2048, 150),
        "stack512": lambda: stack_case(100, 512, 50),
        "stack1024": lambda: stack_case(100, 1024, 50),
    }
    for name in names or makers:
        yield makers[name]()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="1mpx, 4mpx, stack512, stack1024 (default: all)")
    parser.add_argument("--method", default="auto", help="auto, regions, tutorial or cut")
    parser.add_argument("--repetitions", type=int, default=15)
    options = parser.parse_args()
    table = Table(
        title=f"predict: k = {N_COMPONENTS}, {N_CLICKS} clicks, {N_CLASSES} classes; {machine()}"
    )
    for heading in ("image", "question", "median ms", "range ms", "bound ms", ""):
        table.add_column(
            heading, justify="left" if heading in ("image", "question", "") else "right"
        )
    preparations = []
    for case in cases(options.cases):
        segmenter, looked = prepared(case, options.method)
        cut = "" if case.seconds is None else f"features and cut {case.seconds:.1f} s, "
        preparations.append(
            f"{case.name}: {cut}{len(case.clicked)} planes looked at {looked:.1f} s"
        )
        for moving in (True, False):
            times = milliseconds(
                case,
                segmenter,
                moving=moving,
                repetitions=options.repetitions,
                method=options.method,
            )
            median = statistics.median(times)
            table.add_row(
                case.name,
                "a click moved" if moving else "gamma changed",
                f"{median:.1f}",
                f"{min(times):.1f}–{max(times):.1f}",
                f"{case.bound:.0f}",
                "ok" if median <= case.bound else "too slow",
            )
    console = Console()
    console.print(table)
    console.print("Prepared once, before it:")
    for preparation in preparations:
        console.print(f"  {preparation}")
    console.print("From a click in the window to new preview data: python -m benchmarks.window")


if __name__ == "__main__":
    main()
