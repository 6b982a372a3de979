"""Nodes in three dimensions: principal axes, landmarks laid out, and all nodes between these."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .tsne import tsne

_N_CANDIDATES = 20_000
_PERPLEXITY = 100
_N_NEIGHBORS = 30
# Rows nearer than this (squared) look the same; float32 says no more about unit rows.
_SAME = 1e-6
# Landmarks count by their squared distance to the power −2 ** _SQUARINGS.
_SQUARINGS = 3
_BLOCK = 256

Start = NDArray[np.float64]


def principal_axes(rows: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (k,) and the three principal axes (k, 3) of rows (n, k); axes without spread are 0.

    Signs follow from where the rows lie, never from the axes' entries: these turn with the
    eigenvectors. The longer tail of each axis is positive; of even tails, that of the first rows.
    """
    rows = rows.astype(np.float64)
    mean = rows.mean(axis=0)
    centered = rows - mean
    values, axes = np.linalg.eigh(centered.T @ centered)
    order = np.argsort(values)[::-1][:3]
    axes = axes[:, order] * (values[order] > 1e-10 * len(rows))
    scores = centered @ axes
    third, spread = (scores**3).mean(axis=0), scores.std(axis=0)
    first = (1 / np.arange(1, len(rows) + 1)) @ scores
    side = np.where(np.abs(third) > 0.02 * spread**3, third, first)
    axes = axes * np.where(side < 0, -1, 1)
    return mean, np.pad(axes, ((0, 0), (0, 3 - axes.shape[1])))


def pick_landmarks(rows: NDArray[np.float32], n: int, random_state: int) -> NDArray[np.float32]:
    """Up to `n` different rows of (m, k), spread over all of them.

    Rows are drawn by their distance from those drawn before, as for k-means++ (Arthur &
    Vassilvitskii, SODA 2007), as many at once as there are already. Not by its square: that takes
    so many outliers that fewer neighbors stay near. The noise of every row is drawn beforehand, so
    that turned rows give the same landmarks.
    """
    rows = rows[:: max(1, -(-len(rows) // _N_CANDIDATES))]
    noise = np.random.default_rng(random_state).gumbel(size=len(rows))
    lengths = np.einsum("ij,ij->i", rows, rows)
    distances = np.full(len(rows), 4.0)
    chosen: list[int] = []
    while len(chosen) < n and (distances > _SAME).any():
        chance = np.log(np.maximum(distances, _SAME)) / 2 + noise
        chance[distances <= _SAME] = -np.inf
        drawn = np.argsort(-chance, kind="stable")[: min(max(1, len(chosen)), n - len(chosen))]
        drawn = drawn[distances[drawn] > _SAME]
        to_drawn = lengths[:, np.newaxis] + lengths[drawn] - 2 * (rows @ rows[drawn].T)
        earlier = np.tril(to_drawn[drawn] <= _SAME, -1)
        kept = ~earlier.any(axis=1)
        chosen.extend(drawn[kept].tolist())
        distances = np.minimum(distances, to_drawn.min(axis=1))
        distances[drawn] = 0
    return rows[np.sort(chosen)]


def tsne_layout(landmarks: NDArray[np.float32], start: Start, random_state: int) -> Start:
    """Positions (m, 3) of landmarks (m, k) by t-SNE; no chance is involved."""
    exact = landmarks.astype(np.float64)
    lengths = np.einsum("ij,ij->i", exact, exact)
    squared = lengths[:, np.newaxis] + lengths - 2 * (exact @ exact.T)
    return tsne(np.maximum(squared, 0), start, min(_PERPLEXITY, (len(exact) - 1) / 3))


def umap_layout(landmarks: NDArray[np.float32], start: Start, random_state: int) -> Start:
    """Positions (m, 3) of landmarks (m, k) by UMAP, of the optional package umap-learn.

    McInnes, Healy & Melville, "UMAP: uniform manifold approximation and projection for dimension
    reduction", 2018.
    """
    with warnings.catch_warnings():
        # It tells what it lacks, and that a fixed seed means one thread.
        warnings.simplefilter("ignore")
        try:
            umap = importlib.import_module("umap")
        except ImportError as error:
            raise InputError(
                "Colors by 'umap' need the package umap-learn, which is not installed. Use 'tsne' "
                "or 'pca', or run: pip install \"napari-ncut[umap]\""
            ) from error
        reduction = umap.UMAP(
            n_components=3,
            n_neighbors=min(_N_NEIGHBORS, len(landmarks) - 1),
            metric="euclidean",
            min_dist=0.5,
            spread=2.0,
            init=(10 * start / max(float(start.std(axis=0).max()), 1e-12)).astype(np.float32),
            random_state=random_state,
            n_jobs=1,
        )
        positions = np.asarray(reduction.fit_transform(landmarks), dtype=np.float64)
    centered: Start = positions - positions.mean(axis=0)
    return centered


def place_between(
    rows: NDArray[np.float32], landmarks: NDArray[np.float32], values: NDArray
) -> NDArray[np.float32]:
    """Values (n, d) of unit rows (n, k) out of those (m, d) of unit landmarks (m, k).

    Weighted by inverse distance (Shepard, "A two-dimensional interpolation function for
    irregularly-spaced data", ACM 1968) to a power so high that about ten landmarks count: what is
    at a landmark gets its value, and nothing jumps where the ten change. All weights are taken, for
    that is ten times as fast as to look for the ten largest.
    """
    values = np.hstack([values, np.ones((len(values), 1))]).astype(np.float32)
    placed = np.empty((len(rows), values.shape[1] - 1), dtype=np.float32)
    across = np.ascontiguousarray(landmarks.T)

    def place(first: int) -> None:
        weights = rows[first : first + _BLOCK] @ across
        # Half the squared distance, kept above 1e-4 so that its power stays in float32.
        np.subtract(1.0001, weights, out=weights)
        np.reciprocal(weights, out=weights)
        for _ in range(_SQUARINGS):
            np.square(weights, out=weights)
        sums = weights @ values
        placed[first : first + _BLOCK] = sums[:, :-1] / sums[:, -1:]

    # One block per thread stays in its cache.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(place, range(0, len(rows), _BLOCK)))
    return placed


# All take landmarks, positions to begin with and a seed.
LAYOUTS: dict[str, Callable[[NDArray[np.float32], Start, int], Start]] = {
    "tsne": tsne_layout,
    "umap": umap_layout,
}
