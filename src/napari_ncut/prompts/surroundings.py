"""How regions hang together, as the click network takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .evidence import PlaneEvidence

if TYPE_CHECKING:
    from .click_network import Surroundings

# Levels of the merge tree whose groups think together.
GROUP_LEVELS = (0.1, 0.25, 0.45, 0.7)
# What is known of two regions that touch: boundary, and three distances.
N_EDGE = 4


def edge_features(evidence: PlaneEvidence) -> NDArray[np.float32]:
    """What is known of every pair of regions that touch (m, N_EDGE)."""
    one, other = evidence.regions.graph.edges.T
    distances = [
        np.linalg.norm(rows[one] - rows[other], axis=1) / unit
        for rows, unit in (
            (evidence.regions.segment, 1),
            (evidence.look, 3),
            (evidence.deep, 5),
        )
    ]
    return np.stack([evidence.regions.graph.boundary, *distances], axis=1).astype(np.float32)


def group_numbers(evidence: PlaneEvidence) -> list[NDArray[np.int64]]:
    """The group of every region (n,) at each of `GROUP_LEVELS`."""
    return [evidence.regions.tree.cut(level).astype(np.int64) for level in GROUP_LEVELS]


def surroundings(evidence: PlaneEvidence) -> Surroundings:
    """Neighbors, groups and sizes of a plane's regions, as tensors."""
    import torch

    from .click_network import Surroundings

    graph = evidence.regions.graph
    features = edge_features(evidence)
    both = np.concatenate([graph.edges, graph.edges[:, ::-1]]).T.astype(np.int64)
    return Surroundings(
        own=torch.from_numpy(evidence.own()),
        edges=torch.from_numpy(np.ascontiguousarray(both)),
        edge_features=torch.from_numpy(np.concatenate([features, features])),
        groups=[torch.from_numpy(numbers) for numbers in group_numbers(evidence)],
        areas=torch.from_numpy(graph.areas),
    )
