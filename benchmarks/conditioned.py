"""The conditioned cut as a prompt method: how long a mask takes, and how good first clicks are.

    python -m benchmarks.conditioned
    NAPARI_NCUT_DATA=… python -m benchmarks.conditioned

Time is that of `predict` on a prepared embedding after one click moved (and the masks are computed
anew), or after gamma changed. Quality is the mean IoU with nuclei after random clicks, positive
ones on nuclei and negative ones beside them, in training images of the Data Science Bowl 2018 (from
rows 31 to 260 of the folder dsb2018), never those that results are reported on.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from napari_ncut import PromptSegmenter, embed
from napari_ncut.prompts import METHODS, ConditionedCut

from .latency import (
    N_CLASSES,
    N_CLICKS,
    N_COMPONENTS,
    WARM_UP,
    Case,
    image_case,
    machine,
    questions,
    stack_case,
)
from .start_values import training_images

BOUND = 50
CLICKS = ((1, 0), (1, 1), (3, 0), (3, 2))
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("tutorial", {}),
    ("tutorial", {"gamma": 0.3, "negative_threshold": 0.9}),
    ("cut", {}),
    ("cut", {"denoise_area_th": 0}),
    ("cut", {"denoise_area_th": 10}),
    ("cut", {"threshold": 0.4}),
    ("cut", {"threshold": 0.6}),
]


def predict_times(case: Case, method: str, *, moving: bool, repetitions: int) -> list[float]:
    """Milliseconds of each answer."""
    segmenter = PromptSegmenter(case.embedding)
    times = []
    asked = zip(questions(case, moving), range(WARM_UP + repetitions), strict=False)
    for question, number in asked:
        start = time.perf_counter()
        segmenter.predict(**question, method=method)
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - start))
    return times


def fit_times(n_nodes: int, repetitions: int) -> list[float]:
    """Milliseconds of one cut of nodes with smooth random eigenvectors."""
    generator = np.random.default_rng(0)
    waves = np.sin(np.linspace(0, 20, n_nodes)[:, None] * generator.uniform(0, 1, N_COMPONENTS))
    vectors = np.linalg.qr(waves + 0.1 * generator.normal(size=waves.shape))[0].astype(np.float32)
    values = 0.8 ** np.arange(N_COMPONENTS)
    times = []
    for _ in range(WARM_UP + repetitions):
        clicked = generator.integers(n_nodes, size=N_CLICKS)
        start = time.perf_counter()
        ConditionedCut().fit(vectors, values, clicked[:6], clicked[6:])
        times.append(1000 * (time.perf_counter() - start))
    return times[WARM_UP:]


def time_table(repetitions: int) -> Table:
    table = Table(title=f"k = {N_COMPONENTS}, {N_CLICKS} clicks, {N_CLASSES} classes; {machine()}")
    for heading in ("image", "method", "question", "median ms", "range ms", "bound ms", ""):
        table.add_column(heading, justify="right" if heading.endswith("ms") else "left")

    def add(image: str, method: str, question: str, times: list[float], bound: float) -> None:
        median = statistics.median(times)
        verdict = "ok" if median <= bound else "too slow"
        spread = f"{min(times):.1f}–{max(times):.1f}"
        table.add_row(image, method, question, f"{median:.1f}", spread, f"{bound:.0f}", verdict)

    for case in (image_case(1024, BOUND), stack_case(20, 512, BOUND)):
        for method in METHODS:
            for moving in (True, False):
                times = predict_times(case, method, moving=moving, repetitions=repetitions)
                question = "a click moved" if moving else "gamma changed"
                add(case.name, method, question, times, case.bound)
    for n_nodes in (4096, 65_536, 100_000):
        add(f"{n_nodes} nodes", "one cut", "all clicks new", fit_times(n_nodes, repetitions), BOUND)
    return table


def random_clicks(
    truth: NDArray[np.bool_], n_positive: int, n_negative: int, repetitions: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    generator = np.random.default_rng(0)
    inside, outside = np.argwhere(truth), np.argwhere(~truth)
    for _ in range(repetitions):
        points = np.concatenate(
            [generator.choice(inside, n_positive), generator.choice(outside, n_negative)]
        )
        yield points, np.arange(len(points)) < n_positive


def quality_table(folder: Path, repetitions: int) -> Table:
    images = training_images(folder)
    table = Table(title=f"filterbank, {len(images)} images, mean IoU of random clicks")
    for title in ("eigenvectors", "method", "settings", *(f"{p}+ {n}−" for p, n in CLICKS), "mean"):
        table.add_column(title)
    for n_components in (10, N_COMPONENTS):
        ready = [
            (PromptSegmenter(embed(image, axes="YXC"[: image.ndim], n_components=n_components)), t)
            for image, t in images
        ]
        for method, settings in SETTINGS:
            means = []
            for n_positive, n_negative in CLICKS:
                scores = [
                    float((mask & truth).sum() / (mask | truth).sum())
                    for segmenter, truth in ready
                    for points, positive in random_clicks(
                        truth, n_positive, n_negative, repetitions
                    )
                    for mask in [segmenter.predict(points, positive, method=method, **settings)]
                ]
                means.append(float(np.mean(scores)))
            name = ", ".join(f"{key} {value}" for key, value in settings.items()) or "default"
            shown = [f"{mean:.2f}" for mean in (*means, np.mean(means))]
            table.add_row(str(n_components), method, name, *shown)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--clicks", type=int, default=4, help="repetitions of random clicks")
    options = parser.parse_args()
    console = Console(width=140)
    console.print(time_table(options.repetitions))
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        console.print("Quality needs NAPARI_NCUT_DATA and its folder data/dsb2018.")
        return
    console.print(quality_table(Path(root) / "data" / "dsb2018", options.clicks))


if __name__ == "__main__":
    main()
