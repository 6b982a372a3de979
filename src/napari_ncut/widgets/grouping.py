"""Groups of an embedding's nodes and their colors, as the features widget shows them; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps

if TYPE_CHECKING:
    from ..spectral import Embedding
    from ..spectral.hierarchy import GroupHierarchy

MOST_GROUPS = 250
NESTED = "nested"


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of the nodes of an embedding.

    Attributes
    ----------
    labels : int32 array (n_nodes,)
    colors : float32 array (m, 3)
        Of groups 1 to m, RGB, 0 to 1; there may be more than groups.
    n_groups : int
        Number of groups asked for.
    method : str
        "nested", or one of `DISCRETIZATIONS`.
    """

    labels: NDArray[np.int32] = field(repr=False)
    colors: NDArray[np.float32] = field(repr=False)
    n_groups: int
    method: str


def nested_groups(hierarchy: GroupHierarchy, n_groups: int) -> Groups:
    """One level of a hierarchy, in the colors of all levels."""
    return Groups(
        hierarchy.labels(n_groups), hierarchy.colors(hierarchy.n_groups), n_groups, NESTED
    )


def hierarchy_steps(embedding: Embedding, node_colors: NDArray | None) -> Steps[GroupHierarchy]:
    """The hierarchy of an embedding, in colors like those of its nodes, as a generator."""
    yield Progress("groups", 0, 1)
    return embedding.hierarchy(largest=MOST_GROUPS, node_colors=node_colors)


def group_steps(
    embedding: Embedding, n_groups: int, method: Any, node_colors: NDArray | None
) -> Steps[Groups]:
    """Groups by one of `DISCRETIZATIONS`, as a generator.

    Parameters
    ----------
    embedding, n_groups, method
        As for `Embedding.kway`.
    node_colors
        Colors (n_nodes, 3) that the nodes are shown in; groups get about the mean of theirs.
    """
    from ..spectral import eigenvector_colors
    from ..spectral.hierarchy import told_apart
    from ..spectral.spherical import group_sums

    yield Progress("groups", 0, 1)
    grids = embedding.kway(n_groups, method=method)
    grids = grids if isinstance(grids, list) else [grids]
    labels = np.concatenate([np.ravel(grid) for grid in grids]).astype(np.int32)
    yield Progress("colors", 0, 1)
    if node_colors is None:
        node_colors = eigenvector_colors(embedding.vectors)
    found = int(labels.max())
    sizes = np.maximum(np.bincount(labels - 1, minlength=found), 1)
    sums = group_sums(node_colors.astype(np.float64), labels - 1, found)
    return Groups(labels, told_apart(sums / sizes[:, np.newaxis]), n_groups, method)
