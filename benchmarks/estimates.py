"""How far the time shown before a run is from the time it takes.

    python -m benchmarks.estimates

Runs `embed` with `filterbank` on scikit-image's immunohistochemistry image at several sizes and
compares with `estimate_run`, whose constants come from here.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table

from napari_ncut import embed
from napari_ncut.backbones import backbone_entry, load_backbone
from napari_ncut.backbones.estimate import estimate_run
from napari_ncut.backbones.extract import plan_layout
from napari_ncut.imaging import as_planes


def cases() -> dict[str, tuple[np.ndarray, str]]:
    image = skimage.data.immunohistochemistry()
    gray = image.mean(axis=-1)
    return {
        "64 × 64": (gray[:64, :64], "YX"),
        "512 × 512 RGB": (image, "YXC"),
        "1024 × 1024 RGB": (np.tile(image, (2, 2, 1)), "YXC"),
        "2048 × 2048 RGB": (np.tile(image, (4, 4, 1)), "YXC"),
        "20 planes of 512 × 512": (np.stack([gray] * 20), "ZYX"),
    }


def main(repeats: int = 3, n_components: int = 10) -> None:
    entry = backbone_entry("filterbank")
    backbone = load_backbone("filterbank")
    embed(np.random.default_rng(0).random((64, 64)))  # imports
    table = Table(
        title=f"embed, filterbank, {n_components} eigenvectors, {torch.get_num_threads()} threads"
    )
    for title in ("image", "estimated", "median", "estimated / median"):
        table.add_column(title, justify="left" if title == "image" else "right")
    for name, (image, axes) in cases().items():
        layout = plan_layout(as_planes(image, axes=axes), backbone)
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            embed(image, axes=axes, n_components=n_components)
            seconds.append(time.perf_counter() - start)
        estimated, median = (
            estimate_run(layout, entry, n_components).seconds,
            statistics.median(seconds),
        )
        table.add_row(name, f"{estimated:.1f} s", f"{median:.1f} s", f"{estimated / median:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
