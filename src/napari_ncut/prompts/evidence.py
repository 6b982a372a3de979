"""What a click says of every region: how near, how alike, how much part of the same thing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..regions.plane import PlaneRegions

Matrix = NDArray[np.float32]

# What `PlaneEvidence.of_click` tells, in order. Those of place come last.
PAIR_FEATURES = (
    "kind distance",
    "look cosine",
    "look distance",
    "deep cosine",
    "deep distance",
    "eigenvector cosine",
    "lightness difference",
    "segment distance",
    "path",
    "level",
    "shared area",
    "distance",
    "share of the plane",
    "elsewhere",
)
N_ALIKE = 7
N_OWN = 8

# Dimensions kept of the network's features, after whitening.
DEEP_DIMENSIONS = 24
# Share of the mean variance that is added to all, so that noise is not whitened up.
_RIDGE = 0.05


@dataclass(frozen=True)
class Whitening:
    """A linear map after which features of a set of images have like variance in all directions."""

    mean: Matrix
    matrix: Matrix

    @classmethod
    def fit(cls, features: Matrix, weights: Matrix, dimensions: int) -> Whitening:
        """From features (n, d) that count by weights (n,)."""
        shares = (weights / weights.sum()).astype(np.float64)
        mean = shares @ features
        centered = features - mean
        values, vectors = np.linalg.eigh((centered * shares[:, np.newaxis]).T @ centered)
        values, vectors = values[::-1][:dimensions], vectors[:, ::-1][:, :dimensions]
        ridge = _RIDGE * max(values.mean(), 1e-12)
        # Signs of eigenvectors are free; no product of two features depends on them.
        matrix = vectors / np.sqrt(np.clip(values, 0, None) + ridge)
        return cls(mean.astype(np.float32), matrix.astype(np.float32))

    def __call__(self, features: Matrix) -> Matrix:
        """Whitened features (n, dimensions) of (n, d)."""
        whitened: Matrix = ((features - self.mean) @ self.matrix).astype(np.float32, copy=False)
        return whitened


@dataclass
class PlaneEvidence:
    """Regions of a plane, described so that those of several planes can be compared.

    Attributes
    ----------
    regions : PlaneRegions
    look, deep : float32 arrays (n, d)
        Whitened over all planes.
    eigenvectors : float32 array (n, k)
        Means of unit rows, brought to unit length again.
    """

    regions: PlaneRegions
    look: Matrix
    deep: Matrix
    eigenvectors: Matrix
    lightness: Matrix
    _clicks: dict[int, Matrix] = field(default_factory=dict)

    @classmethod
    def of(
        cls, regions: PlaneRegions, look: Whitening, deep: Whitening, eigenvectors: Matrix
    ) -> PlaneEvidence:
        """Describe regions; `eigenvectors` are means of unit rows (n, k)."""
        lengths = np.linalg.norm(eigenvectors, axis=1, keepdims=True)
        spread = np.sqrt((look.matrix[0] ** 2).sum()) / np.sqrt(look.matrix.shape[1])
        return cls(
            regions,
            look(regions.look),
            deep(regions.deep),
            eigenvectors / np.maximum(lengths, 1e-6),
            (regions.look[:, 0] - look.mean[0]) * np.float32(spread),
        )

    def __len__(self) -> int:
        return len(self.regions.graph)

    def own(self) -> Matrix:
        """What there is to say of every region without clicks (n, N_OWN)."""
        graph = self.regions.graph
        n, pixels = len(graph), graph.labels.size
        one, other = graph.edges.T
        around = np.zeros((2, n))
        for side in (one, other):
            around[0] += np.bincount(side, graph.boundary * graph.lengths, n)
            around[1] += np.bincount(side, graph.lengths, n)
        height, width = graph.labels.shape
        rows, columns = graph.centers.T
        to_border = np.minimum.reduce([rows, columns, height - 1 - rows, width - 1 - columns])
        return np.stack(
            [
                np.log(graph.areas) / 5,
                np.log(graph.areas / pixels) / 10,
                around[0] / np.maximum(around[1], 1),
                self.lightness,
                self.look[:, 0] / 3,
                self.look[:, 1] / 3,
                np.log1p(to_border) / 5,
                np.full(n, np.log(pixels) / 12),
            ],
            axis=1,
        ).astype(np.float32)

    def of_click(self, region: int) -> Matrix:
        """What a click into a region of this plane says of all its regions (n, features)."""
        if region not in self._clicks:
            alike = self.alike(self.description(region))
            self._clicks[region] = np.concatenate([alike, self._places(region)], axis=1)
        return self._clicks[region]

    def of_click_elsewhere(self, description: dict[str, Matrix]) -> Matrix:
        """What a click into a region of another plane says of all regions of this one."""
        alike = self.alike(description)
        places = np.zeros((len(self), len(PAIR_FEATURES) - N_ALIKE), np.float32)
        return np.concatenate([alike, elsewhere(places)], axis=1)

    def description(self, region: int) -> dict[str, Matrix]:
        """What to compare regions of any plane with."""
        return {
            "kind": self.regions.kind[region],
            "look": self.look[region],
            "deep": self.deep[region],
            "eigenvectors": self.eigenvectors[region],
            "lightness": self.lightness[region],
        }

    def alike(self, description: dict[str, Matrix]) -> Matrix:
        """How alike all regions are to a description (n, N_ALIKE)."""
        features: list[NDArray] = [_distance(self.regions.kind, description["kind"], 1.0) / 2]
        for own, other in ((self.look, description["look"]), (self.deep, description["deep"])):
            features.append(_cosine(own, other))
            features.append(_distance(own, other, own.shape[1]))
        features.append(self.eigenvectors @ description["eigenvectors"])
        features.append(np.abs(self.lightness - description["lightness"]))
        return np.clip(np.stack(features, axis=1), -4, 4).astype(np.float32)

    def _places(self, region: int) -> Matrix:
        graph = self.regions.graph
        levels, areas = self.regions.tree.merging_with(region)
        distance = np.linalg.norm(graph.centers - graph.centers[region], axis=1)
        pixels = graph.labels.size
        return np.stack(
            [
                _distance(self.regions.segment, self.regions.segment[region], 1.0) / 2,
                np.log1p(self._paths(region)),
                levels,
                np.log(areas / pixels) / 5,
                np.log1p(distance) / 5,
                distance / np.sqrt(pixels),
                np.zeros(len(self)),
            ],
            axis=1,
        ).astype(np.float32)

    def _paths(self, region: int) -> NDArray[np.float64]:
        """Length of the cheapest path from a region to all: steps cost more across boundaries."""
        from scipy.sparse.csgraph import dijkstra

        steps = self.regions.graph.adjacency.copy()
        steps.data = steps.data + np.float32(0.02)
        return dijkstra(steps, indices=region)


def elsewhere(places: Matrix) -> Matrix:
    """Features of place of clicks that were made in another plane."""
    places = np.zeros_like(places)
    places[..., -1] = 1
    return places


def _distance(rows: Matrix, row: Matrix, dimensions: float) -> NDArray:
    squared = ((rows - row) ** 2).sum(axis=1) / dimensions
    return np.sqrt(squared)


def _cosine(rows: Matrix, row: Matrix) -> NDArray:
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(row)
    return rows @ row / np.maximum(lengths, 1e-6)
