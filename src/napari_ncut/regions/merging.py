"""In which order regions merge: the weakest boundary first, as far as people would draw it.

How much a boundary counts is estimated from what lies on both of its sides, by a tiny model that is
asked anew at several stages of merging, since larger regions tell more (Arbeláez et al., Contour
detection and hierarchical image segmentation, 2011; Nunez-Iglesias et al., Machine learning of
hierarchical clustering to segment 2D and 3D images, 2013).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ..backbones.compact import PlaneMaps
from .graph import RegionGraph
from .library import load_higra
from .tree import MergeTree

Array = NDArray[np.float32]

# Share of the regions that each stage leaves. More stages ask more often, at more cost.
_LEFT = 0.7
# Fewer regions than this are merged in one stage.
_FEW = 3


@dataclass(frozen=True)
class MergeModel:
    """A perceptron of one hidden layer on standardized features, and what its answers mean.

    Attributes
    ----------
    mean, scale : float32 arrays (d,)
        Of the features.
    hidden, bias : float32 arrays (d, k), (k,)
    output : float32 array (k + 1,)
        Of the hidden layer, and the last bias.
    strengths, levels : float32 arrays (m,)
        Points of the calibration, both ascending.
    """

    mean: Array
    scale: Array
    hidden: Array
    bias: Array
    output: Array
    strengths: Array
    levels: Array

    def strength(self, features: Array) -> Array:
        """Probability of a boundary, (m,), of the features of edges (m, d)."""
        standard = np.clip((features - self.mean) / self.scale, -4, 4)
        logits = np.tanh(standard @ self.hidden + self.bias) @ self.output[:-1] + self.output[-1]
        strengths: Array = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return strengths

    def calibrated(self, strengths: Array) -> Array:
        """The levels of merges at these strengths, above 0 and below 1."""
        levels = np.interp(strengths, self.strengths, self.levels)
        return np.clip(levels, 1e-4, 1 - 1e-4).astype(np.float32)

    @classmethod
    def from_json(cls, text: str) -> MergeModel:
        """What `to_json` wrote."""
        return cls(**{name: np.array(v, np.float32) for name, v in json.loads(text).items()})

    def to_json(self) -> str:
        """Numbers of four digits, a line for each array."""
        lines = [
            f'"{name}": {json.dumps(_rounded(getattr(self, name)), separators=(",", ":"))}'
            for name in self.__dataclass_fields__
        ]
        return "{\n" + ",\n".join(lines) + "\n}\n"


@lru_cache(maxsize=1)
def merge_model() -> MergeModel:
    """The model that comes with the package."""
    path = files("napari_ncut.regions") / "merging.json"
    return MergeModel.from_json(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Merging:
    """Regions at one stage: sums over them and over their edges, so that merging is addition.

    Attributes
    ----------
    areas : float32 array (n,)
    sums : float32 array (n, d)
        Over pixels: color and its squares, embeddings of segments and of kinds, and the squared
        norm of the former.
    edges : int64 array (m, 2)
    lengths, boundary : float32 arrays (m,)
        Sides of pixels, and the sum of the boundary map over them.
    widths : (int, int)
        Numbers of the two embeddings.
    """

    areas: Array
    sums: Array
    edges: NDArray[np.int64]
    lengths: Array
    boundary: Array
    widths: tuple[int, int]

    @classmethod
    def of(cls, graph: RegionGraph, maps: PlaneMaps, plane: Array) -> Merging:
        """Start from the finest regions of a plane (h, w, c)."""
        color = plane if plane.shape[-1] == 3 else plane.mean(axis=-1, keepdims=True)
        color = np.broadcast_to(color, (*plane.shape[:2], 3))
        squares = np.square(maps.segment).sum(axis=-1, keepdims=True)
        means = [
            graph.means(np.concatenate([color, np.square(color)], axis=-1)),
            graph.means(np.concatenate([maps.segment, maps.kind, squares], axis=-1), 2),
        ]
        return cls(
            graph.areas,
            np.concatenate(means, axis=1) * graph.areas[:, np.newaxis],
            graph.edges.astype(np.int64),
            graph.lengths,
            graph.boundary * graph.lengths,
            (maps.segment.shape[-1], maps.kind.shape[-1]),
        )

    def __len__(self) -> int:
        return len(self.areas)

    def contracted(self, groups: NDArray[np.int64]) -> Merging:
        """The regions that these groups (n,) make."""
        n = int(groups.max()) + 1
        sums = np.zeros((n, self.sums.shape[1]), np.float32)
        np.add.at(sums, groups, self.sums)
        ends = np.sort(groups[self.edges], axis=1)
        left = np.flatnonzero(ends[:, 0] != ends[:, 1])
        keys, inverse = np.unique(ends[left, 0] * n + ends[left, 1], return_inverse=True)
        return Merging(
            np.bincount(groups, self.areas).astype(np.float32),
            sums,
            np.stack([keys // n, keys % n], axis=1),
            np.bincount(inverse, self.lengths[left], len(keys)).astype(np.float32),
            np.bincount(inverse, self.boundary[left], len(keys)).astype(np.float32),
            self.widths,
        )

    def features(self) -> Array:
        """What the model judges edges by, (m, d)."""
        from skimage.color import rgb2lab

        n_segment, n_kind = self.widths
        means = self.sums / self.areas[:, np.newaxis]
        color, color_squares = means[:, :3], means[:, 3:6]
        segment, kind = means[:, 6 : 6 + n_segment], means[:, 6 + n_segment :][:, :n_kind]
        lab = rgb2lab(color[np.newaxis])[0].astype(np.float32)
        spread = np.maximum(means[:, -1] - np.square(segment).sum(axis=1), 0)
        noise = np.sqrt(np.maximum(color_squares - np.square(color), 0).sum(axis=1))
        one, other = self.edges.T
        boundary = np.clip(self.boundary / self.lengths, 1e-3, 1 - 1e-3)
        perimeters = np.bincount(
            self.edges.T.ravel(), np.tile(self.lengths, 2), minlength=len(self)
        )
        weakest = np.ones(len(self), np.float32)
        np.minimum.at(weakest, self.edges, boundary[:, np.newaxis])
        strongest = np.zeros(len(self), np.float32)
        np.maximum.at(strongest, self.edges, boundary[:, np.newaxis])
        smaller = np.where(self.areas[one] <= self.areas[other], one, other)
        larger = one + other - smaller
        apart = _distances(segment, self.edges)
        columns = [
            np.log(boundary / (1 - boundary)),
            boundary,
            np.sqrt(apart),
            np.minimum(apart, 8),
            np.sqrt(_distances(kind, self.edges)),
            np.log1p(np.sqrt(_distances(lab, self.edges))),
            np.log(0.01 + np.sqrt(_distances(color, self.edges))),
            np.log(0.02 + noise[smaller]),
            np.log(0.02 + noise[larger]),
            np.sqrt(spread[smaller]),
            np.sqrt(spread[larger]),
            np.log(self.areas[smaller]),
            np.log(self.areas[larger]),
            np.log(self.lengths),
            self.lengths / perimeters[smaller],
            self.lengths / perimeters[larger],
            boundary - weakest[smaller],
            boundary - weakest[larger],
            strongest[smaller],
        ]
        return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Stage:
    """One stage: edges with their strengths, and the groups (n,) that are made of the regions."""

    merging: Merging
    features: Array
    strengths: Array
    groups: NDArray[np.int64]
    parents: NDArray[np.int64]
    merged_at: Array


def stages(merging: Merging, model: MergeModel, left: float = _LEFT) -> Iterator[Stage]:
    """Merge region by region until one is left.

    ``parents`` (n + k,) of a stage are those of its n regions and k merges, n + k where none;
    ``merged_at`` (k,) the strengths of its merges.
    """
    while len(merging) > 1:
        n = len(merging)
        n_left = max(1, int(n * left)) if n > _FEW else 1
        features = merging.features()
        strengths = model.strength(features)
        parents, heights = _average_linkage(n, merging.edges, strengths, merging.lengths)
        n_nodes = 2 * n - n_left
        parents, heights = parents[:n_nodes], heights[n:n_nodes]
        parents = np.where(parents < n_nodes, parents, n_nodes)
        parents[-1] = n_nodes
        groups = _topmost(parents, n)
        yield Stage(merging, features, strengths, groups, parents, heights)
        merging = merging.contracted(groups)


def merge_tree(
    graph: RegionGraph, maps: PlaneMaps, plane: Array, *, model: MergeModel | None = None
) -> MergeTree:
    """The tree in which regions merge.

    Parameters
    ----------
    graph
        The finest regions.
    maps
        What the network says of the plane.
    plane
        The plane, (h, w, c) in [0, 1].
    model
        Another than comes with the package.
    """
    model = model or merge_model()
    n_regions = len(graph)
    parents = np.full(2 * n_regions - 1, 2 * n_regions - 2)
    strengths = np.zeros(n_regions - 1, np.float32)
    nodes, n_nodes = np.arange(n_regions), n_regions
    for stage in stages(Merging.of(graph, maps, plane), model):
        n, k = len(nodes), len(stage.merged_at)
        everywhere = np.concatenate([nodes, np.arange(n_nodes, n_nodes + k)])
        inside = np.flatnonzero(stage.parents < n + k)
        parents[everywhere[inside]] = everywhere[stage.parents[inside]]
        strengths[n_nodes - n_regions :][:k] = stage.merged_at
        nodes = everywhere[np.flatnonzero(stage.parents == n + k)]
        n_nodes += k
    return MergeTree.of(parents, model.calibrated(strengths), graph.areas)


def tree_of_levels(graph: RegionGraph, levels: Array) -> MergeTree:
    """The tree of average linkage when each edge of a graph has a level, (m,), by itself."""
    parents, heights = _average_linkage(len(graph), graph.edges, levels, graph.lengths)
    return MergeTree.of(parents, heights, graph.areas)


def _average_linkage(
    n: int, edges: NDArray, strengths: Array, lengths: Array
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Parents and heights (2n - 1,) over n regions, nodes in the order of merging."""
    higra = load_higra()

    graph = higra.UndirectedGraph(n)
    graph.add_edges(*edges.astype(np.int64).T)
    tree, heights = higra.binary_partition_tree_average_linkage(
        graph, strengths.astype(np.float64), lengths.astype(np.float64)
    )
    return tree.parents().astype(np.int64), heights.astype(np.float32)


def _topmost(parents: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Number of the highest node above each of the first n, in the order of nodes."""
    last = len(parents)
    above = np.where(parents < last, parents, np.arange(last))
    while not np.array_equal(above, further := above[above]):
        above = further
    numbers = np.cumsum(parents == last) - 1
    groups: NDArray[np.int64] = numbers[above[:n]]
    return groups


def _distances(means: Array, edges: NDArray[np.int64]) -> Array:
    distances: Array = np.square(means[edges[:, 0]] - means[edges[:, 1]]).sum(axis=1)
    return distances


def _rounded(values: Array) -> list:
    rounded: list = [
        _rounded(value) if value.ndim else float(f"{value:.4g}") for value in np.asarray(values)
    ]
    return rounded
