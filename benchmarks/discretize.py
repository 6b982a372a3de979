"""Groups from eigenvectors: seconds of every method and of the hierarchy, and how good they are.

    python -m benchmarks.discretize [--repeats 3] [--groups 10 30] [--peer DIR]

The 30 eigenvectors are those of scikit-image's immunohistochemistry, tiled. `cosine` is the mean
cosine between a node and the direction of its group among the eigenvectors used (one per group),
after the best rotation: what Yu and Shi's method and the peer's `axis_align` maximize. `kept` is
the share of the association within groups, 1 − NCut / k, in what the sum of the leading eigenvalues
allows at most. Both depend on the groups alone. `--peer` is a folder with ncut-pytorch 3.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from skimage import data

from napari_ncut import Embedding, embed
from napari_ncut.spectral.discretize import discretize
from napari_ncut.spectral.hierarchy import GroupHierarchy
from napari_ncut.spectral.names import DISCRETIZATIONS
from napari_ncut.spectral.spherical import group_sums, unit

N_COMPONENTS = 30
# Side of the square image in pixels, at stride 2: 4,096 and 409,600 nodes.
SIDES = (128, 1280)
LARGEST = 250
Grouping = Callable[[Embedding, int], NDArray]


def embedding_of(side: int) -> Embedding:
    tile = data.immunohistochemistry()
    repeats = -(-side // min(tile.shape[:2]))
    image = np.tile(tile, (repeats, repeats, 1))[:side, :side]
    return embed(image, axes="YXC", n_components=N_COMPONENTS, stride=2)


def cosine(embedding: Embedding, groups: NDArray, n_groups: int) -> float:
    rows = unit(embedding.vectors[:, :n_groups], np.float64)
    values = np.linalg.svd(group_sums(rows, groups, n_groups), compute_uv=False)
    return float(values.sum() / len(rows))


def kept(embedding: Embedding, groups: NDArray, n_groups: int) -> float:
    root = np.sqrt(embedding.degrees)[:, np.newaxis]
    sums = group_sums(embedding.vectors * root, groups, n_groups)
    degrees = np.bincount(groups, weights=embedding.degrees, minlength=n_groups)
    within = (sums**2 @ embedding.eigenvalues)[degrees > 0] / degrees[degrees > 0]
    return float(within.sum() / embedding.eigenvalues[:n_groups].sum())


def ours(method: str) -> Grouping:
    def group(embedding: Embedding, n_groups: int) -> NDArray:
        return discretize(embedding.vectors, n_groups, method=method) - 1

    return group


def peers(folder: Path) -> dict[str, Grouping]:
    # Last on the path, so that whatever it brings along never stands in for our own packages.
    sys.path.append(str(folder))
    kway = importlib.import_module("ncut_pytorch.ncuts.ncut_kway")

    def axis_align(embedding: Embedding, n_groups: int) -> NDArray:
        torch.manual_seed(0)
        vectors = torch.from_numpy(embedding.vectors)
        return kway.kway_ncut(vectors, n_groups, device="cpu").argmax(1).numpy()

    def quick_kway(embedding: Embedding, n_groups: int) -> NDArray:
        torch.manual_seed(0)
        vectors = torch.from_numpy(embedding.vectors)
        scores = kway.quick_kway(vectors, n_groups, n_eig=N_COMPONENTS, device="cpu")
        return scores.argmax(1).numpy()

    return {"peer: axis_align": axis_align, "peer: quick_kway": quick_kway}


def timed(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median seconds, and the last result."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--groups", type=int, nargs="+", default=[10, N_COMPONENTS])
    parser.add_argument("--peer", type=Path, help="folder with ncut-pytorch 3")
    given = parser.parse_args()
    methods = {name: ours(name) for name in DISCRETIZATIONS}
    methods |= peers(given.peer) if given.peer else {}
    table = Table(title=f"{N_COMPONENTS} eigenvectors, {os.cpu_count()} cores")
    for title in ("method", "nodes", "groups", "s", "cosine", "kept"):
        table.add_column(title, justify="left" if title == "method" else "right")

    def add(name: str, embedding: Embedding, seconds: float, groups: NDArray, n: int) -> None:
        table.add_row(
            name,
            f"{len(groups):,}",
            str(n),
            f"{seconds:.2f}",
            f"{cosine(embedding, groups, n):.3f}",
            f"{kept(embedding, groups, n):.3f}",
        )

    for side in SIDES:
        embedding = embedding_of(side)
        for n_groups in given.groups:
            for name, group in methods.items():
                seconds, groups = timed(lambda: group(embedding, n_groups), given.repeats)  # noqa: B023
                add(name, embedding, seconds, groups, n_groups)
        for title, values in (("hierarchy", None), ("with λ", embedding.eigenvalues)):
            seconds, tree = timed(
                lambda: GroupHierarchy.fit(
                    embedding.vectors,  # noqa: B023
                    eigenvalues=values,  # noqa: B023
                    largest=LARGEST,
                ),
                given.repeats,
            )
            for n_groups in given.groups:
                name = f"{title}, of {tree.n_groups}"
                add(name, embedding, seconds, tree.labels(n_groups) - 1, n_groups)
        table.add_section()
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
