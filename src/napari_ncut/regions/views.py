"""Small planes are looked at more than once, and how their regions merge is the mean of all looks.

In one look the network is now and then mistaken by chance; mirrored, or a little smaller, it is
mistaken elsewhere. That is known as test-time augmentation (Krizhevsky et al., ImageNet
classification with deep convolutional neural networks, 2012). The mean is of the levels at which
neighbors merge, as a mean of boundary maps would blur boundaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..backbones.compact import Compact, PlaneMaps
from .graph import RegionGraph
from .merging import merge_tree, tree_of_levels
from .tree import MergeTree

Image = NDArray[np.float32]

# Pixels that all looks at a plane may have together, as long as a plane has fewer than these: no
# plane takes longer than one of about a megapixel.
_BUDGET = 1.2e6
# Sides are multiples of so many pixels, three quarters of which are whole cells of two.
_CELLS = 8


@dataclass(frozen=True)
class View:
    """A plane at another scale, and mirrored or not."""

    scale: float
    mirrored: bool

    def of(self, plane: Image) -> Image:
        """What is seen of a plane (h, w, c)."""
        padded = np.pad(plane, [(0, -n % _CELLS) for n in plane.shape[:2]] + [(0, 0)], "symmetric")
        return self._turned(_resized(padded, self.scale))

    def undone(self, maps: PlaneMaps, shape: tuple[int, int]) -> PlaneMaps:
        """Maps of what was seen as those of the plane itself, of that shape; without a pyramid."""
        boundary, segment, kind = (
            _resized(self._turned(one), 1 / self.scale)
            for one in (maps.boundary[..., np.newaxis], maps.segment, maps.kind)
        )
        halves = (slice(-(-shape[0] // 2)), slice(-(-shape[1] // 2)))
        return replace(
            maps,
            boundary=boundary[: shape[0], : shape[1], 0],
            segment=segment[halves],
            kind=kind[halves],
            pyramid=(),
        )

    def _turned(self, image: Image) -> Image:
        return image[:, ::-1] if self.mirrored else image


# Those that help most for what they cost come first: smaller ones.
VIEWS = (View(0.75, True), View(0.75, False), View(1.0, True))


def affordable(n_pixels: int) -> Iterator[View]:
    """The views there are besides the plane itself."""
    spent = float(n_pixels)
    for view in VIEWS:
        spent += n_pixels * view.scale**2
        if spent > _BUDGET:
            return
        yield view


def viewed_tree(
    graph: RegionGraph,
    maps: PlaneMaps,
    plane: Image,
    network: Compact,
) -> MergeTree:
    """`merge_tree` by all looks that a network can afford."""
    tree = merge_tree(graph, maps, plane)
    views = list(affordable(plane.shape[0] * plane.shape[1]))
    if not views or len(graph) < 2:
        return tree
    looks = [_levels(graph, tree)]
    for view in views:
        found = network.maps(np.ascontiguousarray(view.of(plane)), keep=False)
        seen = view.undone(found, graph.labels.shape)
        again = RegionGraph.of(graph.labels, seen.boundary)
        looks.append(_levels(graph, merge_tree(again, seen, plane)))
    return tree_of_levels(graph, np.mean(looks, axis=0, dtype=np.float32))


def _levels(graph: RegionGraph, tree: MergeTree) -> NDArray[np.float32]:
    """At which level the two regions of each edge become one, (m,)."""
    levels: NDArray[np.float32] = tree.levels[tree.common(*graph.edges.T)]
    return levels


def _resized(image: Image, scale: float) -> Image:
    """Bilinear samples (h, w, d) of an image."""
    if scale == 1:
        return image
    import torch
    from torch.nn.functional import interpolate

    shape = (round(image.shape[0] * scale), round(image.shape[1] * scale))
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[np.newaxis])
    resized = interpolate(tensor, shape, mode="bilinear", align_corners=False)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())
