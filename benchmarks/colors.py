"""How long colors of eigenvectors take: median seconds by method.

    python -m benchmarks.colors [--planes 100] [--side 64] [--repeats 5] [--peer DIR]

Eigenvectors are smooth random waves on planes of side × side nodes. `kept` is the share of a node's
50 nearest neighbors (of 4,000 nodes, by cosine) that are among its 50 nearest in color. UMAP runs
where umap-learn is installed; the peer, ncut-pytorch's `tsne_color`, where DIR holds the package.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.neighbors import NearestNeighbors

from napari_ncut.spectral import eigenvector_colors
from napari_ncut.spectral.names import COLORINGS

N_TOLD, N_NEIGHBORS = 4000, 50
Coloring = Callable[[np.ndarray], np.ndarray]


def waves(n_planes: int, side: int, k: int) -> np.ndarray:
    """Eigenvectors (planes, side, side, k) of many smooth regions."""
    generator = np.random.default_rng(0)
    grid = np.indices((side, side), dtype=np.float32) / side
    vectors = np.empty((n_planes, side, side, k), np.float32)
    pace = generator.uniform(-6, 6, (k, 3)).astype(np.float32)
    phase = generator.uniform(0, 2 * np.pi, k).astype(np.float32)
    for plane in range(n_planes):
        for j in range(k):
            along = pace[j, 0] * plane / n_planes + pace[j, 1] * grid[0] + pace[j, 2] * grid[1]
            vectors[plane, ..., j] = np.cos(along + phase[j])
    vectors += generator.normal(0, 0.05, vectors.shape).astype(np.float32)
    return vectors


def neighbors_kept(vectors: np.ndarray, colors: np.ndarray) -> float:
    """Share of neighbors by cosine that are neighbors by color."""
    rows = vectors.reshape(-1, vectors.shape[-1])
    n_told = min(N_TOLD, len(rows))
    told = np.random.default_rng(1).choice(len(rows), n_told, replace=False)
    rows = rows[told] / np.linalg.norm(rows[told], axis=1, keepdims=True)
    near = [
        NearestNeighbors(n_neighbors=min(N_NEIGHBORS, n_told - 1)).fit(points).kneighbors()[1]
        for points in (rows, colors.reshape(-1, 3)[told])
    ]
    shares = [len(np.intersect1d(*pair)) / len(pair[0]) for pair in zip(*near, strict=True)]
    return float(np.mean(shares))


def peer_coloring(folder: str) -> Coloring:
    """`tsne_color` of ncut-pytorch, as it comes."""
    sys.path.append(folder)
    import torch
    from ncut_pytorch.color import tsne_color

    def color(vectors: np.ndarray) -> np.ndarray:
        rows = torch.from_numpy(vectors.reshape(-1, vectors.shape[-1]))
        return np.asarray(tsne_color(rows, device="cpu", seed=0))

    return color


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planes", type=int, default=100)
    parser.add_argument("--side", type=int, default=64, help="nodes along a side of a plane")
    parser.add_argument("--components", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", metavar="DIR", help="a folder that holds ncut-pytorch")
    given = parser.parse_args()
    vectors = waves(given.planes, given.side, given.components)
    colorings: dict[str, Coloring] = {
        method: lambda vectors, method=method: eigenvector_colors(vectors, method=method)
        for method in COLORINGS
        if method != "umap" or importlib.util.find_spec("umap")
    }
    if given.peer:
        colorings["ncut-pytorch tsne_color"] = peer_coloring(given.peer)
    table = Table(
        title=f"{given.planes} planes of {given.side} × {given.side} nodes, "
        f"{given.components} eigenvectors, {os.cpu_count()} cores"
    )
    for title in ("colors", "s, median", "s, least", "CPU s, least", "kept"):
        table.add_column(title, justify="left" if title == "colors" else "right")
    for name, coloring in colorings.items():
        seconds, busy = [], []
        colors = coloring(vectors[:1])  # imports and compilation are not what is measured
        for _ in range(given.repeats):
            start, start_busy = time.perf_counter(), time.process_time()
            colors = coloring(vectors)
            seconds.append(time.perf_counter() - start)
            busy.append(time.process_time() - start_busy)
            if sum(seconds) > 60:
                break
        table.add_row(
            name,
            f"{statistics.median(seconds):.2f}",
            f"{min(seconds):.2f}",
            f"{min(busy):.2f}",
            f"{neighbors_kept(vectors, colors):.2f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
