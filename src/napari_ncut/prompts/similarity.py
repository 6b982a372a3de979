"""Cosines of all nodes to clicked nodes, kept while clicks come and go."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..imaging import PlaneLayout
from .tutorial import AbsoluteScale, HeatScale

if TYPE_CHECKING:
    from ..spectral.embedding import Embedding

# Bytes of cosines that are kept: some sixty clicks on a million nodes.
_KEPT_BYTES = 2**28


class Similarity:
    """Answers "how alike is every node of this plane to that clicked node", remembering clicks.

    Parameters
    ----------
    embedding
        Whose nodes are compared.
    """

    def __init__(self, embedding: Embedding) -> None:
        import torch

        self.layout: PlaneLayout = embedding.layout
        self._unit = torch.from_numpy(embedding.unit_vectors)
        self._cosines: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        self._scales: dict[tuple[int, str, int], HeatScale] = {}

    def prepare(self, nodes: NDArray[np.int64]) -> None:
        """Compute the cosines of clicked nodes that are not known yet."""
        for node in map(int, np.unique(nodes)):
            if node not in self._cosines:
                # By torch: numpy's threads wait for each other far longer where a core is busy.
                # One by one: the last bits of products of several depend on how many they are, and
                # masks must not depend on whether clicks came together or one after the other.
                self._cosines[node] = (self._unit @ self._unit[node]).numpy()
        for node in nodes:
            self._cosines.move_to_end(int(node))
        room = max(len(np.unique(nodes)), _KEPT_BYTES // (4 * len(self._unit)))
        while len(self._cosines) > room:
            forgotten, _ = self._cosines.popitem(last=False)
            self._scales = {
                key: scale for key, scale in self._scales.items() if key[0] != forgotten
            }

    def of(
        self, node: int, plane: int, normalization: str
    ) -> tuple[NDArray[np.float32], HeatScale | AbsoluteScale]:
        """Cosines (rows, columns) of one plane to a prepared node, and how to read them."""
        cosines = self._cosines[node]
        on_plane = self.layout.grid_of(cosines, plane)
        if normalization == "absolute":
            return on_plane, AbsoluteScale()
        key = (node, normalization, plane if normalization == "plane" else -1)
        if key not in self._scales:
            self._scales[key] = HeatScale.fit(
                on_plane.ravel() if normalization == "plane" else cosines
            )
        return on_plane, self._scales[key]
