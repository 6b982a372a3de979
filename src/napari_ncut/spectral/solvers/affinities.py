"""The normalized affinity of all pairs of nodes, kept or computed anew, and products with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, Steps

if TYPE_CHECKING:
    import torch

Tile = Callable[[slice, slice], "torch.Tensor"]
Times = Callable[["torch.Tensor"], Steps["torch.Tensor"]]

# 1,024 × 1,024 affinities stay in a core's cache while they are computed.
_TILE, _TILE_ON_GPU = 1024, 8192
# Tiles between two steps of progress: some 50 ms.
_TILES_PER_STEP = 16


class NormalizedAffinity:
    """D^-½ A D^-½ of all pairs of nodes, without its trivial part.

    Where nodes have weights w, as if node i stood for w_i nodes at its place, D holds the sums A w
    and the matrix is W^½ D^-½ A D^-½ W^½.

    Its first eigenvector (W D)^½1, of eigenvalue 1, is known; taken away, what is left is of the
    size of the eigenvalues that are asked for, so that single precision does for them.

    Parameters
    ----------
    times
        Multiplies A with vectors (n, k); a generator of progress.
    degrees, weights
        A w and w, float64 arrays (n,).
    device, dtype
        Of the vectors.

    Attributes
    ----------
    degrees : float64 array (n,)
    roots : float64 array (n,)
        (w / degrees)^½.
    trivial : tensor (n, 1)
        The first eigenvector.
    """

    def __init__(
        self,
        times: Times,
        degrees: NDArray[np.float64],
        weights: NDArray[np.float64],
        device: str,
        dtype: torch.dtype,
    ) -> None:
        import torch

        self.degrees = degrees
        self.roots = np.sqrt(weights / degrees)
        self._times = times
        trivial = np.sqrt(weights * degrees)
        trivial /= np.linalg.norm(trivial)
        self.trivial = torch.as_tensor(trivial[:, np.newaxis]).to(dtype).to(device)
        self._roots = torch.as_tensor(self.roots[:, np.newaxis]).to(dtype).to(device)

    def __call__(self, vectors: torch.Tensor, times: Times | None = None) -> Steps[torch.Tensor]:
        """Multiply vectors (n, k) by it, in another way than its own where `times` is given."""
        product = yield from (times or self._times)(self._roots * vectors)
        return product * self._roots - self.trivial * (self.trivial.T @ vectors)


def kept_steps(
    tile: Tile,
    n_nodes: int,
    weights: NDArray[np.float64],
    device: str,
    dtype: torch.dtype,
    kept: torch.dtype,
) -> Steps[NormalizedAffinity]:
    """Compute all affinities once and keep them.

    Entries of half the length (bfloat16) halve memory, and more than halve the time of products,
    where the processor multiplies them itself.
    """
    keep, times = _keeping(tile, n_nodes, device, dtype, kept)
    degrees = yield from degree_steps(keep, n_nodes, weights, device)
    return NormalizedAffinity(times, degrees, weights, device, dtype)


def kept_times_steps(tile: Tile, n_nodes: int, device: str, dtype: torch.dtype) -> Steps[Times]:
    """A product with A, computed once and kept."""
    keep, times = _keeping(tile, n_nodes, device, dtype, dtype)
    for progress, rows, columns in _upper_tiles("affinities", n_nodes, device):
        if progress:
            yield progress
        keep(rows, columns)
    return times


def _keeping(
    tile: Tile, n_nodes: int, device: str, dtype: torch.dtype, kept: torch.dtype
) -> tuple[Tile, Times]:
    """What keeps every tile on and above the diagonal that it computes, and the product."""
    import torch

    matrix = torch.empty(n_nodes, n_nodes, dtype=kept, device=device)

    def keep(rows: slice, columns: slice) -> torch.Tensor:
        affinity = tile(rows, columns)
        short = affinity.to(kept)
        matrix[rows, columns] = short
        if rows != columns:
            matrix[columns, rows] = short.T
        return affinity

    def times(vectors: torch.Tensor) -> Steps[torch.Tensor]:
        yield from ()  # it takes a fraction of a second
        return (matrix @ vectors.to(kept)).to(dtype)

    return keep, times


def streamed_steps(
    tile: Tile, n_nodes: int, weights: NDArray[np.float64], device: str, dtype: torch.dtype
) -> Steps[NormalizedAffinity]:
    """All affinities, computed anew for every product: memory for a tile at a time."""
    degrees = yield from degree_steps(tile, n_nodes, weights, device)
    return NormalizedAffinity(
        streamed_times(tile, n_nodes, device), degrees, weights, device, dtype
    )


def degree_steps(
    tile: Tile, n_nodes: int, weights: NDArray[np.float64], device: str
) -> Steps[NDArray[np.float64]]:
    """A w, from every tile once."""
    import torch

    # Apple's GPUs have no double precision.
    precise = torch.float32 if device.startswith("mps") else torch.float64
    sums = torch.zeros(n_nodes, dtype=precise, device=device)
    weight = torch.as_tensor(weights).float().to(device)
    for progress, rows, columns in _upper_tiles("affinities", n_nodes, device):
        if progress:
            yield progress
        affinity = tile(rows, columns)
        some = weight.to(affinity.dtype)
        sums[rows] += affinity @ some[columns]
        if rows != columns:
            sums[columns] += affinity.T @ some[rows]
    return sums.cpu().double().numpy()


def streamed_times(tile: Tile, n_nodes: int, device: str) -> Times:
    """Make a product with A that computes every tile anew."""
    import torch

    def times(vectors: torch.Tensor) -> Steps[torch.Tensor]:
        product = torch.zeros_like(vectors)
        for progress, rows, columns in _upper_tiles("products", n_nodes, device):
            if progress:
                yield progress
            affinity = tile(rows, columns)
            product[rows] += affinity @ vectors[columns]
            if rows != columns:
                product[columns] += affinity.T @ vectors[rows]
        return product

    return times


def _upper_tiles(
    stage: str, n_nodes: int, device: str
) -> Iterator[tuple[Progress | None, slice, slice]]:
    """Rows and columns of the tiles on and above the diagonal, now and then with progress."""
    size = _TILE if device == "cpu" else _TILE_ON_GPU
    slices = [slice(i, min(i + size, n_nodes)) for i in range(0, n_nodes, size)]
    total, done = len(slices) * (len(slices) + 1) // 2, 0
    for i, rows in enumerate(slices):
        for columns in slices[i:]:
            yield (
                Progress(stage, done, total) if done % _TILES_PER_STEP == 0 else None,
                rows,
                columns,
            )
            done += 1


def short_type(device: str) -> torch.dtype:
    """The shortest type that this processor multiplies itself; float32 where there is none."""
    import torch

    fast = device == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if fast else torch.float32
