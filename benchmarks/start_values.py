"""With which values "Segment by points" should open: mean IoU over a robot user's first clicks.

    NAPARI_NCUT_DATA=… python -m benchmarks.start_values

The robot clicks the middle of the largest error, positive on a miss, negative on a false alarm. The
images are training images of the Data Science Bowl 2018 nuclei (rows 31 and up of the folder
dsb2018), never those that results are reported on.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from napari_ncut import PromptSegmenter, embed

CLICKS = 6
EVERY = 23
SETTINGS: list[dict[str, Any]] = [
    {},
    {"gamma": 0.3, "negative_threshold": 0.8},
    {"gamma": 0.3, "negative_threshold": 0.9},
    {"gamma": 0.3, "negative_threshold": 0.9, "normalization": "absolute"},
    {"gamma": 0.5, "negative_threshold": 0.9, "normalization": "absolute"},
    {"gamma": 1.0, "negative_threshold": 0.9, "normalization": "absolute"},
]


def largest_error(mask: NDArray, truth: NDArray) -> tuple[tuple[int, int], bool] | None:
    """Middle of the largest wrong piece, and whether it is a miss."""
    best, found = 0, None
    for wrong, sign in ((truth & ~mask, True), (mask & ~truth, False)):
        pieces, _ = ndimage.label(wrong)
        areas = np.bincount(pieces.ravel())
        areas[0] = 0
        if areas.max() > best:
            best = areas.max()
            depth = ndimage.distance_transform_edt(np.pad(pieces == areas.argmax(), 1))[1:-1, 1:-1]
            row, column = np.unravel_index(depth.argmax(), depth.shape)
            found = ((int(row), int(column)), sign)
    return found


def robot(segmenter: PromptSegmenter, truth: NDArray, settings: dict[str, Any]) -> list[float]:
    """IoU after each click."""
    points: list[tuple[int, int]] = []
    signs: list[bool] = []
    mask = np.zeros_like(truth)
    scores = []
    for _ in range(CLICKS):
        click = largest_error(mask, truth)
        if click is not None:
            points.append(click[0])
            signs.append(click[1])
            mask = segmenter.predict(points, signs, **settings)
        scores.append(float((mask & truth).sum() / (mask | truth).sum()))
    return scores


def training_images(folder: Path) -> list[tuple[NDArray, NDArray]]:
    with (folder / "index.csv").open() as file:
        names = [row["name"] for row in csv.DictReader(file)][30::EVERY]
    return [
        (
            imageio.imread(folder / "images" / f"{Path(name).stem}.png"),
            imageio.imread(folder / "labels" / f"{Path(name).stem}.png") > 0,
        )
        for name in names
    ]


def main() -> int:
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        print("NAPARI_NCUT_DATA is not set; this benchmark needs its folder data/dsb2018.")
        return 0
    images = training_images(Path(root) / "data" / "dsb2018")
    table = Table(title=f"filterbank, {len(images)} images, mean IoU after 1 … {CLICKS} clicks")
    for title in ("eigenvectors", "settings", *map(str, range(1, CLICKS + 1)), "mean"):
        table.add_column(title)
    for n_components in (10, 30):
        ready = [
            (
                PromptSegmenter(
                    embed(image, axes="YX" if image.ndim == 2 else "YXC", n_components=n_components)
                ),
                truth,
            )
            for image, truth in images
        ]
        for settings in SETTINGS:
            scores = np.mean(
                [robot(segmenter, truth, settings) for segmenter, truth in ready], axis=0
            )
            name = (
                ", ".join(f"{key} {value}" for key, value in settings.items()) or "the tutorial's"
            )
            table.add_row(
                str(n_components), name, *(f"{s:.2f}" for s in scores), f"{scores.mean():.2f}"
            )
    Console(width=140).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
