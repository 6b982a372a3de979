"""Leading eigenvectors of the normalized affinity: which solver, and the solvers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from numpy.typing import NDArray

from ...progress import Steps
from ..affinity import AnyKernel
from ..names import ACCURACIES
from .solution import Solution

__all__ = ["Solution", "most_components", "solve_steps"]

# Up to this size a dense solver beats iterations (measured on two cores).
_DENSE_NODES = 384
# And up to this size it is what finds a large part of all eigenvectors; 0.5 GB.
_DENSE_AT_MOST = 8192
# Residual ‖Su − λu‖ in double precision, as a share of the smallest eigenvalue.
_TIGHT = 1e-7
# What a hundred landmarks miss (see `Landmarks.missed`) of a smooth affinity; of sharp ones it is
# several times as much.
_SMOOTH = 200.0
# A larger part than this is sought by the dense solver.
_LARGE_PART = 8
# Columns for each that is asked for, and residuals that do, where every product takes long.
_STREAMED_COLUMNS, _ENOUGH = 3, 5e-5
# Among more nodes more are lonely: a sample is at least this part of them, up to so many.
_SAMPLED_PART, _SAMPLED_FOR_IT = 32, 3072
# Of more nodes than these, extending to all of them is what takes time, and goes by the sample.
_EXTENDED_FOR_IT = 500_000


def solve_steps(
    features: NDArray,
    kernel: AnyKernel,
    n_components: int,
    accuracy: str,
    random_state: int,
    device: str,
    memory: float,
) -> Steps[Solution]:
    """Solve the cut of nodes (n, d), as well as `accuracy` says, within `memory` bytes."""
    import torch

    from .affinities import short_type
    from .choosing import choose_landmarks
    from .dense import solve_dense
    from .landmarks import solve_landmarks
    from .pairs import solve_pairs
    from .sample import solve_sample

    wanted, n_nodes, k = ACCURACIES[accuracy], len(features), n_components
    if n_nodes <= _DENSE_NODES or (k > n_nodes // _LARGE_PART and n_nodes <= _DENSE_AT_MOST):
        return (yield from solve_dense(features, kernel, k))
    if n_nodes <= wanted.double:
        place = "cpu" if device.startswith("mps") else device
        double = torch.float64
        return (
            yield from solve_pairs(
                features, kernel, k, _TIGHT, random_state, place, dtype=double, kept=double
            )
        )
    single, short = torch.float32, short_type(device)
    kept: torch.dtype | None = single if accuracy == "exact" else short
    if 4 * n_nodes**2 > memory / 2:
        kept = None
    all_pairs = partial(
        solve_pairs,
        features,
        kernel,
        k,
        wanted.tolerance,
        random_state,
        device,
        dtype=single,
        kept=kept,
    )
    if kept is None and n_nodes <= wanted.pairs:
        return (yield from _streamed(all_pairs, features, kernel, k, random_state, device))
    if n_nodes <= wanted.pairs:
        return (yield from all_pairs())
    if kernel.definite:
        landmarks = yield from choose_landmarks(
            features, kernel, k, max(wanted.landmarks, 4 * k), wanted.missed, random_state
        )
        if landmarks.missed <= wanted.missed:
            return (yield from solve_landmarks(features, kernel, k, landmarks.nodes, device))
        if landmarks.missed <= _SMOOTH and n_nodes <= wanted.smooth_pairs:
            return (yield from all_pairs())
    n_sampled = wanted.sampled
    if n_nodes <= _EXTENDED_FOR_IT:
        n_sampled = max(n_sampled, min(n_nodes // _SAMPLED_PART, _SAMPLED_FOR_IT))
    n_sampled = min(n_nodes, max(n_sampled, _LARGE_PART * k))
    return (
        yield from solve_sample(
            features,
            kernel,
            k,
            n_sampled,
            wanted.tolerance,
            random_state,
            device,
            dtype=single,
            kept=short,
        )
    )


def _streamed(
    all_pairs: Callable[..., Steps[Solution]],
    features: NDArray,
    kernel: AnyKernel,
    n_components: int,
    random_state: int,
    device: str,
) -> Steps[Solution]:
    """Solve for all pairs that do not fit into memory: few products, since each takes long.

    A weighted sample tells where to begin. It gives more columns than are asked for, by far: the
    product is dear for its affinities, and the farther the first column that is left out, the fewer
    products it takes.
    """
    import torch

    from .affinities import short_type
    from .sample import solve_sample

    n_columns = max(
        n_components, min(_STREAMED_COLUMNS * n_components, len(features) // _LARGE_PART)
    )
    balanced = ACCURACIES["balanced"]
    sampled = yield from solve_sample(
        features,
        kernel,
        n_columns,
        min(len(features), max(balanced.sampled, _LARGE_PART * n_columns)),
        balanced.tolerance,
        random_state,
        device,
        dtype=torch.float32,
        kept=short_type(device),
    )
    start = sampled.eigenvectors[:, sampled.eigenvalues != 0]
    return (yield from all_pairs(start=start, enough=_ENOUGH))


def most_components(accuracy: str, n_nodes: int, *, sparse: bool = False) -> int:
    """How many eigenvectors of so many nodes can be had."""
    if n_nodes <= _DENSE_AT_MOST:
        return n_nodes
    if sparse:
        # Lanczos iterations find some of the eigenvectors; more would need the whole matrix.
        return n_nodes // 4
    return max(_DENSE_AT_MOST, n_nodes if accuracy == "exact" else 0) // _LARGE_PART
